//! An owner item: who a file or directory belongs to, and who may do what with it.
//!
//! | offset | size | field      | rule                            |
//! | -----: | ---: | ---------- | ------------------------------- |
//! |      0 |    2 | `mode`     | permissions; 0 to 4095          |
//! |      2 |    2 | `reserved` | 0                               |
//! |      4 |    4 | `user`     | any                             |
//! |      8 |    4 | `group`    | any                             |
//!
//! Key: (object, `OWNER`, 0). An absent item means that nobody has said.

use super::codec::{Bytes, Le16, Le32, covers};
use super::key::{Key, Kind};
use crate::error::{Field, Malformed};
use crate::units::ObjectId;

/// Size on disk, in bytes.
pub const SIZE: usize = 12;

type Mode = Le16<0>;
type Reserved = Bytes<2, 2>;
type User = Le32<4>;
type Group = Le32<8>;

const _: () = assert!(covers(&[Mode::SPAN, Reserved::SPAN, User::SPAN, Group::SPAN], SIZE));

/// The bits that a mode can have.
pub const MODE_MAX: u16 = 0o7777;

/// An owner item that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OwnerItem {
    /// Permissions.
    pub mode: u16,
    /// Number of the user.
    pub user: u32,
    /// Number of the group.
    pub group: u32,
}

impl OwnerItem {
    /// The key of the owner of `object`.
    #[must_use]
    pub const fn key(object: ObjectId) -> Key {
        Key::new(object, Kind::OWNER, 0)
    }

    /// Decodes, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        if Reserved::get(record) != [0; 2] {
            return Err(Malformed::Field(Field::Reserved));
        }
        let owner =
            Self { mode: Mode::get(record), user: User::get(record), group: Group::get(record) };
        owner.check()?;
        Ok(owner)
    }

    /// Decodes the value of an item.
    ///
    /// # Errors
    /// The value has another length, or breaks a rule of the table.
    pub fn from_value(value: &[u8]) -> Result<Self, Malformed> {
        Self::decode(value.try_into().map_err(|_| Malformed::Field(Field::Owner))?)
    }

    /// Encodes, after the same checks.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks.
    pub fn encode(&self) -> Result<[u8; SIZE], Malformed> {
        self.check()?;
        let mut record = [0; SIZE];
        Mode::put(&mut record, self.mode);
        User::put(&mut record, self.user);
        Group::put(&mut record, self.group);
        Ok(record)
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub const fn check(&self) -> Result<(), Malformed> {
        if self.mode > MODE_MAX { Err(Malformed::Field(Field::Mode)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{OwnerItem, SIZE};
    use crate::error::{Field, Malformed};
    use crate::format::key::{Key, Kind};
    use crate::units::ObjectId;

    const SAMPLE: OwnerItem = OwnerItem { mode: 0x0201, user: 0x1413_1211, group: 0x2423_2221 };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("mode",     "0102"),
            ("reserved", "0000"),
            ("user",     "11121314"),
            ("group",    "21222324"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(SAMPLE.encode(), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(OwnerItem::decode(&sample_bytes()), Ok(SAMPLE));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(OwnerItem::decode(&record), Ok(SAMPLE), "bit {bit}");
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let wide = OwnerItem { mode: 0o10000, ..SAMPLE };
        assert_eq!(wide.encode(), Err(Malformed::Field(Field::Mode)));
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| OwnerItem::decode(bytes).ok()?.encode().ok());
    }

    #[test]
    fn is_an_item_of_its_object() {
        assert_eq!(OwnerItem::key(ObjectId(17)), Key::new(ObjectId(17), Kind(14), 0));
    }
}
