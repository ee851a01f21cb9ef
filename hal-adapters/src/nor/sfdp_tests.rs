//! The tables of chips on sale, and nonsense.
#![allow(clippy::arithmetic_side_effects, reason = "a test, not firmware")]

use super::{
    AddressBytes, BASIC_BYTES, Basic, Erase, FourByte, HEADER_BYTES, Header, SfdpError, Sleep,
    Table, TableKind, Times,
};
use std::vec::Vec;

/// W25Q512JV: header and parameter headers.
const W25Q512JV_HEADERS: [u8; 32] = [
    0x53, 0x46, 0x44, 0x50, 0x06, 0x01, 0x01, 0xFF, 0x00, 0x06, 0x01, 0x10, 0x80, 0x00, 0x00, 0xFF,
    0x84, 0x00, 0x01, 0x02, 0xD0, 0x00, 0x00, 0xFF, 0x03, 0x00, 0x01, 0x02, 0xF0, 0x00, 0x00, 0xFF,
];

/// Its basic table, at 0x80.
pub const W25Q512JV: [u8; BASIC_BYTES] = [
    0xE5, 0x20, 0xFB, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F, 0x44, 0xEB, 0x08, 0x6B, 0x08, 0x3B, 0x42, 0xBB,
    0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0x40, 0xEB, 0x0C, 0x20, 0x0F, 0x52,
    0x10, 0xD8, 0x00, 0x00, 0x36, 0x02, 0xA6, 0x00, 0x82, 0xEA, 0x14, 0xE2, 0xE9, 0x63, 0x76, 0x33,
    0x7A, 0x75, 0x7A, 0x75, 0xF7, 0xA2, 0xD5, 0x5C, 0x19, 0xF7, 0x4D, 0xFF, 0xE9, 0x70, 0xF9, 0xA5,
];

/// Its table of opcodes with four bytes of address, at 0xD0.
pub const W25Q512JV_FOUR: [u8; 8] = [0xFF, 0x0A, 0xF0, 0xFF, 0x21, 0xFF, 0xDC, 0xFF];

/// The basic table of the MX25L25635F, and that of the MX25L25635E: the first JESD216, nine words.
pub const MX25L25635F: [u8; BASIC_BYTES] = nine([
    0xE5, 0x20, 0xF3, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x44, 0xEB, 0x08, 0x6B, 0x08, 0x3B, 0x04, 0xBB,
    0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0xFF, 0x44, 0xEB, 0x0C, 0x20, 0x0F, 0x52,
    0x10, 0xD8, 0x00, 0xFF,
]);
pub const MX25L25635E: [u8; BASIC_BYTES] = nine([
    0xE5, 0x20, 0xF3, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x44, 0xEB, 0x08, 0x6B, 0x08, 0x3B, 0x04, 0xBB,
    0xEE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0x0C, 0x20, 0x0F, 0x52,
    0x10, 0xD8, 0x00, 0xFF,
]);

/// The basic table of the N25Q256A: erases of 4 and 64 KiB only.
pub const N25Q256A: [u8; BASIC_BYTES] = nine([
    0xE5, 0x20, 0xFB, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x29, 0xEB, 0x27, 0x6B, 0x08, 0x3B, 0x27, 0xBB,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x27, 0xBB, 0xFF, 0xFF, 0x29, 0xEB, 0x0C, 0x20, 0x10, 0xD8,
    0x00, 0x00, 0x00, 0x00,
]);

/// The basic table of the IS25WP256.
pub const IS25WP256: [u8; BASIC_BYTES] = [
    0xE5, 0x20, 0xF9, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x44, 0xEB, 0x08, 0x6B, 0x08, 0x3B, 0x80, 0xBB,
    0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0xFF, 0x44, 0xEB, 0x0C, 0x20, 0x0F, 0x52,
    0x10, 0xD8, 0x00, 0xFF, 0x23, 0x4A, 0xC9, 0x00, 0x82, 0xD8, 0x11, 0xCE, 0xCC, 0xCD, 0x68, 0x46,
    0x7A, 0x75, 0x7A, 0x75, 0xF7, 0xAE, 0xD5, 0x5C, 0x4A, 0x42, 0x2C, 0xFF, 0xF0, 0x30, 0xFA, 0xA9,
];

