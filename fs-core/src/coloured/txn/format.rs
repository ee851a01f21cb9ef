//! Making a volume.
//!
//! The order lets a cut be told from a volume. First both anchor blocks get the mark "format in
//! progress", the one that holds the old volume's newest entry last: until the first mark is whole
//! the old volume is still there. Then everything of the new volume is written, and block 0's
//! superblock and entry before those of the last block. From the moment that entry is whole the
//! new volume is there; before, a mark says that there is none.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::journal::CHAIN_MAX;
use super::super::media::{Edge, SECTOR, SMALL_UNIT_MAX, SlotState, SuperblockCopy};
use super::mount::{block_bytes, is_supported, refuse};
use super::{Buffers, Error, Txn};
use crate::api::FormatOptions;
use crate::error::Result;
use crate::format::anchor::Entry;
use crate::format::change::{Change, Run, RunState};
use crate::format::directory::Directory;
use crate::format::inode::{Inode, NodeType};
use crate::format::key::{FIRST_FREE, ROOT};
use crate::format::page::{self, DataPageBuilder};
use crate::format::pointer::NodePointer;
use crate::format::superblock::Superblock;
use crate::mutant::{self, Mutant};
use crate::units::{
    BlockCount, BlockNo, ByteOffset, Generation, Geometry, Level, PAGE_BYTES, Time,
};

/// The fewest blocks that a volume can have: anchors, journal, next, root, spares, and what the
/// reserve keeps back.
pub const BLOCKS_MIN: u32 = 16;

const JOURNAL: BlockNo = BlockNo(1);
const NEXT: BlockNo = BlockNo(2);
const ROOT_NODE: BlockNo = BlockNo(3);
const SPARES: [BlockNo; 2] = [BlockNo(4), BlockNo(5)];
/// The smallest pending set: the largest transaction and what folding needs beside it.
const PENDING_MIN: u16 = 1280;
/// The largest pending set where a sector is the smallest program: three records of two sectors
/// take all that is pending, and a checkpoint or what is logged again has room in a block.
const PENDING_SECTOR_MAX: u16 = 1536;
/// Most pending runs of blocks that a volume of this version has.
const PENDING_RUNS: u16 = 64;
/// Blocks in use on a new volume: those above and the two anchors.
const USED: u16 = 7;

#[colour]
impl<'m, D: BlockDevice> Txn<'m, D> {
    /// Makes an empty volume on `device`, as one that was parked. Eight erases and at most eighteen
    /// programs; no block but the first five and the last is touched.
    ///
    /// # Errors
    /// `Geometry` or `NotSupported` if this version cannot use the device, `Invalid` or `TooBig`
    /// for options that do not fit; nothing has been written then. `NotSupported` too if the first
    /// erase does not leave ones, and the device's: the device then holds the old volume, none, or
    /// the new one.
    pub async fn format(
        device: &'m mut D,
        buffers: Buffers<'m>,
        options: &FormatOptions,
        now: Time,
    ) -> Result<()> {
        let geometry = device.geometry();
        let superblock = superblock_for(&geometry, options)?;
        refuse(&superblock, &geometry, buffers.arena.len())?;
        is_supported(&geometry)?;
        let mut txn = Self::assemble(device, buffers, &superblock);
        let [_, last] = superblock.anchors();
        txn.mark(last).await?;
        txn.write_root(now).await?;
        txn.write_first(JOURNAL).await
    }

    /// Puts the mark of a format in progress into both anchor blocks.
    ///
    /// While one of them has, or gets, something else, and may be torn, the other one holds a
    /// whole mark or the old volume. A mark that reads well may be one whose program was cut: it
    /// is programmed over itself before anything relies on it. That is allowed, for no mark is
    /// ever erased as it stands: it is struck first, so what is left of an erase is no mark.
    ///
    /// What an earlier volume of this uuid left behind must not continue the new journal, so its
    /// sessions are not used again: its newest entry is kept beside each mark.
    async fn mark(&mut self, last: BlockNo) -> Result<()> {
        let found = self.journal.find_entry(&mut self.media, None).await?;
        let left = found.map(|found| found.entry);
        let end = last.offset(self.superblock.block_log2);
        let in_first = self.media.read_superblock(ByteOffset(0)).await?;
        let in_last = self.media.read_superblock(end).await?;
        // The block that holds the old volume's newest entry is the old volume: it goes second.
        let old_in_first = found.is_some_and(|found| found.is_in_first());
        let holder = if old_in_first { in_first } else { in_last };
        if let (Some(found), SuperblockCopy::Valid(_)) = (&found, holder) {
            self.journal.anchors().strengthen(&mut self.media, found).await?;
        }
        let first_whole = matches!(in_first, SuperblockCopy::Valid(_));
        let last_counts = matches!(in_last, SuperblockCopy::Valid(_) | SuperblockCopy::Begun);
        // Where entries are not erased with their block, the one whole superblock goes second. But
        // a whole mark says that it is no volume, and stays until the other block has one too.
        let swapped = first_whole && (old_in_first || self.media.rewrites() && !last_counts);
        // Beside a whole volume a mark is one that is being struck: it cannot be made whole again.
        let in_last = if swapped { SuperblockCopy::Foreign } else { in_last };
        let blocks = [(BlockNo(0), in_first), (last, in_last)];
        for (block, copy) in &blocks {
            if *copy == SuperblockCopy::Begun && !self.media.rewrites() {
                self.write_mark(*block).await?;
            }
        }
        let [first, second] = blocks;
        for (block, copy) in if swapped { [second, first] } else { [first, second] } {
            if copy != SuperblockCopy::Begun {
                self.mark_erased(block, left.as_ref()).await?;
            }
            if self.media.rewrites() {
                self.keep_entry(block, left).await?;
            }
        }
        Ok(())
    }

