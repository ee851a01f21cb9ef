//! What the host asks.

use super::crc::crc7;

/// Bytes of a command on the bus.
pub const FRAME_BYTES: usize = 6;

/// Bytes of ones before each command. The specification asks for one between a response and the
/// next command; a card was reported that needs more (zeldin/super-reu, pull request 4).
pub const LEAD_BYTES: usize = 2;

/// A command and its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Command {
    /// The number of the command, below 64.
    pub index: u8,
    /// Its argument.
    pub argument: u32,
}

impl Command {
    /// CMD0: stop everything, and speak SPI if chip select is low.
    pub const GO_IDLE: Self = Self::new(0, 0);
    /// CMD8: 2.7 to 3.6 V, and a pattern to be sent back.
    pub const SEND_IF_COND: Self = Self::new(8, 0x1AA);
    /// CMD9: the CSD, as a block of 16 bytes.
    pub const SEND_CSD: Self = Self::new(9, 0);
    /// CMD10: the CID, as a block of 16 bytes.
    pub const SEND_CID: Self = Self::new(10, 0);
    /// CMD12: no more blocks of a read. Its response comes after a stuff byte.
    pub const STOP_TRANSMISSION: Self = Self::new(12, 0);
    /// CMD13: the status, two bytes. As ACMD13: the SD status, also as a block of 64 bytes.
    pub const SEND_STATUS: Self = Self::new(13, 0);
    /// CMD16: blocks of 512 bytes.
    pub const SET_BLOCK_LENGTH: Self = Self::new(16, super::SECTOR_BYTES);
    /// CMD38: erase what CMD32 and CMD33 said.
    pub const ERASE: Self = Self::new(38, 0);
    /// CMD55: the next one is of the second set of commands.
    pub const APPLICATION: Self = Self::new(55, 0);
    /// CMD58: the OCR.
    pub const READ_OCR: Self = Self::new(58, 0);
    /// CMD59: verify checksums.
    pub const CRC_ON: Self = Self::new(59, 1);

    const fn new(index: u8, argument: u32) -> Self {
        Self { index, argument }
    }

    /// CMD17: one block from `address`.
    #[must_use]
    pub const fn read(address: u32) -> Self {
        Self::new(17, address)
    }

    /// CMD18: blocks from `address` until told to stop.
    #[must_use]
    pub const fn read_run(address: u32) -> Self {
        Self::new(18, address)
    }

    /// CMD24: one block to `address`.
    #[must_use]
    pub const fn write(address: u32) -> Self {
        Self::new(24, address)
    }

    /// CMD25: blocks to `address` until told to stop.
    #[must_use]
    pub const fn write_run(address: u32) -> Self {
        Self::new(25, address)
    }

    /// CMD32: the first address to erase.
    #[must_use]
    pub const fn erase_from(address: u32) -> Self {
        Self::new(32, address)
    }

    /// CMD33: the last address to erase.
    #[must_use]
    pub const fn erase_to(address: u32) -> Self {
        Self::new(33, address)
    }

    /// ACMD23: so many blocks will be written by the next CMD25.
    #[must_use]
    pub const fn erase_before_run(blocks: u32) -> Self {
        Self::new(23, blocks & 0x7F_FFFF)
    }

    /// ACMD41: begin to work; `high` if the host knows cards that count in sectors.
    #[must_use]
    pub const fn begin(high: bool) -> Self {
        Self::new(41, if high { 1 << 30 } else { 0 })
    }

    /// The bytes on the bus: start bits and index, argument, checksum and end bit.
    #[must_use]
    pub fn frame(self) -> [u8; FRAME_BYTES] {
        let [a, b, c, d] = self.argument.to_be_bytes();
        let first = 0x40 | (self.index & 0x3F);
        let crc = crc7(&[first, a, b, c, d]);
        [first, a, b, c, d, crc << 1 | 1]
    }

    /// Bytes of a response behind its R1.
    #[must_use]
    pub const fn more_bytes(self) -> usize {
        match self.index {
            8 | 58 => 4,
            13 => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn frames_are_the_golden_bytes() {
        let table = [
            (Command::GO_IDLE, [0x40, 0, 0, 0, 0, 0x95]),
            (Command::SEND_IF_COND, [0x48, 0, 0, 0x01, 0xAA, 0x87]),
            (Command::APPLICATION, [0x77, 0, 0, 0, 0, 0x65]),
            (Command::begin(true), [0x69, 0x40, 0, 0, 0, 0x77]),
            (Command::begin(false), [0x69, 0, 0, 0, 0, 0xE5]),
            (Command::READ_OCR, [0x7A, 0, 0, 0, 0, 0xFD]),
            (Command::CRC_ON, [0x7B, 0, 0, 0, 1, 0x83]),
            (Command::STOP_TRANSMISSION, [0x4C, 0, 0, 0, 0, 0x61]),
            (Command::SEND_STATUS, [0x4D, 0, 0, 0, 0, 0x0D]),
            (Command::SET_BLOCK_LENGTH, [0x50, 0, 0, 2, 0, 0x15]),
            (Command::SEND_CSD, [0x49, 0, 0, 0, 0, 0xAF]),
            (Command::SEND_CID, [0x4A, 0, 0, 0, 0, 0x1B]),
            (Command::read(0), [0x51, 0, 0, 0, 0, 0x55]),
        ];
        for (command, bytes) in table {
            assert_eq!(command.frame(), bytes, "{command:?}");
        }
    }

    #[test]
    fn arguments_go_out_with_the_high_byte_first() {
        assert_eq!(Command::write_run(0x1234_5678).frame()[..5], [0x59, 0x12, 0x34, 0x56, 0x78]);
        assert_eq!(Command::erase_before_run(u32::MAX).argument, 0x7F_FFFF);
    }
}
