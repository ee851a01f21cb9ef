//! Transfers that hardware carries out: planned by one call, committed by another.

/// What a mapping is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MapFor {
    /// To read: the blocks stay as they are until the transfer is completed.
    Read,
    /// To write: the runs are a ticket for one transfer, which counts when it is completed.
    Write,
    /// To know: where the file lies now, and never a ticket for anything.
    Report,
}

/// A transfer between its planning and its completion: a slot of the table of operations, and
/// which use of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OpId {
    pub(crate) slot: u8,
    pub(crate) generation: u16,
}

/// What a call of `map` has planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Mapping {
    /// The transfer, to be completed; `None` if nothing was planned, or only reported.
    pub op: Option<OpId>,
    /// Bytes that the runs of this call cover, from the first byte asked for on.
    pub covered: u64,
    /// Whether the list was full: the same operation may be asked for what follows.
    pub more: bool,
}

/// What a completion promises at its return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Durability {
    /// What was transferred is uncommitted content, like that of `write`. Completions side by side
    /// become one change.
    Deferred,
    /// The content of the file is committed.
    Committed,
}
