//! What a commit of a content in blocks changes in the log.
//!
//! Every plan is gone through twice: once to count what it costs, before room is made for it, and
//! once to put it into the transaction. Nothing changes in between, so both say the same.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Batch, DELETE_COST, Purpose, RUN_BYTES, Txn, put_cost};
use super::Vellum;
use super::runs::{RUN_BLOCKS_MAX, StoredRun};
use crate::api::VnodeId;
use crate::error::{Error, Finding, Result};
use crate::format::change::Run;
use crate::format::dirent::BYTES_MAX as DIRENT_MAX;
use crate::format::extent::{self, Placement};
use crate::format::inline;
use crate::format::inode::Inode;
use crate::format::intent::{self, Intent, IntentKind};
use crate::format::key::{Key, Kind};
use crate::format::tail;
use crate::memory::{DRAFT_RUNS, Draft, DraftRun, Node, Stored};
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, ObjectId};

/// What a commit may cost with the file's attributes: a record holds that, and what a later cut of
/// the file adds.
pub(super) const COST_MAX: usize = 960;
/// What the commit of a tail deletes. What it puts is not counted: where a record has no room for
/// that, the tail goes into its block.
const TAIL_COST: usize = tail::FRAGMENTS_MAX * DELETE_COST;
/// Changes of blocks that a commit may have. Each may add two runs to the pending set, which keeps
/// room for those of a fold; the rest holds what the last folds have brought, and no fold removes
/// those for long.
pub(super) const CHANGES_MAX: usize = 12;
/// The most that one more run costs: itself, and a run of the log that it cuts in two.
const RUN_COST: usize = 3 * put_cost(extent::SIZE) + 2 * 7;
/// Changes of blocks that moving the end of a content takes.
const END_CHANGES: usize = 2;
/// Runs whose commit is cheap enough without counting, if they replace nothing.
const RUNS_UNCOUNTED: usize = 5;
/// Items of a content that go with the commit that replaces it. They cost the record little more
/// than the intent that longer ones leave.
const SHORT_ITEMS: usize = 2;
type ShortItems = heapless::Vec<(Key, Option<StoredRun>), SHORT_ITEMS>;
/// The highest byte of a content.
const TO_THE_END: u64 = (1 << 48) - 1;

/// The changes of a plan: counted, or put into a transaction.
pub(super) struct Changes<'b> {
    batch: Option<&'b mut Batch>,
    /// Bytes of the pending set.
    pub cost: usize,
    /// Changes of blocks.
    pub runs: usize,
    /// How much of the bytes is the tail.
    tail: usize,
}

impl<'b> Changes<'b> {
    pub const fn counted() -> Self {
        Self { batch: None, cost: 0, runs: 0, tail: 0 }
    }

    pub const fn into_batch(batch: &'b mut Batch) -> Self {
        Self { batch: Some(batch), cost: 0, runs: 0, tail: 0 }
    }

    pub fn put<D: BlockDevice>(
        &mut self,
        txn: &mut Txn<'_, D>,
        key: Key,
        value: &[u8],
        absent: bool,
    ) -> Result<()> {
        self.cost = self.cost.saturating_add(put_cost(value.len()));
        match &mut self.batch {
            Some(batch) => txn.put(batch, key, value, absent),
            None => Ok(()),
        }
    }

    pub fn delete<D: BlockDevice>(&mut self, txn: &mut Txn<'_, D>, key: Key) -> Result<()> {
        self.cost = self.cost.saturating_add(DELETE_COST);
        match &mut self.batch {
            Some(batch) => txn.delete(batch, key),
            None => Ok(()),
        }
    }

    /// `count` blocks are used from now on, or free.
    pub fn blocks<D: BlockDevice>(
        &mut self,
        txn: &mut Txn<'_, D>,
        start: BlockNo,
        count: u64,
        used: bool,
    ) -> Result<()> {
        let length = u16::try_from(count).map_err(|_| Error::Bug)?;
        if length == 0 {
            return Ok(());
        }
        self.runs = self.runs.saturating_add(1);
        let run = Run { start, length };
        match &mut self.batch {
            Some(batch) if used => txn.take(batch, run),
            Some(batch) => txn.give(batch, run),
            None => Ok(()),
        }
    }

