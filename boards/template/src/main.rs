//! A board to copy. As it stands it keeps its volume in RAM and runs in QEMU; the places to change
//! have the numbers of the steps of `docs/porting.md`.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use fs_core::Memory;
use fs_core::blocking::device::{BlockDevice, RamDevice};
use scenarios::Failure;
use scenarios::blocking::metered::Metered;
use scenarios::blocking::tour;
use scenarios::semihosting::{Output, finish};

#[entry]
fn main() -> ! {
    finish(run())
}

fn run() -> Result<(), Failure> {
    let mut device = Metered(device());
    // SAFETY: called once.
    let memory = unsafe { scenarios::memory() };
    scenario(&mut device, memory)
}

// TODO(3): Find out what the medium promises
// A driver of your own says it in its `geometry`, and in nothing more than it can keep.

// TODO(4): Connect the driver
// `SpiNor` or `SdCard` over your SPI, `NorDevice` over your HAL's internal flash, or your own
// `BlockDevice`; opened, so that its geometry is known.
fn device() -> impl BlockDevice {
    const BYTES: usize = 128 * 1024;
    static mut CELLS: [u8; BYTES] = [0xFF; BYTES];
    // TODO(5): Choose where the volume lies
    // A `Partition` of the device, if something else lives there too.
    // SAFETY: called once, so nothing else refers to it.
    RamDevice::new(unsafe { &mut *(&raw mut CELLS) })
}

// TODO(6): Give the volume an identity
// Numbers that no other volume has: of the chip's unique id, or of a generator of random numbers.
const IDENTITY: [u8; 16] = *b"template-ram....";

// TODO(7): Give the board a voice
// `Output` is semihosting, which a debugger must listen to. Without one: a `Console` over a UART
// or over RTT, and a handler of panics that does not use semihosting.
const CONSOLE: Output = Output;

// TODO(8): Choose RAM and stack
// `scenarios::memory` lends a `Memory` of the default size; your program chooses its own.

// TODO(9): Take the tour
// In full (the first `true`) from 1 MiB on. Copy what it prints into the README.
//
// TODO(10): Cut the power
// `scenarios::blocking::live::run` in the place of the tour, and something that cuts it.
fn scenario<D: BlockDevice>(device: &mut D, memory: &mut Memory) -> Result<(), Failure> {
    tour::report_sizes(&CONSOLE, device);
    tour::run::<D, false, true>(&CONSOLE, device, memory, IDENTITY)
}
