//! A directory entry: a name, and what it leads to.
//!
//! | offset | size   | field    | rule                                                  |
//! | -----: | -----: | -------- | ----------------------------------------------------- |
//! |      0 |      1 | `flags`  | 1: the inode follows; 0: it is an item of its own     |
//! |      1 |      1 | `type`   | 1 file, 2 directory, 3 symbolic link; as in the inode |
//! |      2 |      6 | `object` | 17 or more                                            |
//! |      8 |     48 | `inode`  | only with flag 1; of one link, and not of a directory |
//! |     56 | 1..255 | `name`   | to the end of the value; at offset 8 without `inode`  |
//!
//! Key: (directory, `DIRENT`, hash * 256 + slot). The hash is that of the name, 55 bits; entries of
//! one hash have different slots.

use super::codec::{Bytes, Le48, Reader, Writer, covers};
use super::inode::{self, Inode, NodeType};
use super::key::{FIRST_FREE, Key, Kind, OBJECT_MAX};
use super::name::{self, Name};
use crate::error::{Field, Malformed};
use crate::units::ObjectId;

/// Size on disk of what precedes inode and name, in bytes.
pub const HEAD: usize = 8;
/// Longest entry.
pub const BYTES_MAX: usize = HEAD + inode::SIZE + name::BYTES_MAX;

type Flags = Bytes<0, 1>;
type Type = Bytes<1, 1>;
type Object = Le48<2>;

const _: () = assert!(covers(&[Flags::SPAN, Type::SPAN, Object::SPAN], HEAD));
const _: () = assert!(BYTES_MAX <= super::page::VALUE_MAX);

const EMBEDDED: u8 = 1;

/// A directory entry that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DirentView<'a> {
    /// What it leads to.
    pub object: ObjectId,
    /// What kind of thing that is.
    pub kind: NodeType,
    /// The attributes, if they are not an item of their own.
    pub inode: Option<Inode>,
    /// The name.
    pub name: Name<'a>,
}

/// The key of the entry with that hash and slot.
#[must_use]
pub const fn key(directory: ObjectId, hash: u64, slot: u8) -> Key {
    Key::new(directory, Kind::DIRENT, (hash << 8) | slot as u64)
}

impl<'a> DirentView<'a> {
    /// Decodes the value of an item, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `value` breaks.
    pub fn decode(value: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(value);
        let head = reader.array::<HEAD>()?;
        let [kind] = Type::get(head);
        let inode = match Flags::get(head) {
            [0] => None,
            [EMBEDDED] => Some(Inode::decode(reader.array()?)?),
            _ => return Err(Malformed::Field(Field::Flags)),
        };
        let entry = Self {
            object: ObjectId(Object::get(head)),
            kind: NodeType::decode(kind)?,
            inode,
            name: Name::new(reader.0)?,
        };
        entry.check()?;
        Ok(entry)
    }

