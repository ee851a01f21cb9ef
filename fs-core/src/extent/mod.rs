//! A file's data is a list of runs.
//!
//! **What it is.** [`Extent`] says where one run of a file lies, [`ExtentList`] holds the runs of
//! a range, and a [`Packer`] is what a filesystem fills it through.
//!
//! **Rules.**
//! 1. The runs of a list are in ascending logical order and do not overlap.
//! 2. No run is empty, and none reaches past the highest offset.
//! 3. Two neighbours that are one run in the file and on the device are one extent.
//! 4. What a list does not mention is not known: it is neither zero nor a hole.
//!
//! **After a power cut** a list is gone; nothing of it is on the medium.
//!
//! **Cost.** Packing looks at the last extent only.

mod list;

pub use list::{ExtentList, Packed, Packer};

use crate::units::ByteOffset;

/// What the device holds for a run of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ExtentKind {
    /// The file's bytes.
    Data,
    /// Nothing: the file reads as zero there, and `physical` means nothing.
    Zero,
    /// Space that belongs to the file and was never written: it reads as zero.
    Unwritten,
}

/// A run of a file that is contiguous on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Extent {
    /// What the device holds.
    pub kind: ExtentKind,
    /// Where the run begins on the device; 0 for [`ExtentKind::Zero`].
    pub physical: ByteOffset,
    /// Where the run begins in the file.
    pub logical: ByteOffset,
    /// Bytes of the run.
    pub length: u64,
    /// The space was allocated for this mapping: a writer must zero what it does not write.
    pub fresh: bool,
}

impl Extent {
    /// A run that reads as zero and has no space.
    #[must_use]
    pub const fn zero(logical: ByteOffset, length: u64) -> Self {
        let physical = ByteOffset(0);
        Self { kind: ExtentKind::Zero, physical, logical, length, fresh: false }
    }

    /// A run of the file's bytes at `physical`.
    #[must_use]
    pub const fn data(logical: ByteOffset, physical: ByteOffset, length: u64) -> Self {
        Self { kind: ExtentKind::Data, physical, logical, length, fresh: false }
    }

    /// Where the run ends in the file.
    #[must_use]
    pub const fn end(&self) -> ByteOffset {
        self.logical.plus(self.length)
    }

    /// The part of this run inside `length` bytes from `from`; `None` when there is none.
    #[must_use]
    pub fn clipped(&self, from: ByteOffset, length: u64) -> Option<Self> {
        let start = self.logical.max(from);
        let end = self.end().min(from.plus(length));
        let length = end.0.checked_sub(start.0).filter(|length| *length > 0)?;
        let skipped = start.0.saturating_sub(self.logical.0);
        let physical = match self.kind {
            ExtentKind::Zero => self.physical,
            ExtentKind::Data | ExtentKind::Unwritten => self.physical.plus(skipped),
        };
        Some(Self { physical, logical: start, length, ..*self })
    }

    /// Whether the run is not empty and ends before the highest offset, in file and on device.
    const fn is_sound(&self) -> bool {
        self.length > 0
            && self.logical.0.checked_add(self.length).is_some()
            && self.physical.0.checked_add(self.length).is_some()
    }

    /// This run and `next` as one; `None` when they are two.
    fn joined(&self, next: &Self) -> Option<Self> {
        let same = self.kind == next.kind && self.fresh == next.fresh;
        let placed = match self.kind {
            ExtentKind::Zero => true,
            ExtentKind::Data | ExtentKind::Unwritten => {
                self.physical.plus(self.length) == next.physical
            }
        };
        let joined = same && placed && self.end() == next.logical;
        joined.then(|| Self { length: self.length.saturating_add(next.length), ..*self })
    }
}
