//! Patches: overwritten units of a content that lie elsewhere than its runs.
//!
//! An overwrite of one or two units goes to the next slots of a *patch block* of its region, 256
//! units of the content, instead of copying the block that they are in. An item for each region
//! says where its patched units are; whoever writes a whole block of the content again takes what
//! is patched in it along and forgets it there. A patch block belongs to its item: the transaction
//! that forgets its last unit gives it back.
//!
//! A region has few patch blocks. When the next one would be one too many, the sparsest gives what
//! it still holds to the new one, if that is little; else the overwrite copies its block, as one
//! of many units does, and that empties patch blocks in time. So what is dead is bounded, and so
//! is what one call does.
//!
//! A slot is tried once. The next one of the newest block is known only if this session chose the
//! block and no draft with slots in a patch block was given up since: the stamp in the item tells.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::put_cost;
use super::Vellum;
use super::plan::{CHANGES_MAX, COST_MAX, Changes, Which};
use super::view::{Piece, Source};
use crate::api::VnodeId;
use crate::error::{Error, Field, Malformed, Result};
use crate::format::key::{Key, Kind};
use crate::format::patch::{BLOCKS_MAX, BYTES_MAX, Patches, REGION, UNITS_MAX};
use crate::memory::{DRAFT_PATCHES, Draft, DraftPatch, DraftRun, MOVED_MAX, Moved, Node, Progress};
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, ByteOffset, ObjectId};

/// Units of one block that a draft overwrites one by one; more, and the block is copied.
const UNITS_OF_A_BLOCK: usize = 2;
/// Changes of blocks that a slot in a new patch block may need: that one, the one that it empties,
/// and one that is dead.
const SLOT_CHANGES: usize = 3;

/// The item of a region.
pub(super) struct Region {
    pub number: u64,
    pub patches: Patches,
}

