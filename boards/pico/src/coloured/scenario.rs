//! What a program does: in the emulator what its arguments say, on the board what a pin says.

use super::shared::metered::Metered;
use super::vellum::device::BlockDevice;
use fs_core::Memory;
use scenarios::Failure;

/// Runs what the arguments say: `tour`, `live rounds=N` or `survey`.
///
/// # Errors
/// What went wrong first.
#[cfg(feature = "emulated")]
pub fn run<D: BlockDevice>(device: D, memory: &mut Memory, uuid: [u8; 16]) -> Result<(), Failure> {
    let arguments = scenarios::semihosting::Arguments::get();
    super::shared::choice::run(&arguments, &mut Metered(device), memory, uuid)
}

/// Takes the tour. What was on the device is lost.
///
/// # Errors
/// What went wrong first.
#[cfg(feature = "voice")]
pub fn tour<D: BlockDevice>(device: D, memory: &mut Memory, uuid: [u8; 16]) -> Result<(), Failure> {
    use super::shared::tour;
    use crate::voice::Rtt;

    let mut device = Metered(device);
    tour::report_sizes(&Rtt, &device);
    tour::run::<_, true, true>(&Rtt, &mut device, memory, uuid)
}

/// Lives on the device until the power goes. A blank one is formatted.
///
/// # Errors
/// What went wrong first.
#[cfg(feature = "voice")]
pub fn live<D: BlockDevice>(device: D, memory: &mut Memory, uuid: [u8; 16]) -> Result<(), Failure> {
    use super::shared::live;
    use crate::voice::Rtt;

    live::run(&Rtt, &mut Metered(device), memory, uuid, u32::MAX)
}
