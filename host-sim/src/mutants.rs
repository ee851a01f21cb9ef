//! Shows that the explorer notices when a safety rule is broken.
//!
//! Each rule of [`Mutant::ALL`] is switched off in turn, for the whole process, and the suites run
//! until one notices: cheap ones first, then the same with more of everything. What fails without
//! any mutant is left out, so that it cannot pass for a catch. Never run beside other tests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fs_core::mutant::{self, Mutant};

use crate::drop_futures;
use crate::explore::suite::{Suite, disturb};
use crate::explore::{Failure, Fan, Options, Report, run};
use crate::scenario::Scenario;
use crate::subject::Vellum;

/// What became of a mutant.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The rule that was switched off.
    pub mutant: Mutant,
    /// Who noticed, and how; `None` if it survived.
    pub caught: Option<Catch>,
    /// States until then.
    pub states: u64,
    /// How long it took on this machine.
    pub elapsed: Duration,
}

/// Who noticed a mutant, and how.
#[derive(Debug, Clone)]
pub struct Catch {
    /// The suite.
    pub suite: &'static str,
    /// What did not hold.
    pub failure: Failure,
}

/// How hard is looked for a catch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A few thousand states for each mutant.
    Quick,
    /// Up to some hundred thousand.
    Thorough,
}

impl Effort {
    /// The most that one pass over a mutant may take.
    const fn pass_time(self) -> Duration {
        match self {
            Self::Quick => Duration::from_secs(10),
            Self::Thorough => Duration::from_secs(60),
        }
    }
}

/// One pass over a mutant: a suite and how much of it.
#[derive(Debug, Clone, Copy)]
enum Pass {
    Cuts { one_in: u64, nested: [usize; 2], seed: u64 },
    Chip(Suite, u64),
    Drops { one_in: u64 },
}

const QUICK: &[Pass] = &[
    Pass::Cuts { one_in: 24, nested: [1, 1], seed: 1 },
    Pass::Drops { one_in: 40 },
    Pass::Chip(Suite::Errors, 8),
    Pass::Chip(Suite::Rot, 30),
    Pass::Chip(Suite::Lost, 10),
    Pass::Chip(Suite::Stale, 30),
    Pass::Chip(Suite::BadBlocks, 6),
    Pass::Cuts { one_in: 4, nested: [3, 2], seed: 2 },
];

const MORE: &[Pass] = &[
    Pass::Drops { one_in: 1 },
    Pass::Chip(Suite::Errors, 400),
    Pass::Chip(Suite::BadBlocks, 64),
    Pass::Chip(Suite::Rot, 400),
    Pass::Chip(Suite::Lost, 200),
    Pass::Cuts { one_in: 1, nested: [8, 3], seed: 3 },
];

impl Pass {
    const fn name(self) -> &'static str {
        match self {
            Self::Cuts { .. } => "cuts",
            Self::Chip(suite, _) => suite.name(),
            Self::Drops { .. } => "drops",
        }
    }

    fn run(self, options: &Options) -> Report {
        match self {
            Self::Cuts { one_in, nested, seed } => {
                let nested = nested.map(Fan::Some);
                run(&Vellum, &Options { seed, nested, one_in, ..options.clone() }, &|_| ())
            }
            Self::Chip(suite, each) => disturb(&Vellum, suite, each, options, &|_| ()),
            Self::Drops { one_in } => {
                drop_futures::run(&Options { one_in, ..options.clone() }, &|_| ())
            }
        }
    }
}

/// Hunts every mutant in `hunted`, and tells each outcome as soon as it is known. Says also which
/// scenarios fail without a mutant and were left out.
pub fn hunt(
    hunted: &[Mutant],
    effort: Effort,
    tell: &mut dyn FnMut(&Outcome),
) -> (Vec<Outcome>, BTreeSet<String>) {
    let passes: Vec<Pass> = match effort {
        Effort::Quick => QUICK.to_vec(),
        Effort::Thorough => [QUICK, MORE].concat(),
    };
    mutant::set(None);
    let broken: Broken = passes.iter().map(|pass| (pass.name(), BTreeSet::new())).collect();
    let broken = failing(&passes, broken);
    let time = Some(effort.pass_time());
    let options = Options { failures_max: 1, time, ..Options::default() };
    let mut outcomes = Vec::new();
    for mutant in hunted {
        mutant::set(Some(*mutant));
        let outcome = one(*mutant, &passes, &options, &broken);
        mutant::set(None);
        tell(&outcome);
        outcomes.push(outcome);
    }
    let names = broken.into_iter().flat_map(|(suite, scenarios)| {
        scenarios.into_iter().map(move |scenario| format!("{scenario} ({suite})"))
    });
    (outcomes, names.collect())
}

fn one(mutant: Mutant, passes: &[Pass], options: &Options, broken: &Broken) -> Outcome {
    let begin = Instant::now();
    let mut states = 0;
    let mut caught = None;
    for pass in passes {
        let scenarios = sound(*pass, broken);
        let report = pass.run(&Options { scenarios, ..options.clone() });
        states += report.states();
        if let Some(failure) = report.failures.into_iter().next() {
            caught = Some(Catch { suite: pass.name(), failure });
            break;
        }
    }
    Outcome { mutant, caught, states, elapsed: begin.elapsed() }
}

/// Scenarios that fail with every rule in force, by suite.
type Broken = BTreeMap<&'static str, BTreeSet<String>>;

fn sound(pass: Pass, broken: &Broken) -> Vec<&'static Scenario> {
    let fails = |name: &str| broken.get(pass.name()).is_some_and(|names| names.contains(name));
    Scenario::all().filter(|scenario| !fails(scenario.name)).collect()
}

/// Notes what fails with every rule in force: the first pass of a suite tells.
fn failing(passes: &[Pass], mut broken: Broken) -> Broken {
    for (name, names) in &mut broken {
        let Some(pass) = passes.iter().find(|pass| pass.name() == *name) else { continue };
        let options = Options { failures_max: usize::MAX, ..Options::default() };
        let failures = pass.run(&options).failures;
        names.extend(failures.into_iter().map(|failure| failure.scenario));
    }
    broken
}
