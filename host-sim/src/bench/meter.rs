//! What a workload took.

use fs_core::error::Error;

use crate::chip::{Counters, Nor};

/// Figures of one workload.
#[derive(Debug, Clone, Default)]
pub struct Ran {
    /// Nanoseconds of all calls.
    pub total_ns: u64,
    /// Nanoseconds of each call, ascending.
    pub calls_ns: Vec<u64>,
    /// What the worst call was.
    pub worst: String,
    /// What the chip did.
    pub counters: Counters,
    /// Bytes that the program wrote.
    pub user_bytes: u64,
    /// What the reader of the specification does not understand, if that is not an error.
    pub unread: Option<String>,
}

/// A row of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The workload.
    pub name: &'static str,
    /// What it took, or why it did not run.
    pub result: Result<Ran, String>,
}

impl Ran {
    /// The call in the middle, or at another share of a hundred.
    #[must_use]
    pub fn percentile(&self, share: usize) -> u64 {
        let last = self.calls_ns.len().saturating_sub(1);
        self.calls_ns.get(last * share / 100).copied().unwrap_or(0)
    }
}

/// Times calls.
pub struct Meter {
    nor: Nor,
    before: Counters,
    worst_ns: u64,
    ran: Ran,
}

impl Meter {
    pub fn new(nor: &Nor) -> Self {
        Self { nor: nor.clone(), before: nor.counters(), worst_ns: 0, ran: Ran::default() }
    }

    /// Times a call that must succeed.
    pub fn call<T>(
        &mut self,
        what: &str,
        call: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, String> {
        let (result, ns) = self.nor.clock().time(call);
        if ns > self.worst_ns {
            self.worst_ns = ns;
            what.clone_into(&mut self.ran.worst);
        }
        self.ran.calls_ns.push(ns);
        self.ran.total_ns += ns;
        result.map_err(|error| format!("{what}: {error:?}"))
    }

    /// Counts bytes that the program wrote.
    pub fn wrote(&mut self, bytes: usize) {
        self.ran.user_bytes += bytes as u64;
    }

    pub fn finish(mut self) -> Ran {
        self.ran.counters = self.nor.counters().since(&self.before);
        self.ran.calls_ns.sort_unstable();
        self.ran
    }
}
