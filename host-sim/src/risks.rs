//! The risks that an adversarial review of the design found, and what tests them.
//!
//! Every blocker and every high item is here: with the scenarios that cover it, or with the reason
//! why nothing can yet. `docs/testing.md` prints this table.

/// How bad it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Breaks a promise, or cannot be repaired once volumes exist.
    Blocker,
    /// A silent wrong result.
    High,
}

/// What is done about a risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// These scenarios, suites or tests would notice.
    Tested(&'static [&'static str]),
    /// What it is about does not exist yet.
    NotYet(&'static str),
}

/// A risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Risk {
    /// Its name in the review.
    pub item: &'static str,
    /// How bad it would be.
    pub severity: Severity,
    /// What could go wrong.
    pub story: &'static str,
    /// What is done about it.
    pub answer: Answer,
}

const fn tested(
    item: &'static str,
    severity: Severity,
    story: &'static str,
    by: &'static [&'static str],
) -> Risk {
    Risk { item, severity, story, answer: Answer::Tested(by) }
}

use Severity::{Blocker, High};

/// Every blocker and high item.
pub const RISKS: &[Risk] = &[
    tested(
        "C1",
        Blocker,
        "an append programs over half-programmed bytes",
        &["append-records", "tail-coalesced", "discarded-tail", "cached-content"],
    ),
    tested(
        "C2",
        Blocker,
        "a read beyond the valid bytes shows old data",
        &["truncate-extend", "whole-files"],
    ),
    tested(
        "C3",
        Blocker,
        "the older anchor entry leads to another state than the newest",
        &["settle-loop", "anchors-fill", "journal-wraps", "reboot-loop"],
    ),
    tested(
        "C4",
        Blocker,
        "replay does not give the state of the run",
        &["cold-and-hot", "journal-wraps", "random-walk", "tree-grows"],
    ),
    tested(
        "C5",
        Blocker,
        "a record shares a sector with an acknowledged one",
        &["tail-images", "large-records", "card-full-block", "fram-log"],
    ),
    tested(
        "C6",
        Blocker,
        "a record of an earlier session verifies",
        &["reboot-loop", "cached-journal", "format-over-old"],
    ),
    tested(
        "C7",
        High,
        "settling is cut, repeated, or flips a decision",
        &["settle-loop", "clean-stop", "park-and-go-on", "read-only-between"],
    ),
    tested(
        "C8",
        Blocker,
        "a dropped future discards other tasks' completed work",
        &["suite drops", "two-handles"],
    ),
    tested(
        "C9",
        High,
        "a block is reused before its release is durable",
        &["tree-grows", "tree-collapses", "cached-tree", "journal-wraps", "read-while-replaced"],
    ),
    tested(
        "C10",
        High,
        "a block counts as erased that is not",
        &["maintain", "event-log", "churn"],
    ),
    tested("C11", High, "cursors start again at every boot", &["reboot-loop", "maintain"]),
    tested(
        "C12",
        High,
        "a cache keeps the later write and loses the earlier",
        &["cached-journal", "cached-tree"],
    ),
    tested(
        "C13",
        High,
        "a rename overtakes uncommitted content",
        &["rename-with-draft", "config-replace", "rewrite-in-place", "sync-of-drafts"],
    ),
    tested(
        "C14",
        High,
        "a page of an older node in the same block verifies",
        &["tree-grows", "suite rot", "suite lost"],
    ),
    tested("C15", High, "a write mapping is used twice", &["recorded", "transferred-over"]),
    tested(
        "F1",
        Blocker,
        "folding adds more than it frees and does not end",
        &["tree-grows", "tree-collapses", "long-names", "cold-and-hot", "churn"],
    ),
    tested("F2", Blocker, "static wear levelling does not level", &["level"]),
    tested(
        "F3",
        High,
        "the anchor blocks fill, wear or die together",
        &["anchors-fill", "journal-wraps", "suite bad-blocks"],
    ),
    tested("F4", High, "a name of 255 bytes does not fit a page", &["long-names"]),
];

#[cfg(test)]
mod tests {
    use super::{Answer, RISKS};
    use crate::scenario::Scenario;

    #[test]
    fn every_scenario_that_is_named_exists() {
        for risk in RISKS {
            let Answer::Tested(by) = risk.answer else { continue };
            assert!(!by.is_empty(), "{}", risk.item);
            for name in by.iter().filter(|name| !name.starts_with("suite ")) {
                assert!(Scenario::named(name).is_some(), "{}: {name}", risk.item);
            }
        }
    }

    #[test]
    fn every_blocker_and_high_item_of_the_review_is_answered() {
        let items: Vec<&str> = RISKS.iter().map(|risk| risk.item).collect();
        let wanted: Vec<String> =
            (1..=15).map(|n| format!("C{n}")).chain((1..=4).map(|n| format!("F{n}"))).collect();
        assert_eq!(items, wanted);
    }
}
