//! The RAM that a caller lends to a volume.
//!
//! All of it is here: mounting allocates nothing, and nothing grows with the volume, with a file
//! or with a directory. The sizes are chosen where the memory is declared, and the code behind it
//! sees slices, so that two sizes do not make two copies of the code.

pub use crate::cache::CachedPage;
use crate::format::inline;
use crate::format::inode::Inode;
use crate::format::key::{Key, Kind};
use crate::format::record::RECORD_MAX;
use crate::pending::RunTable;
pub use crate::table::Operation;
use crate::table::{HandleSlot, Slot};
use crate::units::{BlockNo, ObjectId};

/// Bytes of the longest record.
pub const WORK_BYTES: usize = RECORD_MAX as usize;

/// Where the attributes of a node are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// In a directory entry.
    Entry(EntryKey),
    /// In an item of its own: a file that had several names.
    Item,
    /// In an item of its own: a directory, in this one.
    Directory(ObjectId),
    /// Nowhere any more: its last name was removed.
    Nowhere,
}

/// The key of a directory entry, without the kind that it always has: each open file holds one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryKey {
    directory: ObjectId,
    offset: u64,
}

impl EntryKey {
    /// The directory and the place in it that `key`, that of an entry, names.
    #[must_use]
    pub const fn of(key: Key) -> Self {
        Self { directory: key.object, offset: key.offset }
    }

    /// The whole key.
    #[must_use]
    pub const fn key(self) -> Key {
        Key::new(self.directory, Kind::DIRENT, self.offset)
    }
}

/// What a volume keeps about a file or directory in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Where its attributes are stored.
    pub home: Home,
    /// The attributes as they were last committed.
    pub inode: Inode,
    /// Bytes of its name, if its attributes are in a directory entry.
    pub name: u8,
    /// Number of the draft that holds its uncommitted content.
    pub draft: Option<u8>,
    /// The last block of the content, if this session has written it and may write on in it.
    pub last: Option<LastBlock>,
    /// Runs of the content that were looked up last.
    pub runs: [KnownRun; 2],
    /// Regions of the content, from one to before the other, that have no patches.
    pub unpatched: (u32, u32),
}

impl Node {
    /// A node of which nothing else is known.
    #[must_use]
    pub const fn new(home: Home, inode: Inode, name: u8) -> Self {
        Self {
            home,
            inode,
            name,
            draft: None,
            last: None,
            runs: [KnownRun::NONE; 2],
            unpatched: (0, 0),
        }
    }

    /// Forgets what was looked up of its runs: they have changed.
    pub fn forget_runs(&mut self) {
        self.runs = [KnownRun::NONE; 2];
        self.unpatched = (0, 0);
    }
}

/// A block that may be programmed on from `units` append units on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastBlock {
    /// Which block.
    pub block: BlockNo,
    /// How many of its append units were programmed.
    pub units: u16,
}

/// A run of a content, all in blocks and append units: 12 bytes for each in an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownRun {
    /// Number of its first block in the content.
    pub index: u32,
    /// Its first block on the device.
    pub block: BlockNo,
    /// Append units; 0 if nothing is known.
    pub units: u32,
}

impl KnownRun {
    /// Nothing is known.
    pub const NONE: Self = Self { index: 0, block: BlockNo(0), units: 0 };
}

/// Bytes of a draft's buffer: an inline content, or one append unit.
pub const DRAFT_BYTES: usize = 512;
const _: () = assert!(inline::BYTES_MAX <= DRAFT_BYTES);
/// Runs that a draft holds before they must go to the log.
pub const DRAFT_RUNS: usize = 8;

/// A run of uncommitted content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DraftRun {
    /// Number of its first block in the content.
    pub index: u64,
    /// Its first block on the device; 0: nothing, the file reads as zero there.
    pub block: BlockNo,
    /// Append units, or blocks if it is nothing.
    pub units: u32,
    /// Whether its blocks are pinned, and not yet in the log.
    pub fresh: bool,
}

/// Units that a draft overwrites one by one.
pub const DRAFT_PATCHES: usize = 4;
/// Units that go along to a new patch block at most.
pub const MOVED_MAX: usize = 8;

/// How far an overwritten unit has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Its slot is chosen.
    Planned,
    /// Its slot may be programmed, and does not count.
    Dead,
    /// Its slot holds it.
    Live,
}

/// A unit of a content that a draft has overwritten, and the slot that it went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DraftPatch {
    /// Number of the unit in the content.
    pub unit: u64,
    /// The patch block.
    pub block: BlockNo,
    /// Which of its units.
    pub slot: u16,
    /// Whether the block is pinned, and not yet in the log.
    pub fresh: bool,
    /// How far it has come.
    pub progress: Progress,
}

/// Units that went along from one patch block to the first slots of a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The block they were in.
    pub from: BlockNo,
    /// The block they are in.
    pub block: BlockNo,
    /// Which units of the region.
    pub units: [u8; MOVED_MAX],
    /// How many.
    pub count: u8,
}

