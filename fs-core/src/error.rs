//! The one error type of the stack, and its mapping to POSIX error names.
//!
//! | layer that fails | what it returns |
//! | --- | --- |
//! | `format` | [`Malformed`]: the bytes break a rule; it does not know where they came from |
//! | `media` | turns [`Malformed`] into [`Error::Corrupt`] by adding the block it read |
//! | `device` | its own error, which gives an [`ErrorKind`]; above it is [`Error::Device`] |
//! | above | one of the variants of [`Error`] |

mod named;

use crate::units::BlockNo;

pub use named::{Field, Finding};

/// Result of every fallible operation above the device.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// What kind of failure a device reports. Details stay with the driver, which logs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ErrorKind {
    /// The range is not inside the device.
    OutOfBounds,
    /// Position or length is not a multiple of the unit of that operation.
    NotAligned,
    /// The medium answered that the data cannot be read back. At the end of a log this means torn.
    Uncorrectable,
    /// The medium did not carry out a program or an erase.
    Medium,
    /// The link to the device failed; the same request may succeed later.
    Transport,
    /// The medium is gone: removed, or without power.
    Removed,
    /// The medium refuses to be changed.
    WriteProtected,
    /// The device cannot do this.
    Unsupported,
}

/// A driver's own error, reducible to a kind that the filesystem understands.
pub trait DeviceError: core::fmt::Debug {
    /// The kind of this error.
    fn kind(&self) -> ErrorKind;
}

impl DeviceError for ErrorKind {
    fn kind(&self) -> ErrorKind {
        *self
    }
}

impl DeviceError for core::convert::Infallible {
    fn kind(&self) -> ErrorKind {
        match *self {}
    }
}

/// Why an operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// No entry of that name.
    NotFound,
    /// An entry of that name exists already.
    Exists,
    /// The operation needs a directory and met something else.
    NotADirectory,
    /// The operation needs a file and met a directory.
    IsADirectory,
    /// The directory has entries.
    NotEmpty,
    /// A directory would become part of itself.
    WouldLoop,
    /// Directories are nested deeper than the volume allows.
    TooDeep,
    /// More symbolic links lead to one another than a path may follow, or a link is met where none
    /// is followed.
    LinkLoop,
    /// The file has as many names as it can have.
    TooManyNames,
    /// No attribute of that name.
    NoAttribute,
    /// The name is longer than the volume allows.
    NameTooLong,
    /// The name or the argument is not allowed.
    Invalid,
    /// The file, or the attribute, would be larger than this version can store.
    TooLarge,
    /// The volume needs more RAM than was lent to it; `needs` says how many bytes of arena.
    TooBig {
        /// Bytes of arena that the volume was formatted for.
        needs: u16,
    },
    /// What was asked for does not fit the buffer.
    BufferTooSmall,
    /// The changes do not fit into one transaction.
    TooManyChanges,
    /// 256 names of this directory, or of this file's attributes, have the hash of this name.
    NamesCollide,
    /// No free block is left beyond the reserve that removing needs.
    NoSpace,
    /// Every draft buffer holds uncommitted data: sync or close a file first.
    NoDraft,
    /// The uncommitted content of a file is too scattered for one transaction: sync it first.
    DraftTooBig,
    /// Every file slot is in use: close a file first.
    NoSlot,
    /// The volume is in use by an operation further up the same stack.
    Busy,
    /// The handle's file is gone, or the handle belongs to another volume.
    Stale,
    /// The handle was not opened for this.
    BadAccess,
    /// The volume is mounted read-only, or has become so after a failure.
    ReadOnly,
    /// This filesystem does not offer the operation.
    NotSupported,
    /// The device holds no Vellum volume.
    NotFormatted,
    /// The volume uses features that this version does not know.
    UnknownFeatures,
    /// Device and volume do not fit: smaller device, larger program unit, other erase unit.
    Geometry,
    /// The device failed to carry out a transfer.
    Device(ErrorKind),
    /// A block holds something a correct filesystem never writes.
    Corrupt {
        /// Where it was read.
        block: BlockNo,
        /// Which rule it breaks.
        rule: Malformed,
    },
    /// The stack broke a rule of its own. The volume stops writing; what was acknowledged is safe.
    Bug,
}

