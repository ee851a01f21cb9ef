//! The scenarios on the SD card.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use lm3s6965evb::{card, finish, ssi};
use scenarios::memory;

#[entry]
fn main() -> ! {
    // SAFETY: the only ones.
    let (pins, memory) = unsafe { (ssi::power_on(), memory()) };
    finish(card::run(pins, memory))
}
