//! A device whose patience ends.

use fs_core::blocking::device::{BlockDevice, RamDevice};
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, Geometry};

/// Calls of the device after which a run counts as endless: thousands of times what a run on an
/// image that is right needs would still be fewer.
pub const CALLS_MAX: u64 = 2_000_000;

/// Bytes, and how often they were asked for.
#[derive(Debug)]
pub struct Bounded {
    pub bytes: Vec<u8>,
    calls: u64,
}

impl Bounded {
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, calls: 0 }
    }

    fn ram(&mut self) -> RamDevice<'_> {
        self.calls += 1;
        assert!(self.calls < CALLS_MAX, "more than {CALLS_MAX} calls of the device");
        RamDevice::new(&mut self.bytes)
    }
}

impl BlockDevice for Bounded {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        Geometry { size: self.bytes.len() as u64, ..RamDevice::new(&mut []).geometry() }
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        self.ram().read(at, target)
    }

    fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        self.ram().program(at, source)
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        self.ram().erase(at, bytes)
    }

    fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        self.ram().discard(at, bytes)
    }

    fn sync(&mut self) -> Result<(), ErrorKind> {
        self.ram().sync()
    }
}
