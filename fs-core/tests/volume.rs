//! The whole stack over RAM, as a program uses it: no faults, both colours of each call.
#![cfg(feature = "blocking")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects,
    clippy::too_many_lines,
    reason = "tests"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use fs_core::blocking::Volume;
use fs_core::blocking::device::{BlockDevice, RamDevice};
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, Geometry};
use fs_core::{Error, FormatOptions, Memory, MountOptions, NameBuf, NodeKind, OpenOptions};
use std::collections::BTreeMap;

type Ram<'a> = RamDevice<'a>;

fn formatted(bytes: &mut [u8]) {
    let mut device = Ram::new(bytes);
    let mut memory = Memory::<2048, 8, 2>::new();
    Volume::format(&mut device, &mut memory, &FormatOptions::default()).unwrap();
}

fn with<R>(bytes: &mut [u8], run: impl FnOnce(&Volume<'_, Ram<'_>>) -> R) -> R {
    let mut device = Ram::new(bytes);
    let mut memory = Memory::<2048, 8, 2>::new();
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    run(&volume)
}

fn list(volume: &Volume<'_, Ram<'_>>, path: &str) -> BTreeMap<String, (NodeKind, u64)> {
    let mut names = BTreeMap::new();
    let mut name = NameBuf::new();
    let mut directory = volume.read_dir(path).unwrap();
    while let Some(entry) = directory.next(&mut name).unwrap() {
        let old = names.insert(name.as_str().unwrap().to_owned(), (entry.kind, entry.size));
        assert_eq!(old, None, "listed twice");
    }
    names
}

#[test]
fn keeps_a_file_over_a_remount() {
    let mut bytes = vec![0xFF; 64 * 4096];
    formatted(&mut bytes);
    with(&mut bytes, |volume| {
        let id = volume.open("/config", OpenOptions::new().write().create()).unwrap();
        assert_eq!(volume.write_at(id, 0, b"hello"), Ok(5));
        volume.close(id).unwrap();
        volume.check().unwrap();
    });
    with(&mut bytes, |volume| {
        let mut target = [0; 16];
        assert_eq!(volume.read_file("config", &mut target), Ok(5));
        assert_eq!(&target[..5], b"hello");
        assert_eq!(volume.stat("config").map(|found| found.size), Ok(5));
        assert_eq!(volume.stat("other").map(|found| found.size), Err(Error::NotFound));
        volume.check().unwrap();
    });
}

fn history(blocks: usize, operations: u32, mut seed: u32) {
    let mut bytes = vec![0xFF; blocks * 4096];
    formatted(&mut bytes);
    let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed
    };
    let mut done = 0;
    while done < operations {
        with(&mut bytes, |volume| {
            for _ in 0..random() % 200 {
                done += 1;
                let name = format!("file-{}", random() % 120);
                let result = match random() % 8 {
                    0 | 1 => {
                        let removed = volume.remove(&name);
                        assert_eq!(removed.is_ok(), model.remove(&name).is_some(), "{removed:?}");
                        Ok(())
                    }
                    2 => {
                        let other = format!("file-{}", random() % 120);
                        let result = volume.rename(&name, &other);
                        match result {
                            Ok(()) => {
                                let content = model.remove(&name).unwrap();
                                model.insert(other, content);
                            }
                            Err(Error::NotFound) => assert!(!model.contains_key(&name)),
                            Err(error) => assert_eq!(error, Error::NoSpace),
                        }
                        Ok(())
                    }
                    _ => {
                        let content = vec![random() as u8; random() as usize % 449];
                        volume
                            .replace(&name, &content)
                            .map(|()| model.insert(name, content))
                            .map(|_| ())
                    }
                };
                assert!(matches!(result, Ok(()) | Err(Error::NoSpace)), "{result:?}");
                if done % 64 == 0 {
                    volume.check().unwrap();
                }
            }
            if random() % 2 == 0 {
                volume.park().unwrap();
            }
        });
        with(&mut bytes, |volume| {
            let listed = list(volume, "/");
            assert_eq!(listed.keys().collect::<Vec<_>>(), model.keys().collect::<Vec<_>>());
            for (name, content) in &model {
                let mut target = [0; 450];
                let length = volume.read_file(name, &mut target).unwrap();
                assert_eq!(&target[..length], &content[..], "{name}");
            }
            volume.check().unwrap();
        });
    }
    with(&mut bytes, |volume| {
        for name in model.keys() {
            volume.remove(name).unwrap();
        }
        volume.check().unwrap();
        assert!(list(volume, "/").is_empty());
    });
}

