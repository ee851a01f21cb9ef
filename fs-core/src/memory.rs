//! The RAM that a caller lends to a volume.
//!
//! All of it is here: mounting allocates nothing, and nothing grows with the volume, with a file
//! or with a directory. The sizes are chosen where the memory is declared, and the code behind it
//! sees slices, so that two sizes do not make two copies of the code.

pub use crate::cache::CachedPage;
use crate::format::inline;
use crate::format::inode::Inode;
use crate::format::key::Key;
use crate::format::record::RECORD_MAX;
use crate::table::{HandleSlot, Slot};
use crate::units::ObjectId;

/// Bytes of the longest record.
pub const WORK_BYTES: usize = RECORD_MAX as usize;

/// Where the attributes of a node are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// In the directory entry with this key.
    Entry(Key),
    /// In an item of its own: a directory, or a file that had several names.
    Item,
    /// Nowhere any more: its last name was removed.
    Nowhere,
}

/// What a volume keeps about a file or directory in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Where its attributes are stored.
    pub home: Home,
    /// The attributes as they were last committed.
    pub inode: Inode,
    /// The directory above; for a file its object is of no use and 0.
    pub parent: ObjectId,
    /// Bytes of its name, if its attributes are in a directory entry.
    pub name: u8,
    /// Number of the draft that holds its uncommitted content.
    pub draft: Option<u8>,
}

/// The uncommitted content of one file.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Whether a file uses it.
    pub used: bool,
    /// Bytes of content, zeros behind the valid ones included.
    pub size: u64,
    /// How many of the bytes count.
    pub valid: usize,
    /// The content.
    pub bytes: [u8; inline::BYTES_MAX],
}

impl Draft {
    const EMPTY: Self = Self { used: false, size: 0, valid: 0, bytes: [0; inline::BYTES_MAX] };

    /// The bytes that count.
    pub fn content(&self) -> &[u8] {
        self.bytes.get(..self.valid).unwrap_or_default()
    }
}

/// RAM for one mounted volume.
///
/// - `ARENA`: bytes of changes that wait for the tree; at least what the volume was formatted
///   with (2048 by default, less on volumes under 64 blocks).
/// - `FILES`: files and directories in use at once, and open files. An operation passes through
///   up to four directories, so three more than the program keeps open is a good number.
/// - `DRAFTS`: files with uncommitted content at once.
/// - `PAGES`: pages of 512 bytes that are kept after reading, at least one. With two a listing reads
///   each page once; from three on the upper levels of the tree stay here.
#[derive(Debug)]
pub struct Memory<
    const ARENA: usize = 2048,
    const FILES: usize = 6,
    const DRAFTS: usize = 2,
    const PAGES: usize = 2,
> {
    pub(crate) arena: [u8; ARENA],
    pub(crate) work: [u8; WORK_BYTES],
    pub(crate) pages: [CachedPage; PAGES],
    pub(crate) nodes: [Slot<Node>; FILES],
    pub(crate) handles: [HandleSlot; FILES],
    pub(crate) drafts: [Draft; DRAFTS],
}

impl<const ARENA: usize, const FILES: usize, const DRAFTS: usize, const PAGES: usize>
    Memory<ARENA, FILES, DRAFTS, PAGES>
{
    const CACHES: () = assert!(PAGES > 0, "a volume needs one cached page");

    /// Memory that may lie in a `static`.
    #[must_use]
    pub const fn new() -> Self {
        let () = Self::CACHES;
        Self {
            arena: [0; ARENA],
            work: [0; WORK_BYTES],
            pages: [const { CachedPage::EMPTY }; PAGES],
            nodes: [const { Slot::EMPTY }; FILES],
            handles: [const { HandleSlot::EMPTY }; FILES],
            drafts: [const { Draft::EMPTY }; DRAFTS],
        }
    }
}

impl<const ARENA: usize, const FILES: usize, const DRAFTS: usize, const PAGES: usize> Default
    for Memory<ARENA, FILES, DRAFTS, PAGES>
{
    fn default() -> Self {
        Self::new()
    }
}
