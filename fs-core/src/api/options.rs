//! How to format, mount and open.

use super::Access;
use crate::error::{Error, Result};
use crate::units::Time;

/// Bytes of the longest volume label.
pub const LABEL_BYTES_MAX: usize = 32;

/// Parameters that become part of a volume when it is formatted.
///
/// Give every volume its own `uuid` and an unpredictable `hash_seed`; the defaults are zero:
/// `FormatOptions { uuid, hash_seed, ..FormatOptions::default() }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FormatOptions {
    /// Identity of the volume: every checksum on it is seeded with this.
    pub uuid: [u8; 16],
    /// Key of the hash of names: whoever knows it can choose names that collide.
    pub hash_seed: [u8; 16],
    /// A name for people, UTF-8, padded with zeros.
    pub label: [u8; LABEL_BYTES_MAX],
    /// Bytes of the longest name, 1 to 255.
    pub name_max: u16,
    /// Bytes of changes kept in RAM before they reach the tree; a reader must lend as much.
    pub pending_bytes_max: u16,
    /// Blocks that the live journal may span, 2 to 4 in this version: bounds the time of a mount.
    pub journal_blocks_max: u8,
}

impl FormatOptions {
    /// The same options with a label.
    ///
    /// # Errors
    /// [`Error::NameTooLong`] beyond [`LABEL_BYTES_MAX`] bytes.
    pub fn labelled(mut self, label: &str) -> Result<Self> {
        self.label = [0; LABEL_BYTES_MAX];
        let target = self.label.get_mut(..label.len()).ok_or(Error::NameTooLong)?;
        target.copy_from_slice(label.as_bytes());
        Ok(self)
    }
}

impl Default for FormatOptions {
    fn default() -> Self {
        Self {
            uuid: [0; 16],
            hash_seed: [0; 16],
            label: [0; LABEL_BYTES_MAX],
            name_max: 255,
            pending_bytes_max: 2048,
            journal_blocks_max: 4,
        }
    }
}

/// How to mount a volume.
#[derive(Debug, Clone, Copy)]
pub struct MountOptions {
    /// Write nothing at all, not even what an unclean stop calls for.
    pub read_only: bool,
    /// The time now; called once for each change. Must not use the volume.
    pub clock: fn() -> Time,
    /// Erase the smallest unit only, never several blocks with one command: no call waits for a
    /// long erase, and everything that is written costs more of the short ones.
    pub low_latency: bool,
}

impl Default for MountOptions {
    fn default() -> Self {
        Self { read_only: false, clock: || Time::UNKNOWN, low_latency: false }
    }
}

/// How to open a file: `OpenOptions::new().write().create()`, or [`OpenOptions::READ`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OpenOptions {
    flags: u8,
}

impl OpenOptions {
    const R: u8 = Access::READ.bits();
    const W: u8 = Access::WRITE.bits();
    const CREATE: u8 = 1 << 2;
    const CREATE_NEW: u8 = 1 << 3;
    const TRUNCATE: u8 = 1 << 4;
    const APPEND: u8 = 1 << 5;

    /// To read an existing file.
    pub const READ: Self = Self { flags: Self::R };

    /// No access yet: add to it.
    #[must_use]
    pub const fn new() -> Self {
        Self { flags: 0 }
    }

    /// The content may be read.
    #[must_use]
    pub const fn read(self) -> Self {
        self.with(Self::R)
    }

    /// The content and the size may be changed.
    #[must_use]
    pub const fn write(self) -> Self {
        self.with(Self::W)
    }

    /// An absent file is created. Needs `write`.
    #[must_use]
    pub const fn create(self) -> Self {
        self.with(Self::CREATE)
    }

    /// The file is created, and an existing one is an error. Needs `write`.
    #[must_use]
    pub const fn create_new(self) -> Self {
        self.with(Self::CREATE | Self::CREATE_NEW)
    }

    /// The content is empty at first; the old one goes when the file is committed. Needs `write`.
    #[must_use]
    pub const fn truncate(self) -> Self {
        self.with(Self::TRUNCATE)
    }

    /// Every write goes to the end of the file, whatever its offset. Implies `write`.
    #[must_use]
    pub const fn append(self) -> Self {
        self.with(Self::APPEND | Self::W)
    }

    /// What the open file may be used for.
    #[must_use]
    pub const fn access(self) -> Access {
        Access::from_bits_truncate(self.flags)
    }

    /// Whether an absent file is created.
    #[must_use]
    pub const fn creates(self) -> bool {
        self.flags & Self::CREATE != 0
    }

    /// Whether an existing file is an error.
    #[must_use]
    pub const fn creates_only(self) -> bool {
        self.flags & Self::CREATE_NEW != 0
    }

    /// Whether the content is empty at first.
    #[must_use]
    pub const fn truncates(self) -> bool {
        self.flags & Self::TRUNCATE != 0
    }

    /// Whether writes go to the end.
    #[must_use]
    pub const fn appends(self) -> bool {
        self.flags & Self::APPEND != 0
    }

    /// Refuses combinations that mean nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] without any access, or when a file would be changed without `write`.
    pub const fn check(self) -> Result<()> {
        let changes = self.flags & (Self::CREATE | Self::CREATE_NEW | Self::TRUNCATE) != 0;
        let writes = self.flags & Self::W != 0;
        if self.access().is_empty() || (changes && !writes) {
            return Err(Error::Invalid);
        }
        Ok(())
    }

    const fn with(self, flags: u8) -> Self {
        Self { flags: self.flags | flags }
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, FormatOptions, OpenOptions};
    use crate::error::Error;

    #[test]
    fn options_that_mean_nothing_are_refused() {
        let read = OpenOptions::new().read();
        for bad in [OpenOptions::new(), read.create(), read.truncate(), read.create_new()] {
            assert_eq!(bad.check(), Err(Error::Invalid));
        }
        let write = OpenOptions::new().write();
        for good in [read, write.create_new(), write.truncate(), OpenOptions::new().append()] {
            assert_eq!(good.check(), Ok(()));
        }
        assert_eq!(OpenOptions::new().append().access(), Access::WRITE);
    }

    #[test]
    fn a_label_is_padded_and_bounded() {
        let options = FormatOptions::default().labelled("log").unwrap_or_default();
        assert_eq!(&options.label[..4], b"log\0");
        let long = "123456789012345678901234567890123";
        assert_eq!(FormatOptions::default().labelled(long), Err(Error::NameTooLong));
    }
}
