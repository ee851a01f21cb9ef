//! The scenarios on the flash chip, through the driver for serial NOR flash. The volume is the
//! second MiB of the chip: the first is where a board has its firmware.

use super::adapters::nor::{Options, SpiNor};
use super::colour;
use super::delay::DelayNs;
use super::shared::metered::Metered;
use super::shared::{busy, choice, complete};
use super::spi::{Operation, SpiDevice};
use super::vellum::device::Partition;
use crate::fmc::Fmc;
use core::convert::Infallible;
use embedded_hal::spi::ErrorType;
use fs_core::Memory;
use fs_core::units::ByteOffset;
use scenarios::semihosting::{Arguments, Output};
use scenarios::{Console, Failure, power};

const START: ByteOffset = ByteOffset(1 << 20);
const BYTES: u64 = 1 << 20;

/// This colour's own type: the error type is one trait for both colours.
struct Wires(Fmc);

impl ErrorType for Wires {
    type Error = Infallible;
}

#[colour]
impl SpiDevice for Wires {
    async fn transaction(
        &mut self,
        operations: &mut [Operation<'_, u8>],
    ) -> Result<(), Infallible> {
        busy().await;
        self.0.transaction(operations);
        Ok(())
    }
}

/// No time at all: QEMU's chip is never busy, and has no rules about pauses.
struct AtOnce;

#[colour]
impl DelayNs for AtOnce {
    async fn delay_ns(&mut self, _: u32) {
        busy().await;
    }
}

/// Runs what the arguments say: `tour`, `live rounds=N` or `survey`, and with `cut=N quarters=Q`
/// the power goes in the N-th program or erase after the chip is known.
///
/// # Errors
/// What went wrong first.
pub fn run(fmc: Fmc, memory: &mut Memory) -> Result<(), Failure> {
    let arguments = Arguments::get();
    if let Some(number) = arguments.number("cut") {
        power::cut_at(number, arguments.number("quarters").unwrap_or(0));
    }
    let mut flash = SpiNor::new(Wires(fmc), AtOnce, Options::CAREFUL);
    complete(flash.open()).map_err(|_| Failure::Device)?;
    if let Some(chip) = flash.chip() {
        Output.line(format_args!(
            "chip {:02x?} bytes={} {:?}",
            chip.id.0, chip.size, chip.addressing
        ));
    }
    let mut volume = Partition::new(Metered(flash), START, BYTES).ok_or(Failure::Device)?;
    choice::run(&arguments, &mut volume, memory, *b"ast1030-evb-nor.")
}
