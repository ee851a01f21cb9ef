//! Movement: between a file's runs on the device and a buffer.
//!
//! **What it is.** [`Transfer`] is the back end for a CPU that copies in a loop. It is told which
//! runs hold a range (an [`ExtentList`]) and moves the range; it knows no file and no filesystem.
//!
//! **Rules.**
//! 1. A transfer moves a prefix of what was asked for and says how long it is; it ends before the
//!    end only where the list says nothing, or with an error.
//! 2. `Zero` and `Unwritten` runs give zeros, and the device is not asked.
//! 3. The device sees accesses in its read units only, each inside one run rounded out to units.
//! 4. No access is longer than the longest burst, if there is one: whoever shares the device waits
//!    for one burst at most.
//!
//! **After a power cut** nothing is left to do: nothing was written.
//!
//! **Cost.** Each run is read in bursts of the largest size, plus at most one unit at each of its
//! ends, which goes through the lent buffer of one read unit. Nothing else is kept.

mod bursts;

#[cfg(test)]
mod tests;

use super::colour;
use super::device::BlockDevice;
use crate::error::{DeviceError, Error, Result};
use crate::extent::ExtentList;
use crate::units::ByteOffset;
use bursts::{Burst, Bursts};

/// Moves data with the CPU.
#[derive(Debug)]
pub struct Transfer<'b> {
    unit: &'b mut [u8],
    burst_max: usize,
}

impl<'b> Transfer<'b> {
    /// Transfers that copy what is not aligned through `unit`, which has room for a read unit of
    /// the device; none is needed when that is one byte.
    #[must_use]
    pub const fn new(unit: &'b mut [u8]) -> Self {
        Self { unit, burst_max: usize::MAX }
    }

    /// The same, with accesses of at most `bytes`, but at least one read unit.
    #[must_use]
    pub const fn with_burst_max(self, bytes: usize) -> Self {
        Self { burst_max: bytes, ..self }
    }
}

#[colour]
impl Transfer<'_> {
    /// Fills `target` from `from` on; says how many bytes: fewer only where `runs` has a gap.
    ///
    /// # Errors
    /// [`Error::Device`]; [`Error::Invalid`] when the lent unit is too small. The content of
    /// `target` is then undefined.
    pub async fn read<D: BlockDevice>(
        &mut self,
        device: &mut D,
        runs: &ExtentList<'_>,
        from: ByteOffset,
        target: &mut [u8],
    ) -> Result<usize> {
        let read_unit = device.geometry().read_unit;
        let (mut done, mut rest) = (0_usize, target);
        for burst in Bursts::new(runs, from, rest.len(), read_unit, self.burst_max) {
            let (piece, later) = rest.split_at_mut_checked(burst.bytes()).ok_or(Error::Bug)?;
            match burst {
                Burst::Zero { .. } => piece.fill(0),
                Burst::Direct { at, .. } => {
                    device.read(at, piece).await.map_err(|error| error.kind())?;
                }
                Burst::Copied { at, skip, .. } => {
                    let unit = usize::try_from(read_unit).map_err(|_| Error::Invalid)?;
                    let unit = self.unit.get_mut(..unit).ok_or(Error::Invalid)?;
                    device.read(at, unit).await.map_err(|error| error.kind())?;
                    let source = unit.get(skip..).and_then(|wanted| wanted.get(..piece.len()));
                    piece.copy_from_slice(source.ok_or(Error::Bug)?);
                }
            }
            done = done.saturating_add(burst.bytes());
            rest = later;
        }
        Ok(done)
    }
}
