//! The first sector of a disk that has an MBR, and the sectors that list logical partitions.
//!
//! The list is a chain: each of its sectors, laid out as an MBR, has one partition and leads to the
//! next sector. Places in it are relative: that of the partition to the sector that has it, that of
//! the next sector to the partition that holds them all.

use super::{Entry, Kind, SECTOR, field};

/// Partitions of an MBR.
pub const MBR_ENTRIES: usize = 4;

/// Most sectors of a list of logical partitions that are read.
pub const LOGICAL_MAX: usize = 64;

/// Where the entries are, and how long one is.
const ENTRIES_AT: usize = 446;
const ENTRY_BYTES: usize = 16;
/// The type of the entry that keeps the place of a GPT.
const PROTECTIVE: u8 = 0xEE;
/// The types of an entry that holds logical partitions: as DOS, Windows and Linux name it.
const EXTENDED: [u8; 3] = [0x05, 0x0F, 0x85];

/// What an entry of a table says, before any of it is believed.
struct Raw {
    kind: u8,
    first: u64,
    sectors: u64,
}

impl Raw {
    /// The entry `number` of a sector; `None` if it is none.
    fn decode(sector: &[u8; SECTOR], number: u32) -> Option<Self> {
        let at = ENTRIES_AT.saturating_add(ENTRY_BYTES.saturating_mul(number as usize));
        let [status, _, _, _, kind] = field(sector, at)?;
        let first = u32::from_le_bytes(field(sector, at.saturating_add(8))?);
        let sectors = u32::from_le_bytes(field(sector, at.saturating_add(12))?);
        matches!(status, 0 | 0x80).then_some(Self {
            kind,
            first: first.into(),
            sectors: sectors.into(),
        })
    }
}

/// Whether a sector ends as a table does.
fn is_signed(sector: &[u8; SECTOR]) -> bool {
    field(sector, SECTOR.saturating_sub(2)) == Some([0x55, 0xAA])
}

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
        if !is_signed(sector) {
            return None;
        }
        let mut entries = [None; MBR_ENTRIES];
        for (slot, number) in entries.iter_mut().zip(0_u32..) {
            let Raw { kind, first, sectors: count } = Raw::decode(sector, number)?;
            if kind == 0 {
                continue;
            }
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

    /// The entry that holds the logical partitions: the first one, if there are several.
    #[must_use]
    pub fn extended(&self) -> Option<&Entry> {
        self.entries().find(|entry| EXTENDED.map(Kind::Mbr).contains(&entry.kind))
    }

    /// Whether it is there for readers that do not know GPT.
    #[must_use]
    pub fn is_protective(&self) -> bool {
        self.entries().any(|entry| entry.kind == Kind::Mbr(PROTECTIVE))
    }
}

/// A sector of the list of logical partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logical {
    /// Its partition: none as a rule only in a list that is empty.
    pub entry: Option<Entry>,
    /// The sector that the list goes on in: behind this one.
    pub next: Option<u64>,
}

impl Logical {
    /// What sector `at` says, which lies inside `extended`; the partition gets this number. `None`
    /// if it is no such sector, or leads back or out of `extended`.
    #[must_use]
    pub fn decode(sector: &[u8; SECTOR], at: u64, extended: &Entry, number: u32) -> Option<Self> {
        let end = extended.first.saturating_add(extended.sectors);
        let (own, next) = (Raw::decode(sector, 0)?, Raw::decode(sector, 1)?);
        if !is_signed(sector) {
            return None;
        }
        let entry = (own.kind != 0).then_some(Entry {
            number,
            kind: Kind::Mbr(own.kind),
            first: at.saturating_add(own.first),
            sectors: own.sectors,
        });
        let next = (next.kind != 0).then_some(extended.first.saturating_add(next.first));
        let is_inside =
            |entry: &Entry| entry.is_inside(at.saturating_add(1), end.saturating_sub(1));
        let goes_on = |next: u64| next > at && next < end;
        (entry.as_ref().is_none_or(is_inside) && next.is_none_or(goes_on))
            .then_some(Self { entry, next })
    }
}
