//! Tree and pending set together against a sorted map, with nodes so small that everything happens.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "a test")]
#![allow(clippy::unit_arg, reason = "in one colour it is a future")]

mod damage;
mod groups;

use super::super::device::BlockDevice;
use super::super::media::Media;
use super::super::{colour, only_async, only_blocking};
use super::{DESK_BYTES, Desk, Folded, Hint, Limits, floor, plant, range};
use super::{
    FOLD_RESERVE, NodeStore, TAKEN_MAX, choose, choose_runs, fold, get, growth_at, next, next_node,
};
use crate::cache::CachedPage;
use crate::error::{Error, ErrorKind, Result};
use crate::format::change::{Change, Run, RunState};
use crate::format::group::Group;
use crate::format::key::{Key, Kind, SPACE};
use crate::format::page::VALUE_MAX;
use crate::pending::State;
use crate::units::{
    BlockCount, BlockNo, ByteOffset, EraseSizes, Generation, Geometry, Guarantees, Level, ObjectId,
    PAGE_BYTES,
};
use std::boxed::Box;
use std::collections::{BTreeMap, BTreeSet};
use std::vec;
use std::vec::Vec;

const BLOCK: usize = 4096;

/// Runs an operation of either colour to its end.
#[only_blocking]
fn run<T>(value: T) -> T {
    value
}

#[only_async]
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = core::pin::pin!(future);
    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
    loop {
        if let core::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// xorshift64*: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    fn index(&mut self, bound: usize) -> usize {
        self.below(bound as u64) as usize
    }

    fn key(&mut self, keys: u64) -> Key {
        let number = self.below(keys);
        Key::new(ObjectId(16 + number % 5), Kind(1 + (number % 3) as u8), number * 1_000_003)
    }

    fn value(&mut self, longest: usize) -> Vec<u8> {
        let longest = if self.below(30) == 0 { VALUE_MAX } else { longest };
        let length = self.index(longest + 1);
        (0..length).map(|_| self.below(256) as u8).collect()
    }
}

/// RAM that counts, and refuses to program what is not erased.
struct Chip {
    bytes: Vec<u8>,
    programmed: BTreeSet<u64>,
    reads: usize,
    programs: usize,
}

impl Chip {
    fn range(&self, at: ByteOffset, bytes: usize) -> Result<core::ops::Range<usize>, ErrorKind> {
        let from = usize::try_from(at.0).map_err(|_| ErrorKind::OutOfBounds)?;
        let to = from.checked_add(bytes).filter(|to| *to <= self.bytes.len());
        to.map(|to| from..to).ok_or(ErrorKind::OutOfBounds)
    }
}

