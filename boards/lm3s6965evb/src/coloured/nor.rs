//! The scenarios on the chip in RAM.

use super::adapters::nor::NorDevice;
use super::nor_flash::{MultiwriteNorFlash, NorFlash, ReadNorFlash};
use super::shared::{busy, cuts, tour};
use super::{CHECK, colour};
use crate::chip::{self, Chip, ERASE_UNIT};
use embedded_storage::nor_flash::{ErrorType, NorFlashErrorKind};
use fs_core::Memory;
use scenarios::phase::Phase;
use scenarios::semihosting::Output;
use scenarios::{Failure, Scale};

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

struct Power;

impl cuts::Power for Power {
    fn cut_after(&self, operations: u32) {
        chip::cut_after(operations);
    }

    fn restore(&self) -> bool {
        chip::restore_power()
    }
}

/// The tour, and 48 cuts.
///
/// # Errors
/// What went wrong first.
pub fn run(chip: Chip, memory: &mut Memory) -> Result<(), Failure> {
    let mut device = NorDevice::new(NorChip(chip));
    tour::report_sizes(&Output, &device);
    tour::run::<_, false, CHECK>(&Output, &mut device, memory, *b"lm3s6965evb-chip")?;
    let phase = Phase::begin("48 power cuts");
    cuts::run::<_, CHECK>(&Output, &Power, &mut device, memory, Scale::SMALL, 48)?;
    phase.end(&Output);
    Ok(())
}
