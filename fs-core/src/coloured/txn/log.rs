//! Records: programmed, then applied; and the room they need in the journal.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::journal::{Base, CHAIN_MAX};
use super::super::space::{FreeRun, Pick, Want};
use super::ahead::For;
use super::{Error, Held, RECORD_BYTES, Txn};
use crate::error::Result;
use crate::format::change::{Change, ChangeWriter, Changes, Run, RunState, Scalars};
use crate::format::record::{HEADER_BYTES, RecordKind};
use crate::mutant::{self, Mutant};
use crate::units::PAGE_BYTES;

/// Most bytes of what stands in a header behind its scalars and what is logged again: a window, and
/// that the next block is used.
const HEADER_CHANGES_BYTES: usize = 24;

/// The state that an anchor entry carries.
pub(super) fn base_of(scalars: &Scalars) -> Base {
    let spares = [scalars.spare_a, scalars.spare_b];
    Base { root: scalars.root, spares, generation: scalars.generation }
}

impl<D> Txn<'_, D> {
    /// Applies the changes of the record in the work buffer to the state.
    pub(super) fn apply_work(&mut self, length: usize, tag: u8) -> Result<()> {
        let changes = self.work.get(HEADER_BYTES..length).ok_or(Error::Bug)?;
        for change in Changes::new(changes) {
            let applied = change.and_then(|change| self.state.apply(&change, tag));
            if applied.is_err() {
                self.read_only = true;
                return Err(Error::Bug);
            }
        }
        Ok(())
    }

    /// Adds the blocks that may be given back now to the record, as far as it has room.
    pub(super) fn push_releases(&mut self, length: &mut usize) {
        self.push_releases_within(RECORD_BYTES, length);
    }

    fn push_releases_within(&mut self, most: usize, length: &mut usize) {
        let Some(rest) = self.work.get_mut(*length..most) else { return };
        let mut writer = ChangeWriter::new(rest);
        for run in self.state.runs_of(RunState::Leaving) {
            let blocks = (0..run.length).map(|behind| run.start.plus(behind.into()));
            for block in blocks {
                let held = match self.held {
                    Held::None => false,
                    Held::One(one) => one == block,
                    Held::All => true,
                };
                let held = held && !mutant::on(Mutant::QuarantineSkipped);
                let retiring = self.journal.chain().iter().any(|link| link.block == block);
                if !held && !retiring && writer.push(&Change::Give(Run::single(block))).is_err() {
                    break;
                }
            }
        }
        *length = length.saturating_add(writer.len());
    }
}

