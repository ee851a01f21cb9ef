//! The scenarios on the flash chip, blocking.
#![no_std]
#![no_main]

use ast1030_evb::{blocking::flash, finish, fmc::Fmc};
use cortex_m_rt::entry;
use scenarios::memory;

#[entry]
fn main() -> ! {
    // SAFETY: the only ones.
    let (fmc, memory) = unsafe { (Fmc::power_on(), memory()) };
    finish(flash::run(fmc, memory))
}
