//! The command line: one file for each subcommand.

mod bench;
mod explore;
mod histories;
mod image;
mod job;
mod mutants;
mod protocol;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};

/// Vellum's simulator. Without a command it does the main job: formats a simulated chip, imports a
/// directory, works on it, cuts the power everywhere for a while, exports the tree again, and says
/// which promises held.
#[derive(Debug, Parser)]
#[command(name = "host-sim", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    job: job::Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Cuts the power everywhere in every scenario, or repeats one cut.
    Explore(explore::Arguments),
    /// Switches each safety rule off in turn and shows which scenario notices.
    Mutants(mutants::Arguments),
    /// Lives long random histories of volumes, and compares them with the model.
    Histories(histories::Histories),
    /// Cuts the power of one volume again and again, without ever formatting it.
    Soak(histories::Soak),
    /// Times the workloads W1 to W10 on a simulated chip.
    Bench(bench::Arguments),
    /// Makes, reads, changes and checks volumes in files.
    Image(image::Arguments),
    /// Visits every state of the model of the commit protocol, scenario by scenario.
    Protocol(protocol::Arguments),
}

/// Parses the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let Arguments { job, command } = Arguments::parse();
    match command {
        None => job::main(job),
        Some(Command::Explore(arguments)) => explore::main(&arguments),
        Some(Command::Mutants(arguments)) => mutants::main(&arguments),
        Some(Command::Histories(arguments)) => histories::histories(&arguments),
        Some(Command::Soak(arguments)) => histories::soak(&arguments),
        Some(Command::Bench(arguments)) => bench::main(&arguments),
        Some(Command::Image(arguments)) => image::main(arguments),
        Some(Command::Protocol(arguments)) => protocol::main(&arguments),
    }
}

/// A line that shows how far something is, on a terminal.
struct Bar {
    begin: Instant,
    shown: bool,
}

impl Bar {
    fn new(hidden: bool) -> Self {
        Self { begin: Instant::now(), shown: !hidden && std::io::stderr().is_terminal() }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is shown with few digits")]
    fn show(&self, done: usize, of: usize, states: u64, failures: usize) {
        if !self.shown {
            return;
        }
        let width = 30;
        let full = "#".repeat(done * width / of.max(1));
        let rate = states as f64 / self.begin.elapsed().as_secs_f64().max(1e-9);
        let mut out = std::io::stderr().lock();
        let _ =
            write!(out, "\r[{full:<width$}] {states} states, {rate:.0}/s, {failures} failures ");
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r{:78}\r", "");
        }
    }
}
