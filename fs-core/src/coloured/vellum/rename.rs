//! Renaming: one transaction, whatever it replaces and commits.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Batch, DELETE_COST, Purpose};
use super::names::Entry;
use super::remove::{DIRECTORY_COST, INTENT_COST, entry_cost};
use super::{Vellum, touched};
use crate::api::VnodeId;
use crate::error::{Error, Result};
use crate::format::directory::Directory;
use crate::format::inode::{Inode, NodeType};
use crate::format::key::Key;
use crate::format::name::Name;
use crate::format::superblock::DEPTH_MAX;
use crate::memory::Home;
use crate::mutant::{self, Mutant};
use crate::units::ObjectId;

/// The old entry goes, and the target's content or item, now or by an intent.
const FIXED_COST: usize = DELETE_COST + DELETE_COST + INTENT_COST;

/// What a rename is going to do.
struct Plan {
    source: Entry,
    target: Option<Entry>,
    /// Where the new entry goes: over the target's, or into a free slot.
    key: Key,
    from: ObjectId,
    to: ObjectId,
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    pub(super) async fn move_entry(
        &mut self,
        from: VnodeId,
        old: &[u8],
        to: VnodeId,
        new: &[u8],
    ) -> Result<()> {
        let (from, to) = (self.directory(from)?, self.directory(to)?);
        let name = self.checked(new)?;
        self.writable()?;
        let source = self.existing(from, old).await?;
        let (key, target) = match self.find(to, name).await? {
            Ok(entry) => (entry.key, Some(entry)),
            Err(key) => (key, None),
        };
        if target.is_some_and(|target| target.key == source.key) {
            return Ok(());
        }
        let plan = Plan { source, target, key, from, to };
        self.refuse_move(&plan).await?;
        self.reap_some().await?;
        let cost = self.move_cost(&plan, name)?;
        let batch = self.txn.begin(cost, Purpose::Grow).await?;
        self.commit_move(batch, &plan, name).await
    }

    async fn refuse_move(&mut self, plan: &Plan) -> Result<()> {
        let is_directory = |entry: &Entry| entry.kind == NodeType::Directory;
        match (is_directory(&plan.source), &plan.target) {
            (false, Some(target)) if is_directory(target) => return Err(Error::IsADirectory),
            (true, Some(target)) if !is_directory(target) => return Err(Error::NotADirectory),
            (true, Some(target)) if !self.is_empty(target.object).await? => {
                return Err(Error::NotEmpty);
            }
            _ => {}
        }
        if is_directory(&plan.source) {
            let (depth, met) = self.way_up(plan.to, plan.source.object).await?;
            if met {
                return Err(Error::WouldLoop);
            }
            if depth >= DEPTH_MAX {
                return Err(Error::TooDeep);
            }
        }
        Ok(())
    }

    async fn commit_move(&mut self, mut batch: Batch, plan: &Plan, name: Name<'_>) -> Result<()> {
        let vnode = self.table.locate(plan.source.object);
        let with_draft = !mutant::on(Mutant::RenameWithoutDraft);
        let stored = match plan.source.inode {
            Some(inode) => inode,
            None => self.read_directory(plan.source.object).await?.inode,
        };
        let inode = self.moved_inode(stored, vnode, with_draft)?;
        self.put_entry(
            &mut batch,
            plan.key,
            plan.source.object,
            &inode,
            name,
            plan.target.is_none(),
        )?;
        if let (Some(vnode), true) = (vnode, with_draft) {
            self.put_content(&mut batch, vnode, &inode)?;
        }
        self.drop_target(&mut batch, plan)?;
        if inode.kind == NodeType::Directory && plan.from != plan.to {
            let moved = Directory { inode, parent: plan.to };
            self.put_directory(&mut batch, plan.source.object, &moved, false)?;
        }
        if mutant::on(Mutant::RenameInTwoRecords) {
            self.txn.commit(batch).await?;
            batch = self.txn.begin(DELETE_COST, Purpose::Shrink).await?;
        }
        self.txn.delete(&mut batch, plan.source.key)?;
        self.txn.commit(batch).await?;
        if let Some(target) = &plan.target {
            self.entry_gone(target)?;
        }
        self.moved(plan, vnode, inode, with_draft)
    }
}

impl<D> Vellum<'_, D> {
    /// The fixed part, the new entry, and the source's content or a moved directory's item.
    fn move_cost(&self, plan: &Plan, name: Name<'_>) -> Result<usize> {
        let item = match self.table.locate(plan.source.object) {
            _ if plan.source.kind == NodeType::Directory => DIRECTORY_COST,
            Some(vnode) => self.content_cost(vnode)?,
            None => 0,
        };
        let entry = entry_cost(plan.source.kind, name);
        Ok(FIXED_COST.saturating_add(entry).saturating_add(item))
    }

    /// The attributes that the source has afterwards: those of its draft, if it has one.
    fn moved_inode(
        &self,
        stored: Inode,
        vnode: Option<VnodeId>,
        with_draft: bool,
    ) -> Result<Inode> {
        let inode = match vnode {
            Some(vnode) if with_draft => self.committed_inode(vnode)?,
            _ => stored,
        };
        Ok(touched(inode, (self.clock)(), false))
    }

    fn drop_target(&mut self, batch: &mut Batch, plan: &Plan) -> Result<()> {
        let Some(target) = plan.target else { return Ok(()) };
        match target.inode {
            Some(inode) => self.drop_content(batch, &target, &inode),
            None => self.txn.delete(batch, Directory::key(target.object)),
        }
    }

    fn moved(
        &mut self,
        plan: &Plan,
        vnode: Option<VnodeId>,
        inode: Inode,
        with_draft: bool,
    ) -> Result<()> {
        let Some(vnode) = vnode else { return Ok(()) };
        if with_draft {
            self.content_committed(vnode, inode)?;
        }
        let node = self.table.get_mut(vnode)?;
        if inode.kind == NodeType::Directory {
            node.parent = plan.to;
        } else {
            node.home = Home::Entry(plan.key);
        }
        Ok(())
    }
}
