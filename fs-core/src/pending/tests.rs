//! The state against naive models, in seeded random histories.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    reason = "a test, not firmware"
)]

use super::{
    ENTRY_BYTES, Found, POINTER_ENTRY_BYTES, RUNS_MAX, RunTable, State, TaggedRun, first_group,
};
use crate::error::{Field, Malformed};
use crate::format::change::{Change, ChangeWriter, Changes, Run, RunState, Scalars};
use crate::format::group::Group;
use crate::format::key::{FIRST_FREE, Key, Kind};
use crate::format::pointer::NodePointer;
use crate::units::{BlockCount, BlockNo, Generation, Level, ObjectId};
use std::collections::{BTreeMap, VecDeque};
use std::vec::Vec;

/// Room for runs that nobody takes back.
fn table() -> &'static mut RunTable {
    std::boxed::Box::leak(std::boxed::Box::default())
}

const BLOCKS: u32 = 2048;
const STATES: [RunState; 4] = [RunState::Free, RunState::Erased, RunState::Used, RunState::Leaving];

/// xorshift64*: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn small(&mut self, bound: u64) -> u32 {
        u32::try_from(self.below(bound)).unwrap()
    }

    fn key(&mut self) -> Key {
        Key::new(ObjectId(16 + self.below(3)), Kind(1 + (self.0 & 1) as u8), self.below(8))
    }

    fn bytes(&mut self, length: u64) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    fn run(&mut self) -> Run {
        let start = 1 + self.small(u64::from(BLOCKS) - 1);
        let longest = if self.one_in(8) { 600 } else { 6 };
        let length = 1 + self.below(longest);
        let length = length.min(u64::from(BLOCKS - start));
        Run { start: BlockNo(start), length: u16::try_from(length).unwrap() }
    }

    fn pointer(&mut self, level: u8) -> NodePointer {
        NodePointer {
            block: BlockNo(1 + self.small(u64::from(BLOCKS) - 1)),
            generation: Generation(1 + self.below(1000)),
            base_pages: 1,
            delta_pages: 0,
            level: Level(level),
            full: false,
        }
    }
}

fn scalars() -> Scalars {
    let root = NodePointer {
        block: BlockNo(9),
        generation: Generation(1),
        base_pages: 1,
        delta_pages: 0,
        level: Level(0),
        full: false,
    };
    Scalars {
        next: BlockNo(1),
        spare_a: BlockNo(2),
        spare_b: BlockNo(3),
        root,
        generation: Generation(1),
        next_object: FIRST_FREE,
        free: BlockCount(BLOCKS / 2),
        cursor: BlockNo(4),
        sweep: 0,
        erases: 0,
        spare_erased: false,
    }
}

type Blocks = Vec<Option<RunState>>;

fn assert_runs_say(state: &State<'_>, blocks: &Blocks) {
    for (number, said) in blocks.iter().enumerate() {
        assert_eq!(state.block_state(BlockNo(u32::try_from(number).unwrap())), *said, "{number}");
    }
    assert!(state.runs().len() <= RUNS_MAX);
    for pair in state.runs().windows(2) {
        assert!(pair[0].end() <= pair[1].start, "{pair:?} overlap");
        assert!(!pair[0].joins_for_test(pair[1]), "{pair:?} are one");
    }
    for group in 0..u64::from(BLOCKS / 256) {
        let of_group = blocks.iter().skip(usize::try_from(group).unwrap() * 256).take(256);
        let touched = of_group.clone().any(Option::is_some);
        assert_eq!(state.touched_group(group) == Some(group), touched, "{group}");
        let mut item = Group::FREE;
        item.set_allocated(7);
        let before = item;
        state.patch_group(group, &mut item);
        for (index, said) in (0..=255).zip(of_group) {
            let now = (item.is_allocated(index), item.is_erased(index));
            let then = (before.is_allocated(index), before.is_erased(index));
            assert_eq!(now, said.map_or(then, bits), "{group}/{index}");
        }
    }
}

fn bits(state: RunState) -> (bool, bool) {
    (matches!(state, RunState::Used | RunState::Leaving), state == RunState::Erased)
}

impl TaggedRun {
    fn joins_for_test(self, next: Self) -> bool {
        self.end() == next.start && self.state == next.state
    }
}

