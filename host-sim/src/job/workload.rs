//! What a device does all day: rewrites its configuration, notes events, keeps its state.
//!
//! Configurations are replaced as programs do it, by a temporary file that is renamed over the old
//! one. Events are files of their own, moved to an archive after a while and then removed. The
//! state is overwritten in one call.

use std::collections::VecDeque;

use super::source::config;
use crate::model::{Access, Op, Slot};
use crate::rng::Rng;

/// Where the workload lives on the volume.
pub const WORK: &str = "/work";

const CONFIGS: usize = 4;
const STATES: usize = 2;
const EVENTS_KEPT: usize = 6;
const ARCHIVE_KEPT: usize = 3;
const CONFIG: Slot = 1;
const EVENT: Slot = 2;
const READER: Slot = 3;

/// A call, and the class in which its time is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is part of.
    pub class: &'static str,
    /// The call.
    pub op: Op,
}

/// The calls of a seed, without end.
#[derive(Debug, Clone)]
pub struct Workload {
    rng: Rng,
    number: usize,
    configs: [bool; CONFIGS],
    events: VecDeque<usize>,
    archive: VecDeque<usize>,
}

impl Workload {
    /// The workload of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed ^ 0x0057_4F52_4B4C_4F41),
            number: 0,
            configs: [false; CONFIGS],
            events: VecDeque::new(),
            archive: VecDeque::new(),
        }
    }

    /// The directories that it needs.
    #[must_use]
    pub fn begin() -> Vec<Step> {
        ["", "/config", "/events", "/archive"]
            .into_iter()
            .map(|name| Step { class: "make a directory", op: Op::Mkdir(format!("{WORK}{name}")) })
            .collect()
    }

    /// The calls of the next thing the device does.
    pub fn next_action(&mut self) -> Vec<Step> {
        self.number += 1;
        match self.rng.below(100) {
            0..40 => self.rewrite_config(),
            40..75 => self.note_event(),
            75..90 => self.overwrite_state(),
            _ => self.read_config(),
        }
    }

    fn rewrite_config(&mut self) -> Vec<Step> {
        let chosen = self.rng.index(CONFIGS);
        self.configs[chosen] = true;
        let path = format!("{WORK}/config/unit-{chosen}.conf");
        let temporary = format!("{path}.tmp");
        let content = config(&mut self.rng, self.number);
        steps([
            ("config: open temporary", Op::Open(CONFIG, temporary.clone(), Access::REWRITE)),
            ("config: write", Op::Write(CONFIG, 0, content)),
            ("config: close", Op::Close(CONFIG)),
            ("config: rename over", Op::Rename(temporary, path)),
        ])
    }

    fn note_event(&mut self) -> Vec<Step> {
        let event = |number: usize| format!("{WORK}/events/{number:06}.event");
        let archived = |number: usize| format!("{WORK}/archive/{number:06}.event");
        let path = event(self.number);
        let length = 40 + self.rng.index(120);
        let text = crate::scenario::Script::text("event", self.number, length);
        let mut made = steps([
            ("event: create", Op::Open(EVENT, path, Access::CREATE_NEW)),
            ("event: write", Op::Write(EVENT, 0, text)),
            ("event: close", Op::Close(EVENT)),
        ]);
        self.events.push_back(self.number);
        if let Some(oldest) = oldest_beyond(&mut self.events, EVENTS_KEPT) {
            let op = Op::Rename(event(oldest), archived(oldest));
            made.push(Step { class: "event: move to archive", op });
            self.archive.push_back(oldest);
        }
        if let Some(oldest) = oldest_beyond(&mut self.archive, ARCHIVE_KEPT) {
            made.push(Step { class: "event: remove", op: Op::Remove(archived(oldest)) });
        }
        made
    }

    fn overwrite_state(&mut self) -> Vec<Step> {
        let path = format!("{WORK}/state-{}", self.rng.index(STATES));
        let content = config(&mut self.rng, self.number);
        steps([("state: replace", Op::Replace(path, content))])
    }

    fn read_config(&mut self) -> Vec<Step> {
        let chosen = self.rng.index(CONFIGS);
        if !self.configs[chosen] {
            return self.rewrite_config();
        }
        let path = format!("{WORK}/config/unit-{chosen}.conf");
        steps([
            ("config: open to read", Op::Open(READER, path, Access::READ)),
            ("config: read", Op::Read(READER)),
            ("config: close reader", Op::Close(READER)),
        ])
    }
}

fn oldest_beyond(kept: &mut VecDeque<usize>, most: usize) -> Option<usize> {
    if kept.len() > most { kept.pop_front() } else { None }
}

fn steps(calls: impl IntoIterator<Item = (&'static str, Op)>) -> Vec<Step> {
    calls.into_iter().map(|(class, op)| Step { class, op }).collect()
}

#[cfg(test)]
mod tests {
    use super::Workload;
    use crate::model::Model;

    #[test]
    fn the_model_accepts_every_call_of_a_workload_and_its_tree_stays_small() {
        let mut model = Model::new();
        let mut workload = Workload::new(3);
        for step in Workload::begin() {
            assert_eq!(model.apply(&step.op).result, Ok(()), "{step:?}");
        }
        for _ in 0..500 {
            for step in workload.next_action() {
                assert_eq!(model.apply(&step.op).result, Ok(()), "{step:?}");
            }
        }
        assert!(model.committed().len() < 40, "{}", model.committed().len());
    }
}
