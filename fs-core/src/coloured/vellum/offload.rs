//! Offload: the filesystem says where bytes lie or go, hardware moves them, one call commits.
//!
//! A transfer is an *operation* from `map` to `complete`, in a table that is lent to the volume.
//! One that reads holds its blocks: whatever becomes of the file meanwhile, nothing is programmed
//! or erased there before the end. One that writes gets blocks that no content refers to, as a
//! draft takes them. They stay unknown to the log, and to readers, until the transfer is completed,
//! and are then runs of the draft like any others.
//! So a mapping is a ticket for one transfer, what was not transferred never counts, and a cut, an
//! error or a handle that is dropped leaves free blocks.
//!
//! While a transfer writes, nothing else writes to its blocks of the file, cuts them off or
//! replaces the content: that is `Busy`. So completing finds what planning has left, and needs no
//! space: a draft is kept free for it, a block where the end of the content must be moved into one,
//! and no more runs are mapped than one record can replace.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::put_cost;
use super::Vellum;
use super::content::SIZE_MAX;
use super::plan::{GONE_COST, Room};
use crate::api::{Durability, MapFor, Mapping, OpId, VnodeId};
use crate::error::{Error, Result};
use crate::extent::{Extent, ExtentKind, Packed, Packer};
use crate::format::patch::{Patches, REGION};
use crate::memory::{DraftRun, Home, OpenBlock};
use crate::mutant::{self, Mutant};
use crate::table::{OP_RUNS, OpRun, Operation, Operations};
use crate::units::{BlockNo, ByteOffset, ObjectId};

/// How far a call of `map` came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reach {
    end: u64,
    /// Whether the list is full.
    more: bool,
}

impl<'m, D> Vellum<'m, D> {
    /// Uses `operations` for transfers from now on. There must be none under way.
    pub fn lend_operations(&mut self, operations: Operations<'m>) {
        self.operations = operations;
    }

    /// Ends the transfers that a dropped or failed call has planned.
    pub(super) fn end_unclaimed(&mut self) {
        self.operations.lend_none();
        while let Some(op) = self.operations.unclaimed() {
            self.end_op(op);
        }
    }

    /// Ends a transfer: what it has is free again.
    fn end_op(&mut self, op: OpId) {
        let Self { operations, txn, table, .. } = self;
        let Ok((operation, vnode)) = operations.get(op) else { return };
        for run in core::mem::take(&mut operation.runs) {
            if operation.writes {
                txn.unpin(run.block, run.blocks);
            } else {
                txn.release_read(run.block, run.blocks);
            }
        }
        if operation.spare != BlockNo(0) {
            txn.unpin(operation.spare, 1);
        }
        operations.end(op);
        table.disengage(vnode);
    }

    /// Refuses while a transfer writes to the file at byte `from` or behind it, before `to`.
    pub(super) fn not_written(&self, vnode: VnodeId, from: u64, to: u64) -> Result<()> {
        let (first, last) = (self.units().index(from), self.units().index_after(to));
        let busy = self.operations.writes_to(vnode, first, last, None);
        if busy && !mutant::on(Mutant::TransferOverwritten) { Err(Error::Busy) } else { Ok(()) }
    }

    /// Drafts that must be left for the completion of transfers to other files than `vnode`.
    pub(super) fn drafts_owed(&self, vnode: VnodeId) -> usize {
        let is_without = |file| self.node(file).is_ok_and(|node| node.draft.is_none());
        self.operations.awaiting(vnode, is_without)
    }

