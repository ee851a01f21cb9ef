//! The scenarios on the SD card, asynchronous: the SPI moves its bytes by DMA.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use nucleo_f446re::{asynchronous::card, board, finish};
use scenarios::memory;

#[entry]
fn main() -> ! {
    // SAFETY: called once.
    let memory = unsafe { memory() };
    finish(card::run(board::power_on(), memory))
}
