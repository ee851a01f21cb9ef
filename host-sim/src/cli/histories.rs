//! `host-sim histories` and `host-sim soak`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use crate::histories::{Plan, SETTINGS, Setting, Sum, replay, run};

#[derive(Debug, Args)]
pub(super) struct Common {
    /// Seed of everything.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, value_parser = setting, help = help_of_chip())]
    chip: Option<Setting>,
    /// Ends after so many seconds.
    #[arg(long)]
    time: Option<u64>,
    /// Threads; one for each core if not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Repeats one history up to this call, and shows the last ones.
    #[arg(long, value_name = "CALL", requires = "chip")]
    replay: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct Histories {
    #[command(flatten)]
    common: Common,
    /// Calls in all.
    #[arg(long, default_value_t = 200_000)]
    ops: u64,
    /// Calls of one history.
    #[arg(long, default_value_t = 20_000)]
    length: u64,
}

#[derive(Debug, Args)]
pub(super) struct Soak {
    #[command(flatten)]
    common: Common,
    /// Cuts in all, on one volume for each thread.
    #[arg(long, default_value_t = 5_000)]
    cuts: u64,
}

fn chips() -> String {
    let names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    names.join(", ")
}

fn help_of_chip() -> String {
    format!("One chip instead of all in turn: {}", chips())
}

fn setting(name: &str) -> Result<Setting, String> {
    Setting::named(name).ok_or_else(|| format!("one of {}", chips()))
}

pub(super) fn histories(arguments: &Histories) -> ExitCode {
    let Histories { common, ops, length } = arguments;
    lived(common, *ops, *length, None)
}

pub(super) fn soak(arguments: &Soak) -> ExitCode {
    let Soak { common, cuts } = arguments;
    lived(common, 0, u64::MAX, Some(*cuts))
}

fn lived(common: &Common, ops: u64, length: u64, cuts: Option<u64>) -> ExitCode {
    let Common { seed, chip: setting, time, threads, replay: op } = *common;
    if let (Some(op), Some(setting)) = (op, setting) {
        let mut tell = |line: &str| println!("{line}");
        return match replay(setting, seed, op, cuts.is_some(), &mut tell) {
            Ok(()) => {
                println!("everything held");
                ExitCode::SUCCESS
            }
            Err(broken) => {
                println!("{broken}");
                ExitCode::FAILURE
            }
        };
    }
    let time = time.map(Duration::from_secs);
    let plan = Plan { seed, setting, ops, length, cuts, time, threads };
    let begin = Instant::now();
    let shown = std::io::stderr().is_terminal();
    let (sum, broken) = run(&plan, &|sum: &Sum| {
        if shown {
            let _ = write!(std::io::stderr(), "\r{} calls, {} cuts ", sum.ops, sum.cuts);
        }
    });
    if shown {
        let _ = write!(std::io::stderr(), "\r{:40}\r", "");
    }
    println!("{sum}");
    println!("{:.0} s, seed {seed}", begin.elapsed().as_secs_f64());
    for broken in &broken {
        println!("\n{broken}");
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
