//! A flash that fails the test when it is asked for anything a real one would refuse.
#![allow(clippy::arithmetic_side_effects, reason = "a test, not firmware")]
#![allow(clippy::unit_arg, reason = "in the blocking colour a test has run when it is finished")]

use super::super::nor_flash::{ErrorType, NorFlashErrorKind, ReadNorFlash};
use super::super::{colour, finish};
use super::{BlockDevice, MultiwriteNorFlash, NorDevice, NorFlash};
use crate::error::NorError;
use fs_core::error::{DeviceError, ErrorKind};
use fs_core::units::{ByteOffset, Guarantees};
use std::vec::Vec;

const ERASE: usize = 64;
const CAPACITY: usize = 4 * ERASE;

/// What reached the flash: the name of the operation, and the range.
type Call = (&'static str, usize, usize);

struct Flash<const READ: usize, const WRITE: usize> {
    bytes: [u8; CAPACITY],
    calls: Vec<Call>,
    /// What the driver claims as its capacity.
    capacity: usize,
    broken: bool,
}

impl<const READ: usize, const WRITE: usize> Flash<READ, WRITE> {
    fn counting() -> Self {
        let bytes = core::array::from_fn(|at| u8::try_from(at).unwrap());
        Self { bytes, calls: Vec::new(), capacity: CAPACITY, broken: false }
    }

    fn call(
        &mut self,
        name: &'static str,
        from: u32,
        to: usize,
        unit: usize,
    ) -> Result<&mut [u8], NorFlashErrorKind> {
        let from = from as usize;
        assert!(from < to && to <= CAPACITY, "{name} {from}..{to} leaves the flash");
        assert!(
            from.is_multiple_of(unit) && to.is_multiple_of(unit),
            "{name} {from}..{to} is not aligned"
        );
        self.calls.push((name, from, to));
        if self.broken { Err(NorFlashErrorKind::Other) } else { Ok(&mut self.bytes[from..to]) }
    }
}

impl<const READ: usize, const WRITE: usize> ErrorType for Flash<READ, WRITE> {
    type Error = NorFlashErrorKind;
}

#[colour]
impl<const READ: usize, const WRITE: usize> ReadNorFlash for Flash<READ, WRITE> {
    const READ_SIZE: usize = READ;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        let end = offset as usize + bytes.len();
        bytes.copy_from_slice(self.call("read", offset, end, READ)?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.capacity
    }
}

#[colour]
impl<const READ: usize, const WRITE: usize> NorFlash for Flash<READ, WRITE> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.call("erase", from, to as usize, ERASE)?.fill(0xFF);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let cells = self.call("write", offset, offset as usize + bytes.len(), WRITE)?;
        cells.iter_mut().zip(bytes).for_each(|(cell, byte)| *cell &= byte);
        Ok(())
    }
}

impl<const READ: usize, const WRITE: usize> MultiwriteNorFlash for Flash<READ, WRITE> {}

#[colour]
#[test]
fn reads_of_any_range_arrive_aligned_and_complete() {
    finish(async {
        let mut device = NorDevice::new(Flash::<8, 4>::counting());
        for at in 0..24 {
            for length in 0..=40 {
                let mut target = [0xAA; 40];
                let place = ByteOffset(at as u64);
                device.read(place, &mut target[..length]).await.unwrap();
                let wanted = (at..at + length).map(|byte| u8::try_from(byte).unwrap());
                assert!(target[..length].iter().copied().eq(wanted), "{length} bytes from {at}");
                assert!(target[length..].iter().all(|byte| *byte == 0xAA));
            }
        }
        let most = device.flash.calls.iter().map(|(_, from, to)| to - from).max();
        assert_eq!(most, Some(40), "what is aligned goes to the target in one piece");
    });
}

