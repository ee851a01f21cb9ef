//! The chain against a list of records, and the anchors against a list of entries.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests")]

use super::super::device::RamDevice;
use super::super::media::Media;
#[only_blocking]
use super::super::media::SuperblockCopy;
use super::super::{colour, only_async, only_blocking};
use super::{Base, Journal, Step};
use crate::cache::CachedPage;
use crate::format::pointer::NodePointer;
use crate::format::record::{HEADER_BYTES, RecordKind};
use crate::format::superblock::Superblock;
use crate::units::{BlockCount, BlockNo, Generation, Level};
#[only_blocking]
use crate::units::{ByteOffset, Sequence};
use std::vec::Vec;

const BLOCK: usize = 4096;
const ANCHORS: [BlockNo; 2] = [BlockNo(0), BlockNo(15)];

fn random(seed: &mut u32) -> u32 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    *seed
}

fn superblock() -> Superblock {
    Superblock {
        uuid: [7; 16],
        hash_seed: [0; 16],
        compat: 0,
        ro_compat: 0,
        incompat: 0,
        block_count: BlockCount(16),
        block_log2: 12,
        program_unit_log2: 0,
        append_unit_log2: 8,
        erase_value: 0xFF,
        name_max: 255,
        pending_bytes_max: 2048,
        pending_items_max: 64,
        journal_blocks_max: 4,
        label: [0; 32],
    }
}

fn base() -> Base {
    let root = NodePointer {
        block: BlockNo(9),
        generation: Generation(1),
        base_pages: 1,
        delta_pages: 0,
        level: Level(0),
        full: false,
    };
    Base { root, spares: [BlockNo(10), BlockNo(11)], generation: Generation(1) }
}

/// A chain, and what it should hold.
struct Bench {
    device: &'static mut [u8],
    pages: [CachedPage; 1],
}

impl Bench {
    fn new() -> Self {
        let device = std::vec![0xA5_u8; 16 * BLOCK].leak();
        Self { device, pages: [CachedPage::EMPTY] }
    }
}

/// Runs `$body` with a `media` over the bench's device.
macro_rules! with_media {
    ($bench:expr, $media:ident, $body:expr) => {{
        let mut device = RamDevice::new($bench.device);
        let mut $media = Media::new(&mut device, &mut $bench.pages);
        $media.adopt(&superblock());
        $body
    }};
}

#[colour]
async fn append(
    journal: &mut Journal,
    media: &mut Media<'_, RamDevice<'_>>,
    seed: &mut u32,
    told: &mut Vec<Vec<u8>>,
    next: &mut BlockNo,
) {
    let length = HEADER_BYTES + (random(seed) % 300) as usize;
    let mut work = [0_u8; 1040];
    let fill = random(seed) as u8;
    work[HEADER_BYTES..length].fill(fill);
    if journal.has_room(media, length) {
        journal.append(media, RecordKind::Change, false, &mut work, length).await.unwrap();
    } else {
        media.erase(*next, 1).await.unwrap();
        journal.advance(media, *next, base(), &mut work, length).await.unwrap();
        *next = next.plus(1);
    }
    told.push(work[HEADER_BYTES..length].to_vec());
}

/// What a reader finds from the newest entry on.
#[colour]
async fn read_back(media: &mut Media<'_, RamDevice<'_>>, first_next: BlockNo) -> Vec<Vec<u8>> {
    let mut journal = Journal::new(ANCHORS);
    let found = journal.find_entry(media, None).await.unwrap().expect("an entry");
    journal.begin(&found);
    let (mut records, mut work, mut next) = (Vec::new(), [0_u8; 1040], first_next);
    while let Step::Record { length, .. } = journal.next(media, next, 4, &mut work).await.unwrap() {
        records.push(work[HEADER_BYTES..length].to_vec());
        next = journal.chain().last().unwrap().block.plus(1);
    }
    records
}

#[colour]
async fn begun(media: &mut Media<'_, RamDevice<'_>>) -> Journal {
    let sealed = superblock();
    let mut journal = Journal::new(ANCHORS).successor(BlockNo(1), base());
    media.erase(BlockNo(1), 1).await.unwrap();
    let mut work = [0_u8; 1040];
    journal.append(media, RecordKind::Checkpoint, true, &mut work, HEADER_BYTES).await.unwrap();
    let link = *journal.chain().first().unwrap();
    journal.write_entry(media, &sealed, &link, false).await.unwrap();
    journal
}

#[colour]
async fn histories_are_read_back(seed: u32) {
    let mut seed = seed;
    for _ in 0..20 {
        let mut bench = Bench::new();
        with_media!(bench, media, {
            let mut journal = begun(&mut media).await;
            let mut told = std::vec![Vec::new()];
            let mut next = BlockNo(2);
            while journal.chain().len() < super::CHAIN_MAX {
                append(&mut journal, &mut media, &mut seed, &mut told, &mut next).await;
                if random(&mut seed).is_multiple_of(8) {
                    assert_eq!(read_back(&mut media, BlockNo(2)).await, told);
                }
            }
            assert_eq!(read_back(&mut media, BlockNo(2)).await, told);
        });
    }
}

