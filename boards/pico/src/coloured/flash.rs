//! The flash as a device.

use super::colour;
use super::shared::busy;
use super::vellum::device::BlockDevice;
use crate::xip::{PAGE, SECTOR, Xip};
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};

/// This colour's own type: `BlockDevice` is one trait for each.
pub struct XipFlash(pub Xip);

impl XipFlash {
    /// The bounds of a range, if it lies inside the volume's part of the flash.
    fn range(&self, at: ByteOffset, bytes: u64) -> Result<(u32, u32), ErrorKind> {
        let end = at.0.checked_add(bytes).filter(|end| *end <= u64::from(self.0.bytes()));
        let bounds = u32::try_from(at.0).ok().zip(end.and_then(|end| u32::try_from(end).ok()));
        bounds.ok_or(ErrorKind::OutOfBounds)
    }
}

#[colour]
impl BlockDevice for XipFlash {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        Geometry {
            size: self.0.bytes().into(),
            read_unit: 1,
            program_unit: 1,
            erase_unit: SECTOR,
            erase_sizes: EraseSizes::NONE,
            dma_alignment: 1,
            // Serial NOR flash without error correction. Its maker says that zeros may be
            // programmed again; that nothing but what is changed is harmed by a cut is what users
            // of such chips rely on, and nobody's promise.
            guarantees: Guarantees::NEEDS_ERASE
                | Guarantees::REPROGRAM_ZERO_BITS
                | Guarantees::POWERSAFE_NEIGHBOURS,
        }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        let (from, _) = self.range(at, target.len() as u64)?;
        busy().await;
        self.0.read(from, target);
        Ok(())
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        let (mut from, _) = self.range(at, source.len() as u64)?;
        let mut rest = source;
        while !rest.is_empty() {
            let room = PAGE - from as usize % PAGE;
            let (part, behind) = rest.split_at(room.min(rest.len()));
            busy().await;
            self.0.program(from, part).map_err(|_| ErrorKind::Medium)?;
            from += part.len() as u32;
            rest = behind;
        }
        Ok(())
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        let (from, to) = self.range(at, bytes)?;
        if !from.is_multiple_of(SECTOR) || !to.is_multiple_of(SECTOR) {
            return Err(ErrorKind::NotAligned);
        }
        busy().await;
        self.0.erase(from, to).map_err(|_| ErrorKind::Medium)
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        self.range(at, bytes).map(|_| ())
    }

    async fn sync(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
