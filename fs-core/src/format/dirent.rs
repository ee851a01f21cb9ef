//! A directory entry: a name, and what it leads to.
//!
//! | offset | size   | field    | rule                                                              |
//! | -----: | -----: | -------- | ----------------------------------------------------------------- |
//! |      0 |      1 | `flags`  | 1: the inode follows; 0: it is an item of its own                 |
//! |      1 |      1 | `type`   | 1 file, 2 directory, 3 symbolic link; as in the inode             |
//! |      2 |      6 | `object` | 17 or more                                                        |
//! |      8 |     48 | `inode`  | only with flag 1; of one link, and not of a directory             |
//! |     56 | 1..255 | `name`   | to the end of the value; at offset 8 without `inode`              |
//!
//! Key: (directory, DIRENT, hash * 256 + slot). The hash is that of the name, 55 bits; entries of
//! one hash have different slots.

use super::codec::{Bytes, Le48, Reader, Writer, covers};
use super::inode::{self, Inode, NodeType};
use super::key::{FIRST_FREE, Key, Kind, OBJECT_LIMIT};
use super::name::{self, Name};
use crate::error::Malformed;
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
            _ => return Err(Malformed::Field("flags")),
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
        if self.object < FIRST_FREE || self.object > OBJECT_LIMIT {
            return Err(Malformed::Field("object"));
        }
        let Some(inode) = &self.inode else { return Ok(()) };
        inode.check()?;
        if inode.kind != self.kind || self.kind == NodeType::Directory {
            return Err(Malformed::Field("type"));
        }
        if inode.links == 1 { Ok(()) } else { Err(Malformed::Field("links")) }
    }
}
