//! Content of files: read from the item or the draft, written to the draft, committed as one item.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Batch, DELETE_COST, Purpose, put_cost};
use super::{Vellum, touched};
use crate::api::VnodeId;
use crate::error::{Error, Malformed, Result, corrupt};
use crate::format::inline::{self, BYTES_MAX};
use crate::format::inode::Inode;
use crate::memory::{Draft, Home, Node};
use crate::units::ObjectId;

/// Sizes are 48 bits wide on the medium.
const SIZE_MAX: u64 = (1 << 48) - 1;

impl<D> Vellum<'_, D> {
    /// The draft of `vnode`, if it has one.
    pub(super) fn draft_of(&self, vnode: VnodeId) -> Result<Option<&Draft>> {
        let Some(number) = self.node(vnode)?.draft else { return Ok(None) };
        self.drafts.get(usize::from(number)).map(Some).ok_or(Error::Bug)
    }

    fn draft_mut(&mut self, vnode: VnodeId) -> Result<&mut Draft> {
        let number = self.node(vnode)?.draft.ok_or(Error::Bug)?;
        self.drafts.get_mut(usize::from(number)).ok_or(Error::Bug)
    }

    /// Abandons the draft of `vnode`, if it has one.
    pub(super) fn drop_draft(&mut self, vnode: VnodeId) -> Result<()> {
        let Some(number) = self.table.get_mut(vnode)?.draft.take() else { return Ok(()) };
        self.drafts.get_mut(usize::from(number)).ok_or(Error::Bug)?.used = false;
        Ok(())
    }

    /// Bytes of content of `vnode`, those of the draft if there is one.
    pub(super) fn size_of(&self, vnode: VnodeId) -> Result<u64> {
        let size = self.draft_of(vnode)?.map(|draft| draft.size);
        Ok(size.unwrap_or(self.node(vnode)?.inode.size))
    }

    /// The attributes that `vnode` has once its draft is committed.
    pub(super) fn committed_inode(&self, vnode: VnodeId) -> Result<Inode> {
        let object = self.table.object(vnode)?;
        let inode = self.node(vnode)?.inode;
        let Some(draft) = self.draft_of(vnode)? else { return Ok(inode) };
        let mut inode = touched(inode, (self.clock)(), true);
        inode.size = draft.size;
        inode.valid = draft.valid as u64;
        if draft.valid > 0 && inode.data == ObjectId(0) {
            inode.data = object;
        }
        Ok(inode)
    }

    /// What committing the draft of `vnode` costs: the content, or that there is none any more.
    pub(super) fn content_cost(&self, vnode: VnodeId) -> Result<usize> {
        let draft = self.draft_of(vnode)?;
        Ok(draft.map_or(0, |draft| put_cost(draft.valid).max(DELETE_COST)))
    }

    /// Adds the content of `vnode`'s draft to `batch`; `inode` is what it will have.
    pub(super) fn put_content(
        &mut self,
        batch: &mut Batch,
        vnode: VnodeId,
        inode: &Inode,
    ) -> Result<()> {
        let Node { inode: old, draft, .. } = *self.node(vnode)?;
        let Some(number) = draft else { return Ok(()) };
        let draft = self.drafts.get(usize::from(number)).ok_or(Error::Bug)?;
        let absent = old.valid == 0;
        match (draft.valid, absent) {
            (0, true) => Ok(()),
            (0, false) => self.txn.delete(batch, inline::key(old.data)),
            _ => self.txn.put(batch, inline::key(inode.data), draft.content(), absent),
        }
    }

    /// What was added by `put_content` is durable.
    pub(super) fn content_committed(&mut self, vnode: VnodeId, inode: Inode) -> Result<()> {
        self.drop_draft(vnode)?;
        self.table.get_mut(vnode)?.inode = inode;
        Ok(())
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Copies the committed content of a file to `target`.
    async fn load(&mut self, inode: &Inode, target: &mut [u8; BYTES_MAX]) -> Result<usize> {
        if inode.valid == 0 {
            return Ok(0);
        }
        let damaged = corrupt(self.txn.state().scalars.root.block);
        let found = self.txn.get(inline::key(inode.data), target).await?;
        match found {
            Some(length) if length as u64 == inode.valid => Ok(length),
            _ => Err(damaged(Malformed::Field("valid"))),
        }
    }

    pub(super) async fn read_at(
        &mut self,
        vnode: VnodeId,
        offset: u64,
        target: &mut [u8],
    ) -> Result<usize> {
        self.file(vnode)?;
        let mut loaded = [0; BYTES_MAX];
        let size = self.size_of(vnode)?;
        let inode = self.node(vnode)?.inode;
        let content = if let Some(draft) = self.draft_of(vnode)? {
            draft.content()
        } else {
            let valid = self.load(&inode, &mut loaded).await?;
            loaded.get(..valid).ok_or(Error::Bug)?
        };
        let rest = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = rest.min(target.len());
        let target = target.get_mut(..count).ok_or(Error::Bug)?;
        target.fill(0);
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let valid = content.get(from..).unwrap_or_default();
        for (byte, valid) in target.iter_mut().zip(valid) {
            *byte = *valid;
        }
        Ok(count)
    }

    /// Gives `vnode` a draft with its committed content, unless it has one.
    async fn make_draft(&mut self, vnode: VnodeId) -> Result<()> {
        self.file(vnode)?;
        self.writable()?;
        if self.node(vnode)?.draft.is_some() {
            return Ok(());
        }
        if self.drafts.iter().all(|draft| draft.used) {
            self.commit_unused().await?;
        }
        let free = self.drafts.iter().position(|draft| !draft.used).ok_or(Error::NoDraft)?;
        let mut bytes = [0; BYTES_MAX];
        let inode = self.node(vnode)?.inode;
        let valid = self.load(&inode, &mut bytes).await?;
        let draft = self.drafts.get_mut(free).ok_or(Error::Bug)?;
        *draft = Draft { used: true, size: inode.size, valid, bytes };
        self.table.get_mut(vnode)?.draft = Some(u8::try_from(free).map_err(|_| Error::Bug)?);
        Ok(())
    }

    pub(super) async fn write_at(
        &mut self,
        vnode: VnodeId,
        offset: u64,
        source: &[u8],
    ) -> Result<usize> {
        self.file(vnode)?;
        self.writable()?;
        let from = usize::try_from(offset).map_err(|_| Error::TooLarge)?;
        let end = from.checked_add(source.len()).filter(|end| *end <= BYTES_MAX);
        let end = end.ok_or(Error::TooLarge)?;
        // Space is asked for now, so that committing cannot fail for lack of it.
        self.txn.require_space().await?;
        if source.is_empty() {
            return Ok(0);
        }
        self.make_draft(vnode).await?;
        let draft = self.draft_mut(vnode)?;
        if let Some(gap) = draft.bytes.get_mut(draft.valid..from) {
            gap.fill(0);
        }
        draft.bytes.get_mut(from..end).ok_or(Error::Bug)?.copy_from_slice(source);
        draft.valid = draft.valid.max(end);
        draft.size = draft.size.max(end as u64);
        Ok(source.len())
    }

    pub(super) async fn resize(&mut self, vnode: VnodeId, size: u64) -> Result<()> {
        self.file(vnode)?;
        if size > SIZE_MAX {
            return Err(Error::TooLarge);
        }
        if size > self.size_of(vnode)? {
            self.txn.require_space().await?;
        }
        self.make_draft(vnode).await?;
        let draft = self.draft_mut(vnode)?;
        draft.size = size;
        draft.valid = draft.valid.min(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(())
    }

    /// Commits the draft of `vnode`: one transaction, old or new. A file whose name is gone has
    /// nothing to commit to: its draft stays until its last close.
    pub(super) async fn commit_content(&mut self, vnode: VnodeId) -> Result<()> {
        let Node { home, draft, .. } = *self.node(vnode)?;
        if home == Home::Nowhere || draft.is_none() {
            return Ok(());
        }
        self.writable()?;
        let cost = self.content_cost(vnode)?.saturating_add(self.attributes_cost(vnode)?);
        let mut batch = self.txn.begin(cost, Purpose::Shrink).await?;
        let inode = self.committed_inode(vnode)?;
        self.put_content(&mut batch, vnode, &inode)?;
        self.put_attributes(&mut batch, vnode, &inode).await?;
        self.txn.commit(batch).await?;
        self.content_committed(vnode, inode)
    }

    /// Commits the draft of one file that nobody has open, if there is one: its last handle was
    /// dropped without a close.
    pub(super) async fn commit_unused(&mut self) -> Result<bool> {
        let unused = self.table.iter().find(|(vnode, node)| {
            let uncommitted = node.draft.is_some() && node.home != Home::Nowhere;
            uncommitted && self.table.uses(*vnode) == Ok(0)
        });
        let Some((vnode, _)) = unused else { return Ok(false) };
        self.commit_content(vnode).await?;
        Ok(true)
    }

    /// Commits every draft, one transaction each.
    pub(super) async fn commit_all(&mut self) -> Result<()> {
        while let Some(vnode) = self.next_uncommitted() {
            self.commit_content(vnode).await?;
        }
        self.txn.sync().await
    }
}

impl<D> Vellum<'_, D> {
    fn next_uncommitted(&self) -> Option<VnodeId> {
        let mut nodes = self.table.iter();
        nodes.find_map(|(vnode, node)| {
            (node.draft.is_some() && node.home != Home::Nowhere).then_some(vnode)
        })
    }
}
