//! The scenario that the arguments of an emulator name: `tour`, `live rounds=N` or `survey`.

use super::vellum::device::BlockDevice;
use super::{live, survey, tour};
use crate::Failure;
use crate::semihosting::{Arguments, Output};
use fs_core::Memory;

/// Runs it.
///
/// # Errors
/// What went wrong first.
pub fn run<D: BlockDevice>(
    arguments: &Arguments,
    device: &mut D,
    memory: &mut Memory,
    uuid: [u8; 16],
) -> Result<(), Failure> {
    if arguments.has("tour") {
        tour::report_sizes(&Output, device);
        tour::run::<D, true, true>(&Output, device, memory, uuid)
    } else if arguments.has("live") {
        live::run(&Output, device, memory, uuid, arguments.number("rounds").unwrap_or(8))
    } else if arguments.has("survey") {
        survey::run(&Output, device, memory)
    } else {
        Err(Failure::Arguments)
    }
}