const fn nine(words: [u8; 36]) -> [u8; BASIC_BYTES] {
    let mut table = [0xFF; BASIC_BYTES];
    let mut at = 0;
    while at < words.len() {
        table[at] = words[at];
        at += 1;
    }
    table
}

fn erase(size: u32, opcode: u8, typical_us: u32, max_us: u32) -> Erase {
    Erase { size, opcode, times: Times { typical_us, max_us } }
}

#[test]
fn the_headers_of_a_chip_on_sale_are_read() {
    let (headers, _) = W25Q512JV_HEADERS.split_first_chunk::<HEADER_BYTES>().unwrap();
    assert_eq!(Header::decode(*headers), Ok(Some(Header { tables: 2 })));
    let table = |number: usize| {
        Table::decode(W25Q512JV_HEADERS[8 * number..8 * number + 8].try_into().unwrap())
    };
    let basic = Table { kind: TableKind::Basic, minor: 6, words: 16, at: 0x80 };
    assert_eq!(table(1), basic);
    assert_eq!(table(2), Table { kind: TableKind::FourByte, minor: 0, words: 2, at: 0xD0 });
    assert_eq!(table(3).kind, TableKind::Other);
    assert!(basic.is_newer_than(&Table { minor: 0, words: 9, ..basic }));
    assert!(!basic.is_newer_than(&basic));
}

#[test]
fn a_table_of_revision_b_has_everything() {
    let basic = Basic::decode(6, 16, &W25Q512JV).unwrap();
    let wanted = Basic {
        minor: 6,
        size: 64 << 20,
        address: AddressBytes::ThreeOrFour,
        // 4 times 16 ms, 128 ms, 10 times 16 ms; 14 times as long at most.
        erases: [
            Some(erase(0x1000, 0x20, 64_000, 896_000)),
            Some(erase(0x8000, 0x52, 128_000, 1_792_000)),
            Some(erase(0x1_0000, 0xD8, 160_000, 2_240_000)),
            None,
        ],
        page: 256,
        program: Times { typical_us: 704, max_us: 4_224 },
        sleep: Some(Sleep { enter: 0xB9, exit: 0xAB, exit_us: 3 }),
        has_flags: false,
        has_reset: true,
        has_four_mode: Some(true),
        writes_two: false,
        has_444: true,
    };
    assert_eq!(basic, wanted);
    let four = FourByte::decode(W25Q512JV_FOUR);
    assert!(four.has_read() && four.has_fast_read() && four.has_program());
    let opcodes: Vec<_> = (0..5).map(|number| four.erase(number)).collect();
    assert_eq!(opcodes, [Some(0x21), None, Some(0xDC), None, None]);
}

#[test]
fn a_table_of_the_first_revision_has_no_times() {
    let basic = Basic::decode(0, 9, &MX25L25635F).unwrap();
    assert_eq!((basic.size, basic.page), (32 << 20, 256));
    let erases = basic.erases.map(|erase| erase.map(|erase| (erase.size, erase.opcode)));
    assert_eq!(erases, [Some((0x1000, 0x20)), Some((0x8000, 0x52)), Some((0x1_0000, 0xD8)), None]);
    assert!(basic.erases.iter().flatten().all(|erase| erase.times.max_us >= 3_000_000));
    assert_eq!((basic.sleep, basic.has_reset, basic.has_four_mode), (None, false, None));
    assert!(basic.has_444 && !Basic::decode(0, 9, &MX25L25635E).unwrap().has_444);
    // What lies behind the nine words is not the table's.
    let mut longer = MX25L25635F;
    longer[36..].fill(0);
    assert_eq!(Basic::decode(0, 9, &longer), Ok(basic));
}

#[test]
fn times_are_products_of_a_count_and_a_unit() {
    // 3, 10 and 19 times 16 ms; 8 times as long at most.
    let basic = Basic::decode(6, 16, &IS25WP256).unwrap();
    let typical = basic.erases.map(|erase| erase.map(|erase| erase.times.typical_us / 1000));
    assert_eq!(typical, [Some(48), Some(160), Some(304), None]);
    let longest = basic.erases.map(|erase| erase.map(|erase| erase.times.max_us / 1000));
    assert_eq!(longest, [Some(384), Some(1280), Some(2432), None]);
    assert_eq!(basic.program, Times { typical_us: 200, max_us: 1_200 });
    assert_eq!(basic.sleep, Some(Sleep { enter: 0xB9, exit: 0xAB, exit_us: 15 }));
}

