//! A node pointer: where a tree node is, and what it must be to be that node.
//!
//! | offset | size | field         | rule                                                  |
//! | -----: | ---: | ------------- | ----------------------------------------------------- |
//! |      0 |    4 | `block`       | not 0                                                 |
//! |      4 |    6 | `generation`  | not 0; part of the checksum of each page              |
//! |     10 |    1 | `base_pages`  | 1: one data page; 3 to 8: data pages, index page last |
//! |     11 |    1 | `delta_pages` | 0 to 4; 0 at level 1 and above                        |
//! |     12 |    1 | `level`       | 0 to 7, 128 more if `full`; 0: items, else pointers   |
//!
//! Delta pages follow the base pages. Only the last of them counts: it says all that those before
//! it said. What lies behind it was never part of the node.
//!
//! *Full* says that a search for free blocks may pass the node over: its range is one of group
//! items only, each group in it has an item there, and every block of these groups is in use.

use super::codec::{Bytes, LIMIT_48, Le32, Le48, covers};
use crate::error::{Field, Malformed};
use crate::units::{BlockNo, Generation, Level};

/// Size on disk, in bytes.
pub const SIZE: usize = 13;
/// Levels of the highest tree.
pub const HEIGHT_MAX: u8 = 8;
/// Data pages of the largest node.
pub const DATA_PAGES_MAX: u8 = 7;
/// Of the byte of the level: the node is full.
const FULL: u8 = 0x80;
/// Delta pages of a leaf.
pub const DELTA_PAGES_MAX: u8 = 4;

type Block = Le32<0>;
type GenerationField = Le48<4>;
type BasePages = Bytes<10, 1>;
type DeltaPages = Bytes<11, 1>;
type LevelField = Bytes<12, 1>;

const _: () = assert!(covers(
    &[Block::SPAN, GenerationField::SPAN, BasePages::SPAN, DeltaPages::SPAN, LevelField::SPAN],
    SIZE
));

/// A node pointer that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NodePointer {
    /// The block of the node.
    pub block: BlockNo,
    /// Which write of that block.
    pub generation: Generation,
    /// Pages of the node, with its index page.
    pub base_pages: u8,
    /// Pages behind them, of which the last says what has changed since.
    pub delta_pages: u8,
    /// Distance from the leaves.
    pub level: Level,
    /// Every key of its range is that of a group item that is there, without a free block.
    pub full: bool,
}

impl NodePointer {
    /// Leads nowhere: what is not known yet. It would not pass its own check.
    pub const NONE: Self = Self {
        block: BlockNo(0),
        generation: Generation(0),
        base_pages: 1,
        delta_pages: 0,
        level: Level(0),
        full: false,
    };

