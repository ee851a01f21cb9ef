//! Items that are found by a name: directory entries, and extended attributes.
//!
//! The key of such an item ends in the keyed hash of its name and a slot. All 256 slots of a hash
//! are looked at, so a gap that a removal left hides nothing; a new name gets the lowest free slot
//! and keeps it.

use super::super::colour;
use super::super::device::BlockDevice;
use super::Vellum;
use crate::error::{Error, Field, Malformed, Result, corrupt};
use crate::format::dirent::DirentView;
use crate::format::key::{Key, Kind};
use crate::format::name;
use crate::format::page::VALUE_MAX;
use crate::format::xattr::XattrView;
use crate::mutant::{self, Mutant};
use crate::units::ObjectId;

/// Where a name is, or where it would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// The item with this key has the name; its value has so many bytes.
    Taken(Key, usize),
    /// Nothing has it; a new item of this name gets this key.
    Free(Key),
    /// Nothing has it, and 256 other names have its hash.
    Full,
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// The item of `owner` and `kind` that has the name `name`, its value in `bytes`.
    pub(super) async fn find_slot(
        &mut self,
        owner: ObjectId,
        kind: Kind,
        name: &[u8],
        bytes: &mut [u8; VALUE_MAX],
    ) -> Result<Slot> {
        let hash = name::hash(name, &self.txn.superblock().hash_seed);
        let mut from = Key::new(owner, kind, hash << 8);
        let last = Key::new(owner, kind, hash << 8 | u64::from(u8::MAX));
        let mut free = Slot::Free(from);
        while let Some((key, length)) = self.txn.next(from, bytes).await? {
            if key > last {
                break;
            }
            if self.name_in(kind, bytes, length)? == name {
                return Ok(Slot::Taken(key, length));
            }
            from = key.next();
            if free == Slot::Free(key) && !mutant::on(Mutant::SlotTakenTwice) {
                free = if key < last { Slot::Free(from) } else { Slot::Full };
            }
            if key == last {
                break;
            }
        }
        Ok(free)
    }
}

impl<D> Vellum<'_, D> {
    /// The name in the first `length` of `bytes`, the value of an item of `kind`.
    fn name_in<'b>(&self, kind: Kind, bytes: &'b [u8], length: usize) -> Result<&'b [u8]> {
        let value = bytes.get(..length).ok_or(Error::Bug)?;
        let name = match kind {
            Kind::DIRENT => DirentView::decode(value).map(|entry| entry.name.as_bytes()),
            Kind::XATTR => XattrView::decode(value).map(|attribute| attribute.name),
            _ => Err(Malformed::Field(Field::Kind)),
        };
        name.map_err(corrupt(self.txn.state().scalars.root.block))
    }
}
