//! The plain types that callers see: options, attributes, names, ids and reports.
//!
//! **What it is.** Values without behaviour, the same in both colours.
//!
//! **Rules.**
//! 1. Every type is `Copy` or a fixed buffer; none borrows from a volume.
//! 2. An id is a slot and a generation: it names one use of the slot and is stale for ever after.
//! 3. Options are built by `const` methods or by struct update from `Default`.
//!
//! **Cost.** A [`NameBuf`] is 256 bytes; everything else fits a few words.

mod id;
mod name;
mod node;
mod offload;
mod op;
mod options;
mod report;

pub use id::{Cookie, FileId, VnodeId};
pub use name::{NAME_BYTES_MAX, NameBuf};
pub use node::{
    Access, AllocateFlags, AttributeChange, Attributes, DirEntry, Limit, NodeKind, Owner,
    RenameMode, SyncLevel, XattrMode,
};
pub use offload::{Durability, MapFor, Mapping, OpId};
pub use op::Op;
pub use options::{FormatOptions, LABEL_BYTES_MAX, MountOptions, OpenOptions};
pub use report::{CheckReport, VolumeInfo};

use crate::error::{Error, ErrorKind};

/// The meaning of an error for code that is generic over `embedded_io`.
impl embedded_io::Error for Error {
    fn kind(&self) -> embedded_io::ErrorKind {
        use embedded_io::ErrorKind as Kind;
        match self {
            Self::NotFound | Self::NoAttribute => Kind::NotFound,
            Self::Exists => Kind::AlreadyExists,
            Self::BadAccess | Self::ReadOnly | Self::Device(ErrorKind::WriteProtected) => {
                Kind::PermissionDenied
            }
            Self::NotADirectory
            | Self::IsADirectory
            | Self::NotEmpty
            | Self::WouldLoop
            | Self::TooDeep
            | Self::LinkLoop
            | Self::TooManyNames
            | Self::BufferTooSmall
            | Self::TooManyChanges
            | Self::NameTooLong
            | Self::Invalid
            | Self::TooLarge
            | Self::Stale => Kind::InvalidInput,
            Self::Corrupt { .. }
            | Self::NotFormatted
            | Self::Geometry
            | Self::Device(ErrorKind::Uncorrectable) => Kind::InvalidData,
            Self::NotSupported | Self::UnknownFeatures | Self::Device(ErrorKind::Unsupported) => {
                Kind::Unsupported
            }
            Self::TooBig { .. }
            | Self::NoDraft
            | Self::DraftTooBig
            | Self::NoSlot
            | Self::NamesCollide
            | Self::NoSpace => Kind::OutOfMemory,
            Self::Busy | Self::Device(_) | Self::Bug => Kind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind};
    use embedded_io::Error as _;

    #[test]
    fn errors_keep_their_meaning_for_embedded_io() {
        let table = [
            (Error::NotFound, embedded_io::ErrorKind::NotFound),
            (Error::Exists, embedded_io::ErrorKind::AlreadyExists),
            (Error::ReadOnly, embedded_io::ErrorKind::PermissionDenied),
            (Error::Device(ErrorKind::Uncorrectable), embedded_io::ErrorKind::InvalidData),
            (Error::NotSupported, embedded_io::ErrorKind::Unsupported),
            (Error::Busy, embedded_io::ErrorKind::Other),
        ];
        for (error, kind) in table {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
}