    /// Encodes at the start of `target`, after the same checks. Gives the length;
    /// [`BYTES_MAX`] bytes are always enough.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks; `Truncated` when `target` is too short.
    pub fn encode(&self, target: &mut [u8]) -> Result<usize, Malformed> {
        self.check()?;
        let mut head = [0; HEAD];
        Flags::put(&mut head, [if self.inode.is_some() { EMBEDDED } else { 0 }]);
        Type::put(&mut head, [self.kind as u8]);
        Object::put(&mut head, self.object.0);
        let mut writer = Writer::new(target);
        writer.put(&head).ok_or(Malformed::Truncated)?;
        if let Some(inode) = &self.inode {
            writer.put(&inode.encode()?).ok_or(Malformed::Truncated)?;
        }
        writer.put(self.name.as_bytes()).ok_or(Malformed::Truncated)?;
        Ok(writer.len())
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.object < FIRST_FREE || self.object > OBJECT_MAX {
            return Err(Malformed::Field(Field::Object));
        }
        let Some(inode) = &self.inode else { return Ok(()) };
        inode.check()?;
        if inode.kind != self.kind || self.kind == NodeType::Directory {
            return Err(Malformed::Field(Field::Type));
        }
        if inode.links == 1 { Ok(()) } else { Err(Malformed::Field(Field::Links)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{BYTES_MAX, DirentView, key};
    use crate::error::{Field, Malformed};
    use crate::format::inode::{self, Inode, NodeType};
    use crate::format::key::{Key, Kind};
    use crate::format::name::Name;
    use crate::units::ObjectId;

    const SIZE: usize = 63;

    fn sample() -> DirentView<'static> {
        DirentView {
            object: ObjectId(0x7675_7473_7271),
            kind: NodeType::File,
            inode: Some(Inode { links: 1, ..inode::tests::SAMPLE }),
            name: Name::new(b"log.txt").expect("a name"),
        }
    }

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("flags",                     "01"),
            ("type",                      "01"),
            ("object",                    "717273747576"),
            ("inode: type, flags, links", "010401000000"),
            ("inode: data",               "111213141516"),
            ("inode: size",               "313233343536"),
            ("inode: valid",              "212223242526"),
            ("inode: modified",           "4142434445464748"),
            ("inode: changed",            "5152535455565758"),
            ("inode: born",               "f8f8f9fafbfcfdfe"),
            ("name",                      "6c6f672e747874"),
        ])
    }

    #[rustfmt::skip]
    fn directory_bytes() -> [u8; 9] {
        golden(&[("flags", "00"), ("type", "02"), ("object", "717273747576"), ("name", "61")])
    }

    fn encoded<const N: usize>(entry: &DirentView<'_>) -> Result<[u8; N], Malformed> {
        let mut bytes = [0; N];
        assert_eq!(entry.encode(&mut bytes)?, N);
        Ok(bytes)
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(encoded(&sample()), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(DirentView::decode(&sample_bytes()), Ok(sample()));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(DirentView::decode(&record), Ok(sample()), "bit {bit}");
        }
    }

    #[test]
    fn goes_without_an_inode_that_is_an_item() {
        let bytes = directory_bytes();
        let entry = DirentView::decode(&bytes).expect("sound");
        assert_eq!((entry.kind, entry.inode), (NodeType::Directory, None));
        assert_eq!(encoded(&entry), Ok(directory_bytes()));
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let inode = sample().inode.expect("embedded");
        let directory = Inode::new(NodeType::Directory, inode.born);
        let cases = [
            (DirentView { object: ObjectId(16), ..sample() }, Field::Object),
            (DirentView { object: ObjectId(1 << 48), ..sample() }, Field::Object),
            (DirentView { kind: NodeType::Symlink, ..sample() }, Field::Type),
            (
                DirentView { kind: NodeType::Directory, inode: Some(directory), ..sample() },
                Field::Type,
            ),
            (DirentView { inode: Some(Inode { links: 2, ..inode }), ..sample() }, Field::Links),
            (DirentView { inode: Some(Inode { links: 0, ..inode }), ..sample() }, Field::Links),
        ];
        for (entry, field) in cases {
            assert_eq!(entry.encode(&mut [0; BYTES_MAX]), Err(Malformed::Field(field)));
        }
        for length in 0..SIZE {
            assert_eq!(sample().encode(&mut [0; SIZE][..length]), Err(Malformed::Truncated));
            assert_ne!(DirentView::decode(&sample_bytes()[..length]), Ok(sample()));
        }
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| encoded(&DirentView::decode(bytes).ok()?).ok());
        survives_damage(directory_bytes(), |bytes| encoded(&DirentView::decode(bytes).ok()?).ok());
    }

    #[test]
    fn is_found_by_hash_and_slot() {
        let found = key(ObjectId(16), (1 << 55) - 2, 0x81);
        assert_eq!(found, Key::new(ObjectId(16), Kind(2), 0x7fff_ffff_ffff_fe81));
    }
}
