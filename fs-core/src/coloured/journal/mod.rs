//! The append-only log of commits, and the anchors that say where it begins.
//!
//! **What it is.** A chain of blocks filled with records, one commit each, and two anchor blocks
//! with entries that name a block of the chain to start from. What the records mean is not known
//! here: `txn` fills them and replays them.
//!
//! **Rules.**
//! 1. Every record's checksum is chained to the record before and seeded with the session, so
//!    nothing of another chain, or of an earlier life of a block, can continue this one.
//! 2. The first record of a block is a header (or a checkpoint) that names the block after it.
//!    That block is erased by the session that uses it, whatever it looks like.
//! 3. A record never crosses a block. The reader, when a record does not verify, also tries the
//!    named next block: its header is chained to the last record.
//! 4. Entries are ranked by (session, sequence). A new entry goes to the block that does not hold
//!    the newest, into the slot behind one that this session wrote or struck, if the block's first
//!    slot holds an entry. Else the first slot is struck and the block erased before.
//! 5. Starting from the newest entry or from the one before it reaches the same newest state.
//! 6. After a seal nothing is appended behind it: the next record opens the named next block.
//! 7. A seal may say that the named next block is erased. Before anything happens to that block,
//!    zeros behind the seal withdraw it.
//! 8. On sector media records are gathered in images, see `images`: an acknowledged record is never
//!    in a sector that is being programmed.
//!
//! **After a power cut.** The record in flight is there or not; an entry in flight is there or
//! not, and by rule 5 it does not matter. Both may read differently each time (metastable cells),
//! so a mount that writes first removes every doubt: see [`Journal::resolve`] and `txn::settle`.
//!
//! **Cost.** Append: one program. A new block: one program. An entry: one program, and once per
//! session and block one more; when the block is full, an erase and a superblock copy.

mod anchors;
mod images;
mod replay;
#[cfg(test)]
mod tests;

use super::colour;
use super::device::BlockDevice;
use super::media::{Media, Place, Reading, SMALL_UNIT_MAX};
use crate::error::{Error, Result};
use crate::format::anchor::Entry;
use crate::format::checksum::VolumeSeed;
use crate::format::pointer::NodePointer;
use crate::format::record::{HEADER_BYTES, RecordKind, RecordPlace};
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, Generation, Sequence, Session};

pub use anchors::Anchors;
pub use replay::Step;

/// Blocks that a chain can have: the largest allowed length, and the one more it has while the
/// oldest is being retired.
pub const CHAIN_MAX: usize = 5;

/// What an anchor entry says about the beginning of a journal block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// Root of the tree.
    pub root: NodePointer,
    /// The two spare blocks.
    pub spares: [BlockNo; 2],
    /// The last generation given to a node.
    pub generation: Generation,
}

/// A block of the chain, and the state its first record builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Where it is.
    pub block: BlockNo,
    /// What its first record is chained to.
    pub seed: u32,
    /// Number of its first record.
    pub sequence: Sequence,
    /// The state at that point.
    pub base: Base,
}

/// The newest record: what a seal needs to be programmed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Newest {
    place: Place,
    length: u16,
    identity: RecordPlace,
}

/// The chain and its anchors, as this session knows them.
pub struct Journal {
    chain: heapless::Vec<Link, CHAIN_MAX>,
    /// Tag of the newest block of the chain; the one before has the tag before, modulo 256.
    tag: u8,
    /// Bytes in use of the newest block; with images, of the one in the first sector of the pair.
    offset: u32,
    /// With images: the sectors that they alternate between.
    pair: [u8; 2],
    previous: u32,
    sequence: Sequence,
    session: Session,
    newest: Option<Newest>,
    /// Whether the newest record is a seal.
    sealed: bool,
    /// Whether that says that the named next block is erased.
    promises: bool,
    anchors: Anchors,
}

impl Journal {
    /// A journal that has not been read yet, anchored in the blocks `anchors`.
    pub fn new(anchors: [BlockNo; 2]) -> Self {
        Self {
            chain: heapless::Vec::new(),
            tag: 0,
            offset: 0,
            pair: images::FIRST_PAIR,
            previous: 0,
            sequence: Sequence(0),
            session: Session(0),
            newest: None,
            sealed: false,
            promises: false,
            anchors: Anchors::new(anchors),
        }
    }

