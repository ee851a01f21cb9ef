//! Runs of a content in the log: found by block, and never outside the volume.

use super::super::colour;
use super::super::device::BlockDevice;
use super::Vellum;
use crate::error::{Field, Malformed, Result, corrupt};
use crate::format::extent::{self, Placement, is_offset};
use crate::format::key::{Key, Kind};
use crate::units::{BlockNo, ObjectId};

/// Most blocks of a run: what one change of blocks gives back.
pub(super) const RUN_BLOCKS_MAX: u32 = 0xFFFF;

/// A run of a content as the log has it: it begins a block, in the file and on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StoredRun {
    /// Number of its first block in the content.
    pub index: u64,
    /// Its first block on the device.
    pub block: BlockNo,
    /// Append units.
    pub units: u32,
    /// Whether it was never written.
    pub unwritten: bool,
    /// Blocks, the last of them in part or whole.
    pub blocks: u32,
}

impl StoredRun {
    /// Number of the block behind it in the content.
    pub fn end(&self) -> u64 {
        self.index.saturating_add(self.blocks.into())
    }

    /// The block on the device that holds block `index` of the content.
    pub fn place_of(&self, index: u64) -> BlockNo {
        let behind = index.saturating_sub(self.index);
        self.block.plus(u32::try_from(behind).unwrap_or(u32::MAX))
    }
}

/// The sizes that the format of a volume gives to its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Units {
    /// Bytes of a block.
    pub block: u64,
    /// Bytes of an append unit.
    pub unit: u64,
    /// Append units of a block.
    pub per_block: u32,
}

impl Units {
    /// Number of the block that holds byte `at`.
    pub fn index(&self, at: u64) -> u64 {
        at.checked_div(self.block).unwrap_or(0)
    }

    /// Number of the first block that begins at byte `at` or behind it.
    pub fn index_after(&self, at: u64) -> u64 {
        at.div_ceil(self.block.max(1))
    }

    /// First byte of block `index`.
    pub fn start(&self, index: u64) -> u64 {
        index.saturating_mul(self.block)
    }

    /// Bytes of `units` append units.
    pub fn bytes(&self, units: u32) -> u64 {
        self.unit.saturating_mul(units.into())
    }

    /// Number of the unit within its block that holds byte `at`.
    pub fn unit_of(&self, at: u64) -> u32 {
        let within = at.checked_rem(self.block).unwrap_or(0);
        u32::try_from(within.checked_div(self.unit).unwrap_or(0)).unwrap_or(0)
    }

    /// Bytes between the beginning of its unit and `at`.
    pub fn within_unit(&self, at: u64) -> u64 {
        at.checked_rem(self.unit).unwrap_or(0)
    }

    /// Where the unit of byte `at` begins.
    pub fn unit_start(&self, at: u64) -> u64 {
        at.saturating_sub(self.within_unit(at))
    }

    /// Blocks that `units` append units fill, the last one in part or whole.
    pub fn blocks(&self, units: u32) -> u32 {
        units.div_ceil(self.per_block.max(1))
    }

    /// Append units of `blocks` whole blocks.
    pub fn units(&self, blocks: u64) -> u32 {
        let units = blocks.saturating_mul(self.per_block.into());
        u32::try_from(units).unwrap_or(u32::MAX)
    }
}

impl<D> Vellum<'_, D> {
    /// The sizes of this volume.
    pub(super) fn units(&self) -> Units {
        let superblock = self.txn.superblock();
        let block = superblock.block_bytes();
        let log2 = superblock.block_log2.saturating_sub(superblock.append_unit_log2);
        let per_block = 1_u32.checked_shl(log2.into()).unwrap_or(1);
        let unit = block.checked_shr(log2.into()).unwrap_or(block);
        Units { block: block.into(), unit: unit.into(), per_block }
    }

    /// The run that an item says, if it keeps every rule.
    pub(super) fn run_of(&self, key: Key, value: &[u8]) -> Result<StoredRun> {
        let damaged = corrupt(self.txn.state().scalars.root.block);
        let placement = Placement::from_value(value).map_err(&damaged)?;
        let units = self.units();
        let outside = || damaged(Malformed::Field(Field::Extent));
        let per_block = u64::from(units.per_block);
        let aligned = key.offset.is_multiple_of(units.block)
            && placement.address.is_multiple_of(per_block)
            && is_offset(key.offset);
        let block = placement.address.checked_div(per_block).ok_or_else(outside)?;
        let block = u32::try_from(block).map_err(|_| outside())?;
        let blocks = units.blocks(placement.length);
        let last = self.txn.superblock().block_count.0.saturating_sub(1);
        let end = block.checked_add(blocks).filter(|end| *end <= last && block > 0);
        if !aligned || end.is_none() || blocks > RUN_BLOCKS_MAX {
            return Err(outside());
        }
        Ok(StoredRun {
            index: units.index(key.offset),
            block: BlockNo(block),
            units: placement.length,
            unwritten: placement.unwritten,
            blocks,
        })
    }

    /// The item that says a run.
    pub(super) fn placement_of(&self, run: &StoredRun) -> Placement {
        let per_block = u64::from(self.units().per_block);
        let address = u64::from(run.block.0).saturating_mul(per_block);
        Placement { address, length: run.units, unwritten: run.unwritten }
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// The run of `data` that holds block `index` of the content.
    pub(super) async fn run_at(&mut self, data: ObjectId, index: u64) -> Result<Option<StoredRun>> {
        let key = Placement::key(data, self.units().start(index));
        let mut value = [0; extent::SIZE];
        let Some((key, length)) = self.txn.floor(key, &mut value).await? else { return Ok(None) };
        let run = self.run_of(key, value.get(..length).unwrap_or_default())?;
        Ok((index < run.end()).then_some(run))
    }

    /// The first run of `data` that begins at block `index` or behind it.
    pub(super) async fn run_from(
        &mut self,
        data: ObjectId,
        index: u64,
    ) -> Result<Option<StoredRun>> {
        let key = Placement::key(data, self.units().start(index));
        let mut value = [0; extent::SIZE];
        let Some((key, length)) = self.txn.next(key, &mut value).await? else { return Ok(None) };
        if key.object != data || key.kind != Kind::EXTENT {
            return Ok(None);
        }
        self.run_of(key, value.get(..length).unwrap_or_default()).map(Some)
    }

    /// The first run of `data` with blocks behind the one that holds the last of `valid` bytes.
    pub(super) async fn run_behind(
        &mut self,
        data: ObjectId,
        valid: u64,
    ) -> Result<Option<StoredRun>> {
        let beyond = self.units().index_after(valid);
        match self.run_at(data, beyond).await? {
            None => self.run_from(data, beyond).await,
            found => Ok(found),
        }
    }
}
