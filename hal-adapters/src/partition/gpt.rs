//! Headers and entries of a GPT.

use super::{Entry, Kind, SECTOR, crc32, field};

/// Entries that a table may have here; it has 128 as a rule. More than these would be read for
/// long.
pub const ENTRIES_MAX: u32 = 1024;
/// The size of a header, at least.
const HEADER_BYTES: usize = 92;
/// Where its checksum is.
const CHECKSUM_AT: usize = 16;

/// A header, of the table or of its copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The sectors that partitions may have: the first one, and the last one.
    pub usable: (u64, u64),
    /// The first sector of the entries.
    pub entries_at: u64,
    /// How many there are.
    pub count: u32,
    /// Bytes of each, a power of two of at least 128 and at most a sector.
    pub entry_bytes: u32,
    /// The checksum over all of them.
    pub entries_checksum: u32,
}

impl Header {
    /// The header in the sector `at` of a disk of `sectors` sectors, or `None` if it is not whole
    /// or says what cannot be.
    #[must_use]
    pub fn decode(sector: &[u8; SECTOR], at: u64, sectors: u64) -> Option<Self> {
        let long = |at| field(sector, at).map(u64::from_le_bytes);
        let word = |at| field(sector, at).map(u32::from_le_bytes);
        // Revision 1.0, which every revision of UEFI has.
        if field(sector, 0) != Some(*b"EFI PART") || word(8) != Some(0x1_0000) {
            return None;
        }
        let bytes = sector.get(..usize::try_from(word(12)?).ok()?)?;
        let (before, behind) = bytes.split_at_checked(CHECKSUM_AT)?;
        let crc = crc32(crc32(0, before), &[0; 4]);
        let is_whole = crc32(crc, behind.get(4..)?) == word(CHECKSUM_AT)?;
        if bytes.len() < HEADER_BYTES || !is_whole || long(24)? != at {
            return None;
        }
        let header = Self {
            usable: (long(40)?, long(48)?),
            entries_at: long(72)?,
            count: word(80)?,
            entry_bytes: word(84)?,
            entries_checksum: word(88)?,
        };
        header.is_possible(sectors).then_some(header)
    }

    fn is_possible(&self, sectors: u64) -> bool {
        let (first, last) = self.usable;
        let size = self.entry_bytes;
        let is_size = size.is_power_of_two() && size >= 128 && size as usize <= SECTOR;
        let end = self.entries_at.checked_add(self.sectors());
        is_size
            && self.count > 0
            && self.count <= ENTRIES_MAX
            && self.entries_at > 1
            && end.is_some_and(|end| end <= sectors && (end <= first || self.entries_at > last))
            && first <= last
            && last < sectors
    }

    /// Sectors that the entries lie in.
    #[must_use]
    pub fn sectors(&self) -> u64 {
        self.bytes().div_ceil(SECTOR as u64)
    }

    /// Bytes of all entries.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        u64::from(self.count).saturating_mul(self.entry_bytes.into())
    }
}

/// The entry in its first bytes; `None` if the place is empty.
///
/// # Errors
/// An entry that does not lie between the sectors that partitions may have.
#[allow(clippy::result_unit_err, reason = "there is nothing to tell but that")]
pub fn decode_entry(bytes: &[u8], number: u32, usable: (u64, u64)) -> Result<Option<Entry>, ()> {
    let kind: [u8; 16] = field(bytes, 0).ok_or(())?;
    if kind == [0; 16] {
        return Ok(None);
    }
    let first = u64::from_le_bytes(field(bytes, 32).ok_or(())?);
    let last = u64::from_le_bytes(field(bytes, 40).ok_or(())?);
    let sectors = last.checked_sub(first).and_then(|less_one| less_one.checked_add(1)).ok_or(())?;
    let entry = Entry { number, kind: Kind::Gpt(kind), first, sectors };
    let (from, to) = usable;
    if entry.is_inside(from, to) { Ok(Some(entry)) } else { Err(()) }
}
