//! Images that no writer makes but whose checksums are right: damage, and nothing worse.
#![cfg(feature = "blocking")]
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::unwrap_used, reason = "tests")]

use fs_core::blocking::Volume;
use fs_core::blocking::device::RamDevice;
use fs_core::format::anchor::Entry;
use fs_core::format::change::{Change, ChangeWriter, Run, RunState};
use fs_core::format::checksum::VolumeSeed;
use fs_core::format::dirent::DirentView;
use fs_core::format::inode::{Inode, NodeType};
use fs_core::format::key::{Key, Kind, ROOT};
use fs_core::format::name::Name;
use fs_core::format::pointer::NodePointer;
use fs_core::format::record::{self, Header, RecordKind, RecordPlace};
use fs_core::units::{BlockNo, Generation, Level, ObjectId, Sequence, Session, Time};
use fs_core::{AllocateFlags, Error, FormatOptions, Memory, MountOptions, OpenOptions};

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
    saying_all(formatted(), core::slice::from_ref(change))
}

/// A new volume whose checkpoint says some things more.
fn saying_all(mut bytes: Vec<u8>, changes: &[Change<'_>]) -> Vec<u8> {
    let header = Header::decode(bytes[CHECKPOINT..].first_chunk().unwrap()).unwrap();
    let length = usize::from(header.length);
    let mut writer = ChangeWriter::new(&mut bytes[CHECKPOINT + length..CHECKPOINT + 1040]);
    for change in changes {
        writer.push(change).unwrap();
    }
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
        full: false,
    };
    let (fresh, level, key) = (true, Level(1), Key::MIN);
    let result = mounted(saying(&Change::Point { fresh, level, key, pointer }));
    assert!(matches!(result, Err(Error::Corrupt { .. })), "{result:?}");
}

/// The object of the file `/f` of the images below.
const FILE: ObjectId = ObjectId(17);
/// Blocks of those volumes.
const ROOMY: u32 = 64;

/// An item of the content: its kind, the offset of its key, its value.
type Item = (Kind, u64, Vec<u8>);

fn extent(offset: u64, address: u64, length: u32, flags: u8) -> Item {
    let mut value = address.to_le_bytes()[..5].to_vec();
    value.extend_from_slice(&length.to_le_bytes());
    value.push(flags);
    (Kind::EXTENT, offset, value)
}

/// A patch item of one block, whose first slot holds `unit`.
fn patch(offset: u64, block: u32, unit: u8) -> Item {
    let mut value = vec![0; 8];
    value.extend_from_slice(&block.to_le_bytes());
    value.extend_from_slice(&[0, 1, 0, unit]);
    value.resize(8 + 23, 0);
    (Kind::PATCH, offset, value)
}

/// A volume with a file of `size` bytes, `valid` of them, and the items; `used` blocks from 20 on
/// are in use.
fn with_content(size: u64, valid: u64, used: u16, items: &[Item]) -> Vec<u8> {
    let name = Name::new(b"f").unwrap();
    let inode = Inode { data: FILE, size, valid, ..Inode::new(NodeType::File, Time::UNKNOWN) };
    let view = DirentView { object: FILE, kind: NodeType::File, inode: Some(inode), name };
    let mut entry = [0; 64];
    let length = view.encode(&mut entry).unwrap();
    let key = Key::new(ROOT, Kind::DIRENT, name.hash(&[0; 16]) << 8);
    let mut changes = vec![
        Change::Objects(ObjectId(FILE.0 + 1)),
        Change::Put { fresh: true, key, value: &entry[..length] },
    ];
    if used > 0 {
        changes.push(Change::Take(Run { start: BlockNo(20), length: used }));
    }
    for (kind, offset, value) in items {
        changes.push(Change::Put { fresh: true, key: Key::new(FILE, *kind, *offset), value });
    }
    saying_all(formatted_with(ROOMY), &changes)
}

