//! The MX25R6435F: its numbers, and what can go wrong with it. Opcodes and bits are those of its
//! data sheet; those that most serial NOR flash has come from `hal_adapters`.

use embassy_nrf::qspi;
use embedded_storage::nor_flash::{NorFlashError, NorFlashErrorKind};

/// Bytes of the chip.
pub const BYTES: u32 = 8 << 20;
/// Maker, type and size, as it tells them.
pub const ID: [u8; 3] = [0xC2, 0x28, 0x17];

/// Status: four data lines are enabled.
pub const QUAD: u8 = 1 << 6;
/// Status: blocks that are protected.
pub const PROTECTED: u8 = 0b11_1100;

/// Why the chip refused or failed.
#[derive(Debug)]
pub enum Fault {
    /// The HAL refused.
    Hal(qspi::Error),
    /// Another chip answered, or none: what it said.
    Unknown([u8; 3]),
    /// Some of its blocks are protected; says the status.
    Protected(u8),
    /// It did not take a change of its status; says the status.
    Stubborn(u8),
    /// It was busy for too long.
    Busy,
    /// A program or an erase failed, says the chip.
    Failed,
}

impl From<qspi::Error> for Fault {
    fn from(error: qspi::Error) -> Self {
        Self::Hal(error)
    }
}

impl NorFlashError for Fault {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Hal(error) => error.kind(),
            _ => NorFlashErrorKind::Other,
        }
    }
}

/// Bytes that the QSPI can reach: it moves whole words, and of RAM only.
#[repr(C, align(4))]
pub struct Bounce(pub [u8; 256]);

/// Whether the QSPI can reach these bytes themselves.
pub fn is_reachable(bytes: &[u8]) -> bool {
    const RAM: core::ops::Range<usize> = 0x2000_0000..0x2004_0000;
    let start = bytes.as_ptr() as usize;
    start.is_multiple_of(4) && RAM.contains(&start)
}
