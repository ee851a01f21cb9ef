//! `docs/benchmarks.md`.

use std::fmt::Write;

use super::growth::growth;
use super::meter::{Ran, Row};
use super::wear::wear;
use super::workloads::{ALL, run};
use crate::chip::Spec;

/// What stands before the generated part of the document, and behind it.
pub const BEGIN: &str = "<!-- bench -->\n";
/// See [`BEGIN`].
pub const END: &str = "<!-- /bench -->\n";

/// The rows of the table; only the cheap workloads if `cheap`. With `low_latency` volumes are
/// mounted so.
#[must_use]
pub fn rows_of(cheap: bool, only: &[String], low_latency: bool) -> String {
    let chosen = |name: &str| {
        only.is_empty()
            || only.iter().any(|only| {
                name.strip_prefix(only.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            })
    };
    let mut text = String::new();
    for workload in
        ALL.iter().filter(|workload| (workload.cheap || !cheap) && chosen(workload.name))
    {
        let row = run(workload, Spec::W25Q128JV, low_latency);
        let _ = writeln!(text, "{}", shown(&row, workload.aim, workload.peer));
    }
    text
}

fn shown(row: &Row, aim: &str, peer: &str) -> String {
    let name = row.name;
    match &row.result {
        Err(why) => {
            format!("| {name} | **not** run: {why} | | | | | | | | {aim} | {peer} |")
        }
        Ok(ran) => {
            let c = &ran.counters;
            let erases = format!("{} + {} + {}", c.erases_4k, c.erases_32k, c.erases_64k);
            let [total, median, p99, worst] =
                [ran.total_ns, ran.percentile(50), ran.percentile(99), ran.percentile(100)]
                    .map(time);
            let reads = format!("{} / {}", c.reads, kib(c.read_bytes));
            let programs = format!("{} / {}", c.program_pages, kib(c.program_bytes));
            let factor = amplification(ran);
            format!(
                "| {name} | {total} | {median} | {p99} | {worst} ({}) | {reads} | {programs} | \
                 {erases} | {factor} | {aim} | {peer} |",
                ran.worst
            )
        }
    }
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

const HEAD: &str = concat!(
    "| workload | total | median | p99 | worst call | reads | programs | erases | WA ",
    "| aim | best peer |\n",
);
const LINE: &str =
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";

/// The whole document. `stamp` says which code and when.
#[must_use]
pub fn document(stamp: &str) -> String {
    let mut text = [
        "# Benchmarks\n\n",
        "Simulated device time of Vellum on a W25Q128JV (16 MiB, single SPI at 50 MHz, typical times\n",
        "of the datasheet; the times of 32 and 64 KiB erases and of parts of pages are recalled, not\n",
        "checked). Written by `cargo run --release -p host-sim -- bench --write`, at the commit that\n",
        "is named below: nothing runs it again by itself. No CPU time, no real chip. Every read is\n",
        "compared; after each workload the volume is mounted again, compared and checked, by the\n",
        "filesystem and by the reader of the specification. The aims are those of the project's\n",
        "performance model, the peers those that were measured once on the same clock (littlefs 2.11\n",
        "in several configurations, SPIFFS). Cards are **not** measured yet.\n\n",
        "Reads and programs: commands / bytes. Erases: of 4, 32 and 64 KiB. WA: bytes programmed for\n",
        "each byte that the program wrote.\n\n",
    ]
    .concat();
    let _ = writeln!(text, "{stamp}\n");
    text += BEGIN;
    text += "\n";
    text += HEAD;
    text += LINE;
    text += &rows_of(false, &[], false);
    text += "\n";
    text += END;
    text += "\n## Low latency\n\n";
    text += "The same with the option `low_latency`: 4 KiB are erased each time.\n\n";
    text += HEAD;
    text += LINE;
    text += &rows_of(false, &[], true);
    text += "\n## Growth\n\n";
    text += &growth(100_000);
    text += "\n## Wear\n\n";
    text += &wear(20_000);
    text
}
