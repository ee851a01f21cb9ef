//! The superblock: what a volume is, fixed when it is formatted.
//!
//! | offset | size | field                | rule                                      |
//! | -----: | ---: | -------------------- | ----------------------------------------- |
//! |      0 |    8 | `magic`              | 9e 56 45 4c 4c 55 4d 01 (`VELLUM`)        |
//! |      8 |    4 | `checksum`           | of bytes 12 to 255                        |
//! |     12 |    2 | `version`            | 1                                         |
//! |     14 |    2 | `reserved`           | 0                                         |
//! |     16 |   16 | `uuid`               | any; its checksum seeds all others        |
//! |     32 |   16 | `hash_seed`          | any; key of the hash of names             |
//! |     48 |    4 | `compat`             | any; unknown bits may be ignored          |
//! |     52 |    4 | `ro_compat`          | any; unknown bits allow reading only      |
//! |     56 |    4 | `incompat`           | 0                                         |
//! |     60 |    4 | `block_count`        | 8 or more                                 |
//! |     64 |    1 | `block_log2`         | 11 to 16                                  |
//! |     65 |    1 | `page_log2`          | 9                                         |
//! |     66 |    1 | `program_unit_log2`  | 0 to 9                                    |
//! |     67 |    1 | `append_unit_log2`   | 8 or 9, not less than `program_unit_log2` |
//! |     68 |    1 | `erase_value`        | 0 or 255                                  |
//! |     69 |    1 | `metadata_checksum`  | 1: CRC-32C                                |
//! |     70 |    1 | `data_checksum`      | 0: none                                   |
//! |     71 |    1 | `page_trailer`       | 4: bytes of a page that prove the rest    |
//! |     72 |    2 | `name_max`           | 1 to 255                                  |
//! |     74 |    2 | `pending_bytes_max`  | 512 to block size - 512                   |
//! |     76 |    2 | `pending_items_max`  | 16 to 1024                                |
//! |     78 |    2 | `record_max`         | 1040                                      |
//! |     80 |    1 | `journal_blocks_max` | 2 to 16                                   |
//! |     81 |    1 | `max_height`         | 8                                         |
//! |     82 |    1 | `max_depth`          | 64                                        |
//! |     83 |    1 | `anchors_moved`      | 0                                         |
//! |     84 |    4 | `anchor_a`           | 0                                         |
//! |     88 |    4 | `anchor_b`           | `block_count` - 1                         |
//! |     92 |   32 | `label`              | UTF-8 without NUL, padded with zeros      |
//! |    124 |  132 | `reserved_end`       | 0                                         |

use super::checksum::{Checksum, VolumeSeed};
use super::codec::{Bytes, Le16, Le32, covers, is_zero};
use super::pointer::HEIGHT_MAX;
use super::record::RECORD_MAX;
use crate::error::{Field, Malformed};
use crate::units::{BlockCount, BlockNo};

/// Size on disk, in bytes.
pub const SIZE: usize = 256;
/// The version of the format that this code reads and writes.
pub const VERSION: u16 = 1;
/// Fewest blocks that the format describes. A formatter may ask for more.
pub const BLOCK_COUNT_MIN: u32 = 8;
/// Nesting of directories that every reader must be able to walk.
pub const DEPTH_MAX: u8 = 64;
/// Compatible features that this code knows.
pub const COMPAT_KNOWN: u32 = 0;
/// Read-only-compatible features that this code knows.
pub const RO_COMPAT_KNOWN: u32 = 0;
/// Incompatible features that this code knows.
pub const INCOMPAT_KNOWN: u32 = 0;
/// Incompatible feature: names are compared without case. Reserved.
pub const INCOMPAT_CASE_INSENSITIVE: u32 = 1 << 1;