    /// The blocks of the chain, oldest first.
    pub fn chain(&self) -> &[Link] {
        &self.chain
    }

    /// The anchors.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Tag for what the newest block logs.
    pub fn tag(&self) -> u8 {
        self.tag
    }

    /// Tag of what the oldest block of the chain logged.
    pub fn oldest_tag(&self) -> u8 {
        let behind = u8::try_from(self.chain.len().saturating_sub(1)).unwrap_or(u8::MAX);
        self.tag.wrapping_sub(behind)
    }

    /// The session whose records the chain holds.
    pub fn session(&self) -> Session {
        self.session
    }

    /// The sequence of the record that is written next.
    pub fn sequence(&self) -> u64 {
        self.sequence.0
    }

    /// Whether the journal ends with a seal.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Where the promise of a seal is withdrawn: behind it.
    fn mark(&self) -> Option<Place> {
        let newest = self.newest.filter(|_| self.promises)?;
        Some(Place { block: newest.place.block, offset: self.offset })
    }

    /// What the checksum of the next record is seeded with.
    fn identity(&self, volume: VolumeSeed) -> RecordPlace {
        RecordPlace {
            volume,
            session: self.session,
            sequence: self.sequence,
            previous: self.previous,
        }
    }
}

#[colour]
impl Journal {
    /// Whether a record of `length` bytes may be appended to the newest block.
    pub fn has_room<D: BlockDevice>(&self, media: &Media<'_, D>, length: usize) -> bool {
        let open = !self.sealed || mutant::on(Mutant::SealBlockContinued);
        if media.has_images() {
            return open && self.image_for(media, length).is_some();
        }
        let end =
            usize::try_from(self.offset).unwrap_or(usize::MAX).checked_add(media.padded(length));
        let block = usize::try_from(media.block_bytes()).unwrap_or(usize::MAX);
        open && end.is_some_and(|end| end <= block)
    }