#[colour]
#[allow(clippy::unused_async, reason = "RAM never waits")]
impl BlockDevice for Chip {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        Geometry {
            size: self.bytes.len() as u64,
            read_unit: 1,
            program_unit: 1,
            erase_unit: BLOCK as u32,
            erase_sizes: EraseSizes::NONE,
            dma_alignment: 1,
            guarantees: Guarantees::NEEDS_ERASE,
        }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        self.reads += 1;
        let range = self.range(at, target.len())?;
        target.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        self.programs += 1;
        assert_eq!((at.0 % PAGE_BYTES as u64, source.len()), (0, PAGE_BYTES));
        assert!(self.programmed.insert(at.0), "programmed twice");
        let later = at.0 + 1..(at.0 / BLOCK as u64 + 1) * BLOCK as u64;
        assert_eq!(self.programmed.range(later).next(), None, "programmed downwards");
        let range = self.range(at, source.len())?;
        self.bytes[range].copy_from_slice(source);
        Ok(())
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        let range = self.range(at, bytes as usize)?;
        self.bytes[range].fill(0xFF);
        self.programmed.retain(|page| !(at.0..at.0 + bytes).contains(page));
        Ok(())
    }

    async fn discard(&mut self, _: ByteOffset, _: u64) -> Result<(), ErrorKind> {
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

struct Pool {
    free: Vec<BlockNo>,
    used: BTreeSet<BlockNo>,
}

#[colour]
impl NodeStore<Chip> for Pool {
    async fn take(&mut self, media: &mut Media<'_, Chip>) -> Result<BlockNo> {
        let block = self.free.pop().ok_or(Error::NoSpace)?;
        media.erase(block, 1).await?;
        self.used.insert(block);
        Ok(block)
    }
}

struct World {
    media: Media<'static, Chip>,
    state: State<'static>,
    pool: Pool,
    out: [u8; PAGE_BYTES],
    desk: [u8; DESK_BYTES],
    hint: Hint,
    random: Random,
    model: BTreeMap<Key, Vec<u8>>,
    limits: Limits,
    /// Whether blocks are accounted for in runs and group items.
    accounts: bool,
    folds: usize,
    partial: usize,
    vanished: usize,
    joined: usize,
    split: usize,
    height: u8,
    deltas: usize,
}

fn leak<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

#[colour]
impl World {
    async fn new(seed: u64, pages_max: u8, arena: u16, blocks: u32) -> Self {
        let bytes = vec![0xFF; blocks as usize * BLOCK];
        let chip = leak(Chip { bytes, programmed: BTreeSet::new(), reads: 0, programs: 0 });
        let mut media = Media::new(chip, leak([const { CachedPage::EMPTY }; 2]));
        let mut state = State::new(vec![0; arena.into()].leak(), arena, Box::leak(Box::default()));
        let mut out = [0; PAGE_BYTES];
        let root = plant(&mut media, BlockNo(1), Generation(1), &mut out).await.unwrap();
        state.bound_blocks(BlockCount(blocks));
        state.scalars.root = root;
        state.scalars.generation = Generation(1);
        state.scalars.free = BlockCount(blocks - 2);
        let mut random = Random(seed);
        let mut free: Vec<_> = (2..blocks).map(BlockNo).collect();
        for index in (1..free.len()).rev() {
            free.swap(index, random.index(index + 1));
        }
        let pool = Pool { free, used: BTreeSet::from([BlockNo(1)]) };
        let (folds, partial, vanished, joined, split, height) = (0, 0, 0, 0, 0, 1);
        let (model, accounts) = (BTreeMap::new(), false);
        Self {
            media,
            state,
            pool,
            out,
            desk: [0; DESK_BYTES],
            hint: Hint::NONE,
            random,
            model,
            limits: Limits {
                block_pages: pages_max + 1,
                tag: 1,
                deltas_after: (seed % 2 == 1).then_some(Generation(0)),
            },
            accounts,
            folds,
            partial,
            vanished,
            joined,
            split,
            height,
            deltas: 0,
        }
    }

    async fn get(&mut self, key: Key) -> Option<Vec<u8>> {
        let mut target = [0; VALUE_MAX];
        let length =
            get(&mut self.media, &self.state, &mut self.hint, key, &mut target).await.unwrap();
        length.map(|length| target[..length].to_vec())
    }

    /// The last item at or before `key`, of its object and kind.
    async fn looks_back(&mut self, key: Key) {
        let mut target = [0; VALUE_MAX];
        let found = floor(&mut self.media, &self.state, &mut self.hint, key, &mut target).await;
        let found = found.unwrap();
        let found = found.map(|(key, length)| (key, target[..length].to_vec()));
        let first = Key { offset: 0, ..key };
        let before = self.model.range(first..=key).next_back();
        assert_eq!(found, before.map(|(key, value)| (*key, value.clone())), "before {key:?}");
    }

    async fn next(&mut self, from: Key) -> Option<(Key, Vec<u8>)> {
        let mut target = [0; VALUE_MAX];
        let found =
            next(&mut self.media, &self.state, &mut self.hint, from, &mut target).await.unwrap();
        found.map(|(key, length)| (key, target[..length].to_vec()))
    }

    /// Whether the tree has nothing under `key`, as the txn room finds it out.
    async fn fresh(&mut self, key: Key) -> bool {
        match self.state.entry(Level(0), key) {
            Some(entry) => entry.fresh,
            None => self.get(key).await.is_none(),
        }
    }

    async fn make_room(&mut self, bytes: usize) {
        while !self.state.fits(bytes + FOLD_RESERVE) {
            self.fold_chosen().await;
        }
    }

    async fn put(&mut self, key: Key, value: Vec<u8>) {
        self.make_room(20 + value.len()).await;
        let fresh = self.fresh(key).await;
        self.state.apply(&Change::Put { fresh, key, value: &value }, 0).unwrap();
        self.model.insert(key, value);
    }

    async fn delete(&mut self, key: Key) {
        self.make_room(20).await;
        let vanish = self.fresh(key).await;
        self.state.apply(&Change::Delete { vanish, key }, 0).unwrap();
        self.model.remove(&key);
    }

    async fn fold_chosen(&mut self) -> bool {
        if self.accounts && self.state.runs_free() < 16 {
            let chosen = choose_runs(&mut self.media, &self.state, BlockNo(0)).await.unwrap();
            let (level, key) = chosen.unwrap();
            self.fold(level, key).await;
            return true;
        }
        let chosen = choose(&mut self.media, &self.state, self.limits).await.unwrap();
        let Some((level, key)) = chosen else { return false };
        let entries = |state: &State<'_>| {
            let mut entries = [0; 9];
            state.entries().for_each(|entry| entries[usize::from(entry.level.0)] += 1);
            entries
        };
        let before = entries(&self.state);
        let growth = growth_at(&mut self.media, &self.state, (level, key), self.limits).await;
        let most = self.state.bytes_used() + growth.unwrap();
        let partial = self.partial;
        self.fold(level, key).await;
        if self.partial == partial {
            let used = self.state.bytes_used();
            assert!(used <= most, "{level:?}: {used} bytes, foreseen were {most}");
        }
        assert!(entries(&self.state) < before, "the measure of progress must fall");
        true
    }

    async fn fold(&mut self, level: Level, key: Key) {
        let place = range(&mut self.media, &self.state, level, key).await.unwrap();
        let (media, state) = (&mut self.media, &self.state);
        let desk = &mut Desk::new(&mut self.desk);
        let (mut folded, at) = (Folded::new(), (level, key));
        let pool = &mut self.pool;
        fold(media, state, pool, desk, at, self.limits, &mut folded).await.unwrap();
        let mut bytes = 0;
        for change in folded.changes() {
            bytes += change.bytes();
            change.check().unwrap();
            self.state.apply(&change, 0).unwrap();
        }
        assert!(bytes <= 195, "{bytes}");
        self.count(&folded, place.high);
        for block in &folded.taken {
            if self.accounts {
                self.state.apply(&Change::Take(Run::single(*block)), 0).unwrap();
            }
        }
        for block in &folded.given {
            assert!(self.pool.used.remove(block), "{block:?} given twice");
            self.pool.free.insert(self.random.index(self.pool.free.len() + 1), *block);
            if self.accounts {
                self.state.apply(&Change::Give(Run::single(*block)), 0).unwrap();
            }
        }
    }

    fn count(&mut self, folded: &Folded, high: Key) {
        assert!(folded.taken.len() <= TAKEN_MAX);
        self.folds += 1;
        self.partial += usize::from(folded.high < high);
        self.joined += usize::from(folded.high > high);
        self.vanished += usize::from(folded.taken.is_empty() && !folded.given.is_empty());
        self.deltas += usize::from(folded.taken.is_empty() && folded.given.is_empty());
        self.split += usize::from(folded.taken.len() > 1);
        self.height = self.height.max(self.state.scalars.root.level.0 + 1);
    }

    async fn drain(&mut self) {
        let entries = self.state.entries().count();
        let height = usize::from(self.state.scalars.root.level.0) + 2;
        let before = self.folds;
        while self.fold_chosen().await {}
        assert_eq!(self.state.bytes_used(), 0);
        assert!(self.folds - before <= entries * height * 2, "{entries} {height}");
    }

    async fn check_items(&mut self) {
        let mut from = Key::MIN;
        let mut seen = Vec::new();
        while let Some((key, value)) = self.next(from).await {
            seen.push((key, value));
            from = key.next();
        }
        seen.retain(|(key, _)| key.object != SPACE);
        let model: Vec<_> = self.model.iter().map(|(key, value)| (*key, value.clone())).collect();
        assert_eq!(seen, model);
    }

    /// Every level covers all keys, and the nodes are in the used blocks, each in its own.
    async fn check_nodes(&mut self) {
        let mut blocks = BTreeSet::new();
        for level in (0..=self.state.scalars.root.level.0).map(Level) {
            let mut from = Key::MIN;
            while let Some(place) =
                next_node(&mut self.media, &self.state, level, from).await.unwrap()
            {
                assert_eq!((place.low, place.pointer.level), (from, level));
                assert!(place.high > from && place.separator < place.high);
                assert!(blocks.insert(place.pointer.block));
                assert!(place.pointer.data_pages() <= self.limits.data_pages(place.pointer.level));
                from = place.high;
            }
        }
        assert_eq!(blocks, self.pool.used);
    }

    /// Runs and group items together say which blocks are used.
    async fn check_accounts(&mut self) {
        let blocks = self.state.block_count().0;
        for number in 0..=u64::from((blocks - 1) / 256) {
            let item = self.get(Group::key(number)).await;
            let mut group = item.map_or(Group::FREE, |item| Group::from_value(&item).unwrap());
            self.state.patch_group(number, &mut group);
            for index in 0..=255_u8 {
                let block = BlockNo(number as u32 * 256 + u32::from(index));
                assert_eq!(group.is_allocated(index), self.pool.used.contains(&block), "{block:?}");
            }
        }
        assert_eq!(self.state.scalars.free.0, blocks - 1 - self.pool.used.len() as u32);
    }

    async fn step(&mut self, keys: u64, longest: usize) {
        let key = self.random.key(keys);
        match self.random.below(100) {
            0..60 => {
                let value = self.random.value(longest);
                self.put(key, value).await;
            }
            60..90 => self.delete(key).await,
            90..94 => {
                let high = self.random.key(keys);
                let doomed: Vec<_> =
                    self.model.range(key..high.max(key)).map(|item| *item.0).take(40).collect();
                for key in doomed {
                    self.delete(key).await;
                }
            }
            94..98 if self.state.fits(FOLD_RESERVE) => {
                let level = self.random.below(u64::from(self.state.scalars.root.level.0) + 1);
                self.fold(Level(level as u8), key).await;
            }
            98 => self.drain().await,
            _ => {
                self.fold_chosen().await;
            }
        }
        let key = self.random.key(keys);
        assert_eq!(self.get(key).await, self.model.get(&key).cloned());
        let after = self.model.range(key..).next().map(|(key, value)| (*key, value.clone()));
        let found = self.next(key).await;
        self.looks_back(key).await;
        assert_eq!(found.filter(|(key, _)| key.object != SPACE), after);
    }

    async fn history(&mut self, steps: usize, keys: u64, longest: usize) {
        for step in 0..steps {
            self.step(keys, longest).await;
            if self.accounts && self.state.runs_free() < 20 {
                self.make_room(0).await;
                self.fold_chosen().await;
            }
            if step % 100 == 0 {
                self.check_nodes().await;
                self.check_items().await;
            }
        }
        self.drain().await;
        self.check_nodes().await;
        self.check_items().await;
    }
}

