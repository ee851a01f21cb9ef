//! Serial Flash Discoverable Parameters (JESD216): what a chip says of itself.
//!
//! Everything here is a pure function of bytes. They are hostile: a chip that is not there, a line
//! that floats or a chip of another world says anything, and the answer is an error or a value that
//! is inside its bounds. Field by field after JESD216B, checked against two readers of it, the
//! Linux kernel's `drivers/mtd/spi-nor/sfdp.c` and Zephyr's `drivers/flash/jesd216.c`.

/// Bytes of the header, and of each parameter header behind it.
pub const HEADER_BYTES: usize = 8;
/// Parameter headers that are looked at; chips have two to six.
pub const TABLES_MAX: u8 = 16;
/// Words of the basic table that are looked at: those of JESD216B.
pub const BASIC_WORDS: usize = 16;
/// The same as bytes.
pub const BASIC_BYTES: usize = BASIC_WORDS * 4;
/// Words of the basic table of the first JESD216.
const BASIC_WORDS_MIN: u8 = 9;

/// No erase and no program of a chip on sale takes longer than these; what says so is cut to it.
const ERASE_US_MAX: u32 = 30_000_000;
const PROGRAM_US_MAX: u32 = 100_000;
/// A program of a page, where the table has no times.
const PROGRAM_UNKNOWN: Times = Times { typical_us: 1_000, max_us: 10_000 };

/// A page is not smaller.
const PAGE_MIN: u32 = 8;
/// The smallest and the largest chip: one erase of 4 KiB, and what four bytes of address reach.
const SIZE_MIN: u64 = 4096;
const SIZE_MAX: u64 = 1 << 32;

/// Which part of an SFDP makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SfdpError {
    /// A revision with a major number that is not 1.
    Revision,
    /// There is no basic table, or one that is too short or lies outside.
    NoBasicTable,
    /// The size of the chip.
    Density,
    /// The number of address bytes.
    AddressBytes,
    /// The size of a page.
    Page,
    /// No erase that this driver can use.
    NoErase,
    /// The size of an erase.
    EraseSize,
    /// Erases differ from place to place on this chip, or may: it has a map of sectors that is
    /// more than one region.
    NotUniform,
    /// There is no way known here to addresses of four bytes.
    NoFourBytes,
}

impl core::fmt::Display for SfdpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Revision => "unknown revision",
            Self::NoBasicTable => "no basic table",
            Self::Density => "impossible size",
            Self::AddressBytes => "impossible number of address bytes",
            Self::Page => "impossible page",
            Self::NoErase => "no erase",
            Self::EraseSize => "impossible erase",
            Self::NotUniform => "sectors of several sizes",
            Self::NoFourBytes => "no way to addresses of four bytes",
        })
    }
}

impl core::error::Error for SfdpError {}

/// How long a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Times {
    /// As a rule, in microseconds.
    pub typical_us: u32,
    /// At most.
    pub max_us: u32,
}

impl Times {
    /// `typical_us`, and `times` as long at most, but no longer than `limit_us`.
    const fn new(typical_us: u32, times: u32, limit_us: u32) -> Self {
        let typical_us = if typical_us < limit_us { typical_us } else { limit_us };
        let max_us = typical_us.saturating_mul(times);
        Self { typical_us, max_us: if max_us < limit_us { max_us } else { limit_us } }
    }

    /// An erase of `size` bytes, where nothing says how long it takes: longer than any chip known
    /// here (the slowest, a sector of 64 KiB of an M25P16, is specified with 3 s).
    #[must_use]
    pub const fn of_unknown_erase(size: u32) -> Self {
        match size {
            0..=0x1000 => Self { typical_us: 50_000, max_us: 3_000_000 },
            0x1001..=0x1_0000 => Self { typical_us: 200_000, max_us: 6_000_000 },
            _ => Self { typical_us: 600_000, max_us: 12_000_000 },
        }
    }
}

/// An erase that a chip has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Erase {
    /// Bytes; a power of two.
    pub size: u32,
    /// Its opcode.
    pub opcode: u8,
    /// How long it takes.
    pub times: Times,
}

/// The header of an SFDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Parameter headers behind it that are worth a look.
    pub tables: u8,
}

impl Header {
    /// The header, or `None` if the chip has no SFDP.
    ///
    /// # Errors
    /// `Revision`.
    pub const fn decode(bytes: [u8; HEADER_BYTES]) -> Result<Option<Self>, SfdpError> {
        let [b'S', b'F', b'D', b'P', _minor, major, last, _access] = bytes else {
            return Ok(None);
        };
        if major != 1 {
            return Err(SfdpError::Revision);
        }
        let tables = last.saturating_add(1);
        Ok(Some(Self { tables: if tables < TABLES_MAX { tables } else { TABLES_MAX } }))
    }
}

/// What a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableKind {
    /// Size, erases, times: every SFDP has one.
    Basic,
    /// Opcodes with four bytes of address.
    FourByte,
    /// Where which erases work.
    SectorMap,
    /// Something that is not needed here.
    Other,
}