/// The rule that a piece of on-disk data breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Malformed {
    /// The magic number is another one's.
    Magic,
    /// The stored checksum is not the computed one.
    Checksum,
    /// The structure ends before it is complete.
    Truncated,
    /// Items, keys or levels are not in their order.
    Order,
    /// The field is outside its allowed range.
    Field(Field),
    /// Structures that are each in order contradict one another.
    Finding(Finding),
}

/// POSIX error names. Their numbers differ between systems, so a port supplies the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(missing_docs, reason = "defined by POSIX")]
pub enum Errno {
    E2BIG,
    EBADF,
    EBUSY,
    EEXIST,
    EFBIG,
    EINVAL,
    EIO,
    EISDIR,
    ELOOP,
    EMLINK,
    ENAMETOOLONG,
    ENFILE,
    ENOATTR,
    ENODEV,
    ENOENT,
    ENOMEM,
    ENOSPC,
    ENOTDIR,
    ENOTEMPTY,
    ENOTSUP,
    ENXIO,
    ERANGE,
    EROFS,
    ESTALE,
    EUCLEAN,
}

/// Adds the block that was read to a broken rule.
pub const fn corrupt(block: BlockNo) -> impl Fn(Malformed) -> Error + Copy {
    move |rule| Error::Corrupt { block, rule }
}

impl Error {
    /// The POSIX name of this error.
    #[must_use]
    pub const fn errno(self) -> Errno {
        match self {
            Self::NotFound => Errno::ENOENT,
            Self::Exists => Errno::EEXIST,
            Self::NotADirectory => Errno::ENOTDIR,
            Self::IsADirectory => Errno::EISDIR,
            Self::NotEmpty => Errno::ENOTEMPTY,
            Self::WouldLoop | Self::Invalid | Self::Geometry => Errno::EINVAL,
            Self::TooDeep | Self::LinkLoop => Errno::ELOOP,
            Self::TooManyNames => Errno::EMLINK,
            Self::NoAttribute => Errno::ENOATTR,
            Self::NameTooLong => Errno::ENAMETOOLONG,
            Self::TooLarge => Errno::EFBIG,
            Self::TooBig { .. } | Self::NoDraft | Self::DraftTooBig => Errno::ENOMEM,
            Self::BufferTooSmall => Errno::ERANGE,
            Self::TooManyChanges => Errno::E2BIG,
            Self::NoSpace | Self::NamesCollide => Errno::ENOSPC,
            Self::NoSlot => Errno::ENFILE,
            Self::Busy => Errno::EBUSY,
            Self::Stale => Errno::ESTALE,
            Self::BadAccess => Errno::EBADF,
            Self::ReadOnly | Self::Device(ErrorKind::WriteProtected) => Errno::EROFS,
            Self::NotSupported | Self::UnknownFeatures => Errno::ENOTSUP,
            Self::NotFormatted => Errno::ENODEV,
            Self::Device(ErrorKind::Removed) => Errno::ENXIO,
            Self::Device(_) | Self::Bug => Errno::EIO,
            Self::Corrupt { .. } => Errno::EUCLEAN,
        }
    }
}

impl Errno {
    /// The number Linux gives this name.
    #[must_use]
    pub const fn linux(self) -> i32 {
        match self {
            Self::ENOENT => 2,
            Self::EIO => 5,
            Self::ENXIO => 6,
            Self::E2BIG => 7,
            Self::EBADF => 9,
            Self::ENOMEM => 12,
            Self::EBUSY => 16,
            Self::EEXIST => 17,
            Self::ENODEV => 19,
            Self::ENOTDIR => 20,
            Self::EISDIR => 21,
            Self::EINVAL => 22,
            Self::ENFILE => 23,
            Self::EFBIG => 27,
            Self::ENOSPC => 28,
            Self::EROFS => 30,
            Self::EMLINK => 31,
            Self::ERANGE => 34,
            Self::ENAMETOOLONG => 36,
            Self::ENOTEMPTY => 39,
            Self::ELOOP => 40,
            Self::ENOATTR => 61,
            Self::ENOTSUP => 95,
            Self::ESTALE => 116,
            Self::EUCLEAN => 117,
        }
    }
}

