//! The card's own idea of checksums and registers.

use super::{Generation, Model};

/// The checksum of commands and registers, as a remainder of a long division.
pub(super) fn crc7(bytes: &[u8]) -> u8 {
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let register = bits.fold(0_u8, |register, bit| {
        let carry = (register >> 6 & 1) ^ bit;
        ((register << 1) & 0x7F) ^ (carry * 0b000_1001)
    });
    register & 0x7F
}

/// The checksum of data.
pub(super) fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0_u16, |register, byte| {
        let [high, low] = register.to_be_bytes();
        u16::from_be_bytes([low, 0]) ^ REMAINDERS[usize::from(high ^ byte)]
    })
}

/// What a byte, as the high half of the register, leaves there.
const REMAINDERS: [u16; 256] = {
    let mut remainders = [0; 256];
    let mut byte = 0_u16;
    while byte < 256 {
        let mut register = byte << 8;
        let mut bit = 0;
        while bit < 8 {
            let carry = register >> 15;
            register = (register << 1) ^ (carry * 0x1021);
            bit += 1;
        }
        remainders[byte as usize] = register;
        byte += 1;
    }
    remainders
};

/// A register being put together: fields by their bits, as in the specification.
struct Register(u128);

impl Register {
    fn with(self, high: u32, low: u32, value: u32) -> Self {
        assert!(u64::from(value) < 1 << (high - low + 1), "a field that does not fit");
        Self(self.0 | u128::from(value) << low)
    }

    fn sealed(self) -> [u8; 16] {
        let mut bytes = self.0.to_be_bytes();
        bytes[15] = crc7(&bytes[..15]) << 1 | 1;
        bytes
    }
}

pub(super) fn csd(model: &Model) -> [u8; 16] {
    let common = Register(0)
        .with(103, 96, 0x32)
        .with(95, 84, 0x5B5)
        .with(46, 46, 1)
        .with(45, 39, 0x1F)
        .with(25, 22, 9)
        .with(12, 12, u32::from(model.is_protected));
    let register = match model.generation {
        // 2^8 blocks of 2^10 bytes for each step of the size: 512 sectors.
        Generation::V1 | Generation::V2 => {
            common.with(83, 80, 10).with(73, 62, model.sectors / 512 - 1).with(49, 47, 6)
        }
        Generation::High => {
            common.with(127, 126, 1).with(83, 80, 9).with(69, 48, model.sectors / 1024 - 1)
        }
    };
    register.sealed()
}

pub(super) fn cid(model: &Model) -> [u8; 16] {
    let name = u32::from_be_bytes(*b"SIMU");
    Register(0)
        .with(127, 120, 0x7D)
        .with(119, 104, u32::from(u16::from_be_bytes(*b"VL")))
        .with(103, 72, name)
        .with(71, 64, u32::from(b'1'))
        .with(63, 56, 0x10)
        .with(55, 24, model.serial)
        .with(19, 12, 26)
        .with(11, 8, 11)
        .sealed()
}

/// The SD status: allocation units of 4 MiB, class 10.
pub(super) fn sd_status() -> [u8; 64] {
    let mut status = [0; 64];
    status[8] = 4;
    status[10] = 9 << 4;
    status[12] = 8;
    status[13] = 1 << 2 | 2;
    status
}
