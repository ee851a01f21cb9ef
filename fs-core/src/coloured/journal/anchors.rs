//! The two anchor blocks: which entry is trusted, where the next one goes, how doubt is removed.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Edge, Media, SlotNo, SlotState};
use super::{Journal, Link};
use crate::error::{Error, Result};
use crate::format::anchor::Entry;
use crate::format::superblock::Superblock;
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, Sequence, Session};

/// How much an entry is trusted: by session, then by sequence; the rest only breaks ties.
pub type Rank = (Session, Sequence, u8, SlotNo);

/// An entry and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// What it says.
    pub entry: Entry,
    which: u8,
    slot: SlotNo,
}

impl Found {
    /// Whether it stands in the first anchor block.
    #[must_use]
    pub fn is_in_first(&self) -> bool {
        self.which == 0
    }

    /// Its place in the order of trust.
    #[must_use]
    pub fn rank(&self) -> Rank {
        let session = if mutant::on(Mutant::EntriesRankedBySequence) {
            Session(0)
        } else {
            self.entry.session
        };
        (session, self.entry.sequence, self.which, self.slot)
    }
}

/// What this session knows of the anchor blocks.
#[derive(Clone)]
pub struct Anchors {
    blocks: [BlockNo; 2],
    /// The newest entry that counts.
    newest: Option<Found>,
    session_seen: Session,
    /// The next slot of each block that nothing was tried on since the block was erased.
    clean: [Option<SlotNo>; 2],
}

impl Anchors {
    /// Anchors in `blocks`, nothing known of them.
    pub const fn new(blocks: [BlockNo; 2]) -> Self {
        Self { blocks, newest: None, session_seen: Session(0), clean: [None; 2] }
    }

    /// Number of the newest entry.
    pub fn sequence(&self) -> Sequence {
        self.newest.map_or(Sequence(0), |newest| newest.entry.sequence)
    }

    /// Whether the newest entry is the lone first one of an unfinished settling.
    pub fn is_first(&self) -> bool {
        self.newest.is_some_and(|newest| newest.entry.first)
    }

    /// The highest session any entry belongs to.
    pub fn session_seen(&self) -> Session {
        self.session_seen
    }

    /// Takes `found` for the newest entry that counts. What follows it in its block is unknown.
    pub(super) fn accept(&mut self, found: Found) {
        self.newest = Some(found);
        self.session_seen = self.session_seen.max(found.entry.session);
        self.clean = [None; 2];
        if mutant::on(Mutant::AnchorSlotReused) {
            self.clean = [Some(found.slot.saturating_add(1)); 2];
        }
    }

    fn block(&self, which: u8) -> BlockNo {
        let [first, last] = self.blocks;
        if which == 0 { first } else { last }
    }

    fn clean_mut(&mut self, which: u8) -> &mut Option<SlotNo> {
        let [first, last] = &mut self.clean;
        if which == 0 { first } else { last }
    }

    /// Whether a slot could one day outrank the newest entry, or read as nothing sensible.
    fn is_doubtful(state: SlotState, which: u8, slot: SlotNo, newest: &Found) -> bool {
        match state {
            SlotState::Blank => false,
            SlotState::Garbage => true,
            SlotState::Valid(entry) => {
                let above = Found { entry, which, slot }.rank() > newest.rank();
                above && !mutant::on(Mutant::ValidDoubtKept)
            }
        }
    }

    /// The block for the next entry: the one that does not hold the newest.
    fn target(&self) -> u8 {
        // The first entry of all goes to the first block.
        let newest = self.newest.map_or(1, |newest| newest.which);
        if mutant::on(Mutant::NewestAnchorErased) { newest } else { 1 ^ newest }
    }
}

