//! A name: what a directory entry is called.
//!
//! 1 to 255 bytes (or fewer, see `name_max` of the superblock) without `/` and NUL, neither `.` nor
//! `..`; compared byte for byte.

use crate::error::{Field, Malformed};
use siphasher::sip::SipHasher13;

/// Longest name, in bytes.
pub const BYTES_MAX: usize = 255;

/// Bytes that keep the rules of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// `bytes`, as a name.
    ///
    /// # Errors
    /// The bytes break a rule.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let allowed = !bytes.iter().any(|byte| matches!(byte, 0 | b'/'));
        match bytes {
            b"" | b"." | b".." => Err(Malformed::Field(Field::Name)),
            _ if allowed && bytes.len() <= BYTES_MAX => Ok(Self(bytes)),
            _ => Err(Malformed::Field(Field::Name)),
        }
    }

    /// The bytes of the name.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The hash that places the name in its directory.
    #[must_use]
    pub fn hash(self, seed: &[u8; 16]) -> u64 {
        hash(self.0, seed)
    }
}

/// The hash that places `name` among the items of its object: the low 55 bits of SipHash-1-3.
#[must_use]
pub fn hash(name: &[u8], seed: &[u8; 16]) -> u64 {
    SipHasher13::new_with_key(seed).hash(name) & mask(seed)
}

/// The key (for tests) of a hash of so few bits that names share it.
#[cfg(feature = "mutants")]
#[must_use]
pub const fn short_hashes(bits: u8) -> [u8; 16] {
    let mut seed = *b"shortened hash  ";
    let [.., last] = &mut seed;
    *last = bits;
    seed
}

/// The bits of the hash that count: all 55.
#[cfg(not(feature = "mutants"))]
const fn mask(_: &[u8; 16]) -> u64 {
    u64::MAX >> 9
}

/// The bits of the hash that count: all 55, but for seeds that only [`short_hashes`] makes.
#[cfg(feature = "mutants")]
fn mask(seed: &[u8; 16]) -> u64 {
    match seed {
        [start @ .., bits] if start == b"shortened hash " && *bits <= 55 => !(u64::MAX << bits),
        _ => u64::MAX >> 9,
    }
}

#[cfg(test)]
mod tests {
    use super::Name;
    use crate::error::{Field, Malformed};

    #[test]
    fn keeps_the_rules_of_names() {
        for good in [&b"a"[..], b"...", b".a", b"\xff\x01", &[b'x'; 255]] {
            assert_eq!(Name::new(good).map(Name::as_bytes), Ok(good));
        }
        for bad in [&b""[..], b".", b"..", b"a/b", b"a\0", &[b'x'; 256]] {
            assert_eq!(Name::new(bad), Err(Malformed::Field(Field::Name)));
        }
    }

    #[cfg(feature = "mutants")]
    #[test]
    fn a_hash_can_be_shortened_so_that_names_share_it() {
        let hash = |name, bits| super::hash(name, &super::short_hashes(bits));
        assert_eq!((hash(b"a", 0), hash(b"b", 0)), (0, 0));
        assert!(hash(b"a", 3) < 8 && hash(b"a", 56) > u64::from(u32::MAX));
    }

    #[test]
    fn hashes_to_the_golden_numbers() {
        let seed = [16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31];
        let hash = |name| Name::new(name).expect("a name").hash(&seed);
        assert_eq!(hash(b"log.txt"), 0x7e_7965_3155_a73e);
        assert_eq!(hash(b"a-much-longer-name.bin"), 0x7a_1d7f_d19d_9567);
    }
}
