//! Attributes, by path and of open files.

use super::super::colour;
use super::super::vnode::Filesystem;
use super::walk::walk;
use super::{Vfs, over};
use crate::api::{AttributeChange, Cookie, FileId, Limit, NameBuf, SyncLevel, XattrMode};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;

#[colour]
impl<F: Filesystem> Vfs<'_, F> {
    /// Changes attributes of the file or directory at `path`; durable at return, with what else was
    /// uncommitted in the file.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of the filesystem's `setattr` and `fsync`.
    pub async fn set_attributes(&self, path: &str, change: AttributeChange) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, true).await?;
        let mut result = filesystem.setattr(vnode, change).await;
        if result.is_ok() && change.size.is_some() {
            result = filesystem.fsync(vnode, SyncLevel::Full).await;
        }
        filesystem.put(vnode);
        over(&mut *filesystem, result).await
    }

    /// As [`Self::set_attributes`], of an open file; a size alone is uncommitted, as by `set_len`.
    ///
    /// # Errors
    /// [`Error::Stale`], and those of the filesystem's `setattr`.
    pub async fn set_file_attributes(&self, id: FileId, change: AttributeChange) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let handle = self.handles.get(id)?;
        let set = filesystem.setattr(handle.vnode, change).await;
        over(&mut *filesystem, set).await
    }

    /// Copies the extended attribute `name` of what is at `path` to `target`; says how long it is.
    /// An empty `target` asks for that alone.
    ///
    /// # Errors
    /// [`Error::NotFound`]; those of the filesystem's `getxattr`.
    pub async fn get_xattr(&self, path: &str, name: &str, target: &mut [u8]) -> Result<usize> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, true).await?;
        let found = filesystem.getxattr(vnode, name.as_bytes(), target).await;
        filesystem.put(vnode);
        found
    }

    /// Sets the extended attribute `name` of what is at `path`; durable at return. A cut leaves the
    /// old value or the new one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; those of the filesystem's `setxattr`.
    pub async fn set_xattr(
        &self,
        path: &str,
        name: &str,
        value: &[u8],
        mode: XattrMode,
    ) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, true).await?;
        let set = filesystem.setxattr(vnode, name.as_bytes(), value, mode).await;
        filesystem.put(vnode);
        over(&mut *filesystem, set).await
    }

    /// Removes the extended attribute `name` of what is at `path`; durable at return.
    ///
    /// # Errors
    /// [`Error::NotFound`]; those of the filesystem's `removexattr`.
    pub async fn remove_xattr(&self, path: &str, name: &str) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, true).await?;
        let removed = filesystem.removexattr(vnode, name.as_bytes()).await;
        filesystem.put(vnode);
        over(&mut *filesystem, removed).await
    }

    /// The name of an extended attribute of what is at `path`: the first one from
    /// [`Cookie::START`] on, and from where this gave it the next one. `None` at the end.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn list_xattr(
        &self,
        path: &str,
        at: Cookie,
        name: &mut NameBuf,
    ) -> Result<Option<Cookie>> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, true).await?;
        let found = filesystem.listxattr(vnode, at, name).await;
        filesystem.put(vnode);
        found
    }

    /// What the filesystem says about `limit` for what is at `path`; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn limit(&self, path: &str, limit: Limit) -> Result<Option<u64>> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, true).await?;
        let found = filesystem.pathconf(vnode, limit).await;
        filesystem.put(vnode);
        found
    }

    /// Commits the content of an open file as far as `level` says.
    ///
    /// # Errors
    /// As for `sync_file`.
    pub async fn sync_file_to(&self, id: FileId, level: SyncLevel) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let handle = self.handles.get(id)?;
        let synced = filesystem.fsync(handle.vnode, level).await;
        over(&mut *filesystem, synced).await
    }
}
