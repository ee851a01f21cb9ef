//! Transfers under way: which file, which of its bytes, which blocks.

use crate::api::{OpId, VnodeId};
use crate::error::{Error, Result};
use crate::units::BlockNo;

/// Runs of blocks that one transfer may have.
pub const OP_RUNS: usize = 3;

/// Blocks of a transfer that lie side by side, in the file and on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpRun {
    /// Number of the first one in the content.
    pub index: u64,
    /// The first one on the device.
    pub block: BlockNo,
    /// How many.
    pub blocks: u32,
}

impl OpRun {
    /// Number of the block behind it in the content.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.index.saturating_add(self.blocks.into())
    }

    /// The block on the device that is block `index` of the content, if the run has it.
    #[must_use]
    pub fn place_of(&self, index: u64) -> Option<BlockNo> {
        let behind = index.checked_sub(self.index)?;
        let behind = u32::try_from(behind).ok().filter(|behind| *behind < self.blocks)?;
        Some(self.block.plus(behind))
    }
}

/// Memory for one transfer under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    generation: u16,
    /// The file; `None` while nobody uses the slot.
    vnode: Option<VnodeId>,
    /// Whether its id has reached the caller.
    claimed: bool,
    /// Whether it writes.
    pub writes: bool,
    /// The first byte.
    pub from: u64,
    /// The byte behind the last one that was planned.
    pub end: u64,
    /// Bytes of the file when it was planned.
    pub size: u64,
    /// What replacing what the log has costs, counted up to this block of the content.
    pub replaced: (usize, u64),
    /// A pinned block that its completion may need; 0 if it needs none.
    pub spare: BlockNo,
    /// Whether its completion is under way, which may take the spare block.
    pub lends: bool,
    /// Its blocks.
    pub runs: heapless::Vec<OpRun, OP_RUNS>,
}

impl Operation {
    /// A slot that nobody uses.
    pub const EMPTY: Self = Self {
        generation: 0,
        vnode: None,
        claimed: false,
        writes: false,
        from: 0,
        end: 0,
        size: 0,
        replaced: (0, 0),
        spare: BlockNo(0),
        lends: false,
        runs: heapless::Vec::new(),
    };

    /// The block on the device that is block `index` of the content.
    #[must_use]
    pub fn place_of(&self, index: u64) -> Option<BlockNo> {
        self.runs.iter().find_map(|run| run.place_of(index))
    }

    /// Adds a run to the last one, or as one of up to `most`; `false` if it may not have more.
    pub fn add(&mut self, run: OpRun, most: usize) -> bool {
        let joins = |last: &&mut OpRun| {
            last.end() == run.index && last.block.plus(last.blocks) == run.block
        };
        if let Some(last) = self.runs.last_mut().filter(joins) {
            last.blocks = last.blocks.saturating_add(run.blocks);
            return true;
        }
        self.runs.len() < most && self.runs.push(run).is_ok()
    }
}

/// The transfers of a volume, in lent memory.
#[derive(Debug)]
pub struct Operations<'m> {
    slots: &'m mut [Operation],
}

impl<'m> Operations<'m> {
    /// No transfers; as many at once as there are slots, 256 at most.
    pub fn new(slots: &'m mut [Operation]) -> Self {
        let used = slots.len().min(super::SLOTS_MAX);
        let slots = slots.get_mut(..used).unwrap_or_default();
        for slot in slots.iter_mut() {
            let generation = slot.generation.wrapping_add(1);
            *slot = Operation { generation, ..Operation::EMPTY };
        }
        Self { slots }
    }

    /// Begins a transfer.
    ///
    /// # Errors
    /// `NoSlot` if all slots are in use.
    pub fn start(&mut self, vnode: VnodeId, writes: bool, from: u64) -> Result<OpId> {
        let free = self.slots.iter().position(|slot| slot.vnode.is_none());
        let number = free.ok_or(Error::NoSlot)?;
        let slot = self.slots.get_mut(number).ok_or(Error::Bug)?;
        let generation = slot.generation.wrapping_add(1);
        let vnode = Some(vnode);
        *slot = Operation { generation, vnode, writes, from, end: from, ..Operation::EMPTY };
        Ok(OpId { slot: u8::try_from(number).map_err(|_| Error::Bug)?, generation })
    }

    /// A transfer, and its file.
    ///
    /// # Errors
    /// `Stale` if it has ended.
    pub fn get(&mut self, id: OpId) -> Result<(&mut Operation, VnodeId)> {
        let slot = self.slots.get_mut(usize::from(id.slot)).ok_or(Error::Stale)?;
        match slot.vnode {
            Some(vnode) if slot.generation == id.generation => Ok((slot, vnode)),
            _ => Err(Error::Stale),
        }
    }

    /// Notes that the caller gets the id: from now on only it ends the transfer.
    ///
    /// # Errors
    /// `Stale` if it has ended.
    pub fn claim(&mut self, id: OpId) -> Result<()> {
        self.get(id)?.0.claimed = true;
        Ok(())
    }

    /// Ends a transfer.
    pub fn end(&mut self, id: OpId) {
        if let Ok((slot, _)) = self.get(id) {
            slot.vnode = None;
        }
    }

    /// A transfer whose id no caller has: the future that planned it was dropped, or failed.
    pub fn unclaimed(&self) -> Option<OpId> {
        let is_unclaimed = |slot: &Operation| slot.vnode.is_some() && !slot.claimed;
        let number = self.slots.iter().position(is_unclaimed)?;
        let generation = self.slots.get(number)?.generation;
        Some(OpId { slot: u8::try_from(number).ok()?, generation })
    }

    /// The spare block of the transfer whose completion is under way, if it still has it.
    pub fn take_spare(&mut self) -> Option<BlockNo> {
        let has_one = |slot: &&mut Operation| slot.lends && slot.spare != BlockNo(0);
        self.slots.iter_mut().find(has_one).map(|slot| core::mem::take(&mut slot.spare))
    }

    /// No completion is under way.
    pub fn lend_none(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.lends = false);
    }

    /// The transfers that write, with their files.
    fn writers(&self) -> impl Iterator<Item = (usize, &Operation, VnodeId)> {
        let writers = self.slots.iter().enumerate().filter(|(_, slot)| slot.writes);
        writers.filter_map(|(number, slot)| slot.vnode.map(|vnode| (number, slot, vnode)))
    }

    /// Whether a transfer other than `own` writes to the blocks `from..to` of the file.
    pub fn writes_to(&self, vnode: VnodeId, from: u64, to: u64, own: Option<OpId>) -> bool {
        let own = own.map(|own| usize::from(own.slot));
        let others = self.writers().filter(|(number, ..)| Some(*number) != own);
        let mut runs = others.filter(|other| other.2 == vnode).flat_map(|(_, slot, _)| &slot.runs);
        runs.any(|run| run.index < to && from < run.end())
    }

    /// How many files other than `vnode` are written to by transfers and have no draft, which
    /// `is_without` tells.
    pub fn awaiting(&self, vnode: VnodeId, is_without: impl Fn(VnodeId) -> bool) -> usize {
        let counts = |number: usize, other: VnodeId| {
            let earlier = self.writers().any(|(before, _, file)| before < number && file == other);
            other != vnode && !earlier && is_without(other)
        };
        self.writers().filter(|(number, _, other)| counts(*number, *other)).count()
    }
}
