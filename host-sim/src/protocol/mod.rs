//! The commit protocol as an executable model: every state that cuts and errors can lead to.
//!
//! **What it is.** The journal, its anchors, settling and the seal, on a medium of a dozen blocks
//! with a few slots each, under a program with two keys. The search is breadth first over whole
//! operations; inside an operation a string of choices decides every cut, every device error and
//! every reading of a doubtful slot, and is run again until no choice is left. `docs/protocol.md`
//! has the rules, the scenarios with their figures, and what was learnt.
//!
//! **Rules.**
//! 1. What a volume shows is allowed: everything acknowledged, and of the operation in flight all
//!    or nothing. After an error it shows what it showed before.
//! 2. Some entry counts, always.
//! 3. A slot is programmed once after a whole erase, and programmed over only with zeros or,
//!    outside an interrupted erase, with the same bytes.
//! 4. Every block is free, or leaving, or has exactly one role: nothing leaks, nothing is double.
//! 5. The newest entry and the one before lead to the same state (on NOR, after each operation).
//!
//! **After a power cut.** A slot whose program did not return `Ok` is *doubtful*: blank, complete
//! or garbage, anew at every reading that may differ. An interrupted erase leaves each slot old or
//! blank in the same way. A volatile cache keeps any part of itself, one sector of it torn.
//!
//! **Cost.** The quick set is a part of `cargo test`; the long set takes minutes and 3 GB.

mod action;
mod choices;
mod content;
mod explore;
mod fingerprint;
mod journal;
mod medium;
mod mount;
mod mutants;
mod oracle;
mod replay;
mod rules;
mod scenario;
mod scenarios;
mod settle;
#[cfg(test)]
mod tests;

use explore::{Outcome, explore};
use scenario::{Expected, Scenario};
use std::time::Instant;

/// The names of all scenarios. They begin with a group: `settle/`, `park/`, `promise/`, `erased/`,
/// `room/`, `fail/`, `checkpoint/`, `sector/` and `images/` must hold, `mutant/` must be noticed,
/// `spare/` must not be, `long/` takes long.
#[must_use]
pub fn names() -> Vec<&'static str> {
    scenarios::all().iter().map(|scenario| scenario.name).collect()
}

/// Runs every scenario whose name is `wanted`, prints a line for each and the trace of every
/// violation, and tells whether each ended as it must.
#[must_use]
pub fn run(wanted: impl Fn(&str) -> bool) -> bool {
    let mut as_expected = true;
    for scenario in scenarios::all().iter().filter(|scenario| wanted(scenario.name)) {
        as_expected &= play(scenario);
    }
    as_expected
}

/// Runs one scenario, prints what came out, and tells whether it is what must.
fn play(scenario: &Scenario) -> bool {
    let start = Instant::now();
    let outcome = explore(scenario);
    let fine = match (scenario.expected, &outcome.violation) {
        (Expected::Exhausted, None) => true,
        (Expected::Caught(how), Some((what, _))) => what.starts_with(how),
        _ => false,
    };
    print(scenario, &outcome, start.elapsed().as_secs_f32(), fine);
    fine
}

fn print(scenario: &Scenario, outcome: &Outcome, seconds: f32, fine: bool) {
    let Scenario { name, operations, cuts, failures, .. } = scenario;
    let Outcome { states, transitions, violation } = outcome;
    let ended = violation.as_ref().map_or("exhausted", |(what, _)| what);
    let verdict = if fine { "ok" } else { "UNEXPECTED" };
    println!(
        "{name:<34} {operations:>2} operations {cuts} cuts {failures} errors {states:>8} states \
         {transitions:>8} transitions {seconds:>5.1} s  {verdict}: {ended}",
    );
    if let Some((_, trace)) = violation {
        for (number, line) in trace.iter().enumerate() {
            println!("      {}. {line}", number + 1);
        }
    }
}
