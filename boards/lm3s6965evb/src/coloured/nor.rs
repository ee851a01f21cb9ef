//! The chip behind the traits of `embedded-storage` in this colour.

use super::nor_flash::{MultiwriteNorFlash, NorFlash, ReadNorFlash};
use super::{busy, colour};
use crate::chip::{Chip, ERASE_UNIT};
use embedded_storage::nor_flash::{ErrorType, NorFlashErrorKind};

/// This colour's own type: the error type is one trait for both colours.
pub struct NorChip(pub Chip);

impl ErrorType for NorChip {
    type Error = NorFlashErrorKind;
}

#[colour]
impl ReadNorFlash for NorChip {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        busy().await;
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

#[colour]
impl NorFlash for NorChip {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = ERASE_UNIT;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        busy().await;
        self.0.erase(from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        busy().await;
        self.0.program(offset, bytes)
    }
}

impl MultiwriteNorFlash for NorChip {}
