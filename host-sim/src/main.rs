//! Vellum's simulator on the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    host_sim::cli::main()
}