/// What everything that can be done with the file answers; the device is never asked for what it
/// does not have, and nothing is a slip of the filesystem.
fn everything(mut bytes: Vec<u8>, what: &str) {
    let mut memory: Memory = Memory::new();
    let mut device = RamDevice::new(&mut bytes);
    let volume = match Volume::mount(&mut device, &mut memory, MountOptions::default()) {
        Ok(volume) => volume,
        Err(error) => return bearable(Err(error), what),
    };
    bearable(volume.check().map(|_| ()), what);
    let options = OpenOptions::new().read().write();
    if let Ok(file) = volume.open("/f", options) {
        let mut buffer = [0; 3000];
        for at in (0..40_000).step_by(2500) {
            bearable(volume.read_at(file, at, &mut buffer).map(|_| ()), what);
            bearable(volume.blockmap(file, at).map(|_| ()), what);
        }
        for (at, length) in [(300, 100), (5000, 9), (100, 5000), (13_000, 3000), (70_000, 10)] {
            bearable(volume.write_at(file, at, &buffer[..length.min(3000)]).map(|_| ()), what);
            bearable(volume.sync_file(file), what);
        }
        bearable(volume.allocate(file, 0, 50_000, AllocateFlags::empty()).map(|_| ()), what);
        bearable(volume.set_len(file, 4000), what);
        bearable(volume.close(file), what);
    }
    bearable(volume.truncate("/f", 100), what);
    bearable(volume.remove("/f"), what);
    for _ in 0..8 {
        bearable(volume.maintain(1).map(|_| ()), what);
    }
    bearable(volume.check().map(|_| ()), what);
}

fn bearable(result: Result<(), Error>, what: &str) {
    let fine = match result {
        Ok(())
        | Err(
            Error::Corrupt { .. }
            | Error::NotSupported
            | Error::Invalid
            | Error::NoSpace
            | Error::NotFound
            | Error::NoDraft
            | Error::DraftTooBig,
        ) => true,
        Err(_) => false,
    };
    assert!(fine, "{what}: {result:?}");
}

fn refused(size: u64, valid: u64, used: u16, items: &[Item], what: &str) {
    let bytes = with_content(size, valid, used, items);
    let result = mounted(bytes.clone());
    assert!(matches!(result, Err(Error::Corrupt { .. })), "{what}: {result:?}");
    everything(bytes, what);
}

#[test]
fn runs_and_patches_that_keep_every_rule_are_read() {
    let items = [
        extent(0, 20 * 16, 32, 0),
        extent(8192, 22 * 16, 16, 1),
        extent(40_960, 23 * 16, 16, 1),
        patch(0, 24, 3),
    ];
    let mut bytes = with_content(12_000, 12_000, 5, &items);
    bytes[20 * BLOCK..23 * BLOCK].fill(0x11);
    bytes[24 * BLOCK..25 * BLOCK].fill(0x22);
    assert_eq!(mounted(bytes.clone()), Ok(()));
    let mut memory: Memory = Memory::new();
    let mut image = bytes.clone();
    let mut device = RamDevice::new(&mut image);
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    let file = volume.open("/f", OpenOptions::READ).unwrap();
    let mut found = vec![0xEE; 12_000];
    assert_eq!(volume.read_at(file, 0, &mut found), Ok(12_000));
    for (at, byte) in found.iter().enumerate() {
        let wanted = match at {
            768..1024 => 0x22,
            0..8192 => 0x11,
            // Unwritten: whatever the blocks hold.
            _ => 0,
        };
        assert_eq!(*byte, wanted, "byte {at}");
    }
    volume.close(file).unwrap();
    drop(volume);
    everything(bytes, "in order");
}

