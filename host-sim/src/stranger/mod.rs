//! A stranger's reader: a volume read from `docs/format.md` alone, with a computer's memory.
//!
//! **What it is.** The second opinion on every image. It shares no line with `fs-core`: own
//! checksum, own hash, own tables. [`Volume::read`] finds the newest state as section 10 of the
//! specification says and loads the whole tree; [`check`] counts the owners of every block and of
//! every content exactly; [`Volume::files`] gives the tree of names as a stranger sees it.
//!
//! **Rules.**
//! 1. Nothing from `fs-core` is used here. What both read must be equal; tests compare them.
//! 2. Nothing is written, and nothing is repaired by guessing.
//! 3. No image makes it panic, loop or recurse: every walk is bounded by the blocks there are.
//! 4. What is refused is named with the block, the place and the rule.
//!
//! **Cost.** All items of the volume in memory, and each block of metadata read once.

mod bytes;
mod check;
mod content;
mod files;
mod images;
mod journal;
mod state;
mod superblock;
mod tree;

use std::fmt;

pub use bytes::{Bytes, Crc, Key, name_hash};
pub use check::{Owner, Report, check};
pub use files::{Dirent, File, Files};
pub use journal::{Change, Entry, Kind, Record, Replayed, Slot, replay, slots};
pub use state::{RunState, Scalars, State};
pub use superblock::{Place, Refused, Superblock, find, place};
pub use tree::{Node, Pointer, Tree};

/// What an image is read from: bytes at positions.
pub trait Medium {
    /// How many bytes there are.
    fn size(&self) -> u64;

    /// Fills `target` from `at`; `false` if that is not inside.
    fn read(&self, at: u64, target: &mut [u8]) -> bool;
}

impl<T: AsRef<[u8]>> Medium for T {
    fn size(&self) -> u64 {
        self.as_ref().len() as u64
    }

    fn read(&self, at: u64, target: &mut [u8]) -> bool {
        let start = usize::try_from(at).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(target.len())?));
        let Some(source) = range.and_then(|range| self.as_ref().get(range)) else { return false };
        target.copy_from_slice(source);
        true
    }
}

/// The cells as they read now.
impl Medium for crate::image::Image {
    fn size(&self) -> u64 {
        Self::size(self)
    }

    fn read(&self, at: u64, target: &mut [u8]) -> bool {
        let inside = at.checked_add(target.len() as u64).is_some_and(|end| end <= self.size());
        if inside {
            self.peek(at, target);
        }
        inside
    }
}

/// A rule that an image breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The block, if one can be named.
    pub block: Option<u32>,
    /// What is wrong.
    pub what: String,
}

impl Damage {
    fn at(block: u32, what: impl Into<String>) -> Self {
        Self { block: Some(block), what: what.into() }
    }

    fn of(what: impl Into<String>) -> Self {
        Self { block: None, what: what.into() }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.block {
            Some(block) => write!(f, "block {block}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// A volume as it was found: superblock, the newest state of its journal, all of its tree.
#[derive(Debug, Clone)]
pub struct Volume {
    /// What it is.
    pub superblock: Superblock,
    /// Every slot of both anchor blocks up to the first blank one.
    pub slots: Vec<Slot>,
    /// The chain that counts, with the state it leads to.
    pub replayed: Replayed,
    /// The nodes, and all items with what is pending over them.
    pub tree: Tree,
    /// What the blocks of contents hold.
    pub data: content::Data,
}

impl Volume {
    /// Reads everything but the content of blocks that nothing leads to.
    ///
    /// # Errors
    /// The first damage on the way.
    pub fn read(medium: &dyn Medium, superblock: &Superblock) -> Result<Self, Damage> {
        let slots = slots(medium, superblock);
        let replayed = replay(medium, superblock, &slots)?;
        let tree = Tree::read(medium, superblock, &replayed.state)?;
        let data = content::data_of(medium, superblock, &tree)?;
        Ok(Self { superblock: superblock.clone(), slots, replayed, tree, data })
    }

    /// Every name and what it leads to.
    ///
    /// # Errors
    /// The first item that breaks a rule.
    pub fn files(&self) -> Result<Files, Damage> {
        Files::of(self)
    }
}

#[cfg(test)]
mod tests;
