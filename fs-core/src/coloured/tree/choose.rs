//! Which node to fold next.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use super::fold::{Limits, PARTS_MAX};
use super::path::{Place, child_of, locate};
use crate::error::{Field, Malformed, Result};
use crate::format::change::RunState;
use crate::format::group::Group;
use crate::format::key::Key;
use crate::format::page::{PAGE_PAYLOAD, item_bytes};
use crate::format::pointer;
use crate::pending::{ENTRY_BYTES, Found, POINTER_ENTRY_BYTES, State, first_group};
use crate::units::Level;

/// How much the pending set can grow while it is emptied: what callers keep free.
pub const FOLD_RESERVE: usize = PARTS_MAX * POINTER_ENTRY_BYTES + ENTRY_BYTES;

/// Children that a page of an inner node holds.
const CHILDREN: usize = PAGE_PAYLOAD / item_bytes(pointer::SIZE);

/// What is in favour of folding a node. Greater is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Gain {
    /// As `all`, of entries alone that are not of the journal block that is written now; 0 if that
    /// is not more. What has just been changed is likely to change again, or to go, and then it
    /// costs the tree nothing: the rest goes first, however little it is.
    settled: isize,
    /// What the fold frees in the pending set, less what it adds at most.
    all: isize,
}

fn gain_of(state: &State<'_>, place: &Place, limits: Limits) -> Gain {
    let level = place.pointer.level;
    let (mut freed, mut settled, mut puts) = (0_usize, 0_usize, 0_usize);
    for entry in state.range(level, place.low, place.high) {
        freed = freed.saturating_add(entry.cost());
        if entry.tag != limits.tag {
            settled = settled.saturating_add(entry.cost());
        }
        puts = puts.saturating_add(usize::from(entry.value.is_some()));
    }
    let old = usize::from(place.pointer.data_pages());
    let pages = if level > Level(0) {
        old.saturating_add(puts.div_ceil(CHILDREN))
    } else {
        // A value that goes in splits at most one page and stands alone between the halves.
        old.saturating_add(puts.saturating_mul(2))
    };
    let parts = pages.div_ceil(usize::from(limits.data_pages(level)));
    let parts =
        if level == Level(0) && place.has_runs(state) { PARTS_MAX } else { parts.min(PARTS_MAX) };
    let mut added = parts.saturating_mul(POINTER_ENTRY_BYTES).saturating_add(ENTRY_BYTES);
    if let Found::Value(_) = state.find(level.up(), place.low) {
        added = added.saturating_sub(POINTER_ENTRY_BYTES);
    }
    if level == state.scalars.root.level {
        added = 0;
    }
    let less = |freed| isize::try_from(freed).unwrap_or(isize::MAX).saturating_sub_unsigned(added);
    Gain { settled: less(settled).max(0), all: less(freed) }
}

/// The fold that frees most of the pending set, of what has settled there; if none frees anything,
/// the next one on the way up from the leaf where least is lost. `None`: nothing is pending.
///
/// Cost: one way from the root for each leaf that something is pending for.
///
/// # Errors
/// `Corrupt`; the device's.
#[colour]
pub async fn choose<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    limits: Limits,
) -> Result<Option<(Level, Key)>> {
    let root = state.scalars.root;
    let mut best: Option<(Gain, Level, Key)> = None;
    for level in (0..=root.level.0).map(Level) {
        let mut of_level: Option<(Gain, Level, Key)> = None;
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
            let gain = gain_of(state, &place, limits);
            if of_level.is_none_or(|(most, ..)| gain > most) {
                of_level = Some((gain, level, entry.key));
            }
            from = place.high;
        }
        // What frees something is compared by how much; what does not, by how high it is.
        let better = |(gain, ..): (Gain, Level, Key)| {
            best.is_none_or(|(most, ..)| gain > most || (most.all <= 0 && gain.all <= 0))
        };
        best = of_level.filter(|one| better(*one)).or(best);
    }
    if state.entries().any(|entry| entry.level > root.level) {
        return Err(corrupt(root.block)(Malformed::Field(Field::Level)));
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