#[colour]
#[test]
fn a_byte_reader_is_asked_once_for_each_read() {
    finish(async {
        let mut device = NorDevice::new(Flash::<1, 1>::counting());
        let mut target = [0; 7];
        device.read(ByteOffset(3), &mut target).await.unwrap();
        assert_eq!(target, [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(device.into_inner().calls, [("read", 3, 10)]);
    });
}

#[colour]
#[test]
fn unaligned_programs_and_erases_never_reach_the_flash() {
    finish(async {
        let mut device = NorDevice::new(Flash::<1, 4>::counting());
        for (at, length) in [(2, 4), (4, 3), (1, 1), (63, 2)] {
            let refused = device.program(ByteOffset(at), &[0; 4][..length]).await;
            assert_eq!(refused, Err(NorError::NotAligned), "{length} bytes at {at}");
        }
        for (at, length) in [(4, 64), (64, 4), (32, 32), (0, 96)] {
            let refused = device.erase(ByteOffset(at), length).await;
            assert_eq!(refused, Err(NorError::NotAligned), "{length} bytes at {at}");
        }
        assert_eq!(device.into_inner().calls, []);
    });
}

#[colour]
#[test]
fn nothing_beyond_the_end_reaches_the_flash() {
    finish(async {
        let mut device = NorDevice::new(Flash::<4, 4>::counting());
        for at in [253, 256, 1 << 20, 1 << 32, u64::MAX] {
            let at = ByteOffset(at);
            assert_eq!(device.read(at, &mut [0; 4]).await, Err(NorError::OutOfBounds));
            assert_eq!(device.program(at, &[0; 4]).await, Err(NorError::OutOfBounds));
            assert_eq!(device.erase(at, 64).await, Err(NorError::OutOfBounds));
            assert_eq!(device.discard(at, 64).await, Err(NorError::OutOfBounds));
        }
        assert_eq!(device.erase(ByteOffset(0), u64::MAX).await, Err(NorError::OutOfBounds));
        assert_eq!(device.into_inner().calls, []);
    });
}

#[colour]
#[test]
fn programs_and_erases_arrive_unchanged() {
    finish(async {
        let mut device = NorDevice::new(Flash::<1, 4>::counting());
        device.erase(ByteOffset(64), 128).await.unwrap();
        device.program(ByteOffset(68), &[0xF0; 8]).await.unwrap();
        device.program(ByteOffset(68), &[0x0F; 4]).await.unwrap();
        device.program(ByteOffset(68), &[]).await.unwrap();
        device.erase(ByteOffset(0), 0).await.unwrap();
        device.discard(ByteOffset(0), 256).await.unwrap();
        device.sync().await.unwrap();
        let mut target = [0; 12];
        device.read(ByteOffset(66), &mut target).await.unwrap();
        let wanted = [0xFF, 0xFF, 0, 0, 0, 0, 0xF0, 0xF0, 0xF0, 0xF0, 0xFF, 0xFF];
        assert_eq!(target, wanted);
        let wanted = [("erase", 64, 192), ("write", 68, 76), ("write", 68, 72), ("read", 66, 78)];
        assert_eq!(device.into_inner().calls, wanted);
    });
}

#[colour]
#[test]
fn failures_say_which_operation_failed() {
    finish(async {
        let mut device = NorDevice::new(Flash::<1, 1> { broken: true, ..Flash::counting() });
        let read = device.read(ByteOffset(0), &mut [0]).await.unwrap_err();
        let program = device.program(ByteOffset(0), &[0]).await.unwrap_err();
        let erase = device.erase(ByteOffset(0), 64).await.unwrap_err();
        let kinds = [read.kind(), program.kind(), erase.kind()];
        assert_eq!(kinds, [ErrorKind::Transport, ErrorKind::Medium, ErrorKind::Medium]);
    });
}

#[test]
fn the_constructor_decides_about_a_second_program() {
    let again = Guarantees::REPROGRAM_ZERO_BITS;
    let guarantees = |device: &NorDevice<Flash<1, 4>>| device.geometry().guarantees;
    assert!(guarantees(&NorDevice::new(Flash::counting())).contains(again));
    assert!(guarantees(&NorDevice::assume_multiwrite(Flash::counting())).contains(again));
    let once = guarantees(&NorDevice::once(Flash::counting()));
    assert_eq!(once, Guarantees::NEEDS_ERASE | Guarantees::POWERSAFE_NEIGHBOURS);
}

#[test]
fn the_geometry_is_the_flash_in_whole_erase_units() {
    let flash = Flash::<8, 4> { capacity: CAPACITY - 1, ..Flash::counting() };
    let geometry = NorDevice::new(flash).geometry();
    assert_eq!((geometry.size, geometry.erase_unit), (192, 64));
    assert_eq!((geometry.read_unit, geometry.program_unit), (1, 4));
}

#[test]
fn a_flash_beyond_32_bits_has_no_size() {
    for (capacity, size) in [(u32::MAX as usize, 0xFFFF_FFC0), (1 << 32, 0), (1 << 33, 0)] {
        let flash = Flash::<1, 1> { capacity, ..Flash::counting() };
        assert_eq!(NorDevice::new(flash).geometry().size, size, "{capacity} bytes");
    }
}