/// Where a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// What it is about.
    pub kind: TableKind,
    /// Its revision, behind the point.
    pub minor: u8,
    /// Its length in words of four bytes.
    pub words: u8,
    /// Where it begins.
    pub at: u32,
}

impl Table {
    /// A parameter header. One of a major revision that is not known is about something else.
    #[must_use]
    pub const fn decode(bytes: [u8; HEADER_BYTES]) -> Self {
        let [low, minor, major, words, a, b, c, high] = bytes;
        let kind = match ([high, low], major) {
            ([0xFF, 0x00], 1) if words >= BASIC_WORDS_MIN => TableKind::Basic,
            ([0xFF, 0x84], 1) if words >= 2 => TableKind::FourByte,
            ([0xFF, 0x81], _) => TableKind::SectorMap,
            _ => TableKind::Other,
        };
        Self { kind, minor, words, at: u32::from_le_bytes([a, b, c, 0]) }
    }

    /// Whether this is a better table of the same kind than `other`: a chip may have an old one
    /// for old readers.
    #[must_use]
    pub const fn is_newer_than(&self, other: &Self) -> bool {
        self.minor > other.minor || (self.minor == other.minor && self.words > other.words)
    }

    /// Whether a map of sectors, of which `first` is the first word, says nothing that the basic
    /// table does not: one map, of one region.
    #[must_use]
    pub const fn is_uniform_map(first: u32) -> bool {
        // Bit 0: the last descriptor; bit 1: a map and no command; bits 16 to 23: regions less one.
        let [flags, _, more_regions, _] = first.to_le_bytes();
        flags & 0b11 == 0b11 && more_regions == 0
    }
}

/// How many bytes an address has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AddressBytes {
    /// Three.
    Three,
    /// Three, or four in a mode of its own.
    ThreeOrFour,
    /// Four.
    Four,
}

/// How to sleep, and how to wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sleep {
    /// Enters deep power-down.
    pub enter: u8,
    /// Leaves it.
    pub exit: u8,
    /// From the end of that until the chip takes commands.
    pub exit_us: u32,
}

/// The basic table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Basic {
    /// Its revision, behind the point: 0 is JESD216, 5 is A, 6 is B.
    pub minor: u8,
    /// Bytes of the chip.
    pub size: u64,
    /// How it is addressed.
    pub address: AddressBytes,
    /// The erase types, in the order of the table, which other tables refer to.
    pub erases: [Option<Erase>; 4],
    /// Bytes of a page; a power of two.
    pub page: u32,
    /// The time of a program of a page.
    pub program: Times,
    /// Deep power-down; `None` if it has none or does not say.
    pub sleep: Option<Sleep>,
    /// Whether it has a flag status register.
    pub has_flags: bool,
    /// Whether it is reset by `66h`, `99h`.
    pub has_reset: bool,
    /// Whether `B7h`, with or without a write enable before it, makes addresses four bytes long;
    /// `None` if it does not say.
    pub has_four_mode: Option<bool>,
    /// Whether its status register is written together with the second one.
    pub writes_two: bool,
    /// Whether it has the fast read 4-4-4. Not used; two chips with one id differ in it.
    pub has_444: bool,
}

impl Basic {
    /// The basic table from its first `words` words, as far as they are in `bytes`.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn decode(minor: u8, words: u8, bytes: &[u8; BASIC_BYTES]) -> Result<Self, SfdpError> {
        if words < BASIC_WORDS_MIN {
            return Err(SfdpError::NoBasicTable);
        }
        let word = |number: usize| -> Option<u32> {
            let at = number.checked_sub(1).filter(|_| number <= usize::from(words))?;
            let word = bytes.chunks_exact(4).nth(at)?.first_chunk()?;
            Some(u32::from_le_bytes(*word))
        };
        let needed = |number| word(number).ok_or(SfdpError::NoBasicTable);
        let first = needed(1)?;
        let size = size(needed(2)?)?;
        let address = match first >> 17 & 3 {
            0 => AddressBytes::Three,
            1 => AddressBytes::ThreeOrFour,
            2 => AddressBytes::Four,
            _ => return Err(SfdpError::AddressBytes),
        };
        let page = 1_u32.wrapping_shl(word(11).map_or(8, |word| word >> 4 & 0xF));
        if page < PAGE_MIN || u64::from(page) > size {
            return Err(SfdpError::Page);
        }
        let program = word(11).map_or(PROGRAM_UNKNOWN, |word| {
            let unit_us = if word >> 13 & 1 == 1 { 64 } else { 8 };
            Times::new(count(word >> 8, 0x1F, unit_us), longest(word), PROGRAM_US_MAX)
        });
        let erases = erases([needed(8)?, needed(9)?], word(10), size)?;
        let modes = word(16);
        Ok(Self {
            minor,
            size,
            address,
            erases: or_small_erase(erases, first),
            page,
            program,
            sleep: word(14).and_then(sleep),
            has_flags: word(14).is_some_and(|word| word >> 3 & 1 == 1),
            has_reset: modes.is_some_and(|word| word >> 12 & 1 == 1),
            has_four_mode: modes.map(|word| word >> 24 & 0b11 != 0),
            writes_two: word(15).is_some_and(|word| matches!(word >> 20 & 7, 1 | 5)),
            has_444: needed(5)? >> 4 & 1 == 1,
        })
    }
}

