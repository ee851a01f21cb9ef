//! The explorer on media that are reached through a driver of `hal-adapters`, wires and the model
//! of a chip's other side. `host-sim explore --medium spi-nor` and so on do more of it.

use host_sim::explore::suite::{Suite, disturb};
use host_sim::explore::{Fan, Options, Report, run};
use host_sim::scenario::{ON_WIRES, Scenario};
use host_sim::subject::Vellum;

/// Format, creation, overwriting, appending, names, full volumes, mounts.
const SOME: &[&str] = &[
    "format-over-old",
    "mount-or-format",
    "config-replace",
    "overwrite-inside",
    "append-records",
    "rename-across",
    "full-disk",
    "reboot-loop",
    "park-and-go-on",
    "random-content",
];

fn options(one_in: u64, nested: usize) -> Options {
    let played = |medium| SOME.iter().map(move |name| format!("{name}@{medium}"));
    let names = ON_WIRES.iter().flat_map(played);
    let scenarios = names.map(|name| Scenario::named(&name).expect("a scenario")).collect();
    let nested = [Fan::Some(nested), Fan::Some(nested)];
    Options { scenarios, one_in, nested, failures_max: 10, ..Options::default() }
}

fn judge(report: &Report, least: u64) {
    println!("{report}");
    for failure in &report.failures {
        println!("{failure}");
    }
    assert!(report.held() && report.complete);
    assert!(report.states() > least, "{}", report.states());
    assert!(report.rows.iter().all(|row| row.states[0] > 0), "{report}");
}

#[test]
fn volumes_behind_drivers_and_wires_survive_cuts() {
    judge(&run(&Vellum, &options(160, 1), &|_| ()), 600);
}

/// The driver is at work when the power goes, and the chip's other side tears what it is at.
#[test]
fn volumes_behind_drivers_and_wires_survive_cuts_at_bytes() {
    judge(&disturb(&Vellum, Suite::Bytes, 12, &options(1, 0), &|_| ()), 300);
}
