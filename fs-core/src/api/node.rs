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
    /// Who it belongs to; `None` while nobody has said.
    pub owner: Option<Owner>,
}

/// Who a file or directory belongs to, and who may do what with it. Kept, and not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Owner {
    /// Permissions, as POSIX has them: 0 to 0o7777.
    pub mode: u16,
    /// Number of the user.
    pub user: u32,
    /// Number of the group.
    pub group: u32,
}

/// Which attributes to change; `None` leaves one as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct AttributeChange {
    /// Bytes of content. Growing adds zeros, shrinking cuts.
    pub size: Option<u64>,
    /// When the content last changed.
    pub modified: Option<Time>,
    /// When it was created.
    pub born: Option<Time>,
    /// Who it belongs to.
    pub owner: Option<Owner>,
}

impl AttributeChange {
    /// A change of the size alone.
    #[must_use]
    pub const fn size(bytes: u64) -> Self {
        Self { size: Some(bytes), modified: None, born: None, owner: None }
    }

    /// A change of the time of the last change of the content.
    #[must_use]
    pub const fn modified(time: Time) -> Self {
        Self { size: None, modified: Some(time), born: None, owner: None }
    }

    /// A change of the time of creation.
    #[must_use]
    pub const fn born(time: Time) -> Self {
        Self { size: None, modified: None, born: Some(time), owner: None }
    }

    /// A change of the owner.
    #[must_use]
    pub const fn owner(owner: Owner) -> Self {
        Self { size: None, modified: None, born: None, owner: Some(owner) }
    }

    /// This change and `other`, whose values count where both have one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            size: other.size.or(self.size),
            modified: other.modified.or(self.modified),
            born: other.born.or(self.born),
            owner: other.owner.or(self.owner),
        }
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

/// Whether an attribute that is set may, or must, be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum XattrMode {
    /// Either.
    #[default]
    Any,
    /// It must not: `Exists`.
    Create,
    /// It must: `NoAttribute`.
    Replace,
}

/// Something about a filesystem that has a limit, or is so or is not (1 or 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Limit {
    /// Names of one file.
    Links,
    /// Bytes of a name.
    NameBytes,
    /// Bytes of the target of a symbolic link; 0 without them.
    TargetBytes,
    /// Bits that a size has, its sign included.
    SizeBits,
    /// Bytes of an extended attribute, name and value together; 0 without them.
    XattrBytes,
    /// Bytes in which space is given to files.
    AllocationBytes,
    /// Whether names that differ in case are different.
    CaseSensitive,
    /// Whether a name is kept as it was written.
    CasePreserving,
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

bitflags::bitflags! {
    /// How space is set aside; the numbers are those of XNU.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct AllocateFlags: u8 {
        /// Each piece of the range that had no space gets one run of the device.
        const CONTIGUOUS = 1 << 1;
        /// All of the range, or nothing for lack of space.
        const ALL = 1 << 2;
        /// What lies behind the end of the file stays when nobody has it open any more.
        const PERSIST = 1 << 3;
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for AllocateFlags {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "AllocateFlags({=u8:#06b})", self.bits());
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Access {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Access({=u8:#04b})", self.bits());
    }
}
