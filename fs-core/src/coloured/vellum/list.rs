//! Several changes as one record.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Batch, DELETE_COST, Purpose, Txn};
use super::super::vnode::{Step, Transact};
use super::Vellum;
use super::names::Entry;
use super::remove::OBJECT_COST;
use super::rename::Plan;
use crate::api::{RenameMode, VnodeId};
use crate::error::{Error, Result};
use crate::format::inode::{Inode, NodeType};
use crate::format::key::Key;
use crate::memory::{EntryKey, Home};
use crate::units::ObjectId;
use heapless::Vec;

/// Objects that the changes of one list concern.
const DONE_MAX: usize = 8;

/// What the table learns about an object when the record is durable.
#[derive(Debug, Clone, Copy)]
enum Done {
    /// Its draft is committed, and it has these attributes.
    Committed(Inode),
    /// The same, and the attributes are in the entry with this key and length of name.
    Moved(Inode, Key, u8),
    /// A name of it is gone; these attributes are left if it has others.
    Dropped(Option<Inode>),
}

/// A list under way.
pub struct List {
    batch: Batch,
    done: Vec<(ObjectId, Done), DONE_MAX>,
}

impl List {
    fn note(&mut self, object: ObjectId, done: Done) -> Result<()> {
        self.done.push((object, done)).map_err(|_| Error::TooManyChanges)
    }
}

#[colour]
impl<D: BlockDevice> Transact for Vellum<'_, D> {
    type List = List;

    async fn weigh(&mut self, step: &Step<'_>) -> Result<usize> {
        self.writable()?;
        match *step {
            Step::Commit(vnode) => {
                if self.is_committed(vnode)? {
                    return Ok(0);
                }
                self.simple(vnode)?;
                Ok(self.content_cost(vnode)?.saturating_add(self.attributes_cost(vnode)?))
            }
            Step::Rename { from, old, to, new } => {
                let Some(plan) = self.plan_file(from, old, to, new).await? else { return Ok(0) };
                if let Some(vnode) = self.table.locate(plan.source.object) {
                    self.simple(vnode)?;
                }
                self.move_cost(&plan, self.checked(new)?)
            }
            Step::Remove { directory, name } => {
                self.named_file(directory, name).await?;
                Ok(DELETE_COST + OBJECT_COST)
            }
        }
    }

    async fn begin(&mut self, cost: usize) -> Result<List> {
        if cost > Txn::<D>::cost_max() {
            return Err(Error::TooManyChanges);
        }
        self.reap_some().await?;
        let batch = self.txn.begin(cost, Purpose::Grow).await?;
        self.listing = true;
        Ok(List { batch, done: Vec::new() })
    }

    async fn add(&mut self, list: &mut List, step: &Step<'_>) -> Result<()> {
        match *step {
            Step::Commit(vnode) => self.add_commit(list, vnode).await,
            Step::Rename { from, old, to, new } => {
                match self.plan_file(from, old, to, new).await? {
                    Some(plan) => self.add_move(list, &plan, new).await,
                    None => Ok(()),
                }
            }
            Step::Remove { directory, name } => {
                let entry = self.named_file(directory, name).await?;
                let inode = self.inode_of(&entry).await?;
                self.untouched(list, &entry)?;
                let left = self.left_by(&inode);
                self.txn.delete(&mut list.batch, entry.key)?;
                self.drop_object(&mut list.batch, &entry, &inode, left.as_ref()).await?;
                list.note(entry.object, Done::Dropped(left))
            }
        }
    }

    async fn commit(&mut self, list: List) -> Result<()> {
        let List { batch, done } = list;
        self.listing = false;
        self.txn.commit(batch).await?;
        done.iter().try_for_each(|(object, done)| self.learn(*object, *done))
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// What a rename in a list is going to do; `None` if nothing. Not of a directory: whether two
    /// of them would make a loop is told by no two lookups before.
    async fn plan_file(
        &mut self,
        from: VnodeId,
        old: &[u8],
        to: VnodeId,
        new: &[u8],
    ) -> Result<Option<Plan>> {
        self.named_file(from, old).await?;
        let plan = self.plan_move(from, old, to, new, RenameMode::Replace).await?;
        if let Some(plan) = &plan {
            self.refuse_move(plan).await?;
        }
        Ok(plan)
    }

    /// The entry `name`, which is not of a directory.
    async fn named_file(&mut self, directory: VnodeId, name: &[u8]) -> Result<Entry> {
        let entry = self.existing(self.directory(directory)?, name).await?;
        if entry.kind == NodeType::Directory { Err(Error::IsADirectory) } else { Ok(entry) }
    }

    async fn add_move(&mut self, list: &mut List, plan: &Plan, new: &[u8]) -> Result<()> {
        let name = self.checked(new)?;
        self.untouched(list, &plan.source)?;
        if let Some((target, _)) = &plan.target {
            self.untouched(list, target)?;
        }
        if self.txn.changes(&list.batch, plan.key) {
            return Err(Error::Invalid);
        }
        let (inode, left) = self.stage_move(&mut list.batch, plan, name).await?;
        self.txn.delete(&mut list.batch, plan.source.key)?;
        let bytes = u8::try_from(name.as_bytes().len()).unwrap_or(u8::MAX);
        let done = match plan.source.inode {
            Some(_) => Done::Moved(inode, plan.key, bytes),
            None => Done::Committed(inode),
        };
        list.note(plan.source.object, done)?;
        match &plan.target {
            Some((target, _)) => list.note(target.object, Done::Dropped(left)),
            None => Ok(()),
        }
    }

    async fn add_commit(&mut self, list: &mut List, vnode: VnodeId) -> Result<()> {
        if self.is_committed(vnode)? {
            return Ok(());
        }
        let object = self.table.object(vnode)?;
        let key = match self.node(vnode)?.home {
            Home::Entry(entry) => entry.key(),
            Home::Item | Home::Directory(_) | Home::Nowhere => Inode::key(object),
        };
        if self.txn.changes(&list.batch, key) {
            return Err(Error::Invalid);
        }
        let inode = self.committed_inode(vnode)?;
        self.put_content(&mut list.batch, vnode, &inode)?;
        self.put_attributes(&mut list.batch, vnode, &inode).await?;
        list.note(object, Done::Committed(inode))
    }
}

