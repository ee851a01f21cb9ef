//! What is committed but not yet in the tree.
//!
//! **What it is.** The meaning of the journal: a state and one function, [`State::apply`], that
//! moves it by one change. A running volume calls it when a record is durable, a mount when it
//! reads the record back, so both arrive at equal states. No I/O, no allocation: entries lie
//! sorted in lent bytes.
//!
//! **Rules**
//! 1. An *entry* says what stands under a key: at level 0 an item, at level L the pointer to a
//!    child in a node of level L, or that there is nothing any more (a *tombstone*). It hides what
//!    the tree says.
//! 2. An entry costs [`ENTRY_BYTES`] and its value, whatever machine counts. All entries together
//!    never cost more than the limit that the volume was formatted with.
//! 3. A *fresh* entry stands under a key that the tree does not have. Its deletion is told by the
//!    change (`vanish`) and leaves no tombstone.
//! 4. A *run* says what neighbouring blocks are used for, and hides what their group items say.
//!    There are at most [`RUNS_MAX`]. Neighbours in one state are one run, unless a multiple of
//!    32768 blocks lies between them.
//! 5. Every entry and run has the *tag* of the journal block that logged it last, or of an older
//!    one. Once all that is tagged with the oldest block has been logged again, that block is not
//!    needed: a replay without it gives an equal state.
//! 6. A fold record removes the entries that the new nodes contain. With the group items it
//!    removes the runs of these groups, but those that are *leaving*: retired journal blocks stay
//!    pending until they are given.
//!
//! **States** of a block that a run names:
//!
//! ```text
//! free --claim--> erased --take--> used --give--> free
//!   \--------------take-------------^ \--leave--> leaving --give--> free
//! erased --window--> free
//! ```
//!
//! **After a power cut** the state is what replay makes of the scalars and records that are left.
//!
//! **Cost.** RAM: the lent bytes, 8 bytes for each of the runs, the scalars. Finding and changing
//! an entry walks the entries before it: at most a hundred with a 2 KiB arena.

mod arena;
mod runs;
#[cfg(test)]
mod tests;

use crate::error::{Field, Malformed};
use crate::format::change::{Change, Run, RunState, Scalars};
use crate::format::group::{self, Group};
use crate::format::key::{Key, Kind, SPACE};
use crate::format::pointer::{self, NodePointer};
use crate::mutant::{self, Mutant};
use crate::units::{BlockCount, BlockNo, Generation, Level, ObjectId};

use arena::Arena;
use runs::Runs;

pub use arena::{ENTRY_BYTES, Entries, EntryView};
pub use runs::{RUNS_MAX, RunTable, TaggedRun};

/// The scalars of a state that has not met any yet; they would not pass their own check.
const NOTHING: Scalars = Scalars {
    next: BlockNo(0),
    spare_a: BlockNo(0),
    spare_b: BlockNo(0),
    root: NodePointer::NONE,
    generation: Generation(0),
    next_object: ObjectId(0),
    free: BlockCount(0),
    cursor: BlockNo(0),
    sweep: 0,
    erases: 0,
    spare_erased: false,
};

/// What a pending pointer costs.
pub const POINTER_ENTRY_BYTES: usize = ENTRY_BYTES + pointer::SIZE;

/// What the pending set says about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// Nothing: ask the tree.
    Absent,
    /// There is no such item, whatever the tree says.
    Gone,
    /// The value, whatever the tree says.
    Value(&'a [u8]),
}

/// The state that the journal describes.
#[derive(Debug)]
pub struct State<'m> {
    /// Root, counters and cursors.
    pub scalars: Scalars,
    arena: Arena<'m>,
    runs: Runs<'m>,
    block_count: BlockCount,
    shape: u32,
}

impl PartialEq for State<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.scalars == other.scalars
            && self.runs == other.runs
            && self.arena.occupied() == other.arena.occupied()
    }
}

impl Eq for State<'_> {}

/// The first group whose item has a key at or after `bound`; `u64::MAX` if there is none.
#[must_use]
pub fn first_group(bound: Key) -> u64 {
    if bound <= Key::new(SPACE, Kind::GROUP, 0) {
        0
    } else if (bound.object, bound.kind) == (SPACE, Kind::GROUP) {
        bound.offset
    } else {
        u64::MAX
    }
}

