//! What a chip has done, and how long it took.

use crate::clock::Timing;
use crate::image::{BLOCK_BYTES, Op};

/// Sums over everything a chip has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Read calls.
    pub reads: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Program calls.
    pub programs: u64,
    /// Pages that these calls touched: program commands.
    pub program_pages: u64,
    /// Bytes programmed.
    pub program_bytes: u64,
    /// Erase calls.
    pub erases: u64,
    /// Erase commands of 4 KiB.
    pub erases_4k: u64,
    /// Erase commands of 32 KiB.
    pub erases_32k: u64,
    /// Erase commands of 64 KiB.
    pub erases_64k: u64,
    /// Bytes erased.
    pub erase_bytes: u64,
    /// Sync calls.
    pub syncs: u64,
    /// Discard calls.
    pub discards: u64,
    /// Time of all commands.
    pub busy_ns: u64,
}

impl Counters {
    /// What was added since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        self.with(earlier, |now, earlier| now - earlier)
    }

    /// The sum of both.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.with(other, |one, other| one + other)
    }

    fn with(&self, other: &Self, each: fn(u64, u64) -> u64) -> Self {
        Self {
            reads: each(self.reads, other.reads),
            read_bytes: each(self.read_bytes, other.read_bytes),
            programs: each(self.programs, other.programs),
            program_pages: each(self.program_pages, other.program_pages),
            program_bytes: each(self.program_bytes, other.program_bytes),
            erases: each(self.erases, other.erases),
            erases_4k: each(self.erases_4k, other.erases_4k),
            erases_32k: each(self.erases_32k, other.erases_32k),
            erases_64k: each(self.erases_64k, other.erases_64k),
            erase_bytes: each(self.erase_bytes, other.erase_bytes),
            syncs: each(self.syncs, other.syncs),
            discards: each(self.discards, other.discards),
            busy_ns: each(self.busy_ns, other.busy_ns),
        }
    }

    /// Counts one command and gives its time: `known`, or what `timing` says.
    pub(super) fn command(&mut self, op: &Op, timing: &Timing, known: Option<u64>) -> u64 {
        let ns = match op {
            Op::Program { bytes, .. } => {
                self.program_pages += 1;
                self.program_bytes += bytes.len() as u64;
                timing.program_ns(bytes.len() as u64)
            }
            Op::Erase { bytes, .. } => {
                self.erase_bytes += bytes;
                match bytes {
                    0x1_0000.. => self.erases_64k += 1,
                    0x8000.. => self.erases_32k += 1,
                    _ => self.erases_4k += 1,
                }
                timing.erase_ns(*bytes)
            }
            _ => 0,
        };
        let ns = known.unwrap_or(ns);
        self.busy_ns += ns;
        ns
    }
}

/// What kind of call a [`Timed`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// A read.
    Read,
    /// A program.
    Program,
    /// An erase.
    Erase,
    /// A sync.
    Sync,
}

/// One call of the device and what it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    /// Which call.
    pub call: Call,
    /// Where it began.
    pub at: u64,
    /// How many bytes it was about.
    pub bytes: u64,
    /// When it began.
    pub start_ns: u64,
    /// How long it took.
    pub ns: u64,
}

/// How often each 4 KiB block was erased.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wear(pub Vec<u32>);

impl Wear {
    /// The largest count.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// The smallest count.
    #[must_use]
    pub fn min(&self) -> u32 {
        self.0.iter().copied().min().unwrap_or(0)
    }

    /// The sum of all counts.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// Counts an erase of a range.
    pub(super) fn erased(&mut self, at: u64, bytes: u64) {
        for block in blocks(at, bytes) {
            if let Some(count) = self.0.get_mut(block) {
                *count += 1;
            }
        }
    }

    /// The largest count in a range.
    pub(super) fn max_in(&self, at: u64, bytes: u64) -> u32 {
        blocks(at, bytes).filter_map(|block| self.0.get(block).copied()).max().unwrap_or(0)
    }
}

pub(super) fn blocks(at: u64, bytes: u64) -> std::ops::Range<usize> {
    let block = |at: u64| usize::try_from(at / BLOCK_BYTES as u64).unwrap_or(usize::MAX);
    block(at)..block((at + bytes).next_multiple_of(BLOCK_BYTES as u64))
}
