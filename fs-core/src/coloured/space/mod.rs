//! Free and erased blocks: who may be programmed next.
//!
//! **What it is.** The search for blocks that may be used again, and the *window* of blocks that
//! this session works in. Free space itself is stored as group items in the tree, overlaid with
//! the pending runs; the room reads them through its own trait, [`ItemStore`].
//!
//! **Rules.**
//! 1. One function decides reuse, [`Space::is_reusable`]: a block may be erased or programmed only
//!    if the durable log has it free and no operation holds it.
//! 2. The log is durable before it counts: the state that is asked here changes only after the
//!    record that changes it, so freed blocks need no list of their own. While the journal's tail
//!    is doubtful nothing is asked at all: `txn` settles first.
//! 3. A run is called erased only after its erase has returned `Ok`, and is no longer called so
//!    before anything is programmed into it. What this session erased for itself is known in RAM
//!    only: after a cut it is free and of unknown content, which is the truth.
//! 4. A block leaves the window when it is taken, whether or not the operation succeeds: a torn
//!    attempt is never programmed over.
//! 5. Runs that the log calls erased and that are known here are the *reserve*: windows are opened
//!    from it first, and nothing else may take or erase what is in it.
//! 6. Data has windows of its own, one for each of two writers, so that runs of a file lie side by
//!    side. A block of data is *pinned* from the moment it is taken until its run is in the log or
//!    was given up.
//! 7. The *target* is a free chunk that cold data is moved to. Nothing else may take it, and what
//!    is being moved stays, though it be given back, until that is over.
//!
//! **After a power cut.** Nothing to recover: not allocated means free, not called erased means
//! of unknown content.
//!
//! **Cost.** Opening a window reads group items until a run is found, from the cursor on and round
//! the volume: of groups that may have free blocks only, and of 48 at most. One block, whatever it
//! holds, is found as long as there is one: groups that have none are passed over by whole nodes.
//! RAM: about 130 bytes, and 8 for each pinned run.

mod level;
#[cfg(test)]
mod tests;

pub use level::Target;

use super::colour;
use crate::error::Result;
use crate::format::group::{self, Group};
use crate::format::wear::Wear;
use crate::mutant::{self, Mutant};
use crate::units::BlockNo;

/// The most blocks one operation takes: three parts of a split node, and a new root.
pub const PICKS_MAX: usize = 4;

/// Blocks of a chunk: what one 64 KiB erase covers at 4 KiB a block, and the largest window.
pub const CHUNK_BLOCKS: u16 = 16;
const CHUNK: u32 = 16;
/// Blocks of the smallest volume in which whole chunks are erased.
const CHUNKS_FROM: u32 = 128;

/// Groups that are looked into for what is wanted, before something else is taken.
pub const VISITS_MAX: u32 = 48;

/// Where `space` reads its items.
#[colour]
#[allow(async_fn_in_trait, reason = "one core, no executor that moves futures between threads")]
pub trait ItemStore {
    /// The group item `number`, as it is now: from the tree, with the pending runs applied.
    ///
    /// # Errors
    /// Those of reading the tree.
    async fn group(&mut self, number: u32) -> Result<Group>;

    /// How worn the blocks of group `number` are.
    ///
    /// # Errors
    /// Those of reading the tree.
    async fn wear(&mut self, number: u32) -> Result<Wear>;

    /// The first group at or after `number` that may have a free block.
    ///
    /// # Errors
    /// Those of reading the tree.
    async fn open_group(&mut self, number: u32) -> Result<u32>;
}

/// What kind of run is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Blocks that are called erased.
    Erased,
    /// A whole aligned chunk that is not called erased, or not all of it.
    Chunk,
    /// A whole aligned chunk, whatever its content.
    Free,
    /// Blocks that are not called erased.
    Dirty,
    /// One block, whatever its content.
    One,
}

/// A run of free blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeRun {
    /// Its first block.
    pub start: BlockNo,
    /// Its length in blocks.
    pub length: u16,
    /// Whether the log calls any of it erased.
    pub any_claimed: bool,
}

/// A block an operation may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    /// Which block.
    pub block: BlockNo,
    /// Whether it is erased; else it must be before it is programmed.
    pub erased: bool,
}

