//! What is promised, and how often it was put to the test.

use crate::explore::outcome::Fault;
use crate::explore::probe::Found;

/// A promise of the filesystem that the job puts to the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// Calls answer as the reference filesystem does.
    Answers,
    /// Every image that a cut leaves can be mounted.
    Mounts,
    /// A mount after a cut shows the state before or after the call in flight.
    OldOrNew,
    /// Once a mount has decided, every later one shows the same.
    Stays,
    /// A read-only mount writes nothing.
    ReadOnly,
    /// The volume's own check is clean.
    Check,
    /// Files can be made, written, read and removed after a cut.
    GoesOn,
    /// No command breaks a rule of the chip.
    Discipline,
    /// Nothing panics, and no call goes on for ever.
    Ends,
    /// The tree comes out as it went in.
    Export,
}

impl Promise {
    /// Every promise, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::Mounts,
        Self::OldOrNew,
        Self::Stays,
        Self::Check,
        Self::GoesOn,
        Self::ReadOnly,
        Self::Ends,
        Self::Discipline,
        Self::Answers,
        Self::Export,
    ];

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Mounts => "mounts",
            Self::OldOrNew => "old_or_new",
            Self::Stays => "stays",
            Self::ReadOnly => "read_only",
            Self::Check => "check",
            Self::GoesOn => "goes_on",
            Self::Discipline => "discipline",
            Self::Ends => "ends",
            Self::Export => "export",
        }
    }

    /// What it says.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Answers => "every call answers as the reference model",
            Self::Mounts => "no fsck: every cut image mounts",
            Self::OldOrNew => "durable at return; old or new, never a mix",
            Self::Stays => "a decision stays, whatever weak cells read",
            Self::ReadOnly => "a read-only mount writes nothing",
            Self::Check => "the volume's own check is clean",
            Self::GoesOn => "work goes on after a cut",
            Self::Discipline => "no command breaks a rule of the chip",
            Self::Ends => "no panic, no endless call",
            Self::Export => "the tree comes out byte for byte",
        }
    }

    /// The promise that a fault of the live run or of a probe breaks.
    #[must_use]
    pub fn broken_by(fault: &Fault) -> Self {
        let (during, what) = (fault.during.as_str(), fault.what.as_str());
        if during == "panic" || what.contains("Device(Removed)") {
            // The fuse that ends an endless call answers so.
            return Self::Ends;
        }
        if what.starts_with("mount answered") || what == "answered NotFormatted" {
            return Self::Mounts;
        }
        match during {
            "mount" => Self::Mounts,
            "export" => Self::Export,
            "the chip's rules" => Self::Discipline,
            "second mount" | "after the probe file" | "last mount" => Self::Stays,
            "read-only mount" if what == "wrote" => Self::ReadOnly,
            "read-only mount" | "recovery" | "the tree" => Self::OldOrNew,
            _ if during.starts_with("check") => Self::Check,
            _ if during.starts_with("probe") => Self::GoesOn,
            _ => Self::Answers,
        }
    }
}

/// How many checks stand behind each promise, and how many failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    checks: [u64; Promise::ALL.len()],
    broken: [u64; Promise::ALL.len()],
}

impl Tally {
    /// So many checks more held.
    pub fn add(&mut self, promise: Promise, checks: u64) {
        self.checks[promise as usize] += checks;
    }

    /// A check did not hold.
    pub fn fail(&mut self, promise: Promise) {
        self.checks[promise as usize] += 1;
        self.broken[promise as usize] += 1;
    }

    /// Everything that one probe demands held; the volume's check was part of it if `checked`.
    pub fn probed(&mut self, found: &Found, checked: bool) {
        self.add(Promise::Mounts, u64::from(found.mounts));
        // What the read-only mount and the recovery showed.
        self.add(Promise::OldOrNew, 2);
        // The second mount, after the probe file, and the last mount.
        self.add(Promise::Stays, 3);
        self.add(Promise::ReadOnly, 2);
        self.add(Promise::Check, u64::from(checked));
        self.add(Promise::GoesOn, 1);
        self.add(Promise::Discipline, found.log.len() as u64);
        self.add(Promise::Ends, 1);
    }

    /// The checks of another tally as well.
    pub fn merge(&mut self, other: &Self) {
        for (sum, more) in self.checks.iter_mut().zip(other.checks) {
            *sum += more;
        }
        for (sum, more) in self.broken.iter_mut().zip(other.broken) {
            *sum += more;
        }
    }

    /// How many checks stand behind a promise.
    #[must_use]
    pub const fn checks(&self, promise: Promise) -> u64 {
        self.checks[promise as usize]
    }

    /// Whether no check of a promise failed.
    #[must_use]
    pub const fn held(&self, promise: Promise) -> bool {
        self.broken[promise as usize] == 0
    }

    /// Whether no check failed at all.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.broken.iter().all(|broken| *broken == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Promise, Tally};
    use crate::explore::outcome::Fault;

    #[test]
    fn every_promise_is_in_the_table_once() {
        let mut numbers: Vec<_> = Promise::ALL.iter().map(|promise| *promise as usize).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..Promise::ALL.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_fault_breaks_the_promise_it_is_about() {
        let table = [
            ("panic", "index out of bounds", Promise::Ends),
            ("recovery", "mount answered Err(Bug)", Promise::Mounts),
            ("recovery", "missing  /a", Promise::OldOrNew),
            ("read-only mount", "wrote", Promise::ReadOnly),
            ("check after recovery", "Bug", Promise::Check),
            ("probe: Close(7)", "NoSpace", Promise::GoesOn),
            ("Close(1)", "answered Err(Bug) instead of Ok(())", Promise::Answers),
        ];
        for (during, what, promise) in table {
            assert_eq!(Promise::broken_by(&Fault::new(during, what)), promise, "{during}");
        }
    }

    #[test]
    fn one_failure_breaks_one_promise() {
        let mut tally = Tally::default();
        tally.add(Promise::Mounts, 4);
        assert!(tally.all_held());
        tally.fail(Promise::Check);
        let mut sum = Tally::default();
        sum.merge(&tally);
        assert!(!sum.all_held() && !sum.held(Promise::Check) && sum.held(Promise::Mounts));
        assert_eq!((sum.checks(Promise::Mounts), sum.checks(Promise::Check)), (4, 1));
    }
}
