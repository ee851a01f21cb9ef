//! Bytes on the medium, and what they mean.
//!
//! **What it is.** One file for each on-disk structure: its table, a type in the processor's terms,
//! `decode`, `encode` and `check`. The specification around the tables is `docs/format.md`; a test
//! holds both equal.
//!
//! **Rules.**
//! 1. No I/O, no state, no policy.
//! 2. What decodes keeps every rule of its table; nobody above checks them again.
//! 3. What encodes can be decoded: `encode` runs the same `check`.
//! 4. No bytes, however hostile, make anything here panic, loop or recurse.
//! 5. All integers are little-endian; reserved bytes are zero, and refused otherwise.
//! 6. A checksum covers everything of its structure but itself, and is seeded with its place.
//! 7. Changing the golden bytes of a test is changing the version of the format.
//!
//! **After a power cut.** A structure that was being programmed fails its checksum. What that means
//! is decided by the rooms above.
//!
//! **Cost.** Every decoding is one pass over the bytes of its structure. No RAM but the result.

mod codec;

pub mod anchor;
pub mod change;
pub mod checksum;
pub mod directory;
pub mod dirent;
pub mod extent;
pub mod group;
pub mod inline;
pub mod inode;
pub mod intent;
pub mod key;
pub mod name;
pub mod owner;
pub mod page;
pub mod patch;
pub mod pointer;
pub mod record;
pub mod scalars;
pub mod superblock;
pub mod symlink;
pub mod tail;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "a test")]
mod testing;
pub mod wear;
pub mod xattr;
