//! Writing: content goes straight into blocks that the log does not know yet.
//!
//! A draft writes one block at a time, its *open block*: units before a mark are programmed, the
//! unit at the mark is in the buffer, and what comes behind is what the file was before. To write
//! elsewhere is to complete the open block and to open another; to write before the mark likewise,
//! for no unit is programmed twice. So an append, an overwrite and a gap are one thing.
//!
//! What the file shows changes only between two awaits, after what it needs was programmed: a
//! failure, or a dropped future, leaves a prefix of the write. A program that did not return `Ok`
//! leaves the block *torn*: it keeps its units, and the next program copies them to another block.

use super::super::colour;
use super::super::device::BlockDevice;
use super::Vellum;
use super::view::{Source, fetch_from};
use crate::api::VnodeId;
use crate::error::{Error, Result};
use crate::memory::{DraftRun, LastBlock, Node, OpenBlock};
use crate::mutant::{self, Mutant};
use crate::units::BlockNo;

impl<D> Vellum<'_, D> {
    fn open_of(&self, vnode: VnodeId) -> Result<Option<OpenBlock>> {
        Ok(self.draft_of(vnode)?.and_then(|draft| draft.open))
    }

    fn open_mut(&mut self, vnode: VnodeId) -> Result<&mut OpenBlock> {
        self.draft_mut(vnode)?.open.as_mut().ok_or(Error::Bug)
    }

    /// Gives up a block that a failed or dropped operation was about to use.
    pub(super) fn drop_spare(&mut self, vnode: VnodeId) -> Result<()> {
        let draft = self.draft_mut(vnode)?;
        let spare = core::mem::take(&mut draft.spare);
        if spare != BlockNo(0) {
            self.txn.unpin(spare, 1);
        }
        Ok(())
    }

    /// Puts the open block, as far as it is programmed, among the runs of the draft. No I/O.
    pub(super) fn close_open(&mut self, vnode: VnodeId) -> Result<()> {
        let Some(open) = self.open_of(vnode)? else { return Ok(()) };
        let OpenBlock { index, block, units, fresh, grown, .. } = open;
        if block != BlockNo(0) && units > 0 && (fresh || grown) {
            self.place_run(vnode, DraftRun { index, block, units, fresh })?;
        } else if fresh {
            self.txn.unpin(block, 1);
        }
        self.draft_mut(vnode)?.open = None;
        Ok(())
    }

    /// Adds a run of one block, or a hole, to the draft; what the draft had there is given up.
    pub(super) fn place_run(&mut self, vnode: VnodeId, run: DraftRun) -> Result<()> {
        let per_block = self.units().per_block;
        let blocks = self.blocks_of(&run);
        self.cut_out(vnode, run.index, run.index.saturating_add(blocks))?;
        if run.fresh || run.block == BlockNo(0) {
            self.kill_patches(vnode, run.index, run.index.saturating_add(blocks))?;
        }
        let draft = self.draft_mut(vnode)?;
        for before in &mut draft.runs {
            let whole = before.units.checked_rem(per_block) == Some(0);
            let count = before.units.checked_div(per_block).unwrap_or(0);
            let joins = before.index.saturating_add(count.into()) == run.index
                && before.block.plus(count) == run.block
                && before.fresh == run.fresh
                && before.block != BlockNo(0)
                && run.block != BlockNo(0)
                && count < RUN_BLOCKS;
            if whole && joins {
                before.units = before.units.saturating_add(run.units);
                return Ok(());
            }
        }
        draft.runs.push(run).map_err(|_| Error::Bug)
    }

    /// Blocks of a run of a draft.
    pub(super) fn blocks_of(&self, run: &DraftRun) -> u64 {
        let hole = run.block == BlockNo(0);
        if hole { run.units.into() } else { self.units().blocks(run.units).into() }
    }

    /// Takes the blocks `from..to` of the content out of the runs of the draft.
    pub(super) fn cut_out(&mut self, vnode: VnodeId, from: u64, to: u64) -> Result<()> {
        let units = self.units();
        let mut at = 0;
        while let Some(run) = self.draft_mut(vnode)?.runs.get(at).copied() {
            let end = run.index.saturating_add(self.blocks_of(&run));
            if end <= from || run.index >= to {
                at = at.saturating_add(1);
                continue;
            }
            self.draft_mut(vnode)?.runs.swap_remove(at);
            let hole = run.block == BlockNo(0);
            let part = |first: u64, last: u64| {
                let behind = u32::try_from(first.saturating_sub(run.index)).unwrap_or(0);
                let skipped = if hole { behind } else { units.units(behind.into()) };
                let left = run.units.saturating_sub(skipped);
                let most = last.saturating_sub(first);
                let most = if hole { u32::try_from(most).unwrap_or(0) } else { units.units(most) };
                let block = if hole { run.block } else { run.block.plus(behind) };
                DraftRun { index: first, block, units: left.min(most), ..run }
            };
            let gone = part(run.index.max(from), end.min(to));
            if gone.fresh {
                self.txn.unpin(gone.block, units.blocks(gone.units));
            }
            let runs = &mut self.draft_mut(vnode)?.runs;
            if run.index < from {
                runs.push(part(run.index, from)).map_err(|_| Error::Bug)?;
            }
            if end > to {
                runs.push(part(to, end)).map_err(|_| Error::Bug)?;
            }
        }
        Ok(())
    }

    /// Notes that the file is written up to `end`, beginning at `from`.
    pub(super) fn written(&mut self, vnode: VnodeId, from: u64, end: u64) -> Result<()> {
        let draft = self.draft_mut(vnode)?;
        draft.low = draft.low.min(from);
        draft.valid = draft.valid.max(end);
        draft.size = draft.size.max(end);
        Ok(())
    }

    /// The block that may be written on if `unit` of block `index` comes next: the last one of the
    /// file, if this session wrote it and nothing of it was cut off or replaced.
    fn last_block(&self, vnode: VnodeId, index: u64, unit: u32) -> Result<Option<LastBlock>> {
        let node = self.node(vnode)?;
        let valid = node.inode.valid;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let whole = !draft.replaced && draft.base == valid && draft.valid == valid;
        let same =
            |last: &LastBlock| u32::from(last.units) == unit && self.units().index(valid) == index;
        Ok(node.last.filter(|last| whole && same(last)))
    }
}

