//! Making names and taking them away.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Batch, DELETE_COST, Purpose, put_cost};
use super::names::Entry;
use super::{Vellum, may_go, touched};
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
use crate::format::symlink;
use crate::memory::{EntryKey, Home, Node, Stored};
use crate::mutant::{self, Mutant};
use crate::units::ObjectId;

/// What giving object ids away costs; nothing in the pending set, a few bytes in the record.
const IDS_COST: usize = 8;
pub(super) const DIRECTORY_COST: usize = put_cost(directory::SIZE);
/// What an intent costs.
pub(super) const INTENT_COST: usize = put_cost(intent::SIZE);

/// What the attributes of a file cost that are an item of their own.
pub(super) const INODE_COST: usize = put_cost(inode::SIZE);
/// What the last name of an object takes along: its item, its content and its attributes, the last
/// two now or by an intent.
pub(super) const OBJECT_COST: usize = DELETE_COST + INTENT_COST + INTENT_COST;
const _: () = assert!(INODE_COST <= OBJECT_COST, "another name than the last costs no more");

/// What an entry costs, with the inode in it or without.
pub(super) const fn entry_cost(embedded: bool, name: usize) -> usize {
    let inode = if embedded { inode::SIZE } else { 0 };
    put_cost(dirent::HEAD.saturating_add(inode).saturating_add(name))
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Makes a file, link or directory `name`, with `content` if it is not a directory. Its vnode
    /// is held.
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
        let entry_cost = entry_cost(kind != NodeType::Directory, name.as_bytes().len());
        let cost = entry_cost.saturating_add(item_cost).saturating_add(IDS_COST);
        let batch = self.txn.begin(cost, Purpose::Grow).await?;
        let object = self.txn.next_object();
        let vnode = self.new_vnode(object, (key, name), kind, parent, content.len())?;
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
        let Node { inode, home, .. } = *self.node(vnode)?;
        let kind = inode.kind;
        let embedded = (kind != NodeType::Directory).then_some(inode);
        let view = DirentView { object, kind, inode: embedded, name };
        self.put_entry(&mut batch, key, &view, true)?;
        if let Home::Directory(parent) = home {
            self.put_directory(&mut batch, object, &Directory { inode, parent }, true)?;
        }
        if !content.is_empty() {
            self.txn.put(&mut batch, content_key(&inode), content, true)?;
        }
        self.txn.give_ids(&mut batch, ObjectId(object.0.saturating_add(1)))?;
        self.txn.commit(batch).await
    }

    /// Removes the file or link `name`.
    pub(super) async fn unlink(&mut self, directory: VnodeId, name: &[u8]) -> Result<()> {
        let parent = self.directory(directory)?;
        let entry = self.existing(parent, name).await?;
        self.writable()?;
        if entry.kind == NodeType::Directory {
            return Err(Error::IsADirectory);
        }
        let inode = self.inode_of(&entry).await?;
        self.reap_some().await?;
        self.drop_entry(&entry, &inode).await
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
        let inode = self.inode_of(&entry).await?;
        self.drop_entry(&entry, &inode).await
    }

    async fn drop_entry(&mut self, entry: &Entry, inode: &Inode) -> Result<()> {
        let left = self.left_by(inode);
        let cost = DELETE_COST + OBJECT_COST;
        let mut batch = self.txn.begin(cost, Purpose::Shrink).await?;
        self.txn.delete(&mut batch, entry.key)?;
        if mutant::on(Mutant::RemoveInTwoRecords) {
            self.txn.commit(batch).await?;
            batch = self.txn.begin(cost, Purpose::Shrink).await?;
        }
        self.drop_object(&mut batch, entry, inode, left.as_ref()).await?;
        self.txn.commit(batch).await?;
        self.entry_gone(entry, left)
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Adds to `batch` what the removal of the name `entry` does to its object: `left` are its
    /// attributes if it has other names; else it goes.
    pub(super) async fn drop_object(
        &mut self,
        batch: &mut Batch,
        entry: &Entry,
        inode: &Inode,
        left: Option<&Inode>,
    ) -> Result<()> {
        if let Some(left) = left {
            return self.put_inode(batch, entry.object, left, false);
        }
        if entry.inode.is_none() {
            self.txn.delete(batch, Inode::key(entry.object))?;
        }
        if inode.extras && !mutant::on(Mutant::AttributesLeft) {
            self.leave_intent(batch, Intent::forget_key(entry.object), &Intent::FORGET).await?;
        }
        self.drop_content(batch, entry, inode).await
    }

    /// Adds to `batch` that the content of `entry`, whose last name goes, goes too: at once if it
    /// is one item that nobody uses, else by an intent, after the last close.
    async fn drop_content(
        &mut self,
        batch: &mut Batch,
        entry: &Entry,
        inode: &Inode,
    ) -> Result<()> {
        let vnode = self.table.locate(entry.object);
        let uses = vnode.map_or(Ok(0), |vnode| self.table.uses(vnode))?;
        match self.stored(inode).await? {
            Stored::Nothing => return Ok(()),
            Stored::Inline if uses == 0 => return self.txn.delete(batch, content_key(inode)),
            Stored::Inline | Stored::Runs => {}
        }
        let intent = Intent { kind: IntentKind::Destroy, from: 0, to: inode.valid };
        self.leave_intent(batch, Intent::key(inode.data), &intent).await
    }

    async fn leave_intent(&mut self, batch: &mut Batch, key: Key, intent: &Intent) -> Result<()> {
        let absent = !self.intents || self.txn.get(key, &mut []).await?.is_none();
        self.intents = true;
        let value = intent.encode().map_err(|_| Error::Bug)?;
        self.txn.put(batch, key, &value, absent)
    }
}

