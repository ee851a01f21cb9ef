//! The target: the most worn free chunk, held for cold data that is moved there.

use super::super::colour;
use super::{CHUNK, CHUNK_BLOCKS, FreeRun, ItemStore, Pick, Pin, Space, VISITS_MAX, Want};
use crate::error::Result;
use crate::format::group;
use crate::mutant::{self, Mutant};
use crate::units::BlockNo;

/// Groups that are looked into for the least worn chunk: each chunk that is erased needs one.
const LEAST_VISITS_MAX: u32 = 4;

/// A chunk that cold data is moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its first block.
    pub start: BlockNo,
    /// How many of its blocks, from the first on, are erased as far as anything goes there.
    pub erased: u16,
    /// How worn it was when it was found.
    pub wear: u16,
    /// What is being moved there.
    source: Pin,
}

impl Target {
    /// Whether `block` may not be used: it is in the target, or is being moved.
    pub(super) fn holds(&self, block: BlockNo) -> bool {
        let free = Pin { start: self.start, length: CHUNK_BLOCKS };
        free.holds(block) && !mutant::on(Mutant::TargetNotHeld) || self.source.holds(block)
    }
}

impl Space {
    /// What is held for cold data.
    pub fn target(&self) -> Option<Target> {
        self.target.filter(|_| cfg!(feature = "level"))
    }

    /// Holds the chunk that begins with `start`.
    pub fn hold_target(&mut self, start: BlockNo, wear: u16) {
        let source = Pin { start: BlockNo(0), length: 0 };
        self.target = Some(Target { start, erased: 0, wear, source });
    }

    /// Holds what is being moved.
    pub fn hold_source(&mut self, start: BlockNo, length: u16) {
        if let Some(target) = &mut self.target {
            target.source = Pin { start, length };
        }
    }

    /// The first `count` blocks of the target are erased, as far as anything goes there.
    pub fn target_erased(&mut self, count: u16) {
        if let Some(target) = &mut self.target {
            target.erased = count;
        }
    }

    /// Holds neither a target nor what is being moved.
    pub fn leave_target(&mut self) {
        self.target = None;
    }

    /// Whether any of `count` blocks from `start` on is being written, held or at hand.
    pub fn uses(&self, start: BlockNo, count: u32) -> bool {
        let used = |block| {
            let kept = self.reserve.iter().any(|run| run.holds(block));
            let data = self.holds_data(block) || self.target().is_some_and(|to| to.holds(block));
            kept || data || self.in_window(block)
        };
        (0..count).any(|behind| used(start.plus(behind)))
    }

    /// Whether the volume is divided into chunks.
    pub fn is_chunked(&self) -> bool {
        self.block_count >= super::CHUNKS_FROM
    }
}

#[colour]
impl Space {
    /// The most worn chunk that is free, or the `least` worn one, with its wear: of those in
    /// [`VISITS_MAX`] groups that may have one, or a few; the next search goes on behind them.
    ///
    /// # Errors
    /// Those of `store`.
    pub async fn find_worn<S: ItemStore>(
        &mut self,
        store: &mut S,
        least: bool,
        held: &[Pick],
    ) -> Result<Option<(FreeRun, u16)>> {
        let groups = self.block_count.div_ceil(group::BLOCKS).max(1);
        let mut found: Option<(FreeRun, u16)> = None;
        let better = |wear: u16, than: u16| if least { wear < than } else { wear > than };
        let visits = if least { LEAST_VISITS_MAX } else { VISITS_MAX };
        let mut number = self.worn_from;
        let (begin, mut round) = (number, false);
        for _ in 0..visits {
            number = store.open_group(number).await?;
            if number >= groups && !round {
                (number, round) = (store.open_group(0).await?, true);
            }
            if number >= groups || round && number >= begin {
                break;
            }
            let group = store.group(number).await?;
            let mut lowest = 0;
            let mut known = None;
            while let Some(run) = self.run_in(number, &group, lowest, Want::Free, held) {
                let part = (run.start.0 % group::BLOCKS).wrapping_div(CHUNK);
                lowest = part.saturating_add(1).saturating_mul(CHUNK);
                let wears = match known {
                    Some(wears) => wears,
                    None => store.wear(number).await?,
                };
                known = Some(wears);
                let wear = wears.of(part);
                if found.is_none_or(|(_, than)| better(wear, than)) {
                    found = Some((run, wear));
                }
            }
            number = number.saturating_add(1);
        }
        self.worn_from = number;
        Ok(found)
    }
}
