//! The device layer alone: erase, program, read back, through the adapter.

use super::adapters::nor::NorDevice;
use super::colour;
use super::nor::NorChip;
use super::vellum::device::BlockDevice;
use crate::chip::Chip;
use crate::phase::Phase;
use fs_core::error::{DeviceError, ErrorKind};
use fs_core::units::ByteOffset;

/// Why the scenario failed.
#[derive(Debug)]
pub enum Failure {
    /// A device operation failed.
    Device(ErrorKind),
    /// Other bytes came back than were programmed.
    Mismatch,
}

impl<E: DeviceError> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Device(error.kind())
    }
}

/// Erases the whole device, programs every page and reads it back.
///
/// # Errors
/// What went wrong first.
#[colour]
pub async fn run(chip: Chip) -> Result<(), Failure> {
    let mut device = NorDevice::new(NorChip(chip));
    let size = device.geometry().size;

    let phase = Phase::begin("erase");
    device.erase(ByteOffset(0), size).await?;
    phase.end();

    let phase = Phase::begin("program");
    for at in (0..size).step_by(256) {
        device.program(ByteOffset(at), &[(at >> 8) as u8; 256]).await?;
    }
    phase.end();

    let phase = Phase::begin("read");
    for at in (0..size).step_by(256) {
        let mut page = [0; 256];
        device.read(ByteOffset(at), &mut page).await?;
        if page != [(at >> 8) as u8; 256] {
            return Err(Failure::Mismatch);
        }
    }
    phase.end();
    Ok(())
}
