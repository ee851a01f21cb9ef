//! A handle with a position, for code that is generic over `embedded_io`.

use super::super::vnode::Filesystem;
use super::super::{colour, io};
use super::Vfs;
use crate::api::{AttributeChange, Attributes, FileId, OpenOptions};
use crate::error::{Error, Result};

/// An open file with a position of its own, closed when it is dropped.
///
/// Dropping it does no I/O: uncommitted content stays with the file, seen by all readers, until
/// the next `sync` of the volume. [`File::close`] commits and reports.
#[derive(Debug)]
pub struct File<'v, F> {
    vfs: &'v Vfs<'v, F>,
    id: FileId,
    position: u64,
}

impl<'m, F> Vfs<'m, F> {
    /// A handle that owns the open file `id`, at its beginning.
    pub fn file<'v>(&'v self, id: FileId) -> File<'v, F>
    where
        'm: 'v,
    {
        File { vfs: self, id, position: 0 }
    }
}

#[colour]
impl<F: Filesystem> Vfs<'_, F> {
    /// Opens the file at `path` as a handle.
    ///
    /// # Errors
    /// As for `open`.
    pub async fn open_file(&self, path: &str, options: OpenOptions) -> Result<File<'_, F>> {
        Ok(self.file(self.open(path, options).await?))
    }
}

impl<F> File<'_, F> {
    /// The id of the open file, for operations that name an offset.
    #[must_use]
    pub const fn id(&self) -> FileId {
        self.id
    }

    /// Where the next read or write begins.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The id of the open file, which stays open.
    #[must_use]
    pub fn into_id(self) -> FileId {
        let id = self.id;
        core::mem::forget(self);
        id
    }
}

#[colour]
impl<F: Filesystem> File<'_, F> {
    /// Closes the file and commits its content; durable at return.
    ///
    /// # Errors
    /// As for the volume's `close`. The file is closed in any case, its content then uncommitted.
    pub async fn close(self) -> Result<()> {
        self.vfs.close(self.id).await
    }

    /// Commits the content; durable at return.
    ///
    /// # Errors
    /// As for the volume's `sync_file`.
    pub async fn sync(&mut self) -> Result<()> {
        self.vfs.sync_file(self.id).await
    }

    /// Cuts or lengthens the file; the position stays.
    ///
    /// # Errors
    /// As for the volume's `set_len`.
    pub async fn set_len(&mut self, length: u64) -> Result<()> {
        self.vfs.set_len(self.id, length).await
    }

    /// Forgets the uncommitted content of the file.
    ///
    /// # Errors
    /// As for the volume's `discard`.
    pub async fn discard(&mut self) -> Result<()> {
        self.vfs.discard(self.id).await
    }

    /// Changes attributes of the file.
    ///
    /// # Errors
    /// As for the volume's `set_file_attributes`.
    pub async fn set_attributes(&mut self, change: AttributeChange) -> Result<()> {
        self.vfs.set_file_attributes(self.id, change).await
    }

    /// What is known about the file.
    ///
    /// # Errors
    /// As for the volume's `stat_file`.
    pub async fn stat(&self) -> Result<Attributes> {
        self.vfs.stat_file(self.id).await
    }
}

impl<F> io::ErrorType for File<'_, F> {
    type Error = Error;
}

#[colour]
impl<F: Filesystem> io::Read for File<'_, F> {
    async fn read(&mut self, target: &mut [u8]) -> Result<usize> {
        let read = self.vfs.read_at(self.id, self.position, target).await?;
        self.position = self.position.saturating_add(read as u64);
        Ok(read)
    }
}

#[colour]
impl<F: Filesystem> io::Write for File<'_, F> {
    async fn write(&mut self, source: &[u8]) -> Result<usize> {
        let (taken, end) = self.vfs.write_and_tell(self.id, self.position, source).await?;
        self.position = end;
        Ok(taken)
    }

    async fn flush(&mut self) -> Result<()> {
        self.sync().await
    }
}

#[colour]
impl<F: Filesystem> io::Seek for File<'_, F> {
    async fn seek(&mut self, to: io::SeekFrom) -> Result<u64> {
        let position = match to {
            io::SeekFrom::Start(position) => Some(position),
            io::SeekFrom::Current(by) => self.position.checked_add_signed(by),
            io::SeekFrom::End(by) => self.stat().await?.size.checked_add_signed(by),
        };
        self.position = position.ok_or(Error::Invalid)?;
        Ok(self.position)
    }
}

impl<F> Drop for File<'_, F> {
    fn drop(&mut self) {
        self.vfs.handles.mark_dropped(self.id);
    }
}
