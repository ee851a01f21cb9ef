//! The scenarios on the flash that the program runs from, blocking.
#![no_std]
#![no_main]

use pico::blocking::{flash::XipFlash, scenario};
use pico::{FLASH_IDENTITY, board, finish, xip::Xip};
use rp2040_hal::entry;
use scenarios::memory;

#[entry]
fn main() -> ! {
    let _board = board::start();
    // SAFETY: the only ones.
    let (xip, memory) = unsafe { (Xip::take(), memory()) };
    finish(scenario::run(XipFlash(xip), memory, FLASH_IDENTITY))
}
