//! Any `BlockDevice` as a `NorFlash`: for crates that want the flash beside a volume, say a
//! partition of the chip that the volume is on.
//!
//! `embedded-storage` wants to know the units at compile time and counts in `u32`; [`Flash::new`]
//! holds them against what the device says. What a write or an erase reported is durable, as
//! `NorFlash` demands: a device with a cache is synced after each. A `Storage` of bytes is made of
//! it by `RmwNorFlashStorage` of `embedded-storage`, which a power cut may catch between an erase
//! and a write.

use super::colour;
use super::device::BlockDevice;
use super::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};
use crate::error::FlashError;
use fs_core::units::{ByteOffset, Guarantees};

/// A device as flash with these units. `AGAIN` says that zero bits may be programmed again, which
/// makes it a `MultiwriteNorFlash`.
#[derive(Debug)]
pub struct Flash<
    D,
    const READ: usize,
    const WRITE: usize,
    const ERASE: usize,
    const AGAIN: bool = false,
> {
    device: D,
    guarantees: Guarantees,
    size: u32,
}

impl<D, const READ: usize, const WRITE: usize, const ERASE: usize, const AGAIN: bool>
    Flash<D, READ, WRITE, ERASE, AGAIN>
{
    const UNITS_ARE_SOUND: () = {
        assert!(READ > 0 && WRITE > 0 && ERASE > 0, "a unit of nothing");
        assert!(ERASE.is_multiple_of(WRITE) && ERASE.is_multiple_of(READ), "units do not fit");
    };

    /// Gives the device back.
    pub fn into_inner(self) -> D {
        self.device
    }

    /// The place of a range, if it lies inside and is made of whole `units`.
    fn range<E>(&self, at: u32, bytes: usize, units: usize) -> Result<ByteOffset, FlashError<E>> {
        let end = u32::try_from(bytes).ok().and_then(|bytes| at.checked_add(bytes));
        if end.is_none_or(|end| end > self.size) {
            return Err(FlashError::OutOfBounds);
        }
        if !(at as usize).is_multiple_of(units) || !bytes.is_multiple_of(units) {
            return Err(FlashError::NotAligned);
        }
        Ok(ByteOffset(at.into()))
    }
}

#[colour]
impl<D, const READ: usize, const WRITE: usize, const ERASE: usize, const AGAIN: bool>
    Flash<D, READ, WRITE, ERASE, AGAIN>
where
    D: BlockDevice,
{
    /// The device as flash, or `None` if its units do not divide these, if it is larger than `u32`
    /// counts, or if it does not promise what `AGAIN` says.
    pub fn new(device: D) -> Option<Self> {
        const { Self::UNITS_ARE_SOUND };
        let geometry = device.geometry();
        let units = [
            (READ, geometry.read_unit),
            (WRITE, geometry.program_unit),
            (ERASE, geometry.erase_unit),
        ];
        let fit = units.into_iter().all(|(unit, least)| unit.is_multiple_of(least as usize));
        let guarantees = geometry.guarantees;
        let again = !guarantees.contains(Guarantees::NEEDS_ERASE)
            || guarantees.contains(Guarantees::REPROGRAM_ZERO_BITS);
        let size = u32::try_from(geometry.size).ok()?;
        let part = size.checked_rem(u32::try_from(ERASE).ok()?)?;
        let size = size.saturating_sub(part);
        (fit && (again || !AGAIN)).then_some(Self { device, guarantees, size })
    }

    async fn keep(&mut self) -> Result<(), FlashError<D::Error>> {
        if self.guarantees.contains(Guarantees::VOLATILE_CACHE) {
            self.device.sync().await.map_err(FlashError::Device)?;
        }
        Ok(())
    }
}

#[colour]
impl<D, const READ: usize, const WRITE: usize, const ERASE: usize, const AGAIN: bool> ErrorType
    for Flash<D, READ, WRITE, ERASE, AGAIN>
where
    D: BlockDevice,
{
    type Error = FlashError<D::Error>;
}

#[colour]
impl<D, const READ: usize, const WRITE: usize, const ERASE: usize, const AGAIN: bool> ReadNorFlash
    for Flash<D, READ, WRITE, ERASE, AGAIN>
where
    D: BlockDevice,
{
    const READ_SIZE: usize = READ;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let at = self.range(offset, bytes.len(), READ)?;
        self.device.read(at, bytes).await.map_err(FlashError::Device)
    }

    fn capacity(&self) -> usize {
        self.size as usize
    }
}

#[colour]
impl<D, const READ: usize, const WRITE: usize, const ERASE: usize, const AGAIN: bool> NorFlash
    for Flash<D, READ, WRITE, ERASE, AGAIN>
where
    D: BlockDevice,
{
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let bytes = to.checked_sub(from).ok_or(FlashError::OutOfBounds)?;
        let at = self.range(from, bytes as usize, ERASE)?;
        self.device.erase(at, bytes.into()).await.map_err(FlashError::Device)?;
        self.keep().await
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let at = self.range(offset, bytes.len(), WRITE)?;
        self.device.program(at, bytes).await.map_err(FlashError::Device)?;
        self.keep().await
    }
}

#[colour]
impl<D, const READ: usize, const WRITE: usize, const ERASE: usize> MultiwriteNorFlash
    for Flash<D, READ, WRITE, ERASE, true>
where
    D: BlockDevice,
{
}
