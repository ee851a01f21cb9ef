//! Ordered items in copy-on-write nodes.
//!
//! **What it is.** One B+tree holds all metadata. A node is a block that is written once: up to
//! seven data pages, then a page with their first keys. Changes wait in the pending set, which
//! lies over the nodes of every level; *folding* rewrites one node with what is pending for it and
//! leaves the new pointers pending for its parent. Where the blocks are erased, a leaf that this
//! session has written can take *delta pages* instead, behind the others: one page that says all
//! that has changed since. Blocks come from a [`NodeStore`].
//!
//! **Rules**
//! 1. A node is for the keys of its range and is read only through a pointer of its parent, or of
//!    what is pending for its parent: every page is verified against that pointer.
//! 2. The child of a key is the last one whose separator is not after it; a key before the first
//!    separator belongs to the first child.
//! 3. A child's level is one less than its parent's. So every way down ends, on any medium.
//! 4. Reads change nothing. A fold changes nothing either, until its record is applied: it writes
//!    into blocks that are taken and says in [`Folded`] what the record must hold. What is pending
//!    must not change in between.
//! 5. A fold that leaves nothing pending for a node without items makes the node vanish, unless it
//!    is an only child; the fold of a parent with one such child makes both vanish. A root with one
//!    child gives way to it.
//! 6. A delta page goes into cells that nothing was ever tried on. It cannot leave a leaf without
//!    items, which a rewritten one would have given back: fewer are gone than it has data pages.
//! 7. If what is pending would make more than three nodes, values (not deletions) from some key on
//!    stay pending, and the fold says so by its high key.
//! 8. A pointer says whether its node is *full*: then every key of its range is that of a group
//!    item that is there and has no free block. A fold finds that out from what it writes, so it
//!    is exact with regard to what is stored; what is pending is looked at beside it.
//!
//! **Folding ends.** Order all states by the number of entries pending at level 0, then at level 1,
//! and so on. A fold of level L removes at least one entry of level L, leaves those of lower levels
//! and adds at most five at level L + 1, so every fold leads to a smaller state and no sequence of
//! folds is endless. (A rising root adds a level without entries.) The pending set does not outgrow
//! its limit on the way: [`choose`] names a fold only if, at its worst, [`FOLD_RESERVE`] bytes stay
//! free behind it. When there is none that frees more than it adds, and no family of leaves that
//! does so together with its parent, it names the highest level that has entries: its fold adds at
//! most [`FOLD_RESERVE`] bytes to a level that had none, the next fold removes all of these and
//! adds no more one level higher, and so on up to the root, whose fold adds nothing. So whoever
//! keeps [`FOLD_RESERVE`] bytes free can always go on, and after at most as many folds as the tree
//! is high less is pending than before.
//!
//! **What is folded first.** What frees most bytes for one fold. In a large tree nearly every
//! change is for a leaf of its own, and most of what its fold frees goes to the new pointer. But
//! pointers to leaves of one parent need one fold between them: such leaves are judged together,
//! and the family that gains most is folded leaf by leaf, then its parent.
//!
//! **After a power cut.** Nodes whose fold record is missing are in blocks that nobody calls taken.
//! A delta page whose record is missing lies behind its leaf, which takes no more of them from then
//! on: no later session has written it.
//!
//! **Cost.** A lookup reads two pages for each level (its index page and one of its data pages) and
//! the delta page of a leaf that has one; three where the child is the last of its page, and in a
//! node whose separators are just being removed all data pages up to it; one page of a leaf that
//! has only one. A fold that a delta page can take programs that page and reads the one before it.
//! Any other reads each data page of the node twice and writes it once; it takes one block, two or
//! three when the node splits, one more when the root does. If the node is small, the sibling it
//! may be joined with is read as well. [`choose`] reads as much as one lookup for each leaf that
//! something is pending for, less where these have the same parent. RAM: the page that media
//! caches, two lent pages while folding. Stack on a Cortex-M3: 1.1 KiB for a lookup, 2.1 KiB for a
//! fold besides its result of 330 bytes.

mod choose;
mod fold;
mod groups;
mod merge;
mod node;
mod path;
#[cfg(test)]
mod tests;

use super::colour;
use super::device::BlockDevice;
use super::media::{Media, corrupt};
use crate::error::{Field, Malformed, Result};
use crate::format::key::Key;
use crate::pending::{Found, State};
use crate::units::{BlockNo, Level};

use node::{copy, seek, seek_back};
use path::locate;

#[cfg(test)]
use choose::growth_at;
pub use choose::{FOLD_RESERVE, choose, choose_runs};
pub use fold::{
    DESK_BYTES, Desk, Folded, GIVEN_MAX, Limits, PARTS_MAX, Pointed, TAKEN_MAX, Unpointed, fold,
    plant,
};
pub use groups::open_group;
pub use path::Place;

/// Where a fold gets the blocks of its new nodes.
#[colour]
#[allow(async_fn_in_trait, reason = "one core, no executor that moves futures between threads")]
pub trait NodeStore<D: BlockDevice> {
    /// An erased block that nobody else gets until the fold record is durable or given up.
    ///
    /// # Errors
    /// `NoSpace`; those of reading the tree; the device's.
    async fn take(&mut self, media: &mut Media<'_, D>) -> Result<BlockNo>;
}

/// The leaf that was looked at last, as long as nothing has changed that leads there: whoever reads
/// on there need not come from the root again.
#[derive(Debug, Clone, Copy)]
pub struct Hint {
    place: Place,
    shape: Option<u32>,
}

impl Hint {
    /// No leaf.
    pub const NONE: Self = Self { place: Place::NOWHERE, shape: None };

