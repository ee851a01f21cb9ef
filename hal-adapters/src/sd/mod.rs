//! What an SD card and its host say to each other over SPI, as bytes: no bus, no time, no state.
//!
//! **What it is.** Encoding of commands, decoding of responses, tokens and registers, checksums.
//! The transport that moves these bytes is in `blocking::sd` and `asynchronous::sd`; the card of
//! the simulator is written against the same values, with its own encoder.
//!
//! **Rules.**
//! 1. Everything here is a pure function of bytes, without panics, whatever a card says.
//! 2. The size of a card is read only by a structure that is known.
//! 3. A response byte that the specification does not know is not taken for one that it knows.
//!
//! **Sources.** The SD Physical Layer Simplified Specification, chapter "SPI Mode", and its
//! chapter on registers. Registers in the tests are those of cards on sale, as people published
//! them. No real card has been tried with this code.

mod command;
mod crc;
mod error;
mod register;
mod response;

pub use command::{Command, FRAME_BYTES, LEAD_BYTES};
pub use crc::{crc7, crc16};
pub use error::SdError;
pub use register::{Cid, Csd, Ocr, SdStatus, is_whole};
pub use response::{
    DataResponse, ErrorToken, R1, START_BLOCK, START_RUN_BLOCK, STOP_RUN, Status, Token,
};

/// Bytes of a sector, on every card: what a block of a read or a write is.
pub const SECTOR: usize = SECTOR_BYTES as usize;

/// The same as a number of bytes on the medium.
pub const SECTOR_BYTES: u32 = 512;

/// What a card counts its addresses in, which is also what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Kind {
    /// Standard capacity, specification 1.x: addresses are bytes.
    StandardV1,
    /// Standard capacity, specification 2.0 or later: addresses are bytes.
    StandardV2,
    /// High or extended capacity (SDHC, SDXC, SDUC): addresses are sectors.
    High,
}

impl Kind {
    /// The argument that means `sector`, if the card can be told it.
    #[must_use]
    pub const fn address(self, sector: u32) -> Option<u32> {
        match self {
            Self::StandardV1 | Self::StandardV2 => sector.checked_mul(SECTOR_BYTES),
            Self::High => Some(sector),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn small_cards_count_bytes_and_large_ones_sectors() {
        assert_eq!(Kind::StandardV1.address(3), Some(0x600));
        assert_eq!(Kind::StandardV2.address(0x7F_FFFF), Some(0xFFFF_FE00));
        assert_eq!(Kind::StandardV2.address(0x80_0000), None);
        assert_eq!(Kind::High.address(u32::MAX), Some(u32::MAX));
    }
}