/// The first block of a group, or the highest number there is.
fn first_block(group: u64) -> u32 {
    u32::try_from(group.saturating_mul(u64::from(group::BLOCKS))).unwrap_or(u32::MAX)
}

impl<'m> State<'m> {
    /// An empty state over `arena`, of which at most `bytes_max` bytes are used, and `runs`.
    #[must_use]
    pub fn new(arena: &'m mut [u8], bytes_max: u16, runs: &'m mut RunTable) -> Self {
        Self {
            scalars: NOTHING,
            arena: Arena::new(arena, bytes_max),
            runs: Runs::new(runs),
            block_count: BlockCount(u32::MAX),
            shape: 0,
        }
    }

    /// From now on changes that name blocks at or after `count` are malformed.
    pub fn bound_blocks(&mut self, count: BlockCount) {
        self.block_count = count;
    }

    /// How many blocks there are, as far as the state was told.
    #[must_use]
    pub fn block_count(&self) -> BlockCount {
        self.block_count
    }

    /// Another number after every change of what leads to a leaf: of the root, of a pointer, of
    /// what is pending above the leaves. The way to a leaf holds while this is the same.
    #[must_use]
    pub const fn shape(&self) -> u32 {
        self.shape
    }

    fn reshape(&mut self) {
        if !mutant::on(Mutant::ShapeNotNoted) {
            self.shape = self.shape.wrapping_add(1);
        }
    }

    /// Forgets every entry, every run and the scalars.
    pub fn reset(&mut self) {
        self.shape = self.shape.wrapping_add(1);
        self.scalars = NOTHING;
        self.arena.clear();
        self.runs.clear();
    }

    /// Moves the state by one change that the journal block of `tag` holds.
    ///
    /// # Errors
    /// The change names what cannot be (a block outside the volume, a free count below zero) or
    /// does not fit. The state is then of no use: a replay fails, a running volume stops writing.
    pub fn apply(&mut self, change: &Change<'_>, tag: u8) -> Result<(), Malformed> {
        match *change {
            Change::Put { fresh, key, value } => {
                let value = Some(value);
                self.arena.put(&EntryView { level: Level(0), key, value, fresh, tag })
            }
            Change::Point { fresh, level, key, pointer } => {
                self.check_pointer(&pointer)?;
                if Some(pointer.level) != level.down() {
                    return Err(Malformed::Field(Field::Level));
                }
                self.raise_generation(&pointer);
                let value = pointer.encode()?;
                // One that is logged again leads where it did.
                if self.find(level, key) != Found::Value(&value) {
                    self.reshape();
                }
                self.arena.put(&EntryView { level, key, value: Some(&value), fresh, tag })
            }
            Change::Delete { vanish, key } => self.delete(Level(0), key, vanish, tag),
            Change::Unpoint { vanish, level, key } => {
                self.reshape();
                self.delete(level, key, vanish, tag)
            }
            Change::Fold { level, low, high } => {
                self.reshape();
                self.fold(level, low, high)
            }
            Change::Root(pointer) => {
                self.check_pointer(&pointer)?;
                self.raise_generation(&pointer);
                self.reshape();
                self.scalars.root = pointer;
                Ok(())
            }
            Change::Take(run) => {
                let free = self.scalars.free.0.checked_sub(u32::from(run.length));
                self.scalars.free = BlockCount(free.ok_or(Malformed::Field(Field::Free))?);
                self.scalars.cursor = run.start.plus(u32::from(run.length));
                self.say(run, RunState::Used, tag)
            }
            Change::Give(run) => {
                let free = self.scalars.free.0.checked_add(u32::from(run.length));
                let free = free.filter(|free| *free <= self.block_count.0);
                self.scalars.free = BlockCount(free.ok_or(Malformed::Field(Field::Free))?);
                self.say(run, RunState::Free, tag)
            }
            Change::Claim(run) => self.say(run, RunState::Erased, tag),
            Change::Window(run) => self.say(run, RunState::Free, tag),
            Change::Leave(run) => self.say(run, RunState::Leaving, tag),
            Change::State { run, state } => self.say(run, state, tag),
            Change::Scalars(scalars) => {
                if self.scalars.root != scalars.root {
                    self.reshape();
                }
                self.scalars = scalars;
                Ok(())
            }
            Change::Objects(next_object) => {
                self.scalars.next_object = next_object;
                Ok(())
            }
        }
    }