#[only_blocking]
#[test]
fn a_chain_is_read_back_record_by_record() {
    histories_are_read_back(5);
}

#[only_async]
#[test]
fn a_chain_is_read_back_in_the_other_colour() {
    use core::future::Future;
    use core::task::{Context, Poll, Waker};
    let mut run = core::pin::pin!(histories_are_read_back(6));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(run.as_mut().poll(&mut context), Poll::Ready(()));
}

#[only_blocking]
#[test]
fn records_of_an_earlier_session_do_not_continue_a_chain() {
    let mut bench = Bench::new();
    with_media!(bench, media, {
        let mut journal = begun(&mut media);
        let (mut seed, mut told, mut next) = (3, Vec::new(), BlockNo(2));
        for _ in 0..5 {
            append(&mut journal, &mut media, &mut seed, &mut told, &mut next);
        }
        // The same bytes again, in the next session, up to the second record: behind it still
        // stand the records of the session before, equal to what would have come.
        let mut again = journal.successor(BlockNo(3), base());
        media.erase(BlockNo(3), 1).unwrap();
        let mut work = [0_u8; 1040];
        again.append(&mut media, RecordKind::Checkpoint, true, &mut work, HEADER_BYTES).unwrap();
        let link = *again.chain().first().unwrap();
        let sealed = superblock();
        again.write_entry(&mut media, &sealed, &link, false).unwrap();
        assert_eq!(read_back(&mut media, BlockNo(1)), std::vec![Vec::<u8>::new()]);
    });
}

#[only_blocking]
#[test]
fn nothing_is_appended_behind_a_seal() {
    let mut bench = Bench::new();
    with_media!(bench, media, {
        let mut journal = begun(&mut media);
        let mut work = [0_u8; 1040];
        journal.append(&mut media, RecordKind::Seal, false, &mut work, HEADER_BYTES).unwrap();
        assert!(journal.is_sealed());
        assert!(!journal.has_room(&media, HEADER_BYTES));
        assert_eq!(journal.strengthen_seal(&mut media, &mut work), Ok(true));
        media.erase(BlockNo(2), 1).unwrap();
        journal.advance(&mut media, BlockNo(2), base(), &mut work, HEADER_BYTES).unwrap();
        assert!(!journal.is_sealed() && journal.has_room(&media, HEADER_BYTES));
    });
}

#[only_blocking]
#[test]
fn entries_alternate_and_are_found_newest_first() {
    let mut bench = Bench::new();
    with_media!(bench, media, {
        let mut journal = begun(&mut media);
        let sealed = superblock();
        let link = *journal.chain().first().unwrap();
        for _ in 0..100 {
            journal.write_entry(&mut media, &sealed, &link, false).unwrap();
        }
        let newest = journal.anchors().sequence();
        let mut reader = Journal::new(ANCHORS);
        let mut limit = None;
        for behind in 0..100 {
            let found = reader.find_entry(&mut media, limit).unwrap().expect("an entry");
            assert_eq!(found.entry.sequence, Sequence(newest.0 - behind));
            limit = Some(found.rank());
        }
        // Both blocks are full now: each is erased before its next entry, with its superblock.
        for _ in 0..40 {
            journal.write_entry(&mut media, &sealed, &link, false).unwrap();
            for at in [ByteOffset(0), ByteOffset(15 * BLOCK as u64)] {
                let copy = media.read_superblock(at).unwrap();
                assert_eq!(copy, SuperblockCopy::Valid(superblock()));
            }
        }
        let found = journal.find_entry(&mut media, None).unwrap().expect("an entry");
        assert_eq!(found.entry.sequence, journal.anchors().sequence());
    });
}

#[only_blocking]
#[test]
fn resolving_strikes_garbage_and_the_first_blank_slot() {
    let mut bench = Bench::new();
    let first_slot = 512;
    with_media!(bench, media, {
        let mut journal = begun(&mut media);
        let sealed = superblock();
        let link = *journal.chain().first().unwrap();
        journal.write_entry(&mut media, &sealed, &link, false).unwrap();
        journal.resolve(&mut media).unwrap();
        let newest = journal.anchors().sequence();
        let found = journal.find_entry(&mut media, None).unwrap().expect("an entry");
        assert_eq!(found.entry.sequence, newest);
    });
    for block in [0, 15] {
        let slots = &bench.device[block * BLOCK + first_slot..][..192];
        assert!(slots[..64].iter().any(|byte| *byte != 0), "the entry of block {block}");
        assert!(slots[64..128].iter().all(|byte| *byte == 0), "struck in block {block}");
        assert!(slots[128..].iter().all(|byte| *byte == 0xFF), "left in block {block}");
    }
}