/// The block of a draft that is being written: its first units are programmed, one unit may be in
/// the buffer, and behind it the file is what it was without the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as they are asked for")]
pub struct OpenBlock {
    /// Number of the block in the content.
    pub index: u64,
    /// The block on the device; 0 while none is needed. Before that its first units are those that
    /// the file had.
    pub block: BlockNo,
    /// Append units that come from the block.
    pub units: u32,
    /// Whether the buffer holds the unit behind them.
    pub loaded: bool,
    /// Whether that unit has changed.
    pub dirty: bool,
    /// Whether a program behind `units` did not return `Ok`: nothing more goes into the block.
    pub torn: bool,
    /// Whether the block is pinned, and not yet in the log.
    pub fresh: bool,
    /// Whether units were added to the block.
    pub grown: bool,
}

/// What the log says about a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Nothing.
    Nothing,
    /// One item with all of it.
    Inline,
    /// Runs and a tail.
    Runs,
}

/// The uncommitted content of one file.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Draft {
    /// Whether a file uses it.
    pub used: bool,
    /// Whether `bytes` holds all of the content; else it is in blocks.
    pub inline: bool,
    /// What the log has of the committed content.
    pub stored: Stored,
    /// Whether nothing of the committed content is left.
    pub replaced: bool,
    /// Whether an intent tells what becomes of `data` if the draft is lost.
    pub announced: bool,
    /// Whether all that the log has behind its runs was set aside to stay.
    pub persists: bool,
    /// Bytes of content, zeros behind the valid ones included.
    pub size: u64,
    /// How many of the bytes count.
    pub valid: u64,
    /// Below this byte the log's runs of `data` show through, where the draft has none.
    pub base: u64,
    /// From this byte on the draft may differ from the committed content.
    pub low: u64,
    /// The object whose runs show through; 0 if there is none yet.
    pub data: ObjectId,
    /// A pinned block that is being filled; 0 if there is none.
    pub spare: BlockNo,
    /// The block that is being written.
    pub open: Option<OpenBlock>,
    /// Blocks that were written, by their place in the file.
    pub runs: heapless::Vec<DraftRun, DRAFT_RUNS>,
    /// Units that were overwritten one by one, in blocks that have no run here.
    pub patches: heapless::Vec<DraftPatch, DRAFT_PATCHES>,
    /// What went along to the patch block of one of them.
    pub moved: Option<Moved>,
    /// The inline content, or the unit of the open block that is not full yet.
    pub bytes: [u8; DRAFT_BYTES],
}

impl Draft {
    /// A draft that no file uses.
    pub const EMPTY: Self = Self {
        used: false,
        inline: true,
        stored: Stored::Nothing,
        replaced: false,
        announced: false,
        persists: false,
        size: 0,
        valid: 0,
        base: 0,
        low: u64::MAX,
        data: ObjectId(0),
        spare: BlockNo(0),
        open: None,
        runs: heapless::Vec::new(),
        patches: heapless::Vec::new(),
        moved: None,
        bytes: [0; DRAFT_BYTES],
    };

    /// The bytes that count, of an inline content.
    pub fn content(&self) -> &[u8] {
        let valid = usize::try_from(self.valid).unwrap_or(usize::MAX);
        self.bytes.get(..valid).unwrap_or_default()
    }

    /// Puts `source` into an inline content, with zeros between its end and `offset`; `None` if it
    /// does not fit.
    pub fn write_inline(&mut self, offset: u64, source: &[u8]) -> Option<usize> {
        let from = usize::try_from(offset).ok()?;
        let end = from.checked_add(source.len())?;
        let valid = usize::try_from(self.valid).ok()?;
        if let Some(gap) = self.bytes.get_mut(valid..from) {
            gap.fill(0);
        }
        self.bytes.get_mut(from..end)?.copy_from_slice(source);
        self.valid = self.valid.max(end as u64);
        self.size = self.size.max(end as u64);
        self.low = 0;
        Some(source.len())
    }
}

/// RAM for one mounted volume.
///
/// - `ARENA`: bytes of changes that wait for the tree; at least what the volume was formatted
///   with (2048 by default, less on volumes under 64 blocks).
/// - `FILES`: files and directories in use at once, and open files. An operation passes through
///   up to four directories, so three more than the program keeps open is a good number.
/// - `DRAFTS`: files with uncommitted content at once.
/// - `PAGES`: pages of 512 bytes that are kept after reading, at least one. With two a listing
///   reads each page once; from three on the upper levels of the tree stay here.
#[derive(Debug)]
pub struct Memory<
    const ARENA: usize = 2048,
    const FILES: usize = 6,
    const DRAFTS: usize = 2,
    const PAGES: usize = 2,
> {
    pub(crate) arena: [u8; ARENA],
    pub(crate) runs: RunTable,
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
            runs: RunTable::new(),
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
