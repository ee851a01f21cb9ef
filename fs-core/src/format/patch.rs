//! A patch item: units of a content that were overwritten, and where they lie now.
//!
//! | offset | size | field    | rule                                                            |
//! | -----: | ---: | -------- | --------------------------------------------------------------- |
//! |      0 |    8 | `stamp`  | sequence of the next record when the newest block was chosen    |
//! |      8 |   ++ | `blocks` | one part for each patch block, the newest last; as many as fit  |
//!
//! Each part, where a block has `n` append units and m is `n` / 8, rounded up:
//!
//! | offset | size | field   | rule                                                             |
//! | -----: | ---: | ------- | ---------------------------------------------------------------- |
//! |      0 |    4 | `block` | on the device; not 0, and in no other part                       |
//! |      4 |    1 | `tried` | slots that a program was tried on, less 1; below `n`             |
//! |      5 |    m | `live`  | one bit for each slot, lowest first; none of a slot behind those |
//! |     ++ |  `n` | `units` | for each slot the unit of the region that it holds               |
//!
//! A region is 256 append units, from a multiple of that on. A *slot* is a unit of a patch block. A
//! unit is live in one slot at most, and then it is there, whatever an extent says. Key: (data
//! object, `PATCH`, first byte of the region). There are at most 80 / `n` parts, and not more than
//! 8; one at least.

use super::key::{Key, Kind};
use crate::error::{Field, Malformed};
use crate::units::{BlockNo, ObjectId};

/// Append units of a region.
pub const REGION: u64 = 256;
/// Slots of all patch blocks of a region, if a block has fewer.
const SLOTS: usize = 80;
/// Most patch blocks of a region.
pub const BLOCKS_MAX: usize = 8;
/// Bytes before the first part.
const HEAD: usize = 8;
/// Longest value: one block of 256 slots.
pub const BYTES_MAX: usize = HEAD + 5 + 32 + 256;
/// Most append units of a block.
pub const UNITS_MAX: u32 = 256;

const _: () = assert!(BYTES_MAX <= super::page::VALUE_MAX);

/// A patch item that keeps every rule of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patches {
    bytes: heapless::Vec<u8, BYTES_MAX>,
    per_block: usize,
}

/// Where a unit lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The patch block.
    pub block: BlockNo,
    /// Which of its units.
    pub slot: u32,
}

impl Patches {
    /// The key of the item of region `region` of `data`.
    #[must_use]
    pub const fn key(data: ObjectId, region: u64, unit: u64) -> Key {
        Key::new(data, Kind::PATCH, region.saturating_mul(REGION).saturating_mul(unit))
    }

    /// Patch blocks that a region has at most, of `per_block` append units each.
    #[must_use]
    pub fn blocks_max(per_block: u32) -> usize {
        let per_block = usize::try_from(per_block).unwrap_or(SLOTS).max(1);
        SLOTS.checked_div(per_block).unwrap_or(0).clamp(1, BLOCKS_MAX)
    }

    /// Bytes of the longest item of a volume whose blocks have `per_block` append units.
    #[must_use]
    pub fn bytes_max(per_block: u32) -> usize {
        let stride = Self::empty(per_block).stride();
        stride.saturating_mul(Self::blocks_max(per_block)).saturating_add(HEAD)
    }

    /// No patches.
    #[must_use]
    pub fn empty(per_block: u32) -> Self {
        let per_block = usize::try_from(per_block.min(UNITS_MAX)).unwrap_or(0);
        let mut bytes = heapless::Vec::new();
        let _ = bytes.resize(HEAD, 0);
        Self { bytes, per_block }
    }

    /// Decodes the value of an item, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `value` breaks.
    pub fn from_value(value: &[u8], per_block: u32) -> Result<Self, Malformed> {
        let mut patches = Self::empty(per_block);
        patches.bytes =
            heapless::Vec::from_slice(value).map_err(|_| Malformed::Field(Field::Patch))?;
        patches.check()?;
        Ok(patches)
    }

