//! The scenarios on the board itself, blocking: the tour of the card, if there is one, and of the
//! flash. What was there is lost. With GP22 at ground: a life in the flash that may be cut.
#![no_std]
#![no_main]

use pico::blocking::{card, flash::XipFlash, scenario};
use pico::voice::{Rtt, report};
use pico::{CARD_IDENTITY, FLASH_IDENTITY, board, xip::Xip};
use rp2040_hal::entry;
use scenarios::{Console, memory};

#[entry]
fn main() -> ! {
    let board = board::start();
    // SAFETY: the only ones.
    let (xip, memory) = unsafe { (Xip::take(), memory()) };
    let mut is_well = true;
    let mut flash = XipFlash(xip);
    if board.is_live {
        is_well = report(scenario::live(&mut flash, memory, FLASH_IDENTITY));
        board::show(board.clock, board.led, is_well)
    }
    if let Some(card) = card::open(board.card, board.clock) {
        Rtt.line(format_args!("the card"));
        is_well &= report(scenario::tour(card, memory, CARD_IDENTITY));
    }
    Rtt.line(format_args!("the flash"));
    is_well &= report(scenario::tour(flash, memory, FLASH_IDENTITY));
    board::show(board.clock, board.led, is_well)
}