    /// Appends the first `length` bytes of `bytes` as one record. One program.
    ///
    /// # Errors
    /// The device's. The tail is then doubtful: nothing may be appended to it.
    pub async fn append<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        kind: RecordKind,
        last: bool,
        bytes: &mut [u8],
        length: usize,
    ) -> Result<()> {
        let block = self.chain.last().ok_or(Error::Bug)?.block;
        self.write(media, block, kind, last, bytes, length).await
    }

    async fn write<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        block: BlockNo,
        kind: RecordKind,
        last: bool,
        bytes: &mut [u8],
        length: usize,
    ) -> Result<()> {
        let identity = self.identity(media.volume());
        let padded = u32::try_from(media.padded(length)).map_err(|_| Error::Bug)?;
        let (offset, kept, pair, used) = if media.has_images() {
            let image = self.image_for(media, length).ok_or(Error::Bug)?;
            (image.offset(), image.kept, image.pair, image.used)
        } else {
            (self.offset, 0, self.pair, self.offset.saturating_add(padded))
        };
        let place = Place { block, offset };
        let at = (place, kept);
        self.previous = media.write_record(at, &identity, kind, last, bytes, length).await?;
        self.pair = pair;
        self.offset = used;
        self.sequence = self.sequence.next();
        let length = u16::try_from(length).map_err(|_| Error::Bug)?;
        self.newest = Some(Newest { place, length, identity });
        self.sealed = kind == RecordKind::Seal;
        self.promises = self.sealed && last;
        Ok(())
    }

    /// Lets the chain go on in `block`, which is erased, with a header record: the first `length`
    /// bytes of `bytes`. One program.
    ///
    /// # Errors
    /// The device's; the chain then still ends where it did, doubtfully.
    pub async fn advance<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        block: BlockNo,
        base: Base,
        bytes: &mut [u8],
        length: usize,
    ) -> Result<()> {
        let link = Link { block, seed: self.previous, sequence: self.sequence, base };
        let before = (self.offset, self.pair);
        (self.offset, self.pair) = (0, images::FIRST_PAIR);
        let written = self.write(media, block, RecordKind::Header, false, bytes, length).await;
        if written.is_err() {
            (self.offset, self.pair) = before;
        }
        written?;
        self.chain.push(link).map_err(|_| Error::Bug)?;
        self.tag = self.tag.wrapping_add(1);
        Ok(())
    }

    /// The journal that follows this one after a settling: an empty chain of the next session
    /// that begins in `block`, under the same anchors. This one stays as it is.
    #[must_use]
    pub fn successor(&self, block: BlockNo, base: Base) -> Self {
        let mut successor = Self {
            chain: heapless::Vec::new(),
            tag: self.tag.wrapping_add(1),
            offset: 0,
            pair: images::FIRST_PAIR,
            previous: 0,
            sequence: self.sequence,
            session: self.anchors.session_seen().next(),
            newest: None,
            sealed: false,
            promises: false,
            anchors: self.anchors.clone(),
        };
        let link = Link { block, seed: 0, sequence: self.sequence, base };
        // There is room for one.
        let _ = successor.chain.push(link);
        successor
    }

    /// Lets the oldest block go: the newest anchor entry starts behind it.
    pub fn retire(&mut self) {
        if self.chain.len() > 1 {
            self.chain.remove(0);
        }
    }

    /// Programs the seal at the end of the journal once more, so that no later mount misses it.
    /// Where nothing needs an erase a cell is old or new, and nothing is done.
    /// `false` if it no longer reads as a seal: it was never whole.
    ///
    /// # Errors
    /// The device's.
    pub async fn strengthen_seal<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        work: &mut [u8],
    ) -> Result<bool> {
        if media.rewrites() || mutant::on(Mutant::SealNotStrengthened) {
            return Ok(true);
        }
        let newest = self.newest.filter(|_| self.sealed).ok_or(Error::Bug)?;
        let padded = media.padded(newest.length.into());
        work.get_mut(..padded).ok_or(Error::Bug)?.fill(0);
        let reading = media.read_record(newest.place, &newest.identity, work).await?;
        if !matches!(reading, Reading::Record(_)) {
            return Ok(false);
        }
        let record = work.get(..padded).ok_or(Error::Bug)?;
        media.strengthen(newest.place, record).await?;
        Ok(true)
    }

    /// Whether a seal that is written now can promise that the next block is erased: there must be
    /// room behind it to withdraw that.
    pub fn may_promise<D: BlockDevice>(&self, media: &Media<'_, D>) -> bool {
        !media.rewrites() && self.has_room(media, media.padded(HEADER_BYTES).saturating_mul(2))
    }

    /// Whether the journal ends with a seal that says that the named next block is erased, and
    /// that was not withdrawn.
    ///
    /// # Errors
    /// The device's.
    pub async fn keeps_promise<D: BlockDevice>(&self, media: &mut Media<'_, D>) -> Result<bool> {
        match self.mark() {
            Some(mark) => media.is_blank(mark, HEADER_BYTES).await,
            None => Ok(false),
        }
    }

    /// Withdraws what the seal says about the next block, before anything happens to that. Done
    /// again whatever stands there: a mark that was cut may read as one today only.
    ///
    /// # Errors
    /// The device's; the promise then stands or not, and the block is as it was.
    pub async fn withdraw_promise<D: BlockDevice>(&self, media: &mut Media<'_, D>) -> Result<()> {
        match self.mark().filter(|_| !mutant::on(Mutant::PromiseNotWithdrawn)) {
            Some(mark) => {
                let zeros = [0; SMALL_UNIT_MAX as usize];
                let length = media.padded(HEADER_BYTES);
                media.strengthen(mark, zeros.get(..length).ok_or(Error::Bug)?).await
            }
            None => Ok(()),
        }
    }

    /// The anchor entry that starts at `link`.
    fn entry(&self, link: &Link, first: bool) -> Entry {
        Entry {
            sequence: self.anchors.sequence().next(),
            session: self.session,
            first,
            start: link.block,
            seed: link.seed,
            start_sequence: link.sequence,
            spare_a: link.base.spares[0],
            spare_b: link.base.spares[1],
            root: link.base.root,
            generation: link.base.generation,
        }
    }
}