#[test]
fn agrees_with_a_map_on_a_small_volume() {
    history(16, 4000, 7);
}

#[test]
fn agrees_with_a_map_on_a_larger_volume() {
    history(256, 10000, 99);
}

const SIZE: usize = 16 * 4096;

fn mount_or_format(bytes: &mut [u8]) -> Result<(), Error> {
    let mut device = Ram::new(bytes);
    let mut memory = Memory::<2048, 8, 2>::new();
    let (mount, format) = (MountOptions::default(), FormatOptions::default());
    let volume = Volume::mount_or_format(&mut device, &mut memory, mount, &format)?;
    volume.check().map(|_| ())
}

fn mounted(bytes: &mut [u8]) -> Result<(), Error> {
    let mut device = Ram::new(bytes);
    let mut memory = Memory::<2048, 8, 2>::new();
    Volume::mount(&mut device, &mut memory, MountOptions::default()).map(|_| ())
}

#[test]
fn formats_what_is_blank_and_nothing_else() {
    let mut blank = vec![0xFF; SIZE];
    assert_eq!(mounted(&mut blank), Err(Error::NotFormatted));
    assert_eq!(mount_or_format(&mut blank), Ok(()));
    with(&mut blank, |volume| volume.replace("kept", b"yes").unwrap());
    assert_eq!(mount_or_format(&mut blank), Ok(()));
    with(&mut blank, |volume| assert!(volume.stat("kept").is_ok()));
    let mut foreign = vec![0xA5; SIZE];
    assert_eq!(mount_or_format(&mut foreign), Err(Error::NotFormatted));
    assert!(foreign.iter().all(|byte| *byte == 0xA5));
    let mut half = vec![0xFF; SIZE];
    half[SIZE - 4096..].fill(0xA5);
    assert_eq!(mount_or_format(&mut half), Err(Error::NotFormatted));
}

#[test]
fn either_superblock_is_enough_and_none_is_an_error() {
    for lost in [0, SIZE - 4096] {
        let mut bytes = vec![0xFF; SIZE];
        formatted(&mut bytes);
        bytes[lost..lost + 256].fill(0);
        assert_eq!(mount_or_format(&mut bytes), Ok(()), "superblock at {lost}");
    }
    let mut bytes = vec![0xFF; SIZE];
    formatted(&mut bytes);
    bytes[20] ^= 1;
    bytes[SIZE - 4096 + 20] ^= 1;
    assert!(matches!(mounted(&mut bytes), Err(Error::Corrupt { .. })));
    assert!(matches!(mount_or_format(&mut bytes), Err(Error::Corrupt { .. })));
}

#[test]
fn an_unknown_feature_is_not_taken_for_damage() {
    let mut bytes = vec![0xFF; SIZE];
    formatted(&mut bytes);
    for start in [0, SIZE - 4096] {
        let copy = &mut bytes[start..start + 256];
        copy[57] |= 0x80;
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&copy[12..]);
        copy[8..12].copy_from_slice(&crc.to_le_bytes());
    }
    assert_eq!(mounted(&mut bytes), Err(Error::UnknownFeatures));
    assert_eq!(mount_or_format(&mut bytes), Err(Error::UnknownFeatures));
}