    fn operation(&mut self, op: OpId) -> Result<&mut Operation> {
        self.operations.get(op).map(|(operation, _)| operation)
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Plans a transfer of `length` bytes from `from`, or what follows of `op`.
    pub(super) async fn map_range(
        &mut self,
        vnode: VnodeId,
        from: u64,
        length: u64,
        what: MapFor,
        op: Option<OpId>,
        packer: &mut Packer<'_, '_>,
    ) -> Result<Mapping> {
        self.file(vnode)?;
        let end = from.checked_add(length).filter(|end| *end <= SIZE_MAX).ok_or(Error::TooLarge)?;
        if what == MapFor::Report || length == 0 {
            let Reach { end, more } = self.map_read(vnode, from, end, None, packer).await?;
            return Ok(Mapping { op: None, covered: end.saturating_sub(from), more });
        }
        let writes = what == MapFor::Write;
        let begun = match op {
            None => self.begin_op(vnode, writes, from)?,
            Some(op) => self.going_on(op, vnode, writes, from)?,
        };
        let reached = if writes {
            self.map_write(vnode, from, end, begun, packer).await
        } else {
            self.map_read(vnode, from, end, Some(begun), packer).await
        };
        let covered = reached.map(|reach| reach.end.saturating_sub(from));
        if op.is_none() && covered.is_ok_and(|covered| covered > 0) {
            self.operations.claim(begun)?;
        } else if op.is_none() {
            self.end_op(begun);
        }
        let Reach { end, more } = reached?;
        let op = op.or((end > from).then_some(begun));
        if let Some(op) = op {
            self.operation(op)?.end = end;
        }
        Ok(Mapping { op, covered: end.saturating_sub(from), more })
    }

    /// Packs the runs to read from, as far as the bytes have any; a transfer holds their blocks.
    async fn map_read(
        &mut self,
        vnode: VnodeId,
        from: u64,
        end: u64,
        op: Option<OpId>,
        packer: &mut Packer<'_, '_>,
    ) -> Result<Reach> {
        let end = end.min(self.size_of(vnode)?);
        let mut at = from;
        while at < end {
            let found = match self.map_run(vnode, at).await {
                // The rest lies in RAM or in items: that is for `read`.
                Err(Error::NotSupported) if at > from => break,
                found => found?,
            };
            let wanted = end.saturating_sub(at);
            let extent = found.clipped(ByteOffset(at), wanted).ok_or(Error::Bug)?;
            let held = match op {
                Some(op) if extent.kind == ExtentKind::Data => self.hold(op, &extent)?,
                _ => true,
            };
            if !held && at == from {
                return Err(Error::NoSlot);
            }
            if !held {
                break;
            }
            if packer.pack(extent) == Packed::Refused {
                self.release_last(op.filter(|_| extent.kind == ExtentKind::Data))?;
                return Ok(Reach { end: at, more: true });
            }
            at = extent.end().0;
        }
        Ok(Reach { end: at.max(from), more: false })
    }

    /// Gives blocks for the bytes `from..end` and packs them, as far as there are any.
    async fn map_write(
        &mut self,
        vnode: VnodeId,
        from: u64,
        end: u64,
        op: OpId,
        packer: &mut Packer<'_, '_>,
    ) -> Result<Reach> {
        let units = self.units();
        self.writable()?;
        if units.within_unit(from) > 0 {
            return Err(Error::Invalid);
        }
        let begins = self.operation(op)?.runs.is_empty();
        let size = if begins { self.size_of(vnode)? } else { self.operation(op)?.size };
        // What the file has behind the range, in its last block, is not moved.
        let inside = end < size;
        let end = if inside { units.start(units.index(end)) } else { end };
        if end <= from {
            return Err(Error::Invalid);
        }
        let blocks = (units.index(from), units.index_after(end));
        if self.operations.writes_to(vnode, blocks.0, blocks.1, Some(op)) {
            return Err(Error::Busy);
        }
        if begins {
            self.prepare_write(vnode, from, op).await?;
        }
        let mut at = from;
        while at < end {
            let index = units.index(at);
            let given = match self.block_for(vnode, op, index).await {
                Err(Error::NoSpace | Error::NoDraft) if at > from => None,
                given => given?,
            };
            let Some(block) = given else {
                // Not even one block can be replaced by one record: that is for `write`.
                if at == from && self.operation(op)?.runs.is_empty() {
                    return Err(Error::DraftTooBig);
                }
                break;
            };
            let start = units.start(index);
            self.copy_before(vnode, block, start, at).await?;
            let stop = units.start(index.saturating_add(1)).min(end);
            let physical = ByteOffset(u64::from(block.0).saturating_mul(units.block));
            let physical = physical.plus(at.saturating_sub(start));
            let extent = Extent::data(ByteOffset(at), physical, stop.saturating_sub(at));
            let extent = Extent { fresh: true, ..extent };
            if packer.pack(extent) == Packed::Refused {
                return Ok(Reach { end: at, more: true });
            }
            at = stop;
        }
        Ok(Reach { end: at, more: false })
    }

    /// Brings the content into a form that blocks from byte `from` on can be added to.
    async fn prepare_write(&mut self, vnode: VnodeId, from: u64, op: OpId) -> Result<()> {
        self.require_space().await?;
        self.make_draft(vnode).await?;
        let (valid, size) = (self.valid_of(vnode)?, self.size_of(vnode)?);
        let inline = self.draft_of(vnode)?.is_some_and(|draft| draft.inline);
        if from > valid || (inline && valid > 0) {
            let spare = self.take_block(BlockNo(0)).await?;
            self.operation(op)?.spare = spare;
        }
        self.lead_to(vnode, from).await?;
        self.shut(vnode).await?;
        self.operation(op)?.size = size;
        Ok(())
    }

    /// Moves a content that is an item to blocks, and its end, if it is before `from`, to a place
    /// where nothing of it is in the way.
    async fn lead_to(&mut self, vnode: VnodeId, from: u64) -> Result<()> {
        if self.draft_of(vnode)?.is_some_and(|draft| draft.inline) {
            self.leave_inline(vnode).await?;
        }
        if from > self.valid_of(vnode)? { self.bridge(vnode, from).await } else { Ok(()) }
    }

    /// The block of the transfer for block `index` of the content; `None` if the transfer may not
    /// have more. What was set aside there is not used: its own commit may give it back.
    async fn block_for(&mut self, vnode: VnodeId, op: OpId, index: u64) -> Result<Option<BlockNo>> {
        let operation = self.operation(op)?;
        if let Some(known) = operation.place_of(index) {
            return Ok(Some(known));
        }
        let before = index.checked_sub(1).and_then(|before| operation.place_of(before));
        if !self.may_replace(vnode, op, index).await? {
            return Ok(None);
        }
        let (replaced, _) = self.operation(op)?.replaced;
        let most = self.runs_at_once(vnode, replaced)?;
        let near = match before {
            Some(block) => block,
            None => self.block_before(vnode, index).await?,
        };
        let block = self.take_block(near).await?;
        let run = OpRun { index, block, blocks: 1 };
        let given = self.operation(op)?.add(run, most);
        if !given {
            self.txn.unpin(block, 1);
        }
        Ok(given.then_some(block))
    }

    /// Whether one record can replace what the log has at block `index`, too. Counts it.
    async fn may_replace(&mut self, vnode: VnodeId, op: OpId, index: u64) -> Result<bool> {
        let units = self.units();
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let (data, base) = (draft.data, draft.base);
        let (count, until) = self.operation(op)?.replaced;
        if data.0 == 0 || units.start(index) >= base || index < until {
            return Ok(true);
        }
        let run = self.run_at(data, index).await?;
        let next = match run {
            None => self.run_from(data, index).await?.map_or(u64::MAX, |next| next.index),
            Some(run) => run.end(),
        };
        let (patched, next) = self.unpatched_until(data, index, next).await?;
        let more = count.saturating_add(usize::from(run.is_some())).saturating_add(patched);
        let needed = self.operation(op)?.runs.len().max(1);
        if self.runs_at_once(vnode, more)? < needed {
            return Ok(false);
        }
        self.operation(op)?.replaced = (more, next);
        Ok(true)
    }

    /// What the patches at block `index` count as, and up to where that is known, `next` at most.
    async fn unpatched_until(
        &mut self,
        data: ObjectId,
        index: u64,
        next: u64,
    ) -> Result<(usize, u64)> {
        let bytes = put_cost(Patches::bytes_max(self.units().per_block));
        let patched = bytes.div_ceil(GONE_COST);
        let per_block = u64::from(self.units().per_block);
        let unit = index.saturating_mul(per_block);
        let number = unit / REGION;
        let ends = |number: u64| {
            let behind = number.saturating_mul(REGION);
            behind.checked_div(per_block).unwrap_or(0).max(index.saturating_add(1))
        };
        let Some(region) = self.region_from(data, number).await? else { return Ok((0, next)) };
        let here = region.number == number;
        let known = if here { ends(number.saturating_add(1)) } else { ends(region.number) };
        Ok((if here { patched } else { 0 }, known.min(next)))
    }

    /// Programs what the content has between the beginning of a block and byte `at` of it.
    async fn copy_before(
        &mut self,
        vnode: VnodeId,
        block: BlockNo,
        start: u64,
        at: u64,
    ) -> Result<()> {
        let mut from = start;
        while from < at {
            let piece = self.piece(vnode, from, at).await?;
            if piece.length == 0 {
                return Err(Error::Bug);
            }
            let offset = u32::try_from(from.saturating_sub(start)).map_err(|_| Error::Bug)?;
            // The unit that the content ends in has zeros behind that.
            let unit = self.units().unit;
            let length = piece.length.next_multiple_of(unit.max(1));
            let bytes = u32::try_from(length).map_err(|_| Error::Bug)?;
            self.program_piece(piece.source, block, offset, bytes).await?;
            from = from.saturating_add(length);
        }
        Ok(())
    }

    /// Ends a transfer of which the first `done` bytes were carried out, if `status` is `Ok`.
    pub(super) async fn complete_op(
        &mut self,
        op: OpId,
        done: u64,
        status: Result<()>,
        durability: Durability,
    ) -> Result<VnodeId> {
        let (operation, vnode) = self.operations.get(op)?;
        if operation.writes && status.is_ok() && done > 0 {
            let ready = self.ready_to_add(vnode, op, done).await;
            self.operations.lend_none();
            let stop = ready?;
            self.add_transferred(vnode, op, stop)?;
        }
        self.end_op(op);
        if durability == Durability::Committed {
            self.commit_content(vnode).await?;
        }
        Ok(vnode)
    }

    /// Makes room in the draft for the runs of a transfer; says at which byte what counts of it
    /// ends. May commit what the file has uncommitted.
    async fn ready_to_add(&mut self, vnode: VnodeId, op: OpId, done: u64) -> Result<u64> {
        let units = self.units();
        self.operation(op)?.lends = true;
        let Operation { from, end, size, .. } = *self.operation(op)?;
        let (runs, (replaced, _)) = (self.operation(op)?.runs.len(), self.operation(op)?.replaced);
        let room = Room { runs, replaced: Some(replaced) };
        let mut again = self.node(vnode)?.home != Home::Nowhere;
        loop {
            self.make_draft(vnode).await?;
            let apart = units.index(from) > units.index(self.valid_of(vnode)?);
            let next = if apart { from } else { 0 };
            let fits = match self.lead_to(vnode, next).await {
                Ok(()) => self.room_for_runs(vnode, units.index(from), room).await,
                failed => failed,
            };
            match fits {
                Err(Error::DraftTooBig) if again => self.commit_content(vnode).await?,
                fits => break fits?,
            }
            again = false;
        }
        let stop = from.saturating_add(done).min(end);
        if stop == end || mutant::on(Mutant::WholeRangeCompleted) {
            return Ok(end);
        }
        // A unit of which a part was programmed does not count, and where the content went on
        // behind the range a block counts whole.
        let whole = units.unit_start(stop);
        Ok(if whole < size { units.start(units.index(whole)).max(from) } else { whole })
    }

    /// Makes what was transferred, up to byte `stop`, a part of the draft. No I/O.
    fn add_transferred(&mut self, vnode: VnodeId, op: OpId, stop: u64) -> Result<()> {
        let units = self.units();
        let from = self.operation(op)?.from;
        if stop <= from {
            return Ok(());
        }
        let (first, last) = (units.index(from), units.index_after(stop));
        let draft = self.draft_mut(vnode)?;
        if draft.open.is_some_and(|open| (first..last).contains(&open.index)) {
            // All that it has is in the block of the transfer.
            if let Some(OpenBlock { block, fresh: true, .. }) = draft.open.take() {
                self.txn.unpin(block, 1);
            }
        }
        let runs: heapless::Vec<OpRun, OP_RUNS> = core::mem::take(&mut self.operation(op)?.runs);
        for run in runs {
            let OpRun { index, block, blocks } = run;
            let bytes = stop.saturating_sub(units.start(index));
            let most = units.units(blocks.into());
            let whole = u32::try_from(bytes.div_ceil(units.unit)).unwrap_or(most).min(most);
            let used = units.blocks(whole);
            self.txn.unpin(block.plus(used), blocks.saturating_sub(used));
            if used > 0 {
                self.place_run(vnode, DraftRun { index, block, units: whole, fresh: true })?;
            }
        }
        self.written(vnode, from, stop)?;
        // It may not be written on: the units behind are another block's.
        self.table.get_mut(vnode)?.last = None;
        Ok(())
    }

    /// Holds the blocks that a run to read lies in; `false` if no more can be held.
    fn hold(&mut self, op: OpId, extent: &Extent) -> Result<bool> {
        let units = self.units();
        let (first, last) = (
            units.index(extent.physical.0),
            units.index_after(extent.physical.0.saturating_add(extent.length)),
        );
        let block = BlockNo(u32::try_from(first).map_err(|_| Error::Bug)?);
        let blocks = u32::try_from(last.saturating_sub(first)).map_err(|_| Error::Bug)?;
        if self.operation(op)?.runs.is_full() || !self.txn.hold_read(block, blocks) {
            return Ok(false);
        }
        let index = units.index(extent.logical.0);
        let run = OpRun { index, block, blocks };
        self.operation(op)?.runs.push(run).map_err(|_| Error::Bug)?;
        Ok(true)
    }

    /// Holds no longer what was held last: its run is not mapped.
    fn release_last(&mut self, op: Option<OpId>) -> Result<()> {
        let Some(op) = op else { return Ok(()) };
        if let Some(run) = self.operation(op)?.runs.pop() {
            self.txn.release_read(run.block, run.blocks);
        }
        Ok(())
    }

    /// Begins a transfer, which uses the file until it ends.
    fn begin_op(&mut self, vnode: VnodeId, writes: bool, from: u64) -> Result<OpId> {
        self.table.engage(vnode)?;
        let begun = self.operations.start(vnode, writes, from);
        if begun.is_err() {
            self.table.disengage(vnode);
        }
        begun
    }

    /// A transfer that goes on where its last call ended.
    fn going_on(&mut self, op: OpId, vnode: VnodeId, writes: bool, from: u64) -> Result<OpId> {
        let (operation, file) = self.operations.get(op)?;
        let fits = file == vnode && operation.writes == writes && operation.end == from;
        if fits { Ok(op) } else { Err(Error::Invalid) }
    }
}
