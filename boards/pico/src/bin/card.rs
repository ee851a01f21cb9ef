//! The scenarios on the SD card, in the emulator.
#![no_std]
#![no_main]

use pico::blocking::{card, scenario};
use pico::{CARD_IDENTITY, board, finish};
use rp2040_hal::entry;
use scenarios::{Failure, memory};

#[entry]
fn main() -> ! {
    let board = board::start();
    // SAFETY: the only one.
    let memory = unsafe { memory() };
    let card = card::open(board.card, board.clock).ok_or(Failure::Device);
    finish(card.and_then(|card| scenario::run(card, memory, CARD_IDENTITY)))
}
