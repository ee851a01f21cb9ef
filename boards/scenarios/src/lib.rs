//! What every board does with its volume: one set of scenarios, in both colours.
//!
//! | module | what it is |
//! | --- | --- |
//! | `tour` | format, mount, import, logger, rewrites, recording, rename, check, each measured |
//! | `live` | a device in the field: goes on from what it finds, says what is durable, may be cut |
//! | `pair` | two volumes in one program: copies between them, and a device that moves its files |
//! | `survey` | reads a volume that was made elsewhere, and leaves a file |
//! | `tasks` | three tasks of an executor on one volume at once, asynchronous only |
//! | `cuts` | cuts the power again and again, where the board can do that itself |
//! | `choice` | the scenario that the arguments of an emulator name |
//! | `button` | the scenario that a button asks for, on hardware |
//! | `metered` | a device that counts what is asked of it |
//! | [`content`] | every byte that is written follows from a number |
//! | [`phase`] | one measured part of the program: instructions, stack, work of the device |
//! | [`stack`] | how deep the stack went |
//! | [`work`] | what the device did |
//! | [`power`] | power that the board cuts itself, in a program or erase |
//! | [`semihosting`] | a console, arguments and an end, where a debugger or an emulator listens |
//! | [`probe`] | a console and an end, where a debug probe listens to defmt |
//!
//! A board brings a device and a [`Console`], and runs them; `boards/template` shows how.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

use core::fmt;
use core::mem::MaybeUninit;
use fs_core::{Error, Memory};

pub mod content;
#[cfg(all(feature = "emulated", target_arch = "arm"))]
mod fault;
pub mod phase;
#[cfg(feature = "stays")]
pub mod power;
#[cfg(feature = "defmt")]
pub mod probe;
#[cfg(feature = "emulated")]
pub mod semihosting;
pub mod stack;
pub mod work;

/// Where a board's words go.
pub trait Console {
    /// Says one line.
    fn line(&self, text: fmt::Arguments<'_>);
}

/// How much a scenario does: what fits on the board's medium.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Files of the import.
    pub files: u32,
    /// Events of the logger.
    pub events: u32,
    /// Rewrites of the configuration.
    pub rewrites: u32,
    /// Bytes of the recording.
    pub recording: u32,
}

impl Scale {
    /// For a few dozen KiB: no import and no recording.
    pub const SMALL: Self = Self { files: 0, events: 20, rewrites: 50, recording: 0 };
    /// For a volume of 1 MiB or more.
    pub const FULL: Self = Self { files: 24, events: 100, rewrites: 50, recording: 100_001 };
}

/// Why a scenario failed.
#[derive(Debug)]
pub enum Failure {
    /// The filesystem refused.
    Volume(Error),
    /// Something else was found than was written; says what.
    Mismatch(&'static str),
    /// The board's device could not be opened.
    Device,
    /// The arguments name no scenario.
    Arguments,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Volume(error)
    }
}

fn expect(held: bool, what: &'static str) -> Result<(), Failure> {
    if held { Ok(()) } else { Err(Failure::Mismatch(what)) }
}

/// What the program lends the filesystem. Made when the program starts: as the initial value of a
/// static it would take as much flash as it takes RAM.
///
/// # Safety
/// Is called once.
#[inline(never)]
pub unsafe fn memory() -> &'static mut Memory {
    static mut MEMORY: MaybeUninit<Memory> = MaybeUninit::uninit();
    // SAFETY: nothing else refers to it, because this is called once.
    let memory = unsafe { &mut *(&raw mut MEMORY) };
    memory.write(Memory::new())
}

/// The same for a second volume.
///
/// # Safety
/// Is called once.
#[inline(never)]
pub unsafe fn second_memory() -> &'static mut Memory {
    static mut MEMORY: MaybeUninit<Memory> = MaybeUninit::uninit();
    // SAFETY: nothing else refers to it, because this is called once.
    let memory = unsafe { &mut *(&raw mut MEMORY) };
    memory.write(Memory::new())
}

/// The scenarios for programs that wait.
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use fs_core::blocking as vellum;

    pub mod button;
    mod calls;
    #[cfg(feature = "emulated")]
    pub mod choice;
    pub mod cuts;
    pub mod live;
    pub mod metered;
    pub mod pair;
    pub mod survey;
    pub mod tour;

    /// A device is never busy for a program that waits anyway.
    pub fn busy() {}

    /// What waits is complete when it returns.
    pub fn complete<T>(result: T) -> T {
        result
    }
}

/// The scenarios for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use core::future::poll_fn;
    use core::pin::Pin;
    use core::task::{Context, Poll, Waker};
    use fs_core::asynchronous as vellum;

    pub mod button;
    mod calls;
    #[cfg(feature = "emulated")]
    pub mod choice;
    pub mod cuts;
    pub mod live;
    pub mod metered;
    pub mod pair;
    pub mod survey;
    pub mod tasks;
    pub mod tour;

    /// A device is busy once in each operation, so that every future is suspended and resumed.
    pub async fn busy() {
        let mut asked = false;
        poll_fn(|context| {
            if core::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// The smallest executor there is: polls one future until it is complete.
    #[inline(never)]
    pub fn complete<F: Future>(mut future: F) -> F::Output {
        crate::phase::met_future(size_of::<F>());
        // SAFETY: it is not moved any more. `pin!` would move it once, to a second place.
        let mut future = unsafe { Pin::new_unchecked(&mut future) };
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
        }
    }
}