/// Whole units that are overwritten one by one.
const PATCHED_MAX: usize = 2;
/// Blocks of the longest run of a draft.
const RUN_BLOCKS: u32 = 0x7FFF;

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Writes one step of `source` at `offset`, which is not behind the valid bytes: a part of one
    /// append unit, or whole units of one block. Says how many bytes it was.
    pub(super) async fn write_step(
        &mut self,
        vnode: VnodeId,
        offset: u64,
        source: &[u8],
    ) -> Result<usize> {
        let units = self.units();
        let (index, unit) = (units.index(offset), units.unit_of(offset));
        let skip = usize::try_from(units.within_unit(offset)).map_err(|_| Error::Bug)?;
        let unit_bytes = usize::try_from(units.unit).map_err(|_| Error::Bug)?;
        let whole = source.len().checked_div(unit_bytes).unwrap_or(0);
        if skip == 0 && whole > 0 && !self.patch_units(vnode, offset, whole).await? {
            let left = units.per_block.saturating_sub(unit);
            let count = u32::try_from(whole).unwrap_or(u32::MAX).min(left);
            return self.write_units(vnode, offset, source, count).await;
        }
        let take = source.len().min(unit_bytes.saturating_sub(skip));
        let end = offset.saturating_add(take as u64);
        self.seek(vnode, index, unit).await?;
        let unit_end = units.unit_start(offset).saturating_add(units.unit);
        let patched = self.claim_slot(vnode, units.unit_start(offset)).await?;
        if !patched && unit_end <= self.valid_of(vnode)?.max(end) {
            // It is going to be programmed: its block is found now, so that no commit fails for it.
            self.claim(vnode).await?;
        }
        if take < unit_bytes {
            self.load(vnode).await?;
        }
        self.open_mut(vnode)?.loaded = true;
        let draft = self.draft_mut(vnode)?;
        let place = draft.bytes.get_mut(skip..).and_then(|rest| rest.get_mut(..take));
        place.ok_or(Error::Bug)?.copy_from_slice(source.get(..take).ok_or(Error::Bug)?);
        self.open_mut(vnode)?.dirty = true;
        self.written(vnode, offset, end)?;
        Ok(take)
    }

    /// Whether `whole` units from `offset` on are so few that they are written like parts of units.
    async fn patch_units(&mut self, vnode: VnodeId, offset: u64, whole: usize) -> Result<bool> {
        if whole > PATCHED_MAX || offset >= self.valid_of(vnode)? {
            return Ok(false);
        }
        let units = self.units();
        self.seek(vnode, units.index(offset), units.unit_of(offset)).await?;
        self.claim_slot(vnode, offset).await
    }

    /// Programs `count` whole units of one block straight from `source`.
    async fn write_units(
        &mut self,
        vnode: VnodeId,
        offset: u64,
        source: &[u8],
        count: u32,
    ) -> Result<usize> {
        let units = self.units();
        let unit = units.unit_of(offset);
        self.seek(vnode, units.index(offset), unit).await?;
        let block = self.claim(vnode).await?;
        let bytes = usize::try_from(units.bytes(count)).map_err(|_| Error::Bug)?;
        let source = source.get(..bytes).ok_or(Error::Bug)?;
        let at = u32::try_from(units.bytes(unit)).map_err(|_| Error::Bug)?;
        self.open_mut(vnode)?.torn = true;
        self.txn.write_data(block, at, source).await?;
        self.programmed(vnode, count)?;
        self.written(vnode, offset, offset.saturating_add(bytes as u64))?;
        Ok(bytes)
    }

    /// Extends a content in blocks with zeros up to `offset`, so that it can be written there.
    /// What the file shows stays.
    pub(super) async fn bridge(&mut self, vnode: VnodeId, offset: u64) -> Result<()> {
        let units = self.units();
        let valid = self.valid_of(vnode)?;
        let (last, index) = (units.index(valid), units.index(offset));
        let partial = units.within_unit(valid) > 0;
        let same_unit = units.unit_start(valid) == units.unit_start(offset);
        if valid > units.start(last) {
            if partial {
                self.seek(vnode, last, units.unit_of(valid)).await?;
                if !same_unit {
                    self.claim(vnode).await?;
                }
                self.load(vnode).await?;
                if !same_unit {
                    self.open_mut(vnode)?.dirty = true;
                }
            } else if self.hides_more(vnode, last, valid).await? {
                self.seek(vnode, last, units.unit_of(valid)).await?;
                self.claim(vnode).await?;
            }
        }
        if last != index {
            self.shut(vnode).await?;
        }
        // The block of `offset` itself may stay without one of its own.
        let (from, to) = (units.index_after(valid), index.saturating_add(1));
        if from < to && self.has_stored(vnode, from, to).await? {
            self.room_for_block(vnode, from).await?;
            if !mutant::on(Mutant::CutOffKept) {
                let blocks = u32::try_from(to.saturating_sub(from));
                let units = blocks.map_err(|_| Error::DraftTooBig)?;
                let hole = DraftRun { index: from, block: BlockNo(0), units, fresh: false };
                self.place_run(vnode, hole)?;
            }
        }
        Ok(())
    }

    /// Whether the log has a run in block `index` that goes on behind byte `valid`.
    async fn hides_more(&mut self, vnode: VnodeId, index: u64, valid: u64) -> Result<bool> {
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let data = draft.data;
        let open = draft.open.is_some_and(|open| open.index == index);
        if data.0 == 0 || open || draft.runs.iter().any(|run| run.index == index) {
            return Ok(open);
        }
        let units = self.units();
        let run = self.run_at(data, index).await?;
        Ok(run.is_some_and(|run| {
            units.start(run.index).saturating_add(units.bytes(run.units)) > valid
        }))
    }

    /// Whether the log has runs of the file in its blocks `from..to`.
    async fn has_stored(&mut self, vnode: VnodeId, from: u64, to: u64) -> Result<bool> {
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let (data, announced) = (draft.data, draft.announced);
        if data.0 == 0 {
            return Ok(false);
        }
        let trimming = !announced && self.is_trimming(data).await?;
        let mut at = from;
        while at < to {
            let run = match self.run_at(data, at).await? {
                None => self.run_from(data, at).await?,
                found => found,
            };
            match run.filter(|run| run.index < to) {
                None => return Ok(false),
                // What was set aside reads as zero.
                Some(run) if run.unwritten && !trimming => at = run.end(),
                Some(_) => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Makes `unit` of block `index` the one that is written next.
    async fn seek(&mut self, vnode: VnodeId, index: u64, unit: u32) -> Result<()> {
        match self.open_of(vnode)? {
            Some(open) if open.index == index && open.units == unit => return Ok(()),
            Some(open) if open.index == index && open.units < unit => {
                return self.advance(vnode, unit).await;
            }
            Some(_) => self.shut(vnode).await?,
            None => {}
        }
        self.room_for_block(vnode, index).await?;
        let mut open = OpenBlock {
            index,
            block: BlockNo(0),
            units: unit,
            loaded: false,
            dirty: false,
            torn: false,
            fresh: false,
            grown: false,
        };
        if let Some(last) = self.last_block(vnode, index, unit)? {
            open.block = last.block;
        } else if mutant::on(Mutant::ForeignBlockContinued) && unit > 0 {
            let data = self.draft_of(vnode)?.ok_or(Error::Bug)?.data;
            if let Some(run) = self.run_at(data, index).await? {
                open.block = run.place_of(index);
            }
        }
        self.draft_mut(vnode)?.open = Some(open);
        Ok(())
    }

    /// Brings the unit of the open block into the buffer, with zeros behind the valid bytes.
    async fn load(&mut self, vnode: VnodeId) -> Result<()> {
        let open = self.open_of(vnode)?.ok_or(Error::Bug)?;
        if open.loaded {
            return Ok(());
        }
        let units = self.units();
        let start = units.start(open.index).saturating_add(units.bytes(open.units));
        let mut done = 0_u64;
        while done < units.unit {
            let at = start.saturating_add(done);
            let piece = self.piece(vnode, at, start.saturating_add(units.unit)).await?;
            if piece.length == 0 {
                return Err(Error::Bug);
            }
            if piece.source != Source::Zero || !mutant::on(Mutant::GapNotZeroed) {
                self.fetch_to_buffer(vnode, piece.source, done, piece.length).await?;
            }
            done = done.saturating_add(piece.length);
        }
        self.open_mut(vnode)?.loaded = true;
        Ok(())
    }

    /// Reads a piece into the buffer of the draft, from byte `from` of it on.
    async fn fetch_to_buffer(
        &mut self,
        vnode: VnodeId,
        source: Source,
        from: u64,
        length: u64,
    ) -> Result<()> {
        let Node { inode, draft, .. } = *self.node(vnode)?;
        let number = usize::from(draft.ok_or(Error::Bug)?);
        let length = usize::try_from(length).map_err(|_| Error::Bug)?;
        let from = usize::try_from(from).map_err(|_| Error::Bug)?;
        let Self { txn, drafts, .. } = self;
        let draft = drafts.get_mut(number).ok_or(Error::Bug)?;
        let target = draft.bytes.get_mut(from..).and_then(|rest| rest.get_mut(..length));
        fetch_from(txn, inode.data, source, target.ok_or(Error::Bug)?).await
    }

    /// A block that the unit of the open block can be programmed into: the one it has, or a new one
    /// with the units before.
    async fn claim(&mut self, vnode: VnodeId) -> Result<BlockNo> {
        let open = self.open_of(vnode)?.ok_or(Error::Bug)?;
        let torn = open.torn && !mutant::on(Mutant::TornUnitContinued);
        if open.block != BlockNo(0) && !torn {
            if !mutant::on(Mutant::DiscardedBlockContinued) {
                // What is programmed now stays there, also if the draft is given up.
                self.table.get_mut(vnode)?.last = None;
            }
            return Ok(open.block);
        }
        self.drop_spare(vnode)?;
        let prepared = match open.block {
            BlockNo(0) => self.prepared(vnode, open.index).await?,
            _ => None,
        };
        let block = if let Some(block) = prepared {
            block
        } else {
            let near = self.block_before(vnode, open.index).await?;
            let block = self.take_block(near).await?;
            self.draft_mut(vnode)?.spare = block;
            block
        };
        self.copy_units(vnode, block, 0, open.units).await?;
        if open.fresh {
            self.txn.unpin(open.block, 1);
        }
        let draft = self.draft_mut(vnode)?;
        draft.spare = BlockNo(0);
        let open = draft.open.as_mut().ok_or(Error::Bug)?;
        (open.block, open.fresh, open.torn) = (block, prepared.is_none(), false);
        Ok(block)
    }

    /// A block for data, erased and pinned; what intents hold is freed first if there is need.
    /// The completion of a transfer gets the one that was kept for it.
    pub(super) async fn take_block(&mut self, near: BlockNo) -> Result<BlockNo> {
        if let Some(kept) = self.operations.take_spare() {
            return Ok(kept);
        }
        loop {
            match self.txn.take_block(near).await {
                Err(Error::NoSpace) if self.reap_one().await? => {}
                taken => return taken,
            }
        }
    }

    /// Where block `index` - 1 of the file lies on the device, so that `index` may follow.
    pub(super) async fn block_before(&mut self, vnode: VnodeId, index: u64) -> Result<BlockNo> {
        let Some(before) = index.checked_sub(1) else { return Ok(BlockNo(0)) };
        let units = self.units();
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let (data, base) = (draft.data, draft.base);
        for run in &draft.runs {
            let behind =
                before.checked_sub(run.index).and_then(|behind| u32::try_from(behind).ok());
            let inside = behind.filter(|behind| *behind < units.blocks(run.units));
            if let Some(behind) = inside.filter(|_| run.block != BlockNo(0)) {
                return Ok(run.block.plus(behind));
            }
        }
        if data.0 == 0 || units.start(before) >= base {
            return Ok(BlockNo(0));
        }
        let run = self.run_at(data, before).await?;
        Ok(run.map_or(BlockNo(0), |run| run.place_of(before)))
    }

    /// Programs the units `from..to` of the open block's place in the file into `block`, as the
    /// file has them now: whole ones.
    async fn copy_units(
        &mut self,
        vnode: VnodeId,
        block: BlockNo,
        from: u32,
        to: u32,
    ) -> Result<()> {
        let units = self.units();
        let start = units.start(self.open_of(vnode)?.ok_or(Error::Bug)?.index);
        let mut unit = from;
        while unit < to {
            let at = start.saturating_add(units.bytes(unit));
            let end = start.saturating_add(units.bytes(to));
            let piece = self.piece(vnode, at, end).await?;
            let count = piece.length.checked_div(units.unit).unwrap_or(0);
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            let bytes = u32::try_from(units.bytes(count)).map_err(|_| Error::Bug)?;
            let offset = u32::try_from(units.bytes(unit)).map_err(|_| Error::Bug)?;
            if count == 0 {
                return Err(Error::Bug);
            }
            self.program_piece(piece.source, block, offset, bytes).await?;
            unit = unit.saturating_add(count);
        }
        Ok(())
    }

    /// Programs what is elsewhere on the device, or zeros, into `block`: whole units.
    pub(super) async fn program_piece(
        &mut self,
        source: Source,
        block: BlockNo,
        offset: u32,
        bytes: u32,
    ) -> Result<()> {
        match source {
            Source::Zero => self.txn.zero_data(block, offset, bytes).await,
            Source::Device(at) => self.txn.copy_data(at, block, offset, bytes).await,
            Source::Buffer(_) | Source::Tail { .. } => Err(Error::Bug),
        }
    }

    /// Programs the unit in the buffer.
    async fn flush(&mut self, vnode: VnodeId) -> Result<()> {
        if self.flush_patch(vnode).await? {
            return Ok(());
        }
        let block = self.claim(vnode).await?;
        let units = self.units();
        let number = usize::from(self.node(vnode)?.draft.ok_or(Error::Bug)?);
        let Self { txn, drafts, .. } = self;
        let draft = drafts.get_mut(number).ok_or(Error::Bug)?;
        let open = draft.open.as_mut().filter(|open| open.loaded).ok_or(Error::Bug)?;
        open.torn = true;
        let offset = u32::try_from(units.bytes(open.units)).map_err(|_| Error::Bug)?;
        let bytes = usize::try_from(units.unit).map_err(|_| Error::Bug)?;
        let unit = draft.bytes.get(..bytes).ok_or(Error::Bug)?;
        txn.write_data(block, offset, unit).await?;
        self.programmed(vnode, 1)
    }

    /// Moves the mark of the open block on to `unit`: what is in the buffer is programmed, and what
    /// lies between is copied.
    async fn advance(&mut self, vnode: VnodeId, unit: u32) -> Result<()> {
        if self.open_of(vnode)?.ok_or(Error::Bug)?.dirty {
            self.flush(vnode).await?;
        }
        let Some(open) = self.open_of(vnode)?.filter(|open| open.units < unit) else {
            return Ok(());
        };
        if open.block == BlockNo(0) {
            let open = self.open_mut(vnode)?;
            (open.units, open.loaded) = (unit, false);
            return Ok(());
        }
        let block = self.claim(vnode).await?;
        self.open_mut(vnode)?.torn = true;
        self.copy_units(vnode, block, open.units, unit).await?;
        self.programmed(vnode, unit.saturating_sub(open.units))
    }

    /// Completes the open block, so that another can be opened: what the buffer holds of the last
    /// unit is programmed with zeros behind it.
    pub(super) async fn shut(&mut self, vnode: VnodeId) -> Result<()> {
        self.flush_patch(vnode).await?;
        let Some(open) = self.open_of(vnode)? else { return Ok(()) };
        if open.block != BlockNo(0) || open.dirty {
            let units = self.units();
            let valid = self.valid_of(vnode)?;
            let start = units.start(open.index);
            let inside = valid.saturating_sub(start).min(units.block);
            let whole = inside.checked_div(units.unit).unwrap_or(0);
            let whole = u32::try_from(whole).map_err(|_| Error::Bug)?;
            let changed = open.fresh || open.grown || open.dirty;
            if changed && open.units < whole {
                self.advance(vnode, whole).await?;
            }
            let Some(open) = self.open_of(vnode)? else { return Ok(()) };
            let partial = units.within_unit(inside) > 0 && open.units == whole;
            if changed && (partial || open.dirty) {
                self.load(vnode).await?;
                self.flush(vnode).await?;
            }
        }
        self.close_open(vnode)
    }

    /// Brings everything into blocks that must be there before a commit; what is left in the buffer
    /// is the tail.
    pub(super) async fn finish(&mut self, vnode: VnodeId) -> Result<()> {
        self.drop_spare(vnode)?;
        let units = self.units();
        let valid = self.valid_of(vnode)?;
        if let Some(open) = self.open_of(vnode)? {
            let unit = units.unit_of(valid);
            let changed = open.fresh || open.grown || open.dirty;
            if open.index != units.index(valid) {
                self.shut(vnode).await?;
            } else if changed && open.units < unit {
                self.advance(vnode, unit).await?;
            }
        }
        self.carry_tail(vnode).await?;
        // Where the open block has a place on the device it is the one that counts.
        if let Some(open) = self.open_of(vnode)? {
            if open.block != BlockNo(0) && open.units > 0 && (open.fresh || open.grown) {
                self.cut_out(vnode, open.index, open.index.saturating_add(1))?;
                if open.fresh {
                    self.kill_patches(vnode, open.index, open.index.saturating_add(1))?;
                }
            }
        }
        Ok(())
    }

    /// Brings the unit that a cut to `size` bytes makes the last one into the buffer, if it is in
    /// tail items: they are written anew.
    pub(super) async fn before_cut(&mut self, vnode: VnodeId, size: u64) -> Result<()> {
        let units = self.units();
        let committed = self.node(vnode)?.inode.valid;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let tail = !draft.replaced
            && draft.base >= size
            && units.unit_start(size) == units.unit_start(committed);
        let index = units.index(size);
        let elsewhere = draft.runs.iter().any(|run| {
            let behind = index.checked_sub(run.index);
            behind.is_some_and(|behind| behind < self.blocks_of(run))
        });
        let passed = draft.open.is_some_and(|open| {
            open.index == index && (open.units > units.unit_of(size) || open.loaded)
        });
        if units.within_unit(size) == 0 || !tail || elsewhere || passed {
            return Ok(());
        }
        self.seek(vnode, index, units.unit_of(size)).await?;
        self.load(vnode).await
    }

    /// Brings the last unit, if it is not full, into the buffer when its tail items must be written
    /// anew: the file was cut within them, or its last block is replaced.
    async fn carry_tail(&mut self, vnode: VnodeId) -> Result<()> {
        let units = self.units();
        let valid = self.valid_of(vnode)?;
        if units.within_unit(valid) == 0 {
            return Ok(());
        }
        let (index, unit) = (units.index(valid), units.unit_of(valid));
        let committed = self.node(vnode)?.inode.valid;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let changed = match &draft.open {
            Some(open) if open.index == index => {
                if open.dirty || open.units > unit {
                    return Ok(());
                }
                open.fresh || open.grown
            }
            _ => false,
        };
        let cut = !draft.replaced
            && valid < committed
            && units.unit_start(valid) == units.unit_start(committed);
        let in_runs = draft.runs.iter().any(|run| {
            let behind = index.checked_sub(run.index);
            behind.is_some_and(|behind| behind < self.blocks_of(run))
        });
        if !changed && (!cut || in_runs) {
            return Ok(());
        }
        self.seek(vnode, index, unit).await?;
        self.load(vnode).await?;
        self.open_mut(vnode)?.dirty = true;
        Ok(())
    }
}

impl<D> Vellum<'_, D> {
    /// Notes that `count` more units of the open block are programmed; closes it when it is full.
    fn programmed(&mut self, vnode: VnodeId, count: u32) -> Result<()> {
        let per_block = self.units().per_block;
        let open = self.open_mut(vnode)?;
        open.units = open.units.saturating_add(count);
        (open.loaded, open.dirty, open.torn, open.grown) = (false, false, false, true);
        if open.units >= per_block {
            return self.close_open(vnode);
        }
        Ok(())
    }
}
