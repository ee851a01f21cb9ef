//! Seeded numbers that are the same on every machine.

/// Mixes two numbers into one that looks random (the finisher of `SplitMix64`).
#[must_use]
pub const fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.rotate_left(23) ^ b.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A `SplitMix64` generator.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The generator of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0, 0)
    }

    /// The next byte.
    pub const fn byte(&mut self) -> u8 {
        self.next_u64().to_le_bytes()[0]
    }

    /// A number below `bound`; 0 if the bound is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }

    /// An index below `bound`; 0 if the bound is 0.
    #[expect(clippy::cast_possible_truncation, reason = "less than the bound, which is a usize")]
    pub const fn index(&mut self, bound: usize) -> usize {
        self.below(bound as u64) as usize
    }

    /// Yes, `numerator` times of `denominator`.
    pub const fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    /// Fills `target`.
    pub fn fill(&mut self, target: &mut [u8]) {
        for chunk in target.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A running 64-bit hash of what happened: equal runs have equal hashes, in every build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceHash(u64);

impl Default for TraceHash {
    fn default() -> Self {
        Self(0x5665_6C6C_756D_0001)
    }
}

/// Up to eight bytes as a number.
fn word_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

impl TraceHash {
    /// Takes in a number.
    pub const fn number(&mut self, value: u64) {
        self.0 = mix(self.0, value);
    }

    /// Takes in bytes and how many they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let wide = bytes.chunks_exact(32);
        let rest = wide.remainder();
        if rest.len() < bytes.len() {
            // Four lanes at once: a simulator hashes everything that it reads.
            let mut lanes = [self.0, 1, 2, 3];
            for words in wide {
                for (lane, word) in lanes.iter_mut().zip(words.chunks_exact(8)) {
                    let mixed = (*lane ^ word_of(word)).wrapping_mul(ODD);
                    *lane = mixed ^ (mixed >> 29);
                }
            }
            for lane in lanes {
                self.number(lane);
            }
        }
        for chunk in rest.chunks(8) {
            self.number(word_of(chunk));
        }
    }

    /// The hash of everything so far.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }
}
