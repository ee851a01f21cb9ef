//! `host-sim protocol`.

use std::process::ExitCode;

use clap::Args;

use crate::protocol;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Part of the names of the scenarios to run; without it every quick one.
    name: Option<String>,
    /// Lists the scenarios.
    #[arg(long)]
    list: bool,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let wanted = |name: &str| match &arguments.name {
        Some(part) => name.contains(part.as_str()),
        None => !name.starts_with("long/"),
    };
    let names: Vec<&str> = protocol::names().into_iter().filter(|name| wanted(name)).collect();
    if names.is_empty() {
        eprintln!("there is no such scenario; see --list");
        return ExitCode::from(2);
    }
    if arguments.list {
        for name in names {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    }
    if protocol::run(wanted) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
