//! The item of a directory: its inode, and where it hangs.
//!
//! | offset | size | field      | rule                                            |
//! | -----: | ---: | ---------- | ----------------------------------------------- |
//! |      0 |   48 | `inode`    | an inode of type 2                              |
//! |     48 |    6 | `parent`   | the directory above, 16 or more; the root's own |
//! |     54 |    2 | `reserved` | 0                                               |
//!
//! Key: (directory, `INODE`, 0).

use super::codec::{Bytes, Le16, Le48, covers};
use super::inode::{self, Inode, NodeType};
use super::key::{Key, Kind, OBJECT_MAX, ROOT};
use crate::error::{Field, Malformed};
use crate::units::ObjectId;

/// Size on disk, in bytes.
pub const SIZE: usize = 56;

type InodeField = Bytes<0, { inode::SIZE }>;
type Parent = Le48<48>;
type Reserved = Le16<54>;

const _: () = assert!(covers(&[InodeField::SPAN, Parent::SPAN, Reserved::SPAN], SIZE));

/// The item of a directory that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Directory {
    /// Attributes.
    pub inode: Inode,
    /// The directory that holds its entry; itself for the root.
    pub parent: ObjectId,
}

impl Directory {
    /// The key of the item of `directory`.
    #[must_use]
    pub const fn key(directory: ObjectId) -> Key {
        Key::new(directory, Kind::INODE, 0)
    }

    /// Decodes, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        if Reserved::get(record) != 0 {
            return Err(Malformed::Field(Field::Reserved));
        }
        let directory = Self {
            inode: Inode::decode(&InodeField::get(record))?,
            parent: ObjectId(Parent::get(record)),
        };
        directory.check()?;
        Ok(directory)
    }

    /// Decodes the value of an item.
    ///
    /// # Errors
    /// The value has another length, or breaks a rule of the table.
    pub fn from_value(value: &[u8]) -> Result<Self, Malformed> {
        Self::decode(value.try_into().map_err(|_| Malformed::Field(Field::Directory))?)
    }

    /// Encodes, after the same checks.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks.
    pub fn encode(&self) -> Result<[u8; SIZE], Malformed> {
        self.check()?;
        let mut record = [0; SIZE];
        InodeField::put(&mut record, self.inode.encode()?);
        Parent::put(&mut record, self.parent.0);
        Ok(record)
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.inode.kind != NodeType::Directory {
            return Err(Malformed::Field(Field::Type));
        }
        if self.parent < ROOT || self.parent > OBJECT_MAX {
            return Err(Malformed::Field(Field::Parent));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{Directory, SIZE};
    use crate::error::{Field, Malformed};
    use crate::format::inode::{Inode, NodeType};
    use crate::format::key::{Key, Kind, ROOT};
    use crate::units::{ObjectId, Time};

    const SAMPLE: Directory = Directory {
        inode: Inode {
            kind: NodeType::Directory,
            extras: false,
            links: 1,
            data: ObjectId(0),
            size: 0,
            valid: 0,
            modified: Time(0x4847_4645_4443_4241),
            changed: Time(0x5857_5655_5453_5251),
            born: Time::UNKNOWN,
        },
        parent: ObjectId(0x1615_1413_1211),
    };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("inode: type, flags, links", "020001000000"),
            ("inode: data, size, valid",  "00*18"),
            ("inode: modified",           "4142434445464748"),
            ("inode: changed",            "5152535455565758"),
            ("inode: born",               "0000000000000080"),
            ("parent",                    "111213141516"),
            ("reserved",                  "0000"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(SAMPLE.encode(), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(Directory::decode(&sample_bytes()), Ok(SAMPLE));
        assert_eq!(Directory::from_value(&sample_bytes()), Ok(SAMPLE));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(Directory::decode(&record), Ok(SAMPLE), "bit {bit}");
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let file = Inode { kind: NodeType::File, ..SAMPLE.inode };
        let cases = [
            (Directory { inode: file, ..SAMPLE }, Field::Type),
            (Directory { parent: ObjectId(15), ..SAMPLE }, Field::Parent),
            (Directory { parent: ObjectId(1 << 48), ..SAMPLE }, Field::Parent),
        ];
        for (directory, field) in cases {
            assert_eq!(directory.encode(), Err(Malformed::Field(field)));
        }
        assert!(Directory { parent: ROOT, ..SAMPLE }.encode().is_ok());
        assert!(Directory::from_value(&sample_bytes()[..SIZE - 1]).is_err());
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| Directory::decode(bytes).ok()?.encode().ok());
    }

    #[test]
    fn is_the_inode_item_of_its_object() {
        assert_eq!(Directory::key(ROOT), Key::new(ObjectId(16), Kind(1), 0));
    }
}
