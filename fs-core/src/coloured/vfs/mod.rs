//! Paths and handles: what a program sees of a filesystem.
//!
//! **What it is.** [`Vfs`] turns paths and [`FileId`]s into vnode operations on one [`Filesystem`],
//! which it keeps in a lock and is used through `&self`, by several tasks at once. [`File`] and
//! [`ReadDir`] are handles that close themselves.
//!
//! **Rules.**
//! 1. Every operation holds the lock from its first vnode operation to its last.
//! 2. Every hold taken is given back before the operation ends, also when it fails. One that is
//!    dropped on the way leaves its holds to the next operation, which takes them back first.
//! 3. An open file is one slot of the handle table and one use of its vnode; a listing likewise.
//! 4. Dropping a handle does no I/O: it marks the slot, and the next operation gives the use back.
//! 5. An id is stale as soon as its file is closed.
//! 6. A path is names between `/`. A leading `/` changes nothing; empty names and `.` are passed
//!    over; `..` is the parent, and the root is its own parent. The last name of an entry to make,
//!    to remove or to rename is neither `..` nor missing.
//! 7. A symbolic link on the way is followed, at most 16 of them; one at the end is followed by
//!    what looks at content and attributes, not by what changes names. A slash at the end asks for
//!    a directory: a file there is `NotADirectory`, a file to be made or removed `IsADirectory`.
//!
//! **States** of an open file:
//!
//! ```text
//!           open                  close
//!   absent ------> open ---------------------------> absent
//!                    |  drop                            ^
//!                    +--------> dropped ----------------+
//!                                        next operation
//! ```
//!
//! **After a power cut** no file is open.
//!
//! **Cost.** A walk is one lookup a name and holds two vnodes at a time; a rename holds up to
//! three. RAM: the lock, and one [`HandleSlot`] for each open file or listing.

mod attributes;
mod dir;
mod file;
mod files;
mod names;
mod path;
mod transact;
mod walk;

#[cfg(test)]
mod tests;

use super::colour;
use super::lock::{Guard, Lock};
use super::vnode::Filesystem;
use crate::api::FileId;
use crate::error::Result;
use crate::table::{HandleSlot, Handles};

pub use dir::ReadDir;
pub use file::File;

/// One filesystem, by paths and handles.
#[derive(Debug)]
pub struct Vfs<'m, F> {
    filesystem: Lock<F>,
    handles: Handles<'m>,
}

impl<'m, F> Vfs<'m, F> {
    /// Paths and handles for `filesystem`; as many open files and listings as there are slots.
    pub fn new(filesystem: F, handles: &'m mut [HandleSlot]) -> Self {
        Self { filesystem: Lock::new(filesystem), handles: Handles::new(handles) }
    }

    /// The filesystem, before there are handles that could use it.
    pub fn filesystem_mut(&mut self) -> &mut F {
        self.filesystem.get_mut()
    }

    /// The filesystem alone. Files that are still open are not closed: their uncommitted content
    /// is the filesystem's to commit.
    pub fn into_inner(self) -> F {
        self.filesystem.into_inner()
    }
}

#[colour]
impl<F: Filesystem> Vfs<'_, F> {
    /// The filesystem for one operation, in order: nothing held, dropped files closed and debts
    /// paid as far as the medium lets them be.
    ///
    /// # Errors
    /// [`Error::Busy`] in the blocking colour, when an operation further up the stack is under way.
    ///
    /// [`Error::Busy`]: crate::error::Error::Busy
    pub async fn enter(&self) -> Result<Guard<'_, F>> {
        let mut filesystem = self.filesystem.lock().await?;
        filesystem.abandon();
        self.reconcile(&mut *filesystem);
        // A debt that cannot be paid now stays; `sync` reports it.
        let _ = pay(&mut *filesystem).await;
        Ok(filesystem)
    }

    /// Gives the uses of dropped files back.
    fn reconcile(&self, filesystem: &mut F) {
        while let Some(handle) = self.handles.take_dropped() {
            filesystem.close(handle.vnode, handle.access);
        }
    }
}

/// Lets every vnode that nobody uses do what it still has to. Goes on after an error, and returns
/// the first.
#[colour]
async fn pay<F: Filesystem>(filesystem: &mut F) -> Result<()> {
    let (mut from, mut result) = (Some(0_u8), Ok(()));
    while let Some(vnode) = from.and_then(|from| filesystem.owed(from)) {
        result = result.and(filesystem.inactive(vnode).await);
        from = vnode.slot().checked_add(1);
    }
    result
}

/// Ends an operation that changes something: lets the filesystem do what the next ones would have
/// to wait for. `result` stands.
#[colour]
async fn over<F: Filesystem, T>(filesystem: &mut F, result: Result<T>) -> Result<T> {
    if result.is_ok() {
        filesystem.tidy().await;
    }
    result
}

/// An open file whose id no caller has yet: closed by the next operation if the future is dropped.
struct Unclaimed<'v, 'm> {
    handles: &'v Handles<'m>,
    id: FileId,
}

impl Unclaimed<'_, '_> {
    fn claim(self) -> FileId {
        let id = self.id;
        core::mem::forget(self);
        id
    }
}

impl Drop for Unclaimed<'_, '_> {
    fn drop(&mut self) {
        self.handles.mark_dropped(self.id);
    }
}
