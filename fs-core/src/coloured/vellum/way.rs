//! The directory that a path led through last: most calls in a row are about one directory, and
//! its entry would be looked up for each of them.
//!
//! What the entry of a directory says changes only when its key is written or deleted, and then
//! `txn` no longer watches the key. Nothing is looked up between that and the commit: a list of
//! changes takes files only.

use super::Vellum;
use super::names::Entry;
use crate::format::inode::NodeType;
use crate::units::ObjectId;

/// Bytes of the longest name that is remembered.
const NAME_MAX: usize = 22;

/// A directory and its name; its key is what `txn` watches.
pub(super) struct Way {
    object: ObjectId,
    name: heapless::Vec<u8, NAME_MAX>,
}

impl Way {
    /// Nothing is remembered.
    pub const NONE: Self = Self { object: ObjectId(0), name: heapless::Vec::new() };
}

impl<D> Vellum<'_, D> {
    /// The directory `name` of `parent`, if it is the one that was met last.
    pub(super) fn known_way(&self, parent: ObjectId, name: &[u8]) -> Option<ObjectId> {
        let key = self.txn.watched()?;
        (key.object == parent && self.way.name == name).then_some(self.way.object)
    }

    /// Remembers `entry`, which was found by `name`, if it is a directory.
    pub(super) fn remember_way(&mut self, entry: &Entry, name: &[u8]) {
        let Ok(kept) = heapless::Vec::from_slice(name) else { return };
        if entry.kind == NodeType::Directory {
            self.way = Way { object: entry.object, name: kept };
            self.txn.watch(entry.key);
        }
    }
}