#[test]
fn a_device_or_memory_that_does_not_fit_is_refused() {
    let mut bytes = vec![0xFF; 64 * 4096];
    formatted(&mut bytes);
    let mut memory = Memory::<1536, 8, 2>::new();
    let mut device = Ram::new(&mut bytes);
    let result = Volume::mount(&mut device, &mut memory, MountOptions::default()).map(|_| ());
    assert_eq!(result, Err(Error::TooBig { needs: 2048 }));
    bytes.truncate(63 * 4096);
    assert_eq!(mounted(&mut bytes), Err(Error::Geometry));
    let mut small = vec![0xFF; 15 * 4096];
    let mut memory = Memory::<2048, 8, 2>::new();
    let mut device = Ram::new(&mut small);
    let result = Volume::format(&mut device, &mut memory, &FormatOptions::default());
    assert_eq!(result, Err(Error::Geometry));
}

/// Erasing ahead chose a run of free blocks, then opened a journal block, which took one of the
/// run as the block after it: a block in use was erased and called free.
#[test]
fn erasing_ahead_leaves_the_named_next_journal_block_alone() {
    for files in 0..60 {
        let mut bytes = vec![0xFF; 24 * 4096];
        formatted(&mut bytes);
        with(&mut bytes, |volume| {
            for number in 0..files {
                volume.replace("file", &[number; 60]).unwrap();
            }
            volume.maintain(1).unwrap();
            volume.check().unwrap();
        });
    }
}

/// RAM that is programmed in units of 64 bytes.
struct Coarse<'a>(Ram<'a>);

impl BlockDevice for Coarse<'_> {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        Geometry { program_unit: 64, ..BlockDevice::geometry(&self.0) }
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        BlockDevice::read(&mut self.0, at, target)
    }

    fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        assert!(
            at.0.is_multiple_of(64) && source.len().is_multiple_of(64),
            "program of a part of a unit"
        );
        BlockDevice::program(&mut self.0, at, source)
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        BlockDevice::erase(&mut self.0, at, bytes)
    }

    fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        BlockDevice::discard(&mut self.0, at, bytes)
    }

    fn sync(&mut self) -> Result<(), ErrorKind> {
        BlockDevice::sync(&mut self.0)
    }
}

/// A checkpoint's record was filled to the longest length that can be read, which its padding then
/// exceeded: with much pending, no mount succeeded.
#[test]
fn a_coarse_program_unit_leaves_room_for_the_padding_of_a_long_record() {
    let mut bytes = vec![0xFF; 64 * 4096];
    let mut memory = Memory::<2048, 8, 2>::new();
    let mut device = Coarse(Ram::new(&mut bytes));
    Volume::format(&mut device, &mut memory, &FormatOptions::default()).unwrap();
    for number in 0..200_u8 {
        let name = format!("file-{number}");
        let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
        volume.replace(&name, &vec![number; usize::from(number)]).unwrap();
        volume.check().unwrap();
    }
}

#[test]
fn a_journal_longer_than_this_version_can_write_is_not_formatted() {
    let mut bytes = vec![0xFF; 64 * 4096];
    for (journal_blocks_max, result) in
        [(1, Err(Error::Invalid)), (4, Ok(())), (5, Err(Error::Invalid)), (16, Err(Error::Invalid))]
    {
        let mut memory = Memory::<2048, 8, 2>::new();
        let mut device = Ram::new(&mut bytes);
        let options = FormatOptions { journal_blocks_max, ..FormatOptions::default() };
        assert_eq!(Volume::format(&mut device, &mut memory, &options), result);
    }
}

/// A device that was formatted again with the same uuid, and did the same again, continued at the
/// end of a journal block with what the first volume had left in the next: no mount succeeded.
#[test]
fn nothing_of_an_earlier_volume_continues_a_new_one() {
    let mut bytes = vec![0xFF; 64 * 4096];
    let content = |number: u32| format!("content {number}").into_bytes();
    formatted(&mut bytes);
    with(&mut bytes, |volume| {
        for number in 0..500 {
            volume.replace(&format!("file-{}", number % 7), &content(number)).unwrap();
        }
    });
    formatted(&mut bytes);
    let mut copies = Vec::new();
    for count in 0..120 {
        let mut copy = bytes.clone();
        with(&mut copy, |volume| {
            for number in 0..count * 2 {
                volume.replace(&format!("file-{}", number % 7), &content(number)).unwrap();
            }
        });
        copies.push(copy);
    }
    for (count, copy) in copies.iter_mut().enumerate().skip(4) {
        with(copy, |volume| {
            let last = count as u32 * 2 - 1;
            let mut target = [0; 32];
            let length = volume.read_file(&format!("file-{}", last % 7), &mut target).unwrap();
            assert_eq!(&target[..length], &content(last)[..]);
        });
    }
}