impl core::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::OutOfBounds => "outside the device",
            Self::NotAligned => "not aligned to the device's unit",
            Self::Uncorrectable => "data cannot be read back",
            Self::Medium => "the medium refused a program or an erase",
            Self::Transport => "the link to the device failed",
            Self::Removed => "the medium is gone",
            Self::WriteProtected => "the medium is write protected",
            Self::Unsupported => "the device cannot do this",
        })
    }
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Magic => f.write_str("wrong magic number"),
            Self::Checksum => f.write_str("wrong checksum"),
            Self::Truncated => f.write_str("incomplete structure"),
            Self::Order => f.write_str("wrong order"),
            Self::Field(field) => write!(f, "{field} out of range"),
            Self::Finding(finding) => write!(f, "{finding}"),
        }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such file or directory",
            Self::Exists => "file exists",
            Self::NotADirectory => "not a directory",
            Self::IsADirectory => "is a directory",
            Self::NotEmpty => "directory not empty",
            Self::WouldLoop => "a directory cannot be moved into itself",
            Self::TooDeep => "directories nested too deeply",
            Self::LinkLoop => "too many symbolic links",
            Self::TooManyNames => "too many names of one file",
            Self::NoAttribute => "no such attribute",
            Self::NameTooLong => "name too long",
            Self::Invalid => "invalid argument or name",
            Self::TooLarge => "file too large for this version",
            Self::TooBig { needs } => {
                return write!(f, "the volume needs {needs} bytes of arena; lend it more memory");
            }
            Self::BufferTooSmall => "buffer too small",
            Self::TooManyChanges => "too many changes for one transaction",
            Self::NamesCollide => "too many names of one hash",
            Self::NoSpace => "no space left on device",
            Self::NoDraft => "all draft buffers hold uncommitted data; sync or close a file",
            Self::DraftTooBig => "too much uncommitted content in one file; sync it",
            Self::NoSlot => "all file slots are in use; close a file",
            Self::Busy => "volume in use by an operation further up the stack",
            Self::Stale => "stale handle",
            Self::BadAccess => "handle not opened for this",
            Self::ReadOnly => "read-only volume",
            Self::NotSupported => "operation not supported",
            Self::NotFormatted => "no Vellum volume; format the device first",
            Self::UnknownFeatures => "the volume uses features this version does not know",
            Self::Geometry => "the device does not fit the volume",
            Self::Device(kind) => return write!(f, "device error: {kind}"),
            Self::Corrupt { block, rule } => return write!(f, "corrupt block {}: {rule}", block.0),
            Self::Bug => "internal error; the volume is read-only now",
        })
    }
}

impl core::error::Error for ErrorKind {}
impl core::error::Error for Malformed {}
impl core::error::Error for Error {}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::Device(kind)
    }
}

// A result without a value is returned in two registers of a 32-bit processor: every `?` is short.
const _: () = assert!(size_of::<Result<()>>() <= 8);

#[cfg(test)]
mod tests {
    use super::{Errno, Error, ErrorKind, Field, Malformed};
    use crate::units::BlockNo;
    use std::string::ToString;

    #[test]
    fn names_the_block_and_the_rule() {
        let error = Error::Corrupt { block: BlockNo(17), rule: Malformed::Field(Field::Root) };
        assert_eq!(error.to_string(), "corrupt block 17: root out of range");
    }

    #[test]
    fn maps_to_posix_names_and_linux_numbers() {
        let table = [
            (Error::NotFound, Errno::ENOENT, 2),
            (Error::NotEmpty, Errno::ENOTEMPTY, 39),
            (Error::NameTooLong, Errno::ENAMETOOLONG, 36),
            (Error::TooDeep, Errno::ELOOP, 40),
            (Error::LinkLoop, Errno::ELOOP, 40),
            (Error::TooManyNames, Errno::EMLINK, 31),
            (Error::NoAttribute, Errno::ENOATTR, 61),
            (Error::BufferTooSmall, Errno::ERANGE, 34),
            (Error::TooManyChanges, Errno::E2BIG, 7),
            (Error::NamesCollide, Errno::ENOSPC, 28),
            (Error::NoSpace, Errno::ENOSPC, 28),
            (Error::Stale, Errno::ESTALE, 116),
            (Error::Device(ErrorKind::Transport), Errno::EIO, 5),
            (Error::Device(ErrorKind::Removed), Errno::ENXIO, 6),
            (Error::Device(ErrorKind::WriteProtected), Errno::EROFS, 30),
        ];
        for (error, name, number) in table {
            assert_eq!((error.errno(), error.errno().linux()), (name, number), "{error}");
        }
    }
}