impl<D> Vellum<'_, D> {
    /// Number of the unit of the content that begins at byte `at`.
    fn unit_number(&self, at: u64) -> u64 {
        at.checked_div(self.units().unit).unwrap_or(0)
    }

    /// Units of the region `number` that lie in the blocks `from..to` of the content.
    fn units_within(&self, number: u64, from: u64, to: u64) -> (u64, u64) {
        let per_block = u64::from(self.units().per_block);
        let start = number.saturating_mul(REGION);
        let within = |block: u64| block.saturating_mul(per_block).saturating_sub(start).min(REGION);
        (within(from), within(to))
    }

    /// The patches of the draft, in the region `number`.
    fn drafted(
        &self,
        vnode: VnodeId,
        number: u64,
    ) -> Result<heapless::Vec<DraftPatch, DRAFT_PATCHES>> {
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let here = |patch: &&DraftPatch| patch.unit / REGION == number;
        Ok(draft.patches.iter().filter(here).copied().collect())
    }

    /// What the patches of the draft say about byte `at`; else how far they are not concerned.
    pub(super) fn of_patches(
        &self,
        vnode: VnodeId,
        at: u64,
        end: u64,
    ) -> Result<Result<Piece, u64>> {
        let units = self.units();
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let mut end = end;
        for patch in draft.patches.iter().filter(|patch| patch.progress == Progress::Live) {
            let start = patch.unit.saturating_mul(units.unit);
            let stop = start.saturating_add(units.unit);
            if (start..stop).contains(&at) {
                let place = self.place_of_slot(patch.block, patch.slot.into());
                let source = Source::Device(place.plus(at.saturating_sub(start)));
                return Ok(Ok(Piece { source, length: stop.min(end).saturating_sub(at) }));
            }
            if at < start {
                end = end.min(start);
            }
        }
        Ok(Err(end))
    }

    fn place_of_slot(&self, block: BlockNo, slot: u32) -> ByteOffset {
        let units = self.units();
        ByteOffset(u64::from(block.0).saturating_mul(units.block)).plus(units.bytes(slot))
    }

    /// The patches of the draft in the blocks `from..to` no longer count.
    pub(super) fn kill_patches(&mut self, vnode: VnodeId, from: u64, to: u64) -> Result<()> {
        let per_block = u64::from(self.units().per_block);
        for patch in &mut self.draft_mut(vnode)?.patches {
            let block = patch.unit.checked_div(per_block).unwrap_or(0);
            if (from..to).contains(&block) {
                patch.progress = Progress::Dead;
            }
        }
        Ok(())
    }

    /// The patches of the draft behind byte `size` no longer count.
    pub(super) fn cut_patches(&mut self, vnode: VnodeId, size: u64) -> Result<()> {
        let unit = self.units().unit;
        for patch in &mut self.draft_mut(vnode)?.patches {
            if patch.unit.saturating_mul(unit) >= size {
                patch.progress = Progress::Dead;
            }
        }
        Ok(())
    }

    /// Gives the patches of a draft up, or over to the log.
    pub(super) fn drop_patches(&mut self, vnode: VnodeId, committed: bool) -> Result<()> {
        let draft = self.draft_mut(vnode)?;
        let patches = core::mem::take(&mut draft.patches);
        draft.moved = None;
        for patch in patches.iter().filter(|patch| patch.fresh) {
            self.txn.unpin(patch.block, 1);
        }
        if !committed && !patches.is_empty() && !mutant::on(Mutant::AbandonedSlotReused) {
            // Slots were tried that no item tells of.
            self.patch_floor = self.txn.journal().sequence();
        }
        Ok(())
    }

    /// The slot that was chosen for the unit of the open block.
    fn planned(&self, vnode: VnodeId) -> Result<Option<DraftPatch>> {
        let units = self.units();
        let Some(draft) = self.draft_of(vnode)? else { return Ok(None) };
        let Some(open) = draft.open.filter(|open| open.block == BlockNo(0)) else {
            return Ok(None);
        };
        let unit =
            open.index.saturating_mul(units.per_block.into()).saturating_add(open.units.into());
        let planned =
            |patch: &&DraftPatch| patch.unit == unit && patch.progress == Progress::Planned;
        Ok(draft.patches.iter().find(planned).copied())
    }

    fn set_progress(
        &mut self,
        vnode: VnodeId,
        slot: &DraftPatch,
        progress: Progress,
    ) -> Result<()> {
        for patch in &mut self.draft_mut(vnode)?.patches {
            if patch.block == slot.block && patch.slot == slot.slot {
                patch.progress = progress;
            } else if patch.unit == slot.unit && progress == Progress::Live {
                patch.progress = Progress::Dead;
            }
        }
        Ok(())
    }

    /// Whether the draft may overwrite the unit at byte `at` without copying its block, as far as
    /// RAM knows.
    fn may_patch(&self, vnode: VnodeId, at: u64) -> Result<bool> {
        let units = self.units();
        let Node { inode, .. } = *self.node(vnode)?;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let index = units.index(at);
        let whole = units.index(draft.base.min(inode.valid).min(draft.valid));
        let same = draft.data == inode.data && !draft.replaced && !draft.announced;
        let claimed =
            draft.open.is_some_and(|open| open.index == index && open.block != BlockNo(0));
        let concerned = |run: &DraftRun| {
            let end = run.index.saturating_add(self.blocks_of(run));
            // Behind a block that was just written whole the next one will be, too.
            (run.index..end).contains(&index) || (end == index && units.unit_of(at) == 0)
        };
        let unit = self.unit_number(at);
        let per_block = u64::from(units.per_block);
        let beside = |patch: &&DraftPatch| {
            patch.unit.checked_div(per_block) == Some(index)
                && patch.unit != unit
                && patch.progress != Progress::Dead
        };
        let others = draft.patches.iter().filter(beside).count();
        Ok(same
            && !claimed
            && index < whole
            && units.per_block <= UNITS_MAX
            && !draft.patches.is_full()
            && others < UNITS_OF_A_BLOCK
            && !draft.runs.iter().any(concerned))
    }

    /// Patch blocks that the region `number` of a content of `valid` bytes may have: fewer if it
    /// has fewer blocks.
    fn patch_blocks_max(&self, number: u64, valid: u64) -> usize {
        let units = self.units();
        let start = number.saturating_mul(REGION).checked_div(units.per_block.into()).unwrap_or(0);
        let blocks = usize::try_from(units.index_after(valid).saturating_sub(start));
        Patches::blocks_max(units.per_block).min(blocks.unwrap_or(BLOCKS_MAX)).max(1)
    }

    /// The first region from `number` on that the draft's runs or patches may change.
    fn touched(&self, vnode: VnodeId, number: u64, which: Which) -> Result<Option<u64>> {
        let per_block = u64::from(self.units().per_block);
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let patches = draft.patches.iter().map(|patch| patch.unit / REGION);
        let mut first = patches.filter(|region| which == Which::All && *region >= number).min();
        let mut from = 0;
        while let Some(run) = self.next_run(vnode, from, which)? {
            let end = run.index.saturating_add(self.blocks_of(&run));
            from = end;
            let low = run.index.saturating_mul(per_block) / REGION;
            let high = end.saturating_mul(per_block).saturating_sub(1) / REGION;
            if drops_patches(&run) && high >= number {
                let region = low.max(number);
                first = Some(first.map_or(region, |first| first.min(region)));
            }
        }
        Ok(first)
    }

    /// Takes one block without a live slot out of the item and gives it back; none that a draft has
    /// slots in. Others wait for the next change of the region.
    fn give_dead(&mut self, changes: &mut Changes<'_>, patches: &mut Patches) -> Result<()>
    where
        D: BlockDevice,
    {
        let drafts = self.drafts.iter().filter(|draft| draft.used);
        let held = |block: BlockNo| {
            drafts.clone().any(|draft| {
                draft.patches.iter().any(|patch| patch.block == block)
                    || draft.moved.is_some_and(|moved| moved.from == block)
            })
        };
        let dead = patches
            .blocks()
            .find(|block| patches.live_of(*block).next().is_none() && !held(*block));
        let Some(block) = dead else { return Ok(()) };
        patches.remove(block).ok_or(Error::Bug)?;
        if !mutant::on(Mutant::DeadPatchBlockKept) {
            changes.blocks(&mut self.txn, block, 1, false)?;
        }
        Ok(())
    }

    /// Adds the item as it is now, or that it is no more.
    fn put_region(
        &mut self,
        changes: &mut Changes<'_>,
        data: ObjectId,
        region: &Region,
        absent: bool,
    ) -> Result<()>
    where
        D: BlockDevice,
    {
        let key = Patches::key(data, region.number, self.units().unit);
        match (region.patches.is_empty(), absent) {
            (true, true) => Ok(()),
            (true, false) => changes.delete(&mut self.txn, key),
            _ => changes.put(&mut self.txn, key, region.patches.as_bytes(), absent),
        }
    }

    /// What a run in block `index` may cost because its region is patched: bytes, and changes.
    pub(super) fn patch_allowance(&self, vnode: VnodeId, index: u64) -> Result<(usize, usize)> {
        let node = self.node(vnode)?;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let number = self.region_with(index);
        let (from, to) = node.unpatched;
        let unpatched = (u64::from(from)..u64::from(to)).contains(&number);
        if draft.data != node.inode.data || (unpatched && self.drafted(vnode, number)?.is_empty()) {
            return Ok((0, 0));
        }
        // What is counted already will not be counted twice.
        let counted = self.touched(vnode, number, Which::All)? == Some(number);
        let bytes = put_cost(Patches::bytes_max(self.units().per_block));
        Ok((if counted { 0 } else { bytes }, 1))
    }

    /// The item of a region, if it keeps every rule. Not inlined: it lies on the stack for this
    /// call alone, and not below the reads of who asks.
    #[inline(never)]
    pub(super) fn region_of(&self, key: Key, value: &[u8]) -> Result<Region> {
        let units = self.units();
        let patches =
            Patches::from_value(value, units.per_block).map_err(|rule| self.malformed(rule))?;
        let bytes = units.unit.saturating_mul(REGION);
        let last = self.txn.superblock().block_count.0.saturating_sub(1);
        let inside = patches.blocks().all(|block| block.0 < last);
        if !inside || !key.offset.is_multiple_of(bytes) || units.per_block > UNITS_MAX {
            return Err(self.malformed(Malformed::Field(Field::Patch)));
        }
        Ok(Region { number: key.offset.checked_div(bytes).unwrap_or(0), patches })
    }
}