/// The blocks an operation may take, in the order of taking.
pub type Picks = heapless::Vec<Pick, PICKS_MAX>;

/// Windows for data: as many files can be written in turns and stay in one piece each.
const DATA_WINDOWS: usize = 2;

/// Runs of uncommitted data that can be pinned at once.
pub const PINS_MAX: usize = 24;

/// Runs that transfers read from at once.
pub const HOLDS_MAX: usize = 4;

/// Runs of the reserve that are known at once.
const RESERVE_RUNS: usize = 4;

/// Erased blocks at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supply {
    /// In the window for nodes and the journal.
    pub nodes: u32,
    /// In the larger of the windows for data.
    pub data: u32,
    /// In the reserve.
    pub reserve: u32,
}

/// Neighbouring blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pin {
    start: BlockNo,
    length: u16,
}

impl Pin {
    fn holds(self, block: BlockNo) -> bool {
        let behind = block.0.checked_sub(self.start.0);
        behind.is_some_and(|behind| behind < self.length.into())
    }
}

/// A window for data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DataWindow {
    free: Pin,
    erased: bool,
}

impl DataWindow {
    const NONE: Self = Self { free: Pin { start: BlockNo(0), length: 0 }, erased: false };
}

/// The windows, and what operations hold.
pub struct Space {
    block_count: u32,
    window: FreeRun,
    erased: bool,
    /// What earlier windows had left when the next one was opened.
    left: Picks,
    data: [DataWindow; DATA_WINDOWS],
    /// The data window that was used last.
    data_used: usize,
    /// Behind the data window that was opened last; block 0 if none was.
    data_end: BlockNo,
    pins: heapless::Vec<Pin, PINS_MAX>,
    /// Blocks that transfers read from, in use or not.
    holds: heapless::Vec<Pin, HOLDS_MAX>,
    reserve: heapless::Vec<Pin, RESERVE_RUNS>,
    /// Whether the log may call blocks erased that are not in the reserve.
    claims: bool,
    /// Whether chunks may be erased with one command, as far as the program says.
    chunks: bool,
    /// Where cold data is moved to.
    target: Option<Target>,
    /// The group in which the next search for such a place begins.
    worn_from: u32,
}

impl Space {
    /// Free space of a volume of `block_count` blocks, without a window.
    pub const fn new(block_count: u32) -> Self {
        let window = FreeRun { start: BlockNo(0), length: 0, any_claimed: false };
        Self {
            block_count,
            window,
            erased: false,
            data: [DataWindow::NONE; DATA_WINDOWS],
            data_used: 0,
            data_end: BlockNo(0),
            left: Picks::new(),
            pins: heapless::Vec::new(),
            holds: heapless::Vec::new(),
            reserve: heapless::Vec::new(),
            claims: true,
            chunks: true,
            target: None,
            worn_from: 0,
        }
    }

    /// Whether a search for claimed blocks can succeed.
    pub fn may_have_claims(&self) -> bool {
        self.claims
    }

    /// Notes whether any block is called erased that is not in the reserve.
    pub fn note_claims(&mut self, any: bool) {
        self.claims = any;
    }

    /// Whether chunks may be erased with one command, where the device can.
    pub fn has_chunks(&self) -> bool {
        self.chunks && self.block_count >= CHUNKS_FROM
    }

    /// Lets chunks be erased with one command, or not: on small volumes they never are.
    pub fn set_chunks(&mut self, chunks: bool) {
        self.chunks = chunks;
    }

    /// Adds a run to the reserve, which the log calls erased. `false` if there is no place for it.
    pub fn keep(&mut self, start: BlockNo, length: u16) -> bool {
        let joins = |run: &&mut Pin| run.start.plus(run.length.into()) == start;
        if let Some(run) = self.reserve.iter_mut().find(joins) {
            run.length = run.length.saturating_add(length);
            return true;
        }
        let kept = self.reserve.push(Pin { start, length }).is_ok();
        self.claims |= !kept;
        kept
    }

