//! The outcome for programs.

use serde_json::{Value, json};

use super::outcome::Outcome;
use super::promise::Promise;

impl Outcome {
    /// The figures of the table as one JSON object; times are in nanoseconds of the simulated
    /// device unless their name says otherwise.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "held": self.held(),
            "seed": self.seed,
            "chip": self.chip.to_string(),
            "blocks": self.blocks,
            "filesystem": self.subject,
            "source": self.source_json(),
            "promises": self.promises_json(),
            "cuts": self.cuts_json(),
            "classes": self.classes_json(),
            "worst_call": {
                "what": self.times.worst.what,
                "class": self.times.worst.class,
                "ns": self.times.worst.ns,
            },
            "device": self.device_json(),
            "wear": {
                "min": self.wear.min(),
                "mean": self.wear_mean(),
                "max": self.wear.max(),
            },
            "ram_bytes": {
                "lent": self.ram.volume,
                "open_file": self.ram.file,
                "draft": self.ram.draft,
            },
            "failures": self.failures_json(),
        })
    }

    fn source_json(&self) -> Value {
        let from = &self.imported;
        let skipped = from.skipped.iter();
        let skipped = skipped.map(|(reason, count)| (reason.to_string(), Value::from(*count)));
        json!({
            "directory": from.directory.display().to_string(),
            "files": from.files,
            "generated": from.generated,
            "directories": from.directories,
            "links": from.links,
            "names": from.names,
            "attributes": from.attributes,
            "bytes": from.bytes,
            "skipped": Value::Object(skipped.collect()),
        })
    }

    fn promises_json(&self) -> Value {
        let one = |promise: &Promise| {
            json!({
                "name": promise.name(),
                "text": promise.text(),
                "verdict": self.verdict(*promise).to_lowercase(),
                "checks": self.tally.checks(*promise),
            })
        };
        Promise::ALL.iter().map(one).collect()
    }

    fn cuts_json(&self) -> Value {
        let found = &self.explored;
        json!({
            "states": found.total(),
            "by_depth": found.states,
            "commands": found.entries,
            "windows": found.windows,
            "distinct_images": found.distinct,
            "mounts": found.mounts,
            "whole_trees": found.whole,
            "states_per_second": found.rate(),
            "seconds": found.elapsed.as_secs_f64(),
            "longest_recovery_calls": found.recovery_calls,
        })
    }

    fn classes_json(&self) -> Value {
        let classes = self.times.classes.iter().map(|class| {
            json!({
                "name": class.name,
                "calls": class.count(),
                "mean_ns": class.mean(),
                "p99_ns": class.p99(),
                "worst_ns": class.worst(),
            })
        });
        classes.collect()
    }

    fn device_json(&self) -> Value {
        let counters = &self.counters;
        json!({
            "reads": counters.reads,
            "read_bytes": counters.read_bytes,
            "programs": counters.programs,
            "program_pages": counters.program_pages,
            "program_bytes": counters.program_bytes,
            "erases": counters.erases,
            "erases_4k": counters.erases_4k,
            "erases_32k": counters.erases_32k,
            "erases_64k": counters.erases_64k,
            "erase_bytes": counters.erase_bytes,
            "syncs": counters.syncs,
            "busy_ns": counters.busy_ns,
        })
    }

    fn failures_json(&self) -> Value {
        let failures = self.explored.failures.iter().map(|failure| {
            json!({
                "replay": self.replay(failure),
                "call": failure.call,
                "during": failure.fault.during,
                "what": failure.fault.what,
                "promise": Promise::broken_by(&failure.fault).name(),
            })
        });
        failures.collect()
    }
}
