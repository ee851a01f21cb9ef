//! A wear item: how often the blocks of a group were erased.
//!
//! Its value is 32 bytes: 16 u16, one for each 16 blocks of the group, from the first on. A count
//! is that of the erases of these blocks, divided by 16 and rounded by chance, and saturates. A
//! value of another length counts nothing. Key: (object 1, `WEAR`, number of the group).

use super::key::{Key, Kind, SPACE};

/// Size on disk, in bytes.
pub const SIZE: usize = 32;
/// Blocks that have a count together.
pub const PART_BLOCKS: u32 = 16;

/// Counts of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wear(pub [u16; 16]);

impl Wear {
    /// The key of the item of group `number`.
    #[must_use]
    pub const fn key(number: u64) -> Key {
        Key::new(SPACE, Kind::WEAR, number)
    }

    /// What an item says; nothing, if its value is not of the right length.
    #[must_use]
    pub fn from_value(value: &[u8]) -> Self {
        let mut wear = Self::default();
        let pairs = value.chunks_exact(2).filter(|_| value.len() == SIZE);
        for (count, pair) in wear.0.iter_mut().zip(pairs) {
            *count = pair.first_chunk().map_or(0, |pair| u16::from_le_bytes(*pair));
        }
        wear
    }

    /// The value of the item.
    #[must_use]
    pub fn encode(&self) -> [u8; SIZE] {
        let mut value = [0; SIZE];
        for (pair, count) in value.chunks_exact_mut(2).zip(&self.0) {
            pair.copy_from_slice(&count.to_le_bytes());
        }
        value
    }

    /// The count of 16 blocks; 0 if the group has no such part.
    #[must_use]
    pub fn of(&self, part: u32) -> u16 {
        let index = usize::try_from(part).unwrap_or(usize::MAX);
        self.0.get(index).copied().unwrap_or(0)
    }

    /// Counts the erases of `blocks` blocks of a part. `dice`, any number, decides whether a rest
    /// counts.
    pub fn add(&mut self, part: u32, blocks: u32, dice: u32) {
        // The high bits of this product take all values in turn.
        let throw = dice.wrapping_mul(0x9E37_79B9) >> 28;
        let (whole, rest) = (blocks / PART_BLOCKS, blocks % PART_BLOCKS);
        let erases = whole.saturating_add(u32::from(rest > throw));
        let index = usize::try_from(part).unwrap_or(usize::MAX);
        if let Some(count) = self.0.get_mut(index) {
            *count = count.saturating_add(u16::try_from(erases).unwrap_or(u16::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::golden;
    use super::{SIZE, Wear};
    use crate::format::key::{Key, Kind};
    use crate::units::ObjectId;

    fn sample() -> Wear {
        let mut wear = Wear::default();
        (wear.0[0], wear.0[1], wear.0[15]) = (0x0102, 0x0304, 0x0506);
        wear
    }

    fn sample_bytes() -> [u8; SIZE] {
        golden(&[("first", "0201"), ("second", "0403"), ("rest", "00*26"), ("last", "0605")])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(sample().encode(), sample_bytes());
        assert_eq!(Wear::key(5), Key::new(ObjectId(1), Kind(143), 5));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(Wear::from_value(&sample_bytes()), sample());
        assert_eq!((sample().of(1), sample().of(16)), (0x0304, 0));
    }

    #[test]
    fn another_length_counts_nothing() {
        for bytes in [&sample_bytes()[1..], &[7; 33][..], &[]] {
            assert_eq!(Wear::from_value(bytes), Wear::default());
        }
    }

    #[test]
    fn whole_parts_count_and_less_in_proportion() {
        let mut wear = Wear::default();
        for dice in 0..1600 {
            wear.add(2, 16, dice);
            wear.add(3, 1, dice);
            wear.add(4, 40, dice);
            wear.add(16, 40, dice);
        }
        assert_eq!(wear.of(2), 1600);
        assert!((90..=110).contains(&wear.of(3)), "{wear:?}");
        assert!((3900..=4100).contains(&wear.of(4)), "{wear:?}");
        wear.0[2] = u16::MAX - 1;
        wear.add(2, 80, 0);
        assert_eq!(wear.of(2), u16::MAX);
    }
}