    /// Keeps `left` in a block whose entries were not erased, so that it stands in both blocks
    /// before either is programmed over. Where it stands already it is left alone.
    async fn keep_entry(&mut self, block: BlockNo, left: Option<Entry>) -> Result<()> {
        let Some(left) = left.filter(|_| !mutant::on(Mutant::OldEntryLost)) else { return Ok(()) };
        if self.media.read_slot(block, 0).await? != SlotState::Valid(left) {
            self.media.write_slot(block, 0, &left).await?;
        }
        Ok(())
    }

    async fn mark_erased(&mut self, block: BlockNo, left: Option<&Entry>) -> Result<()> {
        self.media.strike_superblock(block).await?;
        self.media.erase(block, 1).await?;
        if !self.media.rewrites() && self.media.read_slot(block, 0).await? != SlotState::Blank {
            // What is not ones after an erase cannot hold a volume: flash that erases to zero.
            return Err(Error::NotSupported);
        }
        self.write_mark(block).await?;
        match left {
            _ if self.media.rewrites() => self.media.blank_slot(block, 1).await,
            Some(left) => self.media.write_slot(block, 0, left).await,
            None => Ok(()),
        }
    }

    async fn write_mark(&mut self, block: BlockNo) -> Result<()> {
        self.media.write_superblock(block, &Superblock::formatting_marker()).await?;
        self.media.barrier(Edge::Superblock).await
    }

    /// Writes the empty root node and puts the first state together.
    async fn write_root(&mut self, now: Time) -> Result<()> {
        let generation = Generation(1);
        for block in [ROOT_NODE, NEXT, SPARES[0]] {
            self.media.erase(block, 1).await?;
        }
        self.media.barrier(Edge::Erase).await?;
        let identity = self.media.identity(ROOT_NODE, generation, 0);
        let page = self.work.first_chunk_mut::<PAGE_BYTES>().ok_or(Error::Bug)?;
        let _ = DataPageBuilder::new(page, Level(0));
        page::seal(page, &identity);
        let page = self.work.first_chunk::<PAGE_BYTES>().ok_or(Error::Bug)?;
        self.media.write_pages(ROOT_NODE, 0, page).await?;
        let root = NodePointer {
            block: ROOT_NODE,
            generation,
            base_pages: 1,
            delta_pages: 0,
            level: Level(0),
            full: false,
        };
        self.state.reset();
        let scalars = &mut self.state.scalars;
        scalars.root = root;
        scalars.next = NEXT;
        [scalars.spare_a, scalars.spare_b] = SPARES;
        scalars.generation = generation;
        scalars.next_object = FIRST_FREE;
        scalars.free = BlockCount(self.superblock.block_count.0.saturating_sub(USED.into()));
        scalars.cursor = BlockNo(USED.into());
        scalars.sweep = 0;
        scalars.erases = 0;
        scalars.spare_erased = !self.media.rewrites();
        let inode = Inode::new(NodeType::Directory, now);
        let value = Directory { inode, parent: ROOT }.encode().map_err(|_| Error::Bug)?;
        // The anchor blocks are outside the map of free space: nothing else can ever be there.
        let run = Run { start: JOURNAL, length: USED.saturating_sub(2) };
        let used = Change::State { run, state: RunState::Used };
        let put = Change::Put { fresh: true, key: Directory::key(ROOT), value: &value };
        for change in [used, put] {
            self.state.apply(&change, 0).map_err(|_| Error::Bug)?;
        }
        Ok(())
    }
}

fn superblock_for(geometry: &Geometry, options: &FormatOptions) -> Result<Superblock> {
    let block = block_bytes(geometry)?;
    let count = geometry.size.checked_div(block.into()).unwrap_or(0);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if count < BLOCKS_MIN {
        return Err(Error::Geometry);
    }
    let small = count < 64;
    let journal =
        if small { options.journal_blocks_max.min(2) } else { options.journal_blocks_max };
    // Everything pending must fit into one journal block when it is logged again.
    let pending = u32::from(options.pending_bytes_max).min((block / 8).saturating_mul(5));
    let pending =
        u16::try_from(if small { pending.min(1536) } else { pending }).unwrap_or(u16::MAX);
    // On sectors more is lost at the ends of records, and a sector of the arena holds an image.
    let sectors = geometry.program_unit > SMALL_UNIT_MAX;
    let pending = if sectors { pending.min(PENDING_SECTOR_MAX) } else { pending };
    let unit = if sectors { SECTOR } else { geometry.program_unit };
    let log2 = |bytes: u32| u8::try_from(bytes.max(1).ilog2()).unwrap_or(0);
    let superblock = Superblock {
        uuid: options.uuid,
        hash_seed: options.hash_seed,
        compat: 0,
        ro_compat: 0,
        incompat: 0,
        block_count: BlockCount(count),
        block_log2: log2(block),
        program_unit_log2: log2(unit),
        append_unit_log2: if sectors { 9 } else { 8 },
        erase_value: 0xFF,
        name_max: options.name_max,
        pending_bytes_max: pending,
        pending_items_max: PENDING_RUNS,
        journal_blocks_max: journal,
        label: options.label,
    };
    let fits = superblock.pending_bytes_max >= PENDING_MIN && usize::from(journal) < CHAIN_MAX;
    if !fits || superblock.encode().is_err() {
        return Err(Error::Invalid);
    }
    Ok(superblock)
}
