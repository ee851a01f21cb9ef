//! An anchor entry: where the journal's chain starts, and the tree as of that start.
//!
//! | offset | size | field            | rule                                              |
//! | -----: | ---: | ---------------- | ------------------------------------------------- |
//! |      0 |    4 | `checksum`       | of volume seed, block, slot (u16), bytes 4 to 63  |
//! |      4 |    8 | `sequence`       | number of the entry                               |
//! |     12 |    4 | `session`        | entries are ranked by session, then sequence      |
//! |     16 |    1 | `flags`          | 1: lone first entry of a settle; else 0           |
//! |     17 |    3 | `reserved`       | 0                                                 |
//! |     20 |    4 | `start`          | first block of the chain; not 0                   |
//! |     24 |    4 | `seed`           | chained into the start record as the previous crc |
//! |     28 |    8 | `start_sequence` | sequence of the start record                      |
//! |     36 |    4 | `spare_a`        | not 0, not `start`                                |
//! |     40 |    4 | `spare_b`        | not 0, not `start`, not `spare_a`                 |
//! |     44 |   13 | `root`           | node pointer; none of the three blocks above      |
//! |     57 |    6 | `generation`     | not less than that of `root`                      |
//! |     63 |    1 | `reserved_end`   | 0                                                 |
//!
//! Slots follow each other from byte 512 of an anchor block on, as many as fit. A slot is as long
//! as an entry, or as the program unit of the volume if that is longer; the entry comes first.

use super::checksum::{Checksum, VolumeSeed};
use super::codec::{Bytes, LIMIT_48, Le32, Le48, Le64, covers};
use super::pointer::{self, NodePointer};
use crate::error::{Field, Malformed};
use crate::units::{BlockNo, Generation, Sequence, Session};

/// Size on disk, in bytes.
pub const SIZE: usize = 64;
/// Where the first slot begins in an anchor block.
pub const FIRST_SLOT: usize = 512;

type ChecksumField = Le32<0>;
type SequenceField = Le64<4>;
type SessionField = Le32<12>;
type Flags = Bytes<16, 1>;
type Reserved = Bytes<17, 3>;
type Start = Le32<20>;
type Seed = Le32<24>;
type StartSequence = Le64<28>;
type SpareA = Le32<36>;
type SpareB = Le32<40>;
type Root = Bytes<44, { pointer::SIZE }>;
type GenerationField = Le48<57>;
type ReservedEnd = Bytes<63, 1>;

#[rustfmt::skip]
const _: () = assert!(covers(
    &[
        ChecksumField::SPAN, SequenceField::SPAN, SessionField::SPAN, Flags::SPAN, Reserved::SPAN,
        Start::SPAN, Seed::SPAN, StartSequence::SPAN, SpareA::SPAN, SpareB::SPAN, Root::SPAN,
        GenerationField::SPAN, ReservedEnd::SPAN,
    ],
    SIZE
));

const FIRST: u8 = 1;

/// An anchor entry that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entry {
    /// Number of the entry.
    pub sequence: Sequence,
    /// The session that wrote it, and the records of its chain.
    pub session: Session,
    /// Whether this is the lone first entry of a settle.
    pub first: bool,
    /// First block of the chain.
    pub start: BlockNo,
    /// What the start record has in place of the checksum of a record before it.
    pub seed: u32,
    /// Sequence of the start record.
    pub start_sequence: Sequence,
    /// Where the next settle writes.
    pub spare_a: BlockNo,
    /// Where it writes when it is cut.
    pub spare_b: BlockNo,
    /// Root of the tree as of the start record.
    pub root: NodePointer,
    /// Highest generation given to a node so far.
    pub generation: Generation,
}