    /// The bytes of the item.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn check(&self) -> Result<(), Malformed> {
        let wrong = |field| Err(Malformed::Field(field));
        let parts = self.bytes.get(HEAD..).unwrap_or_default();
        let count = self.len();
        let whole = parts.len() == count.saturating_mul(self.stride());
        if self.bytes.len() < HEAD || !whole || count == 0 {
            return wrong(Field::Patch);
        }
        if count > Self::blocks_max(u32::try_from(self.per_block).unwrap_or(UNITS_MAX)) {
            return wrong(Field::Length);
        }
        let mut seen = [0_u8; 32];
        for (number, part) in self.parts().enumerate() {
            let block = part.block();
            let twice = self.parts().take(number).any(|other| other.block() == block);
            if block == BlockNo(0) || twice {
                return wrong(Field::Block);
            }
            if part.tried() > self.per_block {
                return wrong(Field::Tried);
            }
            let bits = self.mask_bytes().saturating_mul(8);
            if (part.tried()..bits).any(|slot| part.is_live(slot)) {
                return wrong(Field::Live);
            }
            for (_, unit) in part.live() {
                let bit = 1_u8.checked_shl(u32::from(unit) & 7).unwrap_or(0);
                let byte = seen.get_mut(usize::from(unit >> 3)).ok_or(Malformed::Truncated)?;
                if *byte & bit != 0 {
                    return wrong(Field::Units);
                }
                *byte |= bit;
            }
        }
        Ok(())
    }

    fn mask_bytes(&self) -> usize {
        self.per_block.div_ceil(8)
    }

    fn stride(&self) -> usize {
        self.mask_bytes().saturating_add(self.per_block).saturating_add(5)
    }

    fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let parts = self.bytes.get(HEAD..).unwrap_or_default();
        let mask = self.mask_bytes();
        parts.chunks_exact(self.stride()).map(move |bytes| Part { bytes, mask })
    }

    fn part_mut(&mut self, number: usize) -> Option<&mut [u8]> {
        let stride = self.stride();
        let at = number.checked_mul(stride)?.checked_add(HEAD)?;
        self.bytes.get_mut(at..)?.get_mut(..stride)
    }

    /// Patch blocks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts().count()
    }

    /// Whether there is no patch block.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sequence of the next record when the newest block was chosen.
    #[must_use]
    pub fn stamp(&self) -> u64 {
        let stamp = self.bytes.first_chunk();
        stamp.map_or(0, |stamp| u64::from_le_bytes(*stamp))
    }

    /// The patch blocks, the newest last.
    pub fn blocks(&self) -> impl Iterator<Item = BlockNo> {
        self.parts().map(Part::block)
    }

    /// The newest block, and its slots that a program was tried on.
    #[must_use]
    pub fn newest(&self) -> Option<Slot> {
        let part = self.parts().last()?;
        Some(Slot { block: part.block(), slot: u32::try_from(part.tried()).ok()? })
    }

    /// Where `unit` lies, if it is patched.
    #[must_use]
    pub fn find(&self, unit: u8) -> Option<Slot> {
        self.parts().find_map(|part| {
            let (slot, _) = part.live().find(|(_, held)| *held == unit)?;
            Some(Slot { block: part.block(), slot: u32::try_from(slot).ok()? })
        })
    }

    /// The first unit from `unit` on that is patched.
    #[must_use]
    pub fn next(&self, unit: u8) -> Option<u8> {
        let live = self.parts().flat_map(Part::live);
        live.map(|(_, held)| held).filter(|held| *held >= unit).min()
    }

    /// The block with the fewest live slots, and the units in them.
    #[must_use]
    pub fn sparsest(&self) -> Option<(BlockNo, usize)> {
        let blocks = self.parts().map(|part| (part.block(), part.live().count()));
        blocks.min_by_key(|(_, live)| *live)
    }

    /// The live slots of `block` with their units.
    pub fn live_of(&self, block: BlockNo) -> impl Iterator<Item = (u32, u8)> {
        let parts = self.parts().filter(move |part| part.block() == block);
        let live = parts.flat_map(Part::live);
        live.filter_map(|(slot, unit)| Some((u32::try_from(slot).ok()?, unit)))
    }

    /// Forgets what is known of the units `from..to`. Says whether that was anything.
    pub fn forget(&mut self, from: u64, to: u64) -> bool {
        let mask = self.mask_bytes();
        let mut changed = false;
        for number in 0..self.len() {
            let Some(part) = self.part_mut(number) else { continue };
            for slot in 0..part.len().saturating_sub(5).saturating_sub(mask) {
                let view = Part { bytes: part, mask };
                let held = u64::from(view.unit(slot));
                if view.is_live(slot) && (from..to).contains(&held) {
                    set_live(part, slot, false);
                    changed = true;
                }
            }
        }
        changed
    }

    /// Adds a patch block as the newest. `None` if there are too many.
    pub fn push(&mut self, block: BlockNo, stamp: u64) -> Option<()> {
        let length = self.bytes.len().checked_add(self.stride())?;
        if self.len() >= Self::blocks_max(u32::try_from(self.per_block).ok()?) {
            return None;
        }
        self.bytes.get_mut(..HEAD)?.copy_from_slice(&stamp.to_le_bytes());
        self.bytes.resize(length, 0).ok()?;
        let number = self.len().checked_sub(1)?;
        self.part_mut(number)?.get_mut(..4)?.copy_from_slice(&block.0.to_le_bytes());
        Some(())
    }

    /// Notes that slot `slot` of the newest block was tried, and holds `unit` if there is one.
    pub fn place(&mut self, slot: u32, unit: Option<u8>) -> Option<()> {
        if let Some(unit) = unit {
            self.forget(unit.into(), u64::from(unit).saturating_add(1));
        }
        let slot = usize::try_from(slot).ok().filter(|slot| *slot < self.per_block)?;
        let behind = self.mask_bytes().saturating_add(5);
        let number = self.len().checked_sub(1)?;
        let part = self.part_mut(number)?;
        let tried = part.get_mut(4)?;
        *tried = (*tried).max(u8::try_from(slot).ok()?);
        if let Some(unit) = unit {
            *part.get_mut(behind.saturating_add(slot))? = unit;
            set_live(part, slot, true);
        }
        Some(())
    }

    /// Takes `block` out. `None` if it is not there.
    pub fn remove(&mut self, block: BlockNo) -> Option<()> {
        let number = self.parts().position(|part| part.block() == block)?;
        let stride = self.stride();
        let at = number.checked_mul(stride)?.checked_add(HEAD)?;
        let end = at.checked_add(stride)?;
        self.bytes.copy_within(end.., at);
        self.bytes.truncate(self.bytes.len().saturating_sub(stride));
        Some(())
    }
}

