//! What can go wrong with a chip, and when.
//!
//! The numbers are those of the project's list of faults: F1 cut at every
//! boundary, F2 torn program, F3 interrupted erase, F4 unstable bits, F5 damage to neighbours,
//! F6 decay, F7 bits that flip by being read, F9 bad blocks, F10 wear-out, F11 lost and reordered
//! writes, F12 damage to an allocation unit, F13 sectors that cannot be read, F14 lost and
//! misdirected programs and bit rot, F15 I/O errors.

use std::collections::BTreeMap;

use fs_core::error::ErrorKind;

use crate::image::Op;

/// What an interrupted program or erase leaves behind.
///
/// Every mode also leaves the range *suspect*: until it is erased, a program of blank bytes there
/// breaks the contract. Details come from a seed. A mode made for the other kind of command acts
/// as its nearest relative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TearMode {
    /// It had not begun.
    Nothing,
    /// The first bytes are done, and some bits of the byte after them.
    Prefix,
    /// The last bytes are done, and some bits of the byte before them.
    Suffix,
    /// Of the bits (or of the bytes) that had to change, any have.
    RandomSubset,
    /// Exactly one of the bits that had to change has.
    OneBit,
    /// All of the bits that had to change have, but one.
    AllButOneBit,
    /// Bits are zero that should be one in either content: not a subset of the target.
    Garbage,
    /// Reads as done when the power is back. From the next power-on it reads as anything between
    /// untouched and done.
    Unstable,
    /// Reads as untouched when the power is back, and from the next power-on as anything between
    /// untouched and done.
    UnstableOld,
    /// Reads as anything between untouched and done from the first.
    UnstableMix,
    /// Reads as done for some more power-ons, then becomes unstable (F6).
    Decay,
    /// The first part of the range is erased, the rest is as before.
    EraseHalf,
    /// Reads as erased, but later some bits may read zero at times, and what is programmed there
    /// does not hold.
    EraseWeak,
    /// It was done; only the answer is missing.
    Complete,
    /// The sector cannot be read back until it is written again (F13).
    Unreadable,
}

impl TearMode {
    /// The modes that differ for a program.
    pub const PROGRAM: &'static [Self] = &[
        Self::Nothing,
        Self::Prefix,
        Self::Suffix,
        Self::RandomSubset,
        Self::OneBit,
        Self::AllButOneBit,
        Self::Garbage,
        Self::Unstable,
        Self::UnstableOld,
        Self::UnstableMix,
        Self::Decay,
        Self::Complete,
    ];

    /// The modes that differ for an erase.
    pub const ERASE: &'static [Self] = &[
        Self::Nothing,
        Self::EraseHalf,
        Self::Suffix,
        Self::RandomSubset,
        Self::OneBit,
        Self::AllButOneBit,
        Self::Garbage,
        Self::Unstable,
        Self::UnstableOld,
        Self::UnstableMix,
        Self::Decay,
        Self::EraseWeak,
        Self::Complete,
    ];

    /// The modes that differ for a write of bytes that need no erase: each is old, new, or garbage,
    /// and reads the same for ever.
    pub const BYTES: &'static [Self] = &[
        Self::Nothing,
        Self::Prefix,
        Self::Suffix,
        Self::RandomSubset,
        Self::OneBit,
        Self::AllButOneBit,
        Self::Garbage,
        Self::Complete,
    ];

    /// The modes that differ for a write of a sector.
    pub const REWRITE: &'static [Self] = &[
        Self::Nothing,
        Self::Prefix,
        Self::Suffix,
        Self::RandomSubset,
        Self::OneBit,
        Self::AllButOneBit,
        Self::Garbage,
        Self::Unreadable,
        Self::Complete,
    ];

    /// Every mode.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        Self::PROGRAM.iter().chain(Self::ERASE).chain(Self::REWRITE)
    }

    /// The modes that differ for `op`. A sync can only have happened or not, which is the same
    /// on a chip without a cache.
    #[must_use]
    pub fn of(op: &Op) -> &'static [Self] {
        match op {
            Op::Program { .. } => Self::PROGRAM,
            Op::Erase { .. } => Self::ERASE,
            _ => &[Self::Nothing],
        }
    }
}

/// The power fails during one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Which operation, counted from the moment the faults were set; the first is 0.
    pub op: u64,
    /// What becomes of it.
    pub tear: TearMode,
}

/// How a bad block shows (F9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// A program answers with an error after doing some of it.
    ProgramFails,
    /// An erase answers with an error after doing some of it.
    EraseFails,
    /// A program answers `Ok` and does nothing.
    ProgramLost,
    /// An erase answers `Ok` and does nothing.
    EraseLost,
    /// Either answers with an error after doing some of it: the block is worn out (F10).
    Fails,
}

/// A program that goes astray (F14): it answers `Ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Astray {
    /// It never happens.
    Lost,
    /// It happens this many bytes further on, wrapping at the end of the chip.
    Moved(u64),
}

/// Which calls an I/O error counts and hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// Every call.
    All,
    /// Reads.
    Reads,
    /// Programs, erases and syncs.
    Writes,
}

/// An error at the k-th call (F15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IoError {
    /// Which calls count.
    pub calls: Calls,
    /// Which of them fails, counted from the moment the faults were set; the first is 0.
    pub call: u64,
    /// Whether all calls after it fail as well.
    pub persistent: bool,
    /// The answer.
    pub kind: ErrorKind,
    /// What becomes of a program or erase that fails.
    pub tear: TearMode,
}

/// Everything that is to go wrong.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Seed of every detail.
    pub seed: u64,
    /// A power cut (F1 to F4, F6).
    pub cut: Option<Cut>,
    /// Bad blocks of 4 KiB, by number (F9).
    pub bad: BTreeMap<u32, Bad>,
    /// Program operations that go astray, by operation number (F14).
    pub astray: BTreeMap<u64, Astray>,
    /// An error that is not a power cut (F15).
    pub error: Option<IoError>,
    /// What becomes of a program or erase whose future is dropped before it took effect; `None`
    /// is the same as [`TearMode::Nothing`].
    pub dropped: Option<TearMode>,
    /// With a volatile cache: `sync` answers `Ok` and does nothing (F11).
    pub sync_lies: bool,
    /// After so many reads of a block since its last erase one of its bits flips, and another one
    /// after as many again (F7).
    pub disturb: Option<u64>,
}

impl Faults {
    /// No faults.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A power cut at operation `op`.
    #[must_use]
    pub fn cut(op: u64, tear: TearMode, seed: u64) -> Self {
        Self { seed, cut: Some(Cut { op, tear }), ..Self::default() }
    }
}