    fn delete(&mut self, level: Level, key: Key, vanish: bool, tag: u8) -> Result<(), Malformed> {
        if vanish {
            self.arena.remove(level, key);
            return Ok(());
        }
        self.arena.put(&EntryView { level, key, value: None, fresh: false, tag })
    }

    fn fold(&mut self, level: Level, low: Key, high: Key) -> Result<(), Malformed> {
        if low >= high {
            return Err(Malformed::Order);
        }
        self.arena.remove_range(level, low, high);
        if level != Level(0) {
            return Ok(());
        }
        let (from, to) = (first_block(first_group(low)), first_block(first_group(high)));
        self.runs.forget(from, to, |state| state != RunState::Leaving)
    }

    fn say(&mut self, run: Run, state: RunState, tag: u8) -> Result<(), Malformed> {
        let end = run.start.0.checked_add(u32::from(run.length));
        if run.length == 0 || end.is_none_or(|end| end > self.block_count.0) {
            return Err(Malformed::Field(Field::Run));
        }
        self.runs.set(run.start, run.length, state, tag)
    }

    fn check_pointer(&self, pointer: &NodePointer) -> Result<(), Malformed> {
        pointer.check()?;
        if pointer.block.0 >= self.block_count.0 {
            return Err(Malformed::Field(Field::Block));
        }
        Ok(())
    }

    fn raise_generation(&mut self, pointer: &NodePointer) {
        self.scalars.generation = self.scalars.generation.max(pointer.generation);
    }

    /// What `change` costs at most.
    #[must_use]
    pub fn cost(change: &Change<'_>) -> usize {
        match change {
            Change::Put { value, .. } => ENTRY_BYTES.saturating_add(value.len()),
            Change::Point { .. } => POINTER_ENTRY_BYTES,
            Change::Delete { vanish: false, .. } | Change::Unpoint { vanish: false, .. } => {
                ENTRY_BYTES
            }
            _ => 0,
        }
    }

    /// Whether changes that cost `bytes` fit beside all that is here.
    #[must_use]
    pub fn fits(&self, bytes: usize) -> bool {
        bytes <= self.bytes_free()
    }

    /// What the entries cost.
    #[must_use]
    pub fn bytes_used(&self) -> usize {
        self.arena.used()
    }

    /// What further entries may cost.
    #[must_use]
    pub fn bytes_free(&self) -> usize {
        self.arena.free()
    }

