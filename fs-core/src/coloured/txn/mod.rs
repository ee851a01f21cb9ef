//! All or nothing: the one room that knows journal, tree and space, and makes them one thing.
//!
//! **What it is.** A set of items that changes by transactions. A transaction is one journal
//! record; what it changes waits in the pending set until a fold carries it into the tree.
//!
//! **Rules.**
//! 1. A record is programmed, then applied: the state in RAM is at every await the state that a
//!    replay of the durable log would give. The same function applies at run time and in replay.
//! 2. Room is made before an operation begins, never within: in the pending set, in the journal
//!    block, in the table of runs. A fold is an operation of its own.
//! 3. While a write to journal or anchors is under way, the tail is *doubtful*. It stays so when
//!    the write fails or its future is dropped; then the next operation settles from RAM first.
//! 4. What only removing needs is kept back from everything else: see [`Txn::reserve`].
//! 5. After a breach of our own rules ([`Error::Bug`]) nothing is written any more.
//!
//! **States.** `find`, `open`, `start` -> clean or unclean; `settle` makes unclean clean; `begin`
//! .. `commit` goes from clean over doubtful to clean; `park` seals.
//!
//! **After a power cut.** The transaction in flight happened or not. See `settle.rs`.
//!
//! **Cost.** A commit: one program of its record. Once per journal block: an erase, a header, and
//! at the longest chain the oldest block's live items (at most the pending set) and an anchor
//! entry. Once per filled pending set: folds, each one node read and one to three written.

mod ahead;
mod amend;
#[cfg(feature = "level")]
mod clean;
mod data;
mod fold;
mod format;
#[cfg(feature = "level")]
mod level;
mod log;
mod mount;
mod settle;

pub use super::space::CHUNK_BLOCKS;
pub use super::tree::Place;
pub use mount::FoundVolume;

use super::colour;
use super::device::BlockDevice;
use super::journal::Journal;
use super::media::{Edge, Media};
use super::space::{ItemStore, Space};
use super::tree::{self, Hint};
use crate::error::{Error, Result, corrupt};
use crate::format::change::{Change, ChangeWriter, Run};
use crate::format::group::{self, Group};
use crate::format::key::Key;
use crate::format::record::{HEADER_BYTES, RecordKind};
use crate::format::superblock::Superblock;
use crate::format::wear::{self, Wear};
use crate::memory::{CachedPage, WORK_BYTES};
use crate::mutant::{self, Mutant};
use crate::pending::{ENTRY_BYTES, RunTable, State};
use crate::units::{BlockNo, Generation, Level, ObjectId};

/// Bytes of the longest record that is written: with its padding to any program unit it must not
/// be longer than the longest that is read.
const RECORD_BYTES: usize = 1024;
const _: () = assert!(RECORD_BYTES <= WORK_BYTES && RECORD_BYTES.is_multiple_of(64));

/// Bytes of a change of blocks in a record.
pub const RUN_BYTES: usize = 7;

/// RAM that a volume works in.
pub struct Buffers<'m> {
    /// Holds the pending set: at least what the volume was formatted for.
    pub arena: &'m mut [u8],
    /// Holds what the log says about blocks.
    pub runs: &'m mut RunTable,
    /// Holds a record, or a page being written.
    pub work: &'m mut [u8; WORK_BYTES],
    /// Hold cached pages: at least one.
    pub pages: &'m mut [CachedPage],
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It may add; it is refused when only the reserve is left.
    Grow,
    /// It removes; it may use the reserve.
    Shrink,
}

/// A transaction being put together. Dropping it abandons it.
#[derive(Debug)]
#[must_use]
pub struct Batch {
    length: usize,
}

/// Blocks that may not be given back yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// None: two entries have been written since each was retired.
    None,
    /// The one that the newest anchor entry retired.
    One(BlockNo),
    /// All that are leaving: which entry retired them is not known.
    All,
}

