//! What can be known, asked and changed about a file or directory.

use crate::units::{ObjectId, Time};

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NodeKind {
    /// A sequence of bytes.
    File,
    /// A set of names.
    Directory,
    /// Another path.
    Symlink,
}

/// What is known about a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Attributes {
    /// Its identity, never reused on its volume.
    pub object: ObjectId,
    /// What it is.
    pub kind: NodeKind,
    /// Bytes of content, uncommitted ones included; 0 for a directory.
    pub size: u64,
    /// Names it has.
    pub links: u32,
    /// When its content last changed.
    pub modified: Time,
    /// When its content, name or attributes last changed.
    pub changed: Time,
    /// When it was created.
    pub born: Time,
}

/// Which attributes to change; `None` leaves one as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct AttributeChange {
    /// Bytes of content. Growing adds zeros, shrinking cuts.
    pub size: Option<u64>,
}

impl AttributeChange {
    /// A change of the size alone.
    #[must_use]
    pub const fn size(bytes: u64) -> Self {
        Self { size: Some(bytes) }
    }
}

/// What a rename does where the new name exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RenameMode {
    /// It replaces a file, or an empty directory.
    #[default]
    Replace,
    /// It is refused: `Exists`.
    Exclusive,
    /// Both stay and change places; where the new name does not exist: `NotFound`.
    Swap,
}

/// An entry of a directory, without its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DirEntry {
    /// Identity of what the entry names.
    pub object: ObjectId,
    /// What it is.
    pub kind: NodeKind,
    /// Bytes of content; 0 for a directory.
    pub size: u64,
}

/// How much of a file must be durable when a synchronisation returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SyncLevel {
    /// Nothing yet: only start.
    Start,
    /// The content and what is needed to read it back.
    Data,
    /// The content and all attributes.
    Full,
}

bitflags::bitflags! {
    /// What an open file may be used for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Access: u8 {
        /// Its content may be read.
        const READ = 1;
        /// Its content and size may be changed.
        const WRITE = 1 << 1;
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Access {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Access({=u8:#04b})", self.bits());
    }
}