    /// Decodes, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        let [base_pages] = BasePages::get(record);
        let [delta_pages] = DeltaPages::get(record);
        let [level] = LevelField::get(record);
        let pointer = Self {
            block: BlockNo(Block::get(record)),
            generation: Generation(GenerationField::get(record)),
            base_pages,
            delta_pages,
            level: Level(level & !FULL),
            full: level & FULL != 0,
        };
        pointer.check()?;
        Ok(pointer)
    }

    /// Decodes the value of an item that holds a pointer.
    ///
    /// # Errors
    /// The value is not as long as a pointer, or breaks a rule of the table.
    pub fn from_value(value: &[u8]) -> Result<Self, Malformed> {
        Self::decode(value.try_into().map_err(|_| Malformed::Field(Field::Pointer))?)
    }

    /// Encodes, after the same checks.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks.
    pub fn encode(&self) -> Result<[u8; SIZE], Malformed> {
        self.check()?;
        let mut record = [0; SIZE];
        Block::put(&mut record, self.block.0);
        GenerationField::put(&mut record, self.generation.0);
        BasePages::put(&mut record, [self.base_pages]);
        DeltaPages::put(&mut record, [self.delta_pages]);
        LevelField::put(&mut record, [self.level.0 | if self.full { FULL } else { 0 }]);
        Ok(record)
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.block.0 == 0 {
            return Err(Malformed::Field(Field::Block));
        }
        if self.generation.0 == 0 || self.generation.0 >= LIMIT_48 {
            return Err(Malformed::Field(Field::Generation));
        }
        if !matches!(self.base_pages, 1 | 3..=8) {
            return Err(Malformed::Field(Field::BasePages));
        }
        if self.level.0 >= HEIGHT_MAX {
            return Err(Malformed::Field(Field::Level));
        }
        if self.delta_pages > if self.level.0 == 0 { DELTA_PAGES_MAX } else { 0 } {
            return Err(Malformed::Field(Field::DeltaPages));
        }
        Ok(())
    }

    /// `base_pages` of a node of `data_pages` data pages.
    #[must_use]
    pub const fn base_pages_for(data_pages: u8) -> u8 {
        if data_pages <= 1 { 1 } else { data_pages.saturating_add(1) }
    }

    /// How many pages hold items; they are pages 0, 1, ...
    #[must_use]
    pub const fn data_pages(&self) -> u8 {
        if self.base_pages <= 1 { 1 } else { self.base_pages.saturating_sub(1) }
    }

    /// Which page tells the data pages apart; `None` when there is only one.
    #[must_use]
    pub const fn index_page(&self) -> Option<u8> {
        if self.base_pages <= 1 { None } else { Some(self.base_pages.saturating_sub(1)) }
    }

    /// The page that says what has changed since the data pages were written.
    #[must_use]
    pub const fn delta_page(&self) -> Option<u8> {
        match self.delta_pages {
            0 => None,
            delta_pages => Some(self.base_pages.saturating_add(delta_pages).saturating_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{NodePointer, SIZE};
    use crate::error::{Field, Malformed};
    use crate::units::{BlockNo, Generation, Level};

    const SAMPLE: NodePointer = NodePointer {
        block: BlockNo(0x0403_0201),
        generation: Generation(0x1615_1413_1211),
        base_pages: 5,
        delta_pages: 2,
        level: Level(0),
        full: true,
    };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("block",       "01020304"),
            ("generation",  "111213141516"),
            ("base_pages",  "05"),
            ("delta_pages", "02"),
            ("level",       "80"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(SAMPLE.encode(), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(NodePointer::decode(&sample_bytes()), Ok(SAMPLE));
        assert_eq!(NodePointer::from_value(&sample_bytes()), Ok(SAMPLE));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(NodePointer::decode(&record), Ok(SAMPLE), "bit {bit}");
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let cases = [
            (NodePointer { block: BlockNo(0), ..SAMPLE }, Field::Block),
            (NodePointer { generation: Generation(0), ..SAMPLE }, Field::Generation),
            (NodePointer { generation: Generation(1 << 48), ..SAMPLE }, Field::Generation),
            (NodePointer { base_pages: 0, ..SAMPLE }, Field::BasePages),
            (NodePointer { base_pages: 2, ..SAMPLE }, Field::BasePages),
            (NodePointer { base_pages: 9, ..SAMPLE }, Field::BasePages),
            (NodePointer { level: Level(8), ..SAMPLE }, Field::Level),
            (NodePointer { delta_pages: 5, ..SAMPLE }, Field::DeltaPages),
            (NodePointer { level: Level(1), ..SAMPLE }, Field::DeltaPages),
        ];
        for (pointer, field) in cases {
            assert_eq!(pointer.encode(), Err(Malformed::Field(field)));
        }
        assert!(NodePointer::from_value(&sample_bytes()[1..]).is_err());
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| NodePointer::decode(bytes).ok()?.encode().ok());
    }

    #[test]
    fn counts_its_pages() {
        for data_pages in 1..=7 {
            let base_pages = NodePointer::base_pages_for(data_pages);
            let pointer = NodePointer { base_pages, ..SAMPLE };
            assert_eq!(pointer.check(), Ok(()));
            assert_eq!(pointer.data_pages(), data_pages);
            let index = (data_pages > 1).then_some(data_pages);
            assert_eq!(pointer.index_page(), index);
            assert_eq!(pointer.delta_page(), Some(base_pages + 1));
        }
        assert_eq!(NodePointer { delta_pages: 0, ..SAMPLE }.delta_page(), None);
    }
}
