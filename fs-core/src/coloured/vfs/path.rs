//! Operations by path.

use super::super::colour;
use super::super::vnode::Filesystem;
use super::walk::{place, place_file, walk};
use super::{ReadDir, Unclaimed, Vfs, over, pay};
use crate::api::{
    Access, AttributeChange, Attributes, FileId, NodeKind, OpenOptions, SyncLevel, VnodeId,
};
use crate::error::{Error, Result};
use crate::table::Handle;

#[colour]
impl<F: Filesystem> Vfs<'_, F> {
    /// Opens the file at `path`, or where a link there leads to. A link that leads nowhere is not
    /// made whole by `create`: `NotFound`.
    ///
    /// A created file is durable at return. Truncation is uncommitted content, as a write is: a
    /// cut before the file is committed leaves the old content.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Exists`] (`create_new`), [`Error::IsADirectory`],
    /// [`Error::NotADirectory`], [`Error::NoSlot`], [`Error::Invalid`] (options), and those of the
    /// filesystem's `create` and `setattr`. A file that was created by then stays.
    pub async fn open(&self, path: &str, options: OpenOptions) -> Result<FileId> {
        options.check()?;
        let mut filesystem = self.enter().await?;
        if !self.handles.has_room() {
            return Err(Error::NoSlot);
        }
        let vnode = found_or_created(&mut *filesystem, path, options).await?;
        let opened = self.open_file_at(&mut *filesystem, vnode, options).await;
        filesystem.put(vnode);
        self.reconcile(&mut *filesystem);
        if !options.creates() && !options.truncates() {
            return opened;
        }
        // Dropped from here on, the future takes the file with it.
        let opened = opened.map(|id| Unclaimed { handles: &self.handles, id });
        Ok(over(&mut *filesystem, opened).await?.claim())
    }

    async fn open_file_at(
        &self,
        filesystem: &mut F,
        vnode: VnodeId,
        options: OpenOptions,
    ) -> Result<FileId> {
        let found = filesystem.getattr(vnode).await?;
        match found.kind {
            NodeKind::File => {}
            NodeKind::Directory => return Err(Error::IsADirectory),
            NodeKind::Symlink => return Err(Error::LinkLoop),
        }
        let handle = Handle { vnode, access: options.access(), appends: options.appends() };
        let opened = self.open_vnode(filesystem, handle).await?;
        if options.truncates() && found.size > 0 {
            filesystem.setattr(vnode, AttributeChange::size(0)).await?;
        }
        Ok(opened.claim())
    }

    async fn open_vnode(&self, filesystem: &mut F, handle: Handle) -> Result<Unclaimed<'_, '_>> {
        filesystem.open(handle.vnode, handle.access).await?;
        match self.handles.insert(handle) {
            Ok(id) => Ok(Unclaimed { handles: &self.handles, id }),
            Err(error) => {
                filesystem.close(handle.vnode, handle.access);
                Err(error)
            }
        }
    }

    /// Begins a listing of the directory at `path`. It counts as an open file until it is dropped.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotADirectory`], [`Error::NoSlot`].
    pub async fn read_dir(&self, path: &str) -> Result<ReadDir<'_, F>> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, true).await?;
        let opened = self.open_directory_at(&mut *filesystem, vnode).await;
        filesystem.put(vnode);
        Ok(ReadDir::new(self, opened?))
    }

    async fn open_directory_at(&self, filesystem: &mut F, vnode: VnodeId) -> Result<FileId> {
        if filesystem.getattr(vnode).await?.kind != NodeKind::Directory {
            return Err(Error::NotADirectory);
        }
        let handle = Handle { vnode, access: Access::READ, appends: false };
        Ok(self.open_vnode(filesystem, handle).await?.claim())
    }

    /// Makes an empty directory; durable at return.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::NotFound`] (a directory on the way), and those of the
    /// filesystem's `mkdir`.
    pub async fn mkdir(&self, path: &str) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let (directory, name) = place(&mut *filesystem, path, Error::Exists).await?;
        let made = filesystem.mkdir(directory, name).await;
        filesystem.put(directory);
        let made = made.map(|vnode| filesystem.put(vnode));
        over(&mut *filesystem, made).await
    }

    /// Removes an empty directory; durable at return.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotADirectory`], [`Error::NotEmpty`], [`Error::Invalid`] for
    /// the root, and those of the filesystem's `rmdir`.
    pub async fn rmdir(&self, path: &str) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let (directory, name) = place(&mut *filesystem, path, Error::Invalid).await?;
        let removed = filesystem.rmdir(directory, name).await;
        filesystem.put(directory);
        finish(&mut *filesystem, removed).await
    }

    /// Removes a name of a file, or a link; durable at return. With its last name the file goes,
    /// but whoever has it open keeps its content until the close.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::IsADirectory`], and those of the filesystem's `remove`.
    pub async fn remove(&self, path: &str) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let (directory, name) = place_file(&mut *filesystem, path).await?;
        let removed = filesystem.remove(directory, name).await;
        filesystem.put(directory);
        finish(&mut *filesystem, removed).await
    }

    /// What is known about the file or directory at `path`, or where a link there leads to,
    /// uncommitted content included.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotADirectory`].
    pub async fn stat(&self, path: &str) -> Result<Attributes> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, true).await?;
        let found = filesystem.getattr(vnode).await;
        filesystem.put(vnode);
        found
    }

    /// Cuts or lengthens a file and commits it, with what else was uncommitted in it; durable at
    /// return. After an error the new size may be left uncommitted.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::IsADirectory`], and those of the filesystem's `setattr` and
    /// `fsync`.
    pub async fn truncate(&self, path: &str, length: u64) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, true).await?;
        let mut result = filesystem.setattr(vnode, AttributeChange::size(length)).await;
        if result.is_ok() {
            result = filesystem.fsync(vnode, SyncLevel::Full).await;
        }
        filesystem.put(vnode);
        over(&mut *filesystem, result).await
    }

    /// Makes `content` the whole content of the file at `path`, which is created when it is
    /// absent; durable at return. A cut leaves all of the old or all of the new.
    ///
    /// # Errors
    /// [`Error::IsADirectory`], and those of the filesystem's `replace`.
    pub async fn replace(&self, path: &str, content: &[u8]) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let (directory, name) = place_file(&mut *filesystem, path).await?;
        let replaced = filesystem.replace(directory, name, content).await;
        filesystem.put(directory);
        if replaced != Err(Error::LinkLoop) {
            return over(&mut *filesystem, replaced).await;
        }
        let vnode = walk(&mut *filesystem, path, true).await?;
        let replaced = filesystem.rewrite(vnode, content).await;
        filesystem.put(vnode);
        over(&mut *filesystem, replaced).await
    }

    /// Reads a whole file; says how many bytes it has.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::IsADirectory`]; [`Error::Invalid`], and nothing is read, when
    /// the file does not fit `target`.
    pub async fn read_file(&self, path: &str, target: &mut [u8]) -> Result<usize> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, true).await?;
        let read = read_whole(&mut *filesystem, vnode, target).await;
        filesystem.put(vnode);
        read
    }

    /// Commits the content of every file, and frees what nobody uses; durable at return.
    ///
    /// # Errors
    /// Those of the filesystem's `sync` and `inactive`. Files before the one that failed are
    /// committed.
    pub async fn sync(&self) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let synced = filesystem.sync().await;
        let synced = synced.and(pay(&mut *filesystem).await);
        over(&mut *filesystem, synced).await
    }
}

