//! Making names and taking them away.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Batch, DELETE_COST, Purpose, put_cost};
use super::names::Entry;
use super::{Vellum, may_go};
use crate::api::VnodeId;
use crate::error::{Error, Result};
use crate::format::directory::{self, Directory};
use crate::format::dirent::{self, BYTES_MAX as DIRENT_MAX, DirentView};
use crate::format::inline;
use crate::format::inode::{self, Inode, NodeType};
use crate::format::intent::{self, Intent, IntentKind};
use crate::format::key::Key;
use crate::format::name::Name;
use crate::format::superblock::DEPTH_MAX;
use crate::memory::{Home, Node};
use crate::mutant::{self, Mutant};
use crate::units::ObjectId;

/// What giving object ids away costs; nothing in the pending set, a few bytes in the record.
const IDS_COST: usize = 8;
pub(super) const DIRECTORY_COST: usize = put_cost(directory::SIZE);
/// What an intent costs.
pub(super) const INTENT_COST: usize = put_cost(intent::SIZE);

/// What an entry costs.
pub(super) fn entry_cost(kind: NodeType, name: Name<'_>) -> usize {
    let inode = if kind == NodeType::Directory { 0 } else { inode::SIZE };
    put_cost(dirent::HEAD.saturating_add(inode).saturating_add(name.as_bytes().len()))
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Makes a file or directory `name`, with `content` if it is a file. Its vnode is held.
    pub(super) async fn make(
        &mut self,
        directory: VnodeId,
        name: &[u8],
        kind: NodeType,
        content: &[u8],
    ) -> Result<VnodeId> {
        let parent = self.directory(directory)?;
        let name = self.checked(name)?;
        self.writable()?;
        let Err(key) = self.find(parent, name).await? else { return Err(Error::Exists) };
        if kind == NodeType::Directory && self.way_up(parent, parent).await?.0 >= DEPTH_MAX {
            return Err(Error::TooDeep);
        }
        self.reap_some().await?;
        let content_cost = if content.is_empty() { 0 } else { put_cost(content.len()) };
        let item_cost = if kind == NodeType::Directory { DIRECTORY_COST } else { content_cost };
        let cost = entry_cost(kind, name).saturating_add(item_cost).saturating_add(IDS_COST);
        let batch = self.txn.begin(cost, Purpose::Grow).await?;
        let object = self.txn.next_object();
        let vnode = self.new_vnode(object, key, kind, parent, content.len())?;
        match self.commit_new(batch, vnode, key, name, content).await {
            Ok(()) => Ok(vnode),
            Err(error) => {
                self.table.put(vnode);
                let _ = self.table.recycle(vnode);
                Err(error)
            }
        }
    }

    async fn commit_new(
        &mut self,
        mut batch: Batch,
        vnode: VnodeId,
        key: Key,
        name: Name<'_>,
        content: &[u8],
    ) -> Result<()> {
        let object = self.table.object(vnode)?;
        let Node { inode, parent, .. } = *self.node(vnode)?;
        self.put_entry(&mut batch, key, object, &inode, name, true)?;
        if inode.kind == NodeType::Directory {
            self.put_directory(&mut batch, object, &Directory { inode, parent }, true)?;
        }
        if !content.is_empty() {
            self.txn.put(&mut batch, inline::key(inode.data), content, true)?;
        }
        self.txn.give_ids(&mut batch, ObjectId(object.0.saturating_add(1)))?;
        self.txn.commit(batch).await
    }

    /// Removes the file `name`.
    pub(super) async fn unlink(&mut self, directory: VnodeId, name: &[u8]) -> Result<()> {
        let parent = self.directory(directory)?;
        let entry = self.existing(parent, name).await?;
        self.writable()?;
        let inode = entry.inode.ok_or(Error::IsADirectory)?;
        self.reap_some().await?;
        let cost = DELETE_COST + DELETE_COST + INTENT_COST;
        let mut batch = self.txn.begin(cost, Purpose::Shrink).await?;
        self.txn.delete(&mut batch, entry.key)?;
        if mutant::on(Mutant::RemoveInTwoRecords) {
            self.txn.commit(batch).await?;
            batch = self.txn.begin(cost, Purpose::Shrink).await?;
        }
        self.drop_content(&mut batch, &entry, &inode)?;
        self.txn.commit(batch).await?;
        self.entry_gone(&entry)
    }

    /// Removes the empty directory `name`.
    pub(super) async fn unlink_directory(&mut self, directory: VnodeId, name: &[u8]) -> Result<()> {
        let parent = self.directory(directory)?;
        let entry = self.existing(parent, name).await?;
        self.writable()?;
        if entry.kind != NodeType::Directory {
            return Err(Error::NotADirectory);
        }
        if !self.is_empty(entry.object).await? && !mutant::on(Mutant::NotEmptySkipped) {
            return Err(Error::NotEmpty);
        }
        let mut batch = self.txn.begin(DELETE_COST + DELETE_COST, Purpose::Shrink).await?;
        self.txn.delete(&mut batch, entry.key)?;
        self.txn.delete(&mut batch, Directory::key(entry.object))?;
        self.txn.commit(batch).await?;
        self.entry_gone(&entry)
    }
}

