//! The item of a directory: its inode, and where it hangs.
//!
//! | offset | size | field      | rule                                            |
//! | -----: | ---: | ---------- | ----------------------------------------------- |
//! |      0 |   48 | `inode`    | an inode of type 2                              |
//! |     48 |    6 | `parent`   | the directory above, 16 or more; the root's own |
//! |     54 |    2 | `reserved` | 0                                               |
//!
//! Key: (directory, INODE, 0).

use super::codec::{Bytes, Le16, Le48, covers};
use super::inode::{self, Inode, NodeType};
use super::key::{Key, Kind, OBJECT_LIMIT, ROOT};
use crate::error::Malformed;
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
            return Err(Malformed::Field("reserved"));
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
        Self::decode(value.try_into().map_err(|_| Malformed::Field("directory"))?)
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
            return Err(Malformed::Field("type"));
        }
        if self.parent < ROOT || self.parent > OBJECT_LIMIT {
            return Err(Malformed::Field("parent"));
        }
        Ok(())
    }
}
