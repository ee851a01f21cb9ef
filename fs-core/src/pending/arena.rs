//! Sorted entries in lent bytes.
//!
//! | offset | size | field    | rule                                                 |
//! | -----: | ---: | -------- | ---------------------------------------------------- |
//! |      0 |    1 | `level`  | 0: an item; else the level of the node that holds it |
//! |      1 |   15 | `key`    | ascending within a level                             |
//! |     16 |    1 | `flags`  | bit 0: gone, bit 1: fresh                            |
//! |     17 |    1 | `tag`    | the journal block that logged it last                |
//! |     18 |    2 | `length` | bytes of the value that follows; 0 if gone           |

use crate::error::{Field, Malformed};
use crate::format::key::{self, Key};
use crate::units::Level;

/// What an entry costs besides its value.
pub const ENTRY_BYTES: usize = 20;

const GONE: u8 = 1;
const FRESH: u8 = 2;

/// One entry of the pending set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryView<'a> {
    /// 0 for an item; else the level of the node that holds the pointer.
    pub level: Level,
    /// Key of the item, or separator of the child.
    pub key: Key,
    /// What stands there now; `None` if the tree's value is deleted.
    pub value: Option<&'a [u8]>,
    /// The tree has nothing under this key.
    pub fresh: bool,
    /// Low byte of the ordinal of the journal block that logged it last.
    pub tag: u8,
}

impl EntryView<'_> {
    /// Bytes this entry occupies.
    #[must_use]
    pub fn cost(&self) -> usize {
        ENTRY_BYTES.saturating_add(self.value.map_or(0, <[u8]>::len))
    }

    /// Whether it has a value that the tree knows nothing of.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.fresh && self.value.is_some()
    }

    fn place(&self) -> (Level, Key) {
        (self.level, self.key)
    }
}

/// Entries in the order of level and key.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = EntryView<'a>;

    fn next(&mut self) -> Option<EntryView<'a>> {
        let ([level], rest) = self.rest.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk::<{ key::SIZE }>()?;
        let ([flags, tag, length_low, length_high], rest) = rest.split_first_chunk()?;
        let length = u16::from_le_bytes([*length_low, *length_high]);
        let (value, rest) = rest.split_at_checked(usize::from(length))?;
        self.rest = rest;
        Some(EntryView {
            level: Level(*level),
            key: Key::decode(key),
            value: (flags & GONE == 0).then_some(value),
            fresh: flags & FRESH != 0,
            tag: *tag,
        })
    }
}

#[derive(Debug)]
pub(super) struct Arena<'m> {
    bytes: &'m mut [u8],
    used: usize,
}

impl<'m> Arena<'m> {
    pub(super) fn new(arena: &'m mut [u8], bytes_max: u16) -> Self {
        let limit = arena.len().min(usize::from(bytes_max));
        let (bytes, _) = arena.split_at_mut(limit);
        Self { bytes, used: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    pub(super) fn free(&self) -> usize {
        self.bytes.len().saturating_sub(self.used)
    }

    pub(super) fn occupied(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }

    pub(super) fn entries(&self) -> Entries<'_> {
        Entries { rest: self.occupied() }
    }

    /// The entries from the first one at or after this place.
    pub(super) fn entries_from(&self, level: Level, key: Key) -> Entries<'_> {
        let (at, _) = self.position(level, key);
        Entries { rest: self.occupied().get(at..).unwrap_or_default() }
    }

    /// Where the entry of this place begins, or would, and how long it is.
    fn position(&self, level: Level, key: Key) -> (usize, usize) {
        let mut at: usize = 0;
        for entry in self.entries() {
            match entry.place().cmp(&(level, key)) {
                core::cmp::Ordering::Less => at = at.saturating_add(entry.cost()),
                core::cmp::Ordering::Equal => return (at, entry.cost()),
                core::cmp::Ordering::Greater => break,
            }
        }
        (at, 0)
    }

    /// Writes `entry` in place of what stands under its level and key.
    pub(super) fn put(&mut self, entry: &EntryView<'_>) -> Result<(), Malformed> {
        let value = entry.value.unwrap_or_default();
        let length = u16::try_from(value.len()).map_err(|_| Malformed::Field(Field::Length))?;
        let (at, old) = self.position(entry.level, entry.key);
        let target =
            self.resize(at, old, entry.cost()).ok_or(Malformed::Field(Field::PendingBytes))?;
        let flags = if entry.value.is_none() { GONE } else { 0 };
        let flags = flags | if entry.fresh { FRESH } else { 0 };
        let [low, high] = length.to_le_bytes();
        let header = [entry.level.0].into_iter().chain(entry.key.encode());
        let header = header.chain([flags, entry.tag, low, high]);
        for (byte, source) in target.iter_mut().zip(header.chain(value.iter().copied())) {
            *byte = source;
        }
        Ok(())
    }

    /// Removes the entry of this place, if there is one.
    pub(super) fn remove(&mut self, level: Level, key: Key) {
        let (at, old) = self.position(level, key);
        self.resize(at, old, 0);
    }

    /// Removes every entry of `level` in `low..high`.
    pub(super) fn remove_range(&mut self, level: Level, low: Key, high: Key) {
        let (from, _) = self.position(level, low);
        let (to, _) = self.position(level, high);
        self.resize(from, to.saturating_sub(from), 0);
    }

    /// Sets the tag of every entry for which `tag` names one.
    pub(super) fn retag(&mut self, tag: impl Fn(u8) -> u8) {
        let mut at: usize = 0;
        while let Some(cost) = (Entries { rest: self.occupied().get(at..).unwrap_or_default() })
            .next()
            .map(|entry| entry.cost())
        {
            if let Some(byte) = self.bytes.get_mut(at.saturating_add(17)) {
                *byte = tag(*byte);
            }
            at = at.saturating_add(cost);
        }
    }

    /// Makes the `old` bytes at `at` into `new` bytes, moving what follows. `None`: no room.
    fn resize(&mut self, at: usize, old: usize, new: usize) -> Option<&mut [u8]> {
        let end = at.checked_add(old)?;
        let new_end = at.checked_add(new)?;
        let used = self.used.checked_sub(old)?.checked_add(new)?;
        if used > self.bytes.len() || end > self.used {
            return None;
        }
        self.bytes.copy_within(end..self.used, new_end);
        self.used = used;
        self.bytes.get_mut(at..new_end)
    }
}
