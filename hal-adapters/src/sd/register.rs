//! What a card says about itself.

use super::crc::crc7;

/// Bits `low ..= high` of a register of 16 bytes, counted as the specification counts them.
fn field(register: &[u8; 16], high: u32, low: u32) -> u32 {
    let bits = u128::from_be_bytes(*register) >> (low & 127);
    let width = high.saturating_sub(low).saturating_add(1).min(32);
    let mask = u128::from(u32::MAX) >> 32_u32.saturating_sub(width);
    u32::try_from(bits & mask).unwrap_or(0)
}

/// Whether the last byte of a CSD or CID is the checksum of the others, and the end bit. A block
/// that carries a register over the bus has a checksum besides, so a register that came well and is
/// not whole was made so.
#[must_use]
pub fn is_whole(register: &[u8; 16]) -> bool {
    let [content @ .., last] = register;
    *last == crc7(content) << 1 | 1
}

/// The operating conditions: voltages, and whether addresses are sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ocr(pub u32);

impl Ocr {
    /// Whether the card has finished its initialisation; the rest counts only then.
    #[must_use]
    pub const fn is_ready(self) -> bool {
        self.0 & 1 << 31 != 0
    }

    /// Whether addresses are sectors: a card of high or extended capacity.
    #[must_use]
    pub const fn is_high_capacity(self) -> bool {
        self.0 & 1 << 30 != 0
    }

    /// Whether the card works at 3.2 to 3.4 V.
    #[must_use]
    pub const fn takes_3v3(self) -> bool {
        self.0 & (1 << 20 | 1 << 21) != 0
    }
}

/// The card's own data: how large it is, and what it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Csd {
    /// The structure of the register: 0 for version 1.0, 1 for 2.0, 2 for 3.0.
    pub structure: u8,
    /// Sectors of 512 bytes.
    pub sectors: u64,
    /// The fastest clock, in hertz.
    pub clock_hz_max: u32,
    /// Command classes, a bit each.
    pub classes: u16,
    /// Sectors that are erased together.
    pub erase_sectors: u32,
    /// Whether single sectors can be erased as well.
    pub erases_single: bool,
    /// Nothing can ever be written.
    pub is_protected_for_ever: bool,
    /// Nothing can be written until the flag is taken back.
    pub is_protected: bool,
}

impl Csd {
    /// The meaning of the register, if it is of a structure that is known, and has a size that goes
    /// with it.
    #[must_use]
    pub fn decode(register: &[u8; 16]) -> Option<Self> {
        let get = |high, low| field(register, high, low);
        let structure = get(127, 126);
        let sectors = match structure {
            0 => standard_sectors(get(73, 62), get(49, 47), get(83, 80))?,
            1 => u64::from(get(69, 48)).saturating_add(1) << 10,
            2 => u64::from(get(75, 48)).saturating_add(1) << 10,
            _ => return None,
        };
        let write_sectors = 1_u32 << get(25, 22).saturating_sub(9).min(3);
        Some(Self {
            structure: u8::try_from(structure).ok()?,
            sectors,
            clock_hz_max: clock_hz(get(103, 96)),
            classes: u16::try_from(get(95, 84)).ok()?,
            erase_sectors: get(45, 39).saturating_add(1).saturating_mul(write_sectors),
            erases_single: structure > 0 || get(46, 46) == 1,
            is_protected_for_ever: get(13, 13) == 1,
            is_protected: get(12, 12) == 1,
        })
    }
}

/// Sectors of a card of standard capacity.
fn standard_sectors(size: u32, multiplier: u32, block_log2: u32) -> Option<u64> {
    let shift = multiplier.saturating_add(2).saturating_add(block_log2.checked_sub(9)?);
    (block_log2 <= 11).then(|| u64::from(size).saturating_add(1) << shift.min(31))
}

/// The clock that `TRAN_SPEED` means. A value that is none gives the slowest full speed.
fn clock_hz(speed: u32) -> u32 {
    let unit_hz: u32 = match speed & 7 {
        0 => 10_000,
        1 => 100_000,
        2 => 1_000_000,
        3 => 10_000_000,
        _ => 0,
    };
    let tenths: u32 = match speed >> 3 & 0xF {
        1 => 10,
        2 => 12,
        3 => 13,
        4 => 15,
        5 => 20,
        6 => 25,
        7 => 30,
        8 => 35,
        9 => 40,
        10 => 45,
        11 => 50,
        12 => 55,
        13 => 60,
        14 => 70,
        15 => 80,
        _ => 0,
    };
    match unit_hz.saturating_mul(tenths) {
        0 => 20_000_000,
        hz => hz,
    }
}

