//! An extended attribute: a name, and what somebody has put under it.
//!
//! | offset | size   | field    | rule                                                     |
//! | -----: | -----: | -------- | -------------------------------------------------------- |
//! |      0 |      1 | `flags`  | 0; 1 (the value is the number of a data object) reserved |
//! |      1 |      1 | `length` | of the name: 1 to 127                                    |
//! |      2 | 1..127 | `name`   | bytes without NUL                                        |
//! |     ++ | 0..447 | `value`  | to the end; with the name 448 bytes or less              |
//!
//! Key: (object, `XATTR`, hash * 256 + slot). The hash is that of the name, as in a directory;
//! attributes of one hash have different slots.

use super::codec::{Reader, Writer};
use crate::error::{Field, Malformed};

/// Size on disk of what precedes the name, in bytes.
pub const HEAD: usize = 2;
/// Longest name.
pub const NAME_BYTES_MAX: usize = 127;
/// Most bytes of name and value together.
pub const BYTES_MAX: usize = 448;

const _: () = assert!(HEAD + BYTES_MAX <= super::page::VALUE_MAX);

/// An extended attribute that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct XattrView<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
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
        if flags != 0 {
            return Err(Malformed::Field(Field::Flags));
        }
        let name = reader.bytes(usize::from(length))?;
        let attribute = Self { name, value: reader.0 };
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
        for part in [&[0, length][..], self.name, self.value] {
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
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{BYTES_MAX, HEAD, XattrView};
    use crate::error::{Field, Malformed};

    const SIZE: usize = 9;
    const SAMPLE: XattrView<'static> = XattrView { name: b"crc", value: &[0xa1, 0xb2, 0xc3, 0xd4] };

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
        let longest = XattrView { name: &long[1..], value: &[7; BYTES_MAX - 127] };
        let mut bytes = [0; HEAD + BYTES_MAX];
        assert_eq!(longest.encode(&mut bytes), Ok(HEAD + BYTES_MAX));
        assert_eq!(XattrView::decode(&bytes), Ok(longest));
        for length in 0..5 {
            assert!(XattrView::decode(&sample_bytes()[..length]).is_err());
        }
        assert_eq!(SAMPLE.encode(&mut [0; SIZE - 1]), Err(Malformed::Truncated));
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| encoded(&XattrView::decode(bytes).ok()?).ok());
    }
}