impl<D> Vellum<'_, D> {
    /// A vnode for the node that will be at `key`, before it is there.
    fn new_vnode(
        &mut self,
        object: ObjectId,
        key: Key,
        kind: NodeType,
        parent: ObjectId,
        bytes: usize,
    ) -> Result<VnodeId> {
        // Left by a creation whose future was dropped: the object was never given away.
        if let Some(left) = self.table.locate(object) {
            self.table.recycle(left)?;
        }
        let mut inode = Inode::new(kind, (self.clock)());
        inode.size = bytes as u64;
        inode.valid = bytes as u64;
        if bytes > 0 {
            inode.data = object;
        }
        let (home, parent) = match kind {
            NodeType::Directory => (Home::Item, parent),
            NodeType::File | NodeType::Symlink => (Home::Entry(key), ObjectId(0)),
        };
        self.table.take(object, Node { home, inode, parent, draft: None }, may_go)
    }

    /// Adds a directory entry to `batch`: with the attributes, unless it leads to a directory.
    pub(super) fn put_entry(
        &mut self,
        batch: &mut Batch,
        key: Key,
        object: ObjectId,
        inode: &Inode,
        name: Name<'_>,
        absent: bool,
    ) -> Result<()> {
        let kind = inode.kind;
        let inode = (kind != NodeType::Directory).then_some(*inode);
        let mut bytes = [0; DIRENT_MAX];
        let view = DirentView { object, kind, inode, name };
        let length = view.encode(&mut bytes).map_err(|_| Error::Bug)?;
        self.txn.put(batch, key, bytes.get(..length).ok_or(Error::Bug)?, absent)
    }

    pub(super) fn put_directory(
        &mut self,
        batch: &mut Batch,
        object: ObjectId,
        directory: &Directory,
        absent: bool,
    ) -> Result<()> {
        let value = directory.encode().map_err(|_| Error::Bug)?;
        self.txn.put(batch, Directory::key(object), &value, absent)
    }

    /// Adds to `batch` that the content of `entry`, whose name goes, goes too: now, or, while the
    /// file is in use, by an intent after the last close.
    pub(super) fn drop_content(
        &mut self,
        batch: &mut Batch,
        entry: &Entry,
        inode: &Inode,
    ) -> Result<()> {
        if inode.valid == 0 {
            return Ok(());
        }
        let vnode = self.table.locate(entry.object);
        let uses = vnode.map_or(Ok(0), |vnode| self.table.uses(vnode))?;
        if uses == 0 {
            return self.txn.delete(batch, inline::key(inode.data));
        }
        let intent = Intent { kind: IntentKind::Destroy, from: 0, to: inode.valid };
        let value = intent.encode().map_err(|_| Error::Bug)?;
        self.txn.put(batch, Intent::key(inode.data), &value, true)
    }

    /// The name of `entry` is gone, durably: whoever uses it keeps it until the last close.
    pub(super) fn entry_gone(&mut self, entry: &Entry) -> Result<()> {
        let Some(vnode) = self.table.locate(entry.object) else { return Ok(()) };
        self.table.get_mut(vnode)?.home = Home::Nowhere;
        if self.table.uses(vnode)? == 0 {
            self.drop_draft(vnode)?;
        }
        self.table.owe(vnode)
    }
}
