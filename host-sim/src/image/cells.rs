//! Cells that an interrupted command left between one and zero.

use std::ops::Range;

use super::BLOCK_BYTES;
use crate::rng::{TraceHash, mix};

/// A rule of the device contract that a program broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The byte was not erased, and the new one is neither the same nor zero.
    NotErased,
    /// The byte reads as erased, but a program or erase there did not answer `Ok`.
    Suspect,
    /// The block's erase was interrupted: only zeros may be programmed there.
    InterruptedErase,
}

/// Where a program broke which rule first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Breach {
    /// The first byte that broke it.
    pub at: u64,
    /// The rule.
    pub rule: Rule,
}

/// What unstable cells read, and when they change.
#[derive(Debug, Clone, Default)]
pub(super) struct Noise {
    pub seed: u64,
    pub epoch: u32,
    pub reads: u64,
    pub every_read: bool,
}

impl Noise {
    fn key(&self, seed: u64) -> u64 {
        let read = if self.every_read { self.reads } else { u64::MAX };
        mix(mix(self.seed, seed), mix(u64::from(self.epoch), read))
    }
}

/// How all unstable bits of a range read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    High,
    Low,
    /// All as the target, but one.
    LowButOne,
    Mixed,
}

/// A range with unstable bits.
#[derive(Debug, Clone)]
pub(super) struct Unstable {
    /// First byte in the block.
    pub start: usize,
    /// The unstable bits of each byte; in the block itself they are one.
    pub masks: Vec<u8>,
    /// How they read before epoch `quiet_until`.
    pub first: Reading,
    pub quiet_until: u32,
    pub seed: u64,
}

impl Unstable {
    fn reading(&self, noise: &Noise) -> (Reading, u64) {
        let key = noise.key(self.seed);
        if noise.epoch < self.quiet_until {
            return (self.first, key);
        }
        let reading = match key % 4 {
            0 => Reading::High,
            1 => Reading::Low,
            2 => Reading::LowButOne,
            _ => Reading::Mixed,
        };
        (reading, mix(key, 1))
    }

    /// The value of the unstable bits of byte `index`, all others zero.
    fn bits(&self, index: usize, reading: Reading, key: u64) -> u8 {
        let mask = self.masks[index];
        match reading {
            Reading::High => mask,
            Reading::Low => 0,
            Reading::LowButOne => {
                let chosen = key % self.masks.len() as u64;
                if chosen == index as u64 { mask & mask.wrapping_neg() } else { 0 }
            }
            Reading::Mixed => mask & mix(key, index as u64).to_le_bytes()[0],
        }
    }
}

/// What is wrong with a block. An erase ends all of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble {
    suspects: Vec<Range<usize>>,
    unstable: Vec<Unstable>,
    /// The last erase did not answer `Ok`.
    pub interrupted: bool,
    /// The last erase only looks complete: seed, and the epoch from which bits may read zero.
    pub weak: Option<(u64, u32)>,
}

impl Trouble {
    pub fn suspect(&mut self, start: usize, length: usize) {
        let range = start..start + length;
        if !self.suspects.contains(&range) {
            self.suspects.push(range);
        }
    }

    pub fn unstable(&mut self, range: Unstable) {
        if range.masks.iter().any(|mask| *mask != 0) {
            self.unstable.push(range);
        }
    }

    pub fn is_unstable(&self) -> bool {
        self.weak.is_some() || !self.unstable.is_empty()
    }

    /// Makes `epoch` the first one.
    pub fn count_from(&mut self, epoch: u32) {
        let begins = self.unstable.iter_mut().map(|range| &mut range.quiet_until);
        for begin in begins.chain(self.weak.as_mut().map(|(_, from)| from)) {
            *begin = begin.saturating_sub(epoch);
        }
    }

    /// Lowers the masks that no longer agree with the bits of `block`.
    pub fn settle(&mut self, block: &[u8; BLOCK_BYTES]) {
        for range in &mut self.unstable {
            for (mask, byte) in range.masks.iter_mut().zip(&block[range.start..]) {
                *mask &= byte;
            }
        }
        self.unstable.retain(|range| range.masks.iter().any(|mask| *mask != 0));
    }

    /// The unstable bits of one byte.
    pub fn mask(&self, byte: usize) -> u8 {
        let inside = |range: &Unstable| {
            let index = byte.checked_sub(range.start)?;
            range.masks.get(index).copied()
        };
        self.unstable.iter().filter_map(inside).fold(0, |all, mask| all | mask)
    }

    /// Changes what was read from byte `start` of block `number` into what the cells say.
    pub fn disturb(&self, noise: &Noise, number: u32, start: usize, target: &mut [u8]) {
        let end = start + target.len();
        for range in &self.unstable {
            let (reading, key) = range.reading(noise);
            for byte in start.max(range.start)..end.min(range.start + range.masks.len()) {
                let index = byte - range.start;
                let value = &mut target[byte - start];
                *value = (*value & !range.masks[index]) | range.bits(index, reading, key);
            }
        }
        let Some((seed, from)) = self.weak else { return };
        let key = mix(noise.key(seed), u64::from(number));
        if noise.epoch < from || key & 1 == 0 {
            return;
        }
        for (index, value) in target.iter_mut().enumerate() {
            let chance = mix(key, (start + index) as u64);
            if chance.is_multiple_of(256) {
                *value &= !(1 << ((chance >> 8) & 7));
            }
        }
    }

    /// Programs bytes from `start`; the first rule broken, and the byte.
    pub fn program(
        &mut self,
        reprogram: bool,
        noise: &Noise,
        block: &mut [u8; BLOCK_BYTES],
        start: usize,
        source: &[u8],
    ) -> Option<(Rule, usize)> {
        let mut breach = None;
        let mut weakened = vec![0; source.len()];
        for (index, new) in source.iter().copied().enumerate() {
            let byte = start + index;
            let old = block[byte];
            let broken = self.broken_rule(reprogram, byte, old, new);
            breach = breach.or(broken.map(|rule| (rule, byte)));
            block[byte] &= new;
            if broken == Some(Rule::InterruptedErase) {
                // Cells that were not erased well do not hold what is programmed into them.
                weakened[index] = old & !new;
                block[byte] |= weakened[index];
            }
        }
        self.settle(block);
        let seed = mix(start as u64, source.len() as u64);
        let quiet_until = noise.epoch + 1;
        self.unstable(Unstable { start, masks: weakened, first: Reading::Low, quiet_until, seed });
        breach
    }

    fn broken_rule(&self, reprogram: bool, byte: usize, old: u8, new: u8) -> Option<Rule> {
        if reprogram && new == 0 {
            return None;
        }
        if self.interrupted {
            return (new != 0xFF).then_some(Rule::InterruptedErase);
        }
        let mask = self.mask(byte);
        if (old ^ new) & !mask == 0 && (reprogram || new == 0xFF) {
            return None;
        }
        if old != 0xFF || mask != 0 {
            return Some(Rule::NotErased);
        }
        self.suspects.iter().any(|range| range.contains(&byte)).then_some(Rule::Suspect)
    }

    pub fn hash(&self, hash: &mut TraceHash) {
        for range in &self.suspects {
            hash.number(range.start as u64);
            hash.number(range.end as u64);
        }
        for range in &self.unstable {
            hash.number(range.start as u64);
            hash.bytes(&range.masks);
            hash.number(range.seed);
            hash.number(u64::from(range.quiet_until));
            hash.number(range.first as u64);
        }
        hash.number(u64::from(self.interrupted));
        if let Some((seed, from)) = self.weak {
            hash.number(seed);
            hash.number(u64::from(from));
        }
    }
}