    /// Whether it is the leaf that `key` belongs to. No I/O.
    fn leads_to(&self, state: &State<'_>, key: Key) -> bool {
        self.shape == Some(state.shape()) && self.place.holds(key)
    }
}

/// The leaf that `key` belongs to, which becomes the hint.
#[colour]
async fn leaf_of<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    hint: &mut Hint,
    key: Key,
) -> Result<Place> {
    if !hint.leads_to(state, key) {
        hint.shape = None;
        locate(media, state, Level(0), key, &mut hint.place).await?;
        hint.shape = Some(state.shape());
    }
    Ok(hint.place)
}

/// The value of an item: copies what fits into `target` and gives the length of all of it.
///
/// # Errors
/// `Corrupt`; the device's.
#[colour]
pub async fn get<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    hint: &mut Hint,
    key: Key,
    target: &mut [u8],
) -> Result<Option<usize>> {
    match state.find(Level(0), key) {
        Found::Value(value) => return Ok(Some(copy(value, target))),
        Found::Gone => return Ok(None),
        Found::Absent => {}
    }
    let leaf = leaf_of(media, state, hint, key).await?.pointer;
    let spot = seek(media, &leaf, key, target).await?;
    Ok(spot.filter(|spot| spot.key == key).map(|spot| spot.length))
}

/// The first item at or after `from`: its key, and its value as [`get`] gives it. Group items are
/// as they are stored; what runs say about them is the caller's to add.
///
/// # Errors
/// `Corrupt`; the device's.
#[colour]
pub async fn next<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    hint: &mut Hint,
    from: Key,
    target: &mut [u8],
) -> Result<Option<(Key, usize)>> {
    let mut from = from;
    // Leaves without items are rare, and every one is a block: more of them are the same again.
    let mut leaves = state.block_count().0;
    while from < Key::END {
        let leaf = leaf_of(media, state, hint, from).await?;
        let wrong = corrupt(leaf.pointer.block);
        let mut bound = from;
        let base = loop {
            match seek(media, &leaf.pointer, bound, target).await? {
                Some(spot) if !leaf.holds(spot.key) => return Err(wrong(Malformed::Order)),
                Some(spot) if state.find(Level(0), spot.key) != Found::Absent => {
                    bound = spot.key.next();
                }
                spot => break spot,
            }
        };
        let mut pending = state.range(Level(0), from, leaf.high);
        let pending = pending.find_map(|entry| Some((entry.key, entry.value?)));
        match (base, pending) {
            (Some(spot), None) => return Ok(Some((spot.key, spot.length))),
            (Some(spot), Some((key, _))) if spot.key < key => {
                return Ok(Some((spot.key, spot.length)));
            }
            (_, Some((key, value))) => return Ok(Some((key, copy(value, target)))),
            (None, None) => from = leaf.high,
        }
        leaves = leaves.checked_sub(1).ok_or(wrong(Malformed::Field(Field::Children)))?;
    }
    Ok(None)
}

/// The last item at or before `key` that has its object and kind: its key, and its value as [`get`]
/// gives it.
///
/// # Errors
/// `Corrupt`; the device's.
#[colour]
pub async fn floor<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    hint: &mut Hint,
    key: Key,
    target: &mut [u8],
) -> Result<Option<(Key, usize)>> {
    let first = Key { offset: 0, ..key };
    let mut to = key;
    let mut leaves = state.block_count().0;
    loop {
        let leaf = leaf_of(media, state, hint, to).await?;
        let wrong = corrupt(leaf.pointer.block);
        let low = leaf.low.max(first);
        let mut bound = to;
        let base = loop {
            match seek_back(media, &leaf.pointer, low, bound, target).await? {
                Some(spot) if !leaf.holds(spot.key) => return Err(wrong(Malformed::Order)),
                Some(spot) if state.find(Level(0), spot.key) != Found::Absent => {
                    if spot.key == low {
                        break None;
                    }
                    bound = Key { offset: spot.key.offset.saturating_sub(1), ..spot.key };
                }
                spot => break spot,
            }
        };
        let pending = state.range(Level(0), low, to.next());
        let pending = pending.filter_map(|entry| Some((entry.key, entry.value?))).last();
        match (base, pending) {
            (Some(spot), None) => return Ok(Some((spot.key, spot.length))),
            (Some(spot), Some((key, _))) if spot.key > key => {
                return Ok(Some((spot.key, spot.length)));
            }
            (_, Some((key, value))) => return Ok(Some((key, copy(value, target)))),
            (None, None) => {}
        }
        // Above the first key of the same object and kind there is one less.
        let Some(before) = low.offset.checked_sub(1).filter(|_| low > first) else {
            return Ok(None);
        };
        to = Key { offset: before, ..first };
        leaves = leaves.checked_sub(1).ok_or(wrong(Malformed::Field(Field::Children)))?;
    }
}

/// The node of `level` that `key` belongs to.
///
/// # Errors
/// `Bug` if the tree is not that high; `Corrupt`; the device's.
#[colour]
pub async fn range<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    level: Level,
    key: Key,
) -> Result<Place> {
    let mut place = Place::root(state);
    locate(media, state, level, key, &mut place).await?;
    Ok(place)
}

/// The node of `level` that `from` belongs to, to go on from its high key: from `Key::MIN` on this
/// meets every node of the level. `None` at the end.
///
/// # Errors
/// Those of [`range`].
#[colour]
pub async fn next_node<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    level: Level,
    from: Key,
) -> Result<Option<Place>> {
    if from == Key::END {
        return Ok(None);
    }
    range(media, state, level, from).await.map(Some)
}
