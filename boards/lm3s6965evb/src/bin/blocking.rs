//! The scenario in the blocking colour.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use fs_core::Memory;
use lm3s6965evb::{blocking::scenario, chip::Chip, finish};

#[entry]
fn main() -> ! {
    static mut MEMORY: Memory = Memory::new();

    scenario::report_sizes();
    // SAFETY: the only one.
    let chip = unsafe { Chip::power_on() };
    finish(scenario::run(chip, MEMORY))
}
