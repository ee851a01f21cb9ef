//! Why a chip refused or failed.

use super::SfdpError;
use super::chip::Id;
use embedded_hal::spi;
use fs_core::error::{DeviceError, ErrorKind};

/// Why a chip, or the way to it, refused or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpiNorError {
    /// The range is not inside the chip. The chip was not asked.
    OutOfBounds,
    /// The range is not made of whole erase units. The chip was not asked.
    NotAligned,
    /// The SPI failed.
    Bus(spi::ErrorKind),
    /// The driver is not open.
    Closed,
    /// Nothing answers.
    NoChip,
    /// It answered differently when it was asked again: the link is not sound.
    Garbled,
    /// A chip without SFDP whose id is not known here.
    Unknown(Id),
    /// Its SFDP makes no sense, or says something that this driver cannot do.
    Sfdp(SfdpError),
    /// It was not ready in the time that it needs at most.
    Busy,
    /// It did not take a write enable.
    NotEnabled,
    /// It did not do what it was told, without a word.
    Ignored,
    /// It says that the program or the erase failed.
    Failed,
    /// The place is protected, or the protection could not be taken away.
    Protected,
}

impl SpiNorError {
    /// Whether the same request may succeed at once: something was lost on its way.
    #[must_use]
    pub const fn is_noise(self) -> bool {
        matches!(self, Self::Bus(_) | Self::Garbled | Self::NotEnabled)
    }
}

impl DeviceError for SpiNorError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OutOfBounds => ErrorKind::OutOfBounds,
            Self::NotAligned => ErrorKind::NotAligned,
            Self::Closed => ErrorKind::Removed,
            Self::Unknown(_) | Self::Sfdp(_) => ErrorKind::Unsupported,
            Self::Protected => ErrorKind::WriteProtected,
            Self::Ignored | Self::Failed => ErrorKind::Medium,
            _ => ErrorKind::Transport,
        }
    }
}

impl core::fmt::Display for SpiNorError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Bus(kind) => write!(f, "spi failed: {kind}"),
            Self::Closed => write!(f, "not open"),
            Self::NoChip => write!(f, "no chip answers"),
            Self::Garbled => write!(f, "answers differ"),
            Self::Unknown(Id([a, b, c])) => write!(f, "unknown chip {a:02x} {b:02x} {c:02x}"),
            Self::Sfdp(error) => write!(f, "sfdp: {error}"),
            Self::Busy => write!(f, "busy for too long"),
            Self::NotEnabled => write!(f, "write enable not taken"),
            Self::Ignored => write!(f, "command not carried out"),
            Self::Failed => write!(f, "program or erase failed"),
            _ => write!(f, "{}", self.kind()),
        }
    }
}

impl core::error::Error for SpiNorError {}

/// By hand: the error kinds of `embedded-hal` have no format of their own here.
#[cfg(feature = "defmt")]
#[allow(clippy::match_same_arms, reason = "the texts differ; the lint sees none of them")]
impl defmt::Format for SpiNorError {
    fn format(&self, formatter: defmt::Formatter<'_>) {
        match self {
            Self::Bus(_) => defmt::write!(formatter, "spi failed"),
            Self::Unknown(id) => defmt::write!(formatter, "unknown {}", id),
            Self::Sfdp(error) => defmt::write!(formatter, "sfdp {}", error),
            Self::NoChip => defmt::write!(formatter, "no chip answers"),
            Self::Busy => defmt::write!(formatter, "busy for too long"),
            Self::NotEnabled => defmt::write!(formatter, "not enabled"),
            Self::Ignored => defmt::write!(formatter, "ignored"),
            other => defmt::write!(formatter, "{}", other.kind()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DeviceError, ErrorKind, Id, SfdpError, SpiNorError};

    #[test]
    fn an_error_is_what_the_filesystem_must_take_it_for() {
        let table = [
            (SpiNorError::OutOfBounds, ErrorKind::OutOfBounds),
            (SpiNorError::NotAligned, ErrorKind::NotAligned),
            (SpiNorError::Closed, ErrorKind::Removed),
            (SpiNorError::Unknown(Id([1, 2, 3])), ErrorKind::Unsupported),
            (SpiNorError::Sfdp(SfdpError::Density), ErrorKind::Unsupported),
            (SpiNorError::Protected, ErrorKind::WriteProtected),
            (SpiNorError::Failed, ErrorKind::Medium),
            (SpiNorError::Ignored, ErrorKind::Medium),
            // A chip that does not answer says nothing about what it holds.
            (SpiNorError::NoChip, ErrorKind::Transport),
            (SpiNorError::Busy, ErrorKind::Transport),
            (SpiNorError::NotEnabled, ErrorKind::Transport),
        ];
        for (error, kind) in table {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
}
