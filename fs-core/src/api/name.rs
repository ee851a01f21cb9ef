//! A buffer that holds one name.

use crate::error::{Error, Result};

/// Bytes of the longest name any volume allows.
pub const NAME_BYTES_MAX: usize = 255;

/// Room for one name of at most [`NAME_BYTES_MAX`] bytes.
#[derive(Clone)]
pub struct NameBuf {
    bytes: [u8; NAME_BYTES_MAX],
    length: u8,
}

impl NameBuf {
    /// An empty name.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; NAME_BYTES_MAX], length: 0 }
    }

    /// The bytes of the name.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The name as text; `None` when it is not UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(self.as_bytes()).ok()
    }

    /// Holds `name` from now on.
    ///
    /// # Errors
    /// [`Error::NameTooLong`], and the buffer is unchanged.
    pub fn set(&mut self, name: &[u8]) -> Result<()> {
        let length = u8::try_from(name.len()).map_err(|_| Error::NameTooLong)?;
        let target = self.bytes.get_mut(..name.len()).ok_or(Error::NameTooLong)?;
        target.copy_from_slice(name);
        self.length = length;
        Ok(())
    }

    /// Holds the empty name.
    pub const fn clear(&mut self) {
        self.length = 0;
    }
}

impl Default for NameBuf {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for NameBuf {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for NameBuf {}

impl core::fmt::Debug for NameBuf {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Shows bytes that are not UTF-8 as escapes.
impl core::fmt::Display for NameBuf {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for chunk in self.as_bytes().utf8_chunks() {
            f.write_str(chunk.valid())?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{NAME_BYTES_MAX, NameBuf};
    use crate::error::Error;
    use std::string::ToString;

    #[test]
    fn holds_the_longest_name_and_refuses_a_longer_one() {
        let mut name = NameBuf::new();
        assert_eq!(name.set(&[b'n'; NAME_BYTES_MAX]), Ok(()));
        assert_eq!(name.set(&[b'm'; NAME_BYTES_MAX + 1]), Err(Error::NameTooLong));
        assert_eq!(name.as_bytes(), [b'n'; NAME_BYTES_MAX]);
        assert_eq!(name.set(b"short"), Ok(()));
        assert_eq!(name.as_str(), Some("short"));
    }

    #[test]
    fn shows_bytes_that_are_no_text() {
        let mut name = NameBuf::new();
        assert_eq!(name.set(b"a\xffb"), Ok(()));
        assert_eq!((name.as_str(), name.to_string().as_str()), (None, "a\\xffb"));
    }
}
