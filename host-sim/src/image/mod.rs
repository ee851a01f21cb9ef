//! The content of a chip: bytes, and the cells that are not what they seem.
//!
//! **What it is.** A list of 4 KiB blocks shared until written (a clone costs one reference count
//! for each 256 blocks that are not all blank), and for the few blocks that an interrupted command
//! touched, what is wrong with them.
//!
//! **Rules.**
//! 1. A program only lowers bits; an erase sets all of them and heals the cells.
//! 2. What breaks the device contract is done as physics has it, and reported as a [`Breach`].
//! 3. Everything random comes from seeds: the same calls on the same image give the same bytes.
//! 4. Where no erase is needed ([`Image::set_rewrites`]) a program replaces what was there, and
//!    a sector that cannot be read can be programmed.
//! 5. An unstable bit reads the same until the next power-on (or anew at every read, see
//!    [`Image::set_noise`]). Programming it to zero makes it a stable zero; so programming the
//!    finished content again makes an unstable program stable, and zeros strike anything.

mod blocks;
mod cells;
mod op;
mod tear;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use blocks::Blocks;
pub use cells::{Breach, Rule};
use cells::{Noise, Trouble};
pub use op::Op;

use crate::rng::{TraceHash, mix};

/// Bytes of a block: the smallest erase of the chips modelled here.
pub const BLOCK_BYTES: usize = 4096;

/// Bytes of a sector.
pub const SECTOR: u64 = 512;

const BLOCK: u64 = BLOCK_BYTES as u64;

/// The content of a chip.
///
/// Positions must lie inside the image: methods panic otherwise, because a device has checked.
#[derive(Debug, Clone)]
pub struct Image {
    blocks: Blocks,
    trouble: BTreeMap<u32, Arc<Trouble>>,
    noise: Noise,
    /// Whether zeros and equal bytes may be programmed over what is programmed.
    reprogram: bool,
    /// Whether anything may be programmed over anything.
    rewrites: bool,
    /// Sectors that cannot be read until they are programmed.
    unreadable: BTreeSet<u64>,
}

impl Image {
    /// An erased chip of `blocks` blocks.
    #[must_use]
    pub fn blank(blocks: u32) -> Self {
        Self::filled(blocks, 0xFF)
    }

    /// A chip of `blocks` blocks that reads `fill` wherever nothing was programmed: erased flash
    /// reads 0xFF, most new cards 0.
    #[must_use]
    pub fn filled(blocks: u32, fill: u8) -> Self {
        Self {
            blocks: Blocks::blank(blocks, fill),
            trouble: BTreeMap::new(),
            noise: Noise::default(),
            reprogram: true,
            rewrites: false,
            unreadable: BTreeSet::new(),
        }
    }

