//! A page of a tree node: items in the order of their keys, or the index of the node's pages.
//!
//! | offset | size | field      | rule                                                               |
//! | -----: | ---: | ---------- | ------------------------------------------------------------------ |
//! |      0 |    4 | `checksum` | of volume seed, block, generation (u64), page (u8), bytes 4 to 511 |
//! |      4 |    2 | `items`    | how many the payload holds                                         |
//! |      6 |    2 | `used`     | bytes of the payload that they fill; 500 or less                   |
//! |      8 |    1 | `level`    | that of the pointer that led here                                  |
//! |      9 |    1 | `kind`     | 1: data, 2: index, 3: delta                                        |
//! |     10 |    2 | `reserved` | 0                                                                  |
//! |     12 |  500 | `payload`  | items or first keys, then zeros                                    |
//!
//! The payload of a data or delta page is `items` items without gaps, keys strictly ascending:
//!
//! | offset | size     | field    | rule                                           |
//! | -----: | -------: | -------- | ---------------------------------------------- |
//! |      0 |       15 | `key`    | not the end key                                |
//! |     15 |        2 | `length` | 463 or less; 13 at level 1 and above           |
//! |     17 | `length` | `value`  | at level 1 and above: a pointer one level down |
//!
//! A delta page says what has become of items of a leaf since its data pages were written: an item
//! that it holds stands in place of the one there, and one whose `length` is 65535, without a
//! value, is gone. It has at least one item, and level 0.
//!
//! The payload of an index page is the first key of each data page (2 to 7), strictly ascending.
//! Only a leaf may have an empty data page: that of an empty tree.

mod delta;

use super::checksum::{Checksum, VolumeSeed};
use super::codec::{Bytes, Le16, Le32, Reader, covers, is_zero};
use super::key::{self, Key};
use super::pointer::{self, HEIGHT_MAX, NodePointer};
use crate::error::{Field, Malformed};
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, Generation, Level, PAGE_BYTES};

/// Size on disk, in bytes.
pub const SIZE: usize = PAGE_BYTES;
/// Bytes for items in a page.
pub const PAGE_PAYLOAD: usize = 500;
/// Largest item, with its key and its length.
pub const ITEM_MAX: usize = 480;
/// Largest value of an item.
pub const VALUE_MAX: usize = 463;
/// What an item costs besides its value.
pub const ITEM_OVERHEAD: usize = 17;

pub use super::pointer::DATA_PAGES_MAX;
pub use delta::{Delta, DeltaIter, DeltaPage};

type ChecksumField = Le32<0>;
type Items = Le16<4>;
type Used = Le16<6>;
type LevelField = Bytes<8, 1>;
type Kind = Bytes<9, 1>;
type Reserved = Le16<10>;
type Payload = Bytes<12, PAGE_PAYLOAD>;

const _: () = assert!(VALUE_MAX + ITEM_OVERHEAD == ITEM_MAX && ITEM_MAX <= PAGE_PAYLOAD);
#[rustfmt::skip]
const _: () = assert!(covers(
    &[
        ChecksumField::SPAN, Items::SPAN, Used::SPAN, LevelField::SPAN, Kind::SPAN, Reserved::SPAN,
        Payload::SPAN,
    ],
    SIZE
));

const DATA: u8 = 1;
const INDEX: u8 = 2;
const DELTA: u8 = 3;
/// `length` of an item that is gone.
const GONE: u16 = u16::MAX;
const HEADER: usize = 12;

/// The only page that a pointer leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PageIdentity {
    /// The volume of the page.
    pub volume: VolumeSeed,
    /// The block of its node.
    pub block: BlockNo,
    /// Which write of that block.
    pub generation: Generation,
    /// Number of the page in its node.
    pub page: u8,
}

