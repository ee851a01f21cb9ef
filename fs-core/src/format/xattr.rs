//! An extended attribute: a name, and what somebody has put under it.
//!
//! | offset | size   | field    | rule                                                     |
//! | -----: | -----: | -------- | -------------------------------------------------------- |
//! |      0 |      1 | `flags`  | 0; or 1: the value is elsewhere                          |
//! |      1 |      1 | `length` | of the name: 1 to 127                                    |
//! |      2 | 1..127 | `name`   | bytes without NUL                                        |
//! |     ++ | 0..447 | `value`  | to the end; with the name 448 bytes or less              |
//!
//! With flag 1 `value` is 12 bytes: the object that owns the value, 17 or more, and its length, 1
//! to 65536, 6 bytes each. The content of that object, as of a file with so many valid bytes, is
//! the value.
//!
//! Key: (object, `XATTR`, hash * 256 + slot). The hash is that of the name, as in a directory;
//! attributes of one hash have different slots.

use super::codec::{Le48, Reader, Writer};
use super::key::FIRST_FREE;
use crate::error::{Field, Malformed};
use crate::units::ObjectId;

/// Size on disk of what precedes the name, in bytes.
pub const HEAD: usize = 2;
/// Longest name.
pub const NAME_BYTES_MAX: usize = 127;
/// Most bytes of name and value together, of what is one item.
pub const BYTES_MAX: usize = 448;
/// Longest value.
pub const VALUE_BYTES_MAX: usize = 1 << 16;
/// Bytes that tell where a value is.
pub const PLACE: usize = 12;

const _: () = assert!(HEAD + BYTES_MAX <= super::page::VALUE_MAX);

/// An extended attribute that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct XattrView<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The value, or where it is.
    pub value: &'a [u8],
    /// Whether the value is elsewhere.
    pub elsewhere: bool,
}

/// What tells where a value is.
#[must_use]
pub fn place_of(object: ObjectId, length: u64) -> [u8; PLACE] {
    let mut place = [0; PLACE];
    Le48::<0>::put(&mut place, object.0);
    Le48::<6>::put(&mut place, length);
    place
}

/// Whether `name` can be the name of an attribute.
#[must_use]
pub fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(&0)
}

impl<'a> XattrView<'a> {
    /// Decodes the value of an item, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `value` breaks.
    pub fn decode(value: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(value);
        let [flags, length] = *reader.array::<HEAD>()?;
        if flags > 1 {
            return Err(Malformed::Field(Field::Flags));
        }
        let name = reader.bytes(usize::from(length))?;
        let attribute = Self { name, value: reader.0, elsewhere: flags == 1 };
        attribute.check()?;
        Ok(attribute)
    }

    /// Encodes at the start of `target`, after the same checks. Gives the length.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks; `Truncated` when `target` is too short.
    pub fn encode(&self, target: &mut [u8]) -> Result<usize, Malformed> {
        self.check()?;
        let length = u8::try_from(self.name.len()).map_err(|_| Malformed::Field(Field::Length))?;
        let mut writer = Writer::new(target);
        for part in [&[self.elsewhere.into(), length][..], self.name, self.value] {
            writer.put(part).ok_or(Malformed::Truncated)?;
        }
        Ok(writer.len())
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        if !is_name(self.name) {
            return Err(Malformed::Field(Field::Name));
        }
        if self.name.len().saturating_add(self.value.len()) > BYTES_MAX {
            return Err(Malformed::Field(Field::Value));
        }
        if self.elsewhere && self.place().is_none() {
            return Err(Malformed::Field(Field::Value));
        }
        Ok(())
    }

    /// The object that owns the value, and its length, if it is elsewhere.
    #[must_use]
    pub fn place(&self) -> Option<(ObjectId, u64)> {
        let place: &[u8; PLACE] = self.value.try_into().ok().filter(|_| self.elsewhere)?;
        let (object, length) = (ObjectId(Le48::<0>::get(place)), Le48::<6>::get(place));
        let right = object >= FIRST_FREE && (1..=VALUE_BYTES_MAX as u64).contains(&length);
        right.then_some((object, length))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{BYTES_MAX, HEAD, PLACE, XattrView, place_of};
    use crate::error::{Field, Malformed};
    use crate::units::ObjectId;

    const SIZE: usize = 9;
    const SAMPLE: XattrView<'static> =
        XattrView { name: b"crc", value: &[0xa1, 0xb2, 0xc3, 0xd4], elsewhere: false };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[("flags", "00"), ("length", "03"), ("name", "637263"), ("value", "a1b2c3d4")])
    }

    fn encoded(attribute: &XattrView<'_>) -> Result<[u8; SIZE], Malformed> {
        let mut bytes = [0; SIZE];
        assert_eq!(attribute.encode(&mut bytes)?, SIZE);
        Ok(bytes)
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(encoded(&SAMPLE), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(XattrView::decode(&sample_bytes()), Ok(SAMPLE));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(XattrView::decode(&record), Ok(SAMPLE), "bit {bit}");
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let long = [b'x'; 128];
        let cases = [
            (XattrView { name: b"", ..SAMPLE }, Field::Name),
            (XattrView { name: b"a\0", ..SAMPLE }, Field::Name),
            (XattrView { name: &long, ..SAMPLE }, Field::Name),
            (XattrView { value: &[0; BYTES_MAX], ..SAMPLE }, Field::Value),
        ];
        for (attribute, field) in cases {
            assert_eq!(attribute.encode(&mut [0; 600]), Err(Malformed::Field(field)));
        }
        let value = &[7; BYTES_MAX - 127];
        let longest = XattrView { name: &long[1..], value, elsewhere: false };
        let mut bytes = [0; HEAD + BYTES_MAX];
        assert_eq!(longest.encode(&mut bytes), Ok(HEAD + BYTES_MAX));
        assert_eq!(XattrView::decode(&bytes), Ok(longest));
        for length in 0..5 {
            assert!(XattrView::decode(&sample_bytes()[..length]).is_err());
        }
        assert_eq!(SAMPLE.encode(&mut [0; SIZE - 1]), Err(Malformed::Truncated));
    }

    #[test]
    fn says_where_a_large_value_is() {
        let place = place_of(ObjectId(0x1817_1615_1413), 65_536);
        let view = XattrView { value: &place, elsewhere: true, ..SAMPLE };
        let mut bytes = [0; HEAD + 3 + PLACE];
        assert_eq!(view.encode(&mut bytes), Ok(bytes.len()));
        let wanted = golden(&[
            ("flags", "01"),
            ("length", "03"),
            ("name", "637263"),
            ("object", "131415161718"),
            ("length", "000001000000"),
        ]);
        assert_eq!(bytes, wanted);
        let decoded = XattrView::decode(&bytes).map(|view| view.place());
        assert_eq!(decoded, Ok(Some((ObjectId(0x1817_1615_1413), 65_536))));
        assert_eq!(SAMPLE.place(), None);
        for (object, length) in [(16, 9), (0, 9), (17, 0), (17, 65_537)] {
            let place = place_of(ObjectId(object), length);
            let view = XattrView { value: &place, elsewhere: true, ..SAMPLE };
            assert_eq!(view.check(), Err(Malformed::Field(Field::Value)));
        }
        let short = XattrView { value: &place[1..], elsewhere: true, ..SAMPLE };
        assert!(short.check().is_err());
        assert!(XattrView::decode(&[2, 1, b'x']).is_err());
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| encoded(&XattrView::decode(bytes).ok()?).ok());
    }
}
