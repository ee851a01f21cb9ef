//! A name: what a directory entry is called.
//!
//! 1 to 255 bytes (or fewer, see `name_max` of the superblock) without `/` and NUL, neither `.` nor
//! `..`; compared byte for byte.

use crate::error::Malformed;
use siphasher::sip::SipHasher13;

/// Longest name, in bytes.
pub const BYTES_MAX: usize = 255;

/// Bytes that keep the rules of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// `bytes`, as a name.
    ///
    /// # Errors
    /// The bytes break a rule.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let allowed = !bytes.iter().any(|byte| matches!(byte, 0 | b'/'));
        match bytes {
            b"" | b"." | b".." => Err(Malformed::Field("name")),
            _ if allowed && bytes.len() <= BYTES_MAX => Ok(Self(bytes)),
            _ => Err(Malformed::Field("name")),
        }
    }

    /// The bytes of the name.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The hash that places the name in its directory: the low 55 bits of SipHash-1-3.
    #[must_use]
    pub fn hash(self, seed: &[u8; 16]) -> u64 {
        SipHasher13::new_with_key(seed).hash(self.0) & ((1 << 55) - 1)
    }
}
