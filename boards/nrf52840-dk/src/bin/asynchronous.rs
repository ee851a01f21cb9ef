//! The scenarios on the flash chip, asynchronous: interrupts say when the QSPI is ready.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use nrf52840_dk::{asynchronous::flash, board, finish};
use scenarios::memory;

#[entry]
fn main() -> ! {
    // SAFETY: called once.
    let memory = unsafe { memory() };
    finish(flash::run(board::power_on(), memory))
}
