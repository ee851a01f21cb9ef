//! The real filesystem under the explorer: every scenario, every cut, every mode; and a slice of
//! everything else. `host-sim explore` does the same with more of it.

use host_sim::explore::suite::{Suite, disturb};
use host_sim::explore::{Fan, Options, Report, run};
use host_sim::scenario::Scenario;
use host_sim::subject::Vellum;
use serde_json::Value;
use std::process::Command;

fn judge(report: &Report) {
    println!("{report}");
    for failure in report.failures.iter().take(10) {
        println!("{failure}");
    }
    assert!(report.failures.is_empty(), "{} failures", report.failures.len());
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

/// A first format of a card was cut while it wrote its first entry, and the next one, cut while it
/// wrote the mark of the last block anew, which was whole: that left a superblock without an entry
/// and no mark, which every mount took for a volume that is `Corrupt`.
#[test]
fn first_mounts_of_media_without_an_erase_survive_pairs_of_cuts() {
    let names = ["mount-or-format@card", "mount-or-format@cached-card", "mount-or-format@fram"];
    let scenarios = names.iter().filter_map(|name| Scenario::named(name)).collect();
    let nested = [Fan::Some(1), Fan::Some(0)];
    judge(&run(&Vellum, &Options { scenarios, nested, one_in: 2, ..options() }, &|_| ()));
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
fn programs_that_never_happened_leave_one_state_or_errors() {
    judge(&disturb(&Vellum, Suite::Lost, 40, &options(), &|_| ()));
}

/// Once a tree of an older state was shown with newer items: the newest entry counted although the
/// journal block with what was logged again for it was stale.
#[test]
fn stale_blocks_leave_one_state_or_errors() {
    judge(&disturb(&Vellum, Suite::Stale, u64::MAX, &options(), &|_| ()));
}

#[test]
fn journal_blocks_of_another_run_are_not_read() {
    judge(&disturb(&Vellum, Suite::Twin, u64::MAX, &options(), &|_| ()));
}

/// Cards promise nothing about the sectors around a write that is cut: what is damaged is noticed.
#[test]
fn a_damaged_allocation_unit_leaves_one_state_or_errors() {
    let moved = ["churn@card", "event-log@card", "tree-grows@card", "cold-and-hot@card"];
    let moved = moved.iter().filter_map(|name| Scenario::named(name));
    let scenarios = Scenario::all().chain(moved).collect();
    judge(&disturb(&Vellum, Suite::Unit, 40, &Options { scenarios, ..options() }, &|_| ()));
}

#[test]
fn sectors_that_cannot_be_read_leave_one_state_or_errors() {
    judge(&disturb(&Vellum, Suite::Unreadable, 40, &options(), &|_| ()));
}

#[test]
fn bits_that_flip_by_being_read_give_the_right_data_or_an_error() {
    judge(&disturb(&Vellum, Suite::Reads, 14, &options(), &|_| ()));
}

#[test]
fn a_cut_and_a_flipped_bit_leave_one_state_or_errors() {
    judge(&disturb(&Vellum, Suite::CutRot, 40, &options(), &|_| ()));
}

#[test]
fn a_cut_on_a_chip_with_a_bad_block_loses_nothing() {
    judge(&disturb(&Vellum, Suite::CutBad, 40, &options(), &|_| ()));
}

#[test]
fn a_volume_that_is_full_from_some_line_on_changes_nothing_and_can_be_emptied() {
    judge(&disturb(&Vellum, Suite::Full, 6, &options(), &|_| ()));
}

/// A slice of `explore --medium nor-8k` and so on: journal, anchors, nodes and data in blocks of
/// every size that the format has, and on flash that erases to zero.
#[test]
fn larger_blocks_and_blocks_erased_to_zero_survive_cuts() {
    let names = [
        "journal-wraps@nor-8k",
        "random-content@nor-8k",
        "tree-grows@nor-16k",
        "churn@nor-16k",
        "overwrite-inside@nor-32k",
        "park-and-go-on@nor-32k",
        "set-aside@nor-64k",
        "format-over-old@nor-64k",
        "mount-or-format@erased-to-zero",
        "reboot-loop@erased-to-zero",
        "append-records@erased-to-zero",
    ];
    let find = |name: &&str| Scenario::named(name).expect("a scenario");
    let scenarios = names.iter().map(find).collect();
    let nested = [Fan::Some(1), Fan::Some(0)];
    let report = run(&Vellum, &Options { scenarios, nested, one_in: 12, ..options() }, &|_| ());
    judge(&report);
    assert!(report.states() > 1_000, "{}", report.states());
}

/// What `explore` says on the command line, as JSON.
fn explored(arguments: &[&str]) -> (Value, Option<i32>) {
    let program = env!("CARGO_BIN_EXE_host-sim");
    let all = [&["explore", "--json", "--threads", "1"], arguments].concat();
    let output = Command::new(program).args(all).output().expect("the program starts");
    let json = serde_json::from_slice(&output.stdout);
    (json.expect("one JSON value on stdout, and nothing else"), output.status.code())
}

#[test]
fn an_exploration_is_told_as_json() {
    let scenario = ["--scenario", "reboot-loop", "--seed", "3", "--nested", "0", "--third", "0"];
    let (found, status) = explored(&scenario);
    let options = Options {
        seed: 3,
        scenarios: Scenario::named("reboot-loop").into_iter().collect(),
        nested: [Fan::Some(0); 2],
        ..Options::default()
    };
    let report = run(&Vellum, &options, &|_| ());
    assert_eq!((status, &found["held"]), (Some(0), &Value::Bool(true)));
    assert_eq!(found["states"], report.states());
    assert_eq!(found["scenarios"][0]["name"], "reboot-loop");
    assert_eq!(found["scenarios"][0]["distinct_images"], report.distinct());
    let (found, status) = explored(&["--list"]);
    let count = found.as_array().map(Vec::len);
    assert_eq!((status, count), (Some(0), Some(Scenario::all().count())));
}

#[test]
fn a_failure_that_is_told_as_json_has_the_line_that_repeats_it() {
    let broken = ["--scenario", "reboot-loop", "--without", "RecordChecksumSkipped"];
    let (found, status) = explored(&[&broken[..], &["--nested", "0", "--failures", "1"]].concat());
    assert_eq!((status, &found["held"]), (Some(1), &Value::Bool(false)));
    let replay = found["failures"][0]["replay"].as_str().expect("a line");
    let (_, cuts) = replay.split_once("--replay ").expect("a cut");
    let (again, status) = explored(&[&broken[..], &["--replay", cuts]].concat());
    assert_eq!((status, &again["what"]), (Some(1), &found["failures"][0]["what"]));
    assert!(again["story"].as_array().is_some_and(|lines| !lines.is_empty()));
}