    /// What all entries together may cost.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.arena.used().saturating_add(self.arena.free())
    }

    /// How many more runs fit. A change of blocks adds at most two (one more for each multiple of
    /// 32768 blocks that it crosses), a fold of level 0 at most one.
    #[must_use]
    pub fn runs_free(&self) -> usize {
        RUNS_MAX.saturating_sub(self.runs.as_slice().len())
    }

    /// What is said about a key: a look at RAM, no more.
    #[must_use]
    pub fn find(&self, level: Level, key: Key) -> Found<'_> {
        let entry = self.arena.entries_from(level, key).next();
        match entry.filter(|entry| (entry.level, entry.key) == (level, key)) {
            None => Found::Absent,
            Some(EntryView { value: Some(value), .. }) => Found::Value(value),
            Some(_) => Found::Gone,
        }
    }

    /// The entry of a key.
    #[must_use]
    pub fn entry(&self, level: Level, key: Key) -> Option<EntryView<'_>> {
        self.ceiling(level, key).filter(|entry| entry.key == key)
    }

    /// The last entry of `level` at or before `key`, be it a tombstone.
    #[must_use]
    pub fn floor(&self, level: Level, key: Key) -> Option<EntryView<'_>> {
        let of_level = self.arena.entries_from(level, Key::MIN);
        of_level.take_while(|entry| (entry.level, entry.key) <= (level, key)).last()
    }

    /// The first entry of `level` at or after `key`, be it a tombstone.
    #[must_use]
    pub fn ceiling(&self, level: Level, key: Key) -> Option<EntryView<'_>> {
        self.arena.entries_from(level, key).next().filter(|entry| entry.level == level)
    }

    /// The entries of `level` in `low..high`, in the order of their keys.
    pub fn range(&self, level: Level, low: Key, high: Key) -> impl Iterator<Item = EntryView<'_>> {
        let from = self.arena.entries_from(level, low);
        from.take_while(move |entry| (entry.level, entry.key) < (level, high))
    }

    /// Every entry, in the order of levels and keys.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        self.arena.entries()
    }

    /// Every run, in the order of blocks.
    #[must_use]
    pub fn runs(&self) -> &[TaggedRun] {
        self.runs.as_slice()
    }

    /// The runs in one state, in the order of blocks.
    pub fn runs_of(&self, state: RunState) -> impl Iterator<Item = &TaggedRun> {
        self.runs().iter().filter(move |run| run.state == state)
    }

    /// What is said about a block; `None`: ask its group item.
    #[must_use]
    pub fn block_state(&self, block: BlockNo) -> Option<RunState> {
        self.runs.state_of(block)
    }

    /// Makes a group item say what is said here about its blocks.
    pub fn patch_group(&self, number: u64, group: &mut Group) {
        self.runs.patch(number, group);
    }

    /// The lowest group at or after `from` that a run touches.
    #[must_use]
    pub fn touched_group(&self, from: u64) -> Option<u64> {
        self.runs.touched_group(from)
    }

    /// The oldest tag of all, seen from the tag of the block that is written now.
    #[must_use]
    pub fn oldest(&self, newest: u8) -> Option<u8> {
        let entries = self.entries().map(|entry| entry.tag);
        let tags = entries.chain(self.runs().iter().map(|run| run.tag));
        tags.max_by_key(|tag| newest.wrapping_sub(*tag))
    }

    /// What to log again before the journal block of `tag` can be retired.
    pub fn tagged(&self, tag: u8) -> impl Iterator<Item = Change<'_>> {
        self.logged().filter(move |(of, _)| *of == tag).map(|(_, change)| change)
    }

    /// Everything but the scalars, as a checkpoint logs it, without the first `from` changes.
    pub fn all_changes(&self, from: usize) -> impl Iterator<Item = Change<'_>> {
        self.logged().map(|(_, change)| change).skip(from)
    }

    fn logged(&self) -> Logged<'_> {
        Logged { entries: self.entries(), runs: self.runs().iter() }
    }

    /// Tags everything with the block that holds a complete checkpoint: the state is then what a
    /// replay of that checkpoint gives.
    pub fn retag_all(&mut self, tag: u8) {
        self.arena.retag(|_| tag);
        self.runs.retag(|_| tag);
    }
}

/// Everything with its tag, as the changes that log it.
struct Logged<'a> {
    entries: Entries<'a>,
    runs: core::slice::Iter<'a, TaggedRun>,
}

impl<'a> Iterator for Logged<'a> {
    type Item = (u8, Change<'a>);

    fn next(&mut self) -> Option<(u8, Change<'a>)> {
        match self.entries.next() {
            Some(entry) => Some((entry.tag, change_of(&entry)?)),
            None => self.runs.next().map(|run| (run.tag, change_of_run(*run))),
        }
    }
}

/// The change that logs an entry.
fn change_of<'a>(entry: &EntryView<'a>) -> Option<Change<'a>> {
    let EntryView { level, key, fresh, .. } = *entry;
    Some(match (level, entry.value) {
        (Level(0), Some(value)) => Change::Put { fresh, key, value },
        (Level(0), None) => Change::Delete { vanish: false, key },
        (_, Some(value)) => {
            Change::Point { fresh, level, key, pointer: NodePointer::from_value(value).ok()? }
        }
        (_, None) => Change::Unpoint { vanish: false, level, key },
    })
}

/// The change that logs a run.
fn change_of_run<'a>(run: TaggedRun) -> Change<'a> {
    Change::State { run: Run { start: run.start, length: run.length }, state: run.state }
}
