//! The explorer notices a driver that breaks one of its rules. A test of its own, for the switch is
//! that of the whole process.

use hal_adapters::mutant::{self, Mutant};
use host_sim::explore::{Fan, Options, run};
use host_sim::scenario::Scenario;
use host_sim::subject::Vellum;

/// Whether only a cut shows it: it answers too early, and is else a right driver.
const fn shows_in_cuts_only(mutant: Mutant) -> bool {
    matches!(
        mutant,
        Mutant::SdRunLeftOpen
            | Mutant::SdEndNotAwaited
            | Mutant::SdWriteNotAwaited
            | Mutant::NorEndNotAwaited
    )
}

#[test]
fn a_driver_that_breaks_a_rule_is_noticed() {
    for rule in Mutant::ALL.iter().copied() {
        let medium = if rule.name().starts_with("Nor") { "spi-nor" } else { "sd-card" };
        let scenarios = Scenario::named(&format!("config-replace@{medium}")).into_iter().collect();
        let nested = [Fan::Some(0); 2];
        let options = Options { scenarios, nested, failures_max: 1, ..Options::default() };
        let sound = run(&Vellum, &Options { one_in: 8, ..options.clone() }, &|_| ());
        assert!(sound.held() && sound.states() > 20, "{rule:?}: {sound}");
        mutant::set(Some(rule));
        let report = run(&Vellum, &options, &|_| ());
        mutant::set(None);
        let Some(failure) = report.failures.first() else { panic!("{rule:?} survives: {report}") };
        println!("{rule:?}, after {} states: {failure}", report.states());
        assert!(failure.depth == 1 || !shows_in_cuts_only(rule), "{rule:?}: {failure}");
    }
}
