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
use crate::units::{BlockNo, Generation, Level};

/// How much the pending set can grow while it is emptied: what callers keep free.
pub const FOLD_RESERVE: usize = PARTS_MAX * POINTER_ENTRY_BYTES + ENTRY_BYTES;

/// Children that a page of an inner node holds.
const CHILDREN: usize = PAGE_PAYLOAD / item_bytes(pointer::SIZE);

/// Groups that runs of blocks touch, from which on they may be all that a fold takes in. A fold
/// that is cut though there are fewer adds less than [`FOLD_RESERVE`], and the next one is not cut.
const GROUPS_MANY: u64 = 16;

/// What is in favour of folds: bytes of the pending set that one of them frees. Greater is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Gain {
    /// As `all`, of entries alone that are not of the journal block that is written now; 0 if that
    /// is not more. What has just been changed is likely to change again, or to go, and then it
    /// costs the tree nothing: the rest goes first, however little it is.
    settled: isize,
    /// What the folds free, less the pointers that they add.
    all: isize,
}

impl Gain {
    /// What is freed, `settled` of it of what has settled, less what is added, for one of `folds`.
    fn of(settled: usize, all: usize, added: usize, folds: usize) -> Self {
        let less = |freed: usize| {
            let freed = isize::try_from(freed).unwrap_or(isize::MAX);
            let folds = isize::try_from(folds).unwrap_or(isize::MAX);
            freed.saturating_sub_unsigned(added).checked_div(folds).unwrap_or(0)
        };
        Self { settled: less(settled).max(0), all: less(all) }
    }
}

/// What is pending for a node, or for several.
#[derive(Debug, Clone, Copy)]
struct Load {
    /// Bytes of entries.
    all: usize,
    /// Of those, bytes of entries that are not of the journal block that is written now.
    settled: usize,
    /// Entries that have a value.
    puts: usize,
    /// Nodes.
    nodes: usize,
}

impl Load {
    const NONE: Self = Self { all: 0, settled: 0, puts: 0, nodes: 0 };

    fn of(state: &State<'_>, place: &Place, limits: Limits) -> Self {
        let mut load = Self { nodes: 1, ..Self::NONE };
        for entry in state.range(place.pointer.level, place.low, place.high) {
            load.all = load.all.saturating_add(entry.cost());
            if entry.tag != limits.tag {
                load.settled = load.settled.saturating_add(entry.cost());
            }
            load.puts = load.puts.saturating_add(usize::from(entry.value.is_some()));
        }
        load
    }

    fn add(&mut self, more: &Self) {
        self.all = self.all.saturating_add(more.all);
        self.settled = self.settled.saturating_add(more.settled);
        self.nodes = self.nodes.saturating_add(more.nodes);
    }

    /// What one fold gains when these nodes are folded and then, if there is one, the `parent`
    /// with what is pending for it. Nearly every fold adds one pointer at the end of it all; none
    /// where that is there already, or where it is the root's.
    fn gain(&self, parent: Option<&Self>, top: &Place, state: &State<'_>) -> Gain {
        let level = top.pointer.level;
        let known = matches!(state.find(level.up(), top.low), Found::Value(_));
        let spared = known || level == state.scalars.root.level;
        let added = if spared { 0 } else { POINTER_ENTRY_BYTES };
        let (settled, all, folds) = match parent {
            None => (self.settled, self.all, self.nodes),
            Some(parent) => (
                self.settled.saturating_add(parent.settled),
                self.all.saturating_add(parent.all),
                self.nodes.saturating_add(1),
            ),
        };
        Gain::of(settled, all, added, folds)
    }

    /// The most that the pending set can grow by when the node at `place` is folded.
    fn growth_max(&self, state: &State<'_>, place: &Place, limits: Limits) -> usize {
        let level = place.pointer.level;
        if level == state.scalars.root.level {
            return 0;
        }
        let old = usize::from(place.pointer.data_pages());
        let pages = if level > Level(0) {
            old.saturating_add(self.puts.div_ceil(CHILDREN))
        } else {
            // A value that goes in splits at most one page and stands alone between the halves.
            old.saturating_add(self.puts.saturating_mul(2))
        };
        let parts = pages.div_ceil(usize::from(limits.data_pages(level)));
        let all = level == Level(0) && place.has_runs(state);
        // What a delta page brings in is not among the pending values.
        let unknown = all || place.pointer.delta_pages > 0;
        let parts = if unknown { PARTS_MAX } else { parts.min(PARTS_MAX) };
        let mut added = parts.saturating_mul(POINTER_ENTRY_BYTES).saturating_add(ENTRY_BYTES);
        if let Found::Value(_) = state.find(level.up(), place.low) {
            added = added.saturating_sub(POINTER_ENTRY_BYTES);
        }
        // With so many groups it may be cut before the first entry, and free nothing.
        let freed = if all && place.run_groups(state) >= GROUPS_MANY { 0 } else { self.all };
        added.saturating_sub(freed)
    }
}

/// The most that the pending set can grow by when the node of `level` with `key` is folded.
#[cfg(test)]
#[colour]
pub async fn growth_at<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    (level, key): (Level, Key),
    limits: Limits,
) -> Result<usize> {
    let mut place = Place::root(state);
    locate(media, state, level, key, &mut place).await?;
    Ok(Load::of(state, &place, limits).growth_max(state, &place, limits))
}

/// A fold, and how good it is.
#[derive(Debug, Clone, Copy)]
struct Choice {
    gain: Gain,
    /// Whether the pending set has room for the most that the fold can add.
    affordable: bool,
    level: Level,
    key: Key,
}