fn set_live(part: &mut [u8], slot: usize, live: bool) {
    let bit = 1_u8.checked_shl(u32::try_from(slot & 7).unwrap_or(0)).unwrap_or(0);
    let byte = part.get_mut(5..).and_then(|mask| mask.get_mut(slot >> 3));
    let Some(byte) = byte else { return };
    *byte = if live { *byte | bit } else { *byte & !bit };
}

/// What an item says about one patch block.
#[derive(Clone, Copy)]
struct Part<'a> {
    bytes: &'a [u8],
    mask: usize,
}

impl<'a> Part<'a> {
    fn block(self) -> BlockNo {
        BlockNo(self.bytes.first_chunk().map_or(0, |block| u32::from_le_bytes(*block)))
    }

    fn tried(self) -> usize {
        self.bytes.get(4).map_or(0, |tried| usize::from(*tried).saturating_add(1))
    }

    fn is_live(self, slot: usize) -> bool {
        let mask = self.bytes.get(5..).and_then(|rest| rest.get(..self.mask)).unwrap_or_default();
        let bit = 1_u8.checked_shl(u32::try_from(slot & 7).unwrap_or(0)).unwrap_or(0);
        mask.get(slot >> 3).is_some_and(|byte| byte & bit != 0)
    }

    fn unit(self, slot: usize) -> u8 {
        let at = self.mask.saturating_add(slot).saturating_add(5);
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn live(self) -> impl Iterator<Item = (usize, u8)> + 'a {
        let slots = self.bytes.len().saturating_sub(5).saturating_sub(self.mask);
        (0..slots).filter(move |slot| self.is_live(*slot)).map(move |slot| (slot, self.unit(slot)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Noise, flips, golden};
    use super::{BYTES_MAX, Patches};
    use crate::error::{Field, Malformed};
    use crate::format::key::{Key, Kind};
    use crate::units::{BlockNo, ObjectId};
    use std::vec::Vec;

    const SIZE: usize = 28;

    fn sample() -> Patches {
        let mut patches = Patches::empty(4);
        patches.push(BlockNo(0x0403_0201), 7).unwrap();
        patches.place(0, Some(9)).unwrap();
        patches.place(3, Some(200)).unwrap();
        patches.push(BlockNo(0x0807_0605), 0x1817_1615_1413_1211).unwrap();
        patches.place(0, Some(9)).unwrap();
        patches.place(1, None).unwrap();
        patches
    }

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("stamp",  "1112131415161718"),
            ("block",  "01020304"),
            ("tried",  "03"),
            ("live",   "08"),
            ("units",  "090000c8"),
            ("block",  "05060708"),
            ("tried",  "01"),
            ("live",   "01"),
            ("units",  "09000000"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes_and_back() {
        assert_eq!(sample().as_bytes(), sample_bytes());
        assert_eq!(Patches::from_value(&sample_bytes(), 4), Ok(sample()));
        assert_eq!(Patches::key(ObjectId(77), 3, 256), Key::new(ObjectId(77), Kind(13), 196_608));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(Patches::from_value(&record, 4), Ok(sample()), "bit {bit}");
        }
    }

    #[test]
    fn refuses_what_breaks_a_rule() {
        let refused = |at: usize, byte: u8, field| {
            let mut bytes = sample_bytes();
            bytes[at] = byte;
            assert_eq!(Patches::from_value(&bytes, 4), Err(Malformed::Field(field)), "byte {at}");
        };
        refused(12, 4, Field::Tried);
        refused(13, 0x18, Field::Live);
        refused(12, 2, Field::Live);
        refused(13, 0x09, Field::Units);
        for length in [0, 7, 8, 9, 17, 19, 27] {
            assert!(Patches::from_value(&sample_bytes()[..length], 4).is_err());
        }
        let mut twice = sample_bytes();
        twice.copy_within(8..12, 18);
        assert_eq!(Patches::from_value(&twice, 4), Err(Malformed::Field(Field::Block)));
        let mut nowhere = sample_bytes();
        nowhere[8..12].fill(0);
        assert_eq!(Patches::from_value(&nowhere, 4), Err(Malformed::Field(Field::Block)));
        assert!(Patches::from_value(&sample_bytes(), 16).is_err());
        let many: Vec<u8> = (0..9_u8).flat_map(|n| [n + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).collect();
        let value = [&[0; 8], &many[..]].concat();
        assert_eq!(Patches::from_value(&value, 4), Err(Malformed::Field(Field::Length)));
        assert!(Patches::from_value(&value[..88], 4).is_ok());
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut noise = Noise::new(3);
        for round in 0..20_000 {
            let bytes: [u8; SIZE] = noise.damaged(sample_bytes());
            let per_block = [4, 8, 16, 64, 256][round % 5];
            let Ok(mut patches) = Patches::from_value(&bytes, per_block) else { continue };
            for unit in 0..=u8::MAX {
                assert_eq!(patches.find(unit).is_some(), patches.next(unit) == Some(unit));
            }
            patches.forget(3, 250);
            let _ = patches.push(BlockNo(99), 1);
            let _ = patches.place(0, Some(5));
            assert!(Patches::from_value(patches.as_bytes(), per_block).is_ok());
        }
    }

    #[test]
    fn units_come_and_go() {
        let mut patches = sample();
        assert_eq!(patches.find(9).map(|slot| (slot.block.0, slot.slot)), Some((0x0807_0605, 0)));
        assert_eq!(patches.next(10), Some(200));
        assert_eq!(patches.newest().map(|slot| slot.slot), Some(2));
        assert!(patches.forget(200, 201) && !patches.forget(200, 201));
        assert_eq!(patches.sparsest(), Some((BlockNo(0x0403_0201), 0)));
        patches.remove(BlockNo(0x0403_0201)).unwrap();
        assert_eq!(patches.len(), 1);
        assert!(patches.remove(BlockNo(1)).is_none());
    }

    #[test]
    fn the_longest_item_fits() {
        for per_block in [4, 8, 16, 32, 64, 128, 256] {
            let mut patches = Patches::empty(per_block);
            let most = u8::try_from(Patches::blocks_max(per_block)).unwrap();
            for block in 1..=most {
                patches.push(BlockNo(block.into()), 0).unwrap();
                patches.place(per_block - 1, Some(block)).unwrap();
            }
            assert!(patches.push(BlockNo(99), 0).is_none());
            let length = patches.as_bytes().len();
            assert_eq!(length, Patches::bytes_max(per_block));
            assert!(length <= BYTES_MAX);
            assert_eq!(Patches::from_value(patches.as_bytes(), per_block), Ok(patches));
        }
    }
}
