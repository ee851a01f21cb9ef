//! Tables that `sfdisk` made, damaged and hostile ones.
#![allow(clippy::arithmetic_side_effects, reason = "a test, not firmware")]
#![allow(clippy::unit_arg, reason = "in the blocking colour a test has run when it is finished")]

use super::super::device::RamDevice;
use super::super::{colour, finish};
use super::{BlockDevice, ByteOffset, Entry, Scheme, TableError, open, read};
use crate::partition::{Kind, crc32};
use fs_core::error::ErrorKind;
use std::vec;
use std::vec::Vec;

const DISK: usize = 1 << 20;
const LAST: usize = DISK / 512 - 1;

type Answer = Result<(Scheme, usize), TableError<ErrorKind>>;

fn lines(lines: &[(usize, [u8; 16])]) -> Vec<u8> {
    let mut disk = vec![0; DISK];
    for (at, bytes) in lines {
        disk[*at..at + 16].copy_from_slice(bytes);
    }
    disk
}

fn hex(digits: &str) -> [u8; 16] {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    core::array::from_fn(|byte| digit(2 * byte))
}

const ENTRIES: [(usize, &str); 8] = [
    (0x00, "af3dc60f838472478e793d69d8477de4"),
    (0x10, "0403020106050807090a0b0c0d0e0f10"),
    (0x20, "4000000000000000bf00000000000000"),
    (0x30, "00000000000000006400610074006100"),
    (0x100, "a2a0d0ebe5b9334487c068b6b72699c7"),
    (0x110, "a4a3a2a1a6a5a8a7a9aaabacadaeafb0"),
    (0x120, "0001000000000000e704000000000000"),
    (0x130, "00000000000000006c006f0067000000"),
];

/// A GPT of 2048 sectors with two partitions, the first and the third.
fn gpt() -> Vec<u8> {
    let heads = [
        (0x1C0, "0200eeffffff01000000ff0700000000"),
        (0x1F0, "000000000000000000000000000055aa"),
        (0x200, "4546492050415254000001005c000000"),
        (0x210, "26792bfe000000000100000000000000"),
        (0x220, "ff070000000000002200000000000000"),
        (0x230, "de070000000000004433221166558877"),
        (0x240, "99aabbccddeeff000200000000000000"),
        (0x250, "8000000080000000b776229e00000000"),
        (0xFFE00, "4546492050415254000001005c000000"),
        (0xFFE10, "2d57594d00000000ff07000000000000"),
        (0xFFE20, "01000000000000002200000000000000"),
        (0xFFE30, "de070000000000004433221166558877"),
        (0xFFE40, "99aabbccddeeff00df07000000000000"),
        (0xFFE50, "8000000080000000b776229e00000000"),
    ];
    let first = ENTRIES.iter().map(|(at, digits)| (0x400 + at, *digits));
    let copy = ENTRIES.iter().map(|(at, digits)| (0xFBE00 + at, *digits));
    let all: Vec<_> = heads.into_iter().chain(first).chain(copy).collect();
    lines(&all.into_iter().map(|(at, digits)| (at, hex(digits))).collect::<Vec<_>>())
}

/// An MBR with two partitions.
fn mbr() -> Vec<u8> {
    let rows = [
        (0x1B0, "00000000000000007856341200008000"),
        (0x1C0, "02000c010100010000003f0000000001"),
        (0x1D0, "0200da0f130040000000840300000000"),
        (0x1F0, "000000000000000000000000000055aa"),
    ];
    lines(&rows.map(|(at, digits)| (at, hex(digits))))
}

/// An MBR with a partition and an extended one, in which there are three.
fn logical() -> Vec<u8> {
    let rows = [
        (0x1B0, "00000000000000007856341200000000"),
        (0x1C0, "02000c010100010000003f0000000001"),
        (0x1D0, "02000510380040000000e80300000000"),
        (0x1F0, "000000000000000000000000000055aa"),
        (0x81B0, "00000000000000000000000000000001"),
        (0x81C0, "0a00da022e0008000000640000000003"),
        (0x81D0, "0b0005073b00870000002d0100000000"),
        (0x81F0, "000000000000000000000000000055aa"),
        (0x18FB0, "00000000000000000000000000000003"),
        (0x18FC0, "0c0083073b00010000002c0100000009"),
        (0x18FD0, "2100050a220017020000410000000000"),
        (0x18FF0, "000000000000000000000000000055aa"),
        (0x4AFB0, "00000000000000000000000000000009"),
        (0x4AFC0, "2200da0a220001000000400000000000"),
        (0x4AFF0, "000000000000000000000000000055aa"),
    ];
    lines(&rows.map(|(at, digits)| (at, hex(digits))))
}

#[colour]
async fn table(disk: &mut [u8]) -> (Answer, Vec<Entry>) {
    let mut list = [Entry::NONE; 8];
    let answer = read(&mut RamDevice::new(disk), &mut list).await;
    let found = answer.map_or(0, |(_, found)| found);
    (answer, list[..found].to_vec())
}

