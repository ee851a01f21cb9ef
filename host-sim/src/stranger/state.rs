//! What the records say and the tree does not: sections 7 and 11.

use std::collections::BTreeMap;

use super::bytes::{Bytes, Key};
use super::journal::Change;
use super::superblock::Superblock;
use super::tree::Pointer;

/// What a block is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Holds nothing.
    Free,
    /// Holds nothing and is erased.
    Erased,
    /// In use.
    Used,
    /// In use until given back.
    Leaving,
}

impl RunState {
    /// The state of that number.
    pub(super) const fn decode(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Free,
            1 => Self::Erased,
            2 => Self::Used,
            3 => Self::Leaving,
            _ => return None,
        })
    }
}

/// Single numbers of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scalars {
    /// The journal block after the newest.
    pub next: u32,
    /// The spares.
    pub spares: [u32; 2],
    /// The root of the tree.
    pub root: Pointer,
    /// Highest generation of any node so far.
    pub generation: u64,
    /// Lowest object never used.
    pub next_object: u64,
    /// Free and erased blocks.
    pub free: u32,
    /// Where the search for free blocks goes on.
    pub cursor: u32,
    /// Where the search for cold blocks goes on.
    pub sweep: u32,
    /// Erases so far.
    pub erases: u32,
    /// Whether the first spare was erased.
    pub spare_erased: bool,
}

impl Scalars {
    pub(super) fn decode(b: &mut Bytes<'_>) -> Result<Self, &'static str> {
        let cut = "the scalars are cut short";
        let next = b.u32().ok_or(cut)?;
        let spares = [b.u32().ok_or(cut)?, b.u32().ok_or(cut)?];
        let root = Pointer::decode(b)?;
        let generation = b.u48().ok_or(cut)?;
        let next_object = b.u48().ok_or(cut)?;
        let [free, cursor, sweep, erases] =
            [b.u32().ok_or(cut)?, b.u32().ok_or(cut)?, b.u32().ok_or(cut)?, b.u32().ok_or(cut)?];
        let spare = b.u8().ok_or(cut)?;
        let [one, other] = spares;
        let kept = next != 0
            && spare <= 1
            && one != 0
            && one != next
            && other != 0
            && other != next
            && other != one
            && ![next, one, other].contains(&root.block)
            && generation >= root.generation
            && next_object >= 17;
        let scalars = Self {
            next,
            spares,
            root,
            generation,
            next_object,
            free,
            cursor,
            sweep,
            erases,
            spare_erased: spare == 1,
        };
        if kept { Ok(scalars) } else { Err("scalars that break a rule") }
    }
}

/// The pending set and the scalars.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Items at level 0, pointers above it; `None` is a tombstone.
    pub entries: BTreeMap<(u8, Key), Option<Vec<u8>>>,
    /// What the runs say of blocks.
    pub blocks: BTreeMap<u32, RunState>,
    /// Single numbers.
    pub scalars: Scalars,
}

impl State {
    /// Moves the state by one change.
    pub(super) fn apply(
        &mut self,
        change: &Change,
        superblock: &Superblock,
    ) -> Result<(), &'static str> {
        if let Change::Point { pointer, .. } | Change::Root(pointer) = change
            && pointer.block >= superblock.block_count
        {
            return Err("a pointer behind the volume");
        }
        match change {
            Change::Put { key, value, .. } => {
                self.entries.insert((0, *key), Some(value.clone()));
            }
            Change::Delete { vanish, key } => self.delete(0, *key, *vanish),
            Change::Point { level, key, pointer, .. } => {
                self.scalars.generation = self.scalars.generation.max(pointer.generation);
                self.entries.insert((*level, *key), Some(pointer.encode().to_vec()));
            }
            Change::Unpoint { vanish, level, key } => self.delete(*level, *key, *vanish),
            Change::Fold { level, low, high } => self.fold(*level, *low, *high),
            Change::Root(pointer) => {
                self.scalars.root = *pointer;
                self.scalars.generation = self.scalars.generation.max(pointer.generation);
            }
            Change::Run { tag, start, length } => self.run(*tag, *start, *length, superblock)?,
            Change::State { start, length, state } => {
                self.set(*start, *length, *state, superblock)?;
            }
            Change::Scalars(scalars) => self.scalars = **scalars,
            Change::Objects(next) => self.scalars.next_object = *next,
        }
        Ok(())
    }

    fn delete(&mut self, level: u8, key: Key, vanish: bool) {
        if vanish {
            self.entries.remove(&(level, key));
        } else {
            self.entries.insert((level, key), None);
        }
    }

    fn fold(&mut self, level: u8, low: Key, high: Key) {
        self.entries.retain(|(of, key), _| *of != level || *key < low || *key >= high);
        if level == 0 {
            self.blocks.retain(|block, state| {
                let group = Key { object: 1, kind: 9, offset: u64::from(block / 256) };
                *state == RunState::Leaving || group < low || group >= high
            });
        }
    }

    fn run(
        &mut self,
        tag: u8,
        start: u32,
        length: u16,
        superblock: &Superblock,
    ) -> Result<(), &'static str> {
        let (state, free) = match tag {
            7 => (RunState::Used, -i64::from(length)),
            8 => (RunState::Free, i64::from(length)),
            9 => (RunState::Erased, 0),
            10 => (RunState::Free, 0),
            _ => (RunState::Leaving, 0),
        };
        self.set(start, length, state, superblock)?;
        let sum = i64::from(self.scalars.free) + free;
        self.scalars.free = u32::try_from(sum).map_err(|_| "fewer than no free blocks")?;
        if tag == 7 {
            self.scalars.cursor = start.saturating_add(length.into());
        }
        Ok(())
    }

    fn set(
        &mut self,
        start: u32,
        length: u16,
        state: RunState,
        superblock: &Superblock,
    ) -> Result<(), &'static str> {
        let end = start.saturating_add(length.into());
        if end > superblock.block_count {
            return Err("a run behind the volume");
        }
        self.blocks.extend((start..end).map(|block| (block, state)));
        Ok(())
    }

    /// Bytes of the pending set.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.entries.values().map(|value| 20 + value.as_ref().map_or(0, Vec::len)).sum()
    }

    /// Runs of the pending set, as the limit counts them.
    #[must_use]
    pub fn runs(&self) -> Vec<(u32, u16, RunState)> {
        let mut runs: Vec<(u32, u16, RunState)> = Vec::new();
        for (block, state) in &self.blocks {
            match runs.last_mut() {
                Some((start, length, before))
                    if before == state
                        && *start + u32::from(*length) == *block
                        && !block.is_multiple_of(32768) =>
                {
                    *length += 1;
                }
                _ => runs.push((*block, 1, *state)),
            }
        }
        runs
    }

    /// What a record may leave: limits kept, and every block that it names one of the volume.
    pub(super) fn bounded(&self, superblock: &Superblock) -> Result<(), &'static str> {
        let [a, b] = self.scalars.spares;
        let named = [self.scalars.next, a, b, self.scalars.root.block];
        if named.iter().any(|block| !superblock.is_inside(*block)) {
            return Err("a block of the scalars is outside of the volume");
        }
        if self.scalars.free > superblock.block_count {
            return Err("more free blocks than there are");
        }
        if self.pending_bytes() > usize::from(superblock.pending_bytes_max) {
            return Err("more is pending than the superblock allows");
        }
        if self.runs().len() > usize::from(superblock.pending_items_max) {
            return Err("more runs are pending than the superblock allows");
        }
        Ok(())
    }
}