#[test]
fn runs_say_what_a_table_of_blocks_says() {
    for seed in 1..=40 {
        let mut random = Random(seed);
        let mut state = State::new(&mut [], 0, table());
        state.bound_blocks(BlockCount(BLOCKS));
        let mut blocks: Blocks = std::vec![None; BLOCKS as usize];
        for step in 0..400_u32 {
            if state.runs_free() < 4 || random.one_in(60) {
                let (low, high) = (random.below(9), random.below(9));
                let (low, high) = (low.min(high), low.max(high) + 1);
                let fold =
                    Change::Fold { level: Level(0), low: Group::key(low), high: Group::key(high) };
                assert_eq!(state.apply(&fold, 0), Ok(()));
                for block in blocks.iter_mut().take(high as usize * 256).skip(low as usize * 256) {
                    *block = block.filter(|said| *said == RunState::Leaving);
                }
                if state.runs_free() < 4 {
                    state.reset();
                    blocks.fill(None);
                }
            } else {
                let (run, said) = (random.run(), STATES[random.below(4) as usize]);
                assert_eq!(state.apply(&Change::State { run, state: said }, step as u8), Ok(()));
                let range = run.start.0 as usize..run.start.0 as usize + usize::from(run.length);
                blocks[range].fill(Some(said));
            }
            if step % 7 == 0 || step > 380 {
                assert_runs_say(&state, &blocks);
            }
        }
    }
}

#[test]
fn a_run_that_joins_another_takes_the_older_tag() {
    let mut state = State::new(&mut [], 0, table());
    let claim = |start, length| Change::Claim(Run { start: BlockNo(start), length });
    state.apply(&claim(10, 2), 255).unwrap();
    state.apply(&claim(14, 2), 1).unwrap();
    state.apply(&claim(12, 2), 2).unwrap();
    let whole = TaggedRun { start: BlockNo(10), length: 6, state: RunState::Erased, tag: 255 };
    assert_eq!(state.runs(), [whole]);
    assert_eq!(state.oldest(2), Some(255));
}

#[test]
fn runs_are_cut_in_one_way_only() {
    let mut one = State::new(&mut [], 0, table());
    let mut other = State::new(&mut [], 0, table());
    let claim = |start, length| Change::Claim(Run { start: BlockNo(start), length });
    one.apply(&claim(30_000, 40_000), 1).unwrap();
    other.apply(&claim(50_000, 20_000), 1).unwrap();
    other.apply(&claim(30_000, 20_000), 1).unwrap();
    assert_eq!(one, other);
    assert_eq!(one.runs().len(), 3);
    assert_eq!(one.apply(&claim(u32::MAX - 3, 3), 1), Ok(()));
    assert_eq!(one.apply(&claim(u32::MAX - 3, 4), 1), Err(Malformed::Field(Field::Run)));
}

#[test]
fn the_run_that_is_one_too_many_is_refused() {
    let mut state = State::new(&mut [], 0, table());
    for number in 0..RUNS_MAX {
        let start = BlockNo(u32::try_from(number * 2).unwrap());
        assert_eq!(state.apply(&Change::Claim(Run { start, length: 1 }), 0), Ok(()));
    }
    assert_eq!(state.runs_free(), 0);
    let more = Change::Claim(Run { start: BlockNo(500), length: 1 });
    assert_eq!(state.apply(&more, 0), Err(Malformed::Field(Field::Runs)));
}

/// Value, fresh, tag.
type Entry = (Option<Vec<u8>>, bool, u8);

#[derive(Default)]
struct Model {
    entries: BTreeMap<(Level, Key), Entry>,
}

impl Model {
    fn cost(&self) -> usize {
        let value = |entry: &Entry| entry.0.as_ref().map_or(0, Vec::len);
        self.entries.values().map(|entry| ENTRY_BYTES + value(entry)).sum()
    }

    fn assert_equal(&self, state: &State<'_>, random: &mut Random) {
        assert_eq!(state.bytes_used(), self.cost());
        assert_eq!(state.bytes_used() + state.bytes_free(), state.bytes_max());
        let stated = state.entries().map(|entry| {
            let value = entry.value.map(<[u8]>::to_vec);
            ((entry.level, entry.key), (value, entry.fresh, entry.tag))
        });
        assert!(stated.eq(self.entries.iter().map(|(place, entry)| (*place, entry.clone()))));
        for _ in 0..4 {
            let (level, low, high) = (Level(random.below(3) as u8), random.key(), random.key());
            let found = match self.entries.get(&(level, low)) {
                None => Found::Absent,
                Some((None, ..)) => Found::Gone,
                Some((Some(value), ..)) => Found::Value(value),
            };
            assert_eq!(state.find(level, low), found);
            let floor = self.entries.range((level, Key::MIN)..=(level, low)).next_back();
            let stated = state.floor(level, low).map(|entry| (entry.level, entry.key));
            assert_eq!(stated, floor.map(|(place, _)| *place));
            let ceiling = self.entries.range((level, low)..(level, Key::END)).next();
            let stated = state.ceiling(level, low).map(|entry| (entry.level, entry.key));
            assert_eq!(stated, ceiling.map(|(place, _)| *place));
            if low <= high {
                let between = self.entries.range((level, low)..(level, high));
                let stated = state.range(level, low, high).map(|entry| (entry.level, entry.key));
                assert!(stated.eq(between.map(|(place, _)| *place)));
            }
        }
    }
}

