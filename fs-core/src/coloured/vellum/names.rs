//! Directory entries: finding them, and finding room for a new one.

use super::super::colour;
use super::super::device::BlockDevice;
use super::Vellum;
use super::slots::Slot;
use crate::api::{DirEntry, NameBuf, VnodeId};
use crate::error::{Error, Field, Malformed, Result, corrupt};
use crate::format::dirent::DirentView;
use crate::format::inode::{self, Inode, NodeType};
use crate::format::key::{Key, Kind};
use crate::format::name::Name;
use crate::format::page::VALUE_MAX;
use crate::memory::{EntryKey, Home, Node};
use crate::units::ObjectId;

/// A directory entry, without its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: Key,
    pub object: ObjectId,
    pub kind: NodeType,
    pub inode: Option<Inode>,
    /// Bytes of the name.
    pub name: u8,
}

impl Entry {
    fn of(key: Key, entry: &DirentView<'_>) -> Self {
        let DirentView { object, kind, inode, name } = *entry;
        let name = u8::try_from(name.as_bytes().len()).unwrap_or(u8::MAX);
        Self { key, object, kind, inode, name }
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// The entry `name` of `directory`, or the key that a new entry of that name gets.
    pub(super) async fn find(
        &mut self,
        directory: ObjectId,
        name: Name<'_>,
    ) -> Result<Result<Entry, Key>> {
        let mut bytes = [0; VALUE_MAX];
        match self.find_slot(directory, Kind::DIRENT, name.as_bytes(), &mut bytes).await? {
            Slot::Taken(key, length) => Ok(Ok(Entry::of(key, &self.decode(&bytes, length)?))),
            Slot::Free(key) => Ok(Err(key)),
            Slot::Full => Err(Error::NamesCollide),
        }
    }

    /// The entry `name` of `directory`.
    pub(super) async fn existing(&mut self, directory: ObjectId, name: &[u8]) -> Result<Entry> {
        let name = self.checked(name)?;
        match self.find(directory, name).await {
            Ok(Ok(entry)) => Ok(entry),
            Ok(Err(_)) | Err(Error::NamesCollide) => Err(Error::NotFound),
            Err(error) => Err(error),
        }
    }

    /// The attributes of what `entry` leads to.
    pub(super) async fn inode_of(&mut self, entry: &Entry) -> Result<Inode> {
        match (entry.inode, entry.kind) {
            (Some(inode), _) => Ok(inode),
            (None, NodeType::Directory) => Ok(self.read_directory(entry.object).await?.inode),
            (None, kind) => self.read_inode(entry.object, kind).await,
        }
    }

    /// The attributes of a file or link with an item of its own.
    async fn read_inode(&mut self, object: ObjectId, kind: NodeType) -> Result<Inode> {
        let mut bytes = [0; inode::SIZE];
        let damaged = corrupt(self.txn.state().scalars.root.block);
        match self.txn.get(Inode::key(object), &mut bytes).await? {
            Some(length) if length == bytes.len() => {
                let inode = Inode::from_value(&bytes).map_err(&damaged)?;
                if inode.kind == kind {
                    Ok(inode)
                } else {
                    Err(damaged(Malformed::Field(Field::Type)))
                }
            }
            _ => Err(damaged(Malformed::Field(Field::Inode))),
        }
    }

    /// The vnode that `entry` leads to, with a hold.
    pub(super) async fn hold_entry(&mut self, entry: &Entry) -> Result<VnodeId> {
        if let Some(vnode) = self.table.find(entry.object)? {
            return Ok(vnode);
        }
        if entry.kind == NodeType::Directory {
            return self.hold_directory(entry.object).await;
        }
        let home =
            if entry.inode.is_some() { Home::Entry(EntryKey::of(entry.key)) } else { Home::Item };
        let inode = self.inode_of(entry).await?;
        let node = Node::new(home, inode, entry.name);
        self.take_slot(entry.object, node).await
    }

    /// Whether `directory` has no entries.
    pub(super) async fn is_empty(&mut self, directory: ObjectId) -> Result<bool> {
        let mut bytes = [0; VALUE_MAX];
        let found = self.txn.next(Key::new(directory, Kind::DIRENT, 0), &mut bytes).await?;
        Ok(found.is_none_or(|(key, _)| key.object != directory || key.kind != Kind::DIRENT))
    }

    /// The first entry of `directory` with a key offset of `offset` or more, and its key.
    pub(super) async fn entry_from(
        &mut self,
        directory: ObjectId,
        offset: u64,
        name: &mut NameBuf,
    ) -> Result<Option<(DirEntry, Key)>> {
        let mut bytes = [0; VALUE_MAX];
        let from = Key::new(directory, Kind::DIRENT, offset);
        let Some((key, length)) = self.txn.next(from, &mut bytes).await? else { return Ok(None) };
        if key.object != directory || key.kind != Kind::DIRENT {
            return Ok(None);
        }
        let entry = self.decode(&bytes, length)?;
        name.set(entry.name.as_bytes())?;
        let entry = Entry::of(key, &entry);
        let Entry { object, kind, .. } = entry;
        let size = match self.table.locate(object) {
            Some(vnode) => self.size_of(vnode)?,
            None if kind == NodeType::Directory => 0,
            None => self.inode_of(&entry).await?.size,
        };
        Ok(Some((DirEntry { object, kind: super::kind_of(kind), size }, key)))
    }
}

impl<D> Vellum<'_, D> {
    /// The entry in the first `length` of `bytes`.
    pub(super) fn decode<'b>(&self, bytes: &'b [u8], length: usize) -> Result<DirentView<'b>> {
        let value = bytes.get(..length).ok_or(Error::Bug)?;
        DirentView::decode(value).map_err(corrupt(self.txn.state().scalars.root.block))
    }
}
