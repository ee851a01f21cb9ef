//! A tail item: bytes at the end of a content that do not fill an append unit.
//!
//! Its value is 1 to 448 bytes of the content, those from the offset of the key on. The items of a
//! content lie side by side: they hold the bytes from the last multiple of the append unit, or a
//! later place, to `valid`, and there are at most 8 of them. What they hold counts, whatever an
//! extent says about the same bytes. Key: (data object, `TAIL`, first byte).

use super::key::{Key, Kind};
use crate::units::ObjectId;

/// Longest value of an item.
pub const BYTES_MAX: usize = 448;
/// Most items that a content has.
pub const FRAGMENTS_MAX: usize = 8;

const _: () = assert!(BYTES_MAX <= super::page::VALUE_MAX);

/// The key of the bytes of `data` from `offset` on.
#[must_use]
pub const fn key(data: ObjectId, offset: u64) -> Key {
    Key::new(data, Kind::TAIL, offset)
}