#[test]
fn entries_say_what_a_sorted_map_says() {
    for seed in 1..=30 {
        let mut random = Random(seed);
        let mut arena = [0xA5; 700];
        let mut state = State::new(&mut arena, 600, table());
        assert_eq!(state.bytes_max(), 600);
        let mut model = Model::default();
        for step in 0..600_u32 {
            let tag = (step / 50) as u8;
            let (key, level) = (random.key(), Level(1 + random.below(2) as u8));
            let (length, fresh) = (random.below(60), random.one_in(2));
            let value = random.bytes(length);
            let pointer = random.pointer(level.0 - 1);
            let mut after = model.entries.clone();
            let change = match random.below(20) {
                0 => {
                    let high = random.key();
                    let (low, high) = (key.min(high), key.max(high).next());
                    let level = Level(level.0 - random.below(2) as u8);
                    after.retain(|place, _| !(place.0 == level && (low..high).contains(&place.1)));
                    Change::Fold { level, low, high }
                }
                1..9 => {
                    after.insert((Level(0), key), (Some(value.clone()), fresh, tag));
                    Change::Put { fresh, key, value: &value }
                }
                9..13 => {
                    let value = pointer.encode().unwrap().to_vec();
                    after.insert((level, key), (Some(value), fresh, tag));
                    Change::Point { fresh, level, key, pointer }
                }
                13..17 if fresh => {
                    after.remove(&(Level(0), key));
                    Change::Delete { vanish: true, key }
                }
                13..17 => {
                    after.insert((Level(0), key), (None, false, tag));
                    Change::Delete { vanish: false, key }
                }
                _ if fresh => {
                    after.remove(&(level, key));
                    Change::Unpoint { vanish: true, level, key }
                }
                _ => {
                    after.insert((level, key), (None, false, tag));
                    Change::Unpoint { vanish: false, level, key }
                }
            };
            let after = Model { entries: after };
            if after.cost() > 600 {
                assert!(!state.fits(State::cost(&change)));
                assert_eq!(state.apply(&change, tag), Err(Malformed::Field(Field::PendingBytes)));
            } else {
                assert_eq!(state.apply(&change, tag), Ok(()));
                model = after;
            }
            model.assert_equal(&state, &mut random);
        }
    }
}

#[test]
fn a_pointer_that_cannot_be_is_refused() {
    let mut arena = [0; 200];
    let mut state = State::new(&mut arena, 200, table());
    state.bound_blocks(BlockCount(100));
    let mut pointer = Random(1).pointer(0);
    pointer.block = BlockNo(99);
    let point = |level, pointer| Change::Point { fresh: true, level, key: Key::MIN, pointer };
    assert_eq!(state.apply(&point(Level(2), pointer), 0), Err(Malformed::Field(Field::Level)));
    assert_eq!(state.apply(&point(Level(0), pointer), 0), Err(Malformed::Field(Field::Level)));
    assert_eq!(state.apply(&point(Level(1), pointer), 0), Ok(()));
    assert_eq!(state.bytes_used(), POINTER_ENTRY_BYTES);
    assert_eq!(state.scalars.generation, pointer.generation);
    pointer.block = BlockNo(100);
    assert_eq!(state.apply(&point(Level(1), pointer), 0), Err(Malformed::Field(Field::Block)));
    assert_eq!(state.apply(&Change::Root(pointer), 0), Err(Malformed::Field(Field::Block)));
}

#[test]
fn a_bound_names_the_first_group_after_it() {
    assert_eq!(first_group(Key::MIN), 0);
    assert_eq!(first_group(Group::key(0)), 0);
    assert_eq!(first_group(Group::key(5)), 5);
    assert_eq!(first_group(Group::key(u64::MAX).next()), u64::MAX);
    assert_eq!(first_group(Key::END), u64::MAX);
}