    /// Takes up to `most` neighbouring blocks out of the reserve: those that came first.
    pub fn draw(&mut self, most: u32) -> Option<FreeRun> {
        let run = self.reserve.first_mut()?;
        let start = run.start;
        let length = u16::try_from(most).unwrap_or(u16::MAX).clamp(1, CHUNK_BLOCKS);
        let length = length.min(run.length);
        *run = Pin { start: start.plus(length.into()), length: run.length.saturating_sub(length) };
        if run.length == 0 {
            self.reserve.remove(0);
        }
        Some(FreeRun { start, length, any_claimed: true })
    }

    /// Forgets the reserve, not that it is called erased.
    pub fn forget_reserve(&mut self) {
        self.reserve.clear();
        self.claims = true;
    }

    /// Whether the reserve can know of more runs.
    pub fn has_room(&self) -> bool {
        !self.reserve.is_full()
    }

    /// How many erased blocks are at hand.
    pub fn supply(&self) -> Supply {
        let left = self.left.iter().filter(|pick| pick.erased).count();
        let window = if self.erased { u32::from(self.window.length) } else { 0 };
        let data = self.data.iter().filter(|window| window.erased);
        Supply {
            nodes: window.saturating_add(u32::try_from(left).unwrap_or(0)),
            data: data.map(|window| window.free.length.into()).max().unwrap_or(0),
            reserve: self.reserve.iter().map(|run| u32::from(run.length)).sum(),
        }
    }

    /// What is left of the windows, and of those before them, and is erased: nothing was tried on
    /// it since.
    pub fn untouched(&self) -> impl Iterator<Item = (BlockNo, u16)> {
        let any = mutant::on(Mutant::DirtyWindowClaimed);
        let left = self.left.iter().filter(move |pick| pick.erased || any);
        let window = self.erased.then_some((self.window.start, self.window.length));
        let data = self.data.iter().filter(move |window| window.erased || any);
        left.map(|pick| (pick.block, 1))
            .chain(window)
            .chain(data.map(|window| (window.free.start, window.free.length)))
            .filter(|(_, length)| *length > 0)
    }

    /// Whether `block` may be erased and programmed: the only function that says so.
    pub fn is_reusable(&self, group: &Group, block: BlockNo, held: &[Pick]) -> bool {
        let last = self.block_count.saturating_sub(1);
        let inside = block.0 > 0 && block.0 < last;
        let free = !group.is_allocated(Group::index(block));
        let left = self.left.iter().any(|pick| pick.block == block);
        let kept = self.reserve.iter().any(|run| run.holds(block));
        let kept = kept && !mutant::on(Mutant::ReserveNotHeld);
        let pinned =
            left || kept || self.in_window(block) || held.iter().any(|pick| pick.block == block);
        let data = self.holds_data(block) && !mutant::on(Mutant::DataPinSkipped);
        let data = data || self.target().is_some_and(|target| target.holds(block));
        let read = self.holds.iter().any(|hold| hold.holds(block));
        let read = read && !mutant::on(Mutant::ReadNotHeld);
        inside && free && !data && !read && (!pinned || mutant::on(Mutant::PinSkipped))
    }

    /// Whether `block` is in a window for data, or holds uncommitted data.
    fn holds_data(&self, block: BlockNo) -> bool {
        self.data.iter().any(|window| window.free.holds(block))
            || self.pins.iter().any(|pin| pin.holds(block))
    }

    fn in_window(&self, block: BlockNo) -> bool {
        let behind = block.0.checked_sub(self.window.start.0);
        behind.is_some_and(|behind| behind < self.window.length.into())
    }

    /// Works in `run` from now on, after what is left of the window; `erased` tells whether its
    /// blocks have been erased.
    pub fn open(&mut self, run: FreeRun, erased: bool) {
        let mut left = Picks::new();
        self.offer(&mut left);
        self.left = left;
        self.window = run;
        self.erased = erased;
    }

    /// Forgets the window and what was left: the next operation opens another.
    pub fn close(&mut self) {
        self.window.length = 0;
        self.left.clear();
    }

    /// Forgets the windows for data. What was taken from them stays pinned.
    pub fn close_data(&mut self) {
        self.data = [DataWindow::NONE; DATA_WINDOWS];
    }

    /// Blocks that hold uncommitted data.
    pub fn pinned(&self) -> u32 {
        self.pins.iter().map(|pin| u32::from(pin.length)).sum()
    }

