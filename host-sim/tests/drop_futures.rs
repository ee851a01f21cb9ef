//! Futures dropped at every poll, with four tasks on one volume.

use host_sim::drop_futures::{run, run_on};
use host_sim::explore::{Options, Report};
use host_sim::scenario::ON_WIRES;

fn judge(report: &Report, least: u64) {
    println!("{report}");
    for failure in &report.failures {
        println!("{failure}");
    }
    assert!(report.held() && report.complete && report.states() > least);
}

#[test]
fn a_dropped_future_loses_only_its_own_operation() {
    judge(&run(&Options { one_in: 6, ..Options::default() }, &|_| ()), 1000);
}

/// What is dropped is in the middle of an exchange of the driver with a card or a chip.
#[test]
fn a_dropped_future_of_a_driver_loses_only_its_own_operation() {
    for medium in ON_WIRES {
        let options = Options { one_in: 3200, ..Options::default() };
        judge(&run_on(Some(medium), &options, &|_| ()), 20);
    }
}
