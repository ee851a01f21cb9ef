//! The way from the root to a node, through what is pending at each level.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use super::node::{data_page, page_of};
use crate::error::{Error, Field, Malformed, Result};
use crate::format::group::Group;
use crate::format::key::Key;
use crate::format::pointer::NodePointer;
use crate::pending::{Found, State, first_group};
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
    /// For no key.
    pub(super) const NOWHERE: Self =
        Self { pointer: NodePointer::NONE, separator: Key::MIN, low: Key::MIN, high: Key::MIN };

    /// The root, which is for all keys.
    pub(super) fn root(state: &State<'_>) -> Self {
        let pointer = state.scalars.root;
        Self { pointer, separator: Key::MIN, low: Key::MIN, high: Key::END }
    }

    pub(super) fn holds(&self, key: Key) -> bool {
        (self.low..self.high).contains(&key)
    }

    /// Whether a run of blocks is pending for a group item of its range.
    pub(super) fn has_runs(&self, state: &State<'_>) -> bool {
        let touched = state.touched_group(first_group(self.low));
        touched.is_some_and(|group| group < first_group(self.high))
    }

    /// How many groups of its range pending runs touch, at most.
    pub(super) fn run_groups(&self, state: &State<'_>) -> u64 {
        let (low, high) = (first_group(self.low), first_group(self.high));
        let groups = state.runs().iter().map(|run| {
            let last = Group::number(run.end()).saturating_add(1).min(high);
            last.saturating_sub(Group::number(run.start).max(low))
        });
        groups.sum()
    }
}

/// Goes from a node to the child that `key` belongs to, as the node and what is pending at its
/// level say together. A key before the first separator belongs to the first child.
///
/// Where separators are gone the node is read from its first page on, else from the page of `key`.
#[colour]
pub(super) async fn child_of<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    key: Key,
    place: &mut Place,
) -> Result<()> {
    let (mut key, node, level) = (key, place.pointer, place.pointer.level);
    let wrong = corrupt(node.block);
    let gone = state.range(level, place.low, place.high).any(|entry| entry.value.is_none());
    loop {
        let mut page = if gone { 0 } else { page_of(media, &node, key).await? };
        let (mut at, mut next, mut earlier) = (None, None, page > 0);
        while next.is_none() && page < node.data_pages() {
            for item in data_page(media, &node, page).await?.items() {
                if gone && state.find(level, item.key) == Found::Gone {
                    continue;
                }
                if item.key > key {
                    next = Some(item.key);
                    break;
                }
                earlier |= at.is_some();
                at = Some((item.key, item.pointer().map_err(&wrong)?));
            }
            page = page.saturating_add(1);
        }
        for entry in state.range(level, place.low, place.high) {
            let Some(value) = entry.value else { continue };
            if entry.key > key {
                next = next.filter(|next| *next < entry.key).or(Some(entry.key));
                break;
            }
            let before = at.map(|(key, _)| key);
            earlier |= before.is_some_and(|before| before != entry.key);
            if before.is_none_or(|before| before <= entry.key) {
                at = Some((entry.key, NodePointer::from_value(value).map_err(&wrong)?));
            }
        }
        if next.is_some_and(|next| !place.holds(next)) {
            return Err(wrong(Malformed::Order));
        }
        if let Some((separator, pointer)) = at {
            if !place.holds(separator) {
                return Err(wrong(Malformed::Order));
            }
            let low = if earlier { separator } else { place.low };
            *place = Place { pointer, separator, low, high: next.unwrap_or(place.high) };
            return Ok(());
        }
        key = next.ok_or(wrong(Malformed::Field(Field::Children)))?;
    }
}

/// Goes from the root to the node of `level` that `key` belongs to.
///
/// # Errors
/// `Bug` if the tree is not that high; `Corrupt`; the device's.
#[colour]
pub(super) async fn locate<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    level: Level,
    key: Key,
    place: &mut Place,
) -> Result<()> {
    *place = Place::root(state);
    if place.pointer.level < level || key == Key::END {
        return Err(Error::Bug);
    }
    // Pages and changes are checked to point one level down: the level falls with each step.
    while place.pointer.level > level {
        child_of(media, state, key, place).await?;
    }
    Ok(())
}
