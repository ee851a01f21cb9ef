//! What outlives a model of a chip's other side, which is made anew for each mount.

use std::ops::Range;

/// Bytes on the wires, and what was wrong on them.
#[derive(Debug, Clone, Default)]
pub struct OnWires {
    /// Bytes so far.
    pub bytes: u64,
    /// The power goes before this byte.
    pub cut: Option<u64>,
    /// Seed of what that leaves.
    pub seed: u64,
    /// Bytes from the beginning of a command that changes the chip to the end of its work.
    pub changes: Vec<Range<u64>>,
    /// What a host did that it must not do.
    pub breaches: Vec<String>,
}