#[test]
fn a_chip_without_sfdp_is_not_an_error_and_one_of_tomorrow_is() {
    for fill in [0, 0xFF, 0x50] {
        assert_eq!(Header::decode([fill; 8]), Ok(None));
    }
    let of = |major, last| Header::decode([b'S', b'F', b'D', b'P', 0, major, last, 0xFF]);
    assert_eq!(of(2, 0), Err(SfdpError::Revision));
    assert_eq!(of(1, 0), Ok(Some(Header { tables: 1 })));
    assert_eq!(of(1, 0xFF), Ok(Some(Header { tables: 16 })));
}

fn with(word: usize, value: u32) -> Result<Basic, SfdpError> {
    let mut table = W25Q512JV;
    table[4 * (word - 1)..4 * word].copy_from_slice(&value.to_le_bytes());
    Basic::decode(6, 16, &table)
}

#[test]
fn every_nonsense_has_a_name() {
    assert_eq!(Basic::decode(6, 8, &W25Q512JV), Err(SfdpError::NoBasicTable));
    assert_eq!(with(1, 0xFFFE_20E5), Err(SfdpError::AddressBytes));
    // No size, one bit, less than an erase, a size that is no number of bytes, and far too much.
    for density in [0, 0x7FFE, 0x0FFF_FFF0, 0x8000_0000, 0x8000_000E, 0x8000_0024, u32::MAX] {
        assert_eq!(with(2, density), Err(SfdpError::Density), "{density:#x}");
    }
    assert_eq!(with(2, 0x8000_0023).map(|basic| basic.size), Ok(1 << 32));
    assert_eq!(with(2, 0x7FFF_FFFF).map(|basic| basic.size), Ok(256 << 20));
    for log2 in [1, 7, 27, 31, 32, 0xFE] {
        assert_eq!(with(9, 0xFF00_D800 | log2), Err(SfdpError::EraseSize), "2^{log2}");
    }
    for page_log2 in 0..3 {
        assert_eq!(with(11, page_log2 << 4), Err(SfdpError::Page));
    }
    // The slowest times that the format knows are 1024 s and 65 ms.
    let slow = with(10, u32::MAX).unwrap();
    assert!(slow.erases.iter().flatten().all(|erase| erase.times.max_us == 30_000_000));
    assert_eq!(with(11, 0x3F8F).unwrap().program, Times { typical_us: 2_048, max_us: 65_536 });
}

#[test]
fn a_map_of_sectors_is_uniform_only_if_it_is_one_map_of_one_region() {
    assert!(Table::is_uniform_map(0xFF00_00FF));
    // A command that detects the map, a map that is not the last, a map of two regions.
    for first in [0xFF65_FCFC, 0xFF00_FFFE, 0xFF01_00FF] {
        assert!(!Table::is_uniform_map(first), "{first:#x}");
    }
}

/// No table whatever makes the reader stop in another way than by its answer, and what it accepts
/// is inside its bounds.
#[test]
fn any_bytes_give_an_answer_inside_the_bounds() {
    let mut state = 0x1234_5678_9ABC_DEF1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut accepted = 0;
    for round in 0..200_000_u32 {
        let mut table = W25Q512JV;
        for _ in 0..=round % 5 {
            let [at, byte, ..] = next();
            table[usize::from(at) % BASIC_BYTES] = byte;
        }
        if round % 7 == 0 {
            table.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&next()));
        }
        let [words, minor, ..] = next();
        let Ok(basic) = Basic::decode(minor, words, &table) else { continue };
        accepted += 1;
        assert!((4096..=1 << 32).contains(&basic.size));
        assert!(basic.page.is_power_of_two() && u64::from(basic.page) <= basic.size);
        assert!(basic.program.max_us <= 100_000);
        for erase in basic.erases.iter().flatten() {
            assert!(erase.size.is_power_of_two() && u64::from(erase.size) <= basic.size);
            assert!(erase.times.typical_us <= erase.times.max_us);
            assert!(erase.times.max_us <= 30_000_000);
        }
    }
    assert!(accepted > 50_000, "{accepted} tables were accepted");
}
