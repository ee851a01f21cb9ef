//! The search for free blocks against a naive list of blocks.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests")]

use super::super::{colour, only_async, only_blocking};
use super::{CHUNK_BLOCKS, FreeRun, ItemStore, Pick, Picks, Space, Want};
use crate::error::Result;
use crate::format::group::{self, Group};
use crate::format::wear::Wear;
use crate::units::BlockNo;
use std::vec::Vec;

/// A map of free space in RAM.
struct Map(Vec<Group>);

#[colour]
#[allow(clippy::unused_async, reason = "RAM never waits")]
impl ItemStore for Map {
    async fn group(&mut self, number: u32) -> Result<Group> {
        Ok(self.0.get(number as usize).copied().unwrap_or(Group::FREE))
    }

    async fn wear(&mut self, _: u32) -> Result<Wear> {
        Ok(Wear::default())
    }

    async fn open_group(&mut self, number: u32) -> Result<u32> {
        let full = |group: &&Group| (0..=u8::MAX).all(|index| group.is_allocated(index));
        let closed = self.0.iter().skip(number as usize).take_while(full).count();
        Ok(number + closed as u32)
    }
}

fn random(seed: &mut u32) -> u32 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    *seed
}

/// What a block is in the naive list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Used,
    Dirty,
    Erased,
}

fn blocks(count: u32, seed: &mut u32) -> Vec<Block> {
    let fill = random(seed) % 100;
    let mut list: Vec<Block> = Vec::new();
    while list.len() < count as usize {
        let block = match random(seed) % 100 {
            used if used < fill => Block::Used,
            rest if rest % 3 == 0 => Block::Erased,
            _ => Block::Dirty,
        };
        let run = random(seed) % 24 + 1;
        list.extend((0..run).map(|_| block));
    }
    list.truncate(count as usize);
    list[0] = Block::Used;
    list[count as usize - 1] = Block::Used;
    list
}

fn map_of(list: &[Block]) -> Map {
    let mut groups = Vec::new();
    for part in list.chunks(group::BLOCKS as usize) {
        let mut group = Group::FREE;
        for (index, block) in (0..=u8::MAX).zip(part) {
            match block {
                Block::Used => group.set_allocated(index),
                Block::Erased => group.set_erased(index),
                Block::Dirty => {}
            }
        }
        groups.push(group);
    }
    Map(groups)
}

fn is_wanted(block: Block, want: Want) -> bool {
    match want {
        Want::Erased => block == Block::Erased,
        Want::Dirty => block == Block::Dirty,
        Want::Chunk | Want::Free | Want::One => block != Block::Used,
    }
}

/// Whether any run exists: the search must not miss it, and must not invent one.
fn exists(list: &[Block], held: &[Pick], want: Want) -> bool {
    let is_free = |index: &u32| {
        let block = BlockNo(*index);
        let free = list.get(*index as usize).is_some_and(|block| is_wanted(*block, want));
        free && !held.iter().any(|pick| pick.block == block)
    };
    let count = list.len() as u32;
    match want {
        Want::Chunk | Want::Free => {
            let any = want == Want::Free;
            let is_dirty = |block: &Block| any || *block == Block::Dirty;
            let dirty = |i: u32| list.get(i as usize).is_some_and(is_dirty);
            let mut chunks = (0..count / 16).map(|chunk| chunk * 16..chunk * 16 + 16);
            chunks.any(|chunk| chunk.clone().all(|i| is_free(&i)) && chunk.clone().any(dirty))
        }
        _ => (0..count).any(|index| is_free(&index)),
    }
}

fn agrees(list: &[Block], held: &[Pick], want: Want, found: Option<FreeRun>) {
    assert_eq!(found.is_some(), exists(list, held, want), "{want:?}");
    let Some(run) = found else { return };
    assert!(run.length > 0 && run.length <= CHUNK_BLOCKS);
    let range = run.start.0..run.start.0 + u32::from(run.length);
    assert_eq!(range.start / 16, (range.end - 1) / 16, "within one chunk");
    assert!(range.clone().all(|index| is_wanted(list[index as usize], want)), "{want:?} {run:?}");
    assert!(!held.iter().any(|pick| range.contains(&pick.block.0)), "a held block");
    let claimed = range.clone().any(|index| list[index as usize] == Block::Erased);
    assert_eq!(run.any_claimed, claimed);
    let whole = matches!(want, Want::Chunk | Want::Free);
    assert!(!whole || run.length == CHUNK_BLOCKS && range.start % 16 == 0);
    assert!(want != Want::One || run.length == 1);
}

