//! An inline item: the whole content of a small file.
//!
//! Its value is the content itself: bytes 0 to `valid` of the file, 1 to 448 of them. An absent
//! item means no content. Key: (data object, `INLINE`, 0).

use super::key::{Key, Kind};
use crate::units::ObjectId;

/// Longest content that an item holds.
pub const BYTES_MAX: usize = 448;

const _: () = assert!(BYTES_MAX <= super::page::VALUE_MAX);

/// The key of the content of `data`.
#[must_use]
pub const fn key(data: ObjectId) -> Key {
    Key::new(data, Kind::INLINE, 0)
}
