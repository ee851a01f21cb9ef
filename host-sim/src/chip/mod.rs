//! Storage chips at array level: serial NOR flash, internal flash, cards, FRAM.
//!
//! **What it is.** [`Nor`], a device in both colours that obeys the physics of
//! [`Image`], keeps a virtual clock, counts, records, and fails as told. It began as NOR flash;
//! its [`Spec`] says which [`Kind`] it is.
//!
//! **Rules.**
//! 1. A clone of [`Nor`] is another wire to the same chip: tests keep one while a volume holds
//!    the other.
//! 2. A call becomes commands: programs are cut at pages or sectors, erases into the largest that
//!    fit. Each command, and each sync, has a number; cuts and the recorded log count these.
//! 3. The recorded log tells what happened to the cells, so replaying it on the image of its
//!    beginning gives the image of its end; breaking a rule of the contract is a [`Breach`] with
//!    the number of its command.
//! 4. Without power everything answers `Removed`.
//! 5. What a chip promises is what it does: without `POWERSAFE_NEIGHBOURS` an interrupted
//!    program damages others, with `VOLATILE_CACHE` nothing is durable before `sync`, without
//!    `NEEDS_ERASE` a program replaces what was there and a torn sector may not be readable.

mod counters;
mod device;
mod state;
mod wires;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fs_core::units::{EraseSizes, Geometry, Guarantees};

use crate::clock::{Clock, Timing};
use crate::fault::{Bad, Faults, TearMode};
use crate::image::{BLOCK_BYTES, Breach, Image, Op};
pub use counters::{Call, Counters, Timed, Wear};
use state::State;
pub use wires::OnWires;

/// Bytes of a program page.
pub const PAGE_BYTES: u64 = 256;

/// The technology of a chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Serial NOR flash, erased in 4 KiB and more.
    Nor,
    /// Internal flash of a microcontroller, erased in 2 KiB.
    Internal,
    /// A card: sectors of 512 bytes that replace what was there.
    Card,
    /// FRAM, MRAM, RAM: bytes that replace what was there.
    Fram,
}

/// How its host reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// By what a command does to the cells: nothing lies between the volume and them.
    Array,
    /// Through a driver, and wires of its own to a model of the chip's other side.
    Wires,
    /// The same on a bus that others use too.
    SharedWires,
}

/// What kind of chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// The technology.
    pub kind: Kind,
    /// How its host reaches it.
    pub way: Way,
    /// Blocks of 4 KiB; of 2 KiB for internal flash.
    pub blocks: u32,
    /// Smallest program, a power of two.
    pub program_unit: u32,
    /// Bytes of the smallest erase, a power of two.
    pub erase_unit: u32,
    /// What it promises, and does.
    pub guarantees: Guarantees,
    /// How long its commands take.
    pub timing: Timing,
    /// Whether erased bytes read as zero: then what goes in and out is the image with every bit
    /// turned round, and a program only sets bits.
    pub erased_to_zero: bool,
    /// How often a block can be erased before its erases and programs fail (F10); for ever if
    /// `None`. The W25Q128JV is specified for 100,000.
    pub endurance: Option<u32>,
}

impl Spec {
    /// A Winbond W25Q128JV: 16 MiB, 256-byte pages, erases of 4, 32 and 64 KiB, single SPI at
    /// 50 MHz (the project's media table; see [`Timing`] for the sources of the times).
    pub const W25Q128JV: Self = Self {
        kind: Kind::Nor,
        way: Way::Array,
        blocks: 4096,
        program_unit: 1,
        erase_unit: 4096,
        guarantees: Guarantees::NEEDS_ERASE
            .union(Guarantees::REPROGRAM_ZERO_BITS)
            .union(Guarantees::POWERSAFE_NEIGHBOURS),
        timing: Timing::W25Q128JV,
        erased_to_zero: false,
        endurance: None,
    };

    /// The same technology with `blocks` blocks.
    #[must_use]
    pub const fn small(blocks: u32) -> Self {
        Self { blocks, ..Self::W25Q128JV }
    }

    /// Internal flash without error correction, words of 8 bytes, `blocks` pages of 2 KiB.
    #[must_use]
    pub const fn internal(blocks: u32) -> Self {
        Self {
            kind: Kind::Internal,
            program_unit: 8,
            erase_unit: 2048,
            timing: Timing::INTERNAL,
            ..Self::small(blocks)
        }
    }

    /// A card of `blocks` times 4 KiB that answers when its data is durable.
    #[must_use]
    pub const fn card(blocks: u32) -> Self {
        Self {
            kind: Kind::Card,
            way: Way::Array,
            blocks,
            program_unit: 512,
            erase_unit: 512,
            guarantees: Guarantees::POWERSAFE_NEIGHBOURS,
            timing: Timing::CARD,
            erased_to_zero: false,
            endurance: None,
        }
    }

