//! A debug probe: words go through `defmt`, as text that the board has formatted, so that every
//! board says the same. How they travel (RTT) and what a panic does is up to the board.

use crate::Console;
use core::fmt;
use defmt::Display2Format;

/// The log that the probe shows. Without a probe lines are lost, and nobody waits.
#[derive(Debug)]
pub struct Log;

impl Console for Log {
    fn line(&self, text: fmt::Arguments<'_>) {
        defmt::println!("{}", Display2Format(&text));
    }
}

/// Says how it ended, and does nothing more: a program on hardware has nobody to return to.
pub fn finish<E: fmt::Debug>(result: Result<(), E>) -> ! {
    match result {
        Ok(()) => Log.line(format_args!("passed")),
        Err(ref error) => Log.line(format_args!("failed: {error:?}")),
    }
    // Awake: a probe may lose a processor that sleeps, with the last lines.
    loop {
        core::hint::spin_loop();
    }
}
