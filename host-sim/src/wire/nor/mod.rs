//! A serial NOR flash as its pins see it: bytes in, bytes out, chip select, a clock.
//!
//! **What it is.** [`NorChip`], a 25-series chip on one data line each way, over the array of
//! [`Nor`], and two ways to it: a device on a bus ([`Spi`]) and a delay that lets its time pass
//! ([`Pause`]), both in both colours. It shares no code with the driver: its commands, registers
//! and tables are written a second time.
//!
//! **Rules.**
//! 1. Every byte has a number, counted from the moment the accidents were set; a power cut, an
//!    error of the bus and a flipped bit happen at a number.
//! 2. A program or erase begins when chip select rises and takes its time. It reaches the array at
//!    its end; a cut before tears it, and so does a reset. The array's own faults (cuts at a
//!    command, bad blocks) happen there.
//! 3. A chip that is busy, asleep or just waking takes nothing but what its datasheet says.
//! 4. A program wraps inside its page, an erase begins at a multiple of its size, both need the
//!    write enable, and both are forgotten when the place is protected.
//! 5. What a host must not do is a [`NorChip::breaches`]: a command for a busy or sleeping chip, a
//!    program that wraps, a program or erase without write enable, a command without its address,
//!    a reset of a busy chip.
//!
//! **What it is not.** A real chip: no suspended reads, no second data line, no protection of
//! parts, no modes of a second die.

mod sfdp;
mod spi;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Accidents, Exchange};
use crate::chip::{Nor, Spec};
use crate::clock::{Clock, Timing};
pub use spi::{Pause, Spi};
use state::State;

/// A kind of chip.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Model {
    /// What it answers to `9Fh`.
    pub id: [u8; 3],
    /// Blocks of 4 KiB.
    pub blocks: u32,
    /// How long its commands take; its bus has a clock of its own.
    pub timing: Timing,
    /// Whether it has an SFDP.
    pub has_sfdp: bool,
    /// Whether it has opcodes for four bytes of address.
    pub has_four_opcodes: bool,
    /// Whether it has a flag status register that says what failed.
    pub has_flags: bool,
    /// Whether errors are bits 5 and 6 of its status register, which stays busy with them.
    pub has_error_status: bool,
    /// Whether the write enable outlives a program and an erase.
    pub keeps_enable: bool,
    /// Its status register when power comes for the first time.
    pub status: u8,
    /// Whether its status register cannot be written.
    pub is_locked: bool,
    /// From waking up until it takes commands.
    pub wake_ns: u64,
    /// From a reset until it takes commands.
    pub reset_ns: u64,
    /// Whether the line is low when nobody drives it.
    pub floats_low: bool,
}

impl Model {
    /// A W25Q128JV of another size, at most 16 MiB.
    #[must_use]
    pub const fn small(blocks: u32) -> Self {
        Self {
            id: [0xEF, 0x40, 0x18],
            blocks,
            timing: Timing::W25Q128JV,
            has_sfdp: true,
            has_four_opcodes: false,
            has_flags: false,
            has_error_status: false,
            keeps_enable: false,
            status: 0,
            is_locked: false,
            wake_ns: 3_000,
            reset_ns: 30_000,
            floats_low: false,
        }
    }

    /// A W25Q512JV: 64 MiB.
    #[must_use]
    pub const fn large() -> Self {
        Self { id: [0xEF, 0x40, 0x20], has_four_opcodes: true, ..Self::small(0x4000) }
    }

    const fn spec(&self) -> Spec {
        let silent = Timing {
            byte_ns: 0,
            program_page_ns: 0,
            erase_4k_ns: 0,
            erase_32k_ns: 0,
            erase_64k_ns: 0,
            ..self.timing
        };
        Spec { timing: silent, ..Spec::small(self.blocks) }
    }
}

/// A chip. A clone is another wire to the same one.
#[derive(Debug, Clone)]
pub struct NorChip(Arc<Mutex<State>>);

impl NorChip {
    /// An erased chip that has just been given power.
    #[must_use]
    pub fn new(model: Model) -> Self {
        let array = Nor::new(model.spec());
        Self(Arc::new(Mutex::new(State::new(model, array))))
    }

    /// A chip that has just been given power, with the cells of `array`, which is at most as large
    /// as the model.
    #[must_use]
    pub fn over(model: Model, array: Nor) -> Self {
        Self(Arc::new(Mutex::new(State::new(model, array))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cells behind the wires, with their own faults and breaches.
    #[must_use]
    pub fn array(&self) -> Nor {
        self.state().array.clone()
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.state().clock.clone()
    }

    /// A device on a bus.
    #[must_use]
    pub fn spi(&self) -> Spi {
        Spi(self.clone())
    }

    /// A delay that lets its time pass.
    #[must_use]
    pub fn pause(&self) -> Pause {
        Pause(self.clock())
    }

    /// Sets what is to go wrong. Bytes are counted from now on.
    pub fn set_accidents(&self, accidents: Accidents) {
        let mut state = self.state();
        state.accidents = accidents;
        state.count = 0;
    }

    /// From now on notes the bytes of each command that changes it, see [`NorChip::take_changes`].
    pub fn note_changes(&self) {
        self.state().changes = Some(Vec::new());
    }

    /// The bytes from the beginning of each command that changed it to the end of its work.
    #[must_use]
    pub fn take_changes(&self) -> Vec<std::ops::Range<u64>> {
        self.state().changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Bytes since the accidents were set.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state().count
    }

    /// Whether it has power.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.state().is_on()
    }

    /// Takes its power: what it is in the middle of is torn.
    pub fn power_off(&self) {
        self.state().power_off();
    }

    /// Gives it power: it has forgotten everything but its cells and its kept bits.
    pub fn power_on(&self) {
        self.state().power_on();
    }

    /// Begins an erase of the block at `at`, as an earlier host did; suspends it at once if told
    /// so.
    pub fn begin_erase(&self, at: u64, suspended: bool) {
        self.state().begin_erase(at, suspended);
    }

    /// What an earlier host left it in: asleep, or with four bytes of address.
    pub fn leave_in(&self, asleep: bool, four: bool) {
        self.state().leave_in(asleep, four);
    }

    /// The next program or erase fails.
    pub fn fail_next(&self) {
        self.state().fails_next = true;
    }

    /// Changes what it says of itself.
    pub fn tamper_sfdp(&self, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.state().sfdp);
    }

    /// Its status register.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.state().status()
    }

    /// Sets its second status register.
    pub fn set_second_status(&self, bits: u8) {
        self.state().second = bits;
    }

    /// Whether it is asleep.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        self.state().is_asleep
    }

    /// Whether it takes four bytes of address.
    #[must_use]
    pub fn takes_four(&self) -> bool {
        self.state().takes_four
    }

    /// What its host did that it must not do.
    #[must_use]
    pub fn breaches(&self) -> Vec<String> {
        self.state().breaches.clone()
    }

    /// Opcodes of the commands so far, those that read a status left out.
    #[allow(clippy::must_use_candidate, reason = "also asked for in order to forget them")]
    pub fn take_commands(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().commands)
    }

    /// Begins a log of every byte.
    pub fn record(&self) {
        self.state().log = Some(Vec::new());
    }

    /// Takes the log so far, which goes on.
    #[must_use]
    pub fn take_log(&self) -> Vec<Exchange> {
        self.state().log.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
