//! Rules that no power cut alone needs, but the loss of the newest anchor entry does: switched off,
//! a replay from the entry before must fail. One test, for the switch is the whole process's.
#![cfg(all(feature = "blocking", feature = "mutants"))]

mod shared;

use fs_core::mutant::{self, Mutant};
use shared::history;

#[test]
fn a_replay_from_the_entry_before_needs_the_quarantine() {
    let histories = [(Mutant::QuarantineSkipped, 60), (Mutant::RelogSkipped, 12)];
    for (rule, keys) in histories {
        assert_eq!(history(16, 1500, keys, 3), Ok(()));
        mutant::set(Some(rule));
        assert!(history(16, 1500, keys, 3).is_err(), "{} makes no difference", rule.name());
        mutant::set(None);
    }
}
