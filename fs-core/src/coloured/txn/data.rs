//! File data: blocks for it, and moving it.
//!
//! Data is programmed into blocks that the log does not know yet, and counts only when a record
//! refers to it. Until then its blocks are pinned in RAM: after a cut they are free, of unknown
//! content, which is the truth.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::Edge;
use super::super::space::{Pick, VISITS_MAX};
use super::super::tree;
use super::ahead::For;
use super::fold::FOLD_RECORD_BYTES;
use super::{Error, Txn};
use crate::error::Result;
use crate::format::group;
use crate::format::key::Key;
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, ByteOffset, PAGE_BYTES};

/// Bytes that are copied at a time; a multiple of every append unit.
const COPY_BYTES: usize = 1024;

/// Free blocks side by side: those that end where the search is, and the most that were met.
#[derive(Default)]
struct Longest {
    run: (BlockNo, u32),
    best: (BlockNo, u32),
}

impl Longest {
    /// Goes on to `block`, unless there are `enough`.
    fn note(&mut self, block: BlockNo, free: bool, enough: u32) {
        if self.best.1 >= enough {
            return;
        }
        let start = if self.run.1 == 0 { block } else { self.run.0 };
        self.run = if free { (start, self.run.1.saturating_add(1)) } else { (block, 0) };
        if self.run.1 > self.best.1 {
            self.best = self.run;
        }
    }
}