impl Choice {
    fn of(state: &State<'_>, place: &Place, load: &Load, limits: Limits, key: Key) -> Self {
        let growth = load.growth_max(state, place, limits);
        let affordable = growth == 0 || state.fits(growth.saturating_add(FOLD_RESERVE));
        let mut gain = load.gain(None, place, state);
        if !affordable {
            gain = Gain { settled: 0, all: isize::MIN };
        }
        Self { gain, affordable, level: place.pointer.level, key }
    }

    fn keep_better(best: &mut Option<Self>, new: Self) {
        if best.is_none_or(|best| new.gain > best.gain) {
            *best = Some(new);
        }
    }
}

/// The leaves below one parent that something is pending for.
struct Family {
    parent: Place,
    load: Load,
    best: Option<Choice>,
}

impl Family {
    const NONE: Self = Self { parent: Place::NOWHERE, load: Load::NONE, best: None };

    fn add(&mut self, load: &Load, leaf: Choice) {
        self.load.add(load);
        Choice::keep_better(&mut self.best, leaf);
    }

    /// The best leaf, with what speaks for it: what it frees by itself, or what the folds of all of
    /// them and of their parent free on average, if that is more. Leaves that have little each are
    /// so folded one parent after the other, and that with many new pointers at a time.
    fn best(&self, state: &State<'_>, limits: Limits) -> Option<Choice> {
        let mut leaf = self.best?;
        if leaf.affordable {
            let parent = Load::of(state, &self.parent, limits);
            leaf.gain = leaf.gain.max(self.load.gain(Some(&parent), &self.parent, state));
        }
        Some(leaf)
    }
}

/// The fold to begin with so that few folds free much of the pending set, of what has settled
/// there; if none frees anything, the next one on the way up from the leaf where least is lost.
/// `None`: nothing is pending.
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
    let mut best = None;
    if root.level > Level(0) {
        choose_leaf(media, state, limits, &mut best).await?;
    }
    for level in (root.level.0.min(1)..=root.level.0).map(Level) {
        let mut of_level = None;
        let mut from = Key::MIN;
        while let Some(entry) = state.ceiling(level, from) {
            let mut place = Place::root(state);
            locate(media, state, level, entry.key, &mut place).await?;
            let load = Load::of(state, &place, limits);
            let choice = Choice::of(state, &place, &load, limits, entry.key);
            Choice::keep_better(&mut of_level, choice);
            from = place.high;
        }
        // What frees something is compared by how much; what does not, by how high it is.
        let better = |new: &Choice| {
            let most = best.map_or(isize::MIN, |best: Choice| best.gain.all);
            best.is_none_or(|best| new.gain > best.gain) || (most <= 0 && new.gain.all <= 0)
        };
        best = of_level.filter(better).or(best);
    }
    if state.entries().any(|entry| entry.level > root.level) {
        return Err(corrupt(root.block)(Malformed::Field(Field::Level)));
    }
    Ok(best.map(|Choice { level, key, .. }| (level, key)))
}

/// The best leaf of a tree that has more than one.
#[colour]
#[inline(never)]
async fn choose_leaf<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    limits: Limits,
    best: &mut Option<Choice>,
) -> Result<()> {
    let mut family = Family::NONE;
    let mut from = Key::MIN;
    loop {
        let entry = state.ceiling(Level(0), from);
        if entry.as_ref().is_none_or(|entry| !family.parent.holds(entry.key)) {
            if let Some(choice) = family.best(state, limits) {
                Choice::keep_better(best, choice);
            }
            family = Family::NONE;
        }
        let Some(entry) = entry else { return Ok(()) };
        if family.best.is_none() {
            locate(media, state, Level(1), entry.key, &mut family.parent).await?;
        }
        let mut leaf = family.parent;
        child_of(media, state, entry.key, &mut leaf).await?;
        let load = Load::of(state, &leaf, limits);
        family.add(&load, Choice::of(state, &leaf, &load, limits, entry.key));
        from = leaf.high;
    }
}

/// The leaf whose fold removes the most runs, as far as it does not bring them back: that its own
/// block is free, and that the one which comes next, `near`, is used. Of equal ones that which was
/// written first, so that no leaf is folded over and over while others wait. `None` if all runs are
/// leaving, or none is there.
///
/// Cost: one way from the root for each parent of leaves that runs are pending for, and its pages.
///
/// # Errors
/// `Corrupt`; the device's.
#[colour]
pub async fn choose_runs<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    near: BlockNo,
) -> Result<Option<(Level, Key)>> {
    let mut best: Option<(isize, Generation, Key)> = None;
    let mut parent = Place::NOWHERE;
    let mut from = 0;
    while let Some(group) = state.touched_group(from) {
        let key = Group::key(group);
        let mut place = Place::root(state);
        if place.pointer.level > Level(0) {
            if !parent.holds(key) {
                locate(media, state, Level(1), key, &mut parent).await?;
            }
            place = parent;
            child_of(media, state, key, &mut place).await?;
        }
        let groups = first_group(place.low)..first_group(place.high);
        let within = |block| groups.contains(&Group::number(block));
        let runs = state.runs().iter().filter(|run| run.state != RunState::Leaving);
        let runs = runs.filter(|run| within(run.start)).count();
        let again = [place.pointer.block, near].into_iter().filter(|block| within(*block)).count();
        let gain = isize::try_from(runs).unwrap_or(isize::MAX).saturating_sub_unsigned(again);
        let generation = place.pointer.generation;
        let better = best
            .is_none_or(|(most, oldest, _)| gain > most || (gain == most && generation < oldest));
        if runs > 0 && better {
            best = Some((gain, generation, key));
        }
        from = groups.end;
    }
    Ok(best.map(|(.., key)| (Level(0), key)))
}
