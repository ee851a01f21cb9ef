//! What an interrupted command leaves behind.

use std::collections::BTreeSet;

use super::cells::{Reading, Trouble, Unstable};
use super::{BLOCK, Breach, Image, Op, SECTOR, blocks_of, in_memory, pieces};
use crate::fault::TearMode;
use crate::rng::{Rng, mix};

/// Bytes of the allocation unit that is damaged as a whole: small, as the volumes are.
const UNIT: u64 = 0x8000;

impl Image {
    /// Does `op` as it was done, and says which rule it broke first.
    pub fn apply(&mut self, op: &Op) -> Option<Breach> {
        match op {
            Op::Program { at, bytes } => return self.program(*at, bytes),
            Op::Erase { at, bytes } => self.erase(*at, *bytes),
            Op::Sync | Op::LoseCache { .. } | Op::MayErase { .. } => {}
            Op::Torn { op, tear, seed } => self.apply_torn(op, *tear, *seed),
            Op::Suspect { at, bytes } => self.suspect(*at, *bytes),
            Op::Neighbours { at, bytes, seed } => self.damage_neighbours(*at, *bytes, *seed),
            Op::PowerOn => self.power_on(),
        }
        None
    }

    /// Does everything in a recorded log, which began with this image. Unlike [`Image::apply`],
    /// this knows what a volatile cache loses.
    pub fn replay(&mut self, log: &[Op]) {
        let mut durable = self.clone();
        let mut waiting = Vec::new();
        for op in log {
            match op {
                Op::LoseCache { tear, seed } => {
                    durable.lose_cache(&waiting, *tear, *seed);
                    self.clone_from(&durable);
                }
                _ => {
                    self.apply(op);
                }
            }
            if matches!(op, Op::Sync | Op::PowerOn | Op::LoseCache { .. }) {
                durable.clone_from(self);
                waiting.clear();
            } else {
                waiting.push(op.clone());
            }
        }
    }

    /// Begins `op` and is interrupted. Does not switch the power on again: see
    /// [`Image::power_on`].
    pub fn apply_torn(&mut self, op: &Op, tear: TearMode, seed: u64) {
        match op {
            Op::Program { at, bytes } => self.tear_program(*at, bytes, tear, seed),
            Op::Erase { at, bytes } => self.tear_erase(*at, *bytes, tear, seed),
            Op::Sync => {}
            _ => {
                self.apply(op);
            }
        }
    }

    /// Bytes are old, new or garbage; nothing is unstable.
    fn tear_rewrite(&mut self, at: u64, bytes: &[u8], tear: TearMode, seed: u64) {
        let mut rng = Rng::new(mix(seed, 9));
        let old = self.stored(at, bytes.len());
        let border = rng.index(bytes.len());
        let differing: Vec<usize> = (0..old.len()).filter(|at| old[*at] != bytes[*at]).collect();
        let spot = differing.get(rng.index(differing.len())).copied();
        let bit = 1_u8 << rng.below(8);
        let mut left = |index: usize, old: u8, new: u8| match tear {
            TearMode::Prefix | TearMode::EraseHalf if index < border => new,
            TearMode::Suffix if index >= border => new,
            TearMode::RandomSubset if rng.chance(1, 2) => new,
            TearMode::OneBit if spot == Some(index) => old ^ bit,
            TearMode::AllButOneBit if spot == Some(index) => new ^ bit,
            TearMode::Garbage | TearMode::Unreadable => rng.byte(),
            TearMode::AllButOneBit | TearMode::Complete | TearMode::Unstable | TearMode::Decay => {
                new
            }
            _ => old,
        };
        let pairs = old.iter().zip(bytes).enumerate();
        let left: Vec<u8> = pairs.map(|(index, (old, new))| left(index, *old, *new)).collect();
        if tear != TearMode::Nothing {
            self.program(at, &left);
        }
        if tear == TearMode::Unreadable {
            self.lose_sectors(at, bytes.len() as u64);
        }
    }

    fn tear_program(&mut self, at: u64, bytes: &[u8], tear: TearMode, seed: u64) {
        if self.rewrites {
            return self.tear_rewrite(at, bytes, tear, seed);
        }
        let quiet_until = self.quiet_until(tear, seed);
        let tear = match tear {
            TearMode::EraseHalf => TearMode::Prefix,
            TearMode::EraseWeak | TearMode::Decay => TearMode::Unstable,
            TearMode::Unreadable => TearMode::Garbage,
            other => other,
        };
        let old = self.stored(at, bytes.len());
        let falling: Vec<u8> = old.iter().zip(bytes).map(|(old, new)| old & !new).collect();
        match tear {
            TearMode::Unstable | TearMode::UnstableOld | TearMode::UnstableMix => {
                let low = tear == TearMode::Unstable;
                let first = if low { Reading::Low } else { Reading::High };
                for (number, start, piece) in pieces(at, bytes.len()) {
                    let masks = falling[piece].to_vec();
                    let range = Unstable { start, masks, first, quiet_until, seed };
                    self.trouble_of(number).unstable(range);
                }
            }
            TearMode::Garbage => {
                let left = garbage(&old, bytes, seed);
                self.store(at, &left);
            }
            _ => {
                let changed = subset(&falling, tear, seed);
                let left: Vec<u8> =
                    old.iter().zip(changed).map(|(old, bits)| old & !bits).collect();
                self.store(at, &left);
            }
        }
        self.suspect(at, bytes.len() as u64);
    }

