//! The scenarios on the flash chip. The volume is the whole chip: what the board is delivered with
//! stays unless the tour is asked for.

use super::adapters::nor::NorDevice;
use super::mx25r::Mx25r;
use super::shared::metered::Metered;
use super::shared::{button, complete};
use crate::board::Board;
use fs_core::Memory;
use scenarios::probe::Log;
use scenarios::{Console, Failure};

/// Runs what the button says.
///
/// # Errors
/// What went wrong first.
pub fn run(board: Board, memory: &mut Memory) -> Result<(), Failure> {
    let chip = match complete(Mx25r::open(board.qspi)) {
        Ok(chip) => chip,
        Err(fault) => {
            Log.line(format_args!("no chip: {fault:?}"));
            return Err(Failure::Device);
        }
    };
    // Zero bits may be programmed again: serial NOR flash.
    let mut device = Metered(NorDevice::assume_multiwrite(chip));
    button::run(&Log, board.is_held, &mut device, memory, board.identity)
}
