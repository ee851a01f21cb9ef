//! Static wear levelling: cold data is moved to the most worn blocks, so that these rest and those
//! that it lay on take their share of the erases.
//!
//! A *sweep* goes round all runs of all contents in the order of their keys. Where it comes to a
//! chunk of 16 blocks that was erased less than the *target*, the most worn chunk that is free, by
//! [`SPREAD`] or more, and all that is in use there is a few runs side by side in that order, the
//! chunk is moved: the target is erased, the data is copied bit by bit in the ends of calls, each
//! block to its like, and one record changes the runs, takes the new blocks and gives the old ones
//! back. So whole chunks come free, which can be erased with one command. Until that record the
//! move is known in RAM only: a cut, an error or a dropped future loses it and nothing else, and
//! the log has the blocks of the target free. Each step first makes sure that nothing has changed
//! since the one before.
//!
//! The rate: a chunk may be moved when [`MOVE_PRICE`] blocks were erased, earlier where the
//! difference is large, and none is where the wear is even. A session that begins when
//! the log has just counted as many erases begins with a move that is due.
//!
//! Not moved: contents that somebody has open or that have a draft, what was never written, patches
//! and nodes of the tree, and chunks that hold any of these.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{CHUNK_BLOCKS, Purpose, put_cost};
use super::Vellum;
use super::plan::Changes;
use super::runs::StoredRun;
use crate::error::{Error, Result};
use crate::format::change::Run;
use crate::format::extent::{self, Placement};
use crate::format::key::Kind;
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, ByteOffset, ObjectId};

/// Erases by which a target must be ahead of what is moved to it.
const SPREAD: u16 = 4;
/// Blocks that are erased before a chunk may be moved.
const MOVE_PRICE: u32 = 256;
/// As many are enough where the difference is [`SPREAD_LARGE`] or more.
const HURRY_PRICE: u32 = 144;
const SPREAD_LARGE: u16 = 12;
/// Runs that are looked at for one target.
const TARGET_LOOKS: u8 = 24;
/// Runs that are looked at in one call.
const LOOKS_MAX: u32 = 4;
/// Blocks that are copied in the end of one call: that takes less than an erase, and none happens
/// in such a call.
const STEP_BLOCKS: u32 = 8;
/// Steps that a move takes at most, when all are done in one call.
const STEPS_MAX: u32 = 120;
/// So long after each [`HURRY_PRICE`] erases a session begins with a move that is due, for where
/// sessions are too short to earn one. A move erases as many.
const DUE_ERASES: u32 = 16;
/// Parts of runs that a chunk may consist of.
const PARTS_MAX: usize = 5;
/// Items that are looked at to find them.
const ITEMS_MAX: u32 = 16;
/// What the record of a move costs: the first and the last run may be cut.
const CHANGE_COST: usize = (PARTS_MAX + 2) * put_cost(extent::SIZE);
const CHUNK: u32 = CHUNK_BLOCKS as u32;

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    data: ObjectId,
    run: StoredRun,
}

/// All that is in use in a chunk, in the order of keys.
type Parts = heapless::Vec<Part, PARTS_MAX>;

/// A chunk that is being moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moving {
    /// Where its first part in the order of keys begins.
    data: ObjectId,
    index: u64,
    /// Stands for all that its parts are.
    sum: u32,
    /// Blocks of the chunk that are done.
    done: u32,
}

/// Where the sweep is, and what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sweep {
    /// The content that is looked at.
    data: ObjectId,
    /// The block of it that comes next.
    index: u64,
    /// Erases that were not yet paid out.
    saved: u32,
    /// Erases that were looked at.
    erases: u32,
    /// Runs that were looked at in vain for this target.
    looks: u8,
    moving: Option<Moving>,
    /// The difference was large where the last chunk was moved.
    hurry: bool,
    /// A step began and has not ended: nothing is known of what it tried.
    stepping: bool,
}

/// What a step has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// There is more to do.
    Some,
    /// A part of a run is where it should be.
    Moved,
    /// Nothing can be moved, or needs to be.
    Nothing,
}

impl Sweep {
    /// Before the first step.
    pub const NEW: Self = Self {
        data: ObjectId(0),
        index: 0,
        saved: 0,
        erases: 0,
        looks: 0,
        moving: None,
        hurry: false,
        stepping: false,
    };

