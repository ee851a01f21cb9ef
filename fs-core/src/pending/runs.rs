//! What the log says about blocks that the group items do not say yet.

use crate::error::{Field, Malformed};
use crate::format::change::RunState;
use crate::format::group::{self, Group};
use crate::units::BlockNo;

/// Runs that the pending set can hold.
pub const RUNS_MAX: usize = 64;

/// No run crosses a multiple of this, so that there is one way to cut blocks into runs.
const CUT: u32 = 0x8000;

/// Neighbouring blocks in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaggedRun {
    /// The first block.
    pub start: BlockNo,
    /// How many blocks.
    pub length: u16,
    /// What they are used for.
    pub state: RunState,
    /// Low byte of the ordinal of a journal block not newer than the one that logged it last.
    pub tag: u8,
}

impl TaggedRun {
    /// The first block after it.
    #[must_use]
    pub const fn end(self) -> BlockNo {
        self.start.plus(self.length as u32)
    }

    fn part(self, from: u32, to: u32) -> Option<Self> {
        let start = self.start.0.max(from);
        let length = self.end().0.min(to).checked_sub(start).filter(|length| *length > 0)?;
        let length = u16::try_from(length).ok()?;
        Some(Self { start: BlockNo(start), length, ..self })
    }

    fn joins(self, next: Self) -> bool {
        self.end() == next.start && self.state == next.state && !next.start.0.is_multiple_of(CUT)
    }
}

/// The older of two tags. Live tags span far less than half of their range.
fn older(one: u8, other: u8) -> u8 {
    if one.wrapping_sub(other) > 0x7F { one } else { other }
}

/// Room for the runs of a volume, 12 bytes for each.
#[derive(Debug, PartialEq, Eq)]
pub struct RunTable(heapless::Vec<TaggedRun, RUNS_MAX>);

impl RunTable {
    /// Without runs.
    #[must_use]
    pub const fn new() -> Self {
        Self(heapless::Vec::new())
    }
}

impl Default for RunTable {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Runs<'m> {
    runs: &'m mut heapless::Vec<TaggedRun, RUNS_MAX>,
}

impl<'m> Runs<'m> {
    pub(super) fn new(table: &'m mut RunTable) -> Self {
        table.0.clear();
        Self { runs: &mut table.0 }
    }

    pub(super) fn clear(&mut self) {
        self.runs.clear();
    }

    pub(super) fn as_slice(&self) -> &[TaggedRun] {
        self.runs
    }

    /// Index of the first run that ends after `block`.
    fn index_of(&self, block: u32) -> usize {
        self.runs.partition_point(|run| run.end().0 <= block)
    }

    pub(super) fn state_of(&self, block: BlockNo) -> Option<RunState> {
        let run = self.runs.get(self.index_of(block.0))?;
        (run.start <= block).then_some(run.state)
    }

    /// Says `state` of the `length` blocks from `start`.
    pub(super) fn set(
        &mut self,
        start: BlockNo,
        length: u16,
        state: RunState,
        tag: u8,
    ) -> Result<(), Malformed> {
        let end = start.0.checked_add(u32::from(length)).ok_or(Malformed::Field(Field::Run))?;
        self.forget(start.0, end, |_| true)?;
        let mut from = start.0;
        while from < end {
            let to = (from | (CUT - 1)).saturating_add(1).min(end);
            let length = to.checked_sub(from).and_then(|length| u16::try_from(length).ok());
            let length = length.ok_or(Malformed::Field(Field::Run))?;
            self.insert(TaggedRun { start: BlockNo(from), length, state, tag })?;
            from = to;
        }
        Ok(())
    }

    /// Says nothing any more about the blocks `from..to` in a state that `which` names.
    pub(super) fn forget(
        &mut self,
        from: u32,
        to: u32,
        which: impl Fn(RunState) -> bool,
    ) -> Result<(), Malformed> {
        let mut index = self.index_of(from);
        while let Some(run) = self.runs.get_mut(index).filter(|run| run.start.0 < to) {
            if !which(run.state) {
                index = index.saturating_add(1);
                continue;
            }
            match (run.part(0, from), run.part(to, u32::MAX)) {
                (None, None) => {
                    self.runs.remove(index);
                }
                (Some(only), None) | (None, Some(only)) => {
                    *run = only;
                    index = index.saturating_add(1);
                }
                (Some(before), Some(after)) => {
                    *run = before;
                    let next = index.saturating_add(1);
                    return self
                        .runs
                        .insert(next, after)
                        .map_err(|_| Malformed::Field(Field::Runs));
                }
            }
        }
        Ok(())
    }

    /// Adds a run where there is none, and joins it with its neighbours. A joined run takes the
    /// older tag: it is logged again too early rather than too late.
    fn insert(&mut self, run: TaggedRun) -> Result<(), Malformed> {
        let index = self.index_of(run.start.0);
        let after = self.runs.get(index).copied().filter(|after| run.joins(*after));
        let mut whole = run;
        if let Some(after) = after {
            whole.length = whole.length.saturating_add(after.length);
            whole.tag = older(whole.tag, after.tag);
        }
        let before = index.checked_sub(1).and_then(|before| self.runs.get_mut(before));
        if let Some(before) = before.filter(|before| before.joins(whole)) {
            before.length = before.length.saturating_add(whole.length);
            before.tag = older(before.tag, whole.tag);
            if after.is_some() {
                self.runs.remove(index);
            }
            return Ok(());
        }
        match self.runs.get_mut(index).filter(|_| after.is_some()) {
            Some(slot) => *slot = whole,
            None => self.runs.insert(index, whole).map_err(|_| Malformed::Field(Field::Runs))?,
        }
        Ok(())
    }

    pub(super) fn retag(&mut self, tag: impl Fn(u8) -> u8) {
        for run in self.runs.iter_mut() {
            run.tag = tag(run.tag);
        }
    }

    /// The lowest group at or after `from` that a run touches.
    pub(super) fn touched_group(&self, from: u64) -> Option<u64> {
        let blocks = u64::from(group::BLOCKS);
        let block = u32::try_from(from.checked_mul(blocks)?).ok()?;
        let run = self.runs.get(self.index_of(block))?;
        u64::from(run.start.0).checked_div(blocks).map(|group| group.max(from))
    }

    /// Makes a group item say what the runs say.
    pub(super) fn patch(&self, number: u64, group: &mut Group) {
        let blocks = u64::from(group::BLOCKS);
        let Some(from) = number.checked_mul(blocks).and_then(|from| u32::try_from(from).ok())
        else {
            return;
        };
        let to = from.saturating_add(group::BLOCKS);
        let touching = self.runs.iter().skip(self.index_of(from));
        for run in touching.map_while(|run| run.part(from, to)) {
            for block in run.start.0..run.end().0 {
                let index = Group::index(BlockNo(block));
                match run.state {
                    RunState::Used | RunState::Leaving => group.set_allocated(index),
                    RunState::Erased => group.set_erased(index),
                    RunState::Free => group.set_free(index),
                }
            }
        }
    }
}
