//! Intents: content without a name, or behind the end of a file, which goes bit by bit when nobody
//! uses it any more.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{DELETE_COST, Purpose, put_cost};
use super::Vellum;
use super::plan::Changes;
use super::runs::StoredRun;
use crate::api::VnodeId;
use crate::error::{Error, Result, corrupt};
use crate::format::extent::{self, Placement};
use crate::format::inline;
use crate::format::intent::{self, Intent, IntentKind};
use crate::format::key::{INTENTS, Key, Kind};
use crate::format::patch::{self, Patches};
use crate::memory::Home;
use crate::units::ObjectId;

/// Items of a content that go with one transaction.
const STEP_ITEMS: usize = 6;
/// What such a transaction costs: the items, the intent, and a run that is shortened.
const STEP_COST: usize = (STEP_ITEMS + 1) * DELETE_COST + put_cost(patch::BYTES_MAX);
/// Changes of blocks in it where there are patches: one for each patch block of a region.
const STEP_RUNS: usize = patch::BLOCKS_MAX;

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Carries out a step of one intent that nobody holds back, if there is one: at most one
    /// transaction, but as many as are needed while only the reserve is left. Called before an
    /// operation changes something, so that what a cut left goes bit by bit.
    pub(super) async fn reap_some(&mut self) -> Result<()> {
        while self.reap_one().await? {
            if self.txn.has_space() {
                break;
            }
        }
        Ok(())
    }

    /// Carries out a step of one intent that nobody holds back; `false` if there is none.
    pub(super) async fn reap_one(&mut self) -> Result<bool> {
        if !self.intents || self.txn.is_read_only() {
            return Ok(false);
        }
        let mut from = Key::new(INTENTS, Kind::INTENT, 0);
        let mut bytes = [0; intent::SIZE];
        let mut held = false;
        while let Some((key, length)) = self.txn.next(from, &mut bytes).await? {
            if key.object != INTENTS || key.kind != Kind::INTENT {
                break;
            }
            let damaged = corrupt(self.txn.state().scalars.root.block);
            let value = bytes.get(..length).unwrap_or_default();
            let (object, intent) = Intent::from_item(key, value).map_err(&damaged)?;
            let held_back = match intent.kind {
                IntentKind::Forget => self.is_open(object),
                IntentKind::Trim if intent.is_held_while_open() => self.is_being_filled(object),
                IntentKind::Destroy | IntentKind::Trim => self.is_in_use(object, intent.kind),
            };
            if !held_back {
                self.step(object, &intent).await?;
                return Ok(true);
            }
            held = true;
            from = key.next();
        }
        self.intents = held;
        Ok(false)
    }

    /// Asks for space beyond the reserve, and frees what intents hold while there is none.
    pub(super) async fn require_space(&mut self) -> Result<()> {
        loop {
            match self.txn.require_space().await {
                Err(Error::NoSpace) if self.reap_one().await? => {}
                result => return result,
            }
        }
    }

    async fn step(&mut self, object: ObjectId, intent: &Intent) -> Result<()> {
        match intent.kind {
            IntentKind::Destroy => self.destroy(object).await.map(|_| ()),
            IntentKind::Trim => self.trim(object, intent.from).await,
            IntentKind::Forget => self.forget(object).await,
        }
    }

    /// How many runs of blocks the next step may change: fewer need fewer folds before it. A region
    /// with patches goes as a whole.
    async fn runs_of_step(&mut self, data: ObjectId, region: u64) -> Result<usize> {
        let patched = self.region_from(data, region).await?.is_some();
        Ok(if patched { STEP_RUNS } else { STEP_ITEMS })
    }

    /// Deletes some of the content `data`, and with the last of it the intent to do so. Says
    /// whether that was all.
    async fn destroy(&mut self, data: ObjectId) -> Result<bool> {
        let runs = self.runs_of_step(data, 0).await?;
        let mut batch = self.txn.begin_runs(STEP_COST, runs, Purpose::Shrink).await?;
        let mut changes = Changes::into_batch(&mut batch);
        let mut value = [0; extent::SIZE];
        let mut from = inline::key(data);
        let mut all = false;
        if let Some(region) = self.region_from(data, 0).await? {
            let key = Patches::key(data, region.number, self.units().unit);
            changes.delete(&mut self.txn, key)?;
            for block in region.patches.blocks() {
                changes.blocks(&mut self.txn, block, 1, false)?;
            }
            self.txn.commit(batch).await?;
            return Ok(false);
        }
        for _ in 0..STEP_ITEMS {
            let found = self.txn.next(from, &mut value).await?;
            let found = found.filter(|(key, _)| key.object == data && key.kind <= Kind::TAIL);
            let Some((key, length)) = found else {
                all = true;
                changes.delete(&mut self.txn, Intent::key(data))?;
                break;
            };
            changes.delete(&mut self.txn, key)?;
            if key.kind == Kind::EXTENT {
                let run = self.run_of(key, value.get(..length).unwrap_or_default())?;
                changes.blocks(&mut self.txn, run.block, run.blocks.into(), false)?;
            }
            from = key.next();
        }
        self.txn.commit(batch).await?;
        Ok(all)
    }

    /// Gives some of the runs of `data` back that begin behind byte `from`, and with the last of
    /// them the intent to do so.
    pub(super) async fn trim(&mut self, data: ObjectId, from: u64) -> Result<()> {
        let units = self.units();
        let first = units.index_after(from);
        let crossing = self.run_at(data, first).await?.filter(|run| run.index < first);
        let runs = self.runs_of_step(data, self.region_with(first)).await?;
        let mut batch = self.txn.begin_runs(STEP_COST, runs, Purpose::Shrink).await?;
        let mut changes = Changes::into_batch(&mut batch);
        if self.trim_patches(&mut changes, data, first).await? {
            self.txn.commit(batch).await?;
            return self.forget_runs_of(data);
        }
        if let Some(run) = crossing {
            let kept = first.saturating_sub(run.index);
            let short = StoredRun { units: units.units(kept), ..run };
            let key = Placement::key(data, units.start(run.index));
            let value = self.placement_of(&short).encode().map_err(|_| Error::Bug)?;
            changes.put(&mut self.txn, key, &value, false)?;
            let gone = run.end().saturating_sub(first);
            changes.blocks(&mut self.txn, run.place_of(first), gone, false)?;
        }
        let mut index = crossing.map_or(first, |run| run.end());
        for _ in 1..STEP_ITEMS {
            let Some(run) = self.run_from(data, index).await? else {
                changes.delete(&mut self.txn, Intent::key(data))?;
                break;
            };
            changes.delete(&mut self.txn, Placement::key(data, units.start(run.index)))?;
            changes.blocks(&mut self.txn, run.block, run.blocks.into(), false)?;
            index = run.end();
        }
        self.txn.commit(batch).await?;
        self.forget_runs_of(data)
    }

    /// Does what the last close of `vnode` left to do. The rest of a large content goes bit by bit
    /// with later operations.
    pub(super) async fn last_closed(&mut self, vnode: VnodeId) -> Result<()> {
        if self.node(vnode)?.home == Home::Nowhere {
            let inode = self.node(vnode)?.inode;
            let intent = Intent::key(inode.data);
            if inode.data.0 != 0 && self.txn.get(intent, &mut []).await?.is_some() {
                let all = self.destroy(inode.data).await?;
                self.intents |= !all;
            }
            self.drop_draft(vnode)?;
            self.table.recycle(vnode)?;
            return Ok(());
        }
        self.table.paid(vnode);
        Ok(())
    }
}

