//! The chunk that cold data is moved to, so that worn blocks rest; see `vellum::level`.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::space::{CHUNK_BLOCKS, Target};
use super::clean::used_in;
use super::fold::FOLD_RECORD_BYTES;
use super::{Error, Groups, Txn};
use crate::error::Result;
use crate::format::change::{Change, Run};
use crate::format::group::{self, Group};
use crate::format::wear::{self, PART_BLOCKS, Wear};
use crate::mutant::{self, Mutant};
use crate::units::BlockNo;
use crate::units::Level;

const CHUNK: u32 = CHUNK_BLOCKS as u32;
/// Free blocks beyond the reserve below which nothing is moved.
const SPARE_BLOCKS: u32 = 64;

#[colour]
impl<D: BlockDevice> Txn<'_, D> {
    /// Holds the most worn chunk that is free, of those in the next groups that may have one, and
    /// gives its wear; `None` if there is none. At most one record, which says that nothing in
    /// it is erased.
    ///
    /// # Errors
    /// Those of reading the tree, of folding, and the device's.
    pub async fn find_target(&mut self) -> Result<Option<u16>> {
        self.space.leave_target();
        self.make_room(0, 2).await?;
        self.journal_room(FOLD_RECORD_BYTES).await?;
        let (media, state, hint) = (&mut self.media, &self.state, &mut self.hint);
        let mut groups = Groups { media, state, hint };
        let found = self.space.find_worn(&mut groups, false, &[]).await?;
        let Some((run, wear)) = found else { return Ok(None) };
        self.announce(run).await?;
        self.space.hold_target(run.start, wear);
        Ok(Some(wear))
    }

    /// Erases the target if that can be done with one command, else block `number` of it.
    ///
    /// # Errors
    /// The device's.
    pub async fn erase_target(&mut self, number: u32) -> Result<()> {
        let target = self.space.target().ok_or(Error::Bug)?;
        let whole = self.has_chunks();
        let (start, count) =
            if whole { (target.start, CHUNK_BLOCKS) } else { (target.start.plus(number), 1) };
        if !mutant::on(Mutant::TargetNotErased) {
            self.media.erase(start, count).await?;
        }
        let erased = if whole { CHUNK } else { number.saturating_add(1) };
        self.space.target_erased(u16::try_from(erased).unwrap_or(0));
        Ok(())
    }

    /// Logs where the sweep is, and the erases so far: sessions may be short.
    ///
    /// # Errors
    /// Those of folding, and the device's.
    pub async fn keep_sweep(&mut self) -> Result<()> {
        self.journal_room(FOLD_RECORD_BYTES).await?;
        let scalars = self.scalars_now();
        self.log_scalars(scalars, scalars.spare_a, scalars.spare_a).await
    }

    /// Blocks in use of the chunk that begins with `block`. Reads a group item.
    ///
    /// # Errors
    /// `Corrupt`, or the device's.
    pub async fn used_in(&mut self, block: BlockNo) -> Result<u32> {
        let group = self.group(block.0 / group::BLOCKS).await?;
        Ok(used_in(&group, block))
    }

    /// The wear of the 16 blocks that `block` is one of. Reads a group item.
    ///
    /// # Errors
    /// `Corrupt`, or the device's.
    pub async fn wear_of(&mut self, block: BlockNo) -> Result<u16> {
        let (wear, _) = self.wear(Group::number(block)).await?;
        Ok(wear.of((block.0 % group::BLOCKS) / PART_BLOCKS))
    }

    /// The wear item of a group, and whether there is none.
    async fn wear(&mut self, number: u64) -> Result<(Wear, bool)> {
        let mut value = [0; wear::SIZE];
        let found = self.get(Wear::key(number), &mut value).await?;
        let value = value.get(..found.unwrap_or(0)).unwrap_or_default();
        Ok((Wear::from_value(value), found.is_none()))
    }

    /// Adds to the record that calls `run` erased how worn the blocks of its group are, and those
    /// of another one, if any of them were erased that no record tells of.
    pub(super) async fn push_wear(&mut self, length: &mut usize, run: Run) -> Result<()> {
        if self.space.is_chunked() {
            for of in [Some(run.start.0 / PART_BLOCKS), None] {
                if let Some(first) = self.media.take_worn(of) {
                    self.push_group_wear(length, first).await?;
                }
            }
        }
        Ok(())
    }

    async fn push_group_wear(&mut self, length: &mut usize, first: (u32, u32)) -> Result<()> {
        let parts = group::BLOCKS / PART_BLOCKS;
        let number = u64::from(first.0 / parts);
        let (mut wear, absent) = self.wear(number).await?;
        let [a, b, c, d, ..] = self.journal.sequence().to_le_bytes();
        let dice = u32::from_le_bytes([a, b, c, d]);
        let mut next = Some(first);
        while let Some((part, blocks)) = next {
            wear.add(part % parts, blocks, dice);
            next = self.media.take_worn(Some(first.0));
        }
        let (key, value) = (Wear::key(number), wear.encode());
        let fresh = self.state.entry(Level(0), key).map_or(absent, |entry| entry.fresh);
        self.push(length, &Change::Put { fresh, key, value: &value })
    }
}

impl<D> Txn<'_, D> {
    /// The chunk that cold data is moved to, as far as it is free.
    pub fn target(&self) -> Option<Target> {
        self.space.target()
    }

    /// Holds what is being moved, so that it does not change meanwhile.
    pub fn hold_source(&mut self, run: Run) {
        self.space.hold_source(run.start, run.length);
    }

    /// The target is in the log, and other chunks are free.
    pub fn target_used(&mut self) {
        self.space.leave_target();
        (self.chunkless, self.nothing_dirty) = (u32::MAX, u32::MAX);
    }

    /// Gives the target up, and what was being moved to it.
    pub fn leave_target(&mut self) {
        self.space.leave_target();
    }

    /// Whether data may be moved only to wear the blocks evenly: where blocks are erased, there
    /// are chunks of them, and space is not short.
    pub fn may_level(&self) -> bool {
        let idle = self.read_only || self.doubtful || self.journal.is_sealed();
        let enough = self.reserve().saturating_add(SPARE_BLOCKS);
        !idle
            && !self.media.rewrites()
            && self.space.is_chunked()
            && self.state.scalars.free.0 >= enough
    }

    /// Whether this call has changed something, and has not erased: it may do a step of a move.
    pub fn may_step(&self) -> bool {
        self.journal.sequence() != self.records_before && !self.has_erased()
    }

    /// Low bits of the object in which cold data is looked for.
    pub fn sweep(&self) -> u32 {
        self.sweep
    }

    /// Goes on looking in the object with these low bits, also after the next mount, if a journal
    /// block is opened before that.
    pub fn set_sweep(&mut self, object: u32) {
        self.sweep = object;
    }
}
