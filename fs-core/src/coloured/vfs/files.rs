//! Operations on open files.

use super::super::colour;
use super::super::vnode::Filesystem;
use super::{Vfs, over, pay};
use crate::api::{
    Access, AllocateFlags, AttributeChange, Attributes, Durability, FileId, MapFor, Mapping, OpId,
    SyncLevel,
};
use crate::error::{Error, Result};
use crate::extent::{Extent, ExtentList, Packer};
use crate::table::Handle;
use crate::units::ByteOffset;

#[colour]
impl<F: Filesystem> Vfs<'_, F> {
    /// Closes a file, and commits its content if it was open for writing; durable at return. The
    /// id is stale afterwards, also after an error; the content is then still uncommitted.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Busy`], and the file stays open; those of the filesystem's
    /// `fsync` and `inactive`.
    pub async fn close(&self, id: FileId) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let handle = self.handles.get(id)?;
        let synced = if handle.access.contains(Access::WRITE) {
            filesystem.fsync(handle.vnode, SyncLevel::Full).await
        } else {
            Ok(())
        };
        self.handles.remove(id)?;
        filesystem.close(handle.vnode, handle.access);
        let closed = synced.and(pay(&mut *filesystem).await);
        if !handle.access.contains(Access::WRITE) {
            return closed;
        }
        over(&mut *filesystem, closed).await
    }

    /// Reads from `offset`; says how many bytes: fewer than asked for only at the end.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::BadAccess`].
    pub async fn read_at(&self, id: FileId, offset: u64, target: &mut [u8]) -> Result<usize> {
        let mut filesystem = self.enter().await?;
        let handle = self.handle(id, Access::READ)?;
        filesystem.read(handle.vnode, offset, target).await
    }

    /// Writes at `offset`, or at the end if the file was opened so; says how many bytes were
    /// taken: all, or at least one. They are uncommitted until the file is synchronised or closed.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::BadAccess`], and those of the filesystem's `write`.
    pub async fn write_at(&self, id: FileId, offset: u64, source: &[u8]) -> Result<usize> {
        Ok(self.write_and_tell(id, offset, source).await?.0)
    }

    /// Writes, and says how many bytes were taken and where they end.
    pub(super) async fn write_and_tell(
        &self,
        id: FileId,
        offset: u64,
        source: &[u8],
    ) -> Result<(usize, u64)> {
        let mut filesystem = self.enter().await?;
        let Handle { vnode, appends, .. } = self.handle(id, Access::WRITE)?;
        let offset = if appends { filesystem.getattr(vnode).await?.size } else { offset };
        let written = filesystem.write(vnode, offset, source).await;
        let taken = over(&mut *filesystem, written).await?;
        Ok((taken, offset.saturating_add(taken as u64)))
    }

    /// Cuts or lengthens a file; uncommitted until it is synchronised or closed.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::BadAccess`], and those of the filesystem's `setattr`.
    pub async fn set_len(&self, id: FileId, length: u64) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let handle = self.handle(id, Access::WRITE)?;
        let set = filesystem.setattr(handle.vnode, AttributeChange::size(length)).await;
        over(&mut *filesystem, set).await
    }

    /// Sets space aside for what of a range of a file has none; says how many bytes came to it.
    /// Durable at return; commits what is uncommitted in the file. The file shows the same.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::BadAccess`], and those of the filesystem's `allocate`.
    pub async fn allocate(
        &self,
        id: FileId,
        from: u64,
        length: u64,
        flags: AllocateFlags,
    ) -> Result<u64> {
        let mut filesystem = self.enter().await?;
        let handle = self.handle(id, Access::WRITE)?;
        let done = filesystem.allocate(handle.vnode, ByteOffset(from), length, flags).await;
        over(&mut *filesystem, done).await
    }

    /// The run of a file that holds byte `at`: where it is now.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::BadAccess`], and those of the filesystem's `blockmap`.
    pub async fn blockmap(&self, id: FileId, at: u64) -> Result<Extent> {
        let mut filesystem = self.enter().await?;
        let handle = self.handle(id, Access::READ)?;
        filesystem.blockmap(handle.vnode, ByteOffset(at), Access::READ).await
    }

    /// Plans a transfer of `length` bytes from `from` that hardware is to carry out, or what
    /// follows of `op`: `runs` then says where, and nothing else. The transfer is to be ended by
    /// [`Self::complete`], whether the file is still open or not.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::BadAccess`], and those of the filesystem's `map`.
    pub async fn map(
        &self,
        id: FileId,
        (from, length): (u64, u64),
        what: MapFor,
        op: Option<OpId>,
        runs: &mut ExtentList<'_>,
    ) -> Result<Mapping> {
        let mut filesystem = self.enter().await?;
        let access = if what == MapFor::Write { Access::WRITE } else { Access::READ };
        let handle = self.handle(id, access)?;
        runs.clear();
        let from = ByteOffset(from);
        let mut packer = Packer::new(runs, from, length);
        let mapped = filesystem.map(handle.vnode, (from, length), what, op, &mut packer).await;
        over(&mut *filesystem, mapped).await
    }

    /// Ends a transfer, of which `done` bytes were carried out if `status` is `Ok`; gives the
    /// attributes of the file.
    ///
    /// # Errors
    /// Those of the filesystem's `complete`.
    pub async fn complete(
        &self,
        op: OpId,
        done: u64,
        status: Result<()>,
        durability: Durability,
    ) -> Result<Attributes> {
        let mut filesystem = self.enter().await?;
        let completed = filesystem.complete(op, done, status, durability).await;
        over(&mut *filesystem, completed).await
    }

    /// Commits the content of a file; durable at return. A cut leaves all of the old or all of the
    /// new content.
    ///
    /// # Errors
    /// [`Error::Stale`], and those of the filesystem's `fsync`; the content is then uncommitted.
    pub async fn sync_file(&self, id: FileId) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let handle = self.handles.get(id)?;
        let synced = filesystem.fsync(handle.vnode, SyncLevel::Full).await;
        over(&mut *filesystem, synced).await
    }

    /// Forgets the uncommitted content of a file, whichever handle it came from.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::BadAccess`].
    pub async fn discard(&self, id: FileId) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let handle = self.handle(id, Access::WRITE)?;
        filesystem.discard(handle.vnode).await
    }

    /// What is known about an open file, uncommitted content included.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub async fn stat_file(&self, id: FileId) -> Result<Attributes> {
        let mut filesystem = self.enter().await?;
        let handle = self.handles.get(id)?;
        filesystem.getattr(handle.vnode).await
    }

    fn handle(&self, id: FileId, access: Access) -> Result<Handle> {
        let handle = self.handles.get(id)?;
        if handle.access.contains(access) { Ok(handle) } else { Err(Error::BadAccess) }
    }
}
