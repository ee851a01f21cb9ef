//! The scenarios on the chip in RAM, blocking.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use lm3s6965evb::{blocking::nor, chip::Chip, finish};
use scenarios::memory;

#[entry]
fn main() -> ! {
    // SAFETY: the only ones.
    let (chip, memory) = unsafe { (Chip::power_on(), memory()) };
    finish(nor::run(chip, memory))
}