/// Frees what a removed name leaves unused, as far as the medium lets it: `result` stands.
#[colour]
pub(super) async fn finish<F: Filesystem>(filesystem: &mut F, result: Result<()>) -> Result<()> {
    if result.is_ok() {
        let _ = pay(filesystem).await;
    }
    over(filesystem, result).await
}

/// The vnode of the file to open, with a hold.
#[colour]
async fn found_or_created<F: Filesystem>(
    filesystem: &mut F,
    path: &str,
    options: OpenOptions,
) -> Result<VnodeId> {
    if !options.creates() {
        return walk(filesystem, path, true).await;
    }
    let (directory, name) = place_file(filesystem, path).await?;
    let found = match filesystem.lookup(directory, name).await {
        Err(Error::NotFound) => filesystem.create(directory, name).await,
        Ok(vnode) if options.creates_only() => {
            filesystem.put(vnode);
            Err(Error::Exists)
        }
        found => found,
    };
    filesystem.put(directory);
    let vnode = found?;
    if filesystem.kind(vnode)? == NodeKind::Symlink {
        filesystem.put(vnode);
        return walk(filesystem, path, true).await;
    }
    Ok(vnode)
}

#[colour]
async fn read_whole<F: Filesystem>(
    filesystem: &mut F,
    vnode: VnodeId,
    target: &mut [u8],
) -> Result<usize> {
    let found = filesystem.getattr(vnode).await?;
    if found.kind == NodeKind::Directory {
        return Err(Error::IsADirectory);
    }
    let size = usize::try_from(found.size).map_err(|_| Error::Invalid)?;
    let target = target.get_mut(..size).ok_or(Error::Invalid)?;
    let mut done = 0_usize;
    while let Some(rest) = target.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match filesystem.read(vnode, done as u64, rest).await? {
            0 => return Err(Error::Bug),
            read => done = done.saturating_add(read),
        }
    }
    Ok(size)
}
