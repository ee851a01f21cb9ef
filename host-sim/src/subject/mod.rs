//! What is explored: anything that keeps files on a chip.
//!
//! The explorer knows volumes only through these two traits. The real filesystem is one
//! implementation ([`Vellum`]); [`Toy`] is another, so simple that its correctness is plain, with
//! flaws that can be switched on: the explorer's own canary.

mod toy;
mod vellum;

use fs_core::error::Result;

use crate::chip::Nor;
use crate::model::{Op, Slot};
use crate::scenario::Tuning;

pub use toy::{Flaw, Toy};
pub use vellum::{Lent, Vellum, format_options, open_options};

/// How to mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mounting {
    /// For reading and writing.
    Write,
    /// Nothing may be written.
    ReadOnly,
    /// For reading and writing; a device without a volume is formatted first.
    OrFormat,
}

/// How a mount ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The volume is dropped, as if the power failed.
    Dropped,
    /// The volume is unmounted.
    Unmounted,
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Whether it is a directory.
    pub directory: bool,
    /// Whether it is a symbolic link.
    pub link: bool,
    /// Bytes of content.
    pub size: u64,
}

/// What is known about something beside its content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Where a link leads.
    pub target: String,
    /// What it is called, and what it is.
    pub facts: Vec<(String, Vec<u8>)>,
}

/// Blocks in use and not in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Blocks that hold something.
    pub used: u32,
    /// Blocks that hold nothing.
    pub free: u32,
}

/// A filesystem under test.
pub trait Subject: Sync {
    /// What it is called in reports.
    fn name(&self) -> String;

    /// Whether the first and the last block are anchors, each of which alone leads to everything.
    fn has_anchors(&self) -> bool {
        false
    }

    /// Whether `docs/format.md` says what it writes, so that another reader can be asked.
    fn is_specified(&self, _tuning: Tuning) -> bool {
        false
    }

    /// Makes an empty volume on `device`.
    ///
    /// # Errors
    /// The filesystem's.
    fn format(&self, device: &mut Nor, tuning: Tuning) -> Result<()>;

    /// Mounts, lends the volume to `body`, and ends the mount as `body` says.
    ///
    /// # Errors
    /// The filesystem's, from mounting or unmounting.
    fn session(
        &self,
        device: &mut Nor,
        tuning: Tuning,
        how: Mounting,
        body: &mut dyn FnMut(&dyn Mounted) -> Ending,
    ) -> Result<()>;
}

/// A mounted volume.
pub trait Mounted {
    /// Carries out a call that is made on a mounted volume.
    ///
    /// # Errors
    /// The filesystem's.
    fn call(&self, op: &Op) -> Result<()>;

    /// The whole content as an open handle shows it.
    ///
    /// # Errors
    /// The filesystem's.
    fn read(&self, slot: Slot) -> Result<Vec<u8>>;

    /// The entries of a directory; the root is `/`.
    ///
    /// # Errors
    /// The filesystem's.
    fn list(&self, directory: &str) -> Result<Vec<Listed>>;

    /// What else is known about what is at `path`, which is not followed: for a link the path it
    /// leads to, and facts, by the names that a [`Tree`] gives them. A file with several names
    /// tells the number of its object as the fact [`SAME`].
    ///
    /// # Errors
    /// The filesystem's.
    ///
    /// [`Tree`]: crate::model::Tree
    /// [`SAME`]: crate::model::SAME
    fn facts(&self, path: &str, listed: &Listed) -> Result<Facts>;

    /// The whole content of a file.
    ///
    /// # Errors
    /// The filesystem's.
    fn content(&self, path: &str) -> Result<Vec<u8>>;

    /// Kind and size of what `path` names; a link is not followed.
    ///
    /// # Errors
    /// The filesystem's.
    fn status(&self, path: &str) -> Result<Listed>;

    /// Verifies every rule of the volume that it can verify itself.
    ///
    /// # Errors
    /// The filesystem's.
    fn check(&self) -> Result<Space>;
}