#[test]
fn runs_that_break_a_rule_are_damage() {
    let last = u64::from(ROOMY) - 1;
    let cases: &[(&str, u16, &[Item])] = &[
        ("over one another", 4, &[extent(0, 320, 32, 0), extent(4096, 352, 16, 0)]),
        ("the same block twice", 2, &[extent(0, 320, 32, 0), extent(8192, 336, 16, 0)]),
        ("behind the volume", 1, &[extent(0, u64::from(ROOMY) * 16, 1, 0)]),
        ("an anchor block", 1, &[extent(0, last * 16, 1, 0)]),
        ("into an anchor block", 1, &[extent(0, (last - 1) * 16, 17, 0)]),
        ("block 0", 1, &[extent(0, 0, 16, 0)]),
        ("inside block 0", 1, &[extent(0, 1, 15, 0)]),
        ("far away", 1, &[extent(0, (1 << 40) - 16, 16, 0)]),
        ("beyond 32 bits", 1, &[extent(0, (1 << 36) + 320, 16, 0)]),
        ("length 0", 1, &[extent(0, 320, 0, 0)]),
        ("the longest", 1, &[extent(0, 320, u32::MAX, 0)]),
        ("an address within a block", 1, &[extent(0, 321, 8, 0)]),
        ("a key within a block", 1, &[extent(256, 320, 16, 0)]),
        ("a key beyond 48 bits", 1, &[extent(1 << 50, 320, 16, 0)]),
        ("the last key", 1, &[extent(u64::MAX, 320, 16, 0)]),
        ("shared", 1, &[extent(0, 320, 16, 2)]),
        ("unknown flags", 1, &[extent(0, 320, 16, 0x80)]),
        ("unwritten, of blocks that are free", 0, &[extent(0, 320, 16, 1)]),
        ("unwritten behind the end, of free blocks", 0, &[extent(81_920, 320, 64, 1)]),
        ("unwritten over written", 3, &[extent(0, 320, 48, 0), extent(4096, 320, 16, 1)]),
        ("the root node", 1, &[extent(0, 16, 96, 0), extent(40_960, 320, 16, 0)]),
        ("a value cut short", 1, &[(Kind::EXTENT, 0, vec![1, 0, 0, 0, 0, 1])]),
        ("an empty value", 1, &[(Kind::EXTENT, 0, Vec::new())]),
        ("a tail too long", 1, &[extent(0, 320, 16, 0), (Kind::TAIL, 4096, vec![1; 449])]),
        ("an empty tail", 1, &[extent(0, 320, 16, 0), (Kind::TAIL, 4096, Vec::new())]),
    ];
    for (what, used, items) in cases {
        refused(20_000, 12_000, *used, items, what);
    }
}

#[test]
fn patches_that_break_a_rule_are_damage() {
    let run = || extent(0, 320, 48, 0);
    let long = |length: usize| (Kind::PATCH, 0, vec![0xFF; length]);
    let cases: &[(&str, u16, &[Item])] = &[
        ("behind the volume", 3, &[run(), patch(0, ROOMY, 1)]),
        ("an anchor block", 3, &[run(), patch(0, ROOMY - 1, 1)]),
        ("block 0", 3, &[run(), patch(0, 0, 1)]),
        ("far away", 3, &[run(), patch(0, u32::MAX, 1)]),
        ("a block of a run", 3, &[run(), patch(0, 21, 1)]),
        ("a free block", 3, &[run(), patch(0, 24, 1)]),
        ("one block in two regions", 4, &[run(), patch(0, 23, 1), patch(65_536, 23, 2)]),
        ("a key within a region", 4, &[run(), patch(4096, 23, 1)]),
        ("the last key", 4, &[run(), patch(u64::MAX, 23, 1)]),
        ("of no content", 4, &[patch(0, 23, 1)]),
        ("no part", 3, &[run(), long(8)]),
        ("a part of a part", 3, &[run(), long(20)]),
        ("empty", 3, &[run(), long(0)]),
        ("too long", 3, &[run(), long(8 + 6 * 23)]),
        ("longer than any", 3, &[run(), long(460)]),
    ];
    for (what, used, items) in cases {
        refused(20_000, 12_000, *used, items, what);
    }
}

#[test]
fn sizes_that_lie_do_not_lead_outside() {
    let large = (1 << 48) - 1;
    let run = extent(0, 320, 48, 0);
    for (size, valid) in [(large, large), (large, 12_000), (large, 0)] {
        everything(with_content(size, valid, 3, core::slice::from_ref(&run)), "a large size");
        let aside = [run.clone(), extent((1 << 48) - 4096, 368, 16, 1)];
        everything(with_content(size, valid, 4, &aside), "set aside at the end");
    }
}
