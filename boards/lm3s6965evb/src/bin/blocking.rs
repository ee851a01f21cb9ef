//! The scenario in the blocking colour.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use lm3s6965evb::{blocking::scenario, chip::Chip, finish, memory};

#[entry]
fn main() -> ! {
    scenario::report_sizes();
    // SAFETY: the only ones.
    let (chip, memory) = unsafe { (Chip::power_on(), memory()) };
    finish(scenario::run(chip, memory))
}
