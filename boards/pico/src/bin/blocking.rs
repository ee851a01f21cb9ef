//! The scenarios on the flash that the program runs from, blocking.
#![no_std]
#![no_main]

use pico::{blocking::flash, board, finish, xip::Xip};
use rp2040_hal::entry;
use scenarios::memory;

#[entry]
fn main() -> ! {
    board::start();
    // SAFETY: the only ones.
    let (xip, memory) = unsafe { (Xip::take(), memory()) };
    finish(flash::run(xip, memory))
}
