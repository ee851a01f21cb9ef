//! A symbolic link's item: the path that it leads to.
//!
//! Its value is the path itself, 1 to 448 bytes without NUL. Key: (data object, `SYMLINK`, 0).

use super::key::{Key, Kind};
use crate::units::ObjectId;

/// Longest target.
pub const BYTES_MAX: usize = 448;

const _: () = assert!(BYTES_MAX <= super::page::VALUE_MAX);

/// The key of the target of the link whose content `data` owns.
#[must_use]
pub const fn key(data: ObjectId) -> Key {
    Key::new(data, Kind::SYMLINK, 0)
}

/// Whether `target` can be the target of a link.
#[must_use]
pub fn is_target(target: &[u8]) -> bool {
    !target.is_empty() && target.len() <= BYTES_MAX && !target.contains(&0)
}
