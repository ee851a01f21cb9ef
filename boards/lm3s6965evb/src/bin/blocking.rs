//! The scenario in the blocking colour.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use lm3s6965evb::{blocking::scenario, chip::Chip, finish, stack};

#[entry]
fn main() -> ! {
    // SAFETY: the only one.
    let chip = unsafe { Chip::power_on() };
    finish(stack::measure_from_here(|| scenario::run(chip)))
}
