//! Names by path: renaming, links, and paths that lead to other paths.

use super::super::colour;
use super::super::vnode::Filesystem;
use super::path::finish;
use super::walk::{asks_for_directory, place, place_file, walk};
use super::{Vfs, over};
use crate::api::{Attributes, NodeKind, RenameMode, VnodeId};
use crate::error::{Error, Result};

#[colour]
impl<F: Filesystem> Vfs<'_, F> {
    /// Renames a file, link or directory, and replaces a file, a link or an empty directory at
    /// `to`; durable at return, with the content of the file. A cut leaves exactly one of the two
    /// names. Two names of one file: nothing happens, and both stay.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotEmpty`], [`Error::WouldLoop`], [`Error::Invalid`] for the
    /// root, [`Error::NotADirectory`] for a file and a path that ends in a slash, and those of the
    /// filesystem's `rename`.
    pub async fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.rename_with(from, to, RenameMode::Replace).await
    }

    /// As `rename`; `mode` says what happens where `to` exists.
    ///
    /// # Errors
    /// As for `rename`; [`Error::Exists`] with `Exclusive`, [`Error::NotFound`] with `Swap`.
    pub async fn rename_with(&self, from: &str, to: &str, mode: RenameMode) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let (source, old) = place(&mut *filesystem, from, Error::Invalid).await?;
        let directory = asks_for_directory(from) || asks_for_directory(to);
        let renamed = match refuse_file(&mut *filesystem, source, old, directory).await {
            Ok(()) => rename_to(&mut *filesystem, source, old, to, mode).await,
            refused => refused,
        };
        filesystem.put(source);
        finish(&mut *filesystem, renamed).await
    }

    /// Swaps the contents of two files, whose names and attributes stay; durable at return. A cut
    /// leaves both swapped or neither. Whoever has one open sees the other content.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::IsADirectory`], [`Error::Invalid`] for the same file, and
    /// those of the filesystem's `exchange`.
    pub async fn exchange(&self, one: &str, other: &str) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let first = walk(&mut *filesystem, one, true).await?;
        let exchanged = match walk(&mut *filesystem, other, true).await {
            Ok(second) => {
                let exchanged = filesystem.exchange(first, second).await;
                filesystem.put(second);
                exchanged
            }
            Err(error) => Err(error),
        };
        filesystem.put(first);
        over(&mut *filesystem, exchanged).await
    }

    /// Gives the file or link at `file` the further name `name`; durable at return, with the
    /// content of the file. A link is not followed.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Exists`], [`Error::IsADirectory`], and those of the
    /// filesystem's `link`.
    pub async fn link(&self, file: &str, name: &str) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, file, false).await?;
        let linked = match place_file(&mut *filesystem, name).await {
            Ok((directory, name)) => {
                let linked = filesystem.link(vnode, directory, name).await;
                filesystem.put(directory);
                linked
            }
            Err(error) => Err(error),
        };
        filesystem.put(vnode);
        over(&mut *filesystem, linked).await
    }

    /// Makes a link at `path` that leads to `target`: from its own directory, or from the root if
    /// `target` begins with a slash. Nothing needs to be there. Durable at return.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::NotFound`] (a directory on the way), [`Error::Invalid`] for an
    /// empty target, [`Error::NameTooLong`], and those of the filesystem's `symlink`.
    pub async fn symlink(&self, target: &str, path: &str) -> Result<()> {
        let mut filesystem = self.enter().await?;
        let (directory, name) = place_file(&mut *filesystem, path).await?;
        let made = filesystem.symlink(directory, name, target.as_bytes()).await;
        filesystem.put(directory);
        let made = made.map(|vnode| filesystem.put(vnode));
        over(&mut *filesystem, made).await
    }

    /// Copies the path that the link at `path` leads to, cut at the end of `target`; says how long
    /// it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if it is no link.
    pub async fn read_link(&self, path: &str, target: &mut [u8]) -> Result<usize> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, false).await?;
        let read = filesystem.readlink(vnode, target).await;
        filesystem.put(vnode);
        read
    }

    /// As `stat`, but a link at the end of `path` is not followed: what is known about the link.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotADirectory`].
    pub async fn symlink_stat(&self, path: &str) -> Result<Attributes> {
        let mut filesystem = self.enter().await?;
        let vnode = walk(&mut *filesystem, path, false).await?;
        let found = filesystem.getattr(vnode).await;
        filesystem.put(vnode);
        found
    }
}

/// Refuses a file or link where a path asked for a directory.
#[colour]
async fn refuse_file<F: Filesystem>(
    filesystem: &mut F,
    directory: VnodeId,
    name: &[u8],
    asked: bool,
) -> Result<()> {
    if !asked {
        return Ok(());
    }
    let vnode = filesystem.lookup(directory, name).await?;
    let kind = filesystem.kind(vnode);
    filesystem.put(vnode);
    if kind? == NodeKind::Directory { Ok(()) } else { Err(Error::NotADirectory) }
}

#[colour]
#[inline(never)]
async fn rename_to<F: Filesystem>(
    filesystem: &mut F,
    source: VnodeId,
    old: &[u8],
    to: &str,
    mode: RenameMode,
) -> Result<()> {
    let (target, new) = place(filesystem, to, Error::Invalid).await?;
    let renamed = filesystem.rename(source, old, target, new, mode).await;
    filesystem.put(target);
    renamed
}