/// Verifies that `page` is the page of that identity, undamaged.
///
/// # Errors
/// `Checksum`.
pub fn verify(page: &[u8; SIZE], identity: &PageIdentity) -> Result<(), Malformed> {
    if ChecksumField::get(page) == checksum(page, identity)
        || mutant::on(Mutant::PageChecksumSkipped)
    {
        Ok(())
    } else {
        Err(Malformed::Checksum)
    }
}

/// Makes `page` the page of that identity. The last thing to do to it.
pub fn seal(page: &mut [u8; SIZE], identity: &PageIdentity) {
    let sum = checksum(page, identity);
    ChecksumField::put(page, sum);
}

fn checksum(page: &[u8; SIZE], identity: &PageIdentity) -> u32 {
    let mut sum = Checksum::of_volume(identity.volume);
    if !mutant::on(Mutant::PageIdentitySkipped) {
        sum = sum.u32(identity.block.0).u64(identity.generation.0).u8(identity.page);
    }
    let (_, covered) = page.split_at(ChecksumField::SPAN.1);
    sum.bytes(covered).finish()
}

/// What an item with a value of `length` bytes takes in a page.
#[must_use]
pub const fn item_bytes(length: usize) -> usize {
    length.saturating_add(ITEM_OVERHEAD)
}

/// An item of a data page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// Its key.
    pub key: Key,
    /// Its value: at most [`VALUE_MAX`] bytes; at level 1 and above a node pointer.
    pub value: &'a [u8],
}

impl Item<'_> {
    /// The node pointer that the value is.
    ///
    /// # Errors
    /// The value is something else: the item is of a leaf.
    pub fn pointer(&self) -> Result<NodePointer, Malformed> {
        NodePointer::from_value(self.value)
    }
}

/// The items of a page, in ascending order of their keys.
#[derive(Debug, Clone)]
pub struct ItemIter<'a> {
    rest: Reader<'a>,
    left: u16,
}

impl<'a> ItemIter<'a> {
    fn parse(&mut self) -> Result<Item<'a>, Malformed> {
        self.left = self.left.saturating_sub(1);
        let key = Key::decode(self.rest.array()?);
        let length = usize::from(self.rest.u16()?);
        Ok(Item { key, value: self.rest.bytes(length)? })
    }
}

impl<'a> Iterator for ItemIter<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        // Parsing has shown that every item is whole.
        if self.left == 0 { None } else { self.parse().ok() }
    }
}

/// A data page that keeps every rule of the table. [`verify`] it first.
#[derive(Debug, Clone, Copy)]
pub struct DataPage<'a> {
    items: u16,
    used: &'a [u8],
    level: Level,
}

impl<'a> DataPage<'a> {
    /// Parses, and checks every byte but the checksum. Costs one pass over the page.
    ///
    /// # Errors
    /// A rule of the tables that `page` breaks.
    pub fn parse(page: &'a [u8; SIZE]) -> Result<Self, Malformed> {
        let (items, used, level) = parse_header(page, DATA)?;
        let parsed = Self { items, used, level };
        parsed.check()?;
        Ok(parsed)
    }

    fn check(&self) -> Result<(), Malformed> {
        if self.items == 0 && self.level != Level(0) {
            return Err(Malformed::Field(Field::Items));
        }
        let mut iter = self.items();
        let mut previous = None;
        while iter.left > 0 {
            let item = iter.parse()?;
            item.key.check()?;
            if previous >= Some(item.key) {
                return Err(Malformed::Order);
            }
            previous = Some(item.key);
            check_value(self.level, item.value)?;
        }
        if iter.rest.0.is_empty() { Ok(()) } else { Err(Malformed::Field(Field::Used)) }
    }

