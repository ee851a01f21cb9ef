//! `host-sim bench`.

use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Args;

use crate::bench::{Medium, document, growth, rows_of, sizes, volumes, wear};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only on `nor`, `low-latency` or `card`.
    #[arg(long)]
    medium: Option<String>,
    /// Only workloads whose name begins so; may be given several times.
    #[arg(long)]
    only: Vec<String>,
    /// Only those that take less than a second of this machine.
    #[arg(long)]
    cheap: bool,
    /// Costs against the number of entries, up to this one.
    #[arg(long, value_name = "ENTRIES", num_args = 0..=1, default_missing_value = "100000")]
    growth: Option<usize>,
    /// Costs against the size of a file, up to this one.
    #[arg(long, value_name = "BYTES", num_args = 0..=1, default_missing_value = "1073741824")]
    sizes: Option<u64>,
    /// Erases of blocks after so many sessions and rewrites.
    #[arg(long, value_name = "TIMES", num_args = 0..=1, default_missing_value = "20000")]
    wear: Option<usize>,
    /// Writes docs/benchmarks.md: everything.
    #[arg(long)]
    write: bool,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let Arguments { medium, only, cheap, growth: entries, sizes: bytes, wear: times, write } =
        arguments;
    let asked = |own: &&Medium| medium.as_ref().is_none_or(|medium| own.name == medium);
    let media: Vec<&Medium> = Medium::ALL.iter().filter(asked).collect();
    if media.is_empty() {
        eprintln!("error: --medium is `nor`, `low-latency` or `card`");
        return ExitCode::from(2);
    }
    if *write {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
        return written(&path);
    }
    if let Some(entries) = entries {
        print!("{}\n{}", growth(*entries), volumes());
    }
    if let Some(bytes) = bytes {
        print!("{}", sizes(*bytes));
    }
    if let Some(times) = times {
        print!("{}", wear(*times));
    }
    if entries.is_none() && bytes.is_none() && times.is_none() {
        for medium in media {
            println!("{}\n\n{}", medium.heading, rows_of(medium, *cheap, only));
        }
    }
    ExitCode::SUCCESS
}

fn written(path: &Path) -> ExitCode {
    let git = Command::new("git").args(["log", "-1", "--format=%h of %as"]).output();
    let commit = git.ok().filter(|git| git.status.success());
    let commit = commit.map(|git| String::from_utf8_lossy(&git.stdout).trim().to_owned());
    let commit = commit.filter(|text| !text.is_empty()).unwrap_or_else(|| "no commit".into());
    let text = document(&format!("Measured on top of commit {commit}."));
    match std::fs::write(path, text) {
        Ok(()) => {
            println!("wrote {}", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: cannot write {}: {error}", path.display());
            ExitCode::from(6)
        }
    }
}
