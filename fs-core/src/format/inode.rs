//! An inode: the attributes of a file or directory.
//!
//! | offset | size | field      | rule                                                       |
//! | -----: | ---: | ---------- | ---------------------------------------------------------- |
//! |      0 |    1 | `type`     | 1 file, 2 directory, 3 symbolic link                       |
//! |      1 |    1 | `flags`    | 4: it may have attribute items; else 0. 1 and 2 reserved   |
//! |      2 |    4 | `links`    | 1 or more; 1 for a directory                               |
//! |      6 |    6 | `data`     | object that owns the content, 17 or more, or 0: no content |
//! |     12 |    6 | `size`     | bytes of content                                           |
//! |     18 |    6 | `valid`    | not more than `size`; bytes from here on read as zero      |
//! |     24 |    8 | `modified` | when the content changed                                   |
//! |     32 |    8 | `changed`  | when content or attributes changed                         |
//! |     40 |    8 | `born`     | when the file was made                                     |
//!
//! Times are signed, in ns since 1970-01-01 UTC; the lowest number means unknown. A directory has
//! zeros for `data`, `size` and `valid`. Without `data`, `valid` is 0. A symbolic link has `data`,
//! and its `size` and `valid` are both the length of its target.
//!
//! A file or link with several names, or that once had several, has this as its own item. Key:
//! (object, `INODE`, 0).

use super::codec::{Bytes, LIMIT_48, Le32, Le48, Le64, covers};
use super::key::{FIRST_FREE, Key, Kind, OBJECT_MAX};
use crate::error::{Field, Malformed};
use crate::units::{ObjectId, Time};

/// Size on disk, in bytes.
pub const SIZE: usize = 48;

type Type = Bytes<0, 1>;
type Flags = Bytes<1, 1>;
type Links = Le32<2>;
type Data = Le48<6>;
type Size = Le48<12>;
type Valid = Le48<18>;
type Modified = Le64<24>;
type Changed = Le64<32>;
type Born = Le64<40>;

#[rustfmt::skip]
const _: () = assert!(covers(
    &[
        Type::SPAN, Flags::SPAN, Links::SPAN, Data::SPAN, Size::SPAN, Valid::SPAN, Modified::SPAN,
        Changed::SPAN, Born::SPAN,
    ],
    SIZE
));

const EXTRAS: u8 = 4;

/// Most names that a file can have.
pub const LINKS_MAX: u32 = u32::MAX;

/// What a directory entry leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum NodeType {
    /// A file.
    File = 1,
    /// A directory.
    Directory = 2,
    /// A symbolic link.
    Symlink = 3,
}

impl NodeType {
    /// The type that `value` stands for.
    ///
    /// # Errors
    /// `Field` when no type has that number.
    pub const fn decode(value: u8) -> Result<Self, Malformed> {
        Ok(match value {
            1 => Self::File,
            2 => Self::Directory,
            3 => Self::Symlink,
            _ => return Err(Malformed::Field(Field::Type)),
        })
    }
}

/// An inode that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Inode {
    /// What it describes.
    pub kind: NodeType,
    /// Whether it may have extended attributes or an owner, which are items of its object.
    pub extras: bool,
    /// How many directory entries lead to it.
    pub links: u32,
    /// The object that owns the content; 0 while there is none.
    pub data: ObjectId,
    /// Bytes of content.
    pub size: u64,
    /// Bytes from here to `size` read as zero, whatever is stored.
    pub valid: u64,
    /// When the content changed.
    pub modified: Time,
    /// When content or attributes changed.
    pub changed: Time,
    /// When it was made.
    pub born: Time,
}

impl Inode {
    /// A new file or directory, without content, of that time.
    #[must_use]
    pub const fn new(kind: NodeType, now: Time) -> Self {
        Self {
            kind,
            extras: false,
            links: 1,
            data: ObjectId(0),
            size: 0,
            valid: 0,
            modified: now,
            changed: now,
            born: now,
        }
    }

    /// The key of the item of an object whose inode lies in no directory entry.
    #[must_use]
    pub const fn key(object: ObjectId) -> Key {
        Key::new(object, Kind::INODE, 0)
    }

    /// Decodes the value of an item of a file or link.
    ///
    /// # Errors
    /// The value has another length, is of a directory, or breaks a rule of the table.
    pub fn from_value(value: &[u8]) -> Result<Self, Malformed> {
        let inode = Self::decode(value.try_into().map_err(|_| Malformed::Field(Field::Inode))?)?;
        if inode.kind == NodeType::Directory {
            return Err(Malformed::Field(Field::Type));
        }
        Ok(inode)
    }