/// Bytes of the chip, from the second word.
const fn size(word: u32) -> Result<u64, SfdpError> {
    let bits = if word >> 31 == 0 {
        (word as u64).saturating_add(1)
    } else {
        match 1_u64.checked_shl(word & 0x7FFF_FFFF) {
            Some(bits) => bits,
            None => return Err(SfdpError::Density),
        }
    };
    let bytes = bits >> 3;
    if bits & 7 != 0 || bytes < SIZE_MIN || bytes > SIZE_MAX || bytes % SIZE_MIN != 0 {
        return Err(SfdpError::Density);
    }
    Ok(bytes)
}

/// The product of a count in the low bits of `word`, one more than it says, and a unit.
const fn count(word: u32, mask: u32, unit: u32) -> u32 {
    (word & mask).saturating_add(1).saturating_mul(unit)
}

/// How many times the typical time the longest one is, from the low bits of a word.
const fn longest(word: u32) -> u32 {
    count(word, 0xF, 2)
}

/// The erase types of words 8 and 9, with their times from word 10.
fn erases(words: [u32; 2], times: Option<u32>, chip: u64) -> Result<[Option<Erase>; 4], SfdpError> {
    let mut erases = [None; 4];
    let [low, high] = words.map(u32::to_le_bytes);
    let types = low.into_iter().zip(low.into_iter().skip(1)).step_by(2);
    let types = types.chain(high.into_iter().zip(high.into_iter().skip(1)).step_by(2));
    for ((slot, (log2, opcode)), number) in erases.iter_mut().zip(types).zip(0_u32..) {
        // Chips fill what they do not have with zeros or with ones.
        if log2 == 0 || log2 == 0xFF {
            continue;
        }
        let size = 1_u32.checked_shl(log2.into()).ok_or(SfdpError::EraseSize)?;
        if size < 256 || u64::from(size) > chip || !chip.is_multiple_of(size.into()) {
            return Err(SfdpError::EraseSize);
        }
        let times = times.map_or(Times::of_unknown_erase(size), |word| {
            let field = word.wrapping_shr(number.saturating_mul(7).saturating_add(4));
            let unit_us = [1_000, 16_000, 128_000, 1_000_000];
            let unit = unit_us.get((field >> 5 & 3) as usize).copied().unwrap_or(1_000_000);
            Times::new(count(field, 0x1F, unit), longest(word), ERASE_US_MAX)
        });
        *slot = Some(Erase { size, opcode, times });
    }
    Ok(erases)
}

/// The erase of 4 KiB from the first word, for tables that have it nowhere else.
fn or_small_erase(mut erases: [Option<Erase>; 4], first: u32) -> [Option<Erase>; 4] {
    let [_, opcode, ..] = first.to_le_bytes();
    if erases == [None; 4] && first & 3 == 1 && opcode != 0xFF {
        let times = Times::of_unknown_erase(4096);
        erases[0] = Some(Erase { size: 4096, opcode, times });
    }
    erases
}

/// Deep power-down, from word 14.
fn sleep(word: u32) -> Option<Sleep> {
    if word >> 31 == 1 {
        return None;
    }
    let [_, exit, ..] = (word >> 7).to_le_bytes();
    let [_, enter, ..] = (word >> 15).to_le_bytes();
    let unit_ns = [128, 1_000, 8_000, 64_000];
    let unit = unit_ns.get((word >> 13 & 3) as usize).copied().unwrap_or(64_000);
    Some(Sleep { enter, exit, exit_us: count(word >> 8, 0x1F, unit).div_ceil(1_000) })
}

/// The table of opcodes with four bytes of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FourByte {
    has: u32,
    erases: [u8; 4],
}

impl FourByte {
    /// Its first two words.
    #[must_use]
    pub const fn decode(bytes: [u8; 8]) -> Self {
        let [a, b, c, d, erases @ ..] = bytes;
        Self { has: u32::from_le_bytes([a, b, c, d]), erases }
    }

    const fn has(self, bit: u32) -> bool {
        self.has.wrapping_shr(bit) & 1 == 1
    }

    /// Whether it has the fast read `0Ch`.
    #[must_use]
    pub const fn has_fast_read(self) -> bool {
        self.has(1)
    }

    /// Whether it has the read `13h`.
    #[must_use]
    pub const fn has_read(self) -> bool {
        self.has(0)
    }

    /// Whether it has the program `12h`.
    #[must_use]
    pub const fn has_program(self) -> bool {
        self.has(6)
    }

    /// The opcode of the erase type of this number, counted from zero.
    #[must_use]
    pub fn erase(self, number: u32) -> Option<u8> {
        let opcode = self.erases.get(number as usize).copied()?;
        (self.has(number.saturating_add(9)) && opcode != 0xFF).then_some(opcode)
    }
}

#[cfg(test)]
#[path = "sfdp_tests.rs"]
pub(super) mod tests;
