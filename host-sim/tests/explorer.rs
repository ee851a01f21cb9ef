//! The real filesystem under the explorer: every scenario, every cut, every mode; and a slice of
//! everything else. `host-sim explore` does the same with more of it.

use host_sim::explore::suite::{Suite, disturb};
use host_sim::explore::{Failure, Fan, Options, Report, run};
use host_sim::scenario::Scenario;
use host_sim::subject::Vellum;

/// What is known not to hold yet, and why. Nothing else may fail.
fn is_known(failure: &Failure) -> bool {
    let name = failure.scenario.as_str();
    let smallest = Scenario::named(name).is_some_and(|scenario| scenario.medium.blocks <= 16);
    // A full or settled volume of the smallest sizes finds no space although it holds little.
    let no_space = failure.fault.what.contains("NoSpace");
    // A cache may keep an anchor entry and lose the superblock in front of it.
    let cached = name.starts_with("cached-");
    // A cut in the repetition of a format that was cut is told as damage.
    let format = name == "format-over-old" && failure.depth > 1;
    (no_space && (smallest || name == "full-disk")) || (cached && failure.depth > 1) || format
}

fn judge(report: &Report) {
    println!("{report}");
    let unknown: Vec<&Failure> = report.failures.iter().filter(|one| !is_known(one)).collect();
    for failure in unknown.iter().take(10) {
        println!("{failure}");
    }
    assert!(unknown.is_empty(), "{} failures", unknown.len());
    assert!(report.complete);
}

fn options() -> Options {
    Options { failures_max: usize::MAX, ..Options::default() }
}

#[test]
fn every_scenario_survives_a_cut_of_every_command_in_every_mode() {
    let report = run(&Vellum, &Options { nested: [Fan::Some(0); 2], ..options() }, &|_| ());
    judge(&report);
    assert!(report.states() > 40_000, "{}", report.states());
}

#[test]
fn every_scenario_survives_cuts_during_the_recovery_from_cuts() {
    let nested = [Fan::Some(4), Fan::Some(2)];
    judge(&run(&Vellum, &Options { nested, one_in: 16, seed: 2, ..options() }, &|_| ()));
}

#[test]
fn the_first_scenarios_survive_every_pair_of_cuts_in_their_recovery() {
    let scenarios = ["settle-loop"].iter().filter_map(|name| Scenario::named(name)).collect();
    let nested = [Fan::All, Fan::Some(0)];
    judge(&run(&Vellum, &Options { scenarios, nested, one_in: 64, ..options() }, &|_| ()));
}

#[test]
fn errors_of_the_chip_change_nothing_or_what_was_asked_for() {
    judge(&disturb(&Vellum, Suite::Errors, 40, &options(), &|_| ()));
}

#[test]
fn bad_blocks_lose_nothing_that_was_acknowledged() {
    judge(&disturb(&Vellum, Suite::BadBlocks, 40, &options(), &|_| ()));
}

#[test]
fn rotten_bits_give_the_right_data_or_an_error() {
    judge(&disturb(&Vellum, Suite::Rot, 60, &options(), &|_| ()));
}

#[test]
fn programs_that_never_happened_give_no_content_that_never_was() {
    judge(&disturb(&Vellum, Suite::Lost, 30, &options(), &|_| ()));
}
