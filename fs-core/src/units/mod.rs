//! Numbers that must not be mixed up: every quantity has its own type.
//!
//! Tuple fields are public where any value is a valid one. Arithmetic that could leave the range
//! is a method that says what happens then; nothing here panics.

mod geometry;

pub use geometry::{EraseSizes, Geometry, Guarantees};

/// Bytes in a metadata page. Fixed by the format.
pub const PAGE_BYTES: usize = 512;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name(pub $inner);
    };
}

number! {
    /// Index of a block on its device, counted from zero.
    BlockNo(u32)
}
number! {
    /// A number of blocks.
    BlockCount(u32)
}
number! {
    /// A byte position on a device or in a file.
    ByteOffset(u64)
}
number! {
    /// Identity of a file or directory or of its content; 48 bits on the medium, never reused.
    ObjectId(u64)
}
number! {
    /// How often a node was written: part of its identity; 48 bits on the medium.
    Generation(u64)
}
number! {
    /// Number of a journal record or of an anchor entry.
    Sequence(u64)
}
number! {
    /// Number of a mount that wrote: everything it logs is seeded with it.
    Session(u32)
}
number! {
    /// Distance of a tree node from the leaves, which are at level 0.
    Level(u8)
}
number! {
    /// Nanoseconds since 1970-01-01 UTC.
    Time(i64)
}

impl Time {
    /// The time of something nobody timed.
    pub const UNKNOWN: Self = Self(i64::MIN);
}

impl BlockNo {
    /// The block `count` after this one; the highest number there is past the end.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// Where the block begins, for blocks of `1 << block_log2` bytes.
    #[must_use]
    pub const fn offset(self, block_log2: u8) -> ByteOffset {
        ByteOffset((self.0 as u64) << (block_log2 & 31))
    }
}

impl ByteOffset {
    /// The position `bytes` further on; the highest number there is past the end.
    #[must_use]
    pub const fn plus(self, bytes: u64) -> Self {
        Self(self.0.saturating_add(bytes))
    }
}

impl Generation {
    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Sequence {
    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Session {
    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Level {
    /// The level of this node's parent.
    #[must_use]
    pub const fn up(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The level of this node's children; `None` for a leaf.
    #[must_use]
    pub const fn down(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(level) => Some(Self(level)),
            None => None,
        }
    }
}