/// The items of a volume.
pub struct Txn<'m, D> {
    media: Media<'m, D>,
    state: State<'m>,
    journal: Journal,
    space: Space,
    work: &'m mut [u8; WORK_BYTES],
    superblock: Superblock,
    hint: Hint,
    held: Held,
    /// Leaves written after this generation may take delta pages: what stopped before cannot have
    /// tried to program behind them.
    deltas_after: Generation,
    /// The block that this session has erased for the journal to go on in.
    erased_next: Option<BlockNo>,
    /// What the erases were when the call began.
    erases_before: u32,
    /// What the sequence of the next record was then.
    records_before: u64,
    /// How many of the erases of this session the scalars tell of.
    erases_logged: u32,
    /// Low bits of the object in which cold data is looked for.
    sweep: u32,
    #[cfg(feature = "level")]
    cleaning: clean::Cleaning,
    /// The fewest free blocks there were since a search found none to erase.
    nothing_dirty: u32,
    /// How many blocks were free when no whole chunk was found, and the erases by then.
    chunkless: u32,
    chunkless_at: u32,
    /// A key whose item somebody remembers; none once a record has been given a change of it.
    watched: Option<Key>,
    doubtful: bool,
    read_only: bool,
    unclean: bool,
}

/// Reads group items: from the tree, with the pending runs applied.
struct Groups<'a, 'm, D> {
    media: &'a mut Media<'m, D>,
    state: &'a State<'m>,
    hint: &'a mut Hint,
}

#[colour]
impl<D: BlockDevice> ItemStore for Groups<'_, '_, D> {
    async fn group(&mut self, number: u32) -> Result<Group> {
        let mut bytes = [0; group::SIZE];
        let number = u64::from(number);
        let key = Group::key(number);
        let length = tree::get(self.media, self.state, self.hint, key, &mut bytes).await?;
        let mut group = match length {
            None => Group::FREE,
            Some(_) => Group::decode(&bytes).map_err(corrupt(self.state.scalars.root.block))?,
        };
        self.state.patch_group(number, &mut group);
        Ok(group)
    }

    async fn wear(&mut self, number: u32) -> Result<Wear> {
        let mut value = [0; wear::SIZE];
        let key = Wear::key(number.into());
        let found = tree::get(self.media, self.state, self.hint, key, &mut value).await?;
        Ok(Wear::from_value(value.get(..found.unwrap_or(0)).unwrap_or_default()))
    }

    async fn open_group(&mut self, number: u32) -> Result<u32> {
        let open = tree::open_group(self.media, self.state, self.hint, number.into()).await?;
        Ok(u32::try_from(open).unwrap_or(u32::MAX))
    }
}

