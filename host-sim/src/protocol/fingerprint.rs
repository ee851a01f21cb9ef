//! 128 bits that stand for a state: of ten million states, no two share them but by a miracle.

use std::hash::{Hash, Hasher};

const LEFT: u64 = 0x9e37_79b9_7f4a_7c15;
const RIGHT: u64 = 0xd6e8_feb8_6659_fd93;

/// Two lanes of folded multiplication.
struct Fingerprint {
    left: u64,
    right: u64,
}

/// The fingerprint of `value`.
pub(super) fn fingerprint(value: &impl Hash) -> u128 {
    let mut lanes = Fingerprint { left: LEFT, right: RIGHT };
    value.hash(&mut lanes);
    u128::from(lanes.left) << 64 | u128::from(lanes.right)
}

fn fold(lane: u64, word: u64, key: u64) -> u64 {
    let product = u128::from(lane ^ word).wrapping_mul(u128::from(key));
    let halves = product.to_le_bytes();
    let [low, high] = [0, 8].map(|at| {
        let mut half = [0; 8];
        half.copy_from_slice(&halves[at..at + 8]);
        u64::from_le_bytes(half)
    });
    (low ^ high).wrapping_add(key.rotate_left(31))
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.left ^ self.right
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.left = fold(self.left, word, LEFT);
        self.right = fold(self.right, word, RIGHT);
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(word.into());
    }

    fn write_u16(&mut self, word: u16) {
        self.write_u64(word.into());
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_i64(word as i64);
    }
}
