//! Why a card refused or failed.

use super::{ErrorToken, R1, Status};
use embedded_hal::spi;
use fs_core::error::{DeviceError, ErrorKind};

/// Why a card, or the way to it, refused or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SdError {
    /// The range is not inside the card. The card was not asked.
    OutOfBounds,
    /// The range is not made of whole sectors. The card was not asked.
    NotAligned,
    /// The SPI failed.
    Bus(spi::ErrorKind),
    /// The pin of chip select failed.
    Select,
    /// No card, or none that answers; or there was one, and it is gone or has lost its power. Only
    /// opening helps.
    Removed,
    /// The card that answers is not the one that was open.
    OtherCard,
    /// A card that this driver does not know: not SD, not for 3.3 V, of an unknown structure, or
    /// too large for sector numbers of 32 bits.
    Unsupported,
    /// Command `index` had no answer.
    NoAnswer {
        /// The number of the command.
        index: u8,
    },
    /// The card refused command `index`.
    Refused {
        /// The number of the command.
        index: u8,
        /// Its answer.
        r1: R1,
    },
    /// A block or a register arrived damaged.
    Damaged,
    /// Something came where a block or an answer to one should have been.
    Garbled(u8),
    /// The card did not send the block.
    NotSent(ErrorToken),
    /// A block arrived damaged at the card.
    NotAccepted,
    /// The card could not write a block.
    NotWritten,
    /// The status after a write or an erase.
    Status(Status),
    /// The card did not get ready in time.
    Busy,
    /// No block came in time.
    Late,
    /// The card is write-protected. It was not asked.
    WriteProtected,
}

impl SdError {
    /// Whether the same request may succeed at once: something was lost or damaged on its way.
    #[must_use]
    pub const fn is_noise(self) -> bool {
        match self {
            Self::Bus(_)
            | Self::NoAnswer { .. }
            | Self::Damaged
            | Self::Garbled(_)
            | Self::NotAccepted => true,
            Self::Refused { r1, .. } => r1.is_crc_error(),
            _ => false,
        }
    }
}

impl DeviceError for SdError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OutOfBounds => ErrorKind::OutOfBounds,
            Self::NotAligned => ErrorKind::NotAligned,
            Self::Removed | Self::OtherCard => ErrorKind::Removed,
            Self::Unsupported => ErrorKind::Unsupported,
            Self::WriteProtected => ErrorKind::WriteProtected,
            Self::NotSent(token) if token.is_ecc_failed() => ErrorKind::Uncorrectable,
            Self::Status(status) if status.is_protection_violated() => ErrorKind::WriteProtected,
            Self::NotWritten | Self::Status(_) => ErrorKind::Medium,
            _ => ErrorKind::Transport,
        }
    }
}

impl core::fmt::Display for SdError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OtherCard => write!(f, "another card"),
            Self::Bus(kind) => write!(f, "spi failed: {kind}"),
            Self::Select => write!(f, "chip select failed"),
            Self::NoAnswer { index } => write!(f, "no answer to command {index}"),
            Self::Refused { index, r1 } => {
                write!(f, "command {index} refused: {:#04x}", r1.byte())
            }
            Self::Damaged => write!(f, "damaged on its way to the host"),
            Self::NotAccepted => write!(f, "damaged on its way to the card"),
            Self::Garbled(byte) => write!(f, "unexpected byte {byte:#04x}"),
            Self::NotSent(token) => write!(f, "block not sent: {:#04x}", token.byte()),
            Self::NotWritten => write!(f, "block not written"),
            Self::Status(status) => {
                write!(f, "status {:#04x} {:#04x}", status.r1.byte(), status.flags)
            }
            Self::Busy => write!(f, "busy for too long"),
            Self::Late => write!(f, "no block in time"),
            _ => write!(f, "{}", self.kind()),
        }
    }
}

impl core::error::Error for SdError {}

/// By hand: the error kinds of `embedded-hal` have no format of their own here.
#[cfg(feature = "defmt")]
#[allow(clippy::match_same_arms, reason = "the texts differ; the lint sees none of them")]
impl defmt::Format for SdError {
    fn format(&self, formatter: defmt::Formatter<'_>) {
        match self {
            Self::NoAnswer { index } => defmt::write!(formatter, "no answer to {=u8}", *index),
            Self::Refused { index, r1 } => {
                defmt::write!(formatter, "{=u8} refused: {=u8:#x}", *index, r1.byte());
            }
            Self::Garbled(byte) => defmt::write!(formatter, "unexpected {=u8:#x}", *byte),
            Self::NotSent(token) => defmt::write!(formatter, "not sent: {=u8:#x}", token.byte()),
            Self::Status(status) => defmt::write!(formatter, "{}", status),
            Self::Bus(_) => defmt::write!(formatter, "spi failed"),
            Self::Damaged => defmt::write!(formatter, "damaged"),
            Self::NotAccepted => defmt::write!(formatter, "not accepted"),
            Self::NotWritten => defmt::write!(formatter, "not written"),
            Self::OtherCard => defmt::write!(formatter, "another card"),
            Self::Late => defmt::write!(formatter, "no block in time"),
            Self::Busy => defmt::write!(formatter, "busy for too long"),
            other => defmt::write!(formatter, "{}", other.kind()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DeviceError, ErrorKind, ErrorToken, R1, SdError, Status};

    #[test]
    fn an_error_is_what_the_filesystem_must_take_it_for() {
        let token = |byte| SdError::NotSent(ErrorToken::decode(byte).unwrap());
        let status = |flags| SdError::Status(Status { r1: R1::READY, flags });
        let table = [
            (SdError::OutOfBounds, ErrorKind::OutOfBounds),
            (SdError::NotAligned, ErrorKind::NotAligned),
            (SdError::Removed, ErrorKind::Removed),
            (SdError::OtherCard, ErrorKind::Removed),
            (SdError::Unsupported, ErrorKind::Unsupported),
            (SdError::WriteProtected, ErrorKind::WriteProtected),
            (token(0x04), ErrorKind::Uncorrectable),
            // A controller that failed says nothing about what is stored.
            (token(0x02), ErrorKind::Transport),
            (SdError::Damaged, ErrorKind::Transport),
            (SdError::Late, ErrorKind::Transport),
            (SdError::NotWritten, ErrorKind::Medium),
            (status(0x04), ErrorKind::Medium),
            (status(0x20), ErrorKind::WriteProtected),
        ];
        for (error, kind) in table {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }

    #[test]
    fn only_what_was_lost_on_its_way_is_asked_again() {
        let refused = |byte| SdError::Refused { index: 17, r1: R1::decode(byte).unwrap() };
        assert!(refused(0x08).is_noise() && SdError::Damaged.is_noise());
        assert!(!refused(0x40).is_noise() && !SdError::NotWritten.is_noise());
        assert!(!SdError::Busy.is_noise() && !SdError::Removed.is_noise());
    }
}
