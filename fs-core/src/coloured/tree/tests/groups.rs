//! Full nodes: a search for free blocks passes over what it may, and over nothing else.

use super::super::super::{colour, only_async, only_blocking};
use super::super::{choose_runs, open_group};
use super::{World, run};
use crate::format::change::{Change, Run, RunState};
use crate::units::BlockNo;
use std::vec;
use std::vec::Vec;

const GROUPS: u32 = 190;

/// A volume and how many blocks of each group are free.
struct Map {
    world: World,
    used: Vec<[bool; 256]>,
}

#[colour]
impl Map {
    async fn new(seed: u64) -> Self {
        let world = World::new(seed, 1 + u8::try_from(seed % 3).unwrap(), 1024, 256 * GROUPS).await;
        Self { world, used: vec![[false; 256]; GROUPS as usize] }
    }

    async fn set(&mut self, start: u32, length: u16, used: bool) {
        let state = if used { RunState::Used } else { RunState::Free };
        let run = Run { start: BlockNo(start), length };
        self.world.state.apply(&Change::State { run, state }, 0).unwrap();
        for block in start..start + u32::from(length) {
            self.used[block as usize / 256][block as usize % 256] = used;
        }
        if self.world.state.runs_free() < 20 {
            self.drain().await;
        }
    }

    async fn drain(&mut self) {
        let world = &mut self.world;
        while let Some((level, key)) =
            choose_runs(&mut world.media, &world.state, BlockNo(0)).await.unwrap()
        {
            world.make_room(0).await;
            world.fold(level, key).await;
        }
    }

    fn is_full(&self, group: u64) -> bool {
        let used = self.used.get(usize::try_from(group).unwrap());
        used.is_some_and(|used| used.iter().all(|used| *used))
    }

    /// Every group with a free block is met; says how many groups without one are, too.
    async fn check(&mut self) -> usize {
        let (mut from, mut met_full) = (0, 0);
        loop {
            let World { media, state, hint, .. } = &mut self.world;
            let open = open_group(media, state, hint, from).await.unwrap();
            assert!(open >= from);
            assert!((from..open).all(|group| self.is_full(group)), "{from} to {open}");
            if open >= GROUPS.into() {
                return met_full;
            }
            met_full += usize::from(self.is_full(open));
            from = open + 1;
        }
    }
}

#[colour]
async fn no_free_block_is_passed_over(seed: u64) {
    let mut map = Map::new(seed).await;
    for _ in 0..400 {
        let random = &mut map.world.random;
        let group = u32::try_from(random.below(GROUPS.into())).unwrap();
        let (start, length, used) = match random.below(8) {
            0 => (group * 256 + u32::try_from(random.below(200)).unwrap(), 7, false),
            1 => (group * 256 + u32::try_from(random.below(200)).unwrap(), 50, true),
            _ => {
                let groups = u16::try_from(random.below(9)).unwrap() + 1;
                let groups = groups.min(u16::try_from(GROUPS - group).unwrap());
                (group * 256, groups * 256, true)
            }
        };
        map.set(start, length, used).await;
        map.check().await;
    }
    map.drain().await;
    map.check().await;
    for group in 0..GROUPS {
        map.set(group * 256, 256, true).await;
    }
    map.drain().await;
    let met = map.check().await;
    // The first and the last leaf of the groups hold other keys, too.
    assert!(met <= 40, "{met} of {GROUPS} groups without a free block");
    map.set(77 * 256 + 9, 1, false).await;
    map.check().await;
    map.drain().await;
    map.check().await;
}

#[colour]
async fn seeds() {
    for seed in 1..7 {
        no_free_block_is_passed_over(seed).await;
    }
}

#[only_blocking]
#[test]
fn a_search_passes_over_full_nodes_and_over_no_free_block() {
    run(seeds());
}

#[only_async]
#[test]
fn a_search_passes_over_full_nodes_in_the_other_colour_too() {
    run(seeds());
}
