//! The first sector of a disk that has an MBR.

use super::{Entry, Kind, SECTOR, field};

/// Partitions of an MBR.
pub const MBR_ENTRIES: usize = 4;

/// Where the entries are, and how long one is.
const ENTRIES_AT: usize = 446;
const ENTRY_BYTES: usize = 16;
/// The type of the entry that keeps the place of a GPT.
const PROTECTIVE: u8 = 0xEE;

/// An MBR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mbr {
    entries: [Option<Entry>; MBR_ENTRIES],
}

impl Mbr {
    /// The table of a disk of `sectors` sectors, or `None` if this is none: a boot sector of a
    /// filesystem ends with the same two bytes, but its "entries" are code.
    #[must_use]
    pub fn decode(sector: &[u8; SECTOR], sectors: u64) -> Option<Self> {
        if field(sector, SECTOR.saturating_sub(2)) != Some([0x55, 0xAA]) {
            return None;
        }
        let mut entries = [None; MBR_ENTRIES];
        for (slot, number) in entries.iter_mut().zip(0_u32..) {
            let at = ENTRIES_AT.saturating_add(ENTRY_BYTES.saturating_mul(number as usize));
            let [status, _, _, _, kind] = field(sector, at)?;
            let first = u32::from_le_bytes(field(sector, at.saturating_add(8))?);
            let count = u32::from_le_bytes(field(sector, at.saturating_add(12))?);
            if status & 0x7F != 0 {
                return None;
            }
            if kind == 0 {
                continue;
            }
            let (first, count) = (u64::from(first), u64::from(count));
            let entry = Entry { number, kind: Kind::Mbr(kind), first, sectors: count };
            // The protective entry may claim more than there is, as the disk may be larger than it
            // can say.
            if kind != PROTECTIVE && !entry.is_inside(1, sectors.saturating_sub(1)) {
                return None;
            }
            *slot = Some(entry);
        }
        let mbr = Self { entries };
        let is_sound = mbr.entries().all(|one| {
            mbr.entries().all(|other| one.number == other.number || !one.overlaps(other))
        });
        (is_sound || mbr.is_protective()).then_some(mbr)
    }

    /// Its partitions.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().flatten()
    }

    /// Whether it is there for readers that do not know GPT.
    #[must_use]
    pub fn is_protective(&self) -> bool {
        self.entries().any(|entry| entry.kind == Kind::Mbr(PROTECTIVE))
    }
}
