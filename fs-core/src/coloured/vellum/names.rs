//! Directory entries: finding them, and finding room for a new one.

use super::super::colour;
use super::super::device::BlockDevice;
use super::Vellum;
use crate::api::{DirEntry, NameBuf, VnodeId};
use crate::error::{Error, Malformed, Result, corrupt};
use crate::format::dirent::{self, DirentView};
use crate::format::inode::{Inode, NodeType};
use crate::format::key::{Key, Kind};
use crate::format::name::Name;
use crate::format::page::VALUE_MAX;
use crate::memory::{Home, Node};
use crate::units::ObjectId;

/// A directory entry, without its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: Key,
    pub object: ObjectId,
    pub kind: NodeType,
    pub inode: Option<Inode>,
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// The entry `name` of `directory`, or the key that a new entry of that name gets.
    ///
    /// All slots of the name's hash are looked at, so a gap left by a removal hides nothing.
    pub(super) async fn find(
        &mut self,
        directory: ObjectId,
        name: Name<'_>,
    ) -> Result<Result<Entry, Key>> {
        let hash = name.hash(&self.txn.superblock().hash_seed);
        let mut bytes = [0; VALUE_MAX];
        let mut from = dirent::key(directory, hash, 0);
        let last = dirent::key(directory, hash, u8::MAX);
        let mut free = Some(from);
        while let Some((key, length)) = self.txn.next(from, &mut bytes).await? {
            if key > last {
                break;
            }
            let entry = self.decode(&bytes, length)?;
            if entry.name == name {
                let DirentView { object, kind, inode, .. } = entry;
                return Ok(Ok(Entry { key, object, kind, inode }));
            }
            if free == Some(key) {
                free = (key < last).then(|| key.next());
            }
            if key == last {
                break;
            }
            from = key.next();
        }
        // 256 names of one keyed hash: not by chance, and not by somebody without the key.
        Ok(Err(free.ok_or(Error::NoSpace)?))
    }

    /// The entry `name` of `directory`.
    pub(super) async fn existing(&mut self, directory: ObjectId, name: &[u8]) -> Result<Entry> {
        let name = self.checked(name)?;
        self.find(directory, name).await?.map_err(|_| Error::NotFound)
    }

    /// The vnode that `entry` leads to, with a hold.
    pub(super) async fn hold_entry(&mut self, entry: &Entry) -> Result<VnodeId> {
        if let Some(vnode) = self.table.find(entry.object)? {
            return Ok(vnode);
        }
        let Some(inode) = entry.inode else { return self.hold_directory(entry.object).await };
        let node = Node { home: Home::Entry(entry.key), inode, parent: ObjectId(0), draft: None };
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
        let draft = self.table.locate(entry.object).and_then(|vnode| self.draft_of(vnode).ok()?);
        let stored = entry.inode.map_or(0, |inode| inode.size);
        let size = draft.map_or(stored, |draft| draft.size);
        let kind = super::kind_of(entry.kind);
        Ok(Some((DirEntry { object: entry.object, kind, size }, key)))
    }
}

impl<D> Vellum<'_, D> {
    /// The entry in the first `length` of `bytes`.
    pub(super) fn decode<'b>(&self, bytes: &'b [u8], length: usize) -> Result<DirentView<'b>> {
        let damaged = corrupt(self.txn.state().scalars.root.block);
        let value = bytes.get(..length).ok_or(Error::Bug)?;
        let entry = DirentView::decode(value).map_err(&damaged)?;
        // A file brings its attributes, a directory has an item of its own: no third case yet.
        let embedded = entry.inode.is_some();
        if embedded == (entry.kind == NodeType::Directory) {
            return Err(damaged(Malformed::Field("flags")));
        }
        Ok(entry)
    }
}
