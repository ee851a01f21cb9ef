//! A delta page: what has become of items of a leaf since its data pages were written.

use super::{DELTA, GONE, SIZE, check_value, item_bytes, parse_header};
use crate::error::{Field, Malformed};
use crate::format::codec::Reader;
use crate::format::key::Key;
use crate::units::Level;

/// What a delta page says about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta<'a> {
    /// The key.
    pub key: Key,
    /// The value it has now; `None`: the item is gone.
    pub value: Option<&'a [u8]>,
}

impl Delta<'_> {
    /// What it takes in a page.
    #[must_use]
    pub fn bytes(&self) -> usize {
        item_bytes(self.value.map_or(0, <[u8]>::len))
    }
}

/// A delta page that keeps every rule of the tables. [`verify`](super::verify) it first.
#[derive(Debug, Clone, Copy)]
pub struct DeltaPage<'a> {
    items: u16,
    used: &'a [u8],
}

impl<'a> DeltaPage<'a> {
    /// A page that says nothing, in place of one that a node does not have.
    pub const NONE: Self = Self { items: 0, used: &[] };

    /// Parses, and checks every byte but the checksum. Costs one pass over the page.
    ///
    /// # Errors
    /// A rule of the tables that `page` breaks.
    pub fn parse(page: &'a [u8; SIZE]) -> Result<Self, Malformed> {
        let (items, used, level) = parse_header(page, DELTA)?;
        if level != Level(0) || items == 0 {
            return Err(Malformed::Field(Field::Items));
        }
        let parsed = Self { items, used };
        let mut iter = parsed.items();
        let mut previous = None;
        while iter.left > 0 {
            let delta = iter.parse()?;
            delta.key.check()?;
            if previous >= Some(delta.key) {
                return Err(Malformed::Order);
            }
            previous = Some(delta.key);
            check_value(level, delta.value.unwrap_or_default())?;
        }
        if iter.rest.0.is_empty() { Ok(parsed) } else { Err(Malformed::Field(Field::Used)) }
    }

    /// What it says, in ascending order of the keys.
    #[must_use]
    pub const fn items(&self) -> DeltaIter<'a> {
        DeltaIter { rest: Reader(self.used), left: self.items }
    }

    /// The first thing it says about a key at or after `bound`.
    #[must_use]
    pub fn from(&self, bound: Key) -> Option<Delta<'a>> {
        self.items().find(|delta| delta.key >= bound)
    }
}

/// What a delta page says, in ascending order of the keys.
#[derive(Debug, Clone)]
pub struct DeltaIter<'a> {
    rest: Reader<'a>,
    left: u16,
}

impl<'a> DeltaIter<'a> {
    fn parse(&mut self) -> Result<Delta<'a>, Malformed> {
        self.left = self.left.saturating_sub(1);
        let key = Key::decode(self.rest.array()?);
        let value = match self.rest.u16()? {
            GONE => None,
            length => Some(self.rest.bytes(length.into())?),
        };
        Ok(Delta { key, value })
    }
}

impl<'a> Iterator for DeltaIter<'a> {
    type Item = Delta<'a>;

    fn next(&mut self) -> Option<Delta<'a>> {
        // Parsing has shown that every item is whole.
        if self.left == 0 { None } else { self.parse().ok() }
    }
}