    /// FRAM of `blocks` times 4 KiB.
    #[must_use]
    pub const fn fram(blocks: u32) -> Self {
        Self {
            kind: Kind::Fram,
            program_unit: 1,
            erase_unit: 64,
            timing: Timing::FRAM,
            ..Self::card(blocks)
        }
    }

    /// Whether a program replaces what was there.
    #[must_use]
    pub const fn rewrites(&self) -> bool {
        !self.guarantees.contains(Guarantees::NEEDS_ERASE)
    }

    /// Makes `image` obey the physics of this chip.
    pub fn prepare(&self, image: &mut Image) {
        image.allow_reprogram(self.guarantees.contains(Guarantees::REPROGRAM_ZERO_BITS));
        image.set_rewrites(self.rewrites());
    }

    /// NOR flash of so many times 4 KiB whose smallest erase is larger: `erase_unit` bytes.
    #[must_use]
    pub const fn big_block(blocks: u32, erase_unit: u32) -> Self {
        Self { erase_unit, ..Self::small(blocks) }
    }

    /// Bytes that a block of a volume takes in the image.
    #[must_use]
    pub const fn block_bytes(&self) -> u64 {
        let least = BLOCK_BYTES as u64;
        if (self.erase_unit as u64) < least { least } else { self.erase_unit as u64 }
    }

    /// Bytes of a block in its image whose first part only is used: what an erase unit smaller
    /// than a block of the image is kept in.
    const fn stretch(&self) -> u64 {
        match self.kind {
            Kind::Internal => 2,
            _ => 1,
        }
    }

    /// Where in the image the byte at `at` is.
    pub(crate) const fn cell(&self, at: u64) -> u64 {
        let block = BLOCK_BYTES as u64 / self.stretch();
        at / block * BLOCK_BYTES as u64 + at % block
    }

    /// Bytes from `at` on that lie side by side in the image.
    const fn side_by_side(&self, at: u64) -> u64 {
        if self.stretch() == 1 { u64::MAX } else { self.beside(at) }
    }

    /// Bytes from `at` to the end of the block of the image.
    pub(crate) const fn beside(&self, at: u64) -> u64 {
        let block = BLOCK_BYTES as u64 / self.stretch();
        block - at % block
    }

    /// What becomes of `op` when it is interrupted: the modes that differ.
    #[must_use]
    pub fn tears(&self, op: &Op) -> &'static [TearMode] {
        let cached = self.guarantees.contains(Guarantees::VOLATILE_CACHE);
        match op {
            Op::Program { .. } if self.kind == Kind::Fram => TearMode::BYTES,
            Op::Program { .. } if self.rewrites() => TearMode::REWRITE,
            Op::Sync if cached && self.rewrites() => TearMode::REWRITE,
            Op::Program { .. } => TearMode::PROGRAM,
            Op::Erase { .. } | Op::Sync if cached => TearMode::PROGRAM,
            Op::Erase { .. } => TearMode::ERASE,
            _ => &[],
        }
    }

    /// This chip with a promise more.
    #[must_use]
    pub const fn with(self, guarantee: Guarantees) -> Self {
        Self { guarantees: self.guarantees.union(guarantee), ..self }
    }

    /// This chip with a promise less.
    #[must_use]
    pub const fn without(self, guarantee: Guarantees) -> Self {
        Self { guarantees: self.guarantees.difference(guarantee), ..self }
    }

    /// What the device says of itself.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        let nor = self.kind == Kind::Nor;
        let larger = match self.erase_unit {
            0..0x8000 => EraseSizes::NONE.with(0x8000).with(0x1_0000),
            0x8000 => EraseSizes::NONE.with(0x1_0000),
            _ => EraseSizes::NONE,
        };
        Geometry {
            size: u64::from(self.blocks) * BLOCK_BYTES as u64 / self.stretch(),
            read_unit: if self.kind == Kind::Card { 512 } else { 1 },
            program_unit: self.program_unit,
            erase_unit: self.erase_unit,
            erase_sizes: if nor { larger } else { EraseSizes::NONE },
            dma_alignment: 1,
            guarantees: self.guarantees,
        }
    }
}

/// A storage chip. A clone is another wire to the same chip.
#[derive(Debug, Clone)]
pub struct Nor(Arc<Mutex<State>>);

impl Nor {
    /// A new chip: erased, or zero if it is a card.
    #[must_use]
    pub fn new(spec: Spec) -> Self {
        let fill = if spec.kind == Kind::Card { 0 } else { 0xFF };
        Self::with_image(spec, Image::filled(spec.blocks, fill))
    }

    /// An erased W25Q128JV.
    #[must_use]
    pub fn w25q128jv() -> Self {
        Self::new(Spec::W25Q128JV)
    }

