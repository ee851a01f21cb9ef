//! The workloads W1 to W10, timed on simulated chips.
//!
//! **What it is.** Each workload does exactly what the project's list of workloads says, through
//! the same calls that a program makes, on the chip model's clock. Every read is compared; after
//! each workload that writes, the volume is mounted again, its content is compared and it is
//! checked. A row has the total, the median, p99 and worst call, and the operations of the chip.
//!
//! **Rules.**
//! 1. The timer covers the calls of the phase only.
//! 2. A workload that cannot run yet is listed as not run, with the reason.
//! 3. Equal code gives equal figures.

mod document;
mod ground;
mod growth;
mod meter;
mod sizes;
mod steps;
mod volumes;
mod wear;
mod workloads;

pub use document::{BEGIN, END, Medium, document, rows_of};
pub use growth::growth;
pub use meter::{Ran, Row};
pub use sizes::sizes;
pub use volumes::{fill_but_the_ends, sized, volumes};
pub use wear::wear;
pub use workloads::{ALL, Against, Workload, run};
