//! Anchor slots: the places that say where the journal begins.

use super::super::colour;
use super::super::device::BlockDevice;
use super::{Edge, Media};
use crate::error::{Result, corrupt};
use crate::format::anchor::{self, Entry};
use crate::units::BlockNo;

/// Where the slots begin: behind the page of the superblock.
const FIRST_SLOT: u32 = 512;
const ENTRY_BYTES: u32 = 64;
const _: () = assert!(ENTRY_BYTES as usize == anchor::SIZE);
const _: () = assert!(FIRST_SLOT as usize == anchor::FIRST_SLOT);

/// Number of a slot in an anchor block.
pub type SlotNo = u16;

/// What stands in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    /// Erased bytes, or bytes that look so.
    Blank,
    /// An entry that verifies.
    Valid(Entry),
    /// Anything else.
    Garbage,
}

#[colour]
impl<D: BlockDevice> Media<'_, D> {
    /// How many slots an anchor block has behind its superblock page. On sector volumes one:
    /// there is no erase to be saved, and what is not there cannot be mistaken for the newest.
    pub fn slot_count(&self) -> SlotNo {
        if self.has_images() {
            return 1;
        }
        let bytes = self.block_bytes().saturating_sub(FIRST_SLOT);
        let slots = bytes.checked_div(self.slot_bytes()).unwrap_or(0);
        SlotNo::try_from(slots).unwrap_or(SlotNo::MAX)
    }

    /// Reads one slot.
    ///
    /// # Errors
    /// The device's, but for `Uncorrectable`, which reads as garbage.
    pub async fn read_slot(&mut self, block: BlockNo, slot: SlotNo) -> Result<SlotState> {
        let mut bytes = [0; anchor::SIZE];
        let offset = self.slot_offset(slot);
        if !self.try_read(block, offset, &mut bytes).await? {
            return Ok(SlotState::Garbage);
        }
        if anchor::is_blank(&bytes, self.erase_value) {
            return Ok(SlotState::Blank);
        }
        let entry = Entry::decode(&bytes, self.volume, block, slot);
        Ok(entry.map_or(SlotState::Garbage, SlotState::Valid))
    }

    /// Programs `entry` into a slot: a blank one, or the one that holds it already.
    ///
    /// # Errors
    /// The device's; the slot is then doubtful.
    pub async fn write_slot(&mut self, block: BlockNo, slot: SlotNo, entry: &Entry) -> Result<()> {
        let bytes = entry.encode(self.volume, block, slot).map_err(corrupt(block))?;
        self.program_slot(block, slot, &bytes).await
    }

    /// Makes a slot blank, so that nobody looks behind it. For media that need no erase.
    ///
    /// # Errors
    /// The device's.
    pub async fn blank_slot(&mut self, block: BlockNo, slot: SlotNo) -> Result<()> {
        if slot >= self.slot_count() {
            return Ok(());
        }
        self.program_slot(block, slot, &[self.erase_value; anchor::SIZE]).await
    }

    /// Programs zeros over a slot: whatever it seemed to hold, it is garbage from now on.
    ///
    /// # Errors
    /// The device's; the slot is then doubtful.
    pub async fn strike_slot(&mut self, block: BlockNo, slot: SlotNo) -> Result<()> {
        self.program_slot(block, slot, &[0; anchor::SIZE]).await
    }

    async fn program_slot(
        &mut self,
        block: BlockNo,
        slot: SlotNo,
        bytes: &[u8; anchor::SIZE],
    ) -> Result<()> {
        let offset = self.slot_offset(slot);
        self.program_padded(block, offset, bytes).await?;
        self.barrier(Edge::Anchor).await
    }

    /// A slot is an entry, or the program unit where that is larger.
    fn slot_bytes(&self) -> u32 {
        self.program_unit.max(ENTRY_BYTES)
    }

    fn slot_offset(&self, slot: SlotNo) -> u32 {
        self.slot_bytes().saturating_mul(slot.into()).saturating_add(FIRST_SLOT)
    }
}
