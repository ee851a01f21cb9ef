//! What the tests of every structure need.

use std::vec::Vec;

/// The bytes of a structure from rows of field and content in hex; `00*8` is eight zeros.
pub(super) fn golden<const N: usize>(rows: &[(&str, &str)]) -> [u8; N] {
    let bytes: Vec<u8> = rows.iter().flat_map(|(_, text)| hex(text)).collect();
    bytes.try_into().unwrap_or_else(|bytes: Vec<u8>| panic!("{} bytes, not {N}", bytes.len()))
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    if let Some((byte, count)) = text.split_once('*') {
        return hex(byte).repeat(count.parse().expect("a count"));
    }
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).expect("hex") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The number and the outcome of each flip of one bit.
pub(super) fn flips<const N: usize>(bytes: [u8; N]) -> impl Iterator<Item = (usize, [u8; N])> {
    (0..N * 8).map(move |bit| {
        let mut flipped = bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit, flipped)
    })
}

/// Random numbers (xorshift64*), the same for the same seed.
pub(super) struct Noise(u64);

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.number() >> 32) as usize % bound
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        core::array::from_fn(|_| self.number() as u8)
    }

    /// `bytes`, with up to four of them replaced; or something else altogether.
    pub(super) fn damaged<const N: usize>(&mut self, bytes: [u8; N]) -> [u8; N] {
        if self.below(4) == 0 {
            return self.bytes();
        }
        let mut damaged = bytes;
        for _ in 0..=self.below(4) {
            damaged[self.below(N)] = match self.below(3) {
                0 => 0,
                1 => 0xff,
                _ => self.number() as u8,
            };
        }
        damaged
    }
}

/// Shows that damaged bytes neither panic nor decode to what would be written in another way.
pub(super) fn survives_damage<const N: usize>(
    bytes: [u8; N],
    decode_and_encode: impl Fn(&[u8; N]) -> Option<[u8; N]>,
) {
    let mut noise = Noise::new(N as u64);
    let mut decoded = 0;
    for _ in 0..20_000 {
        let damaged = noise.damaged(bytes);
        if let Some(again) = decode_and_encode(&damaged) {
            assert_eq!(again, damaged);
            decoded += 1;
        }
    }
    assert!(decoded < 20_000, "nothing is ever refused");
}
