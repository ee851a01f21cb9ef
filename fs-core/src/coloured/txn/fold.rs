//! Folding: carrying pending changes into the tree, so that the pending set has room again.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Edge, Media, SECTOR};
use super::super::space::{Pick, Picks, Space};
use super::super::tree::{self, Desk, FOLD_RESERVE, Folded, Limits, NodeStore};
use super::ahead::For;
use super::{Error, Txn};
use crate::error::Result;
use crate::format::change::{Change, Run};
use crate::format::key::Key;
use crate::format::record::{HEADER_BYTES, RecordKind};
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, Guarantees, Level};

/// Runs that a fold, the opening of a journal block and a window may add between them.
pub(super) const RUNS_RESERVE: usize = 30;

/// Bytes of the longest fold record and of the window records before it.
pub(super) const FOLD_RECORD_BYTES: usize = 480;

/// Folds that one call may take: far above what the termination argument of `tree` gives for the
/// largest arena. More is a breach of our own rules.
const FOLDS_MAX: usize = 256;

/// The blocks that a fold may take, as `tree` sees them.
struct Supply<'a> {
    space: &'a mut Space,
    picks: Picks,
    taken: usize,
}

#[colour]
impl<D: BlockDevice> NodeStore<D> for Supply<'_> {
    async fn take(&mut self, media: &mut Media<'_, D>) -> Result<BlockNo> {
        let Pick { block, erased } = *self.picks.get(self.taken).ok_or(Error::NoSpace)?;
        self.taken = self.taken.saturating_add(1);
        // It leaves the window before anything happens to it: a torn attempt is never built on.
        if !mutant::on(Mutant::TakenBlockOffered) {
            self.space.consume(block);
        }
        if !erased && !mutant::on(Mutant::NodeBlockNotErased) {
            media.erase(block, 1).await?;
        }
        Ok(block)
    }
}

#[colour]
impl<D: BlockDevice> Txn<'_, D> {
    /// Folds until the pending set can take `cost` bytes and `more` runs of blocks.
    pub(super) async fn make_room(&mut self, cost: usize, more: usize) -> Result<()> {
        let bytes = cost.saturating_add(FOLD_RESERVE);
        for _ in 0..FOLDS_MAX {
            let runs = self.state.runs_free() >= RUNS_RESERVE.saturating_add(more);
            if self.state.fits(bytes) && runs {
                return Ok(());
            }
            let (level, key) = self.choose_fold(runs).await?.ok_or(Error::Bug)?;
            self.fold(level, key, self.limits()).await?;
        }
        Err(Error::Bug)
    }

    /// Folds everything that is pending, so that nodes which have lost their items are given back.
    /// Leaf by leaf while any fold is affordable: which of them frees most need not be known.
    pub(super) async fn fold_all(&mut self) -> Result<()> {
        for _ in 0..FOLDS_MAX {
            let Some((level, key)) = self.choose_any().await? else { return Ok(()) };
            self.fold(level, key, self.limits()).await?;
        }
        Err(Error::Bug)
    }

    async fn choose_any(&mut self) -> Result<Option<(Level, Key)>> {
        if self.state.fits(FOLD_RESERVE.saturating_mul(2)) {
            if let Some(first) = self.state.ceiling(Level(0), Key::MIN) {
                return Ok(Some((Level(0), first.key)));
            }
        }
        let limits = self.limits();
        tree::choose(&mut self.media, &self.state, limits).await
    }

    /// The next node to fold. One that frees runs may add pointers without freeing any: it is
    /// taken only while there is room for them.
    async fn choose_fold(&mut self, runs: bool) -> Result<Option<(Level, Key)>> {
        if !runs && self.state.fits(FOLD_RESERVE.saturating_mul(2)) {
            let near = self.space.first().map_or(self.state.scalars.cursor, |pick| pick.block);
            let choice = tree::choose_runs(&mut self.media, &self.state, near).await?;
            if choice.is_some() {
                return Ok(choice);
            }
        }
        let limits = self.limits();
        tree::choose(&mut self.media, &self.state, limits).await
    }

    /// What folds may do. Delta pages save programs and erases, and leave nodes with items that
    /// are gone: not where space is short.
    pub(super) fn limits(&self) -> Limits {
        let block_pages = self.superblock.block_bytes() / SECTOR;
        let free = self.state.scalars.free.0;
        let erases = self.media.geometry().guarantees.contains(Guarantees::NEEDS_ERASE);
        let deltas = erases && free >= self.reserve().saturating_mul(2);
        Limits {
            block_pages: u8::try_from(block_pages).unwrap_or(u8::MAX),
            tag: self.journal.tag(),
            deltas_after: deltas.then_some(self.deltas_after),
        }
    }

    /// Rewrites the node of `level` that `key` belongs to, with what is pending for it; as a whole,
    /// in another block, if `limits` forbid delta pages.
    pub(super) async fn fold(&mut self, level: Level, key: Key, limits: Limits) -> Result<()> {
        self.journal_room(FOLD_RECORD_BYTES).await?;
        let picks = self.pick_blocks().await?;
        // Until the record is durable nothing is known of the pages behind the nodes there are.
        let deltas_after = self.deltas_after;
        self.deltas_after = self.state.scalars.generation;
        let mut supply = Supply { space: &mut self.space, picks, taken: 0 };
        let mut desk = Desk::new(self.work.first_chunk_mut().ok_or(Error::Bug)?);
        let (media, state, at) = (&mut self.media, &self.state, (level, key));
        let mut folded = Folded::new();
        tree::fold(media, state, &mut supply, &mut desk, at, limits, &mut folded).await?;
        self.media.barrier(Edge::Nodes).await?;
        if mutant::on(Mutant::ReuseBeforeDurable) {
            for block in &folded.given {
                self.media.erase(*block, 1).await?;
            }
        }
        let mut length = HEADER_BYTES;
        self.push_fold(&folded, &mut length)?;
        self.push_releases(&mut length);
        self.log(RecordKind::Change, false, length).await?;
        self.deltas_after = deltas_after;
        Ok(())
    }

    /// Chooses the blocks that the next fold may take, and opens windows for them. Data gives its
    /// windows up when nothing else is left.
    async fn pick_blocks(&mut self) -> Result<Picks> {
        let mut picks = Picks::new();
        self.space.offer(&mut picks);
        while !picks.is_full() {
            let mut opened = self.open_window(For::Nodes, &picks).await?;
            if opened.is_none() {
                self.space.close_data();
                opened = self.open_window(For::Nodes, &picks).await?;
            }
            let Some((run, erased)) = opened else { break };
            self.space.open(run, erased);
            let before = picks.len();
            self.space.offer(&mut picks);
            if picks.len() == before {
                break;
            }
        }
        Ok(picks)
    }
}

impl<D> Txn<'_, D> {
    /// Adds to the record what a fold changes: first what it consumed, then what is new. Not
    /// inlined: its changes lie on the stack for this call alone.
    #[inline(never)]
    fn push_fold(&mut self, folded: &Folded, length: &mut usize) -> Result<()> {
        for change in folded.changes() {
            self.push(length, &change)?;
        }
        for block in &folded.taken {
            self.push(length, &Change::Take(Run::single(*block)))?;
        }
        for block in &folded.given {
            self.push(length, &Change::Give(Run::single(*block)))?;
        }
        Ok(())
    }
}
