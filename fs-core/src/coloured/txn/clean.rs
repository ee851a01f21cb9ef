//! Moving nodes out of chunks that are free but for a few of them.
//!
//! A fold writes nodes side by side. Most are soon written again, and one that is not keeps its
//! chunk from being erased with one command, and from being a place for cold data. Where no whole
//! chunk is free such a node is folded with nothing pending for it: that writes a node, and saves
//! up to 15 erases of single blocks.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::space::CHUNK_BLOCKS;
use super::super::tree::{self, Limits};
use super::{Error, Txn};
use crate::error::Result;
use crate::format::group::{self, Group};
use crate::format::key::Key;
use crate::format::page::{self, DataPage};
use crate::units::{BlockCount, BlockNo, Level};

const CHUNK: u32 = CHUNK_BLOCKS as u32;
/// Chunks of a group.
const CHUNKS: u32 = group::BLOCKS / CHUNK;
/// Nodes in a chunk that are worth moving: each costs a block and a few programs.
const NODES_MAX: u32 = 6;
/// Groups that are looked into at once, and chunks of which blocks are read.
const VISITS_MAX: u32 = 4;
const LOOKS_MAX: u32 = 4;
/// Blocks that are erased until it is tried again after a round in which nothing was found.
const PAUSE_ERASES: u32 = 32;

/// Where cleaning goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cleaning {
    /// The chunk that is looked into next.
    chunk: u32,
    /// Chunks that were passed over since a node was moved.
    passed: u32,
    /// The erases by then, if nothing was found.
    idle_at: Option<u32>,
}

impl Cleaning {
    fn is_due(&mut self, erases: u32) -> bool {
        let waits = self.idle_at.is_some_and(|at| erases.wrapping_sub(at) < PAUSE_ERASES);
        if !waits && self.idle_at.is_some() {
            (self.idle_at, self.passed) = (None, 0);
        }
        !waits
    }

    /// Goes on to the next chunk; tells whether that ends a round in vain.
    fn pass(&mut self, blocks: BlockCount, erases: u32) -> bool {
        let chunks = blocks.0 / CHUNK;
        let next = self.chunk.saturating_add(1);
        self.chunk = if next < chunks { next } else { 0 };
        self.passed = self.passed.saturating_add(1);
        let round = self.passed >= chunks;
        if round {
            self.idle_at = Some(erases);
        }
        round
    }
}

impl<D> Txn<'_, D> {
    /// Whether the last search found no chunk that can be erased with one command.
    pub(super) fn is_chunkless(&self) -> bool {
        self.space.has_chunks() && self.chunkless != u32::MAX
    }
}

/// How many blocks of the chunk that begins with `start` are in use.
pub(super) fn used_in(group: &Group, start: BlockNo) -> u32 {
    let blocks = (0..CHUNK).map(|behind| Group::index(start.plus(behind)));
    let used = blocks.filter(|index| group.is_allocated(*index)).count();
    u32::try_from(used).unwrap_or(CHUNK)
}

#[colour]
impl<D: BlockDevice> Txn<'_, D> {
    /// Moves a node that keeps a chunk from being free; `false` if none was found in those that
    /// were looked into. One fold; a page read, and the way in the tree, for each node of the
    /// chunk; and a page read for each of a few chunks in vain.
    ///
    /// # Errors
    /// Those of folding.
    pub async fn clean_some(&mut self) -> Result<bool> {
        if !self.cleaning.is_due(self.media.erases()) {
            return Ok(false);
        }
        self.make_room(0, 2).await?;
        let mut looks = 0_u32;
        for _ in 0..VISITS_MAX {
            let number = self.cleaning.chunk / CHUNKS;
            let group = self.group(number).await?;
            while self.cleaning.chunk / CHUNKS == number {
                let start = BlockNo(self.cleaning.chunk.saturating_mul(CHUNK));
                let used = used_in(&group, start);
                if (1..=NODES_MAX).contains(&used) && !self.space.uses(start, CHUNK) {
                    looks = looks.saturating_add(1);
                    if let Some((level, key)) = self.node_in(start, &group).await? {
                        let whole = Limits { deltas_after: None, ..self.limits() };
                        self.fold(level, key, whole).await?;
                        self.cleaning.passed = 0;
                        if used == 1 {
                            // It is worth looking for a chunk again.
                            self.chunkless = u32::MAX;
                        }
                        return Ok(true);
                    }
                }
                let round = self.cleaning.pass(self.superblock.block_count, self.media.erases());
                if round || looks >= LOOKS_MAX {
                    return Ok(false);
                }
            }
        }
        Ok(false)
    }

    /// A node of the chunk that begins with `start`, if nothing but nodes is in use there.
    async fn node_in(&mut self, start: BlockNo, group: &Group) -> Result<Option<(Level, Key)>> {
        let mut found = None;
        for block in (0..CHUNK).map(|behind| start.plus(behind)) {
            if group.is_allocated(Group::index(block)) {
                found = self.node_at(block).await?;
                if found.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Level and a key of the node that is in `block`, if one is. What a page says of itself is
    /// taken for a hint: the tree tells.
    async fn node_at(&mut self, block: BlockNo) -> Result<Option<(Level, Key)>> {
        let bytes = self.work.first_chunk_mut::<{ page::SIZE }>().ok_or(Error::Bug)?;
        let at = block.offset(self.superblock.block_log2);
        self.media.read_data(at, bytes).await?;
        let Ok(data) = DataPage::parse(bytes) else { return Ok(None) };
        let level = data.level();
        let Some(key) = data.items().next().map(|item| item.key) else { return Ok(None) };
        if level > self.state.scalars.root.level {
            return Ok(None);
        }
        let place = tree::range(&mut self.media, &self.state, level, key).await?;
        Ok((place.pointer.block == block).then_some((level, key)))
    }
}