impl Entry {
    /// Decodes the entry of slot `slot` of `block`, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(
        record: &[u8; SIZE],
        volume: VolumeSeed,
        block: BlockNo,
        slot: u16,
    ) -> Result<Self, Malformed> {
        if ChecksumField::get(record) != checksum(record, volume, block, slot) {
            return Err(Malformed::Checksum);
        }
        let [flags] = Flags::get(record);
        if flags & !FIRST != 0 {
            return Err(Malformed::Field(Field::Flags));
        }
        if Reserved::get(record) != [0; 3] || ReservedEnd::get(record) != [0] {
            return Err(Malformed::Field(Field::Reserved));
        }
        let entry = Self {
            sequence: Sequence(SequenceField::get(record)),
            session: Session(SessionField::get(record)),
            first: flags == FIRST,
            start: BlockNo(Start::get(record)),
            seed: Seed::get(record),
            start_sequence: Sequence(StartSequence::get(record)),
            spare_a: BlockNo(SpareA::get(record)),
            spare_b: BlockNo(SpareB::get(record)),
            root: NodePointer::decode(&Root::get(record))?,
            generation: Generation(GenerationField::get(record)),
        };
        entry.check()?;
        Ok(entry)
    }

    /// Encodes for slot `slot` of `block`, after the same checks.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks.
    pub fn encode(
        &self,
        volume: VolumeSeed,
        block: BlockNo,
        slot: u16,
    ) -> Result<[u8; SIZE], Malformed> {
        self.check()?;
        let mut record = [0; SIZE];
        SequenceField::put(&mut record, self.sequence.0);
        SessionField::put(&mut record, self.session.0);
        Flags::put(&mut record, [u8::from(self.first)]);
        Start::put(&mut record, self.start.0);
        Seed::put(&mut record, self.seed);
        StartSequence::put(&mut record, self.start_sequence.0);
        SpareA::put(&mut record, self.spare_a.0);
        SpareB::put(&mut record, self.spare_b.0);
        Root::put(&mut record, self.root.encode()?);
        GenerationField::put(&mut record, self.generation.0);
        let sum = checksum(&record, volume, block, slot);
        ChecksumField::put(&mut record, sum);
        Ok(record)
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        self.root.check()?;
        if self.start.0 == 0 {
            return Err(Malformed::Field(Field::Start));
        }
        if self.spare_a.0 == 0 || self.spare_a == self.start {
            return Err(Malformed::Field(Field::SpareA));
        }
        if self.spare_b.0 == 0 || [self.start, self.spare_a].contains(&self.spare_b) {
            return Err(Malformed::Field(Field::SpareB));
        }
        if [self.start, self.spare_a, self.spare_b].contains(&self.root.block) {
            return Err(Malformed::Field(Field::Root));
        }
        if self.generation < self.root.generation || self.generation.0 >= LIMIT_48 {
            return Err(Malformed::Field(Field::Generation));
        }
        Ok(())
    }
}

/// Whether a slot has not been programmed since its block was erased, as far as a reader can see.
#[must_use]
pub fn is_blank(record: &[u8; SIZE], erase_value: u8) -> bool {
    record.iter().all(|&byte| byte == erase_value)
}

