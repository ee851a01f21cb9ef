//! Images that no writer makes but whose checksums are right: damage, and nothing worse.
#![cfg(feature = "blocking")]
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::unwrap_used, reason = "tests")]

use fs_core::blocking::Volume;
use fs_core::blocking::device::RamDevice;
use fs_core::format::anchor::Entry;
use fs_core::format::change::{Change, ChangeWriter, Run, RunState};
use fs_core::format::checksum::VolumeSeed;
use fs_core::format::key::Key;
use fs_core::format::pointer::NodePointer;
use fs_core::format::record::{self, Header, RecordKind, RecordPlace};
use fs_core::units::{BlockNo, Generation, Level, Sequence, Session};
use fs_core::{Error, FormatOptions, Memory, MountOptions};

const BLOCK: usize = 4096;
const BLOCKS: u32 = 16;
/// Where a new volume has its checkpoint, which is its only record.
const CHECKPOINT: usize = BLOCK;

fn formatted() -> Vec<u8> {
    formatted_with(BLOCKS)
}

fn formatted_with(blocks: u32) -> Vec<u8> {
    let mut bytes = vec![0xFF; blocks as usize * BLOCK];
    let mut memory: Memory = Memory::new();
    let mut device = RamDevice::new(&mut bytes);
    Volume::format(&mut device, &mut memory, &FormatOptions::default()).unwrap();
    bytes
}

/// A new volume whose checkpoint says one thing more.
fn saying(change: &Change<'_>) -> Vec<u8> {
    let mut bytes = formatted();
    let header = Header::decode(bytes[CHECKPOINT..].first_chunk().unwrap()).unwrap();
    let length = usize::from(header.length);
    let mut writer = ChangeWriter::new(&mut bytes[CHECKPOINT + length..CHECKPOINT + 1040]);
    writer.push(change).unwrap();
    let length = length + writer.len();
    let place = RecordPlace {
        volume: VolumeSeed::of(&[0; 16]),
        session: Session(1),
        sequence: Sequence(0),
        previous: 0,
    };
    let record = &mut bytes[CHECKPOINT..CHECKPOINT + length];
    record::seal(record, RecordKind::Checkpoint, true, &place).unwrap();
    bytes
}

fn mounted(mut bytes: Vec<u8>) -> Result<(), Error> {
    let mut memory: Memory = Memory::new();
    let mut device = RamDevice::new(&mut bytes);
    let options = MountOptions { read_only: true, ..MountOptions::default() };
    let volume = Volume::mount(&mut device, &mut memory, options)?;
    volume.check().map(|_| ())
}

#[test]
fn the_tool_of_these_tests_makes_valid_images() {
    let run = Run { start: BlockNo(7), length: 1 };
    assert_eq!(mounted(saying(&Change::State { run, state: RunState::Erased })), Ok(()));
}

#[test]
fn a_record_that_names_blocks_behind_the_volume_is_damage() {
    for (start, length) in [(BLOCKS, 1), (BLOCKS - 2, 3), (1000, 2), (u32::MAX - 9, 7)] {
        let run = Run { start: BlockNo(start), length };
        for state in [RunState::Free, RunState::Erased, RunState::Used, RunState::Leaving] {
            let result = mounted(saying(&Change::State { run, state }));
            assert!(matches!(result, Err(Error::Corrupt { .. })), "{run:?} {state:?}: {result:?}");
        }
    }
}

/// The slot of the anchor entry that counts.
fn newest_entry(bytes: &[u8]) -> usize {
    let last = u32::try_from(bytes.len() / BLOCK).unwrap() - 1;
    let slots = [0, last].into_iter().flat_map(|block| (0..56_u16).map(move |slot| (block, slot)));
    let found = slots.filter_map(|(block, slot)| {
        let at = block as usize * BLOCK + 512 + 64 * usize::from(slot);
        let record = bytes[at..].first_chunk().unwrap();
        let entry = Entry::decode(record, VolumeSeed::of(&[0; 16]), BlockNo(block), slot).ok()?;
        Some(((entry.session, entry.sequence), at))
    });
    found.max_by_key(|(rank, _)| *rank).unwrap().1
}

/// The older entry leads to the same state over a chain that is one block longer than any that a
/// volume works with.
#[test]
fn a_parked_volume_whose_newest_entry_has_decayed_goes_on() {
    for calls in 0..60 {
        let mut bytes = formatted_with(64);
        let mut memory: Memory = Memory::new();
        let mut device = RamDevice::new(&mut bytes);
        let options = MountOptions::default();
        let volume = Volume::mount(&mut device, &mut memory, options).unwrap();
        for _ in 0..calls {
            volume.replace("/file", &[7; 400]).unwrap();
        }
        volume.unmount().unwrap();
        let entry = newest_entry(&bytes);
        bytes[entry + 30] ^= 1;
        let mut device = RamDevice::new(&mut bytes);
        let volume = Volume::mount(&mut device, &mut memory, options).unwrap();
        assert_eq!(volume.replace("/file", b"new"), Ok(()), "after {calls} calls");
        assert!(volume.check().is_ok() && volume.unmount().is_ok(), "after {calls} calls");
    }
}

#[test]
fn a_pointer_behind_the_volume_is_damage() {
    let pointer = NodePointer {
        block: BlockNo(BLOCKS),
        generation: Generation(1),
        base_pages: 1,
        delta_pages: 0,
        level: Level(0),
    };
    let (fresh, level, key) = (true, Level(1), Key::MIN);
    let result = mounted(saying(&Change::Point { fresh, level, key, pointer }));
    assert!(matches!(result, Err(Error::Corrupt { .. })), "{result:?}");
}