/// A journal of encoded changes, and what stands behind it: a running volume without a device.
struct Journal {
    blocks: VecDeque<(u8, Scalars, Vec<Vec<u8>>)>,
    tree: BTreeMap<(Level, Key), Vec<u8>>,
    all: BTreeMap<(Level, Key), Vec<u8>>,
}

impl Journal {
    fn newest(&self) -> u8 {
        self.blocks.back().unwrap().0
    }

    /// Logs and applies one record.
    fn commit(&mut self, state: &mut State<'_>, changes: &[Change<'_>]) {
        if self.blocks.back().unwrap().2.len() >= 12 {
            let next = self.newest().wrapping_add(1);
            self.blocks.push_back((next, state.scalars, Vec::new()));
        }
        let mut record = [0; 1024];
        let mut writer = ChangeWriter::new(&mut record);
        for change in changes {
            writer.push(change).unwrap();
        }
        let length = writer.len();
        let record = record[..length].to_vec();
        let tag = self.newest();
        for change in Changes::new(&record) {
            state.apply(&change.unwrap(), tag).unwrap();
        }
        self.blocks.back_mut().unwrap().2.push(record);
    }

    /// Makes the oldest block unnecessary.
    fn log_again(&mut self, state: &mut State<'_>) {
        let oldest = self.blocks.front().unwrap().0;
        loop {
            let mut record = [0; 512];
            let mut writer = ChangeWriter::new(&mut record);
            let pushed =
                state.tagged(oldest).take_while(|change| writer.push(change).is_ok()).count();
            if pushed == 0 {
                break;
            }
            let length = writer.len();
            let changes: Vec<_> = Changes::new(&record[..length]).map(Result::unwrap).collect();
            self.commit(state, &changes);
        }
    }

    /// What a mount that starts at block `from` of the journal makes of it.
    fn assert_replays(&self, state: &State<'_>, from: usize) {
        let mut arena = [0; 600];
        let mut replayed = State::new(&mut arena, 600, table());
        replayed.bound_blocks(BlockCount(BLOCKS));
        for (index, (tag, scalars, records)) in self.blocks.iter().enumerate().skip(from) {
            if index == from {
                replayed.apply(&Change::Scalars(*scalars), *tag).unwrap();
            }
            assert_eq!(replayed.scalars, *scalars);
            for record in records {
                for change in Changes::new(record) {
                    replayed.apply(&change.unwrap(), *tag).unwrap();
                }
            }
        }
        assert_eq!(replayed, *state);
    }

    fn assert_overlay(&self, state: &State<'_>) {
        let mut seen = self.tree.clone();
        for entry in state.entries() {
            let place = (entry.level, entry.key);
            assert!(!(entry.fresh && self.tree.contains_key(&place)), "not fresh: {place:?}");
            match entry.value {
                Some(value) => seen.insert(place, value.to_vec()),
                None => seen.remove(&place),
            };
        }
        assert_eq!(seen, self.all);
    }

    fn step(&mut self, state: &mut State<'_>, random: &mut Random) {
        let (key, level) = (random.key(), Level(random.below(2) as u8));
        let place = (level, key);
        let fresh = !self.tree.contains_key(&place);
        let crowded = state.bytes_free() < 120 || state.runs_free() < 8;
        match if crowded { 0 } else { random.below(12) } {
            0 => {
                let high = random.key();
                let low = if random.one_in(2) { Key::MIN } else { key.min(high) };
                let fold = Change::Fold { level, low, high: key.max(high).next() };
                let folded = state.range(level, low, key.max(high).next());
                for entry in folded {
                    match entry.value {
                        Some(value) => self.tree.insert((level, entry.key), value.to_vec()),
                        None => self.tree.remove(&(level, entry.key)),
                    };
                }
                let taken = Change::Take(Run { start: state.scalars.cursor, length: 1 });
                let beyond = state.scalars.cursor.0 >= BLOCKS;
                let taken = if beyond { Change::Take(random.run()) } else { taken };
                self.commit(state, &[fold, taken]);
            }
            1..5 => {
                let length = random.below(40);
                let (value, pointer) = (random.bytes(length), random.pointer(0));
                let change = if level == Level(0) {
                    self.all.insert(place, value.clone());
                    Change::Put { fresh, key, value: &value }
                } else {
                    self.all.insert(place, pointer.encode().unwrap().to_vec());
                    Change::Point { fresh, level, key, pointer }
                };
                self.commit(state, &[change]);
            }
            5..8 => {
                self.all.remove(&place);
                self.commit(
                    state,
                    &[if level == Level(0) {
                        Change::Delete { vanish: fresh, key }
                    } else {
                        Change::Unpoint { vanish: fresh, level, key }
                    }],
                );
            }
            8 => self.commit(state, &[Change::Objects(ObjectId(17 + random.below(99)))]),
            9 => self.commit(state, &[Change::Root(random.pointer(1))]),
            _ => {
                let run = random.run();
                let few = Run { length: run.length.min(3), ..run };
                let free = state.scalars.free.0;
                let change = match random.below(6) {
                    0 if free > 3 => Change::Take(few),
                    1 if free + 3 < BLOCKS => Change::Give(few),
                    2 => Change::Leave(few),
                    3 => Change::Window(run),
                    _ => Change::Claim(run),
                };
                self.commit(state, &[change]);
            }
        }
    }
}