/// Whether what `run` covers no longer shows through: not where a block is written on in its place.
fn drops_patches(run: &DraftRun) -> bool {
    (run.fresh || run.block == BlockNo(0)) && !mutant::on(Mutant::PatchOutlivesBlock)
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// The item of the first region of `data` from `number` on that has patches.
    pub(super) async fn region_from(
        &mut self,
        data: ObjectId,
        number: u64,
    ) -> Result<Option<Region>> {
        let units = self.units();
        let mut value = [0; BYTES_MAX];
        let key = Patches::key(data, number, units.unit);
        let found = self.txn.next(key, &mut value).await?;
        let found = found.filter(|(key, _)| key.object == data && key.kind == Kind::PATCH);
        let Some((key, length)) = found else { return Ok(None) };
        self.region_of(key, value.get(..length).unwrap_or_default()).map(Some)
    }

    /// Where the byte `at` of the committed content comes from if it is patched; else up to where
    /// nothing is.
    pub(super) async fn patched(
        &mut self,
        vnode: VnodeId,
        data: ObjectId,
        at: u64,
        end: u64,
    ) -> Result<Result<Piece, u64>> {
        let units = self.units();
        let unit = self.unit_number(at);
        let number = unit / REGION;
        let bytes = units.unit.saturating_mul(REGION);
        let (from, to) = self.node(vnode)?.unpatched;
        let own = data == self.node(vnode)?.inode.data;
        if !own {
            return Ok(Err(end));
        }
        if (u64::from(from)..u64::from(to)).contains(&number) {
            let stop = if to == u32::MAX { end } else { u64::from(to).saturating_mul(bytes) };
            return Ok(Err(end.min(stop)));
        }
        let region = self.region_from(data, number).await?;
        let found = region.as_ref().map(|region| region.number);
        let Some(region) = region.filter(|_| found == Some(number)) else {
            let from = u32::try_from(number).unwrap_or(u32::MAX);
            let to = found.and_then(|next| u32::try_from(next).ok()).unwrap_or(u32::MAX);
            self.table.get_mut(vnode)?.unpatched = (from, to);
            return Ok(Err(found.map_or(end, |next| next.saturating_mul(bytes).min(end))));
        };
        let within = u8::try_from(unit % REGION).map_err(|_| Error::Bug)?;
        let start = unit.saturating_mul(units.unit);
        if let Some(slot) = region.patches.find(within) {
            let stop = start.saturating_add(units.unit).min(end);
            let place = self.place_of_slot(slot.block, slot.slot);
            let source = Source::Device(place.plus(at.saturating_sub(start)));
            return Ok(Ok(Piece { source, length: stop.saturating_sub(at) }));
        }
        let first = number.saturating_mul(REGION);
        let next = region.patches.next(within).map_or(REGION, u64::from);
        Ok(Err(end.min(first.saturating_add(next).saturating_mul(units.unit))))
    }

    /// Looks whether the content of `vnode` has patches at all, unless that is known.
    pub(super) async fn learn_patches(&mut self, vnode: VnodeId) -> Result<()> {
        let data = self.node(vnode)?.inode.data;
        if self.node(vnode)?.unpatched == (0, 0) && self.region_from(data, 0).await?.is_none() {
            self.table.get_mut(vnode)?.unpatched = (0, u32::MAX);
        }
        Ok(())
    }

    /// Chooses a slot for the unit of the open block at byte `at`, so that it can be programmed
    /// without its block. `false` if that is not possible, or not worth it.
    pub(super) async fn claim_slot(&mut self, vnode: VnodeId, at: u64) -> Result<bool> {
        if self.planned(vnode)?.is_some() {
            return Ok(true);
        }
        if !self.may_patch(vnode, at)? || !self.is_stored(vnode, at).await? {
            return Ok(false);
        }
        let mut changes = Changes::counted();
        self.plan_content(&mut changes, vnode).await?;
        let cost = changes.cost.saturating_add(self.attributes_allowance(vnode)?);
        let cost = cost.saturating_add(put_cost(Patches::bytes_max(self.units().per_block)));
        if cost > COST_MAX || changes.runs.saturating_add(SLOT_CHANGES) > CHANGES_MAX {
            return Ok(false);
        }
        let unit = self.unit_number(at);
        let drafted = self.drafted(vnode, unit / REGION)?;
        let newest = drafted.iter().max_by_key(|patch| patch.slot);
        let slot = match newest {
            Some(newest) => {
                let slot = u32::from(newest.slot).saturating_add(1);
                (slot < self.units().per_block).then_some((newest.block, slot, newest.fresh))
            }
            None => self.choose_slot(vnode, unit / REGION).await?,
        };
        let Some((block, slot, fresh)) = slot else { return Ok(false) };
        let slot = u16::try_from(slot).map_err(|_| Error::Bug)?;
        let patch = DraftPatch { unit, block, slot, fresh, progress: Progress::Planned };
        let draft = self.draft_mut(vnode)?;
        draft.spare = BlockNo(0);
        draft.patches.push(patch).map_err(|_| Error::Bug)?;
        Ok(true)
    }

    /// Whether the log has the unit at byte `at` in a run.
    async fn is_stored(&mut self, vnode: VnodeId, at: u64) -> Result<bool> {
        let units = self.units();
        let data = self.node(vnode)?.inode.data;
        let run = match self.known(vnode, units.index(at)) {
            None => self.run_at(data, units.index(at)).await?,
            known => known,
        };
        Ok(run.is_some_and(|run| {
            !run.unwritten && units.start(run.index).saturating_add(units.bytes(run.units)) > at
        }))
    }

    /// The next slot of the region `number`, which the draft has no slots in: its block, whether
    /// that is pinned. A new block is the draft's spare one.
    async fn choose_slot(
        &mut self,
        vnode: VnodeId,
        number: u64,
    ) -> Result<Option<(BlockNo, u32, bool)>> {
        let Node { inode, .. } = *self.node(vnode)?;
        let per_block = self.units().per_block;
        let region = self.region_from(inode.data, number).await?;
        let region = region.filter(|region| region.number == number);
        let patches = region.map_or_else(|| Patches::empty(per_block), |region| region.patches);
        let continued = patches.stamp() >= self.patch_floor || mutant::on(Mutant::ForeignSlotUsed);
        let newest = patches.newest().filter(|newest| continued && newest.slot < per_block);
        if let Some(newest) = newest {
            return Ok(Some((newest.block, newest.slot, false)));
        }
        let full = patches.len() >= self.patch_blocks_max(number, inode.valid);
        let most = usize::try_from(per_block / 2).unwrap_or(0).min(MOVED_MAX);
        let sparsest = patches.sparsest().filter(|(_, live)| full && *live <= most);
        let taken = self.draft_of(vnode)?.ok_or(Error::Bug)?.moved.is_some();
        if full && (sparsest.is_none() || taken) {
            return Ok(None);
        }
        let near = patches.newest().map_or(BlockNo(0), |newest| newest.block);
        let block = match self.take_block(near).await {
            Err(Error::NoSpace | Error::NoDraft) => return Ok(None),
            taken => taken?,
        };
        self.draft_mut(vnode)?.spare = block;
        let Some((from, _)) = sparsest else { return Ok(Some((block, 0, true))) };
        let mut moved = Moved { from, block, units: [0; MOVED_MAX], count: 0 };
        let unit = u32::try_from(self.units().unit).map_err(|_| Error::Bug)?;
        for ((slot, held), place) in patches.live_of(from).zip(&mut moved.units) {
            let to = u32::from(moved.count).saturating_mul(unit);
            self.txn.copy_data(self.place_of_slot(from, slot), block, to, unit).await?;
            *place = held;
            moved.count = moved.count.saturating_add(1);
        }
        self.draft_mut(vnode)?.moved = Some(moved);
        Ok(Some((block, moved.count.into(), true)))
    }

    /// Programs the unit in the buffer into the slot that was chosen for it. `false` if there is
    /// none.
    pub(super) async fn flush_patch(&mut self, vnode: VnodeId) -> Result<bool> {
        // A write that failed may have left a slot without anything for it.
        let dirty =
            self.draft_of(vnode)?.and_then(|draft| draft.open).is_some_and(|open| open.dirty);
        let Some(patch) = self.planned(vnode)?.filter(|_| dirty) else { return Ok(false) };
        // Whatever becomes of the program, nothing else goes there.
        self.set_progress(vnode, &patch, Progress::Dead)?;
        let units = self.units();
        let number = usize::from(self.node(vnode)?.draft.ok_or(Error::Bug)?);
        let offset = u32::try_from(units.bytes(patch.slot.into())).map_err(|_| Error::Bug)?;
        let bytes = usize::try_from(units.unit).map_err(|_| Error::Bug)?;
        let Self { txn, drafts, .. } = self;
        let draft = drafts.get_mut(number).ok_or(Error::Bug)?;
        let unit = draft.bytes.get(..bytes).ok_or(Error::Bug)?;
        txn.write_data(patch.block, offset, unit).await?;
        self.set_progress(vnode, &patch, Progress::Live)?;
        let open = self.draft_mut(vnode)?.open.as_mut().ok_or(Error::Bug)?;
        (open.units, open.loaded, open.dirty) = (open.units.saturating_add(1), false, false);
        if open.units >= units.per_block {
            self.close_open(vnode)?;
        }
        Ok(true)
    }

    /// Adds what the commit changes in the patches of `data`: those of blocks that are written
    /// whole go, those of the draft come.
    pub(super) async fn plan_patches(
        &mut self,
        changes: &mut Changes<'_>,
        vnode: VnodeId,
        data: ObjectId,
        which: Which,
    ) -> Result<()> {
        let node = *self.node(vnode)?;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let nothing = node.unpatched == (0, u32::MAX) && draft.patches.is_empty();
        if nothing || draft.replaced || data != node.inode.data {
            return Ok(());
        }
        let mut from = 0;
        while let Some(number) = self.touched(vnode, from, which)? {
            let stored = self.region_from(data, number).await?;
            let found = stored.as_ref().map_or(u64::MAX, |region| region.number);
            let drafted = self.drafted(vnode, number)?;
            if found != number && (drafted.is_empty() || which != Which::All) {
                // Nothing is there; the next that may be is one with an item, or of the draft.
                let next = draft_region_after(self.draft_of(vnode)?.ok_or(Error::Bug)?, number);
                from = found.min(next);
                if from == u64::MAX {
                    break;
                }
                continue;
            }
            let absent = found != number;
            let empty = Patches::empty(self.units().per_block);
            let patches = stored.filter(|_| !absent).map_or(empty, |region| region.patches);
            let mut region = Region { number, patches };
            if self.change_region(changes, vnode, &mut region, which)? {
                self.put_region(changes, data, &region, absent)?;
            }
            from = number.saturating_add(1);
        }
        Ok(())
    }

    /// Forgets some of the patches of `data` behind block `first`; `false` if there are none.
    pub(super) async fn trim_patches(
        &mut self,
        changes: &mut Changes<'_>,
        data: ObjectId,
        first: u64,
    ) -> Result<bool> {
        let mut from = self.region_with(first);
        while let Some(mut region) = self.region_from(data, from).await? {
            let (low, high) = self.units_within(region.number, first, u64::MAX);
            let forgotten = region.patches.forget(low, high);
            let before = region.patches.len();
            self.give_dead(changes, &mut region.patches)?;
            if forgotten || region.patches.len() != before {
                self.put_region(changes, data, &region, false)?;
                return Ok(true);
            }
            from = region.number.saturating_add(1);
        }
        Ok(false)
    }
}

