//! What an exploration counted and found, for programs.

use serde_json::{Value, json};

use super::report::{Failure, Report, Row};

impl Report {
    /// The figures of the table as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "held": self.held(),
            "complete": self.complete,
            "filesystem": self.subject,
            "seed": self.seed,
            "states": self.states(),
            "distinct_images": self.distinct(),
            "mounts": self.mounts(),
            "known_failures": self.known,
            "seconds": self.elapsed.as_secs_f64(),
            "states_per_second": self.rate(),
            "scenarios": self.rows.iter().map(Row::json).collect::<Value>(),
            "failures": self.failures.iter().map(Failure::json).collect::<Value>(),
        })
    }
}

impl Row {
    fn json(&self) -> Value {
        json!({
            "name": self.scenario,
            "calls": self.calls,
            "commands": self.entries,
            "by_depth": self.states,
            "distinct_images": self.distinct,
            "mounts": self.mounts,
            "longest_recovery_calls": self.recovery_calls,
        })
    }
}

impl Failure {
    fn json(&self) -> Value {
        json!({
            "replay": self.replay(),
            "scenario": self.scenario,
            "depth": self.depth,
            "during": self.fault.during,
            "what": self.fault.what,
        })
    }
}