#[colour]
async fn histories() {
    let mut sums = [0; 4];
    for pages_max in 1..=7 {
        for seed in 1..=4 {
            let arena = if seed % 2 == 0 { 2048 } else { 700 };
            let mut world = World::new(seed, pages_max, arena, 1500).await;
            let keys = if pages_max == 1 { 900 } else { 1500 };
            world.history(1500, keys, 120).await;
            if pages_max == 1 {
                assert!(world.height >= 3, "{}", world.height);
            }
            let counts = [world.partial, world.vanished, world.joined, world.split];
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
    }
    assert!(sums[1..].iter().all(|sum| *sum > 200), "{sums:?}");
}

#[test]
fn items_are_those_of_a_sorted_map_in_every_history() {
    run(histories());
}

/// Much more is pending for one node than three nodes hold, at the leaves and above them.
#[colour]
async fn bursts() {
    let (mut partial, mut partial_inner) = (0, 0);
    for seed in 1..=12 {
        let mut world = World::new(seed, 1, 12_000, 1200).await;
        let keys = if seed % 2 == 0 { 1000 } else { 100 };
        for _ in 0..8 {
            for _ in 0..150 {
                let key = world.random.key(keys);
                if world.random.below(3) > 0 && world.state.fits(600 + FOLD_RESERVE) {
                    let value = world.random.value(60);
                    world.put(key, value).await;
                } else {
                    world.delete(key).await;
                }
            }
            let folds = world.random.below(200);
            for _ in 0..folds {
                let key = world.random.key(keys);
                world.fold(Level(0), key).await;
                assert_eq!(world.get(key).await, world.model.get(&key).cloned());
            }
            let before = world.partial;
            let level = world.random.below(u64::from(world.state.scalars.root.level.0) + 1);
            world.fold(Level(level as u8), Key::MIN).await;
            partial_inner += usize::from(level > 0) * (world.partial - before);
            world.check_nodes().await;
            world.check_items().await;
        }
        partial += world.partial;
        world.drain().await;
        world.check_nodes().await;
        world.check_items().await;
    }
    assert!(partial > 20 && partial_inner > 0, "{partial} {partial_inner}");
}

#[test]
fn what_does_not_fit_into_three_nodes_stays_pending() {
    run(bursts());
}

/// A delta page brings more into its leaf than what is pending says: a fold that was foreseen to
/// leave one node left two, and took the pointer's bytes from the reserve.
#[colour]
async fn delta_grows() {
    let mut world = World::new(1, 6, 2048, 1500).await;
    let item = |number: u64, behind: u64| Key::new(ObjectId(20), Kind(2), 1000 * number + behind);
    for number in 0..300 {
        world.put(item(number, 0), vec![7; 100]).await;
        world.put(item(number, 500), vec![6]).await;
    }
    world.drain().await;
    let at = (Level(0), item(150, 0));
    let first = range(&mut world.media, &world.state, at.0, at.1).await.unwrap().low.offset / 1000;
    for behind in 0..12 {
        world.put(item(first + 1, 1 + behind), vec![9; 10]).await;
    }
    // One item that is gone is one too many for another delta page.
    for number in first + 2..first + 6 {
        world.delete(item(number, 500)).await;
    }
    let (deltas, split) = (world.deltas, world.split);
    world.fold(at.0, at.1).await;
    assert_eq!(world.deltas, deltas + 1, "the leaf took a delta page");
    world.delete(item(first + 8, 500)).await;
    let growth = growth_at(&mut world.media, &world.state, at, world.limits).await.unwrap();
    let most = world.state.bytes_used() + growth;
    world.fold(at.0, at.1).await;
    assert_eq!(world.split, split + 1, "the leaf was split");
    assert!(world.state.bytes_used() <= most, "{} > {most}", world.state.bytes_used());
}

#[test]
fn what_a_delta_page_brings_in_is_foreseen() {
    run(delta_grows());
}

#[colour]
async fn towers() {
    let mut world = World::new(7, 1, 2048, 4000).await;
    for number in 0..1500_u64 {
        let key = Key::new(ObjectId(20), Kind(2), number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let value = world.random.value(60);
        world.put(key, value).await;
    }
    world.drain().await;
    assert!(world.height >= 4, "{}", world.height);
    world.check_nodes().await;
    world.check_items().await;
    let keys: Vec<_> = world.model.keys().copied().collect();
    for (index, key) in keys.iter().enumerate() {
        // Upwards, then downwards: both ends of the tree become empty.
        let key = if index % 2 == 0 { *key } else { keys[keys.len() - index] };
        world.delete(key).await;
    }
    world.drain().await;
    world.check_items().await;
    world.check_nodes().await;
    assert_eq!(world.state.scalars.root.level, Level(0));
    assert_eq!(world.pool.used.len(), 1);
}

#[test]
fn a_high_tree_whose_items_all_go_becomes_one_node() {
    run(towers());
}

#[colour]
async fn emptied_in_order(downwards: bool) {
    let mut world = World::new(8, 1, 1024, 2000).await;
    let keys: Vec<_> = (0..1200).map(|n| Key::new(ObjectId(17), Kind(2), n * 7)).collect();
    for key in &keys {
        world.put(*key, vec![1; 40]).await;
    }
    let (mut order, last) = (keys.clone(), keys.len() - 1);
    if downwards {
        order.reverse();
    }
    for key in &order[..last] {
        world.delete(*key).await;
        let first = *world.model.keys().next().unwrap();
        assert_eq!(world.next(Key::MIN).await.map(|item| item.0), Some(first));
    }
    world.drain().await;
    world.check_nodes().await;
    world.check_items().await;
    assert!(world.pool.used.len() <= 8, "{}", world.pool.used.len());
}

#[test]
fn nodes_whose_items_go_in_order_vanish() {
    run(emptied_in_order(false));
    run(emptied_in_order(true));
}

#[colour]
async fn accounts() {
    for seed in 1..=6 {
        let mut world = World::new(seed, 1 + seed as u8 % 3, 1024, 1500).await;
        world.accounts = true;
        let used = Change::State { run: Run::single(BlockNo(1)), state: RunState::Used };
        world.state.apply(&used, 0).unwrap();
        for _ in 0..12 {
            world.history(60, 300, 100).await;
            world.check_accounts().await;
        }
    }
}

#[test]
fn runs_and_group_items_say_which_blocks_are_used() {
    run(accounts());
}

#[colour]
async fn many_groups() {
    let mut world = World::new(3, 1, 1024, 50_000).await;
    for number in 0..60_u32 {
        let run = Run { start: BlockNo(600 + number * 700), length: 3 };
        let state = if number % 5 == 0 { RunState::Leaving } else { RunState::Erased };
        world.state.apply(&Change::State { run, state }, 0).unwrap();
    }
    while let Some((level, key)) =
        choose_runs(&mut world.media, &world.state, BlockNo(0)).await.unwrap()
    {
        world.make_room(0).await;
        world.fold(level, key).await;
    }
    assert!(world.partial > 0);
    assert_eq!(world.state.runs().len(), 12);
    for number in 0..60_u32 {
        let block = BlockNo(600 + number * 700);
        let item = world.get(Group::key(Group::number(block))).await.unwrap();
        let group = Group::from_value(&item).unwrap();
        let index = Group::index(block);
        let expected = if number % 5 == 0 { (true, false) } else { (false, true) };
        assert_eq!((group.is_allocated(index), group.is_erased(index)), expected);
    }
    assert_eq!(world.state.scalars.root.level.0 + 1, world.height);
}

#[test]
fn runs_of_many_groups_reach_the_tree_and_leaving_ones_stay() {
    run(many_groups());
}

#[colour]
async fn costs() {
    let mut world = World::new(5, 7, 2048, 3000).await;
    for number in 0..4000_u64 {
        let key = Key::new(ObjectId(20), Kind(2), number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1);
        world.put(key, vec![7; 50]).await;
    }
    world.drain().await;
    assert_eq!(world.height, 3, "{}", world.model.len());
    let keys: Vec<_> = world.model.keys().copied().collect();
    let before = world.media_reads();
    for index in 0..keys.len() {
        // Far from the key before, so that nothing of its leaf helps.
        assert!(world.get(keys[index * 1_999 % keys.len()]).await.is_some());
    }
    let reads = world.media_reads() - before;
    let hundredths = reads * 100 / keys.len();
    assert!((500..=630).contains(&hundredths), "{hundredths}");
    let before = world.media_reads();
    world.check_items().await;
    let reads = world.media_reads() - before;
    assert!(reads < keys.len() / 2, "each page about once, and the way to each leaf: {reads}");
    let (reads, programs) = (world.media_reads(), world.programs());
    for key in keys.iter().step_by(100) {
        world.fold(Level(0), *key).await;
    }
    let (folds, reads) = (keys.len() / 100, world.media_reads() - reads);
    // Twice the way down and twice the node, of which the way down also finds out the range.
    assert!(reads <= folds * (2 * 7 + 2 * 7), "{reads}");
    assert!(world.programs() - programs <= folds * 8, "{}", world.programs() - programs);
}

impl World {
    fn chip(&mut self) -> &mut Chip {
        self.media.device_for_test()
    }

    fn media_reads(&mut self) -> usize {
        self.chip().reads
    }

    fn programs(&mut self) -> usize {
        self.chip().programs
    }
}

#[test]
fn a_lookup_reads_two_pages_for_each_level_and_a_fold_each_page_twice() {
    run(costs());
}
