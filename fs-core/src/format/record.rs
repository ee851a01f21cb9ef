//! A journal record: changes that happen together, or not at all.
//!
//! | offset | size | field      | rule                                                                       |
//! | -----: | ---: | ---------- | -------------------------------------------------------------------------- |
//! |      0 |    4 | `checksum` | of volume seed, session, sequence (u64), previous crc, bytes 4 to `length` |
//! |      4 |    2 | `length`   | of header and changes; 16 to 1040                                          |
//! |      6 |    1 | `kind`     | 1 change, 2 header, 3 checkpoint, 4 more of a checkpoint, 6 seal           |
//! |      7 |    1 | `flags`    | 1: last of the checkpoint (3, 4), or the next block is erased (6); else 0  |
//! |      8 |    4 | `sequence` | low 32 bits of the sequence                                                |
//! |     12 |    4 | `session`  | that of the anchor entry                                                   |
//!
//! The changes follow. A seal has none. On the medium a record is padded with zeros to the next
//! multiple of 4 bytes and of the program unit.

use super::checksum::{Checksum, VolumeSeed};
use super::codec::{Bytes, Le16, Le32, covers, low_32};
use crate::error::{Field, Malformed};
use crate::mutant::{self, Mutant};
use crate::units::{Sequence, Session};

/// Size of the header on disk, in bytes.
pub const HEADER_BYTES: usize = 16;
/// Largest record, with its header.
pub const RECORD_MAX: u16 = 1040;

type ChecksumField = Le32<0>;
type Length = Le16<4>;
type Kind = Bytes<6, 1>;
type Flags = Bytes<7, 1>;
type SequenceField = Le32<8>;
type SessionField = Le32<12>;

#[rustfmt::skip]
const _: () = assert!(covers(
    &[
        ChecksumField::SPAN, Length::SPAN, Kind::SPAN, Flags::SPAN, SequenceField::SPAN,
        SessionField::SPAN,
    ],
    HEADER_BYTES
));

const LAST: u8 = 1;

/// What a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum RecordKind {
    /// Changes of one transaction.
    Change = 1,
    /// First record of a journal block, with the scalars.
    Header = 2,
    /// First record of a checkpoint, with the scalars.
    Checkpoint = 3,
    /// A further record of a checkpoint.
    CheckpointMore = 4,
    /// Nothing follows: the volume was put away in order.
    Seal = 6,
}

impl RecordKind {
    const fn decode(value: u8) -> Option<Self> {
        Some(match value {
            1 => Self::Change,
            2 => Self::Header,
            3 => Self::Checkpoint,
            4 => Self::CheckpointMore,
            6 => Self::Seal,
            _ => return None,
        })
    }

    /// Whether records of this kind make up a checkpoint.
    #[must_use]
    pub const fn is_checkpoint(self) -> bool {
        matches!(self, Self::Checkpoint | Self::CheckpointMore)
    }
}

/// The header of a record, its fields each within their range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// The stored checksum, which the next record is chained to.
    pub checksum: u32,
    /// Bytes of header and changes, without padding.
    pub length: u16,
    /// What the record is for.
    pub kind: RecordKind,
    /// Whether the record completes a checkpoint; of a seal: whether the next block is erased.
    pub last: bool,
    /// Low bits of its sequence.
    pub sequence_low: u32,
    /// The session that wrote it.
    pub session: Session,
}

/// Where a record stands in its chain: what its checksum is seeded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RecordPlace {
    /// The volume of the chain.
    pub volume: VolumeSeed,
    /// The session of the chain.
    pub session: Session,
    /// Number of the record.
    pub sequence: Sequence,
    /// Checksum of the record before; the anchor entry's seed for the first one.
    pub previous: u32,
}

