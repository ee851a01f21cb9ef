//! Erasing ahead, so that calls find erased blocks; and the windows that are opened for them.
//!
//! The *reserve* is runs that the log calls erased. At the end of a call that changed something
//! [`Txn::refill`] does one thing that a later call would have to wait for: it erases at most once,
//! and not at all in a call that has erased already. So a call meets one erase, or none, unless it
//! fills more blocks than are at hand. What is left of the windows when the volume is parked goes
//! back to the reserve; what is left of them when the power goes is free, of unknown content.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::Edge;
use super::super::space::{CHUNK_BLOCKS, FreeRun, Pick, Supply, Want};
use super::super::tree::FOLD_RESERVE;
use super::fold::{FOLD_RECORD_BYTES, RUNS_RESERVE};
use super::{Groups, Txn, put_cost};
use crate::error::Result;
use crate::format::change::{Change, Run};
use crate::format::record::{HEADER_BYTES, RecordKind};
use crate::format::scalars::Scalars;
use crate::format::wear;
use crate::mutant::{self, Mutant};
use crate::units::BlockNo;

/// Erased blocks that should be at hand, for nodes and for data, when the smallest unit is erased
/// each time; where a chunk is, a half and a quarter of them.
const RESERVE_BLOCKS: u32 = 16;

/// After so many blocks were taken, or so many erased, a chunk is looked for again that was not
/// found: where blocks are freed as fast as they are taken, chunks come free, too.
const CHUNKLESS_BLOCKS: u32 = 64;
const CHUNKLESS_ERASES: u32 = 32;

/// So many blocks before the cursor the journal is not far away.
const NEAR_BLOCKS: u32 = 64;

/// Blocks that a volume has for each block of its reserve.
const SHARE: u32 = 8;

/// The most windows whose rest is called erased again.
const RECLAIMS_MAX: usize = 7;

/// What a window is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// Nodes and the journal.
    Nodes,
    /// File data.
    Data,
}

impl<D> Txn<'_, D> {
    /// A call begins: it may erase ahead once, in its end.
    pub fn begin_call(&mut self) {
        self.erases_before = self.media.erases();
        self.records_before = self.journal.sequence();
    }

    /// Lets only the smallest unit be erased at a time, if `low_latency` is set.
    pub fn set_low_latency(&mut self, low_latency: bool) {
        self.space.set_chunks(!low_latency);
    }

    /// Blocks erased so far, by all sessions as far as the log tells, and by this one.
    pub fn erases(&self) -> u32 {
        self.scalars_now().erases
    }

    /// Whether this call has erased.
    pub fn has_erased(&self) -> bool {
        self.media.erases() != self.erases_before
    }

    /// The scalars as the next record that has them all says them.
    pub(super) fn scalars_now(&self) -> Scalars {
        let scalars = self.state.scalars;
        let new = self.media.erases().wrapping_sub(self.erases_logged);
        Scalars { sweep: self.sweep, erases: scalars.erases.saturating_add(new), ..scalars }
    }

    /// What the wear items that go with a claim cost: those of two groups.
    fn wear_cost(&self) -> usize {
        let counted = cfg!(feature = "level") && self.space.is_chunked();
        if counted { put_cost(wear::SIZE).saturating_mul(2) } else { 0 }
    }

    /// Most blocks that a window takes out of the reserve: a call may need both kinds.
    fn share(&self, user: For) -> u32 {
        let Supply { nodes, reserve, .. } = self.space.supply();
        match user {
            For::Nodes => (reserve / 2).max(2),
            For::Data => reserve.saturating_sub(4_u32.saturating_sub(nodes)),
        }
    }

    /// Where a search begins. The cursor of the log is behind what was taken last: a fold moves it
    /// back to the window of nodes, and where that is far behind the data, each search for a block
    /// of a file that is being written went over everything between.
    ///
    /// The first window of a session goes on where the last one's journal does, unless that is far
    /// away: what that session has left of its window would else be passed over, and the few blocks
    /// of each short session be runs of their own in the table of runs.
    fn search_from(&self, user: For) -> BlockNo {
        let Scalars { cursor, next, .. } = self.state.scalars;
        if !self.media.rewrites() {
            return cursor;
        }
        let behind = next.plus(1);
        let near = cursor.0.wrapping_sub(behind.0) < NEAR_BLOCKS;
        match user {
            For::Data => self.space.data_end().unwrap_or(cursor),
            For::Nodes if near && !self.space.has_opened() => behind,
            For::Nodes => cursor,
        }
    }

    /// Adds to the record that the blocks of `run` are no longer called erased.
    pub(super) fn push_announcement(&mut self, run: FreeRun, length: &mut usize) -> Result<()> {
        let run = Run { start: run.start, length: run.length };
        if mutant::on(Mutant::WindowNotAnnounced) {
            Ok(())
        } else {
            self.push(length, &Change::Window(run))
        }
    }
}

