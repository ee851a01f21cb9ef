//! An intent item: work that a committed operation left to be done.
//!
//! | offset | size | field      | rule                                        |
//! | -----: | ---: | ---------- | ------------------------------------------- |
//! |      0 |    1 | `kind`     | 1 destroy, 2 trim content; 3 the attributes |
//! |      1 |    3 | `reserved` | 0                                           |
//! |      4 |    6 | `from`     | first byte of the content; 0 for kind 3     |
//! |     10 |    6 | `to`       | one past the last, not below `from`, or 0   |
//!
//! Key: (object 2, `INTENT`, the object that owns the content), for kind 3 (object 2, `INTENT`, the
//! object that owns the attributes, plus 2^63).

use super::codec::{Bytes, LIMIT_48, Le48, covers};
use super::key::{INTENTS, Key, Kind};
use crate::error::{Field, Malformed};
use crate::units::ObjectId;

/// Size on disk, in bytes.
pub const SIZE: usize = 16;

type KindField = Bytes<0, 1>;
type Reserved = Bytes<1, 3>;
type From = Le48<4>;
type To = Le48<10>;

const _: () = assert!(covers(&[KindField::SPAN, Reserved::SPAN, From::SPAN, To::SPAN], SIZE));

/// What is left to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum IntentKind {
    /// Delete the content, then the intent.
    Destroy = 1,
    /// Delete the runs of the content from the first block behind `from` on, then the intent.
    Trim = 2,
    /// Delete extended attributes and owner, then the intent.
    Forget = 3,
}

impl IntentKind {
    const fn decode(value: u8) -> Result<Self, Malformed> {
        Ok(match value {
            1 => Self::Destroy,
            2 => Self::Trim,
            3 => Self::Forget,
            _ => return Err(Malformed::Field(Field::Kind)),
        })
    }
}

/// An intent item that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Intent {
    /// What is left to be done.
    pub kind: IntentKind,
    /// First byte that is concerned.
    pub from: u64,
    /// One past the last byte that is concerned.
    pub to: u64,
}

impl Intent {
    /// An intent to delete the attributes of an object.
    pub const FORGET: Self = Self { kind: IntentKind::Forget, from: 0, to: 0 };

    /// An intent to trim a content behind byte `from` once nobody has it open.
    #[must_use]
    pub const fn held(from: u64) -> Self {
        Self { kind: IntentKind::Trim, from, to: from }
    }

    /// Whether it is held back while somebody has the content open.
    #[must_use]
    pub fn is_held_while_open(&self) -> bool {
        self.kind == IntentKind::Trim && self.to == self.from
    }

    /// The key of the intent about the attributes of `object`.
    #[must_use]
    pub const fn forget_key(object: ObjectId) -> Key {
        Key::new(INTENTS, Kind::INTENT, object.0 | 1 << 63)
    }

    /// The key of the intent about the content of `data`.
    #[must_use]
    pub const fn key(data: ObjectId) -> Key {
        Key::new(INTENTS, Kind::INTENT, data.0)
    }

    /// Decodes, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        let [kind] = KindField::get(record);
        let kind = IntentKind::decode(kind)?;
        if Reserved::get(record) != [0; 3] {
            return Err(Malformed::Field(Field::Reserved));
        }
        let intent = Self { kind, from: From::get(record), to: To::get(record) };
        intent.check()?;
        Ok(intent)
    }

    /// Decodes the value of an item.
    ///
    /// # Errors
    /// The value has another length, or breaks a rule of the table.
    pub fn from_value(value: &[u8]) -> Result<Self, Malformed> {
        Self::decode(value.try_into().map_err(|_| Malformed::Field(Field::Intent))?)
    }

    /// Decodes an item, and gives the object that it is about. Its key is the only one that such an
    /// intent may have: carried out, it is deleted there.
    ///
    /// # Errors
    /// As for [`Self::from_value`], or another key.
    pub fn from_item(key: Key, value: &[u8]) -> Result<(ObjectId, Self), Malformed> {
        let intent = Self::from_value(value)?;
        let object = ObjectId(key.offset & !(1 << 63));
        let own = match intent.kind {
            IntentKind::Forget => Self::forget_key(object),
            IntentKind::Destroy | IntentKind::Trim => Self::key(object),
        };
        if key == own { Ok((object, intent)) } else { Err(Malformed::Field(Field::Intent)) }
    }

    /// Encodes, after the same checks.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks.
    pub fn encode(&self) -> Result<[u8; SIZE], Malformed> {
        self.check()?;
        let mut record = [0; SIZE];
        KindField::put(&mut record, [self.kind as u8]);
        From::put(&mut record, self.from);
        To::put(&mut record, self.to);
        Ok(record)
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.to < self.from || self.to >= LIMIT_48 {
            return Err(Malformed::Field(Field::To));
        }
        if self.kind == IntentKind::Forget && self.to != 0 {
            return Err(Malformed::Field(Field::To));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{Intent, IntentKind, SIZE};
    use crate::error::{Field, Malformed};
    use crate::format::key::{Key, Kind};
    use crate::units::ObjectId;

    const SAMPLE: Intent =
        Intent { kind: IntentKind::Destroy, from: 0x0605_0403_0201, to: 0x1615_1413_1211 };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("kind",     "01"),
            ("reserved", "000000"),
            ("from",     "010203040506"),
            ("to",       "111213141516"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(SAMPLE.encode(), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(Intent::decode(&sample_bytes()), Ok(SAMPLE));
        assert_eq!(Intent::from_value(&sample_bytes()), Ok(SAMPLE));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(Intent::decode(&record), Ok(SAMPLE), "bit {bit}");
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let backwards = Intent { to: SAMPLE.from - 1, ..SAMPLE };
        assert_eq!(backwards.encode(), Err(Malformed::Field(Field::To)));
        let wide = Intent { to: 1 << 48, ..SAMPLE };
        assert_eq!(wide.encode(), Err(Malformed::Field(Field::To)));
        let part = Intent { kind: IntentKind::Forget, ..SAMPLE };
        assert_eq!(part.encode(), Err(Malformed::Field(Field::To)));
        assert!(Intent::from_value(&sample_bytes()[1..]).is_err());
    }

    #[test]
    fn knows_no_other_kinds() {
        let mut bytes = sample_bytes();
        bytes[0] = 2;
        assert_eq!(Intent::decode(&bytes), Ok(Intent { kind: IntentKind::Trim, ..SAMPLE }));
        bytes[0] = 4;
        assert_eq!(Intent::decode(&bytes), Err(Malformed::Field(Field::Kind)));
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| Intent::decode(bytes).ok()?.encode().ok());
    }

    #[test]
    fn is_found_by_the_object_of_the_content() {
        assert_eq!(Intent::key(ObjectId(77)), Key::new(ObjectId(2), Kind(10), 77));
        let forget = Intent::forget_key(ObjectId(77));
        assert_eq!(forget, Key::new(ObjectId(2), Kind(10), 77 + (1 << 63)));
        let bytes = Intent::FORGET.encode().unwrap();
        assert_eq!(bytes[0], 3);
        assert_eq!(Intent::from_item(forget, &bytes), Ok((ObjectId(77), Intent::FORGET)));
        let wrong = Intent::from_item(Intent::key(ObjectId(77)), &bytes);
        assert_eq!(wrong, Err(Malformed::Field(Field::Intent)));
        let wrong = Intent::from_item(forget, &sample_bytes());
        assert_eq!(wrong, Err(Malformed::Field(Field::Intent)));
    }
}