    /// What the next move costs.
    const fn price(&self) -> u32 {
        if self.hurry { HURRY_PRICE } else { MOVE_PRICE }
    }

    /// At the beginning of a session: in the content that the log names, at some block of it. Where
    /// sessions are short, the sweep comes to all parts of a large content in time. A move is due
    /// where the blocks erased by all sessions have just passed a multiple of its price.
    pub fn begin(data: u32, session: u32, erases: u32) -> Self {
        let thrown = session.wrapping_mul(0x9E37_79B9);
        let shift = session.checked_rem(24).unwrap_or(0).saturating_add(8);
        let index = thrown.checked_shr(shift).unwrap_or(0).into();
        let saved = if erases % HURRY_PRICE < DUE_ERASES { MOVE_PRICE } else { 0 };
        Self { data: ObjectId(data.into()), index, saved, erases, ..Self::NEW }
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Does a step of a move that is due, if this call has changed something and has not erased.
    ///
    /// # Errors
    /// The device's, and those of folding; the move is given up then, and nothing else.
    pub(super) async fn level_some(&mut self) -> Result<()> {
        let erases = self.txn.erases();
        let new = erases.wrapping_sub(self.sweep.erases);
        let saved = self.sweep.saved.saturating_add(new);
        (self.sweep.erases, self.sweep.saved) = (erases, saved.min(2 * MOVE_PRICE));
        let due = self.sweep.moving.is_some() || self.sweep.saved >= self.sweep.price();
        if !self.txn.may_level() || self.is_doubtful() {
            self.give_up();
        } else if due && self.txn.may_step() {
            self.level_step().await?;
        }
        Ok(())
    }

    /// Moves a part of a run; `false` if none needs to be moved, as far as one round of looks can
    /// tell.
    ///
    /// # Errors
    /// As for [`Self::level_some`].
    pub(super) async fn level_now(&mut self) -> Result<bool> {
        if self.is_doubtful() {
            self.give_up();
        }
        self.sweep.saved = self.sweep.saved.max(MOVE_PRICE);
        for _ in 0..STEPS_MAX {
            let step = if self.txn.may_level() { self.level_step().await? } else { Step::Nothing };
            if step != Step::Some {
                return Ok(step == Step::Moved);
            }
        }
        Ok(false)
    }

    async fn level_step(&mut self) -> Result<Step> {
        self.sweep.stepping = true;
        let step = self.one_step().await?;
        self.sweep.stepping = false;
        Ok(step)
    }

    async fn one_step(&mut self) -> Result<Step> {
        let Some(target) = self.txn.target() else {
            (self.sweep.moving, self.sweep.looks) = (None, 0);
            let Some(wear) = self.txn.find_target().await? else {
                if self.txn.clean_some().await? {
                    return Ok(Step::Some);
                }
                self.sweep.saved = 0;

                return Ok(Step::Nothing);
            };
            return self.look(wear).await;
        };
        let Some(moving) = self.sweep.moving else { return self.look(target.wear).await };
        let parts = self.parts_from(moving.data, moving.index).await?;
        if sum_of(&parts) != moving.sum {
            self.give_up();
            return Ok(Step::Some);
        }
        let Some(first) = parts.first() else { return Ok(Step::Nothing) };
        let chunk = chunk_of(first.run.block);
        let mut done = moving.done;
        for _ in 0..STEP_BLOCKS.min(CHUNK.saturating_sub(done)) {
            let block = chunk.plus(done);
            let units = parts.iter().find_map(|part| self.units_in(&part.run, block));
            if let Some(units) = units {
                if done >= target.erased.into() {
                    self.txn.erase_target(done).await?;
                    break;
                }
                let bytes = u32::try_from(self.units().bytes(units)).map_err(|_| Error::Bug)?;
                let from = ByteOffset(self.units().start(block.0.into()));
                self.txn.copy_data(from, target.start.plus(done), 0, bytes).await?;
            }
            done = done.saturating_add(1);
        }
        self.sweep.moving = Some(Moving { done, ..moving });
        if done >= CHUNK {
            return self.change_runs(&parts, chunk, target.start).await;
        }
        Ok(Step::Some)
    }

    /// Looks for a chunk with cold data that was erased less than `wear`.
    async fn look(&mut self, wear: u16) -> Result<Step> {
        for _ in 0..LOOKS_MAX {
            self.sweep.looks = self.sweep.looks.saturating_add(1);
            if self.sweep.looks > TARGET_LOOKS {
                self.txn.leave_target();
                (self.sweep.saved, self.sweep.hurry) = (0, false);
                return Ok(Step::Nothing);
            }
            let Sweep { data, index, .. } = self.sweep;
            let (next, index, run) = self.run_after(data, index).await?;
            (self.sweep.data, self.sweep.index) = (next, index);
            let [a, b, c, d, ..] = next.0.to_le_bytes();
            self.txn.set_sweep(u32::from_le_bytes([a, b, c, d]));
            let Some(run) = run else { continue };
            let block = run.place_of(index);
            let rest = CHUNK.saturating_sub(block.0 % CHUNK);
            self.sweep.index = index.saturating_add(rest.into()).min(run.end());
            let spread = wear.saturating_sub(self.txn.wear_of(block).await?);
            if spread < SPREAD {
                continue;
            }
            let parts = self.parts_from(next, index).await?;
            if !parts.is_empty() {
                let chunk = chunk_of(block);
                self.txn.hold_source(Run { start: chunk, length: CHUNK_BLOCKS });
                self.sweep.saved = self.sweep.saved.saturating_sub(self.sweep.price());
                self.sweep.hurry = spread >= SPREAD_LARGE;
                let sum = sum_of(&parts);
                self.sweep.moving = Some(Moving { data: next, index, sum, done: 0 });

                return Ok(Step::Some);
            }
        }
        Ok(Step::Some)
    }

    /// The parts of runs that are in the chunk of block `index` of `data`: in the order of keys,
    /// from this block on. None if anything else is in use in the chunk, or may not be moved.
    async fn parts_from(&mut self, data: ObjectId, index: u64) -> Result<Parts> {
        let mut parts = Parts::new();
        let (mut data, mut index) = (data, index);
        let (_, _, Some(first)) = self.run_after(data, index).await? else { return Ok(parts) };
        let chunk = chunk_of(first.place_of(index.max(first.index)));
        let mut left = self.txn.used_in(chunk).await?;
        for _ in 0..ITEMS_MAX {
            let (of, from, run) = self.run_after(data, index).await?;
            (data, index) = (of, from);
            let Some(whole) = run else {
                if of == ObjectId(0) {
                    break;
                }
                continue;
            };
            index = whole.end();
            // What of the run, from here on, is in the chunk.
            let begin = whole.place_of(from).0.max(chunk.0);
            let end = whole.place_of(index).0.min(chunk.plus(CHUNK).0);
            let Some(count) = end.checked_sub(begin).filter(|count| *count > 0) else { continue };
            let behind = begin.saturating_sub(whole.block.0);
            let run = self.part_of(&whole, whole.index.saturating_add(behind.into()), count);
            let fails = whole.unwritten || self.is_busy(of);
            if fails || parts.push(Part { data: of, run }).is_err() {
                break;
            }
            // No block has two runs: when as many are found as are in use, these are all.
            left = left.saturating_sub(count);
            if left == 0 {
                return Ok(parts);
            }
        }
        parts.clear();
        Ok(parts)
    }

    /// The run that holds block `index` of `data`, or the next one, and the first block of it that
    /// is not before that. Without a run: where to go on, object 0 from the end.
    async fn run_after(
        &mut self,
        data: ObjectId,
        index: u64,
    ) -> Result<(ObjectId, u64, Option<StoredRun>)> {
        if index > 0 {
            if let Some(run) = self.run_at(data, index).await? {
                return Ok((data, index, Some(run)));
            }
        }
        let from = Placement::key(data, self.units().start(index));
        let mut value = [0; extent::SIZE];
        let found = self.txn.next(from, &mut value).await?;
        Ok(match found {
            None => (ObjectId(0), 0, None),
            Some((key, length)) if key.kind == Kind::EXTENT => {
                let run = self.run_of(key, value.get(..length).unwrap_or_default())?;
                (key.object, run.index, Some(run))
            }
            Some((key, _)) if key.kind < Kind::EXTENT => (key.object, 0, None),
            Some((key, _)) => (ObjectId(key.object.0.saturating_add(1)), 0, None),
        })
    }

    /// Makes the log say that what was copied from the chunk at `from` is in the one at `to`.
    async fn change_runs(&mut self, parts: &Parts, from: BlockNo, to: BlockNo) -> Result<Step> {
        self.sweep.moving = None;
        self.txn.settle_data().await?;
        let runs = parts.len().saturating_mul(2);
        let mut batch = self.txn.begin_runs(CHANGE_COST, runs, Purpose::Grow).await?;
        if self.txn.target().is_none_or(|target| target.start != to) {
            // Making room for the record has taken it.
            return Ok(Step::Some);
        }
        let mut changes = Changes::into_batch(&mut batch);
        for Part { data, run } in parts {
            let whole = self.run_at(*data, run.index).await?.ok_or(Error::Bug)?;
            let behind = run.block.0.saturating_sub(from.0);
            let moved = StoredRun { block: to.plus(behind), ..*run };
            let before = blocks_between(whole.index, run.index);
            let after = blocks_between(run.end(), whole.end());
            let pieces = [
                self.part_of(&whole, whole.index, before),
                moved,
                self.part_of(&whole, run.end(), after),
            ];
            for piece in pieces.iter().filter(|piece| piece.blocks > 0) {
                let key = Placement::key(*data, self.units().start(piece.index));
                let value = self.placement_of(piece).encode().map_err(|_| Error::Bug)?;
                changes.put(&mut self.txn, key, &value, piece.index != whole.index)?;
            }
            changes.blocks(&mut self.txn, moved.block, run.blocks.into(), true)?;
            if !mutant::on(Mutant::MovedRunKept) {
                changes.blocks(&mut self.txn, run.block, run.blocks.into(), false)?;
            }
        }
        self.txn.commit(batch).await?;
        self.txn.target_used();
        self.txn.keep_sweep().await?;
        for Part { data, .. } in parts {
            let known = self.table.iter().find(|(_, node)| node.inode.data == *data);
            if let Some(vnode) = known.map(|(vnode, _)| vnode) {
                let node = self.table.get_mut(vnode)?;
                node.last = None;
                node.forget_runs();
            }
        }

        Ok(Step::Moved)
    }
}

impl<D> Vellum<'_, D> {
    /// Gives up what is being moved: the blocks it was copied to are free in the log.
    fn give_up(&mut self) {
        self.txn.leave_target();
        (self.sweep.moving, self.sweep.stepping) = (None, false);
    }