#[colour]
impl<D: BlockDevice> Txn<'_, D> {
    /// Whether a chunk is erased with one command.
    pub(super) fn has_chunks(&self) -> bool {
        let chunk = self.media.block_bytes().saturating_mul(CHUNK_BLOCKS.into());
        self.space.has_chunks() && self.media.geometry().erase_sizes.has(chunk)
    }

    /// Whether a call to come may find too few erased blocks.
    fn is_short(&self) -> bool {
        let most = RESERVE_BLOCKS.min(self.superblock.block_count.0 / SHARE);
        // A chunk brings more than a call takes; block by block, a call may take more than one.
        let (for_nodes, for_data) =
            if self.has_chunks() { (most / 2, most / 4) } else { (most, most) };
        let Supply { nodes, data, reserve } = self.space.supply();
        nodes.saturating_add(reserve) < for_nodes || data.saturating_add(reserve) < for_data
    }

    /// Finds and opens the run to work in next. What the log calls erased it stops calling so,
    /// durably, before the first program.
    pub(super) async fn open_window(
        &mut self,
        user: For,
        held: &[Pick],
    ) -> Result<Option<(FreeRun, bool)>> {
        Ok(match self.find_window(user, held).await? {
            None => None,
            Some((run, Want::Erased)) => {
                self.announce(run).await?;
                Some((run, true))
            }
            Some((run, Want::Chunk)) => {
                self.announce(run).await?;
                self.media.erase(run.start, run.length).await?;
                Some((run, true))
            }
            Some((run, _)) => Some((run, false)),
        })
    }

    /// Finds the run to work in next: one of the reserve, which then has it no more; else a whole
    /// chunk that the device erases with one command, else any.
    pub(super) async fn find_window(
        &mut self,
        user: For,
        held: &[Pick],
    ) -> Result<Option<(FreeRun, Want)>> {
        self.load_reserve(1).await?;
        if let Some(run) = self.space.draw(self.share(user)) {
            return Ok(Some((run, Want::Erased)));
        }
        let from = self.search_from(user);
        let mut found = self.find_dirty(from, held).await?;
        if let Some((run, Want::Dirty)) = &mut found {
            // The next one may come from the reserve again.
            run.length = if self.media.rewrites() { run.length } else { 1 };
        }
        if found.is_none() {
            // What is left is far away, or called erased.
            let one = self.find_run_from(from, Want::One, held).await?;
            let content = |run: &FreeRun| if run.any_claimed { Want::Erased } else { Want::Dirty };
            found = one.map(|run| (run, content(&run)));
        }
        Ok(found)
    }

    /// Gets to know what the log calls erased, until `enough` blocks of it are known. Where nothing
    /// is erased nothing is called so, and a search would look into many groups in vain.
    async fn load_reserve(&mut self, enough: u32) -> Result<()> {
        if self.media.rewrites() {
            return Ok(());
        }
        while self.space.may_have_claims()
            && self.space.has_room()
            && self.space.supply().reserve < enough
        {
            let Some(run) = self.find_run(Want::Erased, &[]).await? else {
                self.space.note_claims(false);
                break;
            };
            self.space.keep(run.start, run.length);
        }
        Ok(())
    }

    /// Finds what can be erased: a whole chunk, else a run.
    async fn find_dirty(
        &mut self,
        from: BlockNo,
        held: &[Pick],
    ) -> Result<Option<(FreeRun, Want)>> {
        let free = self.state.scalars.free.0;
        let same = (free.saturating_sub(RESERVE_BLOCKS)..free.saturating_add(CHUNKLESS_BLOCKS))
            .contains(&self.chunkless);
        let recent = self.media.erases().wrapping_sub(self.chunkless_at) < CHUNKLESS_ERASES;
        if self.has_chunks() && !(same && recent) {
            let mut found = self.find_chunk(from, held).await?;
            if found.is_none() && self.space.target().is_some() {
                // Cold data can wait. Single blocks would be taken out of other chunks.
                self.space.leave_target();
                found = self.find_chunk(from, held).await?;
            }
            if let Some(run) = found {
                self.chunkless = u32::MAX;
                return Ok(Some((run, Want::Chunk)));
            }
            (self.chunkless, self.chunkless_at) = (free, self.media.erases());
        }
        let found = self.find_run_from(from, Want::Dirty, held).await?;
        Ok(found.map(|run| (run, Want::Dirty)))
    }

    /// A chunk to be erased: the least worn that is near where the last search ended.
    #[cfg(feature = "level")]
    async fn find_chunk(&mut self, from: BlockNo, held: &[Pick]) -> Result<Option<FreeRun>> {
        let (media, state, hint) = (&mut self.media, &self.state, &mut self.hint);
        let mut groups = Groups { media, state, hint };
        let found = self.space.find_worn(&mut groups, true, held).await?;
        match found.map(|(run, _)| run).filter(|run| !run.any_claimed) {
            None => self.find_run_from(from, Want::Chunk, held).await,
            found => Ok(found),
        }
    }

    #[cfg(not(feature = "level"))]
    async fn find_chunk(&mut self, from: BlockNo, held: &[Pick]) -> Result<Option<FreeRun>> {
        self.find_run_from(from, Want::Chunk, held).await
    }

    pub(super) async fn find_run(&mut self, want: Want, held: &[Pick]) -> Result<Option<FreeRun>> {
        self.find_run_from(self.state.scalars.cursor, want, held).await
    }

    async fn find_run_from(
        &mut self,
        from: BlockNo,
        want: Want,
        held: &[Pick],
    ) -> Result<Option<FreeRun>> {
        let (media, state, hint) = (&mut self.media, &self.state, &mut self.hint);
        let mut groups = Groups { media, state, hint };
        let found = self.space.find(&mut groups, from, want, held).await?;
        if found.is_some() || want != Want::One || self.space.target().is_none() {
            return Ok(found);
        }
        // What is left is held for cold data, which can wait.
        self.space.leave_target();
        self.space.find(&mut groups, from, want, held).await
    }

    /// Logs that blocks of `run` are no longer called erased, if any are.
    pub(super) async fn announce(&mut self, run: FreeRun) -> Result<()> {
        if !run.any_claimed {
            return Ok(());
        }
        let mut length = HEADER_BYTES;
        self.push_announcement(run, &mut length)?;
        self.log(RecordKind::Change, false, length).await
    }

    /// Does one thing that a later call would have to wait for: at most one erase, none if the call
    /// has erased already or nothing is short. Nothing that can be seen changes.
    ///
    /// # Errors
    /// The device's, and those of folding.
    pub async fn refill(&mut self) -> Result<()> {
        let idle = self.read_only || self.doubtful || self.journal.is_sealed();
        if idle || self.media.rewrites() || self.has_erased() {
            return Ok(());
        }
        let next = self.state.scalars.next;
        let half = usize::try_from(self.media.block_bytes() / 2).unwrap_or(usize::MAX);
        if self.erased_next != Some(next) && !self.journal.has_room(&self.media, half) {
            return self.erase_next().await;
        }
        self.refill_reserve().await?;
        self.erase_spare(!self.has_erased()).await.map(|_| ())
    }

    /// Erases ahead if a call to come may find too few erased blocks.
    async fn refill_reserve(&mut self) -> Result<()> {
        self.load_reserve(RESERVE_BLOCKS).await?;
        let free = self.state.scalars.free.0;
        if self.nothing_dirty != u32::MAX && free <= self.nothing_dirty {
            self.nothing_dirty = free;
            return Ok(());
        }
        if self.is_short() {
            let room = self.state.fits(FOLD_RESERVE.saturating_add(self.wear_cost()))
                && self.state.runs_free() > RUNS_RESERVE.saturating_add(2)
                && self.journal.has_room(&self.media, FOLD_RECORD_BYTES);
            #[cfg(feature = "level")]
            if room && self.is_chunkless() && self.clean_some().await? {
                return Ok(());
            }
            let erased = self.erase_ahead(!room).await?;
            self.nothing_dirty = if erased { u32::MAX } else { free };
        }
        Ok(())
    }

    /// Sees to it that the block which the next settling writes its checkpoint to is erased, and
    /// says so in the log; gives whether it did anything. One of the reserve takes its place even
    /// where nothing may be erased any more: what is put off to the next session is an erase of
    /// its own there, of the same block of each chunk if sessions are short.
    async fn erase_spare(&mut self, may_erase: bool) -> Result<bool> {
        let room = self.journal.has_room(&self.media, FOLD_RECORD_BYTES);
        if self.state.scalars.spare_erased || !room {
            return Ok(false);
        }
        let old = self.state.scalars.spare_a;
        let new = self.draw_one().await?;
        if new.is_none() && !may_erase {
            return Ok(false);
        }
        let early = mutant::on(Mutant::SpareClaimedEarly);
        if new.is_none() && !early {
            self.media.erase(old, 1).await?;
        }
        self.media.barrier(Edge::Erase).await?;
        let spare_a = new.unwrap_or(old);
        let scalars = Scalars { spare_a, spare_erased: true, ..self.scalars_now() };
        self.log_scalars(scalars, old, spare_a).await?;
        if new.is_none() && early {
            self.media.erase(old, 1).await?;
        }
        Ok(true)
    }

    /// Sees to it that the block which the journal goes on in next is erased.
    async fn erase_next(&mut self) -> Result<()> {
        let old = self.state.scalars.next;
        let new = self.draw_one().await?;
        if let Some(next) = new {
            let scalars = Scalars { next, ..self.scalars_now() };
            self.log_scalars(scalars, old, next).await?;
        } else {
            self.media.erase(old, 1).await?;
        }
        self.erased_next = Some(new.unwrap_or(old));
        Ok(())
    }

    /// Takes a block out of the reserve that is to stand in place of one which sessions inherit.
    /// That one is not erased then, and where sessions are short it is not the same in all of them.
    /// Nobody calls it erased from here on: the record that gives it its place may be doubtful, and
    /// yet have been believed by a settling that was cut.
    async fn draw_one(&mut self) -> Result<Option<BlockNo>> {
        let room = self.state.runs_free() > RUNS_RESERVE.saturating_add(2)
            && self.journal.has_room(&self.media, 2 * FOLD_RECORD_BYTES);
        if !room || !self.space.is_chunked() {
            return Ok(None);
        }
        let Some(run) = self.space.draw(1) else { return Ok(None) };
        if !mutant::on(Mutant::RenewedNotAnnounced) {
            self.announce(run).await?;
        }
        Ok(Some(run.start))
    }

    /// Logs `scalars`, which name `new` where they named `old`: the one is in use then, the other
    /// free.
    pub(super) async fn log_scalars(
        &mut self,
        scalars: Scalars,
        old: BlockNo,
        new: BlockNo,
    ) -> Result<()> {
        let erases = self.media.erases();
        let mut length = HEADER_BYTES;
        self.push(&mut length, &Change::Scalars(scalars))?;
        if new != old {
            self.push(&mut length, &Change::Take(Run::single(new)))?;
            self.push(&mut length, &Change::Give(Run::single(old)))?;
        }
        self.log(RecordKind::Change, false, length).await?;
        self.erases_logged = erases;
        Ok(())
    }

    /// Erases ahead, up to `budget` times, so that later operations need not; gives how often it
    /// did. Fewer: everything that is free is erased.
    ///
    /// # Errors
    /// `ReadOnly`, or the device's; what was claimed stays claimed.
    pub async fn maintain(&mut self, budget: u32) -> Result<u32> {
        self.ready().await?;
        if self.media.rewrites() {
            return Ok(0);
        }
        let mut done = 0_u32;
        while done < budget && self.erase_ahead(false).await? {
            done = done.saturating_add(1);
        }
        if done < budget && self.erase_spare(true).await? {
            done = done.saturating_add(1);
        }
        Ok(done)
    }

    /// Erases a chunk, or a block, and calls it erased; `false` if there is none. Where room for
    /// the record has to be made, and that is work enough, it may be all that is done.
    async fn erase_ahead(&mut self, room_only: bool) -> Result<bool> {
        self.make_room(self.wear_cost(), 2).await?;
        // Before the search: a new journal block takes a free block, maybe one of the run.
        self.journal_room(FOLD_RECORD_BYTES).await?;
        if room_only {
            return Ok(true);
        }
        let from = self.state.scalars.cursor;
        let Some((mut run, want)) = self.find_dirty(from, &[]).await? else { return Ok(false) };
        if want == Want::Chunk {
            self.announce(run).await?;
        } else {
            run.length = 1;
        }
        let run = Run { start: run.start, length: run.length };
        let early = mutant::on(Mutant::ErasedClaimedEarly);
        if !early {
            self.media.erase(run.start, run.length).await?;
            self.media.barrier(Edge::Erase).await?;
        }
        let mut length = HEADER_BYTES;
        self.push(&mut length, &Change::Claim(run))?;
        #[cfg(feature = "level")]
        self.push_wear(&mut length, run).await?;
        self.log(RecordKind::Change, false, length).await?;
        self.space.keep(run.start, run.length);
        if early {
            self.media.erase(run.start, run.length).await?;
        }
        Ok(true)
    }

    /// Calls erased what is left of the windows and was erased, if the journal and the table of
    /// runs have room for that: the windows are closed.
    pub(super) async fn reclaim(&mut self) -> Result<()> {
        let room = self.state.runs_free() > RUNS_RESERVE.saturating_add(2 * RECLAIMS_MAX)
            && self.journal.has_room(&self.media, FOLD_RECORD_BYTES);
        let rests: heapless::Vec<_, RECLAIMS_MAX> =
            self.space.untouched().take(RECLAIMS_MAX).collect();
        if rests.is_empty() || !room || self.media.rewrites() {
            return Ok(());
        }
        self.media.barrier(Edge::Erase).await?;
        let mut length = HEADER_BYTES;
        for (start, count) in rests {
            self.push(&mut length, &Change::Claim(Run { start, length: count }))?;
        }
        self.log(RecordKind::Change, false, length).await?;
        self.space.close();
        self.space.close_data();
        self.space.note_claims(true);
        Ok(())
    }
}