#[colour]
impl Anchors {
    /// The most trusted entry below `limit`, of all that verify. Reads each slot in use once.
    ///
    /// Slots are filled in ascending order and none behind a doubtful one, so nothing stands
    /// behind the first blank.
    ///
    /// # Errors
    /// The device's.
    pub async fn find<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        limit: Option<Rank>,
    ) -> Result<Option<Found>> {
        let mut best: Option<Found> = None;
        for which in [0, 1] {
            for slot in 0..media.slot_count() {
                let entry = match media.read_slot(self.block(which), slot).await? {
                    SlotState::Blank => break,
                    SlotState::Garbage => continue,
                    SlotState::Valid(entry) => entry,
                };
                self.session_seen = self.session_seen.max(entry.session);
                let found = Found { entry, which, slot };
                let counts = limit.is_none_or(|limit| found.rank() < limit);
                if counts && best.is_none_or(|best| best.rank() < found.rank()) {
                    best = Some(found);
                }
            }
        }
        Ok(best)
    }

    /// Programs the bytes of an entry over themselves: what reads well now will do so later. Not
    /// where nothing needs an erase.
    ///
    /// # Errors
    /// The device's.
    pub async fn strengthen<D: BlockDevice>(
        &self,
        media: &mut Media<'_, D>,
        found: &Found,
    ) -> Result<()> {
        if media.rewrites() {
            return Ok(());
        }
        media.write_slot(self.block(found.which), found.slot, &found.entry).await
    }

    /// Whether the slot behind the newest entry reads blank. Every settling programs zeros there
    /// before it changes anything else: blank, none has got further since the entry was written.
    ///
    /// # Errors
    /// The device's.
    pub async fn is_unmarked<D: BlockDevice>(&self, media: &mut Media<'_, D>) -> Result<bool> {
        let Some(newest) = self.newest.filter(|_| !media.rewrites()) else { return Ok(false) };
        let behind = newest.slot.saturating_add(1);
        let inside = behind < media.slot_count();
        let block = self.block(newest.which);
        Ok(inside && media.read_slot(block, behind).await? == SlotState::Blank)
    }

    /// Removes every doubt about which entry is the newest: programs its bytes over themselves,
    /// and zeros over each slot that holds garbage, that may only look blank, or that reads as an
    /// entry above the newest: it did not count when it was looked for, and must never count.
    /// Where nothing needs an erase there are no such cells, and nothing is done.
    ///
    /// # Errors
    /// The device's; to be repeated then.
    pub async fn resolve<D: BlockDevice>(&mut self, media: &mut Media<'_, D>) -> Result<()> {
        let reused = mutant::on(Mutant::AnchorSlotReused);
        let known = self.clean;
        self.clean = [None; 2];
        let Some(newest) = self.newest.filter(|_| !media.rewrites()) else { return Ok(()) };
        if !mutant::on(Mutant::EntryNotStrengthened) {
            self.strengthen(media, &newest).await?;
        }
        if !mutant::on(Mutant::DoubtNotStruck) {
            for which in [1 ^ newest.which, newest.which] {
                self.strike(media, which, &newest).await?;
            }
        }
        if reused {
            self.clean = known;
        }
        Ok(())
    }

    /// Removes the doubt that can be left before a sealed journal is continued: none, if nothing
    /// has settled since the newest entry was written.
    ///
    /// A mount that missed the seal may have begun to settle, and have been cut while it wrote its
    /// first entry. Such an entry belongs to the next session: if it read well one day it would
    /// outrank everything that is going to be logged.
    ///
    /// Says whether no settling was begun behind the newest entry.
    ///
    /// # Errors
    /// The device's; to be repeated then.
    pub async fn resolve_sealed<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
    ) -> Result<bool> {
        let unmarked = self.is_unmarked(media).await?;
        if !unmarked && !mutant::on(Mutant::CleanDoubtNotStruck) {
            self.resolve(media).await?;
        }
        Ok(unmarked)
    }

    /// Strikes what is doubtful in an anchor block, and the first slot that looks blank. What is
    /// behind that was never tried since the block was erased, if its first slot holds an entry:
    /// an erase is begun only behind a strike of the first slot. Then the next entry may go there.
    async fn strike<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        which: u8,
        newest: &Found,
    ) -> Result<()> {
        let block = self.block(which);
        let (mut used, mut whole) = (0, false);
        while used < media.slot_count() {
            let slot = used;
            let state = media.read_slot(block, slot).await?;
            let own = which == newest.which && slot == newest.slot;
            if state == SlotState::Blank && !own {
                break;
            }
            used = slot.saturating_add(1);
            let doubtful = !own && Self::is_doubtful(state, which, slot, newest);
            whole |= slot == 0 && matches!(state, SlotState::Valid(_)) && !doubtful;
            if doubtful {
                media.strike_slot(block, slot).await?;
            }
        }
        if used < media.slot_count() {
            media.strike_slot(block, used).await?;
        }
        let next = used.saturating_add(1);
        let fits = whole && next < media.slot_count() && media.has_superblock(block).await?;
        *self.clean_mut(which) = fits.then_some(next);
        Ok(())
    }

    /// Writes `entry` behind all others. One program; in a session's first entry of a block one
    /// more, and the reads of its slots in use; and an erase and a superblock copy if the block is
    /// full, or may have been erased in part. Where nothing needs an erase it is always the first
    /// slot that is programmed over.
    ///
    /// # Errors
    /// The device's; the anchors are then doubtful.
    async fn write<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        superblock: &Superblock,
        entry: Entry,
    ) -> Result<()> {
        let which = self.target();
        let block = self.block(which);
        let rewrites = media.rewrites();
        let mut free = self.clean_mut(which).take().filter(|slot| *slot < media.slot_count());
        if let (None, false, Some(newest)) = (free, rewrites, self.newest) {
            self.strike(media, which, &newest).await?;
            free = self.clean_mut(which).take();
        }
        if rewrites && (free.is_some() || media.has_superblock(block).await?) {
            free = Some(0);
        }
        let reused = free.is_some();
        let slot = if let Some(slot) = free {
            slot
        } else {
            // What is left of an erase that is cut has no entry in its first slot.
            if !rewrites && !mutant::on(Mutant::AnchorNotStruck) {
                media.strike_slot(block, 0).await?;
            }
            media.erase(block, 1).await?;
            write_copy(media, block, superblock).await?;
            0
        };
        // The entry may make the other anchor block, and its copy, the next to be erased. And it
        // may name a checkpoint, which is made durable here.
        if !(reused && rewrites) {
            media.barrier(Edge::Superblock).await?;
        }
        media.write_slot(block, slot, &entry).await?;
        *self.clean_mut(which) = Some(if rewrites { 0 } else { slot.saturating_add(1) });
        self.session_seen = self.session_seen.max(entry.session);
        self.newest = Some(Found { entry, which, slot });
        Ok(())
    }
}

