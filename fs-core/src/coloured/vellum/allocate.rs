//! Space set aside: runs that were never written, which read as zero, and what is written to them
//! later takes no space.
//!
//! Such a run is a run of the log with a flag. Its blocks belong to the file, so nothing else gets
//! them; what they hold is unknown, also whether somebody tried to program them. So each is erased
//! before the first program of a draft, and counts as written only with the commit. What is set
//! aside behind the end of a file goes with an intent, unless it is to persist: the intent is held
//! back while somebody has the file open.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{DELETE_COST, Purpose, put_cost};
use super::Vellum;
use super::plan::Changes;
use super::runs::StoredRun;
use super::view::Source;
use crate::api::{AllocateFlags, VnodeId};
use crate::error::{Error, Result};
use crate::extent::{Extent, ExtentKind};
use crate::format::extent::{self, Placement};
use crate::format::intent::{self, Intent, IntentKind};
use crate::memory::{Node, Stored};
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, ByteOffset, ObjectId};

/// Blocks that one transaction sets aside at most.
const STEP_BLOCKS: u32 = 1024;
/// Runs of the map of free space that such a step may change: one for each 256 blocks it touches.
const STEP_RUNS: usize = 6;
/// What it costs beside the attributes.
const STEP_COST: usize = put_cost(extent::SIZE) + put_cost(intent::SIZE) + DELETE_COST;

