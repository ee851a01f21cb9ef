//! `host-sim mutants`.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use fs_core::mutant::Mutant;
use hal_adapters::mutant as drivers;

use crate::mutants::{Outcome, hunt};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only this mutant; may be given several times.
    #[arg(long)]
    mutant: Vec<String>,
    /// Not this mutant; may be given several times.
    #[arg(long)]
    except: Vec<String>,
    /// Lists the mutants.
    #[arg(long)]
    list: bool,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    if arguments.list {
        for mutant in Mutant::ALL {
            println!("{}", mutant.name());
        }
        for mutant in drivers::Mutant::ALL {
            println!("{} (of a driver)", mutant.name());
        }
        return ExitCode::SUCCESS;
    }
    let named = |mutant: &&Mutant| {
        let among = |names: &[String]| names.iter().any(|name| *name == mutant.name());
        (arguments.mutant.is_empty() || among(&arguments.mutant)) && !among(&arguments.except)
    };
    let hunted: Vec<Mutant> = Mutant::ALL.iter().filter(named).copied().collect();
    if hunted.is_empty() {
        eprintln!("there is no such mutant; see --list");
        return ExitCode::from(2);
    }
    let begin = Instant::now();
    println!("{:<28} {:<10} {:<20} {:>8}  what failed", "mutant", "suite", "scenario", "states");
    let (outcomes, broken) = hunt(&hunted, &mut row);
    let survivors = outcomes.iter().filter(|outcome| outcome.caught.is_none()).count();
    let seconds = begin.elapsed().as_secs();
    println!("{} mutants, {survivors} survived; {seconds} s", outcomes.len());
    for name in &broken {
        println!("left out because it fails without a mutant: {name}");
    }
    if survivors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(outcome: &Outcome) {
    let name = outcome.mutant.name();
    let Some(catch) = &outcome.caught else {
        println!("{name:<28} {:<10} {:<20} {:>8}", "SURVIVED", "", outcome.states);
        return;
    };
    let fault = &catch.failure.fault;
    let text = format!("{}: {}", fault.during, fault.what.lines().next().unwrap_or_default());
    let text: String = text.chars().take(110).collect();
    let scenario = &catch.failure.scenario;
    let seconds = outcome.elapsed.as_secs_f32();
    println!(
        "{name:<28} {:<10} {scenario:<20} {:>8} {seconds:>5.1} s  {text}",
        catch.suite, outcome.states
    );
}
