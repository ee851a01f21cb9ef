//! A group item: what 256 neighbouring blocks are used for.
//!
//! | offset | size | field       | rule                                                         |
//! | -----: | ---: | ----------- | ------------------------------------------------------------ |
//! |      0 |   32 | `allocated` | one bit for each block, the lowest bit of byte 0 first       |
//! |     32 |   32 | `erased`    | likewise; no block is both allocated and erased              |
//! |     64 |   32 | `wear`      | 16 u16, one for each 16 blocks; 0 in this version            |
//!
//! Key: (SPACE, GROUP, number of the group). Group `g` is the blocks from 256 * g on. An absent
//! item means that all its blocks are free and none is erased.

use super::codec::{Bytes, covers};
use super::key::{Key, Kind, SPACE};
use crate::error::Malformed;
use crate::units::BlockNo;

/// Size on disk, in bytes.
pub const SIZE: usize = 96;
/// Blocks of a group.
pub const BLOCKS: u32 = 256;

type Allocated = Bytes<0, 32>;
type Erased = Bytes<32, 32>;
type Wear = Bytes<64, 32>;

const _: () = assert!(covers(&[Allocated::SPAN, Erased::SPAN, Wear::SPAN], SIZE));

/// A group item that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    allocated: [u8; 32],
    erased: [u8; 32],
    /// Erases of each 16 blocks; not counted in this version.
    pub wear: [u16; 16],
}

impl Group {
    /// What an absent item means: all free, none erased.
    pub const FREE: Self = Self { allocated: [0; 32], erased: [0; 32], wear: [0; 16] };

    /// The group of `block`.
    #[must_use]
    pub const fn number(block: BlockNo) -> u64 {
        (block.0 >> 8) as u64
    }

    /// The place of `block` in its group.
    #[must_use]
    pub const fn index(block: BlockNo) -> u8 {
        let [index, ..] = block.0.to_le_bytes();
        index
    }

    /// The key of the item of group `number`.
    #[must_use]
    pub const fn key(number: u64) -> Key {
        Key::new(SPACE, Kind::GROUP, number)
    }

    /// Decodes, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        let mut wear = [0; 16];
        let stored = Wear::get(record);
        for (wear, pair) in wear.iter_mut().zip(stored.chunks_exact(2)) {
            *wear = pair.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
        }
        let group = Self { allocated: Allocated::get(record), erased: Erased::get(record), wear };
        group.check()?;
        Ok(group)
    }

    /// Decodes the value of an item.
    ///
    /// # Errors
    /// The value has another length, or breaks a rule of the table.
    pub fn from_value(value: &[u8]) -> Result<Self, Malformed> {
        Self::decode(value.try_into().map_err(|_| Malformed::Field("group"))?)
    }

    /// Encodes. Whatever the methods of this type leave can be read back.
    #[must_use]
    pub fn encode(&self) -> [u8; SIZE] {
        let mut record = [0; SIZE];
        Allocated::put(&mut record, self.allocated);
        Erased::put(&mut record, self.erased);
        let mut wear = [0; 32];
        for (pair, wear) in wear.chunks_exact_mut(2).zip(&self.wear) {
            pair.copy_from_slice(&wear.to_le_bytes());
        }
        Wear::put(&mut record, wear);
        record
    }

    fn check(&self) -> Result<(), Malformed> {
        let both = self.allocated.iter().zip(&self.erased).any(|(a, b)| a & b != 0);
        if both { Err(Malformed::Field("erased")) } else { Ok(()) }
    }

    /// Whether block `index` of the group is in use.
    #[must_use]
    pub fn is_allocated(&self, index: u8) -> bool {
        bit(&self.allocated, index)
    }

    /// Whether block `index` of the group is erased, and therefore free.
    #[must_use]
    pub fn is_erased(&self, index: u8) -> bool {
        bit(&self.erased, index)
    }

    /// Calls block `index` in use, and not erased.
    pub fn set_allocated(&mut self, index: u8) {
        set_bit(&mut self.erased, index, false);
        set_bit(&mut self.allocated, index, true);
    }

    /// Calls block `index` free, and erased.
    pub fn set_erased(&mut self, index: u8) {
        set_bit(&mut self.allocated, index, false);
        set_bit(&mut self.erased, index, true);
    }

    /// Calls block `index` free, and not erased.
    pub fn set_free(&mut self, index: u8) {
        set_bit(&mut self.allocated, index, false);
        set_bit(&mut self.erased, index, false);
    }
}

const fn mask(index: u8) -> u8 {
    1 << (index & 7)
}

fn bit(bits: &[u8; 32], index: u8) -> bool {
    bits.get(usize::from(index >> 3)).is_some_and(|byte| byte & mask(index) != 0)
}

fn set_bit(bits: &mut [u8; 32], index: u8, value: bool) {
    if let Some(byte) = bits.get_mut(usize::from(index >> 3)) {
        *byte = if value { *byte | mask(index) } else { *byte & !mask(index) };
    }
}