    /// The block that data goes to next: the one after `near`, if that is the first of a window.
    pub fn next_data(&self, near: BlockNo) -> Option<Pick> {
        let window = self.data.get(self.window_for(near))?;
        let block = window.free.start;
        (window.free.length > 0).then_some(Pick { block, erased: window.erased })
    }

    /// The window that a writer uses whose last block was `near`.
    fn window_for(&self, near: BlockNo) -> usize {
        let follows =
            |window: &DataWindow| window.free.length > 0 && window.free.start == near.plus(1);
        let other = self.data_used.saturating_add(1).checked_rem(DATA_WINDOWS).unwrap_or(0);
        self.data.iter().position(follows).unwrap_or(other)
    }

    /// Lets a writer whose last block was `near` work in `run` from now on.
    pub fn open_data(&mut self, near: BlockNo, run: FreeRun, erased: bool) {
        let number = self.window_for(near);
        self.data_end = run.start.plus(run.length.into());
        if let Some(window) = self.data.get_mut(number) {
            *window = DataWindow { free: Pin { start: run.start, length: run.length }, erased };
        }
    }

    /// Whether a window for nodes was opened in this session.
    pub fn has_opened(&self) -> bool {
        self.window.start.0 > 0
    }

    /// Where the search for a data window goes on: behind the one that was opened last.
    pub fn data_end(&self) -> Option<BlockNo> {
        Some(self.data_end).filter(|end| end.0 > 0)
    }

    /// Takes the first block of the data window that begins with it, and pins it. `false` if no
    /// more can be pinned.
    pub fn take_data(&mut self, block: BlockNo) -> bool {
        if !self.pin(block) {
            return false;
        }
        for (number, window) in self.data.iter_mut().enumerate() {
            if window.free.length > 0 && window.free.start == block {
                window.free.start = block.plus(1);
                window.free.length = window.free.length.saturating_sub(1);
                self.data_used = number;
            }
        }
        true
    }

    fn pin(&mut self, block: BlockNo) -> bool {
        let follows =
            |pin: &&mut Pin| pin.start.plus(pin.length.into()) == block && pin.length < u16::MAX;
        if let Some(pin) = self.pins.iter_mut().find(follows) {
            pin.length = pin.length.saturating_add(1);
            return true;
        }
        self.pins.push(Pin { start: block, length: 1 }).is_ok()
    }

    /// The `count` blocks from `start` no longer hold uncommitted data: they are in the log, or
    /// given up. Those that are not pinned are passed over.
    pub fn unpin(&mut self, start: BlockNo, count: u32) {
        let (from, to) = (start.0, start.0.saturating_add(count));
        let mut index = 0;
        while let Some(pin) = self.pins.get(index).copied() {
            let end = pin.start.0.saturating_add(pin.length.into());
            if end <= from || pin.start.0 >= to {
                index = index.saturating_add(1);
                continue;
            }
            let part = |first: u32, last: u32| {
                let length = u16::try_from(last.saturating_sub(first)).unwrap_or(u16::MAX);
                (length > 0).then_some(Pin { start: BlockNo(first), length })
            };
            let (before, after) =
                (part(pin.start.0, from.max(pin.start.0)), part(to.min(end), end));
            if before.is_some() && after.is_some() && self.pins.is_full() {
                // No place for two: all of it stays pinned, which is safe.
                index = index.saturating_add(1);
                continue;
            }
            self.pins.swap_remove(index);
            for left in [before, after].into_iter().flatten() {
                let _ = self.pins.push(left);
            }
        }
    }

    /// A transfer reads from `count` blocks: whatever becomes of them, they stay as they are.
    /// `false` if no more can be held.
    pub fn hold(&mut self, start: BlockNo, count: u32) -> bool {
        let length = u16::try_from(count);
        length.is_ok_and(|length| self.holds.push(Pin { start, length }).is_ok())
    }

    /// A transfer that held these blocks has ended.
    pub fn release(&mut self, start: BlockNo, count: u32) {
        let held = |hold: &Pin| hold.start == start && u32::from(hold.length) == count;
        if let Some(index) = self.holds.iter().position(held) {
            self.holds.swap_remove(index);
        }
    }