/// Who made the card, and which one it is: no two cards have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cid {
    /// The register, as it came.
    pub register: [u8; 16],
}

impl Cid {
    /// The manufacturer's number.
    #[must_use]
    pub fn manufacturer(&self) -> u8 {
        let [first, ..] = self.register;
        first
    }

    /// Two characters for whoever sells it.
    #[must_use]
    pub fn oem(&self) -> [u8; 2] {
        let [_, a, b, ..] = self.register;
        [a, b]
    }

    /// The name of the product, five characters.
    #[must_use]
    pub fn name(&self) -> [u8; 5] {
        let mut name = [0; 5];
        let part = self.register.iter().skip(3);
        name.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        name
    }

    /// The revision of the product: before and behind the point.
    #[must_use]
    pub fn revision(&self) -> (u8, u8) {
        let revision = self.register.get(8).copied().unwrap_or(0);
        (revision >> 4, revision & 0xF)
    }

    /// The serial number.
    #[must_use]
    pub fn serial(&self) -> u32 {
        field(&self.register, 55, 24)
    }

    /// Year and month of manufacture.
    #[must_use]
    pub fn made(&self) -> (u16, u8) {
        let year = u16::try_from(field(&self.register, 19, 12)).unwrap_or(0).saturating_add(2000);
        (year, u8::try_from(field(&self.register, 11, 8)).unwrap_or(0))
    }
}

/// What the SD status says about erasing: the unit that the card manages by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SdStatus {
    /// Bytes of an allocation unit; zero if the card does not say.
    pub allocation_bytes: u32,
    /// The code of the speed class: 0 for 0, 1 for 2, 2 for 4, 3 for 6, 4 for 10.
    pub speed_class: u8,
    /// Allocation units that `erase_timeout_s` is for; zero if the card does not say.
    pub erase_units: u16,
    /// Seconds that erasing them may take, without the offset.
    pub erase_timeout_s: u8,
    /// Seconds that are added whatever the number.
    pub erase_offset_s: u8,
}

impl SdStatus {
    /// The meaning of the block of 64 bytes. It has no checksum of its own.
    #[must_use]
    pub fn decode(block: &[u8; 64]) -> Self {
        let byte = |at: usize| block.get(at).copied().unwrap_or(0);
        // Bits 431..428 of 512, counted from the end of the block.
        let code = byte(10) >> 4;
        Self {
            allocation_bytes: allocation_bytes(code),
            speed_class: byte(8),
            erase_units: u16::from_be_bytes([byte(11), byte(12)]),
            erase_timeout_s: byte(13) >> 2,
            erase_offset_s: byte(13) & 3,
        }
    }
}

