//! Which devices can hold a volume, and what the others are told.
#![cfg(feature = "blocking")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests")]

use fs_core::blocking::Volume;
use fs_core::blocking::device::{BlockDevice, Either, Inverted, Partition};
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};
use fs_core::{Error, FormatOptions, Memory, MountOptions, Result};

type Lent = Memory<2048, 8, 2>;

const FLASH: Guarantees = Guarantees::NEEDS_ERASE.union(Guarantees::POWERSAFE_NEIGHBOURS);
const AGAIN: Guarantees = FLASH.union(Guarantees::REPROGRAM_ZERO_BITS);

/// Flash cells: a program moves bits away from `erased` only, and only where the guarantees say.
struct Cells {
    bytes: Vec<u8>,
    geometry: Geometry,
    erased: u8,
    programs: usize,
}

impl Cells {
    fn new(blocks: u64, erase_unit: u32, program_unit: u32, guarantees: Guarantees) -> Self {
        let size = blocks * u64::from(erase_unit);
        let geometry = Geometry {
            size,
            read_unit: 1,
            program_unit,
            erase_unit,
            erase_sizes: EraseSizes::NONE,
            dma_alignment: 1,
            guarantees,
        };
        Self { bytes: vec![0x5A; size as usize], geometry, erased: 0xFF, programs: 0 }
    }

    /// The same, and erased bytes are zero.
    fn zeroed(self) -> Self {
        Self { erased: 0, ..self }
    }

    fn range(at: ByteOffset, bytes: usize, unit: u32) -> core::ops::Range<usize> {
        assert!(at.0.is_multiple_of(unit.into()) && bytes.is_multiple_of(unit as usize));
        at.0 as usize..at.0 as usize + bytes
    }
}

impl BlockDevice for Cells {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> core::result::Result<(), ErrorKind> {
        target.copy_from_slice(&self.bytes[Self::range(at, target.len(), 1)]);
        Ok(())
    }

