//! The scenarios on the flash chip, blocking.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use nrf52840_dk::{blocking::flash, board, finish};
use scenarios::memory;

#[entry]
fn main() -> ! {
    // SAFETY: called once.
    let memory = unsafe { memory() };
    finish(flash::run(board::power_on(), memory))
}