impl<D> Vellum<'_, D> {
    /// Whether `object` has a vnode that somebody uses.
    fn is_open(&self, object: ObjectId) -> bool {
        let vnode = self.table.locate(object);
        vnode.is_some_and(|vnode| self.table.uses(vnode).is_ok_and(|uses| uses > 0))
    }

    /// Whether somebody has the content open, or a draft may lie in what was set aside for it.
    pub(super) fn is_being_filled(&self, data: ObjectId) -> bool {
        let drafted = self.drafts.iter().any(|draft| draft.used && draft.data == data);
        let nodes = self.table.iter().filter(|(_, node)| node.inode.data == data);
        drafted
            || nodes.into_iter().any(|(vnode, _)| self.table.uses(vnode).is_ok_and(|uses| uses > 0))
    }

    /// Whether the content must stay: somebody uses the file, or a draft has runs in it.
    fn is_in_use(&self, data: ObjectId, kind: IntentKind) -> bool {
        let drafted =
            self.drafts.iter().any(|draft| draft.used && draft.announced && draft.data == data);
        let used = self.table.iter().any(|(vnode, node)| {
            let used = self.table.uses(vnode).is_ok_and(|uses| uses > 0);
            node.inode.data == data && (used || node.home != Home::Nowhere)
        });
        drafted || (used && kind == IntentKind::Destroy)
    }

    fn forget_runs_of(&mut self, data: ObjectId) -> Result<()> {
        let nodes = self.table.iter().filter(|(_, node)| node.inode.data == data);
        let Some((vnode, _)) = nodes.map(|(vnode, node)| (vnode, *node)).next() else {
            return Ok(());
        };
        self.table.get_mut(vnode)?.forget_runs();
        Ok(())
    }
}