fn linux() -> Kind {
    Kind::Gpt(hex(ENTRIES[0].1))
}

#[colour]
async fn reads_both() {
    let (answer, found) = table(&mut gpt()).await;
    assert_eq!(answer, Ok((Scheme::Gpt, 2)));
    let wanted = [
        Entry { number: 0, kind: linux(), first: 64, sectors: 128 },
        Entry { number: 2, kind: Kind::Gpt(hex(ENTRIES[4].1)), first: 256, sectors: 1000 },
    ];
    assert_eq!(found, wanted);
    let (answer, found) = table(&mut mbr()).await;
    assert_eq!(answer, Ok((Scheme::Mbr, 2)));
    let wanted = [
        Entry { number: 0, kind: Kind::Mbr(0x0C), first: 1, sectors: 63 },
        Entry { number: 1, kind: Kind::Mbr(0xDA), first: 64, sectors: 900 },
    ];
    assert_eq!(found, wanted);
    let mut disk = gpt();
    disk[64 * 512..64 * 512 + 4].copy_from_slice(b"here");
    let first = Entry { number: 0, kind: linux(), first: 64, sectors: 128 };
    let mut device = RamDevice::new(&mut disk);
    let mut partition = open(&mut device, &first).unwrap();
    assert_eq!(partition.geometry().size, 128 * 512);
    let mut head = [0; 4];
    partition.read(ByteOffset(0), &mut head).await.unwrap();
    assert_eq!(&head, b"here");
    // It is no device where erase units do not end with it.
    assert!(open(&mut device, &wanted[0]).is_none());
}

#[test]
fn tables_of_a_usual_tool_are_read() {
    finish(reads_both());
}

#[colour]
async fn reads_logical() {
    let (answer, found) = table(&mut logical()).await;
    assert_eq!(answer, Ok((Scheme::Mbr, 5)));
    let wanted = [(0, 0x0C, 1, 63), (1, 0x05, 64, 1000)];
    let inside = [(4, 0xDA, 72, 100), (5, 0x83, 200, 300), (6, 0xDA, 600, 64)];
    let entry =
        |(number, kind, first, sectors)| Entry { number, kind: Kind::Mbr(kind), first, sectors };
    assert_eq!(found, wanted.into_iter().chain(inside).map(entry).collect::<Vec<_>>());
    let mut list = [Entry::NONE; 4];
    let few = read(&mut RamDevice::new(&mut logical()), &mut list).await;
    assert_eq!(few, Err(TableError::TooMany));
}

#[test]
fn logical_partitions_of_a_usual_tool_are_read() {
    finish(reads_logical());
}

/// The sector that has the second logical partition, changed at a byte: how many entries are told.
#[colour]
async fn told_with(at: usize, byte: u8) -> Answer {
    let mut disk = logical();
    disk[0x18E00 + at] = byte;
    table(&mut disk).await.0
}

#[colour]
async fn ends_the_list() {
    let (cut, whole) = (Ok((Scheme::MbrCut, 3)), Ok((Scheme::Mbr, 5)));
    assert_eq!(told_with(0x1FF, 0).await, cut, "no signature");
    assert_eq!(told_with(0x1BE, 0x80).await, whole, "bootable");
    assert_eq!(told_with(0x1BE, 1).await, cut, "no entry");
    assert_eq!(told_with(0x1CD, 0xFF).await, cut, "longer than what it lies in");
    assert_eq!(told_with(0x1C6, 0).await, cut, "over the sector itself");
    assert_eq!(told_with(0x1D7, 0).await, cut, "leads back");
    assert_eq!(told_with(0x1D8, 1).await, cut, "leads out");
    // The list goes on at the sector itself, or before it: it would have no end.
    let mut disk = logical();
    disk[0x18FD6..0x18FDA].copy_from_slice(&0x87_u32.to_le_bytes());
    assert_eq!(table(&mut disk).await.0, Ok((Scheme::MbrCut, 3)));
    // The third partition over the second one.
    let mut disk = logical();
    disk[0x18FCA..0x18FCE].copy_from_slice(&500_u32.to_le_bytes());
    assert_eq!(table(&mut disk).await.0, Ok((Scheme::MbrCut, 4)));
}

#[test]
fn a_list_of_logical_partitions_ends_where_it_is_damaged() {
    finish(ends_the_list());
}

/// An extended partition of sectors that have no partition and lead each to the next.
#[colour]
async fn counts_sectors() {
    let mut disk = logical();
    for sector in 64..1000 {
        let at = sector * 512;
        disk[at..at + 512].fill(0);
        let next = u32::try_from(sector - 64 + 1).unwrap();
        disk[at + 0x1CE + 4] = 0x05;
        disk[at + 0x1CE + 8..at + 0x1CE + 12].copy_from_slice(&next.to_le_bytes());
        disk[at + 0x1CE + 12] = 1;
        disk[at + 510..at + 512].copy_from_slice(&[0x55, 0xAA]);
    }
    assert_eq!(table(&mut disk).await.0, Ok((Scheme::MbrCut, 2)));
}

