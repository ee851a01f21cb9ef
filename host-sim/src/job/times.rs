//! How long calls took, by what they were for.

/// The times of one class of calls, in nanoseconds of the simulated device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// What the calls are for.
    pub name: &'static str,
    times: Vec<u64>,
}

impl Class {
    /// How many calls there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// The time of all calls.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.times.iter().sum()
    }

    /// The mean time.
    #[must_use]
    pub fn mean(&self) -> u64 {
        self.total() / (self.count() as u64).max(1)
    }

    /// The time that 99 of 100 calls did not exceed (nearest rank).
    #[must_use]
    pub fn p99(&self) -> u64 {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * 99).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
    }

    /// The longest time.
    #[must_use]
    pub fn worst(&self) -> u64 {
        self.times.iter().copied().max().unwrap_or(0)
    }
}

/// The longest call of a mounted volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Worst {
    /// What it was.
    pub what: String,
    /// What it was for.
    pub class: &'static str,
    /// Its time.
    pub ns: u64,
}

/// All classes, in the order of their first call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Times {
    /// The classes.
    pub classes: Vec<Class>,
    /// The longest call of a mounted volume.
    pub worst: Worst,
}

impl Times {
    /// Counts a format, a mount or an unmount.
    pub fn add(&mut self, class: &'static str, ns: u64) {
        match self.classes.iter_mut().find(|other| other.name == class) {
            Some(found) => found.times.push(ns),
            None => self.classes.push(Class { name: class, times: vec![ns] }),
        }
    }

    /// Counts a call of a mounted volume.
    pub fn add_call(&mut self, class: &'static str, ns: u64, what: impl FnOnce() -> String) {
        self.add(class, ns);
        if ns > self.worst.ns {
            self.worst = Worst { what: what(), class, ns };
        }
    }

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.classes.iter().map(Class::count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn knows_mean_rank_and_worst_of_each_class() {
        let mut times = Times::default();
        for ns in 1..=200 {
            times.add_call("counted", ns, || format!("call {ns}"));
        }
        times.add("other", 700);
        let [counted, other] = times.classes.as_slice() else { panic!("two classes") };
        assert_eq!((counted.count(), counted.total(), counted.mean()), (200, 20_100, 100));
        assert_eq!((counted.p99(), counted.worst()), (198, 200));
        assert_eq!((other.p99(), other.worst()), (700, 700));
        assert_eq!((times.worst.what.as_str(), times.calls()), ("call 200", 201));
    }
}