    fn tear_erase(&mut self, at: u64, bytes: u64, tear: TearMode, seed: u64) {
        let length = in_memory(bytes);
        let quiet_until = self.quiet_until(tear, seed);
        let tear = if tear == TearMode::Decay { TearMode::Unstable } else { tear };
        let old = self.stored(at, length);
        let rising: Vec<u8> = old.iter().map(|old| !old).collect();
        for number in blocks_of(at, bytes) {
            let trouble = self.trouble_of(number);
            if matches!(tear, TearMode::EraseWeak | TearMode::Complete) {
                *trouble = Trouble::default();
            }
            trouble.interrupted = true;
        }
        let left = match tear {
            TearMode::Unstable | TearMode::UnstableOld | TearMode::UnstableMix => {
                let high = tear == TearMode::Unstable;
                let first = if high { Reading::High } else { Reading::Low };
                for (number, start, piece) in pieces(at, length) {
                    let masks = rising[piece].to_vec();
                    let range = Unstable { start, masks, first, quiet_until, seed };
                    self.trouble_of(number).unstable(range);
                }
                vec![0xFF; length]
            }
            TearMode::EraseWeak => {
                for number in blocks_of(at, bytes) {
                    self.trouble_of(number).weak = Some((mix(seed, 3), quiet_until));
                }
                vec![0xFF; length]
            }
            TearMode::Garbage => {
                // Some chips program everything to zero before they erase.
                let mut rng = Rng::new(mix(seed, 4));
                old.iter().map(|old| (old & rng.byte()) | rng.byte()).collect()
            }
            _ => {
                let changed = subset(&rising, tear, seed);
                old.iter().zip(changed).map(|(old, bits)| old | bits).collect()
            }
        };
        self.store(at, &left);
    }

    /// Lowers a few bits of what is programmed in the blocks around a command (F5).
    pub fn damage_neighbours(&mut self, at: u64, bytes: u64, seed: u64) {
        if self.rewrites {
            return self.damage_unit(at, bytes, seed, true);
        }
        let mut rng = Rng::new(mix(seed, 5));
        let first = at / BLOCK * BLOCK;
        let length = (at + bytes).div_ceil(BLOCK) * BLOCK - first;
        let length = in_memory(length);
        let mut left = self.stored(first, length);
        let own = at - first..at - first + bytes;
        let candidates: Vec<usize> = (0..length)
            .filter(|byte| !own.contains(&(*byte as u64)) && !matches!(left[*byte], 0 | 0xFF))
            .collect();
        for _ in 0..=rng.below(4) {
            if let Some(byte) = candidates.get(rng.index(candidates.len())) {
                left[*byte] &= rng.byte();
            }
        }
        self.store(first, &left);
    }

    /// Destroys up to eight sectors of the allocation unit around a write (F12): some cannot be
    /// read, and, if `silently`, some hold garbage.
    pub fn damage_unit(&mut self, at: u64, bytes: u64, seed: u64, silently: bool) {
        let mut rng = Rng::new(mix(seed, 5));
        let first = at / UNIT * UNIT;
        let sectors = (self.size().min(first + UNIT) - first) / SECTOR;
        let own = at / SECTOR..(at + bytes).div_ceil(SECTOR);
        for _ in 0..=rng.below(8) {
            let sector = first / SECTOR + rng.below(sectors.max(1));
            if own.contains(&sector) {
                continue;
            }
            if rng.chance(1, 2) || !silently {
                self.lose_sectors(sector * SECTOR, SECTOR);
            } else {
                let mut garbage = [0; 512];
                rng.fill(&mut garbage);
                self.program(sector * SECTOR, &garbage);
            }
        }
    }

