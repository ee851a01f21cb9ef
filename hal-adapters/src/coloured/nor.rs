//! NOR flash as a `BlockDevice`: a chip on SPI ([`SpiNor`]), and any `NorFlash`, which is what this
//! text is about.
//!
//! **What the flash sees.** Only whole units inside its capacity: programs of whole `WRITE_SIZE`,
//! erases of whole `ERASE_SIZE`, reads of whole `READ_SIZE`. Any other program or erase is refused
//! before it reaches the flash. Reads may begin and end anywhere: parts of a read unit go through a
//! buffer of [`NorDevice::READ_UNIT_MAX`] bytes.
//!
//! **What the filesystem is told.** That a cut harms only the bytes being programmed or erased
//! (`NorFlash` demands it), that what a program or an erase reported is durable, and, where the
//! constructor says so, that zero bits may be programmed without an erase.
//!
//! **Limits.** `NorFlash` counts in `u32`: a capacity of 4 GiB or more gives a device of size zero,
//! which every volume refuses. Units that are no powers of two do not compile.

mod spi;

use super::colour;
use super::device::BlockDevice;
use super::nor_flash::{MultiwriteNorFlash, NorFlash};
use crate::error::NorError;
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};
pub use spi::{Options, SpiNor};

#[cfg(test)]
mod tests;

const READ_UNIT_MAX: usize = 32;

/// A NOR flash as storage for a volume.
#[derive(Debug)]
pub struct NorDevice<F> {
    flash: F,
    guarantees: Guarantees,
}

impl<F> NorDevice<F> {
    /// The largest `READ_SIZE` that this adapter takes.
    pub const READ_UNIT_MAX: usize = READ_UNIT_MAX;

    const GUARANTEES: Guarantees = Guarantees::NEEDS_ERASE.union(Guarantees::POWERSAFE_NEIGHBOURS);

    /// Gives the flash back.
    pub fn into_inner(self) -> F {
        self.flash
    }
}

impl<F: NorFlash> NorDevice<F> {
    const UNITS_ARE_SOUND: () = {
        assert!(F::READ_SIZE.is_power_of_two(), "READ_SIZE is no power of two");
        assert!(F::WRITE_SIZE.is_power_of_two(), "WRITE_SIZE is no power of two");
        assert!(F::ERASE_SIZE.is_power_of_two(), "ERASE_SIZE is no power of two");
        assert!(F::READ_SIZE <= Self::READ_UNIT_MAX, "READ_SIZE is too large");
        assert!(F::READ_SIZE <= F::ERASE_SIZE && F::WRITE_SIZE <= F::ERASE_SIZE);
        assert!(F::ERASE_SIZE as u64 <= 1 << 31, "ERASE_SIZE is too large");
    };

    /// A flash of which only `NorFlash` is known: each unit is programmed once after an erase.
    ///
    /// Right for flash with error correction over each word (most internal flash of
    /// microcontrollers), where a second program destroys the word. This version of the filesystem
    /// refuses to write to such flash.
    pub fn once(flash: F) -> Self {
        const { Self::UNITS_ARE_SOUND };
        Self { flash, guarantees: Self::GUARANTEES }
    }

    /// A flash whose zero bits may be programmed again, although its driver does not say so.
    ///
    /// For serial NOR chips: their datasheets allow it, but many drivers implement `NorFlash`
    /// without the marker `MultiwriteNorFlash`. Wrong for flash with error correction over each
    /// word: committed data would be lost. In doubt use [`NorDevice::once`].
    pub fn assume_multiwrite(flash: F) -> Self {
        const { Self::UNITS_ARE_SOUND };
        Self { flash, guarantees: Self::GUARANTEES | Guarantees::REPROGRAM_ZERO_BITS }
    }

    /// Bytes in whole erase units, or zero if `u32` cannot count them.
    fn size(&self) -> u32 {
        let capacity = u32::try_from(self.flash.capacity()).unwrap_or(0);
        capacity & !unit(F::ERASE_SIZE).wrapping_sub(1)
    }