    /// All ids below `next` are given away.
    pub fn ids<D: BlockDevice>(&mut self, txn: &mut Txn<'_, D>, next: ObjectId) -> Result<()> {
        self.cost = self.cost.saturating_add(8);
        match &mut self.batch {
            Some(batch) => txn.give_ids(batch, next),
            None => Ok(()),
        }
    }
}

/// What is going to be added to a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Runs.
    pub runs: usize,
    /// Times [`GONE_COST`] that what the log has in their place costs, if that was counted.
    pub replaced: Option<usize>,
}

/// What it costs that a run of the log goes.
pub(super) const GONE_COST: usize = DELETE_COST + RUN_BYTES;

/// A run to be put, and whether its key is new.
#[derive(Clone, Copy)]
struct Out {
    run: StoredRun,
    absent: bool,
    /// Whether the log has it so already.
    known: bool,
}

/// Which runs of a draft are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All.
    All,
    /// Those that can go to the log before the commit.
    Early,
}

impl<D> Vellum<'_, D> {
    /// The run of the draft that comes first from block `from` of the content on. The open block is
    /// one of them.
    pub(super) fn next_run(
        &self,
        vnode: VnodeId,
        from: u64,
        which: Which,
    ) -> Result<Option<DraftRun>> {
        let inode = self.node(vnode)?.inode;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let open = draft.open.filter(|open| {
            let programmed = open.block != BlockNo(0) && open.units > 0;
            which == Which::All && programmed && (open.fresh || open.grown)
        });
        let open = open.map(|open| DraftRun {
            index: open.index,
            block: open.block,
            units: open.units,
            fresh: open.fresh,
        });
        let early = |run: &DraftRun| which == Which::All || self.may_go_early(&inode, draft, run);
        let runs = draft.runs.iter().copied().filter(early).chain(open);
        Ok(runs.filter(|run| run.index >= from).min_by_key(|run| run.index))
    }

    /// Whether `run` can go to the log before the commit: nobody would see it there.
    fn may_go_early(&self, inode: &Inode, draft: &Draft, run: &DraftRun) -> bool {
        let units = self.units();
        let behind = run.index >= units.index_after(inode.valid);
        // The same bytes in another block are no change.
        let same = draft.low >= inode.valid && run.index >= units.index(inode.valid);
        draft.replaced || (draft.base >= inode.valid && (behind || same))
    }

    /// The object that the committed content of `vnode`'s draft belongs to, and whether it is new.
    pub(super) fn target_data(&self, vnode: VnodeId) -> Result<(ObjectId, bool)> {
        let Node { inode, .. } = *self.node(vnode)?;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let object = self.table.object(vnode)?;
        let next = ObjectId(self.txn.next_object().0.max(object.0.saturating_add(1)));
        Ok(match draft.stored {
            _ if draft.announced && !draft.inline => (draft.data, false),
            Stored::Runs if draft.replaced => (next, true),
            _ if inode.data != ObjectId(0) => (inode.data, false),
            _ if draft.valid == 0 => (ObjectId(0), false),
            _ => (object, false),
        })
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Adds that the runs of the draft are those of `data`: what they cover goes, blocks and all.
    async fn plan_runs(
        &mut self,
        changes: &mut Changes<'_>,
        vnode: VnodeId,
        data: ObjectId,
        which: Which,
    ) -> Result<()> {
        let mut from = 0;
        let none = self.node(vnode)?.inode.data == ObjectId(0);
        // The log never had anything of it, so nothing needs to be looked for.
        let bare = none && !self.draft_of(vnode)?.ok_or(Error::Bug)?.announced;
        let (mut out, mut rest): (Option<Out>, Option<StoredRun>) = (None, None);
        while let Some(run) = self.next_run(vnode, from, which)? {
            let end = run.index.saturating_add(self.blocks_of(&run));
            // What stands before it: what an earlier run left of one of the log, or what that has.
            let left = rest.take().map(|run| Out { run, absent: true, known: false });
            if let Some(left) = left {
                from = from.max(left.run.end());
                rest = self.before_run(changes, data, &mut out, left, &run, end)?;
            }
            let before = run.index.checked_sub(1);
            if let Some(index) = before.filter(|index| *index >= from && !bare) {
                if let Some(known) = self.run_at(data, index).await? {
                    let known = Out { run: known, absent: false, known: true };
                    rest = self.before_run(changes, data, &mut out, known, &run, end)?;
                }
            }
            let joined = self.joins(out.as_ref(), &run);
            let mut replaced = false;
            let mut scan = run.index;
            while rest.is_none() && scan < end && !bare {
                let old = self.run_from(data, scan).await?.filter(|old| old.index < end);
                let Some(old) = old else { break };
                if old.index == run.index && run.block != BlockNo(0) && !joined {
                    replaced = true;
                } else {
                    let key = Placement::key(data, self.units().start(old.index));
                    changes.delete(&mut self.txn, key)?;
                }
                rest = self.drop_part(changes, &old, &run, end)?;
                scan = old.end();
            }
            if run.fresh {
                let count = self.blocks_of(&run);
                changes.blocks(&mut self.txn, run.block, count, true)?;
            }
            self.add_run(changes, data, &mut out, &run, joined, replaced)?;
            from = end;
        }
        self.flush_run(changes, data, out)?;
        let rest = rest.map(|run| Out { run, absent: true, known: false });
        self.flush_run(changes, data, rest)
    }

    /// Takes in what stands before `run`, which ends before block `end`, as far as `run` does not
    /// cover it; what is left of it behind.
    fn before_run(
        &mut self,
        changes: &mut Changes<'_>,
        data: ObjectId,
        out: &mut Option<Out>,
        before: Out,
        run: &DraftRun,
        end: u64,
    ) -> Result<Option<StoredRun>> {
        if before.run.index < run.index {
            let flushed = out.replace(self.kept(before, run.index));
            self.flush_run(changes, data, flushed)?;
        }
        if before.run.end() <= run.index {
            return Ok(None);
        }
        self.drop_part(changes, &before.run, run, end)
    }

    fn flush_run(
        &mut self,
        changes: &mut Changes<'_>,
        data: ObjectId,
        out: Option<Out>,
    ) -> Result<()> {
        let Some(Out { run, absent, known: false }) = out else { return Ok(()) };
        let key = Placement::key(data, self.units().start(run.index));
        let value = self.placement_of(&run).encode().map_err(|_| Error::Bug)?;
        changes.put(&mut self.txn, key, &value, absent)
    }

    /// Gives the blocks back that `old` has in the place of `run`, which ends before block `end`;
    /// what is left of `old` behind it.
    fn drop_part(
        &mut self,
        changes: &mut Changes<'_>,
        old: &StoredRun,
        run: &DraftRun,
        end: u64,
    ) -> Result<Option<StoredRun>> {
        let from = old.index.max(run.index);
        let to = old.end().min(end);
        // A block that is written on in its place stays.
        let stays = !run.fresh && run.block != BlockNo(0);
        if !stays && !mutant::on(Mutant::ReplacedRunKept) {
            let count = to.saturating_sub(from);
            changes.blocks(&mut self.txn, old.place_of(from), count, false)?;
        }
        if old.end() <= end {
            return Ok(None);
        }
        let gone = end.saturating_sub(old.index);
        let units = old.units.saturating_sub(self.units().units(gone));
        let blocks = self.units().blocks(units);
        Ok(Some(StoredRun { index: end, block: old.place_of(end), units, blocks, ..*old }))
    }

    /// Takes `run` in: as a part of the run before it, or as one of its own.
    fn add_run(
        &mut self,
        changes: &mut Changes<'_>,
        data: ObjectId,
        out: &mut Option<Out>,
        run: &DraftRun,
        joined: bool,
        replaced: bool,
    ) -> Result<()> {
        if run.block == BlockNo(0) {
            return Ok(());
        }
        let blocks = self.units().blocks(run.units);
        if let Some(before) = out.as_mut().filter(|_| joined) {
            before.run.units = before.run.units.saturating_add(run.units);
            before.run.blocks = before.run.blocks.saturating_add(blocks);
            before.known = false;
            return Ok(());
        }
        let DraftRun { index, block, units, .. } = *run;
        let run = StoredRun { index, block, units, unwritten: false, blocks };
        let before = out.replace(Out { run, absent: !replaced, known: false });
        self.flush_run(changes, data, before)
    }

    /// Adds the bytes behind the last full unit.
    async fn plan_tail(
        &mut self,
        changes: &mut Changes<'_>,
        vnode: VnodeId,
        data: ObjectId,
    ) -> Result<()> {
        let units = self.units();
        let inode = self.node(vnode)?.inode;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let (valid, low, base) = (draft.valid, draft.low, draft.base);
        let had_tail = draft.stored == Stored::Runs && !draft.replaced;
        let from = self.tail_of(draft);
        let start = units.unit_start(inode.valid);
        let covered = draft.runs.iter().any(|run| self.covers(run, start));
        let touched = from.is_some() || valid != inode.valid || covered;
        if had_tail && touched && units.within_unit(inode.valid) > 0 {
            let (count, first) = self.tail_items(data).await?;
            let appends = base >= inode.valid && low >= inode.valid && valid > inode.valid;
            let same = appends && from == Some(start) && first == Some(start) && !covered;
            if same && count < tail::FRAGMENTS_MAX {
                return self.put_tail(changes, vnode, data, inode.valid).await;
            }
            let mut next = first;
            while let Some(offset) = next {
                // One that is put again is not deleted before.
                if !self.is_part(vnode, from, offset)? {
                    changes.delete(&mut self.txn, tail::key(data, offset))?;
                }
                next = self.tail_item(data, offset.saturating_add(1)).await?;
            }
        }
        match from {
            Some(from) => self.put_tail(changes, vnode, data, from).await,
            None => Ok(()),
        }
    }

    /// How many tail items `data` has, and where the first begins.
    async fn tail_items(&mut self, data: ObjectId) -> Result<(usize, Option<u64>)> {
        let first = self.tail_item(data, 0).await?;
        let (mut count, mut at) = (0_usize, first);
        while let Some(offset) = at {
            count = count.saturating_add(1);
            if count > tail::FRAGMENTS_MAX {
                return Err(self.broken(Finding::TailItems));
            }
            at = self.tail_item(data, offset.saturating_add(1)).await?;
        }
        Ok((count, first))
    }

    /// Where the first tail item of `data` at or behind byte `offset` begins.
    async fn tail_item(&mut self, data: ObjectId, offset: u64) -> Result<Option<u64>> {
        let found = self.txn.next(tail::key(data, offset), &mut []).await?;
        let found = found.filter(|(key, _)| key.object == data && key.kind == Kind::TAIL);
        Ok(found.map(|(key, _)| key.offset))
    }

    /// Adds the bytes from `from` to the end, which are in the buffer, as tail items.
    async fn put_tail(
        &mut self,
        changes: &mut Changes<'_>,
        vnode: VnodeId,
        data: ObjectId,
        from: u64,
    ) -> Result<()> {
        let start = self.units().unit_start(from);
        let number = usize::from(self.node(vnode)?.draft.ok_or(Error::Bug)?);
        let valid = self.valid_of(vnode)?;
        let mut at = from;
        while at < valid {
            let end = at.saturating_add(tail::BYTES_MAX as u64).min(valid);
            let absent = self.tail_item(data, at).await? != Some(at);
            let Self { txn, drafts, .. } = self;
            let draft = drafts.get(number).ok_or(Error::Bug)?;
            let bytes = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
            let part = draft.bytes.get(bytes(at)..bytes(end)).ok_or(Error::Bug)?;
            changes.put(txn, tail::key(data, at), part, absent)?;
            at = end;
        }
        Ok(())
    }

    /// Adds what becomes of the content that was there, and of what was announced.
    async fn plan_leftovers(
        &mut self,
        changes: &mut Changes<'_>,
        vnode: VnodeId,
        data: ObjectId,
    ) -> Result<()> {
        let inode = self.node(vnode)?.inode;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let Draft { stored, replaced, announced, persists, valid, inline, .. } = *draft;
        if stored == Stored::Inline && !inline {
            changes.delete(&mut self.txn, inline::key(inode.data))?;
        }
        if stored == Stored::Runs && replaced {
            self.plan_replaced(changes, vnode, inode.data).await?;
        }
        if replaced || inline {
            if !announced || inline {
                return Ok(());
            }
            // What went to the log early and was cut off since is behind the end there.
            return match self.run_behind(data, valid).await? {
                Some(_) => self.put_intent(changes, IntentKind::Trim, data, valid, false),
                None => changes.delete(&mut self.txn, Intent::key(data)),
            };
        }
        if valid >= inode.valid && !announced && !self.intents {
            return Ok(());
        }
        let first = self.run_behind(data, valid).await?;
        let known = self.trim_of(data).await?;
        // What was set aside stays there, unless the file is cut.
        let aside = first.is_some_and(|run| run.unwritten && valid >= inode.valid);
        let wanted = match (first, known) {
            (None, Some(_)) => return changes.delete(&mut self.txn, Intent::key(data)),
            (None, None) => return Ok(()),
            (Some(_), None) if aside => return Ok(()),
            // Nothing else is there: what went to the log early is before the end.
            (Some(_), Some(_)) if aside && announced && persists => {
                return changes.delete(&mut self.txn, Intent::key(data));
            }
            (Some(_), Some(intent)) if aside && (announced || intent.is_held_while_open()) => {
                Intent::held(valid)
            }
            (Some(_), _) => Intent { kind: IntentKind::Trim, from: valid, to: TO_THE_END },
        };
        if known == Some(wanted) {
            return Ok(());
        }
        self.put_intent_as(changes, data, wanted, known.is_none())
    }

    /// Adds that the content `data` of `vnode`, which nothing shows any more, goes: at once if it
    /// is short, else by an intent.
    async fn plan_replaced(
        &mut self,
        changes: &mut Changes<'_>,
        vnode: VnodeId,
        data: ObjectId,
    ) -> Result<()> {
        let absent = self.txn.get(Intent::key(data), &mut []).await?.is_none();
        let short = if absent { self.short_content(vnode, data).await? } else { None };
        let Some(items) = short else {
            return self.put_intent(changes, IntentKind::Destroy, data, 0, absent);
        };
        for (key, run) in items {
            changes.delete(&mut self.txn, key)?;
            if let Some(run) = run.filter(|_| !mutant::on(Mutant::ReplacedRunKept)) {
                changes.blocks(&mut self.txn, run.block, run.blocks.into(), false)?;
            }
        }
        Ok(())
    }

    /// The items of the content `data` of `vnode` with the runs that they say, if they are few and
    /// nothing else belongs to it.
    async fn short_content(
        &mut self,
        vnode: VnodeId,
        data: ObjectId,
    ) -> Result<Option<ShortItems>> {
        let unpatched = self.node(vnode)?.unpatched == (0, u32::MAX);
        if !unpatched && self.region_from(data, 0).await?.is_some() {
            return Ok(None);
        }
        let mut items = ShortItems::new();
        let mut value = [0; extent::SIZE];
        let mut from = inline::key(data);
        loop {
            let found = self.txn.next(from, &mut value).await?;
            let found = found.filter(|(key, _)| key.object == data && key.kind <= Kind::TAIL);
            let Some((key, length)) = found else { return Ok(Some(items)) };
            let value = value.get(..length).unwrap_or_default();
            let run = (key.kind == Kind::EXTENT).then(|| self.run_of(key, value)).transpose()?;
            if items.push((key, run)).is_err() {
                return Ok(None);
            }
            from = key.next();
        }
    }

    fn put_intent(
        &mut self,
        changes: &mut Changes<'_>,
        kind: IntentKind,
        data: ObjectId,
        from: u64,
        absent: bool,
    ) -> Result<()> {
        self.put_intent_as(changes, data, Intent { kind, from, to: TO_THE_END }, absent)
    }

    fn put_intent_as(
        &mut self,
        changes: &mut Changes<'_>,
        data: ObjectId,
        intent: Intent,
        absent: bool,
    ) -> Result<()> {
        let value = intent.encode().map_err(|_| Error::Bug)?;
        self.intents = true;
        changes.put(&mut self.txn, Intent::key(data), &value, absent)
    }

    /// Adds everything that the commit of `vnode`'s draft changes beside its attributes.
    pub(super) async fn plan_content(
        &mut self,
        changes: &mut Changes<'_>,
        vnode: VnodeId,
    ) -> Result<()> {
        let (data, new) = self.target_data(vnode)?;
        let Node { inode, draft, .. } = *self.node(vnode)?;
        let number = usize::from(draft.ok_or(Error::Bug)?);
        let Self { txn, drafts, .. } = self;
        let draft = drafts.get(number).ok_or(Error::Bug)?;
        if draft.inline {
            let absent = new || draft.stored != Stored::Inline;
            match (draft.valid, absent) {
                (0, true) => {}
                (0, false) => changes.delete(txn, inline::key(inode.data))?,
                _ => changes.put(txn, inline::key(data), draft.content(), absent)?,
            }
        } else {
            self.plan_runs(changes, vnode, data, Which::All).await?;
            let before = changes.cost;
            self.plan_tail(changes, vnode, data).await?;
            changes.tail = changes.cost.saturating_sub(before);
            self.plan_patches(changes, vnode, data, Which::All).await?;
        }
        self.plan_leftovers(changes, vnode, data).await?;
        if new {
            changes.ids(&mut self.txn, ObjectId(data.0.saturating_add(1)))?;
        }
        Ok(())
    }

    /// Makes sure that the draft can have a run more, for block `index` of the content, and still
    /// be committed as one record: else what can go to the log already goes there.
    pub(super) async fn room_for_block(&mut self, vnode: VnodeId, index: u64) -> Result<()> {
        self.room_for_runs(vnode, index, Room { runs: 1, replaced: None }).await
    }

    /// The same for more, the first of them at block `index`.
    pub(super) async fn room_for_runs(
        &mut self,
        vnode: VnodeId,
        index: u64,
        room: Room,
    ) -> Result<()> {
        let Draft { replaced, stored, .. } = *self.draft_of(vnode)?.ok_or(Error::Bug)?;
        if stored == Stored::Runs && !replaced {
            self.learn_patches(vnode).await?;
        }
        loop {
            if room.replaced.is_none() && self.is_cheap(vnode, index)? {
                return Ok(());
            }
            let mut changes = Changes::counted();
            self.plan_content(&mut changes, vnode).await?;
            let (bytes, runs) = match room.replaced {
                None => self.patch_allowance(vnode, index)?,
                Some(replaced) => (replaced.saturating_mul(GONE_COST), replaced),
            };
            let cost = self.commit_cost(vnode, &changes)?.saturating_sub(changes.tail);
            let cost = cost.saturating_add(room.runs.saturating_mul(RUN_COST));
            let cost = cost.saturating_add(TAIL_COST).saturating_add(bytes);
            let added = room.runs.saturating_mul(2);
            let held = self.draft_of(vnode)?.ok_or(Error::Bug)?.runs.len();
            let fits = cost <= COST_MAX
                && changes.runs.saturating_add(added).saturating_add(runs) <= CHANGES_MAX
                && held.saturating_add(added) < DRAFT_RUNS;
            if fits {
                return Ok(());
            }
            if !self.spill(vnode).await? {
                return Err(Error::DraftTooBig);
            }
        }
    }

    /// Puts those runs of the draft into the log that nobody sees there, and an intent that tells
    /// what becomes of them if the draft is lost. `false` if there are none.
    async fn spill(&mut self, vnode: VnodeId) -> Result<bool> {
        if self.next_run(vnode, 0, Which::Early)?.is_none() {
            return Ok(false);
        }
        let (mut data, mut new) = self.target_data(vnode)?;
        let Draft { replaced, announced, .. } = *self.draft_of(vnode)?.ok_or(Error::Bug)?;
        if replaced && !announced {
            // An object of its own, so that nothing of it is left in another one's way.
            let object = self.table.object(vnode)?;
            let next = self.txn.next_object().0.max(object.0.saturating_add(1));
            (data, new) = (ObjectId(next), true);
        }
        self.txn.settle_data().await?;
        let mut changes = Changes::counted();
        self.plan_spill(&mut changes, vnode, data, new).await?;
        let Changes { cost, runs, .. } = changes;
        let mut batch = self.txn.begin_runs(cost, runs, Purpose::Shrink).await?;
        self.plan_spill(&mut Changes::into_batch(&mut batch), vnode, data, new).await?;
        self.txn.commit(batch).await?;
        self.spilled(vnode, data)?;
        Ok(true)
    }

    async fn plan_spill(
        &mut self,
        changes: &mut Changes<'_>,
        vnode: VnodeId,
        data: ObjectId,
        new: bool,
    ) -> Result<()> {
        self.plan_runs(changes, vnode, data, Which::Early).await?;
        self.plan_patches(changes, vnode, data, Which::Early).await?;
        let Draft { replaced, announced, .. } = *self.draft_of(vnode)?.ok_or(Error::Bug)?;
        if !announced && !mutant::on(Mutant::SpillNotAnnounced) {
            let inode = self.node(vnode)?.inode;
            let absent = new || self.txn.get(Intent::key(data), &mut []).await?.is_none();
            // The intent that tells what does not persist is about to be replaced.
            self.draft_mut(vnode)?.persists = absent;
            let (kind, from) =
                if replaced { (IntentKind::Destroy, 0) } else { (IntentKind::Trim, inode.valid) };
            self.put_intent(changes, kind, data, from, absent)?;
        }
        if new {
            changes.ids(&mut self.txn, ObjectId(data.0.saturating_add(1)))?;
        }
        Ok(())
    }

    /// The runs that could go early are in the log.
    fn spilled(&mut self, vnode: VnodeId, data: ObjectId) -> Result<()> {
        let units = self.units();
        let mut from = 0;
        while let Some(run) = self.next_run(vnode, from, Which::Early)? {
            let end = run.index.saturating_add(self.blocks_of(&run));
            if run.fresh {
                self.txn.unpin(run.block, units.blocks(run.units));
            }
            let draft = self.draft_mut(vnode)?;
            draft.base = draft.base.max(units.start(end));
            draft.runs.retain(|other| other.index != run.index);
            from = end;
        }
        let draft = self.draft_mut(vnode)?;
        (draft.data, draft.announced) = (data, true);
        let node = self.table.get_mut(vnode)?;
        node.last = None;
        node.forget_runs();
        Ok(())
    }
}

