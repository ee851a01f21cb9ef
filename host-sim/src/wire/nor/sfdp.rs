//! The chip's own idea of what it says of itself.

use super::Model;
use crate::image::BLOCK_BYTES;

/// A word being put together: fields by their bits, as in JESD216.
#[derive(Clone, Copy)]
struct Word(u32);

impl Word {
    fn with(self, high: u32, low: u32, value: u64) -> Self {
        assert!(value < 1 << (high - low + 1), "a field that does not fit");
        Self(self.0 | u32::try_from(value).expect("a field") << low)
    }
}

/// A time as a count and the number of its unit, in the smallest unit that reaches it.
fn scaled(ns: u64, units_ns: &[u64], counts: u64) -> (u64, u64) {
    let fits = |unit: &&u64| ns.div_ceil(**unit) <= counts;
    let unit = units_ns.iter().find(fits).expect("a time that fits");
    let number = units_ns.iter().position(|other| other == unit).expect("it is in there");
    (ns.div_ceil(*unit).max(1) - 1, number as u64)
}

const MS: u64 = 1_000_000;

/// Header, basic table, and the table of opcodes with four bytes of address.
pub(super) fn tables(model: &Model) -> Vec<u8> {
    let mut bytes = b"SFDP\x06\x01\x01\xFF".to_vec();
    bytes.extend([0x00, 6, 1, 16, 0x20, 0, 0, 0xFF]);
    bytes.extend([0x84, 0, 1, 2, 0x60, 0, 0, 0xFF]);
    bytes.extend([0xFF; 8]);
    bytes.extend(basic(model).iter().flat_map(|word| word.0.to_le_bytes()));
    assert_eq!(bytes.len(), 0x60, "where the other table is");
    let has = if model.has_four_opcodes { 0b1111_0100_0011 } else { 0 };
    bytes.extend(u32::to_le_bytes(has | 1 << 9 | 1 << 11));
    bytes.extend([0x21, 0xFF, 0xDC, 0xFF]);
    if model.has_four_opcodes { bytes } else { without_second_table(bytes) }
}

fn without_second_table(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[6] = 0;
    bytes[0x10..0x18].fill(0xFF);
    bytes.truncate(0x60);
    bytes
}

fn basic(model: &Model) -> [Word; 16] {
    let zero = Word(0);
    let ones = Word(u32::MAX);
    let bits = u64::from(model.blocks) * BLOCK_BYTES as u64 * 8;
    let four = u64::from(bits > 1 << 27);
    let timing = &model.timing;
    let erase = |ns| scaled(ns, &[MS, 16 * MS, 128 * MS, 1000 * MS], 32);
    let times = [timing.erase_4k_ns, timing.erase_32k_ns, timing.erase_64k_ns];
    let tenth = times.iter().zip([4, 11, 18]).fold(zero.with(3, 0, 6), |word, (ns, low)| {
        let (count, unit) = erase(*ns);
        word.with(low + 4, low, count).with(low + 6, low + 5, unit)
    });
    let (page_count, page_unit) = scaled(timing.program_page_ns, &[8_000, 64_000], 32);
    let (wake_count, wake_unit) = scaled(model.wake_ns, &[128, 1_000, 8_000, 64_000], 32);
    [
        zero.with(1, 0, 1).with(2, 2, 1).with(15, 8, 0x20).with(18, 17, four).with(31, 23, 0x1FF),
        Word(u32::try_from(bits - 1).expect("a chip that 31 bits count")),
        zero,
        zero,
        zero.with(4, 4, 1),
        zero,
        zero,
        Word(u32::from_le_bytes([12, 0x20, 15, 0x52])),
        Word(u32::from_le_bytes([16, 0xD8, 0, 0xFF])),
        tenth,
        zero.with(3, 0, 3)
            .with(7, 4, 8)
            .with(12, 8, page_count)
            .with(13, 13, page_unit)
            .with(31, 31, 1),
        ones,
        ones,
        zero.with(7, 2, if model.has_flags { 0b11_1111 } else { 0b11_1101 })
            .with(12, 8, wake_count)
            .with(14, 13, wake_unit)
            .with(22, 15, 0xAB)
            .with(30, 23, 0xB9),
        zero.with(22, 20, 4),
        zero.with(12, 12, 1).with(14, 14, 1).with(24, 24, 1),
    ]
}