    /// Decodes, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        let [flags] = Flags::get(record);
        if flags & !EXTRAS != 0 {
            return Err(Malformed::Field(Field::Flags));
        }
        let [kind] = Type::get(record);
        let inode = Self {
            kind: NodeType::decode(kind)?,
            extras: flags == EXTRAS,
            links: Links::get(record),
            data: ObjectId(Data::get(record)),
            size: Size::get(record),
            valid: Valid::get(record),
            modified: Time(Modified::get(record).cast_signed()),
            changed: Time(Changed::get(record).cast_signed()),
            born: Time(Born::get(record).cast_signed()),
        };
        inode.check()?;
        Ok(inode)
    }

    /// Encodes, after the same checks.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks.
    pub fn encode(&self) -> Result<[u8; SIZE], Malformed> {
        self.check()?;
        let mut record = [0; SIZE];
        Type::put(&mut record, [self.kind as u8]);
        Flags::put(&mut record, [if self.extras { EXTRAS } else { 0 }]);
        Links::put(&mut record, self.links);
        Data::put(&mut record, self.data.0);
        Size::put(&mut record, self.size);
        Valid::put(&mut record, self.valid);
        Modified::put(&mut record, self.modified.0.cast_unsigned());
        Changed::put(&mut record, self.changed.0.cast_unsigned());
        Born::put(&mut record, self.born.0.cast_unsigned());
        Ok(record)
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        let directory = self.kind == NodeType::Directory;
        let none = self.data == ObjectId(0);
        if self.links == 0 || (directory && self.links != 1) {
            return Err(Malformed::Field(Field::Links));
        }
        if !none && (directory || self.data < FIRST_FREE || self.data > OBJECT_MAX) {
            return Err(Malformed::Field(Field::Data));
        }
        if self.size >= LIMIT_48 || (directory && self.size != 0) {
            return Err(Malformed::Field(Field::Size));
        }
        if self.valid > self.size || (none && self.valid != 0) {
            return Err(Malformed::Field(Field::Valid));
        }
        if self.kind == NodeType::Symlink && (self.valid != self.size || self.size == 0) {
            return Err(Malformed::Field(Field::Valid));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{Inode, NodeType, SIZE};
    use crate::error::{Field, Malformed};
    use crate::format::key::{Key, Kind};
    use crate::units::{ObjectId, Time};

    pub(in super::super) const SAMPLE: Inode = Inode {
        kind: NodeType::File,
        extras: true,
        links: 0x0605_0403,
        data: ObjectId(0x1615_1413_1211),
        size: 0x3635_3433_3231,
        valid: 0x2625_2423_2221,
        modified: Time(0x4847_4645_4443_4241),
        changed: Time(0x5857_5655_5453_5251),
        born: Time(-0x0102_0304_0506_0708),
    };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("type",     "01"),
            ("flags",    "04"),
            ("links",    "03040506"),
            ("data",     "111213141516"),
            ("size",     "313233343536"),
            ("valid",    "212223242526"),
            ("modified", "4142434445464748"),
            ("changed",  "5152535455565758"),
            ("born",     "f8f8f9fafbfcfdfe"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(SAMPLE.encode(), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(Inode::decode(&sample_bytes()), Ok(SAMPLE));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(Inode::decode(&record), Ok(SAMPLE), "bit {bit}");
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let directory = Inode::new(NodeType::Directory, Time::UNKNOWN);
        let cases = [
            (Inode { links: 0, ..SAMPLE }, Field::Links),
            (Inode { data: ObjectId(16), ..SAMPLE }, Field::Data),
            (Inode { data: ObjectId(1 << 48), ..SAMPLE }, Field::Data),
            (Inode { data: ObjectId(0), ..SAMPLE }, Field::Valid),
            (Inode { size: 1 << 48, ..SAMPLE }, Field::Size),
            (Inode { valid: SAMPLE.size + 1, ..SAMPLE }, Field::Valid),
            (Inode { links: 2, ..directory }, Field::Links),
            (Inode { data: ObjectId(17), ..directory }, Field::Data),
            (Inode { size: 1, ..directory }, Field::Size),
            (Inode { kind: NodeType::Symlink, ..SAMPLE }, Field::Valid),
            (Inode::new(NodeType::Symlink, Time(0)), Field::Valid),
        ];
        for (inode, field) in cases {
            assert_eq!(inode.encode(), Err(Malformed::Field(field)));
        }
        assert!(directory.encode().is_ok());
        assert!(Inode { size: 5, ..Inode::new(NodeType::File, Time(0)) }.encode().is_ok(), "hole");
    }

    #[test]
    fn an_item_is_of_a_file_or_a_link() {
        assert_eq!(Inode::key(ObjectId(17)), Key::new(ObjectId(17), Kind(1), 0));
        assert_eq!(Inode::from_value(&sample_bytes()), Ok(SAMPLE));
        assert!(Inode::from_value(&sample_bytes()[..SIZE - 1]).is_err());
        let directory = Inode::new(NodeType::Directory, Time(0)).encode().expect("sound");
        assert_eq!(Inode::from_value(&directory), Err(Malformed::Field(Field::Type)));
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| Inode::decode(bytes).ok()?.encode().ok());
    }
}