    /// Distance of the node from the leaves.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// How many items the page holds.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.items
    }

    /// Bytes of the payload that the items fill.
    #[must_use]
    pub const fn used(&self) -> usize {
        self.used.len()
    }

    /// Whether `key` is not before the first item and not after the last one.
    #[must_use]
    pub fn spans(&self, key: Key) -> bool {
        let mut keys = self.items().map(|item| item.key);
        keys.next()
            .is_some_and(|first| first == key || (first < key && keys.any(|later| later >= key)))
    }

    /// The items, in ascending order of their keys.
    #[must_use]
    pub const fn items(&self) -> ItemIter<'a> {
        ItemIter { rest: Reader(self.used), left: self.items }
    }
}

/// An index page that keeps every rule of the table. [`verify`] it first.
#[derive(Debug, Clone, Copy)]
pub struct IndexPage<'a> {
    keys: &'a [u8],
    level: Level,
}

impl<'a> IndexPage<'a> {
    /// Parses, and checks every byte but the checksum.
    ///
    /// # Errors
    /// A rule of the table that `page` breaks.
    pub fn parse(page: &'a [u8; SIZE]) -> Result<Self, Malformed> {
        let (items, used, level) = parse_header(page, INDEX)?;
        if !matches!(items, 2..=7) || usize::from(items).saturating_mul(key::SIZE) != used.len() {
            return Err(Malformed::Field(Field::Items));
        }
        let parsed = Self { keys: used, level };
        if !parsed.keys().is_sorted_by(|a, b| a < b) {
            return Err(Malformed::Order);
        }
        Ok(parsed)
    }

    fn keys(&self) -> impl Iterator<Item = Key> {
        self.keys.chunks_exact(key::SIZE).filter_map(<[u8]>::first_chunk).map(Key::decode)
    }

    /// Distance of the node from the leaves.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// How many data pages the node has.
    #[must_use]
    pub fn count(&self) -> u8 {
        self.keys().fold(0, |count: u8, _| count.saturating_add(1))
    }

    /// The first key of data page `page`.
    #[must_use]
    pub fn first_key(&self, page: u8) -> Option<Key> {
        self.keys().nth(usize::from(page))
    }

    /// The data page whose items may include `key`: the last one that does not begin after it.
    #[must_use]
    pub fn page_of(&self, key: &Key) -> u8 {
        self.keys().skip(1).take_while(|first| first <= key).fold(0, |n: u8, _| n.saturating_add(1))
    }
}

/// Checks everything around the payload; gives items, the used part of the payload and level.
fn parse_header(page: &[u8; SIZE], kind: u8) -> Result<(u16, &[u8], Level), Malformed> {
    if Kind::get(page) != [kind] {
        return Err(Malformed::Field(Field::Kind));
    }
    if Reserved::get(page) != 0 {
        return Err(Malformed::Field(Field::Reserved));
    }
    let [level] = LevelField::get(page);
    if level >= HEIGHT_MAX {
        return Err(Malformed::Field(Field::Level));
    }
    let (_, payload) = page.split_at(HEADER);
    let (used, rest) = payload
        .split_at_checked(usize::from(Used::get(page)))
        .filter(|(_, rest)| is_zero(rest))
        .ok_or(Malformed::Field(Field::Used))?;
    debug_assert!(used.len().saturating_add(rest.len()) == PAGE_PAYLOAD);
    Ok((Items::get(page), used, Level(level)))
}

fn check_value(level: Level, value: &[u8]) -> Result<(), Malformed> {
    if value.len() > VALUE_MAX {
        return Err(Malformed::Field(Field::Length));
    }
    let Some(child) = level.down() else { return Ok(()) };
    if NodePointer::from_value(value)?.level == child {
        Ok(())
    } else {
        Err(Malformed::Field(Field::Level))
    }
}

/// Fills a data page, item after item. What is in the page so far is always complete but for its
/// checksum: [`seal`] is next, whenever enough is in it.
#[derive(Debug)]
pub struct DataPageBuilder<'a> {
    page: &'a mut [u8; SIZE],
    level: Level,
    items: u16,
    used: usize,
    last: Option<Key>,
}

