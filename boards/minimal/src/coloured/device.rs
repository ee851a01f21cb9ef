//! A device whose driver the compiler cannot see.

use super::colour;
use super::vellum::device::BlockDevice;
use crate::{device_erase, device_program, device_read, device_sync};
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};

/// A serial NOR chip of 16 MiB.
pub struct Device;

#[colour]
async fn outcome(held: bool) -> Result<(), ErrorKind> {
    super::busy().await;
    if held { Ok(()) } else { Err(ErrorKind::Transport) }
}

#[colour]
impl BlockDevice for Device {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        Geometry {
            size: 16 << 20,
            read_unit: 1,
            program_unit: 1,
            erase_unit: 4096,
            erase_sizes: EraseSizes::NONE,
            dma_alignment: 1,
            guarantees: Guarantees::NEEDS_ERASE
                | Guarantees::REPROGRAM_ZERO_BITS
                | Guarantees::POWERSAFE_NEIGHBOURS,
        }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        outcome(device_read(at.0, target.as_mut_ptr(), target.len())).await
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        outcome(device_program(at.0, source.as_ptr(), source.len())).await
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        outcome(device_erase(at.0, bytes)).await
    }

    async fn discard(&mut self, _: ByteOffset, _: u64) -> Result<(), ErrorKind> {
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), ErrorKind> {
        outcome(device_sync()).await
    }
}