impl Header {
    /// Decodes, and checks that each field is in its range. Says nothing about the checksum.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(record: &[u8; HEADER_BYTES]) -> Result<Self, Malformed> {
        let [kind] = Kind::get(record);
        let [flags] = Flags::get(record);
        if flags & !LAST != 0 {
            return Err(Malformed::Field(Field::Flags));
        }
        let header = Self {
            checksum: ChecksumField::get(record),
            length: Length::get(record),
            kind: RecordKind::decode(kind).ok_or(Malformed::Field(Field::Kind))?,
            last: flags == LAST,
            sequence_low: SequenceField::get(record),
            session: Session(SessionField::get(record)),
        };
        header.check()?;
        Ok(header)
    }

    /// How many numbers this record is ahead of `sequence`, modulo 2^32.
    #[must_use]
    pub const fn ahead_of(&self, sequence: Sequence) -> u32 {
        self.sequence_low.wrapping_sub(low_32(sequence.0))
    }

    fn check(&self) -> Result<(), Malformed> {
        if !matches!(self.length, 16..=RECORD_MAX) {
            return Err(Malformed::Field(Field::Length));
        }
        if self.last && !self.kind.is_checkpoint() && self.kind != RecordKind::Seal {
            return Err(Malformed::Field(Field::Flags));
        }
        if self.kind == RecordKind::Seal && self.length != 16 {
            return Err(Malformed::Field(Field::Length));
        }
        Ok(())
    }

    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut record = [0; HEADER_BYTES];
        ChecksumField::put(&mut record, self.checksum);
        Length::put(&mut record, self.length);
        Kind::put(&mut record, [self.kind as u8]);
        Flags::put(&mut record, [u8::from(self.last)]);
        SequenceField::put(&mut record, self.sequence_low);
        SessionField::put(&mut record, self.session.0);
        record
    }
}

/// Makes `bytes`, 16 of place for the header and then the changes, the record of that place.
/// Gives its checksum, which the next record is chained to.
///
/// # Errors
/// A rule of the table that the record would break.
pub fn seal(
    bytes: &mut [u8],
    kind: RecordKind,
    last: bool,
    place: &RecordPlace,
) -> Result<u32, Malformed> {
    let length = u16::try_from(bytes.len()).map_err(|_| Malformed::Field(Field::Length))?;
    let sequence_low = low_32(place.sequence.0);
    let header = Header { checksum: 0, length, kind, last, sequence_low, session: place.session };
    header.check()?;
    let target = bytes.first_chunk_mut::<HEADER_BYTES>().ok_or(Malformed::Truncated)?;
    *target = header.encode();
    let checksum = checksum(bytes, place);
    if let Some(target) = bytes.first_chunk_mut::<HEADER_BYTES>() {
        ChecksumField::put(target, checksum);
    }
    Ok(checksum)
}

/// Verifies that `bytes` begin with the record of that place, undamaged; more may follow it.
///
/// # Errors
/// `Truncated` when `bytes` end before the record; else the rule that is broken.
pub fn verify(bytes: &[u8], place: &RecordPlace) -> Result<Header, Malformed> {
    let header = Header::decode(bytes.first_chunk().ok_or(Malformed::Truncated)?)?;
    let record = bytes.get(..usize::from(header.length)).ok_or(Malformed::Truncated)?;
    if header.sequence_low != low_32(place.sequence.0) {
        return Err(Malformed::Field(Field::Sequence));
    }
    if header.session != place.session {
        return Err(Malformed::Field(Field::Session));
    }
    if header.checksum != checksum(record, place) && !mutant::on(Mutant::RecordChecksumSkipped) {
        return Err(Malformed::Checksum);
    }
    Ok(header)
}

/// The bytes of changes that follow the header of a verified record.
#[must_use]
pub fn changes<'a>(bytes: &'a [u8], header: &Header) -> &'a [u8] {
    bytes.get(HEADER_BYTES..usize::from(header.length)).unwrap_or_default()
}

