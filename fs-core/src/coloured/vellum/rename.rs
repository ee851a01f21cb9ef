//! Renaming: one transaction, whatever it replaces and commits.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Batch, DELETE_COST, Purpose};
use super::names::Entry;
use super::remove::{DIRECTORY_COST, INODE_COST, OBJECT_COST, entry_cost};
use super::{Vellum, touched};
use crate::api::{RenameMode, VnodeId};
use crate::error::{Error, Result};
use crate::format::directory::Directory;
use crate::format::dirent::DirentView;
use crate::format::inode::{Inode, NodeType};
use crate::format::key::Key;
use crate::format::name::Name;
use crate::format::superblock::DEPTH_MAX;
use crate::memory::{EntryKey, Home};
use crate::mutant::{self, Mutant};
use crate::units::ObjectId;

/// What a rename is going to do.
pub(super) struct Plan {
    pub source: Entry,
    /// The attributes of the source as they are stored.
    pub stored: Inode,
    pub target: Option<(Entry, Inode)>,
    /// Where the new entry goes: over the target's, or into a free slot.
    pub key: Key,
    pub from: ObjectId,
    pub to: ObjectId,
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    pub(super) async fn move_entry(
        &mut self,
        from: VnodeId,
        old: &[u8],
        to: VnodeId,
        new: &[u8],
        mode: RenameMode,
    ) -> Result<()> {
        let Some(plan) = self.plan_move(from, old, to, new, mode).await? else { return Ok(()) };
        let (old, new) = (self.checked(old)?, self.checked(new)?);
        if mode == RenameMode::Swap {
            return self.swap_entries(&plan, old, new).await;
        }
        self.refuse_move(&plan).await?;
        self.reap_some().await?;
        // What does not fit into one transaction with the names is committed before it.
        self.require_space().await?;
        self.commit_large(plan.source.object).await?;
        let batch = self.txn.begin(self.move_cost(&plan, new)?, Purpose::Grow).await?;
        self.commit_move(batch, &plan, new).await
    }

    /// What a rename is going to do; `None` if nothing. Not inlined: what it is put together from
    /// is not on the stack of what follows.
    #[inline(never)]
    pub(super) async fn plan_move(
        &mut self,
        from: VnodeId,
        old: &[u8],
        to: VnodeId,
        new: &[u8],
        mode: RenameMode,
    ) -> Result<Option<Plan>> {
        let (from, to) = (self.directory(from)?, self.directory(to)?);
        let new = self.checked(new)?;
        self.writable()?;
        let source = self.existing(from, old).await?;
        let stored = self.inode_of(&source).await?;
        let (key, target) = match self.find(to, new).await? {
            Ok(entry) => (entry.key, Some((entry, self.inode_of(&entry).await?))),
            Err(key) => (key, None),
        };
        match (mode, &target) {
            (RenameMode::Exclusive, Some(_)) => Err(Error::Exists),
            (RenameMode::Swap, None) => Err(Error::NotFound),
            // The same entry, or two names of one object: both stay, as POSIX has it.
            (_, Some((target, _))) if target.object == source.object => Ok(None),
            _ => Ok(Some(Plan { source, stored, target, key, from, to })),
        }
    }

    pub(super) async fn refuse_move(&mut self, plan: &Plan) -> Result<()> {
        let is_directory = |entry: &Entry| entry.kind == NodeType::Directory;
        if let Some((target, _)) = &plan.target {
            match (is_directory(&plan.source), is_directory(target)) {
                (false, true) => return Err(Error::IsADirectory),
                (true, false) => return Err(Error::NotADirectory),
                (true, true) if !self.is_empty(target.object).await? => {
                    return Err(Error::NotEmpty);
                }
                _ => {}
            }
        }
        self.refuse_loop(&plan.source, plan.to).await
    }

    /// Refuses to put a directory into itself, or where nothing can be made.
    pub(super) async fn refuse_loop(&mut self, moved: &Entry, into: ObjectId) -> Result<()> {
        if moved.kind != NodeType::Directory {
            return Ok(());
        }
        let (depth, met) = self.way_up(into, moved.object).await?;
        match (met, depth >= DEPTH_MAX) {
            (true, _) => Err(Error::WouldLoop),
            (false, true) => Err(Error::TooDeep),
            (false, false) => Ok(()),
        }
    }