/// Each short life ended without parking, and the settling after it was parked at once: every
/// time one block of the old journal stayed in quarantine, until nothing could be written.
#[test]
fn short_lives_do_not_use_up_the_volume() {
    let mut bytes = vec![0xFF; 16 * 4096];
    formatted(&mut bytes);
    let mut free = Vec::new();
    for life in 0..20_u8 {
        with(&mut bytes, |volume| volume.replace("/boots", &[life]).unwrap());
        let mut device = Ram::new(&mut bytes);
        let mut memory = Memory::<2048, 8, 2>::new();
        let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
        free.push(volume.info().unwrap().free.0);
        volume.unmount().unwrap();
    }
    assert!(free.iter().all(|now| *now + 2 >= free[0]), "{free:?}");
}

/// A walk of more than 64 names was refused: the file below could be made, and never read.
#[test]
fn a_file_in_the_deepest_directory_can_be_read() {
    let mut bytes = vec![0xFF; 128 * 4096];
    formatted(&mut bytes);
    with(&mut bytes, |volume| {
        let mut path = String::new();
        let refused = loop {
            path.push_str("/d");
            if let Err(error) = volume.mkdir(&path) {
                break error;
            }
        };
        assert_eq!(refused, Error::TooDeep);
        path.truncate(path.len() - 2);
        let file = format!("{path}/f");
        volume.replace(&file, b"deep").unwrap();
        assert_eq!(volume.read_file(&file, &mut [0; 8]), Ok(4));
    });
}

/// Moving a tree below another one made its files answer `TooDeep` until it was moved back.
#[test]
fn a_tree_that_was_moved_below_another_stays_reachable() {
    let mut bytes = vec![0xFF; 128 * 4096];
    formatted(&mut bytes);
    with(&mut bytes, |volume| {
        let make = |top: &str| {
            let mut path = format!("/{top}");
            volume.mkdir(&path).unwrap();
            for _ in 0..40 {
                path.push_str("/d");
                volume.mkdir(&path).unwrap();
            }
            path
        };
        let (a, b) = (make("a"), make("b"));
        volume.replace(&format!("{b}/file"), b"kept").unwrap();
        volume.rename("/b", &format!("{a}/b")).unwrap();
        let moved = format!("{a}/b{}/file", &b[2..]);
        assert_eq!(volume.read_file(&moved, &mut [0; 8]), Ok(4));
        assert_eq!(volume.mkdir(&format!("{a}/b{}/more", &b[2..])), Err(Error::TooDeep));
        volume.check().unwrap();
        volume.remove(&moved).unwrap();
    });
}

/// Drafts of handles that were dropped without a close filled the drafts: the next writer was
/// told `NoDraft`, although nobody could free one but by knowing those files.
#[test]
fn a_dropped_handle_gives_its_draft_up_to_the_next_writer() {
    let mut bytes = vec![0xFF; 64 * 4096];
    formatted(&mut bytes);
    with(&mut bytes, |volume| {
        for number in 0..8_u8 {
            let path = format!("file-{number}");
            let file = volume.open_file(&path, OpenOptions::new().write().create()).unwrap();
            let id = volume.open(&path, OpenOptions::new().write()).unwrap();
            assert_eq!(volume.write_at(id, 0, &[number; 9]), Ok(9), "file {number}");
            drop(file);
            // Not closed by name: its handle is dropped with the volume's.
            drop(volume.file(id));
        }
        volume.sync().unwrap();
        for number in 0..8 {
            assert_eq!(volume.stat(&format!("file-{number}")).map(|found| found.size), Ok(9));
        }
        volume.check().unwrap();
    });
}