type Magic = Bytes<0, 8>;
type ChecksumField = Le32<8>;
type Version = Le16<12>;
type Reserved = Le16<14>;
type Uuid = Bytes<16, 16>;
type HashSeed = Bytes<32, 16>;
type Compat = Le32<48>;
type RoCompat = Le32<52>;
type Incompat = Le32<56>;
type Blocks = Le32<60>;
type BlockLog2 = Bytes<64, 1>;
type PageLog2 = Bytes<65, 1>;
type ProgramUnitLog2 = Bytes<66, 1>;
type AppendUnitLog2 = Bytes<67, 1>;
type EraseValue = Bytes<68, 1>;
type MetadataChecksum = Bytes<69, 1>;
type DataChecksum = Bytes<70, 1>;
type PageTrailer = Bytes<71, 1>;
type NameMax = Le16<72>;
type PendingBytesMax = Le16<74>;
type PendingItemsMax = Le16<76>;
type RecordMax = Le16<78>;
type JournalBlocksMax = Bytes<80, 1>;
type MaxHeight = Bytes<81, 1>;
type MaxDepth = Bytes<82, 1>;
type AnchorsMoved = Bytes<83, 1>;
type AnchorA = Le32<84>;
type AnchorB = Le32<88>;
type Label = Bytes<92, 32>;
type ReservedEnd = Bytes<124, 132>;

#[rustfmt::skip]
const _: () = assert!(covers(
    &[
        Magic::SPAN, ChecksumField::SPAN, Version::SPAN, Reserved::SPAN, Uuid::SPAN, HashSeed::SPAN,
        Compat::SPAN, RoCompat::SPAN, Incompat::SPAN, Blocks::SPAN, BlockLog2::SPAN, PageLog2::SPAN,
        ProgramUnitLog2::SPAN, AppendUnitLog2::SPAN, EraseValue::SPAN, MetadataChecksum::SPAN,
        DataChecksum::SPAN, PageTrailer::SPAN, NameMax::SPAN, PendingBytesMax::SPAN,
        PendingItemsMax::SPAN, RecordMax::SPAN, JournalBlocksMax::SPAN, MaxHeight::SPAN,
        MaxDepth::SPAN, AnchorsMoved::SPAN, AnchorA::SPAN, AnchorB::SPAN, Label::SPAN,
        ReservedEnd::SPAN,
    ],
    SIZE
));

const MAGIC: [u8; 8] = *b"\x9eVELLUM\x01";
const MARKER_MAGIC: [u8; 8] = *b"\x9eVELLUM\x00";
const PAGE_LOG2: u8 = 9;
const CRC_32C: u8 = 1;
const NO_CHECKSUM: u8 = 0;
const PAGE_TRAILER: u8 = 4;

/// What a reader must know before it may look at anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Features {
    /// Version of the format.
    pub version: u16,
    /// Features that a reader and a writer may ignore.
    pub compat: u32,
    /// Features that a reader may ignore.
    pub ro_compat: u32,
    /// Features that nobody may ignore.
    pub incompat: u32,
}

impl Features {
    /// Decodes the part of a superblock that keeps its place in every version.
    ///
    /// # Errors
    /// `Magic` when there is no superblock, `Checksum` when it is damaged.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        if Magic::get(record) != MAGIC {
            return Err(Malformed::Magic);
        }
        if ChecksumField::get(record) != checksum(record) {
            return Err(Malformed::Checksum);
        }
        Ok(Self {
            version: Version::get(record),
            compat: Compat::get(record),
            ro_compat: RoCompat::get(record),
            incompat: Incompat::get(record),
        })
    }

    /// Whether this code understands all of the volume.
    #[must_use]
    pub const fn readable(self) -> bool {
        self.version == VERSION && self.incompat & !INCOMPAT_KNOWN == 0
    }

    /// Whether this code may also change the volume.
    #[must_use]
    pub const fn writable(self) -> bool {
        self.readable() && self.ro_compat & !RO_COMPAT_KNOWN == 0
    }
}

