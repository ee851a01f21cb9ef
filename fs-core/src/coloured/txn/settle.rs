//! Settling: after an unclean stop, or a write to the journal that failed, all doubt is removed
//! before anything else on the medium changes.
//!
//! The journal's tail, and an anchor entry, may read differently each time. So nothing is built on
//! them: the state that this mount has seen is written down whole, as a checkpoint in a reserved
//! spare block, and named by a new entry in both anchor blocks. In order:
//!
//! 1. *Resolve*: the newest entry is programmed over itself; garbage, and the first slot that only
//!    looks blank, are programmed with zeros. From here on every mount sees the same newest entry.
//! 2. The first spare takes the checkpoint, a chain of its own in the next session. It is erased
//!    before, unless the log says that it was and the slot behind the newest entry read blank:
//!    step 1 ends that, so no settling has used the spare since.
//! 3. The anchor block that does not hold the newest entry takes an entry marked FIRST, behind the
//!    slot that step 1 struck; then the other one takes the second entry. A block that is full, or
//!    whose first slot holds no entry, is struck there and erased before.
//!
//! Nothing is allocated: the checkpoint inherits the named next journal block; the old chain's
//! first block becomes a spare; its other blocks are leaving, in the log. If the power fails
//! before the entry of step 3, the next mount does the same again. If it fails after it, the next
//! mount starts from the FIRST entry and settles into the *other* spare, so that the checkpoint it
//! stands on stays. However often that happens, a usable entry is there at every moment.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::journal::{Journal, Link};
use super::log::base_of;
use super::{Error, Held, RECORD_BYTES, Txn};
use crate::error::Result;
use crate::format::change::{Change, ChangeWriter, Run, RunState};
use crate::format::record::{HEADER_BYTES, RecordKind};
use crate::format::scalars::Scalars;
use crate::mutant::{self, Mutant};
use crate::units::BlockNo;

/// Blocks that change by settling: at most the two spares and those of the old chain.
type Changed = heapless::Vec<(BlockNo, RunState), 8>;

/// Where the checkpoint goes and what it says that the state does not say yet.
struct Plan {
    block: BlockNo,
    scalars: Scalars,
    changed: Changed,
}

impl Plan {
    fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let state = |(block, state)| Change::State { run: Run::single(block), state };
        self.changed.iter().copied().map(state)
    }
}

impl<D> Txn<'_, D> {
    fn plan(&self) -> Result<Plan> {
        let mut scalars = self.scalars_now();
        let (block, other) = (scalars.spare_a, scalars.spare_b);
        let [first, later @ ..] = self.journal.chain() else { return Err(Error::Bug) };
        let spares = if self.journal.anchors().is_first() {
            [first.block, other]
        } else {
            [other, first.block]
        };
        [scalars.spare_a, scalars.spare_b] = spares;
        scalars.spare_erased = false;
        let mut changed = Changed::new();
        let spares = spares.iter().map(|spare| (*spare, RunState::Used));
        let leaving = later.iter().map(|link: &Link| (link.block, RunState::Leaving));
        for (block, state) in spares.chain(leaving) {
            changed.push((block, state)).map_err(|_| Error::Bug)?;
        }
        let same = mutant::on(Mutant::SameSpareAgain) && self.journal.anchors().is_first();
        Ok(Plan { block: if same { first.block } else { block }, scalars, changed })
    }

    /// Fills the work buffer with the part of the checkpoint that begins after `done` changes.
    /// Gives its length, how many changes are done then, and whether it is the last part.
    fn write_part(&mut self, plan: &Plan, done: usize) -> Result<(usize, usize, bool)> {
        let rest = self.work.get_mut(HEADER_BYTES..RECORD_BYTES).ok_or(Error::Bug)?;
        let mut writer = ChangeWriter::new(rest);
        let scalars = core::iter::once(Change::Scalars(plan.scalars));
        let changes = scalars.chain(self.state.all_changes(0)).chain(plan.changes());
        let mut count = done;
        let mut last = true;
        for change in changes.skip(done) {
            if writer.push(&change).is_err() {
                last = false;
                break;
            }
            count = count.saturating_add(1);
        }
        Ok((writer.len().saturating_add(HEADER_BYTES), count, last))
    }
}