#[colour]
impl<D: BlockDevice> Txn<'_, D> {
    /// Copies the value of `key` into `target` and gives its length. At most `height` x 2 pages.
    ///
    /// # Errors
    /// `Corrupt`, or the device's.
    pub async fn get(&mut self, key: Key, target: &mut [u8]) -> Result<Option<usize>> {
        tree::get(&mut self.media, &self.state, &mut self.hint, key, target).await
    }

    /// Copies the first item at or behind `from` into `target`.
    ///
    /// # Errors
    /// `Corrupt`, or the device's.
    pub async fn next(&mut self, from: Key, target: &mut [u8]) -> Result<Option<(Key, usize)>> {
        tree::next(&mut self.media, &self.state, &mut self.hint, from, target).await
    }

    /// The last item at or before `key` of its object and kind.
    ///
    /// # Errors
    /// `Corrupt`, or the device's.
    pub async fn floor(&mut self, key: Key, target: &mut [u8]) -> Result<Option<(Key, usize)>> {
        tree::floor(&mut self.media, &self.state, &mut self.hint, key, target).await
    }

    /// The first node of `level` whose range ends behind `from`: its range and where it is.
    ///
    /// # Errors
    /// `Corrupt`, or the device's.
    pub async fn next_node(&mut self, level: Level, from: Key) -> Result<Option<Place>> {
        tree::next_node(&mut self.media, &self.state, level, from).await
    }

    /// The group item `number` as it is now.
    ///
    /// # Errors
    /// `Corrupt`, or the device's.
    pub async fn group(&mut self, number: u32) -> Result<Group> {
        let (media, state, hint) = (&mut self.media, &self.state, &mut self.hint);
        Groups { media, state, hint }.group(number).await
    }

    /// Begins a transaction whose changes cost at most `cost` bytes of the pending set.
    ///
    /// # Errors
    /// `ReadOnly`; `NoSpace` if only the reserve is left; `Bug` if `cost` is more than a record
    /// holds; those of folding and of the device. Nothing has changed then.
    pub async fn begin(&mut self, cost: usize, purpose: Purpose) -> Result<Batch> {
        self.begin_runs(cost, 0, purpose).await
    }

    /// As [`Self::begin`], for a transaction with up to `runs` changes of blocks.
    ///
    /// # Errors
    /// As there.
    pub async fn begin_runs(
        &mut self,
        cost: usize,
        runs: usize,
        purpose: Purpose,
    ) -> Result<Batch> {
        self.ready().await?;
        if purpose == Purpose::Grow {
            self.require_space().await?;
        } else if !self.has_space() {
            self.release().await?;
        }
        // A change of blocks adds two runs at most.
        self.make_room(cost, runs.saturating_mul(2)).await?;
        let length = cost.saturating_add(runs.saturating_mul(RUN_BYTES));
        self.journal_room(HEADER_BYTES.saturating_add(length)).await?;
        Ok(Batch { length: HEADER_BYTES })
    }

    /// Refuses when nothing but the reserve is left, and nothing comes back: neither from retired
    /// journal blocks nor from folding what is pending.
    ///
    /// # Errors
    /// `NoSpace`; `ReadOnly`; those of folding and of the device.
    pub async fn require_space(&mut self) -> Result<()> {
        self.ready().await?;
        if self.has_space() {
            return Ok(());
        }
        self.release().await?;
        if !self.has_space() {
            self.fold_all().await?;
            self.release().await?;
        }
        if self.has_space() { Ok(()) } else { Err(Error::NoSpace) }
    }

    /// Gives back what may be given back, without waiting for a record that it can ride on.
    async fn release(&mut self) -> Result<()> {
        self.journal_room(HEADER_BYTES).await?;
        let mut length = HEADER_BYTES;
        self.push_releases(&mut length);
        if length > HEADER_BYTES {
            self.log(RecordKind::Change, false, length).await?;
            self.journal_room(HEADER_BYTES).await?;
        }
        Ok(())
    }

    /// Makes sure that the journal can be appended to.
    async fn ready(&mut self) -> Result<()> {
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        if self.doubtful {
            self.settle().await?;
        }
        Ok(())
    }

    /// Makes everything durable that is not: nothing, but for a doubt left by a failed or dropped
    /// operation, which is removed.
    ///
    /// # Errors
    /// The device's.
    pub async fn sync(&mut self) -> Result<()> {
        if self.read_only || !self.doubtful {
            return Ok(());
        }
        self.settle().await
    }

    /// Commits `batch`: one program. Its changes are durable when this returns.
    ///
    /// # Errors
    /// The device's. The changes may then be found after a power cut, but not before: the next
    /// operation removes them.
    pub async fn commit(&mut self, mut batch: Batch) -> Result<()> {
        self.push_releases(&mut batch.length);
        self.log(RecordKind::Change, false, batch.length).await
    }

    /// Closes the journal so that the next mount need not settle. One program; one more if blocks
    /// that wait for it are given back first, and one if blocks were erased and not used.
    ///
    /// # Errors
    /// The device's.
    pub async fn park(&mut self) -> Result<()> {
        if self.read_only || (self.journal.is_sealed() && !self.doubtful) {
            return Ok(());
        }
        self.ready().await?;
        // What settling has retired would else stay in quarantine while sessions are short. It
        // makes room in the journal first.
        self.release().await?;
        self.reclaim().await?;
        let erased = self.erased_next == Some(self.state.scalars.next);
        let promises = erased && self.journal.may_promise(&self.media);
        if promises {
            self.media.barrier(Edge::Erase).await?;
        }
        self.log(RecordKind::Seal, promises, HEADER_BYTES).await
    }
}

