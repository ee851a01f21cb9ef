//! What an exploration counted and found.

use std::fmt;
use std::time::Duration;

use super::outcome::Fault;
use super::probe::Found;
use super::replay::{Cut, line};

/// A state in which something did not hold.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The scenario.
    pub scenario: String,
    /// Seed of the scenario.
    pub seed: u64,
    /// How far from the undisturbed run it is: nested cuts, or one for any other fault.
    pub depth: usize,
    /// What follows scenario and seed on the command line to repeat it.
    pub repeat: String,
    /// What did not hold.
    pub fault: Fault,
}

impl Failure {
    /// Something did not hold in the undisturbed run.
    pub(super) fn undisturbed(scenario: &str, seed: u64, fault: Fault) -> Self {
        Self { scenario: scenario.into(), seed, depth: 0, repeat: String::new(), fault }
    }

    /// Something did not hold after these cuts, outer first.
    pub(super) fn cut(scenario: &str, seed: u64, cuts: &[Cut], fault: Fault) -> Self {
        let repeat = format!(" --replay {}", line(cuts));
        Self { scenario: scenario.into(), seed, depth: cuts.len(), repeat, fault }
    }

    /// Something did not hold in a suite whose disturbance has this name.
    pub(crate) fn of(suite: &str, scenario: &str, seed: u64, what: &str, fault: Fault) -> Self {
        let repeat = format!(" --suite {suite} --replay {what}");
        Self { scenario: scenario.into(), seed, depth: 1, repeat, fault }
    }

    /// The command that repeats it.
    #[must_use]
    pub fn replay(&self) -> String {
        let Self { scenario, seed, repeat, .. } = self;
        let scenario =
            if scenario.is_empty() { String::new() } else { format!(" --scenario {scenario}") };
        format!("host-sim explore{scenario} --seed {seed}{repeat}")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.replay())?;
        writeln!(f, "  {}", self.fault.during)?;
        for text in self.fault.what.lines() {
            writeln!(f, "    {text}")?;
        }
        Ok(())
    }
}

/// The counts of one scenario.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The scenario.
    pub scenario: String,
    /// Calls that changed the chip.
    pub calls: usize,
    /// Log entries of the uncut run.
    pub entries: usize,
    /// States by depth: one, two, three cuts.
    pub states: [u64; 3],
    /// Post-cut images that were different.
    pub distinct: u64,
    /// Mounts.
    pub mounts: u64,
    /// Device calls of the most expensive recovery.
    pub recovery_calls: u64,
}

impl Row {
    pub(crate) fn new(scenario: &str) -> Self {
        Self { scenario: scenario.into(), ..Self::default() }
    }

    pub(crate) fn state(&mut self, depth: usize, fresh: bool) {
        if let Some(count) = self.states.get_mut(depth.saturating_sub(1)) {
            *count += 1;
        }
        self.distinct += u64::from(fresh);
    }

    pub(super) fn probed(&mut self, found: &Found) {
        self.mounts += u64::from(found.mounts);
        self.recovery_calls = self.recovery_calls.max(found.recovery_calls);
    }
}

/// The result of an exploration.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was explored.
    pub subject: String,
    /// The seed.
    pub seed: u64,
    /// Counts by scenario.
    pub rows: Vec<Row>,
    /// What did not hold; the simplest first.
    pub failures: Vec<Failure>,
    /// Failures that are known and not listed.
    pub known: u64,
    /// Whether every planned cut was made.
    pub complete: bool,
    /// How long it took on this machine.
    pub elapsed: Duration,
}

impl Report {
    /// States in all.
    #[must_use]
    pub fn states(&self) -> u64 {
        self.rows.iter().flat_map(|row| row.states).sum()
    }

    /// Different images in all.
    #[must_use]
    pub fn distinct(&self) -> u64 {
        self.rows.iter().map(|row| row.distinct).sum()
    }

    /// Mounts in all.
    #[must_use]
    pub fn mounts(&self) -> u64 {
        self.rows.iter().map(|row| row.mounts).sum()
    }

    /// States a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "shown with no more than four digits")]
    pub fn rate(&self) -> f64 {
        self.states() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Whether everything held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.failures.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<20} {:>6} {:>7} {:>9} {:>8} {:>8} {:>9} {:>9} {:>8}",
            "scenario",
            "calls",
            "entries",
            "one cut",
            "two",
            "three",
            "distinct",
            "mounts",
            "recovery"
        )?;
        for row in &self.rows {
            let [one, two, three] = row.states;
            writeln!(
                f,
                "{:<20} {:>6} {:>7} {one:>9} {two:>8} {three:>8} {:>9} {:>9} {:>8}",
                row.scenario, row.calls, row.entries, row.distinct, row.mounts, row.recovery_calls
            )?;
        }
        write!(
            f,
            "{}: {} states, {} distinct images, {} mounts, {:.0} states/s, {:.1} s{}",
            self.subject,
            self.states(),
            self.distinct(),
            self.mounts(),
            self.rate(),
            self.elapsed.as_secs_f64(),
            if self.complete { "" } else { ", not complete" }
        )?;
        if self.known > 0 {
            write!(f, ", {} known failures", self.known)?;
        }
        Ok(())
    }
}