/// Programs a copy of the superblock. Not inlined: its bytes lie on the stack for this call alone.
#[colour]
#[inline(never)]
async fn write_copy<D: BlockDevice>(
    media: &mut Media<'_, D>,
    block: BlockNo,
    superblock: &Superblock,
) -> Result<()> {
    let bytes = superblock.encode().map_err(|_| Error::Bug)?;
    media.write_superblock(block, &bytes).await
}

impl Journal {
    /// Notes that both anchor blocks begin with a superblock, where nothing is erased: no entry
    /// needs to look for it.
    pub fn note_copies(&mut self) {
        self.anchors.clean = [Some(0); 2];
    }
}

#[colour]
impl Journal {
    /// Writes an anchor entry that starts at `link`, marked as the lone first one of a settling
    /// or not.
    ///
    /// # Errors
    /// The device's; the anchors are then doubtful.
    pub async fn write_entry<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        superblock: &Superblock,
        link: &Link,
        first: bool,
    ) -> Result<()> {
        let entry = self.entry(link, first);
        self.anchors.write(media, superblock, entry).await
    }

    /// See [`Anchors::find`].
    ///
    /// # Errors
    /// The device's.
    pub async fn find_entry<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        limit: Option<Rank>,
    ) -> Result<Option<Found>> {
        self.anchors.find(media, limit).await
    }

    /// See [`Anchors::resolve`].
    ///
    /// # Errors
    /// The device's.
    pub async fn resolve<D: BlockDevice>(&mut self, media: &mut Media<'_, D>) -> Result<()> {
        self.anchors.resolve(media).await
    }

    /// See [`Anchors::is_unmarked`].
    ///
    /// # Errors
    /// The device's.
    pub async fn is_unmarked<D: BlockDevice>(&self, media: &mut Media<'_, D>) -> Result<bool> {
        self.anchors.is_unmarked(media).await
    }

    /// See [`Anchors::resolve_sealed`].
    ///
    /// # Errors
    /// The device's.
    pub async fn resolve_sealed<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
    ) -> Result<bool> {
        self.anchors.resolve_sealed(media).await
    }
}
