//! The scenario on a board on which nobody types: a button that is held while the program starts
//! asks for the tour, which takes the whole medium for itself; else the board is a device in the
//! field, whose power may be cut.

use super::vellum::device::BlockDevice;
use super::{live, tour};
use crate::{Console, Failure};
use fs_core::Memory;

/// Rounds of a life: a small part of what a chip endures.
const ROUNDS: u32 = 100;

/// Runs it. Without the button a medium that is not blank and holds no volume stays as it is.
///
/// # Errors
/// What went wrong first.
pub fn run<D: BlockDevice>(
    console: &dyn Console,
    is_held: bool,
    device: &mut D,
    memory: &mut Memory,
    uuid: [u8; 16],
) -> Result<(), Failure> {
    if is_held {
        console.line(format_args!("tour: what was on the medium is lost"));
        tour::report_sizes(console, device);
        tour::run::<D, true, true>(console, device, memory, uuid)
    } else {
        console.line(format_args!("live: hold the button at a reset for the tour"));
        live::run(console, device, memory, uuid, ROUNDS)
    }
}
