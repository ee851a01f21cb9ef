//! The plan of a transfer: what the device is asked for, one access after the other.

use crate::extent::{ExtentKind, ExtentList};
use crate::units::ByteOffset;

/// One piece of a transfer, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Burst {
    /// Bytes that are zero.
    Zero { bytes: usize },
    /// Whole units, between the device and the caller's buffer.
    Direct { at: ByteOffset, bytes: usize },
    /// Part of one unit that begins at `at`, after `skip` of its bytes.
    Copied { at: ByteOffset, skip: usize, bytes: usize },
}

impl Burst {
    pub const fn bytes(&self) -> usize {
        match self {
            Self::Zero { bytes } | Self::Direct { bytes, .. } | Self::Copied { bytes, .. } => {
                *bytes
            }
        }
    }
}

/// The pieces of one transfer; ends early where the list says nothing.
pub(super) struct Bursts<'e, 'm> {
    runs: &'e ExtentList<'m>,
    at: ByteOffset,
    left: usize,
    unit: u64,
    burst_max: u64,
}

impl<'e, 'm> Bursts<'e, 'm> {
    pub fn new(
        runs: &'e ExtentList<'m>,
        from: ByteOffset,
        bytes: usize,
        unit: u32,
        burst_max: usize,
    ) -> Self {
        let unit = u64::from(unit.max(1));
        let burst_max = whole_units(burst_max as u64, unit).max(unit);
        Self { runs, at: from, left: bytes, unit, burst_max }
    }
}

impl Iterator for Bursts<'_, '_> {
    type Item = Burst;

    fn next(&mut self) -> Option<Burst> {
        let run = self.runs.find(self.at)?.clipped(self.at, self.left as u64)?;
        let burst = match run.kind {
            ExtentKind::Zero | ExtentKind::Unwritten => Burst::Zero { bytes: bytes(run.length)? },
            ExtentKind::Data => {
                let skip = run.physical.0.checked_rem(self.unit)?;
                let at = ByteOffset(run.physical.0.saturating_sub(skip));
                if skip > 0 || run.length < self.unit {
                    let length = run.length.min(self.unit.saturating_sub(skip));
                    Burst::Copied { at, skip: bytes(skip)?, bytes: bytes(length)? }
                } else {
                    let length = whole_units(run.length, self.unit).min(self.burst_max);
                    Burst::Direct { at, bytes: bytes(length)? }
                }
            }
        };
        self.at = self.at.plus(burst.bytes() as u64);
        self.left = self.left.saturating_sub(burst.bytes());
        Some(burst)
    }
}

/// A length that a buffer in memory has, as the type of such lengths.
fn bytes(length: u64) -> Option<usize> {
    usize::try_from(length).ok()
}

fn whole_units(length: u64, unit: u64) -> u64 {
    length.saturating_sub(length.checked_rem(unit).unwrap_or(0))
}
