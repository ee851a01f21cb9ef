//! The explorer explores a toy: a correct one passes, and each broken one is caught.

use host_sim::explore::suite::{Suite, disturb};
use host_sim::explore::{Fan, Options, run};
use host_sim::scenario::Scenario;
use host_sim::subject::{Flaw, Toy};

fn options(names: &[&str]) -> Options {
    let scenarios = Scenario::all().filter(|scenario| names.contains(&scenario.name)).collect();
    Options { scenarios, nested: [Fan::Some(2), Fan::Some(1)], ..Options::default() }
}

const SOME: &[&str] = &["config-replace", "rename-across", "reboot-loop", "cached-journal"];

#[test]
fn a_correct_toy_survives_every_cut() {
    let report = run(&Toy::default(), &options(SOME), &|_| ());
    for failure in &report.failures {
        eprintln!("{failure}");
    }
    eprintln!("{report}");
    assert!(report.held() && report.complete);
    assert!(report.states() > 10_000, "{}", report.states());
    assert!(report.rows.iter().all(|row| row.states.iter().all(|states| *states > 0)));
}

#[test]
fn every_flaw_of_the_toy_is_caught() {
    for flaw in Flaw::ALL.iter().copied().filter(|flaw| *flaw != Flaw::ErrorApplied) {
        let options = Options { failures_max: 1, ..options(SOME) };
        let report = run(&Toy { flaw: Some(flaw) }, &options, &|_| ());
        let Some(failure) = report.failures.first() else { panic!("{flaw:?} survives") };
        eprintln!("{flaw:?}: {failure}");
    }
}

#[test]
fn the_same_seed_gives_the_same_counts() {
    let counts = |threads| {
        let options = Options { threads: Some(threads), ..options(&["rename-across"]) };
        let report = run(&Toy::default(), &options, &|_| ());
        (report.states(), report.distinct(), report.mounts())
    };
    assert_eq!(counts(1), counts(2));
}

#[test]
fn a_correct_toy_survives_every_other_disturbance() {
    // The toy's journal has no blocks that could be another run's; it knows no cards, and no files
    // that fill the space.
    let fits =
        |suite: &&Suite| !matches!(suite, Suite::Twin | Suite::Unit | Suite::Full | Suite::Bytes);
    for suite in Suite::ALL.iter().filter(fits) {
        let report = disturb(&Toy::default(), *suite, 200, &options(SOME), &|_| ());
        for failure in &report.failures {
            eprintln!("{failure}");
        }
        assert!(report.held() && report.complete && report.states() > 10, "{report}");
    }
}

#[test]
fn a_toy_that_applies_what_failed_is_caught() {
    // What a failed call left in RAM is allowed, but the sync after it must make it durable: the
    // toy has nothing to commit then.
    let held = |flaw| {
        let options = options(&["large-drafts-synced"]);
        disturb(&Toy { flaw }, Suite::Errors, 500, &options, &|_| ()).held()
    };
    assert!(held(None) && !held(Some(Flaw::ErrorApplied)));
}

#[test]
fn a_toy_that_trusts_rotten_data_is_caught() {
    let toy = Toy { flaw: Some(Flaw::NotVerified) };
    assert!(!disturb(&toy, Suite::Rot, 500, &options(SOME), &|_| ()).held());
}
