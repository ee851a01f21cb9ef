//! A listing of a directory.

use super::super::colour;
use super::super::vnode::Filesystem;
use super::Vfs;
use crate::api::{Cookie, DirEntry, FileId, NameBuf};
use crate::error::Result;

/// The entries of a directory, one at a time; in no order that means anything.
///
/// Other operations may go on meanwhile: an entry that exists during the whole listing is given
/// once, one that comes or goes at most once.
#[derive(Debug)]
pub struct ReadDir<'v, F> {
    vfs: &'v Vfs<'v, F>,
    id: FileId,
    at: Cookie,
}

impl<'v, F> ReadDir<'v, F> {
    pub(super) const fn new(vfs: &'v Vfs<'v, F>, id: FileId) -> Self {
        Self { vfs, id, at: Cookie::START }
    }

    /// Begins again.
    pub const fn rewind(&mut self) {
        self.at = Cookie::START;
    }
}

#[colour]
impl<F: Filesystem> ReadDir<'_, F> {
    /// The next entry, whose name goes to `name`; `None` at the end.
    ///
    /// # Errors
    /// Those of the filesystem's `readdir`. The same entry is tried again by the next call.
    pub async fn next(&mut self, name: &mut NameBuf) -> Result<Option<DirEntry>> {
        let mut filesystem = self.vfs.enter().await?;
        let directory = self.vfs.handles.get(self.id)?.vnode;
        match filesystem.readdir(directory, self.at, name).await? {
            Some((entry, next)) => {
                self.at = next;
                Ok(Some(entry))
            }
            None => Ok(None),
        }
    }
}

impl<F> Drop for ReadDir<'_, F> {
    fn drop(&mut self) {
        self.vfs.handles.mark_dropped(self.id);
    }
}