/// A superblock that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Superblock {
    /// Identity of the volume.
    pub uuid: [u8; 16],
    /// Key of the hash of names.
    pub hash_seed: [u8; 16],
    /// Features that a reader and a writer may ignore.
    pub compat: u32,
    /// Features that a reader may ignore.
    pub ro_compat: u32,
    /// Features that nobody may ignore.
    pub incompat: u32,
    /// Size of the volume.
    pub block_count: BlockCount,
    /// Base-two logarithm of the block size.
    pub block_log2: u8,
    /// Base-two logarithm of the largest program unit of a device that may hold the volume.
    pub program_unit_log2: u8,
    /// Base-two logarithm of the unit in which file data is appended.
    pub append_unit_log2: u8,
    /// What an erased byte reads as.
    pub erase_value: u8,
    /// Longest name, in bytes.
    pub name_max: u16,
    /// Most bytes of pending entries.
    pub pending_bytes_max: u16,
    /// Most pending runs of blocks.
    pub pending_items_max: u16,
    /// Most blocks of the journal's chain.
    pub journal_blocks_max: u8,
    /// What people call the volume: UTF-8, padded with zeros.
    pub label: [u8; 32],
}

impl Superblock {
    /// What the start of an anchor block holds while its volume is being formatted.
    #[must_use]
    pub const fn formatting_marker() -> [u8; SIZE] {
        let mut marker = [0xff; SIZE];
        Magic::put(&mut marker, MARKER_MAGIC);
        marker
    }

    /// Whether `record` is blank (ones), or the marker of formatting, whole or cut short.
    #[must_use]
    pub fn is_torn_marker(record: &[u8; SIZE]) -> bool {
        let marker = Self::formatting_marker();
        record.iter().zip(&marker).all(|(byte, marker)| byte & marker == *marker)
    }

