//! Replacing a whole content that is too large for one item.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::Purpose;
use super::Vellum;
use super::content::SIZE_MAX;
use super::names::Entry;
use super::plan::Changes;
use super::remove::entry_cost;
use crate::api::VnodeId;
use crate::error::{Error, Result};
use crate::format::dirent::DirentView;
use crate::format::inode::{Inode, NodeType};
use crate::format::key::Key;
use crate::format::name::Name;
use crate::memory::{EntryKey, Home, Node};
use crate::units::ObjectId;

/// What giving object ids away costs: a few bytes in the record.
pub(super) const IDS_COST: usize = 8;

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Makes `content` the content of the file `name`, in one transaction at the end. Until then it
    /// belongs to a file that has no name: whoever uses the old one sees the old content, and after
    /// an error or a drop nothing has changed.
    pub(super) async fn replace_large(
        &mut self,
        directory: VnodeId,
        name: &[u8],
        content: &[u8],
    ) -> Result<()> {
        let parent = self.directory(directory)?;
        let name = self.checked(name)?;
        self.writable()?;
        let found = self.find(parent, name).await?;
        if found.is_ok_and(|entry| entry.kind == NodeType::Directory) {
            return Err(Error::IsADirectory);
        }
        self.reap_some().await?;
        let vnode = self.nameless().await?;
        let replaced = self.fill(vnode, content).await;
        let replaced = match (replaced, found) {
            (Ok(()), Ok(entry)) => self.hand_over(vnode, &entry).await,
            (Ok(()), Err(key)) => self.commit_named(vnode, key, name).await,
            (failed, _) => failed,
        };
        self.table.put(vnode);
        replaced
    }

    pub(super) async fn fill(&mut self, vnode: VnodeId, content: &[u8]) -> Result<()> {
        let mut done = 0_usize;
        while let Some(rest) = content.get(done..).filter(|rest| !rest.is_empty()) {
            match self.write_at(vnode, done as u64, rest).await? {
                0 => return Err(Error::Bug),
                taken => done = done.saturating_add(taken),
            }
        }
        Ok(())
    }

    /// Gives the draft of `vnode` to the file of `entry` and commits it. `vnode` gets that of the
    /// file, and gives it back if the commit fails.
    async fn hand_over(&mut self, vnode: VnodeId, entry: &Entry) -> Result<()> {
        let target = self.hold_entry(entry).await?;
        let committed = self.take_over(vnode, target).await;
        self.table.put(target);
        committed
    }

    async fn take_over(&mut self, vnode: VnodeId, target: VnodeId) -> Result<()> {
        self.not_written(target, 0, SIZE_MAX)?;
        let inode = self.node(target)?.inode;
        let stored = self.stored(&inode).await?;
        self.draft_mut(vnode)?.stored = stored;
        self.swap_drafts(vnode, target)?;
        let committed = self.commit_content(target).await;
        if committed.is_err() {
            self.swap_drafts(vnode, target)?;
        }
        committed
    }

    /// Gives `vnode` a name and commits its content with it.
    async fn commit_named(&mut self, vnode: VnodeId, key: Key, name: Name<'_>) -> Result<()> {
        let counted = self.prepare(vnode).await?;
        let cost = counted.cost.saturating_add(entry_cost(true, name.as_bytes().len()));
        let cost = cost.saturating_add(IDS_COST);
        let mut batch = self.txn.begin_runs(cost, counted.runs, Purpose::Grow).await?;
        let object = self.table.object(vnode)?;
        let inode = self.committed_inode(vnode)?;
        let view = DirentView { object, kind: NodeType::File, inode: Some(inode), name };
        self.put_entry(&mut batch, key, &view, true)?;
        let mut changes = Changes::into_batch(&mut batch);
        self.plan_content(&mut changes, vnode).await?;
        let next = self.txn.next_object().0.max(object.0.saturating_add(1));
        changes.ids(&mut self.txn, ObjectId(next))?;
        self.txn.commit(batch).await?;
        let node = self.table.get_mut(vnode)?;
        node.home = Home::Entry(EntryKey::of(key));
        node.name = u8::try_from(name.as_bytes().len()).unwrap_or(u8::MAX);
        self.table.paid(vnode);
        self.content_committed(vnode, inode)
    }

    /// A vnode of a new file that has no name yet, held; what is left of it goes with its debt.
    pub(super) async fn nameless(&mut self) -> Result<VnodeId> {
        let object = self.txn.next_object();
        if let Some(left) = self.table.locate(object) {
            self.drop_draft(left)?;
            self.table.recycle(left)?;
        }
        let inode = Inode::new(NodeType::File, (self.clock)());
        let node = Node::new(Home::Nowhere, inode, 0);
        let vnode = self.take_slot(object, node).await?;
        self.table.owe(vnode)?;
        Ok(vnode)
    }
}

impl<D> Vellum<'_, D> {
    fn swap_drafts(&mut self, one: VnodeId, other: VnodeId) -> Result<()> {
        let draft = self.table.get_mut(one)?.draft.take();
        let draft = core::mem::replace(&mut self.table.get_mut(other)?.draft, draft);
        self.table.get_mut(one)?.draft = draft;
        Ok(())
    }
}