#[test]
fn a_list_without_an_end_is_left() {
    finish(counts_sectors());
}

/// Every bit of what the table is made of, turned round.
#[colour]
async fn survives_flips() {
    let places = [0x200..0x25C, 0x400..0x440, 0x500..0x540];
    for place in places.into_iter().flatten() {
        for bit in 0..8 {
            let mut disk = gpt();
            disk[place] ^= 1 << bit;
            let (answer, found) = table(&mut disk).await;
            assert_eq!(answer, Ok((Scheme::GptBackup, 2)), "byte {place:#x}, bit {bit}");
            assert_eq!((found[0].kind, found[1].first), (linux(), 256));
            disk[LAST * 512 + 40] ^= 1;
            assert_eq!(table(&mut disk).await.0, Err(TableError::BadGpt));
        }
    }
}

#[test]
fn the_copy_counts_when_a_bit_of_the_first_one_is_wrong() {
    finish(survives_flips());
}

#[colour]
async fn refuses() {
    assert_eq!(table(&mut vec![0; DISK]).await.0, Err(TableError::NoTable));
    assert_eq!(table(&mut vec![0xFF; DISK]).await.0, Err(TableError::NoTable));
    assert_eq!(table(&mut []).await.0, Err(TableError::Unsupported));
    // A lost first sector does not hide a GPT, and a protective one without GPT is no MBR.
    let mut disk = gpt();
    disk[..512].fill(0);
    assert_eq!(table(&mut disk).await.0, Ok((Scheme::Gpt, 2)));
    let mut disk = gpt();
    disk[512..].fill(0);
    assert_eq!(table(&mut disk).await.0, Err(TableError::BadGpt));
    // A header that says it is elsewhere, as on a disk that was copied to another size.
    let mut disk = gpt();
    let first = disk[0x200..0x400].to_vec();
    disk[LAST * 512..].copy_from_slice(&first);
    disk[0x200] = 0;
    assert_eq!(table(&mut disk).await.0, Err(TableError::BadGpt));
    // A list that is too short.
    let mut disk = gpt();
    let mut list = [Entry::NONE; 1];
    let answer = read(&mut RamDevice::new(&mut disk), &mut list).await;
    assert_eq!(answer, Err(TableError::TooMany));
    // An MBR whose entries are code, leave the disk, overlap, or begin at the table.
    for (at, byte) in [(0x1BE, 0x33), (0x1D9, 0x08), (0x1D6, 0x3F), (0x1C6, 0)] {
        let mut disk = mbr();
        disk[at] = byte;
        assert_eq!(table(&mut disk).await.0, Err(TableError::NoTable), "{at:#x}");
    }
}

#[test]
fn what_is_no_table_is_none() {
    finish(refuses());
}

/// Makes both headers and the entries whole again.
fn seal(disk: &mut [u8]) {
    for (at, entries) in [(512, 0x400), (LAST * 512, 0xFBE00)] {
        let sum = crc32(0, &disk[entries..entries + 128 * 128]);
        disk[at + 88..at + 92].copy_from_slice(&sum.to_le_bytes());
        disk[at + 16..at + 20].fill(0);
        let sum = crc32(0, &disk[at..at + 92]);
        disk[at + 16..at + 20].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Right checksums over what cannot be.
#[colour]
async fn refuses_hostile() {
    let mut same = gpt();
    seal(&mut same);
    assert!(same == gpt(), "the seal is the tool's");
    let numbers = [0, 1, 2, 33, 127, 0x7FFF, 0xFFFF_FFFF, 1 << 62, u64::MAX - 1, u64::MAX];
    let mut accepted = 0;
    for field in [12, 24, 40, 48, 72, 80, 84] {
        for number in numbers {
            let mut disk = gpt();
            for at in [512, LAST * 512] {
                let bytes = if matches!(field, 12 | 80 | 84) { 4 } else { 8 };
                disk[at + field..at + field + bytes]
                    .copy_from_slice(&number.to_le_bytes()[..bytes]);
            }
            seal(&mut disk);
            let (answer, found) = table(&mut disk).await;
            accepted += u32::from(answer.is_ok());
            assert!(
                found.iter().all(|entry| entry.first >= 1 && entry.first + entry.sectors <= 2048)
            );
        }
    }
    assert!(accepted < 25, "{accepted}");
    for (field, number) in [(32, 33), (32, 192), (40, 2015), (40, u64::MAX), (40, 63), (40, 300)] {
        let mut disk = gpt();
        for entries in [0x400, 0xFBE00] {
            disk[entries + field..entries + field + 8].copy_from_slice(&number.to_le_bytes());
        }
        seal(&mut disk);
        assert_eq!(table(&mut disk).await.0, Err(TableError::BadGpt), "{number} at {field}");
    }
}

#[test]
fn right_checksums_do_not_make_nonsense_true() {
    finish(refuses_hostile());
}
