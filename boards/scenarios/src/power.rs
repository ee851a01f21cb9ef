//! Power that a board cuts itself, in a program or erase of a medium that QEMU keeps: the bus of
//! the medium asks before each, and gives the medium only a part of the one that is cut. Then the
//! board says `cut` and stops for ever: whoever emulates it ends it.

use crate::Console;
use crate::semihosting::{Output, stay};
use core::sync::atomic::{AtomicU32, Ordering};

/// Programs and erases until the power goes, the last of which is cut; zero if it stays.
static UNTIL_CUT: AtomicU32 = AtomicU32::new(0);
/// Quarters of that one which the medium gets.
static QUARTERS: AtomicU32 = AtomicU32::new(0);

/// What a command asks of a serial NOR flash chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Some bytes are programmed.
    Program,
    /// Some blocks are erased.
    Erase,
    /// Nothing is changed that lasts.
    Other,
}

impl Kind {
    /// That of an opcode.
    pub const fn of(opcode: u8) -> Self {
        match opcode {
            0x02 | 0x12 => Self::Program,
            0x20 | 0x21 | 0x52 | 0x5C | 0xD8 | 0xDC => Self::Erase,
            _ => Self::Other,
        }
    }
}

/// What the medium gets of the operation that is cut.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    quarters: u32,
}

impl Share {
    /// How many of some bytes.
    pub const fn of(self, bytes: usize) -> usize {
        bytes * self.quarters as usize / 4
    }

    /// Whether an operation that is done or not is done.
    pub const fn is_half(self) -> bool {
        self.quarters >= 2
    }

    /// The power is gone, in an operation of the medium that is named.
    pub fn gone(self, medium: &str) -> ! {
        Output.line(format_args!("in the {medium}"));
        Output.line(format_args!("cut"));
        stay()
    }
}

/// Lets the power go in the `number`-th program or erase from now, the first of which has the
/// number 1, after some `quarters` of it.
pub fn cut_at(number: u32, quarters: u32) {
    UNTIL_CUT.store(number, Ordering::Relaxed);
    QUARTERS.store(if quarters < 4 { quarters } else { 4 }, Ordering::Relaxed);
}

/// A program or an erase is about to begin. Gives what is done of it, if it is the one that is cut.
pub fn spend() -> Option<Share> {
    let left = UNTIL_CUT.load(Ordering::Relaxed);
    UNTIL_CUT.store(left.saturating_sub(1), Ordering::Relaxed);
    (left == 1).then(|| Share { quarters: QUARTERS.load(Ordering::Relaxed) })
}