    /// Loses a volatile cache: of `ops`, which the cache took since the last flush, any subset
    /// was carried out, one of them torn by `tear`. A program stays behind an erase of its block.
    pub fn lose_cache(&mut self, ops: &[Op], tear: TearMode, seed: u64) {
        let mut rng = Rng::new(mix(seed, 6));
        let share = rng.below(5);
        let kept: Vec<bool> = ops.iter().map(|_| rng.chance(share, 4)).collect();
        let torn = rng.index(ops.len());
        let mut waiting = BTreeSet::new();
        for (index, op) in ops.iter().enumerate() {
            let (at, bytes) = op.range();
            if matches!(op, Op::MayErase { .. }) {
                if kept[index] {
                    self.erase_some(at, bytes, mix(seed, index as u64));
                }
                continue;
            }
            let blocks = at / BLOCK..(at + bytes).div_ceil(BLOCK);
            let erases = matches!(op, Op::Erase { .. });
            let behind = !erases && blocks.clone().any(|block| waiting.contains(&block));
            if kept[index] && index != torn && !behind {
                self.apply(op);
                if erases {
                    waiting.retain(|block| !blocks.contains(block));
                }
                continue;
            }
            if index == torn && !behind {
                self.apply_torn(op, tear, mix(seed, 7));
            } else {
                self.suspect(at, bytes);
            }
            if erases {
                waiting.extend(blocks);
            }
        }
    }

    /// Some of the sectors of a range read as zeros.
    fn erase_some(&mut self, at: u64, bytes: u64, seed: u64) {
        let mut rng = Rng::new(mix(seed, 10));
        for sector in at / SECTOR..(at + bytes) / SECTOR {
            if rng.chance(1, 2) {
                self.program(sector * SECTOR, &[0; 512]);
            }
        }
    }

    /// The epoch from which torn cells are noisy: the power must come back first, and once more.
    fn quiet_until(&self, tear: TearMode, seed: u64) -> u32 {
        match tear {
            TearMode::UnstableMix => 0,
            TearMode::Decay => self.noise.epoch + 3 + u32::from(mix(seed, 8).to_le_bytes()[0] % 4),
            _ => self.noise.epoch + 2,
        }
    }

    /// The bits as the cells hold them; unstable ones are one.
    fn stored(&self, at: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![self.blocks.fill(); length];
        for (number, within, piece) in pieces(at, length) {
            if let Some(block) = self.blocks.get(number) {
                let count = piece.len();
                bytes[piece].copy_from_slice(&block[within..within + count]);
            }
        }
        bytes
    }

    fn store(&mut self, at: u64, left: &[u8]) {
        self.set_bytes(at, left);
        let first = at / BLOCK * BLOCK;
        let end = (at + left.len() as u64).next_multiple_of(BLOCK);
        for number in blocks_of(first, end - first) {
            if let Some(trouble) = self.trouble.get_mut(&number) {
                std::sync::Arc::make_mut(trouble).settle(self.blocks.get_mut(number));
            }
        }
    }
}

/// Which of the bits that had to change have changed.
fn subset(changing: &[u8], tear: TearMode, seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(mix(seed, 1));
    let length = changing.len();
    match tear {
        TearMode::Prefix | TearMode::EraseHalf | TearMode::Suffix => {
            let border = rng.index(length);
            let partial = changing.get(border).map_or(0, |bits| bits & rng.byte());
            let done = |index: usize| (index < border) != (tear == TearMode::Suffix);
            let bits = |(index, bits): (usize, &u8)| match index {
                index if index == border => partial,
                index if done(index) => *bits,
                _ => 0,
            };
            changing.iter().enumerate().map(bits).collect()
        }
        TearMode::RandomSubset if rng.chance(1, 2) => {
            changing.iter().map(|bits| if rng.chance(1, 2) { *bits } else { 0 }).collect()
        }
        TearMode::RandomSubset => changing.iter().map(|bits| bits & rng.byte()).collect(),
        TearMode::OneBit => one_bit(changing, &mut rng),
        TearMode::AllButOneBit => {
            let spared = one_bit(changing, &mut rng);
            changing.iter().zip(spared).map(|(bits, spared)| bits & !spared).collect()
        }
        TearMode::Complete => changing.to_vec(),
        _ => vec![0; length],
    }
}

fn one_bit(changing: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut chosen = vec![0; changing.len()];
    let count = changing.iter().map(|bits| bits.count_ones() as usize).sum();
    let set = |bit: &usize| changing[bit / 8] & (1 << (bit % 8)) != 0;
    if let Some(bit) = (0..changing.len() * 8).filter(set).nth(rng.index(count)) {
        chosen[bit / 8] = 1 << (bit % 8);
    }
    chosen
}

/// Bits fall anywhere in the bytes that had to change, at least one of them where the target has
/// a one. A byte programmed with what it holds gets no pulse.
fn garbage(old: &[u8], new: &[u8], seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(mix(seed, 2));
    let pulsed = |old: u8, new: u8| old & !new != 0;
    let mut left: Vec<u8> = old
        .iter()
        .zip(new)
        .map(|(old, new)| if pulsed(*old, *new) { old & rng.byte() } else { *old })
        .collect();
    let harmed = old.iter().zip(new).zip(&left).any(|((old, new), left)| old & new & !left != 0);
    let spot = old.iter().zip(new).position(|(old, new)| pulsed(*old, *new) && old & new != 0);
    if let Some(spot) = spot.filter(|_| !harmed) {
        left[spot] &= !(old[spot] & new[spot]);
    }
    left
}