#[colour]
async fn searches_agree(seed: u32) {
    let mut seed = seed;
    for _ in 0..400 {
        let count = [16, 63, 256, 257, 900][random(&mut seed) as usize % 5];
        let list = blocks(count, &mut seed);
        let mut map = map_of(&list);
        let mut space = Space::new(count);
        let mut held = Picks::new();
        for want in [Want::One, Want::Dirty, Want::Erased, Want::Chunk, Want::Free] {
            let cursor = BlockNo(random(&mut seed) % (count + 3));
            let found = space.find(&mut map, cursor, want, &held).await.unwrap();
            agrees(&list, &held, want, found);
            if let Some(run) = found.filter(|_| want == Want::One) {
                let _ = held.push(Pick { block: run.start, erased: false });
            }
        }
        // What the window holds is nobody else's.
        if let Some(run) = space.find(&mut map, BlockNo(0), Want::Dirty, &[]).await.unwrap() {
            space.open(run, true);
            let other = space.find(&mut map, BlockNo(0), Want::One, &[]).await.unwrap();
            let behind = other.map(|other| other.start.0.wrapping_sub(run.start.0));
            assert!(behind.is_none_or(|behind| behind >= run.length.into()));
        }
        // Nor what the reserve holds.
        let mut kept = 0;
        while let Some(run) = space.find(&mut map, BlockNo(0), Want::Erased, &[]).await.unwrap() {
            if !space.keep(run.start, run.length) {
                break;
            }
            kept += u32::from(run.length);
            assert_eq!(space.supply().reserve, kept);
        }
        if let Some(run) = space.draw(5) {
            assert!(run.length > 0 && run.length <= 5);
            assert_eq!(space.supply().reserve, kept - u32::from(run.length));
        }
    }
    worn_chunks_agree(seed).await;
}

#[only_blocking]
#[test]
fn finds_what_a_list_of_blocks_has() {
    searches_agree(11);
}

#[only_async]
#[test]
fn finds_the_same_in_the_other_colour() {
    use core::future::Future;
    use core::task::{Context, Poll, Waker};
    let mut search = core::pin::pin!(searches_agree(12));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(search.as_mut().poll(&mut context), Poll::Ready(()));
}

#[test]
fn a_taken_block_and_what_was_before_it_leave_the_window() {
    let mut space = Space::new(64);
    space.open(FreeRun { start: BlockNo(16), length: 16, any_claimed: false }, true);
    let mut picks = Picks::new();
    space.offer(&mut picks);
    assert_eq!(picks.first().map(|pick| pick.block), Some(BlockNo(16)));
    space.consume(BlockNo(17));
    let mut picks = Picks::new();
    space.offer(&mut picks);
    assert_eq!(picks.first(), Some(&Pick { block: BlockNo(18), erased: true }));
    space.consume(BlockNo(40));
    space.consume(BlockNo(31));
    let mut picks = Picks::new();
    space.offer(&mut picks);
    assert!(picks.is_empty());
}

/// Groups whose chunks were erased as often as their numbers say, counted from the end.
struct Worn(Map);

#[colour]
#[allow(clippy::unused_async, reason = "RAM never waits")]
impl ItemStore for Worn {
    async fn group(&mut self, number: u32) -> Result<Group> {
        self.0.group(number).await
    }

    async fn wear(&mut self, number: u32) -> Result<Wear> {
        let mut wear = Wear::default();
        for (part, count) in (0_u16..).zip(&mut wear.0) {
            *count = 900 - 16 * number as u16 - part;
        }
        Ok(wear)
    }

    async fn open_group(&mut self, number: u32) -> Result<u32> {
        self.0.open_group(number).await
    }
}

#[colour]
async fn worn_chunks_agree(seed: u32) {
    let mut seed = seed;
    for _ in 0..200 {
        let count = [63, 256, 900][random(&mut seed) as usize % 3];
        let list = blocks(count, &mut seed);
        let mut space = Space::new(count);
        let mut store = Worn(map_of(&list));
        let free: Vec<u32> = (0..count / 16)
            .filter(|chunk| (0..16).all(|i| list[(chunk * 16 + i) as usize] != Block::Used))
            .collect();
        for (least, wanted) in [(false, free.first()), (true, free.last())] {
            let found = space.find_worn(&mut store, least, &[]).await.unwrap();
            assert_eq!(found.map(|(run, _)| run.start.0 / 16), wanted.copied());
        }
        // The target is nobody else's, nor what is moved there.
        if let [target, source, ..] = free[..] {
            space.hold_target(BlockNo(target * 16), 0);
            space.hold_source(BlockNo(source * 16), CHUNK_BLOCKS);
            while let Some(run) = space.find(&mut store, BlockNo(0), Want::One, &[]).await.unwrap()
            {
                assert!(![target, source].contains(&(run.start.0 / 16)));
                let block = run.start;
                store.0.0[block.0 as usize / 256].set_allocated(Group::index(block));
            }
        }
    }
}