    /// A chip that holds `bytes`, and is blank from there to the end of its last block.
    ///
    /// # Panics
    /// If there are more than `u32::MAX` blocks.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let blocks = bytes.len().div_ceil(BLOCK_BYTES);
        let mut image = Self::blank(u32::try_from(blocks).expect("fewer than 2^32 blocks"));
        image.set_bytes(0, bytes);
        image
    }

    /// The content as it reads now.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.blocks.count() as usize * BLOCK_BYTES];
        self.peek(0, &mut bytes);
        bytes
    }

    /// How many blocks it has.
    #[must_use]
    pub const fn block_count(&self) -> u32 {
        self.blocks.count()
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.blocks.count() as u64 * BLOCK
    }

    /// Whether programming zeros or equal bytes over what is programmed obeys the rules (it does
    /// unless this is called with `false`).
    pub fn allow_reprogram(&mut self, allow: bool) {
        self.reprogram = allow;
    }

    /// Makes it the content of a medium that needs no erase: a program replaces what was there.
    pub fn set_rewrites(&mut self, rewrites: bool) {
        self.rewrites = rewrites;
    }

    /// Whether a sector of the range cannot be read.
    #[must_use]
    pub fn is_unreadable(&self, at: u64, bytes: u64) -> bool {
        let end = (at + bytes).div_ceil(SECTOR);
        !self.unreadable.is_empty() && self.unreadable.range(at / SECTOR..end).next().is_some()
    }

    /// Makes every sector that the range touches one that cannot be read.
    pub fn lose_sectors(&mut self, at: u64, bytes: u64) {
        self.unreadable.extend(at / SECTOR..(at + bytes).div_ceil(SECTOR));
    }

    /// Seeds what unstable cells read, and says whether they change at every read.
    pub fn set_noise(&mut self, seed: u64, every_read: bool) {
        self.noise.seed = seed;
        self.noise.every_read = every_read;
    }

    /// Switches the power on again: unstable cells may read otherwise from now on.
    pub fn power_on(&mut self) {
        self.noise.epoch += 1;
    }

    /// Counts power-ons and reads from here, so that images which will behave equally are equal
    /// however long it took to get here.
    pub fn count_from_here(&mut self) {
        let epoch = std::mem::take(&mut self.noise.epoch);
        self.noise.reads = 0;
        for trouble in self.trouble.values_mut().filter(|trouble| trouble.is_unstable()) {
            Arc::make_mut(trouble).count_from(epoch);
        }
    }

    /// How often the power was switched on.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.noise.epoch
    }

    /// Reads as a device does.
    pub fn read(&mut self, at: u64, target: &mut [u8]) {
        self.noise.reads += 1;
        self.peek(at, target);
    }

    /// Reads without being noticed: a read before or after is not changed by it.
    pub fn peek(&self, at: u64, target: &mut [u8]) {
        for (number, within, piece) in pieces(at, target.len()) {
            let target = &mut target[piece];
            match self.blocks.get(number) {
                Some(block) => target.copy_from_slice(&block[within..within + target.len()]),
                None => target.fill(self.blocks.fill()),
            }
            if let Some(trouble) = self.trouble.get(&number) {
                trouble.disturb(&self.noise, number, within, target);
            }
        }
    }

    /// Programs `source`, and says which rule of the contract that broke first.
    pub fn program(&mut self, at: u64, source: &[u8]) -> Option<Breach> {
        if self.rewrites {
            self.set_bytes(at, source);
            for sector in at / SECTOR..(at + source.len() as u64).div_ceil(SECTOR) {
                self.unreadable.remove(&sector);
            }
            return None;
        }
        let mut breach = None;
        for (number, within, piece) in pieces(at, source.len()) {
            let source = &source[piece];
            let end = within + source.len();
            if let Some(trouble) = self.trouble.get_mut(&number) {
                let block = self.blocks.get_mut(number);
                let trouble = Arc::make_mut(trouble);
                let broken = trouble.program(self.reprogram, &self.noise, block, within, source);
                breach = breach.or(broken.map(|(rule, byte)| breach_at(number, byte, rule)));
                continue;
            }
            if self.blocks.get(number).is_none() && self.blocks.is_blank(source) {
                continue;
            }
            let target = &mut self.blocks.get_mut(number)[within..end];
            if breach.is_none() {
                let allowed =
                    |old: u8, new: u8| old == 0xFF || (self.reprogram && (new == 0 || new == old));
                let broken = target.iter().zip(source).position(|(old, new)| !allowed(*old, *new));
                breach = broken.map(|byte| breach_at(number, within + byte, Rule::NotErased));
            }
            for (old, new) in target.iter_mut().zip(source) {
                *old &= new;
            }
        }
        breach
    }

    /// Erases `bytes` from `at`, both multiples of the block size.
    pub fn erase(&mut self, at: u64, bytes: u64) {
        for number in blocks_of(at, bytes) {
            self.blocks.clear(number);
            self.trouble.remove(&number);
        }
    }

    /// Sets bytes without regard to physics: for building images, and for bit rot (F14).
    pub fn set_bytes(&mut self, at: u64, source: &[u8]) {
        for (number, within, piece) in pieces(at, source.len()) {
            let source = &source[piece];
            if self.blocks.get(number).is_none() && self.blocks.is_blank(source) {
                continue;
            }
            self.blocks.get_mut(number)[within..within + source.len()].copy_from_slice(source);
        }
    }

    /// Flips bit `bit` (0 to 7) of the byte at `at` (F14).
    pub fn flip(&mut self, at: u64, bit: u8) {
        for (number, within, _) in pieces(at, 1) {
            self.blocks.get_mut(number)[within] ^= 1 << (bit & 7);
        }
    }

    /// Marks a range as one whose program or erase did not answer `Ok`.
    pub fn suspect(&mut self, at: u64, bytes: u64) {
        if self.rewrites {
            return;
        }
        for (number, within, piece) in pieces(at, in_memory(bytes)) {
            self.trouble_of(number).suspect(within, piece.len());
        }
    }

    /// How many blocks hold cells that an interrupted command touched.
    #[must_use]
    pub fn troubled_blocks(&self) -> usize {
        self.trouble.len()
    }

    /// Whether any bit in the image can still change by itself.
    #[must_use]
    pub fn is_unstable(&self) -> bool {
        self.trouble.values().any(|trouble| trouble.is_unstable())
    }

    /// A hash of content and cells: equal images behave equally under equal noise.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hash = TraceHash::default();
        for (number, block) in self.blocks.written() {
            hash.number(u64::from(number));
            hash.bytes(block);
        }
        for (number, trouble) in &self.trouble {
            hash.number(u64::from(*number));
            trouble.hash(&mut hash);
        }
        self.unreadable.iter().for_each(|sector| hash.number(*sector));
        hash.value()
    }

    /// A hash of what differs from `earlier`, an image of the same size: of two descendants of it
    /// the same as comparing their [`Image::hash`], for the price of the blocks that changed.
    #[must_use]
    pub fn hash_since(&self, earlier: &Self) -> u64 {
        let shared = |number: u32| {
            let same = self.blocks.shares(&earlier.blocks, number);
            same && !self.trouble.contains_key(&number) && !earlier.trouble.contains_key(&number)
        };
        let changed = (0..self.block_count()).filter(|number| !shared(*number));
        let lost = self.unreadable.symmetric_difference(&earlier.unreadable);
        let lost = lost.fold(0, |sum, sector| sum ^ mix(*sector, 17));
        changed.fold(lost, |sum, number| sum ^ self.block_hash(number) ^ earlier.block_hash(number))
    }

    fn block_hash(&self, number: u32) -> u64 {
        let mut hash = TraceHash::default();
        hash.number(u64::from(number));
        if let Some(block) =
            self.blocks.get(number).filter(|block| !self.blocks.is_blank(&***block))
        {
            hash.bytes(&**block);
        }
        if let Some(trouble) = self.trouble.get(&number) {
            trouble.hash(&mut hash);
        }
        hash.value()
    }

    fn trouble_of(&mut self, number: u32) -> &mut Trouble {
        Arc::make_mut(self.trouble.entry(number).or_default())
    }
}

fn in_memory(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a range inside memory")
}

fn breach_at(number: u32, byte: usize, rule: Rule) -> Breach {
    Breach { at: u64::from(number) * BLOCK + byte as u64, rule }
}

/// The numbers of the blocks of a range.
fn blocks_of(at: u64, bytes: u64) -> std::ops::Range<u32> {
    let number = |at: u64| u32::try_from(at / BLOCK).expect("a block of the image");
    number(at)..number(at + bytes)
}

/// Cuts a range at block borders: block, first byte in it, and the part of the caller's buffer.
fn pieces(at: u64, length: usize) -> impl Iterator<Item = (u32, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == length {
            return None;
        }
        let place = at + done as u64;
        let number = u32::try_from(place / BLOCK).expect("a block of the image");
        let within = usize::try_from(place % BLOCK).expect("less than a block");
        let count = (BLOCK_BYTES - within).min(length - done);
        done += count;
        Some((number, within, done - count..done))
    })
}

#[cfg(test)]
mod tests;