fn allocation_bytes(code: u8) -> u32 {
    match code {
        1..=10 => 8192_u32 << code,
        11 => 12 << 20,
        12 => 16 << 20,
        13 => 24 << 20,
        14 => 32 << 20,
        15 => 64 << 20,
        _ => 0,
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test, not firmware")]
mod tests {
    use super::{Cid, Csd, Ocr, SdStatus, crc7, is_whole};

    fn register(hex: u128) -> [u8; 16] {
        hex.to_be_bytes()
    }

    /// Changes a field of a register and repairs its checksum.
    fn with(hex: u128, high: u32, low: u32, value: u128) -> [u8; 16] {
        let mask = (1_u128 << (high - low + 1)) - 1;
        let mut bytes = (hex & !(mask << low) | value << low).to_be_bytes();
        bytes[15] = crc7(&bytes[..15]) << 1 | 1;
        bytes
    }

    // Published by their owners: SanDisk 2 GB, Samsung 32 GB, Kingston 128 GB.
    const SMALL: u128 = 0x0026_0032_5F5A_83C9_3EFB_CFFF_9280_40CB;
    const HIGH: u128 = 0x400E_0032_5B59_0000_E9E5_7F80_0A40_40F1;
    const EXTENDED: u128 = 0x400E_0032_5B59_0003_A5DF_7F80_0A40_0007;

    #[test]
    fn registers_of_cards_on_sale_are_read() {
        let small = Csd::decode(&register(SMALL)).unwrap();
        assert_eq!((small.structure, small.sectors), (0, (0xF24 + 1) << 10));
        assert_eq!((small.clock_hz_max, small.erases_single), (25_000_000, true));
        let high = Csd::decode(&register(HIGH)).unwrap();
        assert_eq!((high.structure, high.sectors), (1, (0xE9E5 + 1) * 1024));
        assert_eq!((high.erase_sectors, high.erases_single), (128, true));
        assert_eq!((high.clock_hz_max, high.classes), (25_000_000, 0x5B5));
        assert!(!high.is_protected && !high.is_protected_for_ever);
        let extended = Csd::decode(&register(EXTENDED)).unwrap();
        assert_eq!(extended.sectors, (0x3_A5DF + 1) * 1024);
    }

    #[test]
    fn the_size_is_that_of_its_structure() {
        let largest = Csd::decode(&with(HIGH, 69, 48, 0x3F_FFFF)).unwrap();
        assert_eq!(largest.sectors, 1 << 32);
        let ultra = with(u128::from_be_bytes(with(HIGH, 75, 48, 0x0FFF_FFFF)), 127, 126, 2);
        assert_eq!(Csd::decode(&ultra).unwrap().sectors, 1 << 38);
        // 4 GB in version 1.0: blocks of 2048 bytes, the largest of everything.
        let blocks = u128::from_be_bytes(with(SMALL, 83, 80, 11));
        let most = u128::from_be_bytes(with(blocks, 73, 62, 0xFFF));
        assert_eq!(Csd::decode(&with(most, 49, 47, 7)).unwrap().sectors, 1 << 23);
    }

    #[test]
    fn a_size_that_nobody_knows_is_refused() {
        assert_eq!(Csd::decode(&with(HIGH, 127, 126, 3)), None);
        for log2 in [0, 8, 12, 15] {
            assert_eq!(Csd::decode(&with(SMALL, 83, 80, log2)), None, "blocks of 2^{log2}");
        }
    }

    #[test]
    fn protection_and_erase_groups_are_found() {
        assert!(Csd::decode(&with(SMALL, 13, 13, 1)).unwrap().is_protected_for_ever);
        assert!(Csd::decode(&with(SMALL, 12, 12, 1)).unwrap().is_protected);
        let groups = u128::from_be_bytes(with(SMALL, 46, 46, 0));
        let groups = u128::from_be_bytes(with(groups, 25, 22, 10));
        let csd = Csd::decode(&with(groups, 45, 39, 31)).unwrap();
        assert_eq!((csd.erase_sectors, csd.erases_single), (64, false));
    }

    #[test]
    fn every_flipped_bit_of_a_register_is_noticed() {
        assert!([SMALL, HIGH, EXTENDED].iter().all(|hex| is_whole(&register(*hex))));
        for bit in 0..128 {
            assert!(!is_whole(&register(SMALL ^ 1 << bit)), "bit {bit}");
        }
    }

    #[test]
    fn the_identity_is_read() {
        let mut bytes = *b"\x1bSMEB1QT\x10\x12\x34\x56\x78\x01\x0B\0";
        bytes[15] = crc7(&bytes[..15]) << 1 | 1;
        let cid = Cid { register: bytes };
        assert_eq!((cid.manufacturer(), cid.oem(), cid.name()), (0x1B, *b"SM", *b"EB1QT"));
        assert_eq!((cid.revision(), cid.serial(), cid.made()), ((1, 0), 0x1234_5678, (2016, 11)));
    }

    #[test]
    fn the_operating_conditions_are_read() {
        let card = Ocr(0xC0FF_8000);
        assert!(card.is_ready() && card.is_high_capacity() && card.takes_3v3());
        let small = Ocr(0x80FF_8000);
        assert!(small.is_ready() && !small.is_high_capacity());
        assert!(!Ocr(0x8000_8000).takes_3v3());
    }

    #[test]
    fn the_erase_facts_are_read() {
        let mut block = [0; 64];
        (block[8], block[10], block[11], block[12], block[13]) = (4, 0x90, 0, 8, 5 << 2 | 2);
        let status = SdStatus::decode(&block);
        assert_eq!((status.allocation_bytes, status.speed_class), (4 << 20, 4));
        assert_eq!(status.erase_units, 8);
        assert_eq!((status.erase_timeout_s, status.erase_offset_s), (5, 2));
        let sizes = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];
        let sizes = sizes.into_iter().chain([12288, 16384, 24576, 32768, 65536]);
        for (code, kib) in (1_u8..).zip(sizes) {
            block[10] = code << 4;
            assert_eq!(SdStatus::decode(&block).allocation_bytes, kib << 10, "code {code}");
        }
    }
}