impl<'a> DataPageBuilder<'a> {
    /// Begins an empty page of a node of that level.
    pub fn new(page: &'a mut [u8; SIZE], level: Level) -> Self {
        *page = [0; SIZE];
        LevelField::put(page, [level.0]);
        Kind::put(page, [DATA]);
        Self { page, level, items: 0, used: 0, last: None }
    }

    /// Begins a delta page of a leaf. Its first item is to be pushed before it is sealed.
    pub fn delta(page: &'a mut [u8; SIZE]) -> Self {
        let builder = Self::new(page, Level(0));
        Kind::put(builder.page, [DELTA]);
        builder
    }

    /// Appends to a delta page. `false`, and no change, when it does not fit or breaks a rule of
    /// the page.
    #[must_use]
    pub fn push_delta(&mut self, delta: &Delta<'_>) -> bool {
        let Delta { key, value } = delta;
        let length = match value {
            None => Some(GONE),
            Some(value) => u16::try_from(value.len()).ok().filter(|_| value.len() <= VALUE_MAX),
        };
        let allowed = self.last.as_ref() < Some(key) && key.check().is_ok();
        let value = value.unwrap_or_default();
        allowed && length.is_some_and(|length| self.append(key, length, value).is_some())
    }

    /// Appends an item. `false`, and no change, when it does not fit or breaks a rule of the page:
    /// key not above the one before, value too long or, above the leaves, no pointer one level
    /// down.
    #[must_use]
    pub fn push(&mut self, key: &Key, value: &[u8]) -> bool {
        let allowed = self.last.as_ref() < Some(key)
            && key.check().is_ok()
            && check_value(self.level, value).is_ok();
        // The rules of values bound the length.
        let length = u16::try_from(value.len()).unwrap_or(GONE);
        allowed && self.append(key, length, value).is_some()
    }

    fn append(&mut self, key: &Key, length: u16, value: &[u8]) -> Option<()> {
        let used = self.used.saturating_add(item_bytes(value.len()));
        let stored = u16::try_from(used).ok()?;
        let (_, payload) = self.page.split_at_mut(HEADER);
        let target = payload.get_mut(self.used..used)?;
        let (head, rest) = target.split_first_chunk_mut::<{ key::SIZE }>()?;
        let (size, rest) = rest.split_first_chunk_mut::<2>()?;
        *head = key.encode();
        *size = length.to_le_bytes();
        rest.copy_from_slice(value);
        self.used = used;
        self.items = self.items.saturating_add(1);
        self.last = Some(*key);
        Items::put(self.page, self.items);
        Used::put(self.page, stored);
        Some(())
    }

    /// How many items are in the page.
    #[must_use]
    pub const fn items(&self) -> u16 {
        self.items
    }

    /// Bytes of the payload that they fill.
    #[must_use]
    pub const fn used(&self) -> usize {
        self.used
    }
}

/// Writes an index page over `page`: the first key of each data page. [`seal`] is next.
///
/// # Errors
/// `keys` are not 2 to 7, or not ascending.
pub fn write_index(page: &mut [u8; SIZE], level: Level, keys: &[Key]) -> Result<(), Malformed> {
    *page = [0; SIZE];
    LevelField::put(page, [level.0]);
    Kind::put(page, [INDEX]);
    let (_, payload) = page.split_at_mut(HEADER);
    let mut used = 0_u16;
    let mut items = 0_u16;
    for (slot, key) in payload.chunks_exact_mut(key::SIZE).zip(keys) {
        slot.copy_from_slice(&key.encode());
        used = used.saturating_add(15);
        items = items.saturating_add(1);
    }
    Items::put(page, items);
    Used::put(page, used);
    let parsed = IndexPage::parse(page)?;
    if usize::from(parsed.count()) == keys.len() {
        Ok(())
    } else {
        Err(Malformed::Field(Field::Items))
    }
}

const _: () = assert!(pointer::SIZE <= VALUE_MAX);

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "a test")]
mod tests;
