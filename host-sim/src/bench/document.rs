//! `docs/benchmarks.md`.

use std::fmt::Write;

use fs_core::units::Guarantees;

use super::growth::growth;
use super::meter::{Ran, Row};
use super::sizes::sizes;
use super::volumes::volumes;
use super::wear::wear;
use super::workloads::{ALL, Workload, run};
use crate::chip::{Kind, Spec};
use crate::clock::Timing;

/// What the tables of workloads are about.
#[derive(Debug, Clone, Copy)]
pub struct Medium {
    /// Its name on the command line.
    pub name: &'static str,
    /// Heading of its table.
    pub heading: &'static str,
    /// The chip, with the clock of the table.
    pub spec: Spec,
    /// Whether volumes are mounted with the option of this name.
    pub low_latency: bool,
    /// Other chips, of which only the total is shown, and what that column is called.
    pub others: [(&'static str, Spec); 2],
}

impl Medium {
    /// Every medium, in the order of the document.
    pub const ALL: [Self; 3] = [Self::NOR, Self::LOW_LATENCY, Self::CARD];

    /// The flash that the definitions of the workloads name.
    pub const NOR: Self = Self {
        name: "nor",
        heading: "NOR flash: W25Q128JV",
        spec: Spec::W25Q128JV,
        low_latency: false,
        others: [
            ("parts of pages", clocked(Spec::W25Q128JV, Timing::W25Q128JV.with_partial_program())),
            ("maximum", clocked(Spec::W25Q128JV, Timing::W25Q128JV_MAX)),
        ],
    };

    /// The same with the option that bounds the longest call.
    pub const LOW_LATENCY: Self = Self {
        name: "low-latency",
        heading: "NOR flash with low latency",
        low_latency: true,
        ..Self::NOR
    };

    /// A card of 4 GiB.
    pub const CARD: Self = Self {
        name: "card",
        heading: "Card: SD on SPI, 4 GiB",
        spec: CARD,
        low_latency: false,
        others: [("closed", CLOSED), ("jumps", clocked(CARD, Timing::CARD_JUMPS))],
    };

    fn told(&self) -> &'static str {
        match self.spec.kind {
            _ if self.low_latency => {
                "The same with the option `low_latency`: 4 KiB are erased each time. The aims\n\
                 are those of the model with such erases (W1, W4, W8), with the format's own\n\
                 parameters where it was run with them, see [design.md](design.md), and the\n\
                 usual ones where nothing is erased; other rows have none. No call should\n\
                 take more than 70 ms.\n"
            }
            Kind::Card => {
                "Zeroed before. Reads: 0.2 ms and 0.164 ms for each sector. Writes of n\n\
                 sectors: 0.5 ms and 0.264 ms for each, and never less than 1.664 ms. The\n\
                 driver is the one of `hal-adapters`: it leaves a write of several sectors\n\
                 open, says that it has a cache, and ends the write at a sync, at a read and\n\
                 where the next one does not go on; a lone sector is written by itself,\n\
                 unless it goes on where the write before ended. Nothing is durable before\n\
                 the write is ended. *closed*: a driver that ends every write before it\n\
                 answers; the aim of W1 is 0.68 s there, and the peers were measured so.\n\
                 *jumps*: as the first, with a translation layer that takes 4 ms more for a\n\
                 write outside of the allocation unit (4 MiB) of the one before. Large files\n\
                 that fill it are zeros.\n"
            }
            _ => {
                "16 MiB, single SPI at 50 MHz, typical times of the datasheet; those of 32 and\n\
                 64 KiB erases and of parts of pages are recalled, not checked. *parts of pages*:\n\
                 with programs of less than a page that take 30 us and 2.5 us for each further\n\
                 byte. *maximum*: with the maximum times of the datasheet.\n"
            }
        }
    }

    fn columns(&self) -> [&'static str; 14] {
        let [one, other] = self.others.map(|(name, _)| name);
        let writes = if self.spec.kind == Kind::Card { "writes" } else { "programs" };
        let total = ["workload", "total", "median", "p99", "worst call", "reads", writes, "erases"];
        let [workload, total, median, p99, worst, reads, writes, erases] = total;
        [
            workload,
            total,
            median,
            p99,
            worst,
            reads,
            writes,
            erases,
            "WA",
            one,
            other,
            "aim",
            "within",
            "best peer",
        ]
    }
}

/// What stands before the generated part of the document, and behind it.
pub const BEGIN: &str = "<!-- bench -->\n";
/// See [`BEGIN`].
pub const END: &str = "<!-- /bench -->\n";

const INTRODUCTION: &str = "\
# Benchmarks

Simulated device time of Vellum: no CPU time, no real chip. Written by
`cargo run --release -p host-sim -- bench --write`, at the commit that is named below: nothing runs
it again by itself. Every read is compared; after each workload the volume is mounted again,
compared and checked, by the filesystem and by the reader of the specification. The aims are those
of the project's performance model, as revised after it was run; *first* is what they were before
the model was given the format's own parameters, see [design.md](design.md). The peers are those
that were measured once on the same clocks (littlefs 2.11 in several configurations, SPIFFS, FatFs
R0.16, embedded-sdmmc 0.9).

- *within*: whether the total is within the aim, within twice the aim, or **not**, with the factor;
  behind it the worst call, if it takes longer than 180 ms (W3: 200 ms) on NOR flash, 70 ms with low
  latency or 25 ms on a card. Where there is no aim, there is a dash.
- Reads, programs, writes: commands / bytes. Erases: of 4, 32 and 64 KiB. WA: bytes programmed for
  each byte that the program wrote.
- W9: the mean of ten trials, and the operations of all ten.

";

/// A card of 4 GiB whose driver ends each write before it answers.
const CLOSED: Spec = Spec::card(1 << 20);
/// The same with a driver as `hal_adapters::sd`: it leaves writes open.
const CARD: Spec = CLOSED.with(Guarantees::VOLATILE_CACHE);

const fn clocked(spec: Spec, timing: Timing) -> Spec {
    Spec { timing, ..spec }
}

/// The rows of the table of `medium`; only the cheap workloads if `cheap`. Says on the error
/// output how far it is.
#[must_use]
pub fn rows_of(medium: &Medium, cheap: bool, only: &[String]) -> String {
    let chosen = |name: &str| {
        only.is_empty()
            || only.iter().any(|only| {
                name.strip_prefix(only.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            })
    };
    let meant = |workload: &&Workload| {
        workload.against(medium).is_some() && (workload.cheap || !cheap) && chosen(workload.name)
    };
    let mut text = table(&medium.columns());
    let mut unread = Vec::new();
    for workload in ALL.iter().filter(meant) {
        eprintln!("{}: {}", medium.name, workload.name);
        let row = run(workload, medium.spec, medium.low_latency);
        let others =
            medium.others.map(|(_, spec)| match run(workload, spec, medium.low_latency).result {
                Ok(ran) => time(ran.total_ns),
                Err(_) => "**not** run".into(),
            });
        let _ = writeln!(text, "{}", shown(&row, &others, workload, medium));
        if let Ok(Ran { unread: Some(what), .. }) = &row.result {
            unread.push((row.name, what.clone()));
        }
    }
    if let Some((name, what)) = unread.first() {
        let count = unread.len();
        let _ = writeln!(
            text,
            "\nThe reader of the specification does **not** understand the volumes of {count} rows;\n\
             of the first of them, {name}, it says:\n{what}."
        );
    }
    text
}

/// The head of a table: the first column is text, the others are figures.
#[must_use]
pub fn table(columns: &[&str]) -> String {
    let rules = vec![" ---: |"; columns.len().saturating_sub(1)].concat();
    format!("| {} |\n| --- |{rules}\n", columns.join(" | "))
}

fn shown(row: &Row, others: &[String; 2], workload: &Workload, medium: &Medium) -> String {
    let name = row.name;
    let own = workload.against(medium);
    let (aim_us, peer) = own.map_or((0, "-"), |own| (own.aim_us, own.peer));
    let first_us = own.map_or(0, |own| own.first_us);
    let aim = match (aim_us, first_us) {
        (0, _) => "-".into(),
        (_, 0) => aimed(aim_us),
        _ => format!("{} (first {})", aimed(aim_us), aimed(first_us)),
    };
    match &row.result {
        Err(why) => {
            let empty = " |".repeat(9);
            format!("| {name} | **not** run: {why} |{empty} {aim} | **no** | {peer} |")
        }
        Ok(ran) => {
            let c = &ran.counters;
            let erases = format!("{} + {} + {}", c.erases_4k, c.erases_32k, c.erases_64k);
            let [total, median, p99, worst] =
                [ran.total_ns, ran.percentile(50), ran.percentile(99), ran.percentile(100)]
                    .map(time);
            let reads = format!("{} / {}", c.reads, kib(c.read_bytes));
            let commands =
                if medium.spec.kind == Kind::Card { c.programs } else { c.program_pages };
            let programs = format!("{commands} / {}", kib(c.program_bytes));
            let factor = amplification(ran);
            let within = verdict(ran, aim_us, workload.worst_us_on(medium));
            let first = match first_us {
                0 => String::new(),
                _ => format!("; of the first {}", times(ran.total_ns, first_us * 1000)),
            };
            let [one, other] = others;
            format!(
                "| {name} | {total} | {median} | {p99} | {worst} ({}) | {reads} | {programs} | \
                 {erases} | {factor} | {one} | {other} | {aim} | {within}{first} | {peer} |",
                ran.worst
            )
        }
    }
}

/// Whether the aim is met, within twice, or not; and the longest call, if that is too long.
fn verdict(ran: &Ran, aim_us: u64, worst_us: u64) -> String {
    let total = match aim_us * 1000 {
        0 => "-".into(),
        aim if ran.total_ns <= aim => "yes".into(),
        aim if ran.total_ns <= 2 * aim => format!("twice: {}", times(ran.total_ns, aim)),
        aim => format!("**no**: {}", times(ran.total_ns, aim)),
    };
    let (worst, most) = (ran.percentile(100), worst_us * 1000);
    if worst <= most { total } else { format!("{total}; worst call {}", times(worst, most)) }
}

#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
fn times(found: u64, aim: u64) -> String {
    let factor = found as f64 / aim as f64;
    if factor < 2.0 { format!("{factor:.2} x") } else { format!("{factor:.1} x") }
}

/// An aim as it is written in the list of aims.
#[expect(clippy::cast_precision_loss, reason = "shown as it was given")]
fn aimed(us: u64) -> String {
    if us < 100_000 { format!("{} ms", us as f64 / 1e3) } else { format!("{} s", us as f64 / 1e6) }
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

/// A time with three digits.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
pub fn time(ns: u64) -> String {
    match ns {
        0..1_000_000 => format!("{:.0} us", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", ns as f64 / 1e6),
        _ => format!("{:.2} s", ns as f64 / 1e9),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn amplification(ran: &Ran) -> String {
    if ran.user_bytes == 0 {
        return "-".into();
    }
    format!("{:.1}", ran.counters.program_bytes as f64 / ran.user_bytes as f64)
}

/// The whole document. `stamp` says which code and when.
#[must_use]
pub fn document(stamp: &str) -> String {
    let mut text = String::from(INTRODUCTION);
    let _ = writeln!(text, "{stamp}\n");
    text += BEGIN;
    for medium in &Medium::ALL {
        let _ = writeln!(text, "\n## {}\n\n{}", medium.heading, medium.told());
        text += &rows_of(medium, false, &[]);
    }
    text += "\n";
    text += END;
    text += "\n## Growth: entries of a directory\n\n";
    text += &growth(100_000);
    text += "\n## Growth: bytes of a file\n\n";
    text += &sizes(1 << 30);
    text += "\n## Growth: blocks of a volume\n\n";
    text += &volumes();
    text += "\n## Wear\n\n";
    text += &wear(20_000);
    text
}
