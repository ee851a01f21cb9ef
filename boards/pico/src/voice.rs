//! Words by defmt over RTT, for programs on the board.
//!
//! Without a debugger the words are lost, and the LED of the board says how it ended.

use core::fmt;
use core::ptr;
use defmt_rtt as _;
use panic_probe as _;
use scenarios::content::Text;
use scenarios::{Console, Failure};

/// Microseconds since the start, by the chip's timer (RP2040 datasheet, 4.6.5: `TIMERAWL`).
const TIME: *const u32 = 0x4005_4028 as *const u32;

// SAFETY: a register that can be read at any time.
defmt::timestamp!("{=u32:us}", unsafe { ptr::read_volatile(TIME) });

/// The words.
#[derive(Debug)]
pub struct Rtt;

impl Console for Rtt {
    fn line(&self, text: fmt::Arguments<'_>) {
        let line = Text::<224>::of(text);
        defmt::println!("{=str}", line.as_str());
    }
}

/// Says how it ended; gives whether it went well.
pub fn report(result: Result<(), Failure>) -> bool {
    match &result {
        Ok(()) => Rtt.line(format_args!("passed")),
        Err(failure) => Rtt.line(format_args!("failed: {failure:?}")),
    }
    result.is_ok()
}