    /// Whether a step has failed, or its future was dropped.
    fn is_doubtful(&self) -> bool {
        self.sweep.stepping
    }

    /// Whether somebody has the content open, or it has a draft.
    fn is_busy(&self, data: ObjectId) -> bool {
        let drafted =
            self.table.iter().any(|(_, node)| node.inode.data == data && node.draft.is_some());
        drafted || self.is_being_filled(data)
    }

    /// Append units of `run` that are in a block of the device, if it is one of its blocks.
    fn units_in(&self, run: &StoredRun, block: BlockNo) -> Option<u32> {
        let behind = block.0.checked_sub(run.block.0).filter(|behind| *behind < run.blocks)?;
        let before = self.units().units(behind.into());
        Some(run.units.saturating_sub(before).min(self.units().per_block))
    }

    /// `count` blocks of `run` from block `from` of the content on.
    fn part_of(&self, run: &StoredRun, from: u64, count: u32) -> StoredRun {
        let skipped = self.units().units(from.saturating_sub(run.index));
        let most = self.units().units(count.into());
        let units = run.units.saturating_sub(skipped).min(most);
        StoredRun { index: from, block: run.place_of(from), units, blocks: count, ..*run }
    }
}

/// The first block of the chunk that `block` is in.
fn chunk_of(block: BlockNo) -> BlockNo {
    BlockNo(block.0.saturating_sub(block.0 % CHUNK))
}

fn blocks_between(from: u64, to: u64) -> u32 {
    u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX)
}

/// A number that is another one, as good as always, when anything in `parts` is.
fn sum_of(parts: &Parts) -> u32 {
    let mix = |sum: u32, number: u64| {
        let bytes = number.to_le_bytes();
        bytes.iter().fold(sum, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
    };
    parts.iter().fold(0x811C_9DC5, |sum, Part { data, run }| {
        [data.0, run.index, run.block.0.into(), run.units.into()].into_iter().fold(sum, mix)
    })
}