#[colour]
impl<D: BlockDevice> Txn<'_, D> {
    /// Appends the record in the work buffer and applies it.
    pub(super) async fn log(&mut self, kind: RecordKind, last: bool, length: usize) -> Result<()> {
        let early = mutant::on(Mutant::AppliedBeforeDurable);
        if early {
            self.apply_work(length, self.journal.tag())?;
        }
        // Within a longer write to the journal the doubt lasts until that is done.
        let before = self.doubtful;
        if !self.journal.has_room(&self.media, length) {
            return Err(Error::Bug);
        }
        self.doubtful = !mutant::on(Mutant::DoubtfulTailContinued);
        self.journal.append(&mut self.media, kind, last, &mut self.work[..], length).await?;
        if !early {
            self.apply_work(length, self.journal.tag())?;
        }
        self.doubtful = before;
        Ok(())
    }

    /// Makes room in the journal for a record of `length` bytes, and for the releases that may
    /// ride on it.
    pub(super) async fn journal_room(&mut self, length: usize) -> Result<()> {
        let releases = self.state.runs_of(RunState::Leaving).map(|run| usize::from(run.length));
        let releases = releases.sum::<usize>().saturating_mul(7);
        let length = length.saturating_add(releases).min(RECORD_BYTES);
        // What a block logs again may fill the next one; then what the one after it logs does not.
        for _ in 0..CHAIN_MAX {
            if self.journal.has_room(&self.media, length) {
                return Ok(());
            }
            self.open_next_block().await?;
        }
        Err(Error::Bug)
    }

    /// Goes on in the block that the journal has named, and names the one after it. What the oldest
    /// block holds alone is logged again in the same record, if it fits.
    async fn open_next_block(&mut self) -> Result<()> {
        let block = self.state.scalars.next;
        let (next, window) = self.pick_next().await?;
        let longest = usize::from(self.superblock.journal_blocks_max);
        let full = self.journal.chain().len() >= longest;
        let (mut scalars, erases) = (self.scalars_now(), self.media.erases());
        scalars.next = next.block;
        scalars.free.0 = scalars.free.0.saturating_sub(1);
        scalars.cursor = next.block.plus(1);
        let mut length = HEADER_BYTES;
        self.push(&mut length, &Change::Scalars(scalars))?;
        // Before what this record itself says of blocks.
        let again = full && self.log_again_in_header(&mut length)?;
        if let Some(run) = window {
            self.push_announcement(run, &mut length)?;
        }
        let taken = Change::State { run: Run::single(next.block), state: RunState::Used };
        self.push(&mut length, &taken)?;
        self.push_releases_within(self.header_bytes_max(), &mut length);
        self.doubtful = true;
        let base = base_of(&self.state.scalars);
        self.journal.withdraw_promise(&mut self.media).await?;
        if !(self.erased_next == Some(block) || mutant::on(Mutant::JournalBlockNotErased)) {
            self.media.erase(block, 1).await?;
        }
        self.erased_next = None;
        self.journal.advance(&mut self.media, block, base, &mut self.work[..], length).await?;
        self.apply_work(length, self.journal.tag())?;
        self.erases_logged = erases;
        self.erased_next = next.erased.then_some(next.block);
        if full {
            if !again {
                self.log_again().await?;
            }
            self.retire_oldest().await?;
        }
        self.doubtful = false;
        Ok(())
    }

    /// Chooses the block that the journal names next. A window that is opened for it is to be
    /// announced by the header record that names it: its first program comes after that.
    async fn pick_next(&mut self) -> Result<(Pick, Option<FreeRun>)> {
        let mut window = None;
        if self.space.first().is_none() {
            match self.find_window(For::Nodes, &[]).await? {
                Some((run, Want::Erased)) => {
                    window = Some(run);
                    self.space.open(run, true);
                }
                Some((run, Want::Chunk)) if !run.any_claimed => {
                    self.media.erase(run.start, run.length).await?;
                    self.space.open(run, true);
                }
                Some((run, _)) if !run.any_claimed => self.space.open(run, false),
                _ => {}
            }
        }
        if let Some(pick) = self.space.first() {
            self.space.consume(pick.block);
            return Ok((pick, window));
        }
        let mut found = self.find_run(Want::One, &[]).await?;
        if found.is_none() {
            self.space.close_data();
            found = self.find_run(Want::One, &[]).await?;
        }
        let pick = Pick { block: found.ok_or(Error::NoSpace)?.start, erased: false };
        Ok((pick, window))
    }

    /// Logs again what only the oldest block of the chain holds.
    async fn log_again(&mut self) -> Result<()> {
        let mut more = true;
        while more {
            let length;
            (length, more) = self.write_oldest(HEADER_BYTES, RECORD_BYTES)?;
            if length > HEADER_BYTES {
                self.log(RecordKind::Change, false, length).await?;
            }
        }
        Ok(())
    }

    /// Starts behind the oldest block of the chain.
    async fn retire_oldest(&mut self) -> Result<()> {
        let [oldest, second, ..] = *self.journal.chain() else { return Err(Error::Bug) };
        self.journal.write_entry(&mut self.media, &self.superblock, &second, false).await?;
        self.journal.retire();
        self.held = Held::One(oldest.block);
        Ok(())
    }
}

impl<D> Txn<'_, D> {
    /// Adds what only the oldest block holds to a header, if all that follows has room, too.
    fn log_again_in_header(&mut self, length: &mut usize) -> Result<bool> {
        let most = self.header_bytes_max().saturating_sub(HEADER_CHANGES_BYTES);
        let (whole, more) = self.write_oldest(*length, most)?;
        if !more {
            *length = whole;
        }
        Ok(!more)
    }

    /// Most bytes of a header: where a sector is the smallest program it is found in the first two
    /// of its block, and what follows it in the third.
    fn header_bytes_max(&self) -> usize {
        if self.media.has_images() { PAGE_BYTES } else { RECORD_BYTES }
    }

    /// Fills the work buffer `from` this byte on with changes that only the oldest block of the
    /// chain holds, and behind the last of them with the leave of that block, up to `most` bytes.
    /// Gives the length, and whether there is more.
    fn write_oldest(&mut self, from: usize, most: usize) -> Result<(usize, bool)> {
        let oldest = self.journal.chain().first().ok_or(Error::Bug)?.block;
        let tag = self.journal.oldest_tag();
        let rest = self.work.get_mut(from..most).ok_or(Error::Bug)?;
        let mut writer = ChangeWriter::new(rest);
        let mut more = false;
        if !mutant::on(Mutant::RelogSkipped) {
            // A smaller one may fit where a larger one did not.
            for change in self.state.tagged(tag) {
                more |= writer.push(&change).is_err();
            }
        }
        if !more && !mutant::on(Mutant::LeaveNotLogged) {
            more = writer.push(&Change::Leave(Run::single(oldest))).is_err();
        }
        Ok((writer.len().saturating_add(from), more))
    }
}