    fn program(&mut self, at: ByteOffset, source: &[u8]) -> core::result::Result<(), ErrorKind> {
        self.programs += 1;
        let again = self.geometry.guarantees.contains(Guarantees::REPROGRAM_ZERO_BITS);
        let range = Self::range(at, source.len(), self.geometry.program_unit);
        for (cell, new) in self.bytes[range].iter_mut().zip(source) {
            assert!(again || *cell == self.erased, "programmed twice");
            let moved = (*cell ^ self.erased) | (new ^ self.erased);
            *cell = moved ^ self.erased;
        }
        Ok(())
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> core::result::Result<(), ErrorKind> {
        let range = Self::range(at, bytes as usize, self.geometry.erase_unit);
        self.bytes[range].fill(self.erased);
        Ok(())
    }

    fn discard(&mut self, _: ByteOffset, _: u64) -> core::result::Result<(), ErrorKind> {
        Ok(())
    }

    fn sync(&mut self) -> core::result::Result<(), ErrorKind> {
        Ok(())
    }
}

fn format<D: BlockDevice>(device: &mut D) -> Result<()> {
    Volume::format(device, &mut Lent::new(), &FormatOptions::default())
}

fn mount<D: BlockDevice>(device: &mut D, read_only: bool) -> Result<()> {
    let options = MountOptions { read_only, ..MountOptions::default() };
    Volume::mount(device, &mut Lent::new(), options)?.stat("/").map(|_| ())
}

/// Formats, writes, mounts again and reads.
fn keeps_files<D: BlockDevice>(device: &mut D) -> Result<()> {
    let content = |number: usize| format!("content {number} ").repeat(30);
    format(device)?;
    for session in 0..3 {
        let mut memory = Lent::new();
        let volume = Volume::mount(device, &mut memory, MountOptions::default())?;
        for number in 0..300 {
            volume.replace(&format!("/file{}", number % 4), content(number).as_bytes())?;
        }
        let mut found = [0; 1000];
        let length = volume.read_file("/file3", &mut found)?;
        assert_eq!(&found[..length], content(299).as_bytes(), "session {session}");
        volume.check()?;
        if session == 1 {
            volume.unmount()?;
        }
    }
    Ok(())
}

#[test]
fn blocks_of_2_to_64_kib_hold_a_volume() {
    for erase_unit in [256, 2048, 4096, 8192, 16_384, 32_768, 65_536] {
        let blocks = if erase_unit < 2048 { 20 * 4096 / u64::from(erase_unit) } else { 20 };
        for program_unit in [1, 8, 64] {
            let mut device = Cells::new(blocks, erase_unit, program_unit, AGAIN);
            assert_eq!(keeps_files(&mut device), Ok(()), "{erase_unit}, {program_unit}");
        }
    }
}

#[test]
fn larger_blocks_and_larger_programs_of_flash_are_refused_untouched() {
    for (erase_unit, program_unit) in [(0x2_0000, 1), (0x4_0000, 1), (4096, 128), (4096, 512)] {
        let mut device = Cells::new(16, erase_unit, program_unit, AGAIN);
        assert_eq!(format(&mut device), Err(Error::Geometry), "{erase_unit}, {program_unit}");
        assert_eq!(mount(&mut device, false), Err(Error::Geometry));
        assert!(device.programs == 0 && device.bytes.iter().all(|byte| *byte == 0x5A));
    }
}

/// Flash whose words are programmed once: settling has no safe rule there (`docs/design.md`).
#[test]
fn flash_that_takes_no_byte_twice_is_refused_untouched() {
    let mut device = Cells::new(20, 4096, 8, FLASH);
    assert_eq!(format(&mut device), Err(Error::NotSupported));
    let mut part = Partition::new(&mut device, ByteOffset(4096), 16 * 4096).expect("inside");
    assert_eq!(format(&mut part), Err(Error::NotSupported));
    let mut turned = Inverted::new(&mut device).expect("small units");
    assert_eq!(format(&mut turned), Err(Error::NotSupported));
    let mut either = Either::<&mut Cells, &mut Cells>::Left(&mut device);
    assert_eq!(format(&mut either), Err(Error::NotSupported));
    assert!(device.programs == 0 && device.bytes.iter().all(|byte| *byte == 0x5A));
}

/// A volume that was put there by a tool can be read, and is not written to.
#[test]
fn a_volume_on_flash_that_takes_no_byte_twice_is_mounted_for_reading_only() {
    for clean in [true, false] {
        let mut device = Cells::new(20, 4096, 8, AGAIN);
        assert_eq!(format(&mut device), Ok(()));
        let mut memory = Lent::new();
        let options = MountOptions::default();
        let volume = Volume::mount(&mut device, &mut memory, options).expect("a volume");
        volume.replace("/kept", b"from elsewhere").expect("room");
        if clean {
            volume.unmount().expect("parked");
        }
        device.geometry.guarantees = FLASH;
        device.programs = 0;
        assert_eq!(mount(&mut device, false), Err(Error::NotSupported));
        let mut memory = Lent::new();
        let options = MountOptions { read_only: true, ..options };
        let volume = Volume::mount(&mut device, &mut memory, options).expect("for reading");
        assert_eq!(volume.read_file("/kept", &mut [0; 20]), Ok(14));
        assert_eq!(volume.replace("/kept", b"no"), Err(Error::ReadOnly));
        assert_eq!(device.programs, 0, "clean: {clean}");
    }
}

/// Without the wrapper a format reported success, and the mount after it `NotFormatted`.
#[test]
fn flash_that_erases_to_zero_holds_a_volume_when_inverted_and_is_refused_bare() {
    let mut device = Cells::new(20, 2048, 4, AGAIN).zeroed();
    assert_eq!(format(&mut device), Err(Error::NotSupported));
    assert_eq!(device.programs, 1, "the strike of what was there");
    let mut device = Cells::new(40, 2048, 4, AGAIN).zeroed();
    let mut turned = Inverted::new(&mut device).expect("small units");
    assert_eq!(keeps_files(&mut turned), Ok(()));
    assert_eq!(format(&mut turned), Ok(()));
    let magic: Vec<u8> = device.bytes[1..7].iter().map(|byte| !byte).collect();
    assert_eq!(magic, b"VELLUM");
    assert!(device.bytes[39 * 2048 + 1024..].iter().all(|byte| *byte == 0), "erased, not used");
    assert_eq!(mount(&mut device, false), Err(Error::NotFormatted));
}

#[test]
fn a_program_that_an_inverted_device_refuses_does_nothing() {
    let mut device = Cells::new(16, 4096, 8, AGAIN).zeroed();
    let mut turned = Inverted::new(&mut device).expect("small units");
    let wrong = [(0, 66), (4, 64), (16 * 4096 - 64, 128)];
    for (at, bytes) in wrong {
        assert!(turned.program(ByteOffset(at), &vec![1; bytes]).is_err(), "{at}, {bytes}");
    }
    assert_eq!(device.programs, 0);
    assert!(Inverted::new(Cells::new(16, 4096, 128, AGAIN)).is_none());
}
