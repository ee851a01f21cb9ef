//! Numbers, checksums, keys and the hash of names, from sections 3, 8 and 13.

use std::fmt;

/// Bytes that are read from the front.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// A number of `count` bytes, at most 8.
    pub fn number(&mut self, count: usize) -> Option<u64> {
        let bytes = self.take(count)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A number of one byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A number of two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// A number of four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number of six bytes.
    pub fn u48(&mut self) -> Option<u64> {
        self.number(6)
    }

    /// A number of eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

/// CRC-32C in the making.
#[derive(Debug, Clone, Copy)]
pub struct Crc(u32);

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    let mut byte = 0;
    while index < 256 {
        let mut value: u32 = byte;
        let mut bit = 0;
        while bit < 8 {
            // The polynomial 0x1edc6f41, reflected.
            value = if value & 1 == 1 { value >> 1 ^ 0x82F6_3B78 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
        byte += 1;
    }
    table
}

impl Crc {
    /// The checksum of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Goes on with `bytes`.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let step = |sum: u32, byte: &u8| {
            let [low, ..] = (sum ^ u32::from(*byte)).to_le_bytes();
            TABLE[usize::from(low)] ^ sum >> 8
        };
        Self(bytes.iter().fold(self.0, step))
    }

    /// Goes on with a number of four bytes.
    #[must_use]
    pub fn u32(self, number: u32) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    /// Goes on with a number of eight bytes.
    #[must_use]
    pub fn u64(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    /// The checksum.
    #[must_use]
    pub const fn sum(self) -> u32 {
        !self.0
    }
}

impl Default for Crc {
    fn default() -> Self {
        Self::new()
    }
}

/// The key of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Owner of the item.
    pub object: u64,
    /// What the value is.
    pub kind: u8,
    /// Which one of that owner and kind.
    pub offset: u64,
}

impl Key {
    /// Below every key.
    pub const MIN: Self = Self { object: 0, kind: 0, offset: 0 };
    /// Above every key.
    pub const END: Self = Self { object: (1 << 48) - 1, kind: 255, offset: u64::MAX };

    /// The key in the next 15 bytes.
    pub fn decode(bytes: &mut Bytes<'_>) -> Option<Self> {
        Some(Self { object: bytes.u48()?, kind: bytes.u8()?, offset: bytes.u64()? })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::END {
            return f.write_str("the end");
        }
        let kind = match self.kind {
            0 => "-",
            1 => "INODE",
            2 => "DIRENT",
            3 => "INLINE",
            4 => "EXTENT",
            5 => "TAIL",
            6 => "XATTR",
            7 => "SYMLINK",
            8 => "LABEL",
            9 => "GROUP",
            10 => "INTENT",
            11 => "REFCOUNT",
            12 => "SNAPSHOT",
            13 => "PATCH",
            14 => "OWNER",
            other => return write!(f, "({}, kind {other}, {:#x})", self.object, self.offset),
        };
        write!(f, "({}, {kind}, {:#x})", self.object, self.offset)
    }
}

/// The low 55 bits of SipHash-1-3 of a name.
#[must_use]
pub fn name_hash(seed: &[u8; 16], name: &[u8]) -> u64 {
    let mut seed = Bytes(seed);
    let (k0, k1) = (seed.u64().unwrap_or(0), seed.u64().unwrap_or(0));
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let mut words: Vec<u64> = Vec::new();
    let chunks = name.chunks_exact(8);
    let rest = chunks.remainder();
    words.extend(chunks.map(|chunk| Bytes(chunk).u64().unwrap_or(0)));
    let tail = rest.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    words.push(tail | (name.len() as u64) << 56);
    for word in words {
        v[3] ^= word;
        sip_round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    (0..3).for_each(|_| sip_round(&mut v));
    (v[0] ^ v[1] ^ v[2] ^ v[3]) & ((1 << 55) - 1)
}

const fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::{Crc, name_hash};

    #[test]
    fn the_vectors_of_the_specification_come_out() {
        assert_eq!(Crc::new().bytes(b"123456789").sum(), 0xe306_9283);
        assert_eq!(Crc::new().bytes(b"vellum-uuid-0123").sum(), 0xd933_8158);
        let seed = std::array::from_fn(|index| 0x10 + u8::try_from(index).unwrap_or(0));
        assert_eq!(name_hash(&seed, b"log.txt"), 0x7e_7965_3155_a73e);
    }
}
