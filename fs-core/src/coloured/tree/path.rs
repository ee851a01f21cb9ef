//! The way from the root to a node, through what is pending at each level.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use super::node::{Side, seek};
use crate::error::{Error, Malformed, Result};
use crate::format::key::Key;
use crate::format::pointer::{self, NodePointer};
use crate::pending::{Found, State};
use crate::units::Level;

/// A node and the keys it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The node.
    pub pointer: NodePointer,
    /// The key under which its parent holds it; `Key::MIN` for the root.
    pub separator: Key,
    /// The first key of its range: its separator, or that of its parent's range if it is the
    /// first child.
    pub low: Key,
    /// The first key after its range.
    pub high: Key,
}

impl Place {
    /// The root, which is for all keys.
    pub(super) fn root(state: &State<'_>) -> Self {
        let pointer = state.scalars.root;
        Self { pointer, separator: Key::MIN, low: Key::MIN, high: Key::END }
    }

    pub(super) fn holds(&self, key: Key) -> bool {
        (self.low..self.high).contains(&key)
    }
}

/// A child's pointer, as the node and what is pending at its level say together.
struct Separator {
    key: Key,
    pointer: NodePointer,
    /// A page of the node next to it.
    page: Option<u8>,
}

#[colour]
async fn separator<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    node: &Place,
    bound: Key,
    side: Side,
    near: Option<u8>,
) -> Result<Option<Separator>> {
    let level = node.pointer.level;
    let wrong = corrupt(node.pointer.block);
    let mut value = [0; pointer::SIZE];
    let mut limit = bound;
    let base = loop {
        let spot = seek(media, &node.pointer, limit, side, near, &mut value).await?;
        match spot {
            Some(spot) if !node.holds(spot.key) => return Err(wrong(Malformed::Order)),
            Some(spot) if state.find(level, spot.key) == Found::Gone => {
                limit = if side == Side::Before { spot.key } else { spot.key.next() };
            }
            _ => break spot,
        }
    };
    let pending = |low, high| state.range(level, low, high).filter(|entry| entry.value.is_some());
    let over = match side {
        Side::Before => pending(node.low, bound).last(),
        Side::At => pending(bound, node.high).next(),
    };
    let page = base.map(|spot| spot.page).or(near);
    let closer = |key: Key| match (side, base) {
        (_, None) => true,
        (Side::Before, Some(spot)) => key >= spot.key,
        (Side::At, Some(spot)) => key <= spot.key,
    };
    let (key, bytes) = match (over.filter(|entry| closer(entry.key)), base) {
        (Some(entry), _) => (entry.key, entry.value.unwrap_or_default()),
        (None, Some(spot)) => (spot.key, &value[..]),
        (None, None) => return Ok(None),
    };
    let pointer = NodePointer::from_value(bytes).map_err(wrong)?;
    Ok(Some(Separator { key, pointer, page }))
}

/// The child of `node` that `key` belongs to. A key before the first separator belongs to the
/// first child.
#[colour]
pub(super) async fn child_of<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    node: &Place,
    key: Key,
) -> Result<Place> {
    let level = node.pointer.level;
    let found = separator(media, state, node, key.next(), Side::Before, None).await?;
    let mut first = found.is_none();
    let child = if let Some(child) = found {
        child
    } else {
        let after = separator(media, state, node, key.next(), Side::At, None).await?;
        after.ok_or(corrupt(node.pointer.block)(Malformed::Field("children")))?
    };
    let after = separator(media, state, node, child.key.next(), Side::At, child.page).await?;
    if !first && child.key > node.low {
        // Earlier pages hold earlier children, unless all of them are gone.
        let mut gone =
            state.range(level, node.low, child.key).filter(|entry| entry.value.is_none());
        let surely_not = child.page.is_some_and(|page| page > 0) && gone.next().is_none();
        first = !surely_not
            && separator(media, state, node, child.key, Side::Before, child.page).await?.is_none();
    }
    Ok(Place {
        pointer: child.pointer,
        separator: child.key,
        low: if first { node.low } else { child.key },
        high: after.map_or(node.high, |after| after.key),
    })
}

/// The node of `level` that `key` belongs to, and its parent.
///
/// # Errors
/// `Bug` if the tree is not that high; `Corrupt`; the device's.
#[colour]
pub(super) async fn locate<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    level: Level,
    key: Key,
) -> Result<(Place, Option<Place>)> {
    let mut place = Place::root(state);
    let mut parent = None;
    if place.pointer.level < level || key == Key::END {
        return Err(Error::Bug);
    }
    // Pages and changes are checked to point one level down: the level falls with each step.
    while place.pointer.level > level {
        let child = child_of(media, state, &place, key).await?;
        parent = Some(place);
        place = child;
    }
    Ok((place, parent))
}