impl<D> Vellum<'_, D> {
    /// The region that block `index` of a content lies in.
    pub(super) fn region_with(&self, index: u64) -> u64 {
        index.saturating_mul(self.units().per_block.into()) / REGION
    }
}

fn draft_region_after(draft: &Draft, number: u64) -> u64 {
    let regions = draft.patches.iter().map(|patch| patch.unit / REGION);
    regions.filter(|region| *region > number).min().unwrap_or(u64::MAX)
}

impl<D: BlockDevice> Vellum<'_, D> {
    /// Changes what an item says as the draft will have it. Says whether that is a difference.
    fn change_region(
        &mut self,
        changes: &mut Changes<'_>,
        vnode: VnodeId,
        region: &mut Region,
        which: Which,
    ) -> Result<bool> {
        let mut differs = false;
        let mut from = 0;
        while let Some(run) = self.next_run(vnode, from, which)? {
            from = run.index.saturating_add(self.blocks_of(&run));
            if drops_patches(&run) {
                let (low, high) = self.units_within(region.number, run.index, from);
                differs |= region.patches.forget(low, high);
            }
        }
        if which == Which::All {
            differs |= self.place_drafted(changes, vnode, region)?;
        }
        if differs {
            self.give_dead(changes, &mut region.patches)?;
        }
        Ok(differs)
    }

    /// Adds the patches of the draft to the item.
    fn place_drafted(
        &mut self,
        changes: &mut Changes<'_>,
        vnode: VnodeId,
        region: &mut Region,
    ) -> Result<bool> {
        let drafted = self.drafted(vnode, region.number)?;
        let Some(newest) = drafted.first().copied() else { return Ok(false) };
        let live = drafted.iter().any(|patch| patch.progress == Progress::Live);
        if newest.fresh && !live {
            return Ok(false);
        }
        if newest.fresh {
            let stamp = self.txn.journal().sequence();
            let moved = self.draft_of(vnode)?.ok_or(Error::Bug)?.moved;
            let moved = moved.filter(|moved| moved.block == newest.block);
            let mut kept = [None; MOVED_MAX];
            if let Some(moved) = &moved {
                for (kept, unit) in kept.iter_mut().zip(moved.units).take(moved.count.into()) {
                    let slot = region.patches.find(unit);
                    *kept = slot.filter(|slot| slot.block == moved.from).map(|_| unit);
                }
                region.patches.remove(moved.from).ok_or(Error::Bug)?;
                changes.blocks(&mut self.txn, moved.from, 1, false)?;
            }
            region.patches.push(newest.block, stamp).ok_or(Error::Bug)?;
            changes.blocks(&mut self.txn, newest.block, 1, true)?;
            let count = moved.map_or(0, |moved| moved.count);
            for (slot, unit) in (0..u32::from(count)).zip(kept) {
                region.patches.place(slot, unit).ok_or(Error::Bug)?;
            }
        }
        if region.patches.newest().map(|slot| slot.block) != Some(newest.block) {
            return Err(Error::Bug);
        }
        for patch in &drafted {
            let unit = u8::try_from(patch.unit % REGION).map_err(|_| Error::Bug)?;
            let live = patch.progress == Progress::Live;
            region.patches.place(patch.slot.into(), live.then_some(unit)).ok_or(Error::Bug)?;
        }
        Ok(true)
    }
}
