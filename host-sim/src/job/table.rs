//! The outcome for people.

use std::fmt::{self, Display, Formatter};

use super::cuts::Failure;
use super::outcome::Outcome;
use super::promise::Promise;
use super::times::Class;

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.show_source(f)?;
        self.show_promises(f)?;
        self.show_cuts(f)?;
        self.show_times(f)?;
        self.show_device(f)?;
        self.show_failures(f)?;
        let verdict = if self.held() { "all promises held" } else { "A PROMISE IS BROKEN" };
        write!(f, "\n{verdict} (seed {}, {})", self.seed, self.chip)
    }
}

impl Outcome {
    fn show_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let from = &self.imported;
        let (chip, blocks) = (self.chip, self.blocks);
        writeln!(f, "{} on {chip}, {blocks} blocks of 4 KiB", self.subject)?;
        writeln!(f, "source    {}", from.directory.display())?;
        let (files, directories) = (from.files, from.directories);
        writeln!(f, "imported  {files} files, {directories} directories, {} bytes", from.bytes)?;
        let (links, names, attributes) = (from.links, from.names, from.attributes);
        writeln!(f, "          {links} links, {names} further names, {attributes} attributes")?;
        if from.generated > 0 {
            let generated = from.generated;
            writeln!(f, "          {generated} of the files generated: too few of the source fit")?;
        }
        for (number, (reason, count)) in from.skipped.iter().enumerate() {
            let head = if number == 0 { "skipped" } else { "" };
            writeln!(f, "{head:<9} {count} {reason}")?;
        }
        Ok(())
    }

    fn show_promises(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<46} {:>10} {:>12}", "promise", "", "checks")?;
        for promise in Promise::ALL {
            let (verdict, checks) = (self.verdict(*promise), self.tally.checks(*promise));
            writeln!(f, "{:<46} {verdict:>10} {:>12}", promise.text(), grouped(checks))?;
        }
        Ok(())
    }

    fn show_cuts(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = &self.explored;
        let [one, two, three] = found.states.map(grouped);
        writeln!(f, "\ncuts               {one} single, {two} double, {three} triple")?;
        let (entries, windows) = (found.entries, found.windows);
        writeln!(f, "  at               {entries} commands in {windows} windows, all tear modes")?;
        writeln!(f, "distinct images    {}", grouped(found.distinct))?;
        let (mounts, whole) = (grouped(found.mounts), grouped(found.whole));
        writeln!(f, "mounts             {mounts}; whole tree compared after {whole} cuts")?;
        let (rate, seconds) = (found.rate(), found.elapsed.as_secs_f64());
        writeln!(f, "states a second    {rate:.0} ({seconds:.1} s)")?;
        writeln!(f, "longest recovery   {} device calls", found.recovery_calls)
    }

    fn show_times(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<26} {:>7} {:>11} {:>11} {:>11}",
            "simulated device time", "calls", "mean", "p99", "worst"
        )?;
        for class in &self.times.classes {
            let count = class.count();
            let [mean, p99, worst] = [Class::mean, Class::p99, Class::worst].map(|of| of(class));
            let (mean, p99, worst) = (duration(mean), duration(p99), duration(worst));
            writeln!(f, "{:<26} {count:>7} {mean:>11} {p99:>11} {worst:>11}", class.name)?;
        }
        let worst = &self.times.worst;
        writeln!(f, "worst call                 {}: {}", duration(worst.ns), worst.what)
    }

    fn show_device(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let c = &self.counters;
        let line = |f: &mut Formatter<'_>, name: &str, calls: u64, bytes: u64, more: &str| {
            let (calls, bytes) = (grouped(calls), grouped(bytes));
            writeln!(f, "  {name:<10} {calls:>10} calls {bytes:>13} bytes{more}")
        };
        writeln!(f, "\ndevice operations, cuts not counted")?;
        line(f, "read", c.reads, c.read_bytes, "")?;
        let pages = format!(", {} page programs", grouped(c.program_pages));
        line(f, "program", c.programs, c.program_bytes, &pages)?;
        let [small, middle, large] = [c.erases_4k, c.erases_32k, c.erases_64k].map(grouped);
        let sizes = format!(", {small} x 4 KiB, {middle} x 32 KiB, {large} x 64 KiB");
        line(f, "erase", c.erases, c.erase_bytes, &sizes)?;
        writeln!(f, "  {:<10} {:>10} calls", "sync", grouped(c.syncs))?;
        writeln!(f, "simulated time     {}", duration(c.busy_ns))?;
        let (least, mean, most) = (self.wear.min(), self.wear_mean(), self.wear.max());
        writeln!(f, "erases of a block  {least} least, {mean:.2} mean, {most} most")?;
        let ram = self.ram;
        writeln!(
            f,
            "RAM lent           {} bytes here; {} more for an open file, {} for a draft",
            ram.volume, ram.file, ram.draft
        )
    }

    fn show_failures(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for failure in &self.explored.failures {
            writeln!(f, "\n{}\n{failure}", self.replay(failure))?;
        }
        Ok(())
    }

    /// How a repeated state ended, instead of the table.
    #[must_use]
    pub fn repeated(&self) -> String {
        let first = self.explored.failures.first();
        first.map_or_else(|| "everything held".into(), ToString::to_string)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "  in {}; {}", self.call, self.fault.during)?;
        self.fault.what.lines().try_for_each(|text| write!(f, "\n    {text}"))
    }
}

/// A number with spaces between groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "shown with four digits")]
fn duration(ns: u64) -> String {
    let ns = ns as f64;
    match ns {
        0.0..1e3 => format!("{ns:.0} ns"),
        1e3..1e6 => format!("{:.1} us", ns / 1e3),
        1e6..1e9 => format!("{:.2} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, grouped};

    #[test]
    fn numbers_are_shown_with_their_unit() {
        assert_eq!([grouped(0), grouped(999), grouped(1_234_567)], ["0", "999", "1 234 567"]);
        let shown = [0, 1_500, 45_000_800, 3_210_000_000].map(duration);
        assert_eq!(shown, ["0 ns", "1.5 us", "45.00 ms", "3.21 s"]);
    }
}