    /// Decodes, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks. [`Features::decode`] tells whether a refusal is
    /// damage or a newer version.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        if Features::decode(record)?.version != VERSION {
            return Err(Malformed::Field(Field::Version));
        }
        check_constants(record)?;
        let [block_log2] = BlockLog2::get(record);
        let [program_unit_log2] = ProgramUnitLog2::get(record);
        let [append_unit_log2] = AppendUnitLog2::get(record);
        let [erase_value] = EraseValue::get(record);
        let [journal_blocks_max] = JournalBlocksMax::get(record);
        let superblock = Self {
            uuid: Uuid::get(record),
            hash_seed: HashSeed::get(record),
            compat: Compat::get(record),
            ro_compat: RoCompat::get(record),
            incompat: Incompat::get(record),
            block_count: BlockCount(Blocks::get(record)),
            block_log2,
            program_unit_log2,
            append_unit_log2,
            erase_value,
            name_max: NameMax::get(record),
            pending_bytes_max: PendingBytesMax::get(record),
            pending_items_max: PendingItemsMax::get(record),
            journal_blocks_max,
            label: Label::get(record),
        };
        superblock.check()?;
        let [a, b] = superblock.anchors();
        if AnchorA::get(record) != a.0 || AnchorB::get(record) != b.0 {
            return Err(Malformed::Field(Field::Anchors));
        }
        Ok(superblock)
    }

    /// Encodes, after the same checks: what is written can always be read back.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks.
    pub fn encode(&self) -> Result<[u8; SIZE], Malformed> {
        self.check()?;
        let mut record = [0; SIZE];
        Magic::put(&mut record, MAGIC);
        Version::put(&mut record, VERSION);
        Uuid::put(&mut record, self.uuid);
        HashSeed::put(&mut record, self.hash_seed);
        Compat::put(&mut record, self.compat);
        RoCompat::put(&mut record, self.ro_compat);
        Incompat::put(&mut record, self.incompat);
        Blocks::put(&mut record, self.block_count.0);
        BlockLog2::put(&mut record, [self.block_log2]);
        PageLog2::put(&mut record, [PAGE_LOG2]);
        ProgramUnitLog2::put(&mut record, [self.program_unit_log2]);
        AppendUnitLog2::put(&mut record, [self.append_unit_log2]);
        EraseValue::put(&mut record, [self.erase_value]);
        MetadataChecksum::put(&mut record, [CRC_32C]);
        DataChecksum::put(&mut record, [NO_CHECKSUM]);
        PageTrailer::put(&mut record, [PAGE_TRAILER]);
        NameMax::put(&mut record, self.name_max);
        PendingBytesMax::put(&mut record, self.pending_bytes_max);
        PendingItemsMax::put(&mut record, self.pending_items_max);
        RecordMax::put(&mut record, RECORD_MAX);
        JournalBlocksMax::put(&mut record, [self.journal_blocks_max]);
        MaxHeight::put(&mut record, [HEIGHT_MAX]);
        MaxDepth::put(&mut record, [DEPTH_MAX]);
        let [a, b] = self.anchors();
        AnchorA::put(&mut record, a.0);
        AnchorB::put(&mut record, b.0);
        Label::put(&mut record, self.label);
        let sum = checksum(&record);
        ChecksumField::put(&mut record, sum);
        Ok(record)
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        let rules = [
            (self.incompat & !INCOMPAT_KNOWN == 0, Field::Incompat),
            (self.block_count.0 >= BLOCK_COUNT_MIN, Field::BlockCount),
            (matches!(self.block_log2, 11..=16), Field::BlockLog2),
            (self.program_unit_log2 <= PAGE_LOG2, Field::ProgramUnitLog2),
            (
                matches!(self.append_unit_log2, 8 | 9)
                    && self.append_unit_log2 >= self.program_unit_log2,
                Field::AppendUnitLog2,
            ),
            (matches!(self.erase_value, 0 | u8::MAX), Field::EraseValue),
            (matches!(self.name_max, 1..=255), Field::NameMax),
            (
                matches!(u32::from(self.pending_bytes_max),
                    bytes if (512..=self.block_bytes().saturating_sub(512)).contains(&bytes)),
                Field::PendingBytesMax,
            ),
            (matches!(self.pending_items_max, 16..=1024), Field::PendingItemsMax),
            (matches!(self.journal_blocks_max, 2..=16), Field::JournalBlocksMax),
            (self.label().is_some(), Field::Label),
        ];
        match rules.iter().find(|(kept, _)| !kept) {
            Some((_, field)) => Err(Malformed::Field(*field)),
            None => Ok(()),
        }
    }

    /// The two anchor blocks.
    #[must_use]
    pub const fn anchors(&self) -> [BlockNo; 2] {
        [BlockNo(0), BlockNo(self.block_count.0.saturating_sub(1))]
    }

    /// Size of a block.
    #[must_use]
    pub const fn block_bytes(&self) -> u32 {
        1 << (self.block_log2 & 31)
    }

    /// The smallest program: the unit that records are padded to.
    #[must_use]
    pub const fn program_unit(&self) -> u32 {
        1 << (self.program_unit_log2 & 31)
    }

    /// What binds every other structure to this volume.
    #[must_use]
    pub fn seed(&self) -> VolumeSeed {
        VolumeSeed::of(&self.uuid)
    }

    /// The label without its padding; `None` if it breaks its rule.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        let length = self.label.iter().position(|&byte| byte == 0).unwrap_or(self.label.len());
        let (text, padding) = self.label.split_at_checked(length)?;
        if is_zero(padding) { core::str::from_utf8(text).ok() } else { None }
    }
}

/// Checks the fields that have one value only.
fn check_constants(record: &[u8; SIZE]) -> Result<(), Malformed> {
    let rules = [
        (Reserved::get(record) == 0, Field::Reserved),
        (PageLog2::get(record) == [PAGE_LOG2], Field::PageLog2),
        (MetadataChecksum::get(record) == [CRC_32C], Field::MetadataChecksum),
        (DataChecksum::get(record) == [NO_CHECKSUM], Field::DataChecksum),
        (PageTrailer::get(record) == [PAGE_TRAILER], Field::PageTrailer),
        (RecordMax::get(record) == RECORD_MAX, Field::RecordMax),
        (MaxHeight::get(record) == [HEIGHT_MAX], Field::MaxHeight),
        (MaxDepth::get(record) == [DEPTH_MAX], Field::MaxDepth),
        (AnchorsMoved::get(record) == [0], Field::AnchorsMoved),
        (is_zero(&ReservedEnd::get(record)), Field::ReservedEnd),
    ];
    match rules.iter().find(|(kept, _)| !kept) {
        Some((_, field)) => Err(Malformed::Field(*field)),
        None => Ok(()),
    }
}