#[colour]
impl<D: BlockDevice> Txn<'_, D> {
    /// An erased block for data, pinned: the one after `near` if that is free, so that a file is
    /// one run. Nothing is changed by it that a cut leaves.
    ///
    /// # Errors
    /// `NoSpace` if only the reserve is left, `NoDraft` if no more can be pinned, `ReadOnly`; the
    /// device's.
    pub async fn take_block(&mut self, near: BlockNo) -> Result<BlockNo> {
        self.ready().await?;
        if !self.has_space_for(1) {
            self.require_space().await?;
        }
        loop {
            if !self.has_space_for(1) {
                return Err(Error::NoSpace);
            }
            if let Some(Pick { block, erased }) = self.space.next_data(near) {
                if !erased && !mutant::on(Mutant::DataBlockNotErased) {
                    self.media.erase(block, 1).await?;
                }
                if !self.space.take_data(block) {
                    return Err(Error::NoDraft);
                }
                return Ok(block);
            }
            self.open_data_window(near).await?;
        }
    }

    async fn open_data_window(&mut self, near: BlockNo) -> Result<()> {
        self.make_room(0, 2).await?;
        self.journal_room(FOLD_RECORD_BYTES).await?;
        let mut opened = self.open_window(For::Data, &[]).await?;
        if opened.is_none() {
            // What is left is in windows: they are given up, and what was erased in them with them.
            self.space.close();
            self.space.close_data();
            opened = self.open_window(For::Data, &[]).await?;
        }
        let (run, erased) = opened.ok_or(Error::NoSpace)?;
        self.space.open_data(near, run, erased);
        Ok(())
    }

    /// Programs data into a pinned block, or into one that is in use and was taken in this session.
    ///
    /// # Errors
    /// The device's; the range then holds anything.
    pub async fn write_data(&mut self, block: BlockNo, offset: u32, bytes: &[u8]) -> Result<()> {
        self.media.write_data(block, offset, bytes).await
    }

    /// Programs `bytes` bytes that are read from `from`; multiples of the append unit.
    ///
    /// # Errors
    /// The device's; the range then holds anything.
    pub async fn copy_data(
        &mut self,
        from: ByteOffset,
        block: BlockNo,
        offset: u32,
        bytes: u32,
    ) -> Result<()> {
        let mut done = 0_u32;
        while done < bytes {
            let count = usize::try_from(bytes.saturating_sub(done)).unwrap_or(COPY_BYTES);
            let work = self.work.get_mut(..count.min(COPY_BYTES)).ok_or(Error::Bug)?;
            self.media.read_data(from.plus(done.into()), work).await?;
            self.media.write_data(block, offset.saturating_add(done), work).await?;
            done = done.saturating_add(u32::try_from(work.len()).map_err(|_| Error::Bug)?);
        }
        Ok(())
    }

    /// Programs `bytes` zeros; a multiple of the append unit.
    ///
    /// # Errors
    /// The device's; the range then holds anything.
    pub async fn zero_data(&mut self, block: BlockNo, offset: u32, bytes: u32) -> Result<()> {
        let mut done = 0_u32;
        while done < bytes {
            let count = usize::try_from(bytes.saturating_sub(done)).unwrap_or(COPY_BYTES);
            let work = self.work.get_mut(..count.min(COPY_BYTES)).ok_or(Error::Bug)?;
            work.fill(0);
            self.media.write_data(block, offset.saturating_add(done), work).await?;
            done = done.saturating_add(u32::try_from(work.len()).map_err(|_| Error::Bug)?);
        }
        Ok(())
    }

    /// Copies what of the value of `key` stands behind its first `skip` bytes into `target`, and
    /// gives the length of all of it. Not while a transaction is put together.
    ///
    /// # Errors
    /// `Corrupt`, or the device's.
    pub async fn get_part(
        &mut self,
        key: Key,
        skip: usize,
        target: &mut [u8],
    ) -> Result<Option<usize>> {
        let (_, value) = self.work.split_at_mut(PAGE_BYTES);
        let found = tree::get(&mut self.media, &self.state, &mut self.hint, key, value).await?;
        let source = value.get(..found.unwrap_or(0)).and_then(|value| value.get(skip..));
        for (byte, source) in target.iter_mut().zip(source.unwrap_or_default()) {
            *byte = *source;
        }
        Ok(found)
    }

    /// Erases a block that holds nothing which counts.
    ///
    /// # Errors
    /// The device's.
    pub async fn erase_block(&mut self, block: BlockNo) -> Result<()> {
        self.media.erase(block, 1).await
    }

    /// The first run of `count` free blocks from the cursor on and round the volume, else the
    /// longest that was met. Looks into [`VISITS_MAX`] groups that may have free blocks; into
    /// more only until one free block is found.
    ///
    /// # Errors
    /// `Corrupt`, or the device's.
    pub async fn find_free(&mut self, count: u32) -> Result<Option<(BlockNo, u32)>> {
        self.space.leave_target();
        let groups = self.superblock.block_count.0.div_ceil(group::BLOCKS).max(1);
        let begin = (self.state.scalars.cursor.0 / group::BLOCKS).min(groups.saturating_sub(1));
        let mut longest = Longest::default();
        let (mut number, mut round, mut visits) = (begin, false, 0_u32);
        while longest.best.1 < count && (visits < VISITS_MAX || longest.best.1 == 0) {
            let (media, state, hint) = (&mut self.media, &self.state, &mut self.hint);
            let open = tree::open_group(media, state, hint, number.into()).await?;
            let open = u32::try_from(open).unwrap_or(u32::MAX);
            if !round && open >= groups {
                (number, round) = (0, true);
                longest.run.1 = 0;
                continue;
            }
            if open >= groups || round && open >= begin {
                break;
            }
            if open != number {
                longest.run.1 = 0;
            }
            let group = self.group(open).await?;
            for index in 0..group::BLOCKS {
                let block = BlockNo(open.saturating_mul(group::BLOCKS).saturating_add(index));
                longest.note(block, self.space.is_reusable(&group, block, &[]), count);
            }
            (number, visits) = (open.saturating_add(1), visits.saturating_add(1));
        }
        Ok(Some(longest.best).filter(|best| best.1 > 0 && count > 0))
    }

    /// Makes the data that was programmed so far durable, before a record refers to it.
    ///
    /// # Errors
    /// The device's.
    pub async fn settle_data(&mut self) -> Result<()> {
        self.media.barrier(Edge::Data).await
    }

    /// Reads `target` if it is a part of one sector of a device that is read by sectors: such a
    /// sector stays in the page cache. Tells whether it did.
    ///
    /// # Errors
    /// The device's.
    pub async fn read_part(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<bool> {
        let part = self.media.is_part(at, target.len());
        if part {
            self.media.read_part(at, target).await?;
        }
        Ok(part)
    }

    /// The device, and room for one of its read units.
    ///
    /// # Errors
    /// `Bug` if no page was lent.
    pub fn for_transfer(&mut self) -> Result<(&mut D, &mut [u8])> {
        self.media.for_transfer()
    }
}

impl<D> Txn<'_, D> {
    /// The blocks are in the log now, or given up.
    pub fn unpin(&mut self, start: BlockNo, count: u32) {
        self.space.unpin(start, count);
    }

    /// A transfer reads from `count` blocks: nothing is programmed or erased there until
    /// [`Self::release_read`]. `false` if no more can be held.
    pub fn hold_read(&mut self, start: BlockNo, count: u32) -> bool {
        self.space.hold(start, count)
    }

    /// A transfer that held these blocks has ended.
    pub fn release_read(&mut self, start: BlockNo, count: u32) {
        self.space.release(start, count);
    }

    /// Free blocks beyond the reserve and what is pinned.
    pub fn spare_blocks(&self) -> u32 {
        let kept = self.reserve().saturating_add(self.space.pinned());
        self.state.scalars.free.0.saturating_sub(kept)
    }

    /// Bytes of an append unit.
    pub fn append_unit(&self) -> u32 {
        1_u32.checked_shl(self.superblock.append_unit_log2.into()).unwrap_or(512)
    }
}
