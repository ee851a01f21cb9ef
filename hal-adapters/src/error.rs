//! Why an adapter refused or failed.

use embedded_storage::nor_flash::{NorFlashError, NorFlashErrorKind};
use fs_core::error::{DeviceError, ErrorKind};

/// Why a NOR flash refused or failed.
///
/// Drivers say `Other` for everything but a wrong address, so the operation decides what it means
/// to the filesystem:
/// - a failed read is [`ErrorKind::Transport`]: the same request may succeed later. It is never
///   taken for a torn program, which would lose what lies behind it. A chip that reports
///   uncorrectable words needs an adapter that tells them from a failed link;
/// - a failed program or erase is [`ErrorKind::Medium`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NorError<E> {
    /// The range is not inside the flash. The flash was not asked.
    OutOfBounds,
    /// The range is not made of whole units. The flash was not asked.
    NotAligned,
    /// The flash failed to read.
    Read(E),
    /// The flash failed to program.
    Program(E),
    /// The flash failed to erase.
    Erase(E),
}

impl<E: NorFlashError> DeviceError for NorError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OutOfBounds => ErrorKind::OutOfBounds,
            Self::NotAligned => ErrorKind::NotAligned,
            Self::Read(error) => of(error, ErrorKind::Transport),
            Self::Program(error) | Self::Erase(error) => of(error, ErrorKind::Medium),
        }
    }
}

fn of(error: &impl NorFlashError, other: ErrorKind) -> ErrorKind {
    match error.kind() {
        NorFlashErrorKind::NotAligned => ErrorKind::NotAligned,
        NorFlashErrorKind::OutOfBounds => ErrorKind::OutOfBounds,
        _ => other,
    }
}

impl<E: NorFlashError> core::fmt::Display for NorError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OutOfBounds | Self::NotAligned => write!(f, "{}", self.kind()),
            Self::Read(error) => write!(f, "read failed: {error:?}"),
            Self::Program(error) => write!(f, "program failed: {error:?}"),
            Self::Erase(error) => write!(f, "erase failed: {error:?}"),
        }
    }
}

impl<E: NorFlashError> core::error::Error for NorError<E> {}

/// Why a storage of bytes refused or failed. A failed read says nothing about what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BytesError<E> {
    /// The range is not inside the storage. The storage was not asked.
    OutOfBounds,
    /// The range is not made of whole units. The storage was not asked.
    NotAligned,
    /// The storage failed to read.
    Read(E),
    /// The storage failed to write.
    Write(E),
}

impl<E: core::fmt::Debug> DeviceError for BytesError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OutOfBounds => ErrorKind::OutOfBounds,
            Self::NotAligned => ErrorKind::NotAligned,
            Self::Read(_) => ErrorKind::Transport,
            Self::Write(_) => ErrorKind::Medium,
        }
    }
}

/// Why a device that is offered as flash refused or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FlashError<E> {
    /// The range is not inside the flash. The device was not asked.
    OutOfBounds,
    /// The range is not made of whole units. The device was not asked.
    NotAligned,
    /// The device failed.
    Device(E),
    /// The device is in use by a call further out. The device was not asked.
    InUse,
}

impl<E: DeviceError> NorFlashError for FlashError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        let kind = match self {
            Self::OutOfBounds => return NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => return NorFlashErrorKind::NotAligned,
            Self::InUse => return NorFlashErrorKind::Other,
            Self::Device(error) => error.kind(),
        };
        match kind {
            ErrorKind::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            ErrorKind::NotAligned => NorFlashErrorKind::NotAligned,
            _ => NorFlashErrorKind::Other,
        }
    }
}

/// Why a file that is offered as flash refused or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FileError {
    /// The range is not inside the file, or the file has become shorter. It was not changed.
    OutOfBounds,
    /// The range is not made of whole units. The file was not changed.
    NotAligned,
    /// The filesystem refused or failed.
    File(fs_core::Error),
}

impl NorFlashError for FileError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::File(_) => NorFlashErrorKind::Other,
        }
    }
}

impl core::fmt::Display for FileError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OutOfBounds => write!(f, "not inside the file"),
            Self::NotAligned => write!(f, "not made of whole units"),
            Self::File(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for FileError {}

#[cfg(test)]
mod tests {
    use super::{DeviceError, ErrorKind, NorError, NorFlashErrorKind};

    #[test]
    fn other_means_what_the_operation_makes_of_it() {
        let table = [
            (NorError::Read(NorFlashErrorKind::Other), ErrorKind::Transport),
            (NorError::Program(NorFlashErrorKind::Other), ErrorKind::Medium),
            (NorError::Erase(NorFlashErrorKind::Other), ErrorKind::Medium),
            (NorError::Read(NorFlashErrorKind::OutOfBounds), ErrorKind::OutOfBounds),
            (NorError::Program(NorFlashErrorKind::NotAligned), ErrorKind::NotAligned),
            (NorError::OutOfBounds, ErrorKind::OutOfBounds),
            (NorError::NotAligned, ErrorKind::NotAligned),
        ];
        for (error, kind) in table {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
}
