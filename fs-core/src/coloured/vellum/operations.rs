//! The vnode operations: what each asks of the other files of this room.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::vnode::Filesystem;
use super::content::SIZE_MAX;
use super::{Vellum, kind_of};
use crate::api::{
    Access, AllocateFlags, AttributeChange, Attributes, Cookie, DirEntry, Durability, Limit,
    MapFor, Mapping, NameBuf, NodeKind, OpId, RenameMode, SyncLevel, VnodeId, XattrMode,
};
use crate::error::{Error, Result};
use crate::extent::{Extent, Packer};
use crate::format::inline::BYTES_MAX;
use crate::format::inode::NodeType;
use crate::format::key::ROOT;
use crate::format::xattr::XattrView;
use crate::memory::Home;
use crate::units::ByteOffset;

#[colour]
#[allow(clippy::unused_async, reason = "the contract lets other filesystems wait here")]
impl<D: BlockDevice> Filesystem for Vellum<'_, D> {
    fn put(&mut self, vnode: VnodeId) {
        self.table.put(vnode);
    }

    fn abandon(&mut self) {
        self.table.abandon();
        self.end_unclaimed();
        self.listing = false;
        self.txn.begin_call();
    }

    fn owed(&self, from: u8) -> Option<VnodeId> {
        self.table.owed(from)
    }

    fn kind(&self, vnode: VnodeId) -> Result<NodeKind> {
        Ok(kind_of(self.node(vnode)?.inode.kind))
    }

    async fn inactive(&mut self, vnode: VnodeId) -> Result<()> {
        self.last_closed(vnode).await
    }

    async fn tidy(&mut self) {
        // The operation is over and well: what fails here, a later one meets again. What may be
        // half written in the journal is doubtful then, and the next change settles first.
        let refilled = self.txn.refill().await;
        #[cfg(feature = "level")]
        if refilled.is_ok() {
            let _ = self.level_some().await;
        }
        #[cfg(not(feature = "level"))]
        let _ = refilled;
    }

    fn reclaim(&mut self, vnode: VnodeId) {
        if self.node(vnode).is_ok_and(super::may_go) {
            let _ = self.table.recycle(vnode);
        }
    }

    async fn root(&mut self) -> Result<VnodeId> {
        self.hold_directory(ROOT).await
    }

    async fn lookup(&mut self, directory: VnodeId, name: &[u8]) -> Result<VnodeId> {
        let parent = self.directory(directory)?;
        if let Some(object) = self.known_way(parent, name) {
            return self.hold_directory(object).await;
        }
        let entry = self.existing(parent, name).await?;
        self.remember_way(&entry, name);
        self.hold_entry(&entry).await
    }

    async fn parent(&mut self, directory: VnodeId) -> Result<VnodeId> {
        let object = self.directory(directory)?;
        let parent = match self.node(directory)?.home {
            Home::Directory(above) if object != ROOT => above,
            _ => ROOT,
        };
        self.hold_directory(parent).await
    }

    async fn create(&mut self, directory: VnodeId, name: &[u8]) -> Result<VnodeId> {
        self.make(directory, name, NodeType::File, &[]).await
    }

    async fn mkdir(&mut self, directory: VnodeId, name: &[u8]) -> Result<VnodeId> {
        self.make(directory, name, NodeType::Directory, &[]).await
    }

    async fn remove(&mut self, directory: VnodeId, name: &[u8]) -> Result<()> {
        self.unlink(directory, name).await
    }

    async fn rmdir(&mut self, directory: VnodeId, name: &[u8]) -> Result<()> {
        self.unlink_directory(directory, name).await
    }

    async fn rename(
        &mut self,
        from: VnodeId,
        old: &[u8],
        to: VnodeId,
        new: &[u8],
        mode: RenameMode,
    ) -> Result<()> {
        self.move_entry(from, old, to, new, mode).await
    }

    async fn symlink(&mut self, directory: VnodeId, name: &[u8], target: &[u8]) -> Result<VnodeId> {
        self.make_link(directory, name, target).await
    }

    async fn readlink(&mut self, link: VnodeId, target: &mut [u8]) -> Result<usize> {
        self.read_link(link, target).await
    }

    async fn link(&mut self, file: VnodeId, directory: VnodeId, name: &[u8]) -> Result<()> {
        self.add_link(file, directory, name).await
    }

    async fn exchange(&mut self, one: VnodeId, other: VnodeId) -> Result<()> {
        self.swap_contents(one, other).await
    }

    async fn readdir(
        &mut self,
        directory: VnodeId,
        at: Cookie,
        name: &mut NameBuf,
    ) -> Result<Option<(DirEntry, Cookie)>> {
        let object = self.directory(directory)?;
        let found = self.entry_from(object, at.0, name).await?;
        Ok(found.map(|(entry, key)| (entry, Cookie(key.offset.saturating_add(1)))))
    }

    async fn getattr(&mut self, vnode: VnodeId) -> Result<Attributes> {
        let node = *self.node(vnode)?;
        let owner = self.owner_of(vnode).await?;
        let gone = node.home == Home::Nowhere;
        Ok(Attributes {
            object: self.table.object(vnode)?,
            kind: kind_of(node.inode.kind),
            size: self.size_of(vnode)?,
            links: if gone { 0 } else { node.inode.links },
            modified: node.inode.modified,
            changed: node.inode.changed,
            born: node.inode.born,
            owner,
        })
    }

    async fn setattr(&mut self, vnode: VnodeId, change: AttributeChange) -> Result<()> {
        self.change_attributes(vnode, change).await
    }

    async fn getxattr(&mut self, vnode: VnodeId, name: &[u8], target: &mut [u8]) -> Result<usize> {
        self.get_attribute(vnode, name, target).await
    }

    async fn setxattr(
        &mut self,
        vnode: VnodeId,
        name: &[u8],
        value: &[u8],
        mode: XattrMode,
    ) -> Result<()> {
        self.set_attribute(vnode, XattrView { name, value, elsewhere: false }, mode).await
    }

    async fn listxattr(
        &mut self,
        vnode: VnodeId,
        at: Cookie,
        name: &mut NameBuf,
    ) -> Result<Option<Cookie>> {
        self.attribute_from(vnode, at, name).await
    }

    async fn removexattr(&mut self, vnode: VnodeId, name: &[u8]) -> Result<()> {
        self.remove_attribute(vnode, name).await
    }

    async fn pathconf(&mut self, vnode: VnodeId, limit: Limit) -> Result<Option<u64>> {
        self.node(vnode)?;
        Ok(Some(self.limit(limit)))
    }

    async fn open(&mut self, vnode: VnodeId, access: Access) -> Result<()> {
        if self.kind(vnode)? == NodeKind::Symlink {
            return Err(Error::LinkLoop);
        }
        if access.contains(Access::WRITE) {
            self.file(vnode)?;
            self.writable()?;
        }
        self.table.engage(vnode)
    }

    fn close(&mut self, vnode: VnodeId, _access: Access) {
        self.table.disengage(vnode);
    }

    async fn read(&mut self, vnode: VnodeId, offset: u64, target: &mut [u8]) -> Result<usize> {
        self.read_at(vnode, offset, target).await
    }

    async fn write(&mut self, vnode: VnodeId, offset: u64, source: &[u8]) -> Result<usize> {
        self.write_at(vnode, offset, source).await
    }

    async fn allocate(
        &mut self,
        vnode: VnodeId,
        from: ByteOffset,
        length: u64,
        flags: AllocateFlags,
    ) -> Result<u64> {
        self.set_aside(vnode, from.0, length, flags).await
    }

    async fn blockmap(&mut self, vnode: VnodeId, at: ByteOffset, access: Access) -> Result<Extent> {
        if access.contains(Access::WRITE) {
            return Err(Error::NotSupported);
        }
        self.map_run(vnode, at.0).await
    }

    async fn map(
        &mut self,
        vnode: VnodeId,
        range: (ByteOffset, u64),
        what: MapFor,
        op: Option<OpId>,
        packer: &mut Packer<'_, '_>,
    ) -> Result<Mapping> {
        let (from, length) = range;
        self.map_range(vnode, from.0, length, what, op, packer).await
    }

    async fn complete(
        &mut self,
        op: OpId,
        done: u64,
        status: Result<()>,
        durability: Durability,
    ) -> Result<Attributes> {
        let vnode = self.complete_op(op, done, status, durability).await?;
        self.getattr(vnode).await
    }

    async fn blktooff(&mut self, vnode: VnodeId, block: u64) -> Result<ByteOffset> {
        let bytes = self.logical_block(vnode)?;
        block.checked_mul(bytes).map(ByteOffset).ok_or(Error::TooLarge)
    }

    async fn offtoblk(&mut self, vnode: VnodeId, at: ByteOffset) -> Result<u64> {
        Ok(at.0.checked_div(self.logical_block(vnode)?).unwrap_or(0))
    }

    async fn fsync(&mut self, vnode: VnodeId, level: SyncLevel) -> Result<()> {
        if level == SyncLevel::Start {
            return self.node(vnode).map(|_| ());
        }
        self.commit_content(vnode).await
    }

    async fn sync(&mut self) -> Result<()> {
        self.commit_all().await
    }

    async fn discard(&mut self, vnode: VnodeId) -> Result<()> {
        self.drop_draft(vnode)
    }

    async fn replace(&mut self, directory: VnodeId, name: &[u8], content: &[u8]) -> Result<()> {
        // Asked for first: a draft that somebody has of this file survives the refusal.
        self.require_space().await?;
        if content.len() > BYTES_MAX {
            return self.replace_large(directory, name, content).await;
        }
        let vnode = match self.lookup(directory, name).await {
            Err(Error::NotFound) => {
                let vnode = self.make(directory, name, NodeType::File, content).await?;
                self.table.put(vnode);
                return Ok(());
            }
            found => found?,
        };
        let replaced = match self.not_written(vnode, 0, SIZE_MAX) {
            Ok(()) => self.rewrite(vnode, content).await,
            busy => busy,
        };
        self.table.put(vnode);
        replaced
    }
}