impl<D> Vellum<'_, D> {
    /// What is left of `before` when a run begins at block `index`.
    fn kept(&self, before: Out, index: u64) -> Out {
        let run = before.run;
        if run.end() <= index {
            return before;
        }
        let blocks = index.saturating_sub(run.index);
        let units = self.units().units(blocks);
        let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
        Out { run: StoredRun { units, blocks, ..run }, known: false, ..before }
    }

    /// Whether `run` goes on where `before` ends, in the file and on the device.
    fn joins(&self, before: Option<&Out>, run: &DraftRun) -> bool {
        let Some(Out { run: before, .. }) = before else { return false };
        let whole = before.units == self.units().units(before.blocks.into());
        let blocks = before.blocks.saturating_add(self.units().blocks(run.units));
        whole
            && !before.unwritten
            && run.block != BlockNo(0)
            && before.end() == run.index
            && before.block.plus(before.blocks) == run.block
            && blocks <= RUN_BLOCKS_MAX
    }

    /// Where the bytes of the buffer begin that are the tail of the committed content.
    fn tail_of(&self, draft: &Draft) -> Option<u64> {
        let units = self.units();
        let open = draft.open.as_ref().filter(|open| open.dirty)?;
        let start = units.start(open.index).saturating_add(units.bytes(open.units));
        (start == units.unit_start(draft.valid) && start < draft.valid).then_some(start)
    }

    /// Whether a tail that begins at `from` has an item that begins at `offset`.
    fn is_part(&self, vnode: VnodeId, from: Option<u64>, offset: u64) -> Result<bool> {
        let valid = self.valid_of(vnode)?;
        let behind = from.and_then(|from| offset.checked_sub(from));
        let part = behind.is_some_and(|behind| behind.is_multiple_of(tail::BYTES_MAX as u64));
        Ok(part && offset < valid)
    }

    /// Whether `run` has programmed the unit that begins at byte `start`.
    fn covers(&self, run: &DraftRun, start: u64) -> bool {
        let units = self.units();
        let from = units.start(run.index);
        let to = units.start(run.index.saturating_add(self.blocks_of(run)));
        (from..to).contains(&start)
    }

    /// Whether a record has room for the commit that `counted` is the cost of, with its tail.
    pub(super) fn fits_record(&self, vnode: VnodeId, counted: &Changes<'_>) -> Result<bool> {
        Ok(counted.tail == 0 || self.commit_cost(vnode, counted)? <= COST_MAX)
    }

    /// What a commit that changes this and the attributes costs.
    fn commit_cost(&self, vnode: VnodeId, changes: &Changes<'_>) -> Result<usize> {
        let attributes = self.attributes_allowance(vnode)?;
        let runs = changes.runs.saturating_mul(RUN_BYTES);
        Ok(changes.cost.saturating_add(runs).saturating_add(attributes))
    }

    /// Runs that can be added to a draft without any and be committed in one record, when what the
    /// log has in their place costs `replaced` times [`GONE_COST`]; the end of the content may have
    /// to be moved.
    pub(super) fn runs_at_once(&self, vnode: VnodeId, replaced: usize) -> Result<usize> {
        let end = TAIL_COST.saturating_add(RUN_COST).saturating_add(put_cost(intent::SIZE));
        let fixed = self.attributes_allowance(vnode)?.saturating_add(end);
        let cost = fixed.saturating_add(replaced.saturating_mul(GONE_COST));
        let runs = COST_MAX.saturating_sub(cost).checked_div(RUN_COST).unwrap_or(0);
        let changes = CHANGES_MAX.saturating_sub(END_CHANGES).saturating_sub(replaced);
        Ok(runs.min(changes / 2))
    }

    /// What the attributes may cost that a commit writes.
    pub(super) fn attributes_allowance(&self, vnode: VnodeId) -> Result<usize> {
        let cost = self.attributes_cost(vnode)?;
        Ok(if cost == 0 { put_cost(DIRENT_MAX) } else { cost })
    }

    /// Whether one more run at block `index` costs little: it goes where the log has nothing.
    fn is_cheap(&self, vnode: VnodeId, index: u64) -> Result<bool> {
        let inode = self.node(vnode)?.inode;
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let start = self.units().start(index);
        let appended = draft.low >= inode.valid && draft.base >= inode.valid;
        let nothing = start >= draft.base && !draft.announced;
        let quiet = draft.replaced || (appended && !self.intents);
        let quiet = quiet && draft.patches.is_empty();
        Ok(nothing && quiet && draft.runs.len() < RUNS_UNCOUNTED)
    }
}