    /// The bounds of a range, if it lies inside the flash.
    fn range(&self, at: ByteOffset, bytes: u64) -> Result<(u32, u32), NorError<F::Error>> {
        let end = at.0.checked_add(bytes).filter(|end| *end <= u64::from(self.size()));
        let bounds = u32::try_from(at.0).ok().zip(end.and_then(|end| u32::try_from(end).ok()));
        bounds.ok_or(NorError::OutOfBounds)
    }

    /// The bounds of a range, if it lies inside the flash and is made of whole `units`.
    fn whole(
        &self,
        at: ByteOffset,
        bytes: u64,
        units: u32,
    ) -> Result<(u32, u32), NorError<F::Error>> {
        let (from, to) = self.range(at, bytes)?;
        let aligned = from.is_multiple_of(units) && to.is_multiple_of(units);
        aligned.then_some((from, to)).ok_or(NorError::NotAligned)
    }
}

impl<F: MultiwriteNorFlash> NorDevice<F> {
    /// A flash whose driver promises that zero bits may be programmed again.
    pub fn new(flash: F) -> Self {
        Self::assume_multiwrite(flash)
    }
}

#[colour]
impl<F: NorFlash> NorDevice<F> {
    /// Fills `target` from the middle of a read unit: `skip` bytes behind `unit_at`.
    async fn read_part(
        &mut self,
        unit_at: u32,
        skip: u32,
        target: &mut [u8],
    ) -> Result<(), NorError<F::Error>> {
        let mut buffer = [0; READ_UNIT_MAX];
        let (buffer, _) = buffer.split_at_mut_checked(F::READ_SIZE).ok_or(NorError::NotAligned)?;
        self.flash.read(unit_at, buffer).await.map_err(NorError::Read)?;
        let part = buffer.iter().skip(skip as usize);
        target.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

#[colour]
impl<F: NorFlash> BlockDevice for NorDevice<F> {
    type Error = NorError<F::Error>;

    fn geometry(&self) -> Geometry {
        Geometry {
            size: u64::from(self.size()),
            read_unit: 1,
            program_unit: unit(F::WRITE_SIZE),
            erase_unit: unit(F::ERASE_SIZE),
            // A driver picks larger erases by itself, from the range it is given.
            erase_sizes: EraseSizes::NONE,
            dma_alignment: 1,
            guarantees: self.guarantees,
        }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), Self::Error> {
        let (mut from, _) = self.range(at, target.len() as u64)?;
        let units = unit(F::READ_SIZE);
        let mut rest = target;
        let skip = from & units.wrapping_sub(1);
        if skip != 0 {
            let part = (units.wrapping_sub(skip) as usize).min(rest.len());
            let (head, tail) = rest.split_at_mut_checked(part).ok_or(NorError::OutOfBounds)?;
            self.read_part(from.wrapping_sub(skip), skip, head).await?;
            from = from.wrapping_sub(skip).saturating_add(units);
            rest = tail;
        }
        let middle = rest.len() & !F::READ_SIZE.wrapping_sub(1);
        let (middle, tail) = rest.split_at_mut_checked(middle).ok_or(NorError::OutOfBounds)?;
        if !middle.is_empty() {
            self.flash.read(from, middle).await.map_err(NorError::Read)?;
        }
        if !tail.is_empty() {
            // Inside the range that was checked, so the sum fits.
            let from = from.saturating_add(unit(middle.len()));
            self.read_part(from, 0, tail).await?;
        }
        Ok(())
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), Self::Error> {
        let (from, to) = self.whole(at, source.len() as u64, unit(F::WRITE_SIZE))?;
        if from == to {
            return Ok(());
        }
        self.flash.write(from, source).await.map_err(NorError::Program)
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        let (from, to) = self.whole(at, bytes, unit(F::ERASE_SIZE))?;
        if from == to {
            return Ok(());
        }
        self.flash.erase(from, to).await.map_err(NorError::Erase)
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        self.range(at, bytes).map(|_| ())
    }

    async fn sync(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A size of the flash, which was checked to fit.
fn unit(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
