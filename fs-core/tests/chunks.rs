//! Whole chunks are erased as long as there are some.
#![cfg(feature = "blocking")]
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
#![allow(clippy::cast_possible_truncation, reason = "tests")]

use fs_core::blocking::Volume;
use fs_core::blocking::device::{BlockDevice, RamDevice};
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, EraseSizes, Geometry};
use fs_core::{FormatOptions, Memory, MountOptions};
use std::cell::Cell;

const BLOCK: usize = 4096;
const CHUNK: u64 = 16 * BLOCK as u64;

/// Flash that erases chunks with one command, and counts the blocks that are erased otherwise.
struct Flash<'a> {
    ram: RamDevice<'a>,
    singly: &'a Cell<u64>,
}

impl BlockDevice for Flash<'_> {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        let erase_sizes = EraseSizes::NONE.with(CHUNK as u32);
        Geometry { erase_sizes, ..self.ram.geometry() }
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        self.ram.read(at, target).map_err(|_| ErrorKind::Medium)
    }

    fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        self.ram.program(at, source).map_err(|_| ErrorKind::Medium)
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        let whole = at.0.is_multiple_of(CHUNK) && bytes == CHUNK;
        let singly = if whole { 0 } else { bytes / BLOCK as u64 };
        self.singly.set(self.singly.get() + singly);
        self.ram.erase(at, bytes).map_err(|_| ErrorKind::Medium)
    }

    fn discard(&mut self, _: ByteOffset, _: u64) -> Result<(), ErrorKind> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Once no chunk was found, one was looked for again only when there were many more or fewer free
/// blocks than then. A file that is replaced again and again frees what it takes, so single blocks
/// were erased for ever, though most chunks had come free.
#[test]
fn chunks_that_come_free_are_found_though_as_much_is_taken() {
    let mut bytes = vec![0xFF; 256 * BLOCK];
    let singly = Cell::new(0);
    let mut device = Flash { ram: RamDevice::new(&mut bytes), singly: &singly };
    let mut memory = Memory::<2048, 8, 3>::new();
    Volume::format(&mut device, &mut memory, &FormatOptions::default()).unwrap();
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    // Files of one block, in pairs; then each second one goes, so that no chunk is free.
    let mut count = 0_u32;
    while volume.info().unwrap().free.0 > 40 {
        volume.replace(&format!("/f{count}"), &[count as u8; 4000]).unwrap();
        count += 1;
    }
    for number in (0..count).step_by(2) {
        volume.remove(&format!("/f{number}")).unwrap();
    }
    for number in 0..200_u32 {
        volume.replace("/hot", &[number as u8; 4000]).unwrap();
    }
    // As much goes as comes.
    for number in (1..count).step_by(2) {
        volume.remove(&format!("/f{number}")).unwrap();
        volume.replace(&format!("/f{}", number - 1), &[number as u8; 4000]).unwrap();
    }
    singly.set(0);
    for number in 0..600_u32 {
        volume.replace("/hot", &[number as u8; 4000]).unwrap();
    }
    // 384, and more than 600 when no chunk was looked for again.
    assert!(singly.get() < 450, "{} of 600 blocks were erased by themselves", singly.get());
}
