//! The sectors of a card over the array of a simulated one, which records and tears them.

use fs_core::blocking::device::BlockDevice;
use fs_core::units::ByteOffset;

use super::store::{Sector, Sectors};
use crate::chip::Nor;
use crate::fault::TearMode;
use crate::rng::mix;

/// Bytes of a sector.
const BYTES: u64 = 512;

/// Sectors that lie in an array with a volatile cache. A write is in the cache when it was
/// accepted, and durable, with all before it, when the card has been busy for long enough. Behind
/// the end of the array sectors read as zeros, and nobody has anything to write.
#[derive(Debug)]
pub(super) struct Array {
    pub nor: Nor,
    /// When everything in the cache is durable, if that is known.
    safe_at: Option<u64>,
}

impl Array {
    pub const fn new(nor: Nor) -> Self {
        Self { nor, safe_at: None }
    }

    fn place(number: u32) -> ByteOffset {
        ByteOffset(u64::from(number) * BYTES)
    }

    fn is_inside(&self, number: u32) -> bool {
        Self::place(number).0 < self.nor.spec().geometry().size
    }
}

impl Sectors for Array {
    fn read(&mut self, number: u32) -> Option<Sector> {
        let mut sector = [0; 512];
        if self.is_inside(number) {
            self.nor.read(Self::place(number), &mut sector).ok()?;
        }
        Some(sector)
    }

    fn announce(&mut self, sectors: std::ops::Range<u32>) {
        let last = self.nor.spec().geometry().size / BYTES;
        let end = u64::from(sectors.end).min(last);
        let bytes = (end * BYTES).saturating_sub(u64::from(sectors.start) * BYTES);
        if bytes > 0 {
            self.nor.announce(Self::place(sectors.start).0, bytes);
        }
    }

    fn write(&mut self, number: u32, block: &Sector, safe_at: Option<u64>) -> bool {
        self.safe_at = safe_at.or(self.safe_at);
        self.is_inside(number) && self.nor.program(Self::place(number), block).is_ok()
    }

    fn erase(&mut self, number: u32, safe_at: u64) -> bool {
        self.write(number, &[0; 512], Some(safe_at))
    }

    fn settle(&mut self, at: u64) {
        self.safe_at = Some(at);
    }

    fn age(&mut self, now: u64) {
        if self.safe_at.is_some_and(|at| at <= now) {
            self.safe_at = None;
            // The array answers errors as a whole: a card without power is not asked.
            let _ = self.nor.sync();
        }
    }

    fn cut(&mut self, now: u64, seed: u64) {
        self.age(now);
        let modes = TearMode::REWRITE;
        let mode = mix(seed, 13) % modes.len() as u64;
        let tear = modes[usize::try_from(mode).expect("small")];
        self.nor.power_off_torn(tear, seed);
    }
}
