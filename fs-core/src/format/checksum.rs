//! CRC-32C, and what it is seeded with.
//!
//! Every checksum on the medium is CRC-32C (polynomial 0x1EDC6F41 reflected, start and final
//! inversion; the check value of `123456789` is 0xe3069283). It covers everything of its structure
//! but itself, after a *seed*: what the reader must know already, so that a structure is valid only
//! in its place. The seed of a volume is the checksum of its uuid.

use crc::{CRC_32_ISCSI, Crc, Digest, Table};

/// One table of 1 KiB: the smallest that is still fast on a Cortex-M0+.
#[cfg(not(target_pointer_width = "64"))]
type Tables = Table<1>;
/// Sixteen tables: a simulator spends half its time here.
#[cfg(target_pointer_width = "64")]
type Tables = Table<16>;

static CRC: Crc<u32, Tables> = Crc::<u32, Tables>::new(&CRC_32_ISCSI);

/// What binds every structure to its volume: the checksum of the uuid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VolumeSeed(u32);

impl VolumeSeed {
    /// The seed of the volume of that uuid.
    #[must_use]
    pub fn of(uuid: &[u8; 16]) -> Self {
        Self(Checksum::new().bytes(uuid).finish())
    }
}

/// A CRC-32C in the making.
#[must_use]
pub struct Checksum(Digest<'static, u32, Tables>);

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

impl Checksum {
    /// The checksum of nothing.
    pub fn new() -> Self {
        Self(CRC.digest())
    }

    /// The checksum of something that belongs to `volume`.
    pub fn of_volume(volume: VolumeSeed) -> Self {
        Self::new().u32(volume.0)
    }

    /// Goes on with `bytes`.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// Goes on with one byte.
    pub fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    /// Goes on with two bytes.
    pub fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Goes on with four bytes.
    pub fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Goes on with eight bytes.
    pub fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// The checksum of everything so far.
    #[must_use]
    pub fn finish(self) -> u32 {
        self.0.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::{Checksum, VolumeSeed};

    #[test]
    fn is_crc_32c() {
        assert_eq!(Checksum::new().bytes(b"123456789").finish(), 0xe306_9283);
    }

    #[test]
    fn is_the_same_in_pieces() {
        let whole = Checksum::new().bytes(&[1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]).finish();
        assert_eq!(Checksum::default().u8(1).u16(2).u32(3).u64(4).finish(), whole);
    }

    #[test]
    fn a_volume_seed_starts_the_checksum() {
        let uuid = *b"vellum-uuid-0123";
        let expected = Checksum::new().u32(0xd933_8158).u8(9).finish();
        assert_eq!(Checksum::of_volume(VolumeSeed::of(&uuid)).u8(9).finish(), expected);
    }
}
