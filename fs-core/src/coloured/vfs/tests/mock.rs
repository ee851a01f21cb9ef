//! A filesystem without a device: entries in a map, vnodes in the real table. Every operation
//! waits once, so that tests can drop it there or let another task come in between.

use super::super::super::colour;
use super::super::super::vnode::{Filesystem, Slot, Table};
use super::pause;
use crate::api::{
    Access, AttributeChange, Attributes, Cookie, DirEntry, NameBuf, NodeKind, RenameMode,
    SyncLevel, VnodeId,
};
use crate::error::{Error, Result};
use crate::units::{ObjectId, Time};
use std::collections::BTreeMap;
use std::vec::Vec;

const ROOT: u64 = 16;

/// One file or directory; what `committed` is to a real medium, it is to a cut.
#[derive(Debug, Clone)]
pub struct Node {
    pub kind: NodeKind,
    pub parent: u64,
    pub named: bool,
    pub committed: Vec<u8>,
    pub draft: Option<Vec<u8>>,
}

/// The mock, and what tests ask it about.
#[derive(Debug)]
pub struct Mock<'m> {
    pub table: Table<'m, ()>,
    pub nodes: BTreeMap<u64, Node>,
    pub names: BTreeMap<(u64, Vec<u8>), u64>,
    /// The operation with this name fails, until another one is named.
    pub failing: &'static str,
    /// Holds that operations left behind.
    pub left: u32,
    /// Writes take at most this many bytes.
    pub write_max: usize,
    next: u64,
}

impl<'m> Mock<'m> {
    pub fn new(slots: &'m mut [Slot<()>]) -> Self {
        let mut mock = Self {
            table: Table::new(slots),
            nodes: BTreeMap::new(),
            names: BTreeMap::new(),
            failing: "",
            left: 0,
            write_max: usize::MAX,
            next: ROOT,
        };
        mock.add(ROOT, NodeKind::Directory);
        mock
    }

    pub fn uses(&self) -> u32 {
        self.table.iter().map(|(id, ())| u32::from(self.table.uses(id).unwrap())).sum()
    }

    fn add(&mut self, parent: u64, kind: NodeKind) -> u64 {
        let object = self.next;
        self.next += 1;
        let node = Node { kind, parent, named: true, committed: Vec::new(), draft: None };
        self.nodes.insert(object, node);
        object
    }

    fn fail_at(&self, operation: &str) -> Result<()> {
        if self.failing == operation { Err(Error::NoSpace) } else { Ok(()) }
    }

    fn vnode(&mut self, object: u64) -> Result<VnodeId> {
        match self.table.find(ObjectId(object))? {
            Some(found) => Ok(found),
            None => self.table.take(ObjectId(object), (), |()| true),
        }
    }

    fn object(&self, vnode: VnodeId) -> Result<u64> {
        self.table.get(vnode)?;
        Ok(self.table.object(vnode)?.0)
    }

    fn node(&mut self, vnode: VnodeId) -> Result<&mut Node> {
        let object = self.object(vnode)?;
        self.nodes.get_mut(&object).ok_or(Error::Bug)
    }

    fn directory(&mut self, vnode: VnodeId) -> Result<u64> {
        if self.node(vnode)?.kind != NodeKind::Directory {
            return Err(Error::NotADirectory);
        }
        self.object(vnode)
    }

    fn file(&mut self, vnode: VnodeId) -> Result<&mut Node> {
        let node = self.node(vnode)?;
        if node.kind == NodeKind::Directory { Err(Error::IsADirectory) } else { Ok(node) }
    }

    fn found(&self, directory: u64, name: &[u8]) -> Result<u64> {
        self.names.get(&(directory, name.to_vec())).copied().ok_or(Error::NotFound)
    }

    fn make(&mut self, directory: VnodeId, name: &[u8], kind: NodeKind) -> Result<VnodeId> {
        let directory = self.directory(directory)?;
        if self.found(directory, name).is_ok() {
            return Err(Error::Exists);
        }
        let object = self.add(directory, kind);
        let vnode = self.vnode(object).inspect_err(|_| {
            self.nodes.remove(&object);
        })?;
        self.names.insert((directory, name.to_vec()), object);
        Ok(vnode)
    }