fn checksum(record: &[u8; SIZE], volume: VolumeSeed, block: BlockNo, slot: u16) -> u32 {
    let covered = Bytes::<4, 60>::get(record);
    Checksum::of_volume(volume).u32(block.0).u16(slot).bytes(&covered).finish()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{Entry, SIZE, checksum, is_blank};
    use crate::error::{Field, Malformed};
    use crate::format::checksum::VolumeSeed;
    use crate::format::pointer::NodePointer;
    use crate::units::{BlockNo, Generation, Level, Sequence, Session};

    const BLOCK: BlockNo = BlockNo(0x0a0b_0c0d);
    const SLOT: u16 = 0x1011;

    const SAMPLE: Entry = Entry {
        sequence: Sequence(0x1817_1615_1413_1211),
        session: Session(0x2423_2221),
        first: true,
        start: BlockNo(0x3433_3231),
        seed: 0x4443_4241,
        start_sequence: Sequence(0x5857_5655_5453_5251),
        spare_a: BlockNo(0x6463_6261),
        spare_b: BlockNo(0x7473_7271),
        root: NodePointer {
            block: BlockNo(0x8483_8281),
            generation: Generation(0x9695_9493_9291),
            base_pages: 6,
            delta_pages: 0,
            level: Level(2),
            full: false,
        },
        generation: Generation(0xa6a5_a4a3_a2a1),
    };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("checksum",       "690f9787"),
            ("sequence",       "1112131415161718"),
            ("session",        "21222324"),
            ("flags",          "01"),
            ("reserved",       "000000"),
            ("start",          "31323334"),
            ("seed",           "41424344"),
            ("start_sequence", "5152535455565758"),
            ("spare_a",        "61626364"),
            ("spare_b",        "71727374"),
            ("root",           "81828384919293949596060002"),
            ("generation",     "a1a2a3a4a5a6"),
            ("reserved_end",   "00"),
        ])
    }

    fn volume() -> VolumeSeed {
        VolumeSeed::of(b"vellum-uuid-0123")
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(SAMPLE.encode(volume(), BLOCK, SLOT), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(Entry::decode(&sample_bytes(), volume(), BLOCK, SLOT), Ok(SAMPLE));
    }

    #[test]
    fn notices_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert!(Entry::decode(&record, volume(), BLOCK, SLOT).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn is_valid_only_in_its_place() {
        let elsewhere = [
            (VolumeSeed::of(b"vellum-uuid-0124"), BLOCK, SLOT),
            (volume(), BlockNo(BLOCK.0 + 1), SLOT),
            (volume(), BLOCK, SLOT + 1),
        ];
        for (volume, block, slot) in elsewhere {
            let decoded = Entry::decode(&sample_bytes(), volume, block, slot);
            assert_eq!(decoded, Err(Malformed::Checksum));
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let with = |change: fn(&mut Entry)| {
            let mut entry = SAMPLE;
            change(&mut entry);
            entry
        };
        let cases = [
            (with(|e| e.start = BlockNo(0)), Field::Start),
            (with(|e| e.spare_a = BlockNo(0)), Field::SpareA),
            (with(|e| e.spare_a = e.start), Field::SpareA),
            (with(|e| e.spare_b = BlockNo(0)), Field::SpareB),
            (with(|e| e.spare_b = e.start), Field::SpareB),
            (with(|e| e.spare_b = e.spare_a), Field::SpareB),
            (with(|e| e.root.block = BlockNo(0)), Field::Block),
            (with(|e| e.root.block = e.start), Field::Root),
            (with(|e| e.root.block = e.spare_a), Field::Root),
            (with(|e| e.root.block = e.spare_b), Field::Root),
            (with(|e| e.generation = Generation(e.root.generation.0 - 1)), Field::Generation),
            (with(|e| e.generation = Generation(1 << 48)), Field::Generation),
        ];
        for (entry, field) in cases {
            assert_eq!(entry.encode(volume(), BLOCK, SLOT), Err(Malformed::Field(field)));
        }
    }

    #[test]
    fn survives_any_bytes_behind_a_right_checksum() {
        survives_damage(sample_bytes(), |bytes| {
            let mut record = *bytes;
            let sum = checksum(&record, volume(), BLOCK, SLOT);
            record[..4].copy_from_slice(&sum.to_le_bytes());
            let entry = Entry::decode(&record, volume(), BLOCK, SLOT).ok()?;
            assert_eq!(entry.encode(volume(), BLOCK, SLOT), Ok(record));
            Some(*bytes)
        });
    }

    #[test]
    fn a_blank_slot_is_one_of_erased_bytes() {
        assert!(is_blank(&[0xff; SIZE], 0xff) && is_blank(&[0; SIZE], 0));
        assert!(!is_blank(&[0; SIZE], 0xff) && !is_blank(&sample_bytes(), 0xff));
    }
}