#[test]
fn a_replay_without_the_retired_blocks_gives_an_equal_state() {
    for seed in 1..=60 {
        let mut random = Random(seed);
        let mut arena = [0; 600];
        let mut state = State::new(&mut arena, 600, table());
        state.bound_blocks(BlockCount(BLOCKS));
        state.apply(&Change::Scalars(scalars()), 250).unwrap();
        let first = (250, state.scalars, Vec::new());
        let (tree, all) = (BTreeMap::new(), BTreeMap::new());
        let mut journal = Journal { blocks: VecDeque::from([first]), tree, all };
        for step in 0..800 {
            journal.step(&mut state, &mut random);
            if journal.blocks.len() > 4 {
                journal.log_again(&mut state);
                assert_eq!(state.tagged(journal.blocks[0].0).count(), 0);
                assert_ne!(state.oldest(journal.newest()), Some(journal.blocks[0].0));
                journal.assert_replays(&state, 0);
                journal.assert_replays(&state, 1);
                journal.blocks.pop_front();
            }
            if step % 10 == 0 {
                journal.assert_replays(&state, 0);
                journal.assert_overlay(&state);
            }
            if state.runs_free() < 8 {
                let fold =
                    Change::Fold { level: Level(0), low: Group::key(0), high: Group::key(99) };
                journal.commit(&mut state, &[fold]);
                if state.runs_free() < 8 {
                    let leaving: Vec<_> = state.runs_of(RunState::Leaving).copied().collect();
                    for run in leaving {
                        let run = Run { start: run.start, length: run.length };
                        journal.commit(&mut state, &[Change::State { run, state: RunState::Free }]);
                    }
                }
            }
        }
    }
}

#[test]
fn a_checkpoint_gives_an_equal_state() {
    for seed in 1..=20 {
        let mut random = Random(seed);
        let (mut arena, mut other) = ([0; 600], [0; 600]);
        let mut state = State::new(&mut arena, 600, table());
        state.apply(&Change::Scalars(scalars()), 0).unwrap();
        let first = (0, state.scalars, Vec::new());
        let (tree, all) = (BTreeMap::new(), BTreeMap::new());
        let mut journal = Journal { blocks: VecDeque::from([first]), tree, all };
        for _ in 0..100 {
            journal.step(&mut state, &mut random);
        }
        state.retag_all(77);
        let mut copy = State::new(&mut other, 600, table());
        copy.apply(&Change::Scalars(state.scalars), 77).unwrap();
        let changes: Vec<_> = state.all_changes(0).collect();
        for (index, change) in changes.iter().enumerate() {
            assert_eq!(state.all_changes(index).next().as_ref(), Some(change));
            copy.apply(change, 77).unwrap();
        }
        assert_eq!(copy, state);
    }
}

#[test]
fn survives_any_bytes() {
    let mut random = Random(99);
    let mut applied = 0;
    for _ in 0..20_000 {
        let mut arena = [0; 200];
        let mut state = State::new(&mut arena, 200, table());
        state.bound_blocks(BlockCount(300));
        let length = 1 + random.below(120);
        let mut bytes = random.bytes(length);
        if random.one_in(2) {
            bytes[0] = 7 + random.below(6) as u8;
        }
        for change in Changes::new(&bytes) {
            let Ok(change) = change else { break };
            applied += 1;
            if state.apply(&change, random.below(256) as u8).is_err() {
                break;
            }
        }
        assert!(state.bytes_used() <= 200);
    }
    assert!(applied > 1000, "{applied}");
}