impl<D> Vellum<'_, D> {
    /// Whether there is nothing to commit in `vnode`, or nothing to commit it to.
    fn is_committed(&self, vnode: VnodeId) -> Result<bool> {
        let node = self.node(vnode)?;
        Ok(node.draft.is_none() || node.home == Home::Nowhere)
    }

    /// Refuses what is uncommitted in blocks: it is a record of its own.
    fn simple(&self, vnode: VnodeId) -> Result<()> {
        if self.is_simple(vnode)? { Ok(()) } else { Err(Error::TooManyChanges) }
    }

    /// Refuses to change what `list` changes already: the entry, or the object.
    fn untouched(&self, list: &List, entry: &Entry) -> Result<()> {
        let keys = [entry.key, Inode::key(entry.object)];
        let touched = keys.iter().any(|key| self.txn.changes(&list.batch, *key));
        if touched { Err(Error::Invalid) } else { Ok(()) }
    }

    fn learn(&mut self, object: ObjectId, done: Done) -> Result<()> {
        let Some(vnode) = self.table.locate(object) else { return Ok(()) };
        match done {
            Done::Dropped(left) => self.object_left(object, left),
            Done::Committed(inode) => self.content_committed(vnode, inode),
            Done::Moved(inode, key, name) => {
                self.content_committed(vnode, inode)?;
                let node = self.table.get_mut(vnode)?;
                node.home = Home::Entry(EntryKey::of(key));
                node.name = name;
                Ok(())
            }
        }
    }
}
