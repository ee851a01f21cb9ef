//! Partition tables, as bytes: MBR and GPT.
//!
//! **What it is.** What a sector says, as pure functions. `blocking::partition` and
//! `asynchronous::partition` read a device with them.
//!
//! **Rules.**
//! 1. A table is hostile: every number is looked at before it is believed, and a checksum says only
//!    that a sector is whole. Nothing here panics, loops for long or counts beyond its bounds.
//! 2. Sectors have 512 bytes.
//! 3. A table is read, never written.
//!
//! **What is not read.** Names, attributes.
//!
//! **Sources.** UEFI specification, chapter "GUID Partition Table (GPT) Disk Layout". The tables in
//! the tests were made by `sfdisk`.

mod gpt;
mod mbr;

pub use gpt::{ENTRIES_MAX, Header, decode_entry};
pub use mbr::{LOGICAL_MAX, Logical, MBR_ENTRIES, Mbr};

/// Bytes of a sector.
pub const SECTOR: usize = 512;

/// What a partition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// A byte, in an MBR.
    Mbr(u8),
    /// A GUID, in a GPT: its bytes as they are on the medium.
    Gpt([u8; 16]),
}

/// A partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entry {
    /// Which one, counted from zero, with empty places of the table. Logical partitions of an MBR
    /// begin with 4, in the order of their list.
    pub number: u32,
    /// What it is for.
    pub kind: Kind,
    /// Its first sector.
    pub first: u64,
    /// How many sectors it has.
    pub sectors: u64,
}

impl Entry {
    /// No partition: what a list begins with.
    pub const NONE: Self = Self { number: 0, kind: Kind::Mbr(0), first: 0, sectors: 0 };

    /// The first byte and the number of bytes, where they can be counted.
    #[must_use]
    pub const fn bytes(&self) -> Option<(u64, u64)> {
        match (self.first.checked_mul(SECTOR as u64), self.sectors.checked_mul(SECTOR as u64)) {
            (Some(start), Some(bytes)) => Some((start, bytes)),
            _ => None,
        }
    }

    /// Whether it lies between the sectors `from` and `to`, `to` included.
    const fn is_inside(&self, from: u64, to: u64) -> bool {
        let Some(last) = self.first.checked_add(self.sectors.saturating_sub(1)) else {
            return false;
        };
        self.sectors > 0 && self.first >= from && last <= to
    }

    /// Whether it shares a sector with `other`. Both must have been seen to lie inside.
    #[must_use]
    pub const fn overlaps(&self, other: &Self) -> bool {
        let end = self.first.saturating_add(self.sectors);
        let other_end = other.first.saturating_add(other.sectors);
        self.first < other_end && other.first < end
    }
}

/// What kind of table there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Scheme {
    /// An MBR.
    Mbr,
    /// An MBR whose list of logical partitions ends where a sector of it is none, leads back, or
    /// names what cannot be: those before it are told.
    MbrCut,
    /// A GPT, at the beginning.
    Gpt,
    /// A GPT of which only the copy at the end is whole. Who can write it should repair it.
    GptBackup,
}

/// Why there is no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TableError<E> {
    /// Nothing that is one.
    NoTable,
    /// There is a GPT, but neither of its copies is whole, or what they say cannot be.
    BadGpt,
    /// It has more partitions than there is room for in the list.
    TooMany,
    /// The device is too small, or its sectors are too large.
    Unsupported,
    /// The device failed.
    Device(E),
}

impl<E: core::fmt::Display> core::fmt::Display for TableError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoTable => f.write_str("no partition table"),
            Self::BadGpt => f.write_str("damaged gpt"),
            Self::TooMany => f.write_str("too many partitions"),
            Self::Unsupported => f.write_str("unsupported device"),
            Self::Device(error) => write!(f, "{error}"),
        }
    }
}

impl<E: core::fmt::Debug + core::fmt::Display> core::error::Error for TableError<E> {}

/// The checksum of GPT, CRC-32 (ISO-HDLC), over more bytes behind those of `crc`; it begins with 0.
#[must_use]
pub fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    let mut crc = !crc;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    !crc
}

/// The field of `N` bytes at `at`.
fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::{Entry, crc32};

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(0, b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(crc32(0, b"1234"), b"56789"), 0xCBF4_3926);
        assert_eq!(crc32(0, b""), 0);
    }

    #[test]
    fn an_entry_lies_inside_or_not_and_never_overflows() {
        let entry = |first, sectors| Entry { first, sectors, ..Entry::NONE };
        assert!(entry(34, 10).is_inside(34, 43) && !entry(34, 11).is_inside(34, 43));
        assert!(!entry(33, 1).is_inside(34, 43) && !entry(40, 0).is_inside(34, 43));
        assert!(!entry(u64::MAX, 2).is_inside(0, u64::MAX));
        assert_eq!(entry(1 << 55, 1).bytes(), None);
        assert_eq!(entry(2, 3).bytes(), Some((1024, 1536)));
        assert!(entry(5, 5).overlaps(&entry(9, 1)) && !entry(5, 5).overlaps(&entry(10, 1)));
    }
}
