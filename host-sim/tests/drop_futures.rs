//! Futures dropped at every poll, with four tasks on one volume.

use host_sim::drop_futures::run;
use host_sim::explore::Options;

#[test]
fn a_dropped_future_loses_only_its_own_operation() {
    let report = run(&Options { one_in: 6, ..Options::default() }, &|_| ());
    println!("{report}");
    for failure in &report.failures {
        println!("{failure}");
    }
    assert!(report.held() && report.complete && report.states() > 1000);
}