impl<D> Vellum<'_, D> {
    /// Bytes of a logical block.
    pub(super) fn logical_block(&self, vnode: VnodeId) -> Result<u64> {
        self.file(vnode)?;
        Ok(self.units().block)
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Sets space aside for the blocks of a range that have none; says how many bytes came to it.
    pub(super) async fn set_aside(
        &mut self,
        vnode: VnodeId,
        from: u64,
        length: u64,
        flags: AllocateFlags,
    ) -> Result<u64> {
        self.file(vnode)?;
        self.writable()?;
        self.named(vnode)?;
        let end = from.checked_add(length).filter(|end| *end < 1 << 48).ok_or(Error::TooLarge)?;
        if length == 0 {
            return Ok(0);
        }
        self.commit_content(vnode).await?;
        self.leave_item(vnode).await?;
        self.finish_trim(vnode).await?;
        let units = self.units();
        let (first, last) = (units.index(from), units.index_after(end));
        let mut wanted = 0_u64;
        let mut at = first;
        while let Some((start, stop)) = self.missing(vnode, at, last).await? {
            wanted = wanted.saturating_add(stop.saturating_sub(start));
            at = stop;
        }
        if flags.contains(AllocateFlags::ALL) {
            self.room_for(wanted).await?;
        }
        let mut taken = 0_u64;
        let mut at = first;
        while let Some((start, stop)) = self.missing(vnode, at, last).await? {
            match self.set_aside_run(vnode, start, stop, last, flags).await {
                Ok(count) => taken = taken.saturating_add(count),
                Err(Error::NoSpace) if taken > 0 && !flags.contains(AllocateFlags::ALL) => break,
                Err(error) => return Err(error),
            }
            // One run for each piece that was missing, if it is to be contiguous.
            at = if flags.contains(AllocateFlags::CONTIGUOUS) { stop } else { start };
        }
        Ok(taken.saturating_mul(units.block))
    }

    /// The first blocks from `from` on, before `to`, that no run has.
    async fn missing(&mut self, vnode: VnodeId, from: u64, to: u64) -> Result<Option<(u64, u64)>> {
        let data = self.node(vnode)?.inode.data;
        let mut at = from;
        while at < to {
            if data == ObjectId(0) {
                return Ok(Some((at, to)));
            }
            let Some(run) = self.run_at(data, at).await? else {
                let next = self.run_from(data, at).await?;
                return Ok(Some((at, next.map_or(to, |next| next.index.min(to)))));
            };
            at = run.end();
        }
        Ok(None)
    }

    /// Asks for `blocks` free blocks beyond the reserve.
    async fn room_for(&mut self, blocks: u64) -> Result<()> {
        self.require_space().await?;
        while u64::from(self.txn.spare_blocks()) < blocks {
            if !self.reap_one().await? {
                return Err(Error::NoSpace);
            }
        }
        Ok(())
    }

    /// Brings a content that is an item of its own into runs and a tail.
    async fn leave_item(&mut self, vnode: VnodeId) -> Result<()> {
        let inode = self.node(vnode)?.inode;
        if self.stored(&inode).await? != Stored::Inline {
            return Ok(());
        }
        self.make_draft(vnode).await?;
        self.leave_inline(vnode).await?;
        self.commit_content(vnode).await
    }

    /// Whether what lies behind the end of `data` is being given back.
    pub(super) async fn is_trimming(&mut self, data: ObjectId) -> Result<bool> {
        Ok(self.trim_of(data).await?.is_some_and(|intent| !intent.is_held_while_open()))
    }

    /// The intent to trim `data`, if there is one.
    pub(super) async fn trim_of(&mut self, data: ObjectId) -> Result<Option<Intent>> {
        if !self.intents || data == ObjectId(0) {
            return Ok(None);
        }
        let mut value = [0; intent::SIZE];
        let Some(length) = self.txn.get(Intent::key(data), &mut value).await? else {
            return Ok(None);
        };
        let value = value.get(..length).unwrap_or_default();
        let intent = Intent::from_value(value).map_err(|rule| self.malformed(rule))?;
        Ok((intent.kind == IntentKind::Trim).then_some(intent))
    }

    /// Gives back what was cut off, so that nothing of it lies among what is set aside.
    async fn finish_trim(&mut self, vnode: VnodeId) -> Result<()> {
        let data = self.node(vnode)?.inode.data;
        while let Some(intent) = self.trim_of(data).await?.filter(|it| !it.is_held_while_open()) {
            self.trim(data, intent.from).await?;
        }
        Ok(())
    }

    /// Sets one run aside, at block `start` of the content and not beyond `stop`: one transaction.
    /// Says how many blocks it has. `last` ends the whole range.
    async fn set_aside_run(
        &mut self,
        vnode: VnodeId,
        start: u64,
        stop: u64,
        last: u64,
        flags: AllocateFlags,
    ) -> Result<u64> {
        let contiguous = flags.contains(AllocateFlags::CONTIGUOUS);
        let all = flags.contains(AllocateFlags::ALL) && contiguous;
        let most = stop.saturating_sub(start);
        if all && most > STEP_BLOCKS.into() {
            return Err(Error::TooLarge);
        }
        let count = u32::try_from(most).unwrap_or(STEP_BLOCKS).min(STEP_BLOCKS);
        self.room_for(if all { most } else { 1 }).await?;
        let object = self.table.object(vnode)?;
        let mut inode = self.node(vnode)?.inode;
        let new = inode.data == ObjectId(0);
        if new {
            inode.data = object;
        }
        let data = inode.data;
        let trim = self.trim_of(data).await?;
        let attributes = if new { self.attributes_cost(vnode)? } else { 0 };
        let cost = STEP_COST.saturating_add(attributes);
        let mut batch = self.txn.begin_runs(cost, STEP_RUNS, Purpose::Grow).await?;
        let count = count.min(self.txn.spare_blocks());
        let found = self.txn.find_free(count).await?;
        let (block, count) = found.ok_or(Error::NoSpace)?;
        if all && u64::from(count) < most {
            return Err(Error::NoSpace);
        }
        let units = self.units().units(count.into());
        let run = StoredRun { index: start, block, units, unwritten: true, blocks: count };
        let mut changes = Changes::into_batch(&mut batch);
        self.put_unwritten(&mut changes, data, &run)?;
        let behind = last > self.units().index_after(inode.valid);
        let key = Intent::key(data);
        match trim {
            None if behind && !flags.contains(AllocateFlags::PERSIST) => {
                let value = Intent::held(inode.valid).encode().map_err(|_| Error::Bug)?;
                changes.put(&mut self.txn, key, &value, true)?;
                self.intents = true;
            }
            Some(_) if flags.contains(AllocateFlags::PERSIST) => {
                changes.delete(&mut self.txn, key)?;
            }
            _ => {}
        }
        if new {
            self.put_attributes(&mut batch, vnode, &inode).await?;
        }
        self.txn.commit(batch).await?;
        let node = self.table.get_mut(vnode)?;
        node.inode = inode;
        node.forget_runs();
        Ok(count.into())
    }

    /// Adds a run that was never written, and its blocks: in parts that a change can have.
    fn put_unwritten(
        &mut self,
        changes: &mut Changes<'_>,
        data: ObjectId,
        run: &StoredRun,
    ) -> Result<()> {
        let key = Placement::key(data, self.units().start(run.index));
        let value = self.placement_of(run).encode().map_err(|_| Error::Bug)?;
        changes.put(&mut self.txn, key, &value, true)?;
        changes.blocks(&mut self.txn, run.block, run.blocks.into(), true)
    }

    /// The block that was set aside for block `index` of the draft's content and can be written
    /// now, erased: nothing in it counts.
    pub(super) async fn prepared(&mut self, vnode: VnodeId, index: u64) -> Result<Option<BlockNo>> {
        let Node { inode, .. } = *self.node(vnode)?;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let concerned = draft
            .runs
            .iter()
            .any(|run| (run.index..run.index.saturating_add(self.blocks_of(run))).contains(&index));
        let announced = draft.announced;
        if draft.replaced || draft.data != inode.data || inode.data == ObjectId(0) || concerned {
            return Ok(None);
        }
        let run = self.run_at(inode.data, index).await?.filter(|run| run.unwritten);
        let Some(run) = run else { return Ok(None) };
        // While a draft is announced, nothing is trimmed.
        if !announced && self.is_trimming(inode.data).await? {
            return Ok(None);
        }
        let block = run.place_of(index);
        if !mutant::on(Mutant::UnwrittenNotErased) {
            self.txn.erase_block(block).await?;
        }
        Ok(Some(block))
    }

    /// The run of the file that holds `at`, as far as it is one on the device.
    pub(super) async fn map_run(&mut self, vnode: VnodeId, at: u64) -> Result<Extent> {
        self.file(vnode)?;
        let size = self.size_of(vnode)?;
        if at >= size {
            return Err(Error::Invalid);
        }
        let inode = self.node(vnode)?.inode;
        let inline = match self.draft_of(vnode)? {
            Some(draft) => draft.inline,
            None => self.stored(&inode).await? == Stored::Inline,
        };
        if inline && at < self.valid_of(vnode)? {
            return Err(Error::NotSupported);
        }
        let logical = ByteOffset(at);
        let piece = if inline { None } else { Some(self.piece(vnode, at, size).await?) };
        let Some(piece) = piece else {
            return Ok(Extent::zero(logical, size.saturating_sub(at)));
        };
        match piece.source {
            Source::Device(place) => Ok(Extent::data(logical, place, piece.length)),
            Source::Buffer(_) | Source::Tail { .. } => Err(Error::NotSupported),
            Source::Zero => self.map_zero(vnode, at, piece.length).await,
        }
    }

    /// What is behind zeros: space that was set aside, or none.
    async fn map_zero(&mut self, vnode: VnodeId, at: u64, length: u64) -> Result<Extent> {
        let units = self.units();
        let zero = Extent::zero(ByteOffset(at), length);
        let inode = self.node(vnode)?.inode;
        if self.node(vnode)?.draft.is_some() || inode.data == ObjectId(0) {
            return Ok(zero);
        }
        let index = units.index(at);
        let Some(run) = self.run_at(inode.data, index).await? else {
            let next = self.run_from(inode.data, index).await?;
            let stop = next.map_or(u64::MAX, |next| units.start(next.index));
            return Ok(Extent { length: length.min(stop.saturating_sub(at)), ..zero });
        };
        let stop = units.start(run.end());
        let length = length.min(stop.saturating_sub(at));
        if !run.unwritten {
            return Ok(Extent { length, ..zero });
        }
        let start = u64::from(run.block.0).saturating_mul(units.block);
        let behind = at.saturating_sub(units.start(run.index));
        let kind = ExtentKind::Unwritten;
        let physical = ByteOffset(start).plus(behind);
        Ok(Extent { kind, physical, length, ..zero })
    }
}
