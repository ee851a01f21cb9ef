//! The scenarios on a board on which nobody types. It is a device in the field, whose power may be
//! cut. A button that is held while the program starts asks for the tour before that, which takes
//! the whole medium for itself and leaves a new volume.

use super::vellum::device::BlockDevice;
use super::{calls, complete, live, tour};
use crate::{Console, Failure};
use fs_core::Memory;

/// Rounds of a life: a small part of what a chip endures.
const ROUNDS: u32 = 100;

/// Runs them. Without the button a medium that is not blank and holds no volume stays as it is.
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
        tour::run::<D, true, true>(console, device, memory, uuid)?;
        console.line(format_args!("tour passed"));
        complete(calls::format(device, memory, uuid))?;
    }
    console.line(format_args!("live: hold the button at a reset for the tour"));
    live::run(console, device, memory, uuid, ROUNDS)
}
