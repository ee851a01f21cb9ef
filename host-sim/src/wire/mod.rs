//! Chips as their pins see them: bytes in, bytes out, chip select, a clock. Serial NOR flash is in
//! [`nor`]; the rest of this text is about an SD card.
//!
//! **What it is.** [`Card`], a card in SPI mode, and three ways to it: a bus ([`Wires`]) with a pin
//! ([`Select`]), a device on a shared bus ([`Shared`]), both in both colours, and a timer
//! ([`Stopwatch`]) that shows its clock. It shares no code with the driver: its checksums,
//! responses and registers are written a second time.
//!
//! **Rules.**
//! 1. Every byte has a number, counted from the moment the accidents were set; a power cut, a hand
//!    that pulls the card out, an error of the bus and a flipped bit happen at a number.
//! 2. A card without power, or out of its socket, says nothing: the line is high, or low.
//! 3. What a host must not do is a [`Card::breaches`]: a command to a busy card, a fast clock
//!    before the card is initialised, chip select that rises inside a block, a wrong token.
//! 4. A card that waits for a block takes nothing else; one that receives a block takes every byte
//!    for it.
//! 5. What was accepted and is not durable yet is torn by a cut, sector by sector: old, new, half,
//!    garbage, unreadable. In a run nothing is durable before the run has ended, and what was
//!    announced for it (ACMD23) and not written may be erased.
//! 6. Sectors are the card's own, or those of an array with a cache ([`Card::over`]), which records
//!    what happens to them and tears it as the explorer asks.
//!
//! **What it is not.** A real card: no translation layer, no damage to neighbours, no slow death.
//! Where the specification leaves something open it does what is worse for the host.

mod array;
mod bytes;
mod card;
pub mod nor;
mod pins;
mod spi;
mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chip::Nor;
use crate::clock::Clock;
use array::Array;
use card::State;
pub use pins::transcript;
pub use spi::{Select, Shared, Stopwatch, Wires};
use store::Store;

/// What a card is, as far as its host can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Standard capacity, specification 1.x.
    V1,
    /// Standard capacity, specification 2.0.
    V2,
    /// High capacity.
    High,
}

/// A kind of card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Model {
    /// What it says of itself.
    pub generation: Generation,
    /// Sectors; a multiple of 1024.
    pub sectors: u32,
    /// The serial number in its CID.
    pub serial: u32,
    /// Bytes of ones before each response, at most eight.
    pub response_delay: u8,
    /// Times of ACMD41 before it is initialised.
    pub init_polls: u32,
    /// From a command to its block, and from block to block.
    pub read_ns: u64,
    /// Busy after a single write.
    pub write_ns: u64,
    /// Busy after each block of a run.
    pub run_ns: u64,
    /// Busy after the end of a run.
    pub stop_ns: u64,
    /// Whether chip select that rises before a block has been sent ends a read.
    pub ends_reads: bool,
    /// Whether R1 to CMD58 always says "idle", as that of QEMU's card does.
    pub idles_at_58: bool,
    /// Whether it wants 74 clocks before its first command.
    pub wants_clocks: bool,
    /// Whether it knows CMD18 and CMD25.
    pub has_runs: bool,
    /// Whether it knows ACMD23.
    pub has_erase_before: bool,
    /// Whether its CSD says that it is write-protected.
    pub is_protected: bool,
    /// Whether the line is low without a card.
    pub floats_low: bool,
    /// Whether others clock its bus, so that it lets go of the line in time, and chip select may
    /// rise inside a transfer, which its host must know that it bears.
    pub is_shared: bool,
}

impl Model {
    /// A card of 8 MiB, with times of a good one.
    #[must_use]
    pub const fn new(generation: Generation) -> Self {
        Self {
            generation,
            sectors: 16 * 1024,
            serial: 0x1234_5678,
            response_delay: 1,
            init_polls: 3,
            read_ns: 200_000,
            write_ns: 1_500_000,
            run_ns: 100_000,
            stop_ns: 500_000,
            ends_reads: true,
            idles_at_58: false,
            wants_clocks: true,
            has_runs: true,
            has_erase_before: true,
            is_protected: false,
            floats_low: false,
            is_shared: false,
        }
    }
}

/// What is to go wrong, by the number of the byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accidents {
    /// Seed of what a cut leaves.
    pub seed: u64,
    /// The power goes before this byte.
    pub cut: Option<u64>,
    /// The card is pulled out before this byte.
    pub pull: Option<u64>,
    /// The bus fails at this byte; the card never sees it.
    pub bus_error: Option<u64>,
    /// The card sees this byte with these bits flipped.
    pub flip_to_card: Option<(u64, u8)>,
    /// The host sees this byte with these bits flipped.
    pub flip_to_host: Option<(u64, u8)>,
    /// What comes goes wrong once in so many times: a card sees a block damaged, a flash chip does
    /// not hear the write enable. Counted since the model was made.
    pub mishears: Option<u64>,
}

/// One byte on the wires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Whether chip select was low.
    pub selected: bool,
    /// How often it had been pulled low, where that is counted: a chip that acts when it rises.
    pub transaction: u32,
    /// From the host.
    pub sent: u8,
    /// From the card.
    pub received: u8,
}

/// A card. A clone is another wire to the same one.
#[derive(Debug, Clone)]
pub struct Card(Arc<Mutex<State>>);

impl Card {
    /// An empty card that has just been given power.
    #[must_use]
    pub fn new(model: Model) -> Self {
        Self(Arc::new(Mutex::new(State::new(model, Box::new(Store::default())))))
    }

    /// A card that has just been given power, with its sectors in the array of `nor`: a kind of
    /// card with a cache, at most as large as the model.
    #[must_use]
    pub fn over(model: Model, nor: Nor) -> Self {
        Self(Arc::new(Mutex::new(State::new(model, Box::new(Array::new(nor))))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.state().clock.clone()
    }

    /// The clock of the bus from now on.
    pub fn set_hz(&self, hz: u32) {
        self.state().hz = hz.max(1);
    }

    /// The clock of the bus.
    #[must_use]
    pub fn hz(&self) -> u32 {
        self.state().hz
    }

    /// Sets what is to go wrong. Bytes are counted from now on.
    pub fn set_accidents(&self, accidents: Accidents) {
        let mut state = self.state();
        state.accidents = accidents;
        state.count = 0;
    }

    /// From now on notes the bytes of each command that changes it, see [`Card::take_changes`].
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

    /// Whether it is in its socket and has power.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.state().is_on
    }

    /// Takes its power.
    pub fn power_off(&self) {
        self.state().power_off();
    }

    /// Puts it in, or gives it power: it has forgotten everything but its sectors.
    pub fn power_on(&self) {
        self.state().power_on();
    }

    /// Puts another card into the socket, with this serial number and the same content.
    pub fn exchange_for(&self, serial: u32) {
        let mut state = self.state();
        state.power_off();
        state.model.serial = serial;
        state.power_on();
    }

    /// What a sector holds, or `None` if it cannot be read.
    #[must_use]
    pub fn sector(&self, number: u32) -> Option<[u8; 512]> {
        self.state().store.read(number)
    }

    /// Makes a sector unreadable until it is written again.
    pub fn spoil(&self, number: u32) {
        self.state().store.spoil(number);
    }

    /// The next write is accepted, and fails in the card.
    pub fn fail_next_write(&self) {
        self.state().fails_next_write = true;
    }

    /// What its host did that it must not do.
    #[must_use]
    pub fn breaches(&self) -> Vec<String> {
        self.state().breaches.clone()
    }

    /// Numbers of the commands that arrived whole, 64 more for those of the second set.
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