    fn unname(&mut self, directory: u64, name: &[u8]) -> Result<()> {
        let object = self.names.remove(&(directory, name.to_vec())).ok_or(Error::Bug)?;
        match self.table.locate(ObjectId(object)) {
            Some(vnode) => {
                self.nodes.get_mut(&object).ok_or(Error::Bug)?.named = false;
                self.table.owe(vnode)?;
            }
            None => drop(self.nodes.remove(&object)),
        }
        Ok(())
    }

    fn has_entries(&self, directory: u64) -> bool {
        self.names.keys().any(|(parent, _)| *parent == directory)
    }
}

impl Node {
    fn content(&mut self) -> &mut Vec<u8> {
        let committed = &self.committed;
        self.draft.get_or_insert_with(|| committed.clone())
    }

    fn seen(&self) -> &[u8] {
        self.draft.as_deref().unwrap_or(&self.committed)
    }
}

#[colour]
impl Filesystem for Mock<'_> {
    fn put(&mut self, vnode: VnodeId) {
        self.table.put(vnode);
    }

    fn abandon(&mut self) {
        self.left += self.table.abandon();
    }

    fn owed(&self, from: u8) -> Option<VnodeId> {
        self.table.owed(from)
    }

    async fn inactive(&mut self, vnode: VnodeId) -> Result<()> {
        pause().await;
        self.fail_at("inactive")?;
        let object = self.object(vnode)?;
        if self.node(vnode)?.named {
            self.table.paid(vnode);
        } else {
            self.nodes.remove(&object);
            self.table.recycle(vnode)?;
        }
        Ok(())
    }

    fn reclaim(&mut self, vnode: VnodeId) {
        let _ = self.table.recycle(vnode);
    }

    fn kind(&self, vnode: VnodeId) -> Result<NodeKind> {
        let object = self.object(vnode)?;
        self.nodes.get(&object).map(|node| node.kind).ok_or(Error::Bug)
    }

    async fn root(&mut self) -> Result<VnodeId> {
        self.vnode(ROOT)
    }

    async fn lookup(&mut self, directory: VnodeId, name: &[u8]) -> Result<VnodeId> {
        pause().await;
        let directory = self.directory(directory)?;
        self.fail_at("lookup")?;
        let object = self.found(directory, name)?;
        self.vnode(object)
    }

    async fn parent(&mut self, directory: VnodeId) -> Result<VnodeId> {
        pause().await;
        self.directory(directory)?;
        let parent = self.node(directory)?.parent;
        self.vnode(parent)
    }

    async fn create(&mut self, directory: VnodeId, name: &[u8]) -> Result<VnodeId> {
        pause().await;
        self.fail_at("create")?;
        self.make(directory, name, NodeKind::File)
    }

    async fn mkdir(&mut self, directory: VnodeId, name: &[u8]) -> Result<VnodeId> {
        pause().await;
        self.fail_at("mkdir")?;
        self.make(directory, name, NodeKind::Directory)
    }

    async fn symlink(&mut self, directory: VnodeId, name: &[u8], target: &[u8]) -> Result<VnodeId> {
        pause().await;
        self.fail_at("symlink")?;
        let link = self.make(directory, name, NodeKind::Symlink)?;
        self.node(link)?.committed = target.to_vec();
        Ok(link)
    }

    async fn readlink(&mut self, link: VnodeId, target: &mut [u8]) -> Result<usize> {
        pause().await;
        self.fail_at("readlink")?;
        let path = self.node(link)?.committed.clone();
        let count = path.len().min(target.len());
        target[..count].copy_from_slice(&path[..count]);
        Ok(path.len())
    }

    async fn remove(&mut self, directory: VnodeId, name: &[u8]) -> Result<()> {
        pause().await;
        self.fail_at("remove")?;
        let directory = self.directory(directory)?;
        let object = self.found(directory, name)?;
        if self.nodes[&object].kind == NodeKind::Directory {
            return Err(Error::IsADirectory);
        }
        self.unname(directory, name)
    }

    async fn rmdir(&mut self, directory: VnodeId, name: &[u8]) -> Result<()> {
        pause().await;
        let directory = self.directory(directory)?;
        let object = self.found(directory, name)?;
        if self.nodes[&object].kind != NodeKind::Directory {
            return Err(Error::NotADirectory);
        }
        if self.has_entries(object) {
            return Err(Error::NotEmpty);
        }
        self.unname(directory, name)
    }

    async fn rename(
        &mut self,
        from: VnodeId,
        old: &[u8],
        to: VnodeId,
        new: &[u8],
        _: RenameMode,
    ) -> Result<()> {
        pause().await;
        self.fail_at("rename")?;
        let (from, to) = (self.directory(from)?, self.directory(to)?);
        let object = self.found(from, old)?;
        if self.found(to, new).is_ok_and(|target| target != object) {
            self.unname(to, new)?;
        }
        self.names.remove(&(from, old.to_vec()));
        self.names.insert((to, new.to_vec()), object);
        self.nodes.get_mut(&object).ok_or(Error::Bug)?.parent = to;
        Ok(())
    }

    async fn readdir(
        &mut self,
        directory: VnodeId,
        at: Cookie,
        name: &mut NameBuf,
    ) -> Result<Option<(DirEntry, Cookie)>> {
        pause().await;
        self.fail_at("readdir")?;
        let directory = self.directory(directory)?;
        let own = self.names.iter().filter(|((parent, _), _)| *parent == directory);
        let next = own.filter(|(_, object)| **object >= at.0).min_by_key(|(_, object)| **object);
        let Some(((_, found), object)) = next else { return Ok(None) };
        name.set(found)?;
        let node = &self.nodes[object];
        let size = node.seen().len() as u64;
        let entry = DirEntry { object: ObjectId(*object), kind: node.kind, size };
        Ok(Some((entry, Cookie(object + 1))))
    }

    async fn getattr(&mut self, vnode: VnodeId) -> Result<Attributes> {
        pause().await;
        self.fail_at("getattr")?;
        let object = ObjectId(self.object(vnode)?);
        let node = self.node(vnode)?;
        Ok(Attributes {
            object,
            kind: node.kind,
            size: node.seen().len() as u64,
            links: u32::from(node.named),
            modified: Time::UNKNOWN,
            changed: Time::UNKNOWN,
            born: Time::UNKNOWN,
            owner: None,
        })
    }

    async fn setattr(&mut self, vnode: VnodeId, change: AttributeChange) -> Result<()> {
        pause().await;
        self.fail_at("setattr")?;
        let node = self.file(vnode)?;
        if let Some(size) = change.size {
            node.content().resize(usize::try_from(size).map_err(|_| Error::TooLarge)?, 0);
        }
        Ok(())
    }

    async fn open(&mut self, vnode: VnodeId, access: Access) -> Result<()> {
        pause().await;
        self.fail_at("open")?;
        if access.contains(Access::WRITE) {
            self.file(vnode)?;
        }
        self.table.engage(vnode)
    }

    fn close(&mut self, vnode: VnodeId, _: Access) {
        self.table.disengage(vnode);
    }

    async fn read(&mut self, vnode: VnodeId, offset: u64, target: &mut [u8]) -> Result<usize> {
        pause().await;
        let node = self.file(vnode)?;
        let offset = usize::try_from(offset).map_err(|_| Error::Invalid)?;
        let rest = node.seen().get(offset..).unwrap_or_default();
        let count = rest.len().min(target.len());
        target[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    async fn write(&mut self, vnode: VnodeId, offset: u64, source: &[u8]) -> Result<usize> {
        pause().await;
        self.fail_at("write")?;
        let count = source.len().min(self.write_max);
        let content = self.file(vnode)?.content();
        let offset = usize::try_from(offset).map_err(|_| Error::TooLarge)?;
        content.resize(content.len().max(offset + count), 0);
        content[offset..offset + count].copy_from_slice(&source[..count]);
        Ok(count)
    }

    async fn fsync(&mut self, vnode: VnodeId, _: SyncLevel) -> Result<()> {
        pause().await;
        self.fail_at("fsync")?;
        let node = self.node(vnode)?;
        if let Some(draft) = node.draft.take() {
            node.committed = draft;
        }
        Ok(())
    }

    async fn sync(&mut self) -> Result<()> {
        pause().await;
        self.fail_at("fsync")?;
        for node in self.nodes.values_mut() {
            if let Some(draft) = node.draft.take() {
                node.committed = draft;
            }
        }
        Ok(())
    }

    async fn discard(&mut self, vnode: VnodeId) -> Result<()> {
        self.node(vnode)?.draft = None;
        Ok(())
    }
}
