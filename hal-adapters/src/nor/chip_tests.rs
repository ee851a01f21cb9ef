//! What becomes of a chip's tables, its id and its quirks.
#![allow(clippy::arithmetic_side_effects, reason = "a test, not firmware")]

use super::super::sfdp::tests::{
    IS25WP256, MX25L25635E, MX25L25635F, N25Q256A, W25Q512JV, W25Q512JV_FOUR,
};
use super::{Addressing, Basic, Chip, Complaints, FourByte, Guarantees, Id, SfdpError};
use std::vec::Vec;

const W25Q512JV_ID: Id = Id([0xEF, 0x40, 0x20]);

fn chip(id: [u8; 3], table: &[u8; 64], words: u8) -> Result<Chip, SfdpError> {
    let minor = if words < 16 { 0 } else { 6 };
    Chip::from_sfdp(Id(id), &Basic::decode(minor, words, table).unwrap(), None)
}

fn opcodes(chip: &Chip) -> Vec<(u32, u8)> {
    chip.erases.iter().flatten().map(|erase| (erase.size, erase.opcode)).collect()
}

#[test]
fn a_large_chip_uses_the_opcodes_that_its_table_names() {
    let basic = Basic::decode(6, 16, &W25Q512JV).unwrap();
    let four = FourByte::decode(W25Q512JV_FOUR);
    let chip = Chip::from_sfdp(W25Q512JV_ID, &basic, Some(four)).unwrap();
    assert_eq!(chip.addressing, Addressing::FourOpcodes);
    // It has no erase of 32 KiB with four bytes of address.
    assert_eq!(opcodes(&chip), [(0x1000, 0x21), (0x1_0000, 0xDC)]);
    assert_eq!(chip.read(0x0123_4567).bytes(), [0x0C, 0x01, 0x23, 0x45, 0x67, 0]);
    assert_eq!(chip.program(0x0123_4500).bytes(), [0x12, 0x01, 0x23, 0x45, 0]);
    let erase = chip.erase_for(0x0101_0000, 0x2_0000).unwrap();
    assert_eq!(chip.erase(erase, 0x0101_0000).bytes(), [0xDC, 0x01, 0x01, 0, 0]);
    assert_eq!(chip.erase_for(0x0101_1000, 0x2_0000).map(|erase| erase.size), Some(0x1000));
    assert_eq!(chip.erase_for(0x0101_0000, 0x0FFF), None);
}

#[test]
fn a_large_chip_without_that_table_enters_its_mode() {
    let basic = Basic::decode(6, 16, &W25Q512JV).unwrap();
    let chip = Chip::from_sfdp(W25Q512JV_ID, &basic, None).unwrap();
    assert_eq!(chip.addressing, Addressing::FourMode);
    assert_eq!(opcodes(&chip), [(0x1000, 0x20), (0x8000, 0x52), (0x1_0000, 0xD8)]);
    assert_eq!(chip.read(0x0123_4567).bytes(), [0x0B, 0x01, 0x23, 0x45, 0x67, 0]);
    // A table without a program is as good as none.
    let four = FourByte::decode([0x3F, 0x0A, 0xF0, 0xFF, 0x21, 0xFF, 0xDC, 0xFF]);
    assert_eq!(Chip::from_sfdp(W25Q512JV_ID, &basic, Some(four)), Ok(chip));
    let nowhere = Basic { has_four_mode: Some(false), ..basic };
    assert_eq!(Chip::from_sfdp(W25Q512JV_ID, &nowhere, None), Err(SfdpError::NoFourBytes));
}

#[test]
fn two_chips_with_one_id_are_told_apart() {
    let id = [0xC2, 0x20, 0x19];
    let f = chip(id, &MX25L25635F, 9).unwrap();
    assert_eq!(f.addressing, Addressing::FourOpcodes);
    assert_eq!(opcodes(&f), [(0x1000, 0x21), (0x1_0000, 0xDC)]);
    assert_eq!(chip(id, &MX25L25635E, 9).unwrap().addressing, Addressing::FourMode);
}

#[test]
fn quirks_are_those_of_their_chips_only() {
    let micron = chip([0x20, 0xBA, 0x19], &N25Q256A, 9).unwrap();
    assert_eq!((micron.complaints, micron.protection), (Complaints::Flags, 0x5C));
    assert_eq!(micron.addressing, Addressing::FourMode);
    let issi = chip([0x9D, 0x70, 0x19], &IS25WP256, 16).unwrap();
    assert_eq!((issi.addressing, issi.protection), (Addressing::FourOpcodes, 0x3C));
    // The same table from somebody else says three bytes, or is believed.
    assert_eq!(chip([0x0B, 0x70, 0x19], &IS25WP256, 16), Err(SfdpError::NoFourBytes));
    let sst26 = Id([0xBF, 0x26, 0x41]);
    let safe = Chip::plain(Id([0xEF, 0x40, 0x18])).geometry().guarantees;
    let unsafe_neighbours = Chip::plain(sst26).geometry().guarantees;
    assert_eq!(safe.difference(unsafe_neighbours), Guarantees::POWERSAFE_NEIGHBOURS);
    let once = Chip::plain(Id([0x34, 0x2A, 0x1A])).geometry().guarantees;
    assert_eq!(safe.difference(once), Guarantees::REPROGRAM_ZERO_BITS);
}

#[test]
fn a_small_chip_is_addressed_with_three_bytes() {
    let mut table = W25Q512JV;
    table[4..8].copy_from_slice(&0x07FF_FFFF_u32.to_le_bytes());
    let small = chip([0xEF, 0x40, 0x18], &table, 16).unwrap();
    assert_eq!((small.size, small.addressing), (16 << 20, Addressing::Three));
    assert_eq!(small.read(0x12_3456).bytes(), [0x0B, 0x12, 0x34, 0x56, 0]);
    assert_eq!(small.program(0x12_3456).bytes(), [0x02, 0x12, 0x34, 0x56]);
    let geometry = small.geometry();
    assert_eq!((geometry.size, geometry.erase_unit, geometry.program_unit), (16 << 20, 4096, 1));
    assert!(geometry.erase_sizes.has(0x8000) && geometry.erase_sizes.has(0x1_0000));
    // Always four bytes, if the chip says so.
    table[2] = 0xFD;
    let four = chip([0xEF, 0x40, 0x18], &table, 16).unwrap();
    assert_eq!(four.read(0x12_3456).bytes(), [0x0B, 0, 0x12, 0x34, 0x56, 0]);
}

#[test]
fn a_chip_without_an_erase_that_fits_is_refused() {
    let basic = Basic::decode(6, 16, &W25Q512JV).unwrap();
    let bare = Basic { erases: [None; 4], size: 1 << 20, ..basic };
    assert_eq!(Chip::from_sfdp(W25Q512JV_ID, &bare, None), Err(SfdpError::NoErase));
    let coarse = Basic { page: 8192, size: 1 << 20, ..basic };
    assert_eq!(Chip::from_sfdp(W25Q512JV_ID, &coarse, None), Err(SfdpError::EraseSize));
}