    /// An erased chip of `blocks` blocks of 4 KiB.
    ///
    /// # Panics
    /// With fewer than 8 blocks.
    #[must_use]
    pub fn small(blocks: u32) -> Self {
        assert!(blocks >= 8, "a chip of fewer than 8 blocks");
        Self::new(Spec::small(blocks))
    }

    /// A chip with the content of `image`, switched on.
    ///
    /// # Panics
    /// If the image has another size.
    #[must_use]
    pub fn with_image(spec: Spec, image: Image) -> Self {
        assert_eq!(spec.blocks, image.block_count(), "image and chip differ in size");
        Self(Arc::new(Mutex::new(State::new(spec, image))))
    }

    /// A chip as large as `image`, switched on.
    #[must_use]
    pub fn of(image: Image) -> Self {
        Self::with_image(Spec::small(image.block_count()), image)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic of a volume in the middle of a call must not hide what the chip holds.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What kind of chip it is.
    #[must_use]
    pub fn spec(&self) -> Spec {
        self.state().spec
    }

    /// A copy of its content, as reads see it; cheap.
    #[must_use]
    pub fn image(&self) -> Image {
        self.state().image.clone()
    }

    /// Replaces its content. Counters, wear and clock go on.
    ///
    /// # Panics
    /// If the image has another size.
    pub fn set_image(&self, image: Image) {
        self.state().set_image(image);
    }

    /// Changes its content behind everyone's back, say by [`Image::flip`].
    pub fn tamper(&self, change: impl FnOnce(&mut Image)) {
        self.state().tamper(change);
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.state().clock.clone()
    }

    /// Makes it use `clock`, to share one with other devices.
    pub fn set_clock(&self, clock: Clock) {
        self.state().clock = clock;
    }

    /// What it did so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.state().counters
    }

    /// How often each block was erased.
    #[must_use]
    pub fn wear(&self) -> Wear {
        self.state().wear.clone()
    }

    /// Sets everything that is to go wrong. Operations and calls are counted from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().set_faults(faults);
    }

    /// Makes a block bad from now on. Nothing is counted anew.
    pub fn wear_out(&self, block: u32, bad: Bad) {
        self.state().wear_out(block, bad);
    }

    /// How many commands and syncs there were since the faults were set, or since the beginning.
    #[must_use]
    pub fn ops(&self) -> u64 {
        self.state().ops
    }

    /// What a model of the chip's other side keeps here.
    #[must_use]
    pub fn wires(&self) -> OnWires {
        self.state().wires.clone()
    }

    /// Changes that.
    pub(crate) fn with_wires(&self, change: impl FnOnce(&mut OnWires)) {
        change(&mut self.state().wires);
    }

    /// Says that the sectors of a range may be erased until the next sync.
    pub(crate) fn announce(&self, at: u64, bytes: u64) {
        self.state().carry_out(Op::MayErase { at, bytes });
    }

    /// Takes the power away; what a cache holds is torn like this.
    pub(crate) fn power_off_torn(&self, tear: TearMode, seed: u64) {
        self.state().power_off_torn(tear, seed);
    }

    /// Whether it has power.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.state().on
    }

    /// Takes the power away between two operations.
    pub fn power_off(&self) {
        self.state().power_off();
    }

    /// Gives the power back: unstable cells may read otherwise from now on. Faults other than the
    /// cut that happened stay set.
    pub fn power_on(&self) {
        self.state().power_on();
    }

    /// Begins an empty log of what happens to the cells, or ends it.
    pub fn record(&self, on: bool) {
        self.state().log = on.then(Vec::new);
    }

    /// How many entries the log has.
    #[must_use]
    pub fn log_len(&self) -> usize {
        self.state().log.as_ref().map_or(0, Vec::len)
    }

    /// The log so far, which goes on.
    #[must_use]
    pub fn log(&self) -> Vec<Op> {
        self.state().log.clone().unwrap_or_default()
    }

    /// Takes the log so far; an empty one goes on if it was on.
    #[must_use]
    pub fn take_log(&self) -> Vec<Op> {
        self.state().log.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Begins an empty list of calls and their times, or ends it.
    pub fn record_times(&self, on: bool) {
        self.state().times = on.then(Vec::new);
    }

    /// Takes the calls and their times so far.
    #[must_use]
    pub fn take_times(&self) -> Vec<Timed> {
        self.state().times.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Every rule of the contract that was broken, with the number of the command.
    #[must_use]
    pub fn breaches(&self) -> Vec<(u64, Breach)> {
        self.state().breaches.clone()
    }

    /// A hash of every call, command and power-on so far, with their bytes.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.state().trace.value()
    }
}

#[cfg(test)]
mod tests;
