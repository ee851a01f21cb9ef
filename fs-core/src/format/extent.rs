//! An extent item: where a run of a content lies on the device.
//!
//! | offset | size | field     | rule                                                   |
//! | -----: | ---: | --------- | ------------------------------------------------------ |
//! |      0 |    5 | `address` | first byte on the device, in append units; not 0       |
//! |      5 |    4 | `length`  | append units, 1 or more; they end below unit 2^40      |
//! |      9 |    1 | `flags`   | 1: unwritten, reads as zero; 2: reserved, shared; or 0 |
//!
//! Key: (data object, `EXTENT`, first byte of the content that the run holds). Address and key
//! offset begin a block; a run belongs to 65535 blocks at most, the last of them in part or whole.

use super::codec::{Bytes, LIMIT_48, Le32, covers};
use super::key::{Key, Kind};
use crate::error::{Field, Malformed};
use crate::units::ObjectId;

/// Size on disk, in bytes.
pub const SIZE: usize = 10;

/// One more than the highest address.
const LIMIT_40: u64 = 1 << 40;
/// The flag of a run that was never written.
const UNWRITTEN: u8 = 1;

type Address = Bytes<0, 5>;
type Length = Le32<5>;
type Flags = Bytes<9, 1>;

const _: () = assert!(covers(&[Address::SPAN, Length::SPAN, Flags::SPAN], SIZE));

/// An extent item that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Placement {
    /// Where it begins on the device, in append units.
    pub address: u64,
    /// How long it is, in append units.
    pub length: u32,
    /// Whether it was set aside and never written: it reads as zero.
    pub unwritten: bool,
}

impl Placement {
    /// The key of the run of `data` that begins at byte `offset`.
    #[must_use]
    pub const fn key(data: ObjectId, offset: u64) -> Key {
        Key::new(data, Kind::EXTENT, offset)
    }

    /// Decodes, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        let mut address = [0; 8];
        Address::put(&mut address, Address::get(record));
        let [flags] = Flags::get(record);
        if flags & !UNWRITTEN != 0 {
            return Err(Malformed::Field(Field::Flags));
        }
        let placement = Self {
            address: u64::from_le_bytes(address),
            length: Length::get(record),
            unwritten: flags != 0,
        };
        placement.check()?;
        Ok(placement)
    }

    /// Decodes the value of an item.
    ///
    /// # Errors
    /// The value has another length, or breaks a rule of the table.
    pub fn from_value(value: &[u8]) -> Result<Self, Malformed> {
        Self::decode(value.try_into().map_err(|_| Malformed::Field(Field::Extent))?)
    }

    /// Encodes, after the same checks.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks.
    pub fn encode(&self) -> Result<[u8; SIZE], Malformed> {
        self.check()?;
        let mut record = [0; SIZE];
        Address::put(&mut record, Address::get(&self.address.to_le_bytes()));
        Length::put(&mut record, self.length);
        Flags::put(&mut record, [if self.unwritten { UNWRITTEN } else { 0 }]);
        Ok(record)
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.address == 0 || self.address >= LIMIT_40 {
            return Err(Malformed::Field(Field::Address));
        }
        if self.length == 0 || self.address.saturating_add(self.length.into()) > LIMIT_40 {
            return Err(Malformed::Field(Field::Length));
        }
        Ok(())
    }
}

/// Whether an extent or a fragment may begin at byte `offset` of a content.
#[must_use]
pub const fn is_offset(offset: u64) -> bool {
    offset < LIMIT_48
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{Placement, SIZE};
    use crate::error::{Field, Malformed};
    use crate::format::key::{Key, Kind};
    use crate::units::ObjectId;

    const SAMPLE: Placement =
        Placement { address: 0x05_0403_0201, length: 0x1413_1211, unwritten: true };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("address", "0102030405"),
            ("length",  "11121314"),
            ("flags",   "01"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(SAMPLE.encode(), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(Placement::decode(&sample_bytes()), Ok(SAMPLE));
        assert_eq!(Placement::from_value(&sample_bytes()), Ok(SAMPLE));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(Placement::decode(&record), Ok(SAMPLE), "bit {bit}");
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let cases = [
            (Placement { address: 0, ..SAMPLE }, Field::Address),
            (Placement { address: 1 << 40, ..SAMPLE }, Field::Address),
            (Placement { length: 0, ..SAMPLE }, Field::Length),
            (Placement { address: (1 << 40) - 4, length: 5, ..SAMPLE }, Field::Length),
        ];
        for (placement, field) in cases {
            assert_eq!(placement.encode(), Err(Malformed::Field(field)));
        }
        let last = Placement { address: (1 << 40) - 4, length: 4, unwritten: false };
        assert!(last.encode().is_ok());
        assert!(Placement::from_value(&sample_bytes()[1..]).is_err());
    }

    #[test]
    fn a_shared_run_is_refused_until_somebody_knows_what_it_means() {
        let mut bytes = sample_bytes();
        bytes[9] = 2;
        assert_eq!(Placement::decode(&bytes), Err(Malformed::Field(Field::Flags)));
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| Placement::decode(bytes).ok()?.encode().ok());
    }

    #[test]
    fn is_found_by_the_content_and_the_first_byte() {
        let key = Placement::key(ObjectId(77), 4096);
        assert_eq!(key, Key::new(ObjectId(77), Kind(4), 4096));
    }
}
