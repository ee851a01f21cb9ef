//! Shows that the explorer notices when a safety rule is broken.
//!
//! Each rule of [`Mutant::ALL`] is switched off in turn, for the whole process, and the suites run
//! until one notices: first what was made for this rule, then broad ones. What fails without any
//! mutant is left out, so that it cannot pass for a catch. Never run beside other tests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fs_core::mutant::{self, Mutant};

use crate::drop_futures;
use crate::explore::suite::{Suite, disturb};
use crate::explore::{Failure, Fan, Focus, Options, Report, run};
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

/// One pass over a mutant: a suite and how much of it.
#[derive(Debug, Clone, Copy)]
enum Pass {
    Cuts {
        one_in: u64,
        nested: [usize; 2],
        seed: u64,
    },
    /// Cuts of one small scenario, first where the focus says and then in each recovery: for states
    /// in which cells must read now so and now otherwise. With so many seeds.
    Doubt(&'static str, [Focus; 2], [Fan; 2], u64),
    Chip(Suite, u64),
    Drops {
        one_in: u64,
    },
}

/// What every rule is tried with, until something notices.
const PASSES: &[Pass] = &[
    Pass::Cuts { one_in: 24, nested: [1, 1], seed: 1 },
    Pass::Chip(Suite::Stale, 40),
    Pass::Chip(Suite::Twin, 20),
    Pass::Chip(Suite::Lost, 40),
    Pass::Chip(Suite::Errors, 8),
    Pass::Chip(Suite::Rot, 30),
    Pass::Drops { one_in: 40 },
    Pass::Chip(Suite::BadBlocks, 6),
];

/// What is tried before that, for rules that take a state which is rare: two cuts in one place, or
/// cells that read differently each time.
const NARROW: &[(Pass, &[Mutant])] = &[
    (
        Pass::Doubt("cached-journal", EVERYWHERE, [Fan::Some(0), Fan::Some(0)], 1),
        &[Mutant::FlushEraseSkipped],
    ),
    (
        Pass::Doubt("card-format-over-moved", EVERYWHERE, [Fan::All, Fan::Some(0)], 1),
        &[Mutant::OldEntryLost],
    ),
    (
        Pass::Doubt("entry-in-doubt", UNSTABLE, [Fan::All, Fan::Some(0)], 12),
        &[Mutant::EntryNotStrengthened, Mutant::DoubtNotStruck, Mutant::ValidDoubtKept],
    ),
    (
        Pass::Doubt("tree-grows", EVERYWHERE, [Fan::Some(0), Fan::Some(0)], 1),
        &[Mutant::DeltaBehindTorn],
    ),
    (
        Pass::Doubt("cached-boots", EVERYWHERE, [Fan::All, Fan::Some(0)], 1),
        &[Mutant::FlushSuperblockSkipped, Mutant::AnchorBeforeCheckpoint],
    ),
    (
        Pass::Doubt("seal-in-doubt", SETTLING, [Fan::All, Fan::Some(2)], 4),
        &[Mutant::CleanDoubtNotStruck, Mutant::SpareClaimKept],
    ),
    (
        Pass::Doubt("renewed-in-doubt", SETTLING, [Fan::All, Fan::Some(1)], 4),
        &[Mutant::RenewedNotAnnounced],
    ),
    (
        Pass::Doubt("park-and-go-on", EVERYWHERE, [Fan::Some(0), Fan::Some(0)], 2),
        &[Mutant::SealNotStrengthened],
    ),
    (
        Pass::Doubt("anchors-run-out", EVERYWHERE, [Fan::Some(1), Fan::Some(0)], 2),
        &[Mutant::AnchorNotStruck],
    ),
];

const EVERYWHERE: [Focus; 2] = [Focus::Everything; 2];
/// First cuts that leave the anchors in doubt.
const UNSTABLE: [Focus; 2] = [Focus::UnstableAnchors, Focus::Anchors];
/// First cuts that leave anything in doubt, then such in the settling that misses it.
const SETTLING: [Focus; 2] = [Focus::Unstable, Focus::Everything];

/// The most that one pass over a mutant may take.
const PASS_TIME: Duration = Duration::from_secs(60);

impl Pass {
    const fn name(self) -> &'static str {
        match self {
            Self::Cuts { .. } | Self::Doubt(..) => "cuts",
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
            Self::Doubt(name, focus, nested, seeds) => {
                let scenarios = Scenario::named(name).into_iter().collect();
                let mut options = Options { scenarios, nested, focus, ..options.clone() };
                let mut report = run(&Vellum, &options, &|_| ());
                while report.failures.is_empty() && options.seed < seeds {
                    options.seed += 1;
                    report = run(&Vellum, &options, &|_| ());
                }
                report
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
pub fn hunt(hunted: &[Mutant], tell: &mut dyn FnMut(&Outcome)) -> (Vec<Outcome>, BTreeSet<String>) {
    mutant::set(None);
    let mut broken: Broken = PASSES.iter().map(|pass| (pass.name(), BTreeSet::new())).collect();
    for pass in PASSES {
        broken.entry(pass.name()).or_default().extend(failing(*pass));
    }
    let mut narrow = Vec::new();
    for (pass, rules) in NARROW {
        if !rules.iter().any(|rule| hunted.contains(rule)) {
            continue;
        }
        // A broad pass goes on without the scenarios that fail; this one has no other.
        let names = failing(*pass);
        if names.is_empty() {
            narrow.push((*pass, *rules));
        }
        broken.entry(pass.name()).or_default().extend(names);
    }
    let options = Options { failures_max: 1, time: Some(PASS_TIME), ..Options::default() };
    let mut outcomes = Vec::new();
    for mutant in hunted {
        mutant::set(Some(*mutant));
        let own = narrow.iter().filter(|(_, rules)| rules.contains(mutant)).map(|(pass, _)| pass);
        let passes: Vec<Pass> = own.chain(PASSES).copied().collect();
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

/// What fails with every rule in force.
fn failing(pass: Pass) -> BTreeSet<String> {
    let options = Options { failures_max: usize::MAX, ..Options::default() };
    pass.run(&options).failures.into_iter().map(|failure| failure.scenario).collect()
}
