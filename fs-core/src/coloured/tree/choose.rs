//! Which node to fold next.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use super::fold::PARTS_MAX;
use super::path::{Place, child_of, locate};
use crate::error::{Malformed, Result};
use crate::format::change::RunState;
use crate::format::group::Group;
use crate::format::key::Key;
use crate::format::page::{DATA_PAGES_MAX, PAGE_PAYLOAD, item_bytes};
use crate::format::pointer;
use crate::pending::{ENTRY_BYTES, Found, POINTER_ENTRY_BYTES, State, first_group};
use crate::units::Level;

/// How much the pending set can grow while it is emptied: what callers keep free.
pub const FOLD_RESERVE: usize = PARTS_MAX * POINTER_ENTRY_BYTES + ENTRY_BYTES;

/// Children that a page of an inner node holds.
const CHILDREN: usize = PAGE_PAYLOAD / item_bytes(pointer::SIZE);

/// What folding a node frees in the pending set, less what it adds at most.
fn gain_of(state: &State<'_>, place: &Place, data_pages_max: u8) -> isize {
    let level = place.pointer.level;
    let (mut freed, mut puts) = (0_usize, 0_usize);
    for entry in state.range(level, place.low, place.high) {
        freed = freed.saturating_add(entry.cost());
        puts = puts.saturating_add(usize::from(entry.value.is_some()));
    }
    let touched = state.touched_group(first_group(place.low));
    let groups = touched.is_some_and(|group| group < first_group(place.high));
    let old = usize::from(place.pointer.data_pages());
    let pages = if level > Level(0) {
        old.saturating_add(puts.div_ceil(CHILDREN))
    } else {
        // A value that goes in splits at most one page and stands alone between the halves.
        old.saturating_add(puts.saturating_mul(2))
    };
    let parts = pages.div_ceil(usize::from(data_pages_max.clamp(1, DATA_PAGES_MAX)));
    let parts = if groups && level == Level(0) { PARTS_MAX } else { parts.min(PARTS_MAX) };
    let mut added = parts.saturating_mul(POINTER_ENTRY_BYTES).saturating_add(ENTRY_BYTES);
    if let Found::Value(_) = state.find(level.up(), place.low) {
        added = added.saturating_sub(POINTER_ENTRY_BYTES);
    }
    if level == state.scalars.root.level {
        added = 0;
    }
    let freed = isize::try_from(freed).unwrap_or(isize::MAX);
    freed.saturating_sub_unsigned(added)
}

/// The fold that frees most of the pending set; if none frees anything, the next one on the way up
/// from the leaf where least is lost. `None`: nothing is pending.
///
/// Cost: one way from the root for each leaf that something is pending for.
///
/// # Errors
/// `Corrupt`; the device's.
#[colour]
pub async fn choose<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    data_pages_max: u8,
) -> Result<Option<(Level, Key)>> {
    let root = state.scalars.root;
    let mut best: Option<(isize, Level, Key)> = None;
    for level in (0..=root.level.0).map(Level) {
        let mut of_level: Option<(isize, Level, Key)> = None;
        let mut from = Key::MIN;
        let mut parent = Place::root(state);
        while let Some(entry) = state.ceiling(level, from) {
            let mut place = parent;
            if level < root.level {
                if parent.pointer.level != level.up() || !parent.holds(entry.key) {
                    locate(media, state, level.up(), entry.key, &mut parent).await?;
                    place = parent;
                }
                child_of(media, state, entry.key, &mut place).await?;
            }
            let gain = gain_of(state, &place, data_pages_max);
            if of_level.is_none_or(|(most, ..)| gain > most) {
                of_level = Some((gain, level, entry.key));
            }
            from = place.high;
        }
        // What frees something is compared by how much; what does not, by how high it is.
        let better = |(gain, ..): (isize, Level, Key)| {
            best.is_none_or(|(most, ..)| gain > most || (most <= 0 && gain <= 0))
        };
        best = of_level.filter(|one| better(*one)).or(best);
    }
    if state.entries().any(|entry| entry.level > root.level) {
        return Err(corrupt(root.block)(Malformed::Field("level")));
    }
    Ok(best.map(|(_, level, key)| (level, key)))
}

/// The leaf whose fold removes the most runs; `None` if all runs are leaving, or none is there.
///
/// # Errors
/// `Corrupt`; the device's.
#[colour]
pub async fn choose_runs<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
) -> Result<Option<(Level, Key)>> {
    let mut best: Option<(usize, Key)> = None;
    let mut place = Place::root(state);
    let mut from = 0;
    while let Some(group) = state.touched_group(from) {
        let key = Group::key(group);
        locate(media, state, Level(0), key, &mut place).await?;
        let next = first_group(place.high);
        let runs = state.runs().iter().filter(|run| {
            run.state != RunState::Leaving && (group..next).contains(&Group::number(run.start))
        });
        let runs = runs.count();
        if runs > best.map_or(0, |(most, _)| most) {
            best = Some((runs, key));
        }
        from = next;
    }
    Ok(best.map(|(_, key)| (Level(0), key)))
}
