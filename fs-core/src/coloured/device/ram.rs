//! A device in RAM: for volumes that need not survive, and for tests that want no physics.

use super::super::colour;
use super::BlockDevice;
use crate::error::ErrorKind;
use crate::units::{ByteOffset, EraseSizes, Geometry, Guarantees};

/// The value of an erased byte.
const ERASED: u8 = 0xFF;

/// Lent RAM as a device with 4 KiB erase units.
#[derive(Debug)]
pub struct RamDevice<'m> {
    bytes: &'m mut [u8],
}

impl<'m> RamDevice<'m> {
    /// Bytes of one erase unit.
    pub const ERASE_UNIT: u32 = 4096;

    /// A device over `bytes`, whose content stays; a last partial erase unit is not used.
    pub fn new(bytes: &'m mut [u8]) -> Self {
        const PART: usize = RamDevice::ERASE_UNIT as usize - 1;
        let whole = bytes.len() & !PART;
        Self { bytes: bytes.get_mut(..whole).unwrap_or_default() }
    }

    fn part(&mut self, at: ByteOffset, bytes: usize) -> Result<&mut [u8], ErrorKind> {
        let start = usize::try_from(at.0).map_err(|_| ErrorKind::OutOfBounds)?;
        let rest = self.bytes.get_mut(start..).ok_or(ErrorKind::OutOfBounds)?;
        rest.get_mut(..bytes).ok_or(ErrorKind::OutOfBounds)
    }
}

#[colour]
#[allow(clippy::unused_async, reason = "RAM never waits")]
impl BlockDevice for RamDevice<'_> {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        Geometry {
            size: self.bytes.len() as u64,
            read_unit: 1,
            program_unit: 1,
            erase_unit: Self::ERASE_UNIT,
            erase_sizes: EraseSizes::NONE,
            dma_alignment: 1,
            guarantees: Guarantees::NEEDS_ERASE
                | Guarantees::REPROGRAM_ZERO_BITS
                | Guarantees::POWERSAFE_NEIGHBOURS,
        }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        target.copy_from_slice(self.part(at, target.len())?);
        Ok(())
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        self.part(at, source.len())?.copy_from_slice(source);
        Ok(())
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        let unit = u64::from(Self::ERASE_UNIT);
        if !at.0.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(ErrorKind::NotAligned);
        }
        let bytes = usize::try_from(bytes).map_err(|_| ErrorKind::OutOfBounds)?;
        self.part(at, bytes)?.fill(ERASED);
        Ok(())
    }

    async fn discard(&mut self, _: ByteOffset, _: u64) -> Result<(), ErrorKind> {
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