fn checksum(record: &[u8; SIZE]) -> u32 {
    Checksum::new().bytes(&Bytes::<12, 244>::get(record)).finish()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Noise, flips, golden, survives_damage};
    use super::{BLOCK_COUNT_MIN, Features, SIZE, Superblock, checksum};
    use crate::error::{Field, Malformed};
    use crate::units::{BlockCount, BlockNo};

    const fn label(text: &str) -> [u8; 32] {
        let mut label = [0; 32];
        let (start, _) = label.split_at_mut(text.len());
        start.copy_from_slice(text.as_bytes());
        label
    }

    const SAMPLE: Superblock = Superblock {
        uuid: *b"vellum-uuid-0123",
        hash_seed: [16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31],
        compat: 0x8000_0004,
        ro_compat: 0x4000_0002,
        incompat: 0,
        block_count: BlockCount(0x1_2345),
        block_log2: 13,
        program_unit_log2: 7,
        append_unit_log2: 8,
        erase_value: 255,
        name_max: 0xf1,
        pending_bytes_max: 0x0789,
        pending_items_max: 0x51,
        journal_blocks_max: 6,
        label: label("Pump 7 \u{e4}"),
    };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("magic",              "9e56454c4c554d01"),
            ("checksum",           "6f5ebcf6"),
            ("version",            "0100"),
            ("reserved",           "0000"),
            ("uuid",               "76656c6c756d2d757569642d30313233"),
            ("hash_seed",          "101112131415161718191a1b1c1d1e1f"),
            ("compat",             "04000080"),
            ("ro_compat",          "02000040"),
            ("incompat",           "00000000"),
            ("block_count",        "45230100"),
            ("block_log2",         "0d"),
            ("page_log2",          "09"),
            ("program_unit_log2",  "07"),
            ("append_unit_log2",   "08"),
            ("erase_value",        "ff"),
            ("metadata_checksum",  "01"),
            ("data_checksum",      "00"),
            ("page_trailer",       "04"),
            ("name_max",           "f100"),
            ("pending_bytes_max",  "8907"),
            ("pending_items_max",  "5100"),
            ("record_max",         "1004"),
            ("journal_blocks_max", "06"),
            ("max_height",         "08"),
            ("max_depth",          "40"),
            ("anchors_moved",      "00"),
            ("anchor_a",           "00000000"),
            ("anchor_b",           "44230100"),
            ("label",              "50756d70203720c3a4"),
            ("label, padding",     "00*23"),
            ("reserved_end",       "00*132"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(SAMPLE.encode(), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(Superblock::decode(&sample_bytes()), Ok(SAMPLE));
        assert_eq!(SAMPLE.label(), Some("Pump 7 \u{e4}"));
    }

    #[test]
    fn notices_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert!(Superblock::decode(&record).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let with = |change: fn(&mut Superblock)| {
            let mut superblock = SAMPLE;
            change(&mut superblock);
            superblock
        };
        let cases = [
            (with(|s| s.incompat = 1), Field::Incompat),
            (with(|s| s.block_count = BlockCount(BLOCK_COUNT_MIN - 1)), Field::BlockCount),
            (with(|s| s.block_log2 = 10), Field::BlockLog2),
            (with(|s| s.block_log2 = 17), Field::BlockLog2),
            (with(|s| s.program_unit_log2 = 10), Field::ProgramUnitLog2),
            (with(|s| s.append_unit_log2 = 7), Field::AppendUnitLog2),
            (with(|s| s.append_unit_log2 = 10), Field::AppendUnitLog2),
            (with(|s| s.program_unit_log2 = 9), Field::AppendUnitLog2),
            (with(|s| s.erase_value = 1), Field::EraseValue),
            (with(|s| s.name_max = 0), Field::NameMax),
            (with(|s| s.name_max = 256), Field::NameMax),
            (with(|s| s.pending_bytes_max = 511), Field::PendingBytesMax),
            (with(|s| s.pending_bytes_max = 8192 - 511), Field::PendingBytesMax),
            (with(|s| s.pending_items_max = 15), Field::PendingItemsMax),
            (with(|s| s.pending_items_max = 1025), Field::PendingItemsMax),
            (with(|s| s.journal_blocks_max = 1), Field::JournalBlocksMax),
            (with(|s| s.journal_blocks_max = 17), Field::JournalBlocksMax),
            (with(|s| s.label[31] = 1), Field::Label),
            (with(|s| s.label[0] = 0xff), Field::Label),
        ];
        for (superblock, field) in cases {
            assert_eq!(superblock.encode(), Err(Malformed::Field(field)));
        }
        assert!(with(|s| s.pending_bytes_max = 8192 - 512).encode().is_ok());
        assert!(with(|s| (s.block_log2, s.pending_bytes_max) = (16, 65024)).encode().is_ok());
    }

    #[test]
    fn refuses_every_changed_constant_even_with_a_checksum() {
        for at in (12..16).chain(65..66).chain([69, 70, 71, 78, 79, 81, 82, 83]).chain(84..92) {
            let mut record = sample_bytes();
            record[at] ^= 0x20;
            let sum = checksum(&record);
            record[8..12].copy_from_slice(&sum.to_le_bytes());
            assert!(Superblock::decode(&record).is_err(), "byte {at}");
        }
        for at in 124..SIZE {
            let mut record = sample_bytes();
            record[at] = 1;
            let sum = checksum(&record);
            record[8..12].copy_from_slice(&sum.to_le_bytes());
            assert_eq!(Superblock::decode(&record), Err(Malformed::Field(Field::ReservedEnd)));
        }
    }

    #[test]
    fn survives_any_bytes_behind_a_right_checksum() {
        survives_damage(sample_bytes(), |bytes| {
            let mut record = *bytes;
            record[..8].copy_from_slice(&super::MAGIC);
            let sum = checksum(&record);
            record[8..12].copy_from_slice(&sum.to_le_bytes());
            let again = Superblock::decode(&record).ok()?.encode().expect("checked");
            assert_eq!(again, record);
            Some(*bytes)
        });
    }

    #[test]
    fn features_decide_before_anything_else_is_read() {
        let known = Features::decode(&sample_bytes()).expect("sound");
        assert!(known.readable() && !known.writable(), "unknown ro_compat bits");
        assert!(Features { ro_compat: 0, ..known }.writable());
        assert!(!Features { incompat: 2, ..known }.readable());
        assert!(!Features { version: 2, ..known }.readable());
        assert_eq!(Features::decode(&[0xff; SIZE]), Err(Malformed::Magic));
    }

    #[test]
    fn derives_places_and_sizes() {
        assert_eq!(SAMPLE.anchors(), [BlockNo(0), BlockNo(0x1_2344)]);
        assert_eq!(SAMPLE.block_bytes(), 8192);
    }

    #[test]
    fn a_marker_cut_short_is_a_marker_and_a_superblock_is_none() {
        let marker = Superblock::formatting_marker();
        assert_eq!(Superblock::decode(&marker), Err(Malformed::Magic));
        assert!(!Superblock::is_torn_marker(&sample_bytes()));
        assert!(!Superblock::is_torn_marker(&[0; SIZE]));
        let mut noise = Noise::new(7);
        for _ in 0..1000 {
            // Only bits that the marker programs can have fallen.
            let kept: [u8; SIZE] = noise.bytes();
            let torn = core::array::from_fn(|at| marker[at] | kept[at]);
            assert!(Superblock::is_torn_marker(&torn));
        }
    }
}