impl<D> Txn<'_, D> {
    /// What the volume was formatted with.
    pub fn superblock(&self) -> &Superblock {
        &self.superblock
    }

    /// Blocks that nothing uses.
    pub fn free_blocks(&self) -> u32 {
        self.state.scalars.free.0
    }

    /// The pending set and the scalars.
    pub fn state(&self) -> &State<'_> {
        &self.state
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The object id that the next new object gets.
    pub fn next_object(&self) -> ObjectId {
        self.state.scalars.next_object
    }

    /// Whether nothing can be changed.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether the volume had not been parked when it was mounted.
    pub fn was_unclean(&self) -> bool {
        self.unclean
    }

    /// Blocks that only removing, folding and settling may use: what the chain may still grow by,
    /// what may be leaving, the nodes that the pending set may split into, and one fold at a time.
    pub fn reserve(&self) -> u32 {
        let chain_max = u32::from(self.superblock.journal_blocks_max).saturating_add(1);
        let chain = u32::try_from(self.journal.chain().len()).unwrap_or(0);
        let spare_room = if self.superblock.block_count.0 < 64 { 0 } else { 4 };
        chain_max.saturating_sub(chain).saturating_add(6).saturating_add(spare_room)
    }

    /// Whether more than the reserve is left.
    pub fn has_space(&self) -> bool {
        self.has_space_for(0)
    }

    /// Whether the reserve is left when `count` blocks more hold data.
    fn has_space_for(&self, count: u32) -> bool {
        let used = self.space.pinned().saturating_add(count);
        self.state.scalars.free.0 >= self.reserve().saturating_add(used)
    }

    /// Remembers `key` until a record is given a change of it: so long its item stays as it is.
    pub fn watch(&mut self, key: Key) {
        self.watched = Some(key);
    }

    /// The key that was watched last, if its item is as it was.
    pub fn watched(&self) -> Option<Key> {
        self.watched
    }

    fn unwatch(&mut self, key: Key) {
        if self.watched == Some(key) && !mutant::on(Mutant::WayNotForgotten) {
            self.watched = None;
        }
    }

    /// Adds to `batch` that `key` has `value`; `absent` tells that the caller knows it is new.
    ///
    /// # Errors
    /// `Bug` if the batch is full: its cost was announced too low.
    pub fn put(&mut self, batch: &mut Batch, key: Key, value: &[u8], absent: bool) -> Result<()> {
        let fresh = match self.state.entry(Level(0), key) {
            None => absent,
            Some(entry) => entry.fresh,
        };
        self.unwatch(key);
        self.push(&mut batch.length, &Change::Put { fresh, key, value })
    }

    /// Adds to `batch` that `key`, which exists, is no more.
    ///
    /// # Errors
    /// As for `put`.
    pub fn delete(&mut self, batch: &mut Batch, key: Key) -> Result<()> {
        let vanish = self.state.entry(Level(0), key).is_some_and(|entry| entry.fresh);
        self.unwatch(key);
        self.push(&mut batch.length, &Change::Delete { vanish, key })
    }

    /// Adds to `batch` that all object ids below `next` are given away.
    ///
    /// # Errors
    /// As for `put`.
    pub fn give_ids(&mut self, batch: &mut Batch, next: ObjectId) -> Result<()> {
        self.push(&mut batch.length, &Change::Objects(next))
    }

    /// Adds to `batch` that the blocks of `run` are in use.
    ///
    /// # Errors
    /// As for `put`.
    pub fn take(&mut self, batch: &mut Batch, run: Run) -> Result<()> {
        self.push(&mut batch.length, &Change::Take(run))
    }

    /// Adds to `batch` that the blocks of `run` are free.
    ///
    /// # Errors
    /// As for `put`.
    pub fn give(&mut self, batch: &mut Batch, run: Run) -> Result<()> {
        self.push(&mut batch.length, &Change::Give(run))
    }

    fn push(&mut self, length: &mut usize, change: &Change<'_>) -> Result<()> {
        let rest = self.work.get_mut(*length..RECORD_BYTES).ok_or(Error::Bug)?;
        let mut writer = ChangeWriter::new(rest);
        writer.push(change).map_err(|_| Error::Bug)?;
        *length = length.saturating_add(writer.len());
        Ok(())
    }
}

/// What a put of `value_bytes` costs in the pending set.
#[must_use]
pub const fn put_cost(value_bytes: usize) -> usize {
    value_bytes.saturating_add(ENTRY_BYTES)
}

/// What a delete costs in the pending set.
pub const DELETE_COST: usize = ENTRY_BYTES;
