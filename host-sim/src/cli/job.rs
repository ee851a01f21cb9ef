//! `host-sim` without a subcommand: the main job.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fs_core::mutant::{Mutant, set};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::job::{Chip, News, Options, Replay, run};

#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// Seed of workload, generated files and cuts: the same seed repeats the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds to spend on power cuts; 0 makes none.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    time: u64,
    /// The simulated chip: w25q128jv (16 MiB), or small:BLOCKS with 32 to 65536 blocks of 4 KiB.
    #[arg(long, default_value = "w25q128jv")]
    chip: Chip,
    /// Directory to import; the source tree of this program if not given.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Empty or new directory to export to; a temporary one if not given.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// File that gets the chip's final content, byte for byte.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Prints one JSON object instead of the table, and no progress.
    #[arg(long)]
    json: bool,
    /// Repeats one state, as the line of a failure says.
    #[arg(long, value_name = "WINDOW/CUTS")]
    replay: Option<Replay>,
    /// Breaks one rule of the filesystem, to see that it is noticed.
    #[arg(long, hide = true, value_parser = mutant)]
    mutant: Option<Mutant>,
}

fn mutant(name: &str) -> Result<Mutant, String> {
    let mut all = Mutant::ALL.iter().copied();
    all.find(|mutant| mutant.name() == name).ok_or_else(|| "there is no such mutant".into())
}

pub(super) fn main(arguments: Arguments) -> ExitCode {
    let Arguments { seed, time, chip, from, to, image, json, replay, mutant } = arguments;
    set(mutant);
    let time = Duration::from_secs(time);
    let from = from.unwrap_or_else(source_tree);
    let repeats = replay.is_some();
    let options = Options { seed, time, chip, from, to, image, replay };
    let bar = Bar::new(time, json);
    let outcome = run(&options, &|news| bar.show(news));
    bar.0.finish_and_clear();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(refusal) => {
            eprintln!("error: {refusal}");
            return ExitCode::from(2);
        }
    };
    if json {
        println!("{:#}", outcome.json());
    } else if repeats {
        println!("{}", outcome.repeated());
    } else {
        println!("{outcome}");
    }
    if outcome.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The repository that this program was built in, or where the caller is.
fn source_tree() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = manifest.as_deref().and_then(|manifest| manifest.parent());
    root.map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// How far the job is, on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(time: Duration, hidden: bool) -> Self {
        let bar = ProgressBar::new(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        if hidden || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template("{prefix:>17} [{bar:30}] {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    fn show(&self, news: News<'_>) {
        match news {
            News::Part(name) => self.0.set_prefix(name.to_owned()),
            News::Line(line) => eprintln!("{line}"),
            News::Cuts(progress) => {
                let elapsed = u64::try_from(progress.elapsed.as_millis()).unwrap_or(u64::MAX);
                self.0.set_position(elapsed);
                let rate = progress.states * 1000 / elapsed.max(1);
                let (states, failures) = (progress.states, progress.failures);
                self.0.set_message(format!("{states} states, {rate}/s, {failures} failures"));
            }
        }
    }
}