#[colour]
impl<D: BlockDevice> Txn<'_, D> {
    /// Makes the state in RAM the state on the medium, whatever is doubtful there. A checkpoint of
    /// at most the pending set, five small programs, and the slots in use read once. An erase if
    /// the spare was not erased ahead, and one for each anchor block that is full: every 27th time.
    ///
    /// # Errors
    /// The device's; to be repeated then, as the next operation does.
    pub(super) async fn settle(&mut self) -> Result<()> {
        self.doubtful = true;
        self.space.close();
        self.erased_next = None;
        self.space.close_data();
        self.space.leave_target();
        self.space.forget_reserve();
        let unmarked = self.journal.is_unmarked(&mut self.media).await?;
        let unmarked = unmarked || mutant::on(Mutant::SpareMarkNotLookedAt);
        self.journal.resolve(&mut self.media).await?;
        self.begin_session(unmarked && self.state.scalars.spare_erased).await?;
        if !mutant::on(Mutant::OneEntryOnly) {
            let link = *self.journal.chain().first().ok_or(Error::Bug)?;
            let superblock = &self.superblock;
            self.journal.write_entry(&mut self.media, superblock, &link, false).await?;
        }
        self.held = Held::None;
        self.doubtful = false;
        Ok(())
    }

    /// Writes the checkpoint and its first entry, and goes on from there. Not inlined: two journals
    /// lie on the stack for this call alone.
    #[inline(never)]
    async fn begin_session(&mut self, erased: bool) -> Result<()> {
        let (plan, told) = (self.plan()?, self.media.erases());
        let mut journal = self.journal.successor(plan.block, base_of(&plan.scalars));
        let link = *journal.chain().first().ok_or(Error::Bug)?;
        if !erased {
            self.media.erase(plan.block, 1).await?;
        }
        let early = mutant::on(Mutant::AnchorBeforeCheckpoint);
        if !early {
            self.write_checkpoint(&mut journal, &plan).await?;
        }
        journal.write_entry(&mut self.media, &self.superblock, &link, true).await?;
        if early {
            self.write_checkpoint(&mut journal, &plan).await?;
        }
        core::mem::swap(&mut self.journal, &mut journal);
        self.erases_logged = told;
        self.adopt(&plan)
    }

    async fn write_checkpoint(&mut self, journal: &mut Journal, plan: &Plan) -> Result<()> {
        let mut kind = RecordKind::Checkpoint;
        let mut done = 0;
        loop {
            let (length, count, last) = self.write_part(plan, done)?;
            if count == done || !journal.has_room(&self.media, length) {
                return Err(Error::Bug);
            }
            journal.append(&mut self.media, kind, last, &mut self.work[..], length).await?;
            if last {
                return Ok(());
            }
            kind = RecordKind::CheckpointMore;
            done = count;
        }
    }

    /// The checkpoint is anchored: from here on it is the state, also in RAM.
    fn adopt(&mut self, plan: &Plan) -> Result<()> {
        self.state.scalars = plan.scalars;
        let tag = self.journal.tag();
        for change in plan.changes() {
            self.state.apply(&change, tag).map_err(|_| Error::Bug)?;
        }
        self.state.retag_all(tag);
        self.held = Held::All;
        Ok(())
    }

    /// Writes the first checkpoint of a new volume into `block`, both anchor entries and a seal,
    /// which promises that the next block is erased.
    pub(super) async fn write_first(&mut self, block: BlockNo) -> Result<()> {
        let plan = Plan { block, scalars: self.state.scalars, changed: Changed::new() };
        let mut journal = self.journal.successor(block, base_of(&plan.scalars));
        let link = *journal.chain().first().ok_or(Error::Bug)?;
        self.media.erase(block, 1).await?;
        self.write_checkpoint(&mut journal, &plan).await?;
        for block in self.superblock.anchors() {
            self.media.strike_superblock(block).await?;
            journal.write_entry(&mut self.media, &self.superblock, &link, false).await?;
        }
        let promises = journal.may_promise(&self.media);
        let work = &mut self.work[..];
        journal.append(&mut self.media, RecordKind::Seal, promises, work, HEADER_BYTES).await
    }
}