/// The checksum that `record` should have at that place.
#[must_use]
pub fn checksum(record: &[u8], place: &RecordPlace) -> u32 {
    let mut sum = Checksum::of_volume(place.volume).u32(place.session.0).u64(place.sequence.0);
    if !mutant::on(Mutant::ChainSkipped) {
        sum = sum.u32(place.previous);
    }
    sum.bytes(record.get(4..).unwrap_or_default()).finish()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{HEADER_BYTES, Header, RecordKind, RecordPlace, changes, seal, verify};
    use crate::error::{Field, Malformed};
    use crate::format::checksum::VolumeSeed;
    use crate::units::{Sequence, Session};

    const SIZE: usize = 27;

    fn place() -> RecordPlace {
        RecordPlace {
            volume: VolumeSeed::of(b"vellum-uuid-0123"),
            session: Session(0x2423_2221),
            sequence: Sequence(0x1817_1615_1413_1211),
            previous: 0x5a5b_5c5d,
        }
    }

    const SAMPLE: Header = Header {
        checksum: 0x8fb2_1bb5,
        length: 27,
        kind: RecordKind::CheckpointMore,
        last: true,
        sequence_low: 0x1413_1211,
        session: Session(0x2423_2221),
    };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("checksum", "b51bb28f"),
            ("length",   "1b00"),
            ("kind",     "04"),
            ("flags",    "01"),
            ("sequence", "11121314"),
            ("session",  "21222324"),
            ("changes",  "656c6576656e206d6f7265"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        let mut record = [0xee; SIZE];
        record[HEADER_BYTES..].copy_from_slice(b"eleven more");
        let sum = seal(&mut record, RecordKind::CheckpointMore, true, &place());
        assert_eq!((record, sum), (sample_bytes(), Ok(SAMPLE.checksum)));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(verify(&sample_bytes(), &place()), Ok(SAMPLE));
        assert_eq!(changes(&sample_bytes(), &SAMPLE), b"eleven more");
        let mut page = [0; 32];
        page[..SIZE].copy_from_slice(&sample_bytes());
        assert_eq!(verify(&page, &place()), Ok(SAMPLE));
        assert_eq!(changes(&page, &SAMPLE), b"eleven more");
    }

    #[test]
    fn notices_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert!(verify(&record, &place()).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn is_valid_only_in_its_place() {
        let place = place();
        let elsewhere = [
            RecordPlace { volume: VolumeSeed::of(&[0; 16]), ..place },
            RecordPlace { session: Session(1), ..place },
            RecordPlace { sequence: place.sequence.next(), ..place },
            RecordPlace { sequence: Sequence(place.sequence.0 + (1 << 32)), ..place },
            RecordPlace { previous: 0, ..place },
        ];
        for place in elsewhere {
            assert!(verify(&sample_bytes(), &place).is_err());
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let mut record = [0; 1041];
        let mut sealed =
            |length: usize, kind, last| seal(&mut record[..length], kind, last, &place());
        assert_eq!(sealed(15, RecordKind::Change, false), Err(Malformed::Field(Field::Length)));
        assert_eq!(sealed(1041, RecordKind::Change, false), Err(Malformed::Field(Field::Length)));
        assert_eq!(sealed(17, RecordKind::Seal, false), Err(Malformed::Field(Field::Length)));
        for kind in [RecordKind::Change, RecordKind::Header] {
            assert_eq!(sealed(16, kind, true), Err(Malformed::Field(Field::Flags)));
        }
        assert!(sealed(16, RecordKind::Seal, false).is_ok());
        assert!(sealed(16, RecordKind::Seal, true).is_ok());
        assert!(sealed(1040, RecordKind::Checkpoint, true).is_ok());
    }

    #[test]
    fn a_header_shows_what_cannot_be_one() {
        let refused = |bytes: [u8; HEADER_BYTES]| Header::decode(&bytes).is_err();
        assert!(refused([0xff; HEADER_BYTES]) && refused([0; HEADER_BYTES]));
        for kind in [0, 5, 7] {
            let mut record = *sample_bytes().first_chunk::<HEADER_BYTES>().expect("long");
            record[6] = kind;
            assert!(refused(record));
        }
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| {
            let header = Header::decode(bytes.first_chunk()?).ok()?;
            let _ = verify(bytes, &place());
            let _ = changes(bytes, &header);
            let mut again = *bytes;
            again[..HEADER_BYTES].copy_from_slice(&header.encode());
            Some(again)
        });
        for length in 0..SIZE {
            assert_eq!(verify(&sample_bytes()[..length], &place()), Err(Malformed::Truncated));
        }
    }
}