    /// Adds the blocks that come next to `picks`, as many as there is room for.
    pub fn offer(&self, picks: &mut Picks) {
        let window = (0..self.window.length).map(|behind| Pick {
            block: self.window.start.plus(behind.into()),
            erased: self.erased,
        });
        for pick in self.left.iter().copied().chain(window) {
            if !picks.contains(&pick) && picks.push(pick).is_err() {
                return;
            }
        }
    }

    /// The block that comes next.
    pub fn first(&self) -> Option<Pick> {
        let mut picks = Picks::new();
        self.offer(&mut picks);
        picks.first().copied()
    }

    /// Takes `block` out of the window, and everything in it before that.
    pub fn consume(&mut self, block: BlockNo) {
        self.left.retain(|pick| pick.block != block);
        if self.in_window(block) {
            let used = block.0.saturating_sub(self.window.start.0).saturating_add(1);
            let used = u16::try_from(used).unwrap_or(u16::MAX);
            self.window.start = block.plus(1);
            self.window.length = self.window.length.saturating_sub(used);
        }
    }

    /// The first run of `group` from `lowest` on that is what is wanted.
    fn run_in(
        &self,
        number: u32,
        group: &Group,
        lowest: u32,
        want: Want,
        held: &[Pick],
    ) -> Option<FreeRun> {
        let base = number.saturating_mul(group::BLOCKS);
        let claimed = |index: u32| u8::try_from(index).is_ok_and(|index| group.is_erased(index));
        let fits = |index: u32| {
            let block = BlockNo(base.saturating_add(index));
            let content = match want {
                Want::Erased => claimed(index),
                Want::Dirty => !claimed(index),
                Want::Chunk | Want::Free | Want::One => true,
            };
            content && self.is_reusable(group, block, held)
        };
        let mut index = lowest;
        while index < group::BLOCKS {
            let limit = if want == Want::One { 1 } else { CHUNK.saturating_sub(index % CHUNK) };
            let length = (0..limit).take_while(|i| fits(index.saturating_add(*i))).count();
            let length = u32::try_from(length).unwrap_or(0);
            let dirty = (0..length).any(|i| !claimed(index.saturating_add(i)));
            let whole = match want {
                Want::Chunk => length == CHUNK && dirty,
                Want::Free => length == CHUNK,
                _ => true,
            };
            if length > 0 && whole {
                return Some(FreeRun {
                    start: BlockNo(base.saturating_add(index)),
                    length: u16::try_from(length).unwrap_or(0),
                    any_claimed: (0..length).any(|i| claimed(index.saturating_add(i))),
                });
            }
            // A run that does not fit ends at a block that does not: the search goes on behind it.
            let chunks = matches!(want, Want::Chunk | Want::Free);
            let step = if chunks { limit } else { length.saturating_add(1) };
            index = index.saturating_add(step);
        }
        None
    }
}

#[colour]
impl Space {
    /// The next run behind `cursor` that is what is wanted, round the volume; none of `held`. Only
    /// for one block, whatever its content, the search does not end before it has found one: what
    /// else is wanted is looked for in [`VISITS_MAX`] groups that may have free blocks.
    ///
    /// # Errors
    /// Those of `store`.
    pub async fn find<S: ItemStore>(
        &self,
        store: &mut S,
        cursor: BlockNo,
        want: Want,
        held: &[Pick],
    ) -> Result<Option<FreeRun>> {
        let groups = self.block_count.div_ceil(group::BLOCKS).max(1);
        let begin = (cursor.0 / group::BLOCKS).min(groups.saturating_sub(1));
        let visits = if want == Want::One { u32::MAX } else { VISITS_MAX };
        // The first group is visited twice: from the cursor on, and in the end from its beginning.
        let (mut number, mut lowest, mut round) = (begin, cursor.0 % group::BLOCKS, false);
        for _ in 0..visits {
            let open = store.open_group(number).await?;
            if !round && open >= groups {
                (number, lowest, round) = (0, 0, true);
                continue;
            }
            if open >= groups || round && open > begin {
                break;
            }
            lowest = if open == number { lowest } else { 0 };
            let group = store.group(open).await?;
            if let Some(run) = self.run_in(open, &group, lowest, want, held) {
                return Ok(Some(run));
            }
            (number, lowest) = (open.saturating_add(1), 0);
        }
        Ok(None)
    }
}
