//! What a volume says about itself.

use super::LABEL_BYTES_MAX;
use crate::units::{BlockCount, Generation, Session};

/// The state of a mounted volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VolumeInfo {
    /// Blocks of the volume, all its own structures included.
    pub blocks: BlockCount,
    /// Blocks that hold nothing. The last few are kept so that removing always works.
    pub free: BlockCount,
    /// Bytes of a block.
    pub block_bytes: u32,
    /// Generation of the newest tree node.
    pub generation: Generation,
    /// The mount that last wrote.
    pub session: Session,
    /// Blocks erased so far, as far as the newest journal block and this session know.
    pub erases: u32,
    /// Bytes of changes that wait in RAM for the tree.
    pub pending_bytes: u16,
    /// Bytes of the longest name.
    pub name_max: u16,
    /// Whether changes are refused: mounted so, or after a failure.
    pub read_only: bool,
    /// Identity of the volume.
    pub uuid: [u8; 16],
    /// Its name for people, padded with zeros.
    pub label: [u8; LABEL_BYTES_MAX],
}

/// What a check of the whole volume counted. A broken rule is an error instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CheckReport {
    /// Nodes of the tree.
    pub nodes: u32,
    /// Items in the tree, with those that wait in RAM.
    pub items: u64,
    /// Files.
    pub files: u32,
    /// Directories, the root included.
    pub directories: u32,
    /// Blocks in use.
    pub blocks_used: u32,
    /// Blocks not in use.
    pub blocks_free: u32,
}