/// Where the content of a file or link is.
pub(super) const fn content_key(inode: &Inode) -> Key {
    match inode.kind {
        NodeType::Symlink => symlink::key(inode.data),
        NodeType::File | NodeType::Directory => inline::key(inode.data),
    }
}

impl<D> Vellum<'_, D> {
    /// A vnode for the node that will be at `key`, before it is there.
    fn new_vnode(
        &mut self,
        object: ObjectId,
        (key, name): (Key, Name<'_>),
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
        let home = match kind {
            NodeType::Directory => Home::Directory(parent),
            NodeType::File | NodeType::Symlink => Home::Entry(EntryKey::of(key)),
        };
        let name = u8::try_from(name.as_bytes().len()).unwrap_or(u8::MAX);
        self.table.take(object, Node::new(home, inode, name), may_go)
    }

    /// Adds a directory entry to `batch`.
    pub(super) fn put_entry(
        &mut self,
        batch: &mut Batch,
        key: Key,
        entry: &DirentView<'_>,
        absent: bool,
    ) -> Result<()> {
        let mut bytes = [0; DIRENT_MAX];
        let length = entry.encode(&mut bytes).map_err(|_| Error::Bug)?;
        self.txn.put(batch, key, bytes.get(..length).ok_or(Error::Bug)?, absent)
    }

    /// Adds to `batch` the attributes of a file or link that are an item of their own.
    pub(super) fn put_inode(
        &mut self,
        batch: &mut Batch,
        object: ObjectId,
        inode: &Inode,
        absent: bool,
    ) -> Result<()> {
        let value = inode.encode().map_err(|_| Error::Bug)?;
        self.txn.put(batch, Inode::key(object), &value, absent)
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

    /// The attributes that are left when one name of an object with `inode` goes; `None` if that
    /// was its last name.
    pub(super) fn left_by(&self, inode: &Inode) -> Option<Inode> {
        let mut links = inode.links.checked_sub(1).filter(|links| *links > 0)?;
        if mutant::on(Mutant::LinksNotCounted) {
            links = inode.links;
        }
        Some(Inode { links, ..touched(*inode, (self.clock)(), false) })
    }

    /// The name of `entry` is gone, durably. If it was the last one (there is nothing `left`),
    /// whoever uses the object keeps it until the last close.
    pub(super) fn entry_gone(&mut self, entry: &Entry, left: Option<Inode>) -> Result<()> {
        self.object_left(entry.object, left)
    }

    pub(super) fn object_left(&mut self, object: ObjectId, left: Option<Inode>) -> Result<()> {
        let Some(vnode) = self.table.locate(object) else { return Ok(()) };
        let node = self.table.get_mut(vnode)?;
        if let Some(left) = left {
            node.inode = left;
            return Ok(());
        }
        node.home = Home::Nowhere;
        if self.table.uses(vnode)? == 0 {
            self.drop_draft(vnode)?;
        }
        self.table.owe(vnode)
    }
}
