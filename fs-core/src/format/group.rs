//! A group item: what 256 neighbouring blocks are used for.
//!
//! | offset | size | field       | rule                                                   |
//! | -----: | ---: | ----------- | ------------------------------------------------------ |
//! |      0 |   32 | `allocated` | one bit for each block, the lowest bit of byte 0 first |
//! |     32 |   32 | `erased`    | likewise; no block is both allocated and erased        |
//! |     64 |   32 | `wear`      | 16 u16, one for each 16 blocks; 0 in this version      |
//!
//! Key: (object 1, `GROUP`, number of the group). Group `g` is the blocks from 256 * g on. An
//! absent item means that all its blocks are free and none is erased.

use super::codec::{Bytes, covers};
use super::key::{Key, Kind, SPACE};
use crate::error::{Field, Malformed};
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
        Self::decode(value.try_into().map_err(|_| Malformed::Field(Field::Group))?)
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
        if both { Err(Malformed::Field(Field::Erased)) } else { Ok(()) }
    }

    /// Whether the value of an item says that every block is in use.
    #[must_use]
    pub fn is_full(value: &[u8]) -> bool {
        value.get(..32).is_some_and(|allocated| allocated.iter().all(|byte| *byte == u8::MAX))
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

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{Group, SIZE};
    use crate::error::{Field, Malformed};
    use crate::format::key::{Key, Kind};
    use crate::units::{BlockNo, ObjectId};

    fn sample() -> Group {
        let mut group = Group::FREE;
        for index in [0, 9, 255] {
            group.set_allocated(index);
        }
        for index in [1, 8, 254] {
            group.set_erased(index);
        }
        (group.wear[0], group.wear[15]) = (0x0102, 0x0304);
        group
    }

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("allocated, blocks 0 to 15",    "0102"),
            ("allocated, blocks 16 to 247",  "00*29"),
            ("allocated, blocks 248 to 255", "80"),
            ("erased, blocks 0 to 15",       "0201"),
            ("erased, blocks 16 to 247",     "00*29"),
            ("erased, blocks 248 to 255",    "40"),
            ("wear, blocks 0 to 15",         "0201"),
            ("wear, blocks 16 to 239",       "00*28"),
            ("wear, blocks 240 to 255",      "0403"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(sample().encode(), sample_bytes());
        assert_eq!(Group::FREE.encode(), [0; SIZE]);
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(Group::decode(&sample_bytes()), Ok(sample()));
        assert_eq!(Group::from_value(&sample_bytes()), Ok(sample()));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(Group::decode(&record), Ok(sample()), "bit {bit}");
        }
    }

    #[test]
    fn refuses_a_block_that_is_allocated_and_erased() {
        let mut record = sample_bytes();
        record[32] |= 1;
        assert_eq!(Group::decode(&record), Err(Malformed::Field(Field::Erased)));
        assert!(Group::from_value(&record[1..]).is_err());
    }

    #[test]
    fn never_holds_what_it_would_refuse_to_read() {
        let mut group = Group::FREE;
        for index in 0..=255 {
            for set in [Group::set_allocated, Group::set_erased, Group::set_free] {
                set(&mut group, index);
                assert_eq!(Group::decode(&group.encode()), Ok(group));
            }
        }
        assert_eq!(group, Group::FREE);
    }

    #[test]
    fn each_block_is_in_one_state() {
        let mut group = sample();
        assert!(group.is_allocated(9) && !group.is_erased(9));
        assert!(group.is_erased(254) && !group.is_allocated(254));
        group.set_erased(9);
        group.set_allocated(254);
        group.set_free(0);
        assert!(!group.is_allocated(9) && group.is_erased(9));
        assert!(!group.is_erased(254) && group.is_allocated(254));
        assert!(!group.is_allocated(0) && !group.is_erased(0));
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| Some(Group::decode(bytes).ok()?.encode()));
    }

    #[test]
    fn a_block_has_its_group_and_its_place_in_it() {
        assert_eq!(Group::number(BlockNo(0x1_02ff)), 0x102);
        assert_eq!(Group::index(BlockNo(0x1_02ff)), 0xff);
        assert_eq!(Group::key(5), Key::new(ObjectId(1), Kind(9), 5));
    }
}