    /// Adds all that `plan` changes to `batch`, but for the old name. Gives the attributes of the
    /// source afterwards, and those that are left of the target if it has another name.
    pub(super) async fn stage_move(
        &mut self,
        batch: &mut Batch,
        plan: &Plan,
        name: Name<'_>,
    ) -> Result<(Inode, Option<Inode>)> {
        let vnode = self.table.locate(plan.source.object);
        let with_draft = !mutant::on(Mutant::RenameWithoutDraft);
        let inode = self.moved_inode(plan.stored, vnode, with_draft)?;
        let place = (plan.key, plan.target.is_none());
        self.put_renamed(batch, &plan.source, place, plan.to, &inode, name)?;
        if let (Some(vnode), true) = (vnode, with_draft) {
            self.put_content(batch, vnode, &inode)?;
        }
        let left = plan.target.and_then(|(_, target)| self.left_by(&target));
        if let Some((target, inode)) = &plan.target {
            self.drop_object(batch, target, inode, left.as_ref()).await?;
        }
        Ok((inode, left))
    }

    #[inline(never)]
    async fn commit_move(&mut self, mut batch: Batch, plan: &Plan, name: Name<'_>) -> Result<()> {
        let (inode, left) = self.stage_move(&mut batch, plan, name).await?;
        if mutant::on(Mutant::RenameInTwoRecords) {
            self.txn.commit(batch).await?;
            batch = self.txn.begin(DELETE_COST, Purpose::Shrink).await?;
        }
        self.txn.delete(&mut batch, plan.source.key)?;
        self.txn.commit(batch).await?;
        if let Some((target, _)) = &plan.target {
            self.entry_gone(target, left)?;
        }
        if let (Some(vnode), false) =
            (self.table.locate(plan.source.object), mutant::on(Mutant::RenameWithoutDraft))
        {
            self.content_committed(vnode, inode)?;
        }
        self.moved(&plan.source, (plan.key, name), plan.to, inode)
    }
}

impl<D> Vellum<'_, D> {
    /// The old entry goes, and what a replaced name leaves; the new entry comes, with the source's
    /// content, or the item of its own that it has.
    pub(super) fn move_cost(&self, plan: &Plan, name: Name<'_>) -> Result<usize> {
        let replaced = plan.target.map_or(0, |_| OBJECT_COST);
        let content = match self.table.locate(plan.source.object) {
            Some(vnode) => self.content_cost(vnode)?,
            None => 0,
        };
        let costs = [DELETE_COST, replaced, content, moved_cost(&plan.source, name)];
        Ok(costs.iter().fold(0, |sum, cost| sum.saturating_add(*cost)))
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

    /// Adds to `batch` what `entry` leads to under another name at `key`, which is `absent` or
    /// not, and its item if it has one.
    pub(super) fn put_renamed(
        &mut self,
        batch: &mut Batch,
        entry: &Entry,
        (key, absent): (Key, bool),
        parent: ObjectId,
        inode: &Inode,
        name: Name<'_>,
    ) -> Result<()> {
        let Entry { object, kind, .. } = *entry;
        let embedded = entry.inode.map(|_| *inode);
        let view = DirentView { object, kind, inode: embedded, name };
        self.put_entry(batch, key, &view, absent)?;
        match (kind, embedded) {
            (NodeType::Directory, _) => {
                let moved = Directory { inode: *inode, parent };
                self.put_directory(batch, object, &moved, false)
            }
            (_, None) => self.put_inode(batch, object, inode, false),
            (_, Some(_)) => Ok(()),
        }
    }

    /// What `entry` led to is at `key` of `parent` now, durably.
    pub(super) fn moved(
        &mut self,
        entry: &Entry,
        (key, name): (Key, Name<'_>),
        parent: ObjectId,
        inode: Inode,
    ) -> Result<()> {
        let Some(vnode) = self.table.locate(entry.object) else { return Ok(()) };
        let node = self.table.get_mut(vnode)?;
        node.inode = inode;
        match node.home {
            Home::Entry(_) => {
                node.home = Home::Entry(EntryKey::of(key));
                node.name = u8::try_from(name.as_bytes().len()).unwrap_or(u8::MAX);
            }
            Home::Directory(_) => node.home = Home::Directory(parent),
            Home::Item | Home::Nowhere => {}
        }
        Ok(())
    }
}

/// What the entry of something that is renamed costs, with the item that it may have.
pub(super) fn moved_cost(entry: &Entry, name: Name<'_>) -> usize {
    let item = match (entry.kind, entry.inode) {
        (NodeType::Directory, _) => DIRECTORY_COST,
        (_, None) => INODE_COST,
        (_, Some(_)) => 0,
    };
    entry_cost(entry.inode.is_some(), name.as_bytes().len()).saturating_add(item)
}
