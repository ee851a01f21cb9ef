//! A scenario: the size of the medium, what is done on it, which faults, and what must come out.

use super::rules::Rule;

/// What a run of a scenario must end with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    /// Every state was visited and every promise held.
    Exhausted,
    /// A violation whose text begins so.
    Caught(&'static str),
}

#[derive(Clone, Debug)]
pub(super) struct Scenario {
    /// `group/what`.
    pub name: &'static str,
    pub expected: Expected,
    pub blocks: u8,
    /// Records in a journal block.
    pub slots: u8,
    /// Entries in an anchor block.
    pub anchor_slots: u8,
    /// Sectors behind a volatile cache instead of NOR cells.
    pub sector: bool,
    /// Words that are programmed once: nothing may be programmed over what was tried on.
    pub once: bool,
    /// Records in a tail sector; 0: a sector is one record.
    pub image_records: u8,
    pub chain_max: usize,
    /// Records in a checkpoint, 1..=3.
    pub checkpoint_records: u8,
    /// Words: see [`super::action::Action`].
    pub actions: &'static str,
    pub operations: u8,
    pub cuts: u8,
    pub failures: u8,
    pub broken: &'static [Rule],
}

impl Scenario {
    /// Whether this scenario breaks `rule`.
    pub fn breaks(&self, rule: Rule) -> bool {
        self.broken.contains(&rule)
    }
}
