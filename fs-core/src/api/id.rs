//! Names for slots of fixed tables, and for places in a directory.

/// An open file. Copying it is free; after `close` every copy is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FileId {
    pub(crate) slot: u8,
    pub(crate) generation: u16,
}

/// A file or directory that is in use: a slot of the vnode table, and which use of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VnodeId {
    pub(crate) slot: u8,
    pub(crate) generation: u16,
}

impl VnodeId {
    /// The slot: an index into whatever its filesystem keeps for each slot.
    #[must_use]
    pub const fn slot(self) -> u8 {
        self.slot
    }
}

/// A place in a directory's listing. Stays good while *other* entries come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cookie(pub u64);

impl Cookie {
    /// Before the first entry.
    pub const START: Self = Self(0);
}
