//! Wear: counted, kept, and levelled where most of a volume lies still.
#![cfg(all(feature = "blocking", feature = "level"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests")]
#![allow(clippy::cast_precision_loss, reason = "tests")]

use fs_core::blocking::Volume;
use fs_core::blocking::device::BlockDevice;
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};
use fs_core::{FormatOptions, Memory, MountOptions, OpenOptions};
use std::cell::RefCell;
use std::rc::Rc;

type Lent = Memory<2048, 8, 3>;
const BLOCK: usize = 4096;
const CHUNK: usize = 16 * BLOCK;

/// NOR flash: bits only fall, and every erase is counted.
struct Chip {
    bytes: Vec<u8>,
    wear: Vec<u32>,
    /// What serial flash takes for it all, in microseconds.
    time: f64,
    chunks: bool,
    /// Blocks that were not erased with a whole chunk.
    singly: usize,
}

#[derive(Clone)]
struct Flash(Rc<RefCell<Chip>>);

impl Flash {
    fn new(blocks: usize, chunks: bool) -> Self {
        let (bytes, wear) = (vec![0xFF; blocks * BLOCK], vec![0; blocks]);
        let flash = Self(Rc::new(RefCell::new(Chip { bytes, wear, time: 0.0, chunks, singly: 0 })));
        Volume::format(&mut flash.clone(), &mut Lent::new(), &FormatOptions::default()).unwrap();
        flash
    }

    /// The most and the mean erases of a block, but for the two anchor blocks.
    fn wear(&self) -> (u32, f64) {
        let chip = self.0.borrow();
        let inner = &chip.wear[1..chip.wear.len() - 1];
        let sum: u32 = inner.iter().sum();
        (*inner.iter().max().unwrap(), f64::from(sum) / inner.len() as f64)
    }
}

impl BlockDevice for Flash {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        let chip = self.0.borrow();
        Geometry {
            size: chip.bytes.len() as u64,
            read_unit: 1,
            program_unit: 1,
            erase_unit: BLOCK as u32,
            erase_sizes: if chip.chunks {
                EraseSizes::NONE.with(CHUNK as u32)
            } else {
                EraseSizes::NONE
            },
            dma_alignment: 1,
            guarantees: Guarantees::NEEDS_ERASE
                | Guarantees::REPROGRAM_ZERO_BITS
                | Guarantees::POWERSAFE_NEIGHBOURS,
        }
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        let chip = &mut *self.0.borrow_mut();
        chip.time += (target.len() + 5) as f64 * 0.16;
        target.copy_from_slice(&chip.bytes[at.0 as usize..][..target.len()]);
        Ok(())
    }

    fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        let chip = &mut *self.0.borrow_mut();
        let pages = (at.0 as usize % 256 + source.len()).div_ceil(256);
        chip.time += pages as f64 * 400.0 + source.len() as f64 * 0.16;
        for (byte, new) in chip.bytes[at.0 as usize..].iter_mut().zip(source) {
            assert!(*byte & new == *new || *new == 0, "a program over what was not erased, {at:?}");
            *byte &= new;
        }
        Ok(())
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        let chip = &mut *self.0.borrow_mut();
        let (from, bytes) = (at.0 as usize, bytes as usize);
        let whole = chip.chunks && from.is_multiple_of(CHUNK) && bytes == CHUNK;
        chip.time += if whole { 150_000.0 } else { 45_000.0 * (bytes / BLOCK) as f64 };
        chip.singly += if whole { 0 } else { bytes / BLOCK };
        chip.bytes[from..][..bytes].fill(0xFF);
        for wear in &mut chip.wear[from / BLOCK..][..bytes / BLOCK] {
            *wear += 1;
        }
        Ok(())
    }

    fn discard(&mut self, _: ByteOffset, _: u64) -> Result<(), ErrorKind> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

fn with<R>(flash: &Flash, run: impl FnOnce(&Volume<'_, Flash>) -> R) -> R {
    let (mut device, mut memory) = (flash.clone(), Lent::new());
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    run(&volume)
}

fn text(seed: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| (seed * 31 + at * 7 + (at >> 9)) as u8).collect()
}

/// Files of several lengths until so many blocks are left.
fn fill(volume: &Volume<'_, Flash>, leave: u32) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    while volume.info().unwrap().free.0 > leave + 40 {
        let number = files.len();
        let length = [65_536, 30_000, 150_000, 65_536, 9000][number % 5];
        let (path, bytes) = (format!("/cold{number}"), text(number, length));
        let file = volume.open(&path, OpenOptions::new().write().create()).unwrap();
        let mut done = 0;
        while done < bytes.len() {
            done += volume.write_at(file, done as u64, &bytes[done..]).unwrap();
        }
        volume.close(file).unwrap();
        files.push((path, bytes));
    }
    files
}

fn hold(volume: &Volume<'_, Flash>, files: &[(String, Vec<u8>)]) {
    volume.check().unwrap();
    for (path, bytes) in files {
        let file = volume.open(path, OpenOptions::READ).unwrap();
        let mut found = vec![0; bytes.len()];
        let mut done = 0;
        while done < found.len() {
            done += volume.read_at(file, done as u64, &mut found[done..]).unwrap();
        }
        assert!(found == *bytes, "{path} has changed");
        volume.close(file).unwrap();
    }
}

fn rewrite(volume: &Volume<'_, Flash>, times: usize) {
    for number in 0..times {
        volume.replace("/hot", &text(number, 4096)).unwrap();
    }
}

/// A volume of which four fifths lie still, after a small file was rewritten so many times, the
/// power going after `each`.
fn worn(blocks: usize, times: usize, each: usize) -> Flash {
    let flash = Flash::new(blocks, true);
    let files = with(&flash, |volume| {
        let files = fill(volume, blocks as u32 / 5);
        volume.park().unwrap();
        files
    });
    let before = flash.0.borrow().wear.clone();
    flash.0.borrow_mut().time = 0.0;
    for _ in 0..times / each {
        with(&flash, |volume| rewrite(volume, each));
    }
    with(&flash, |volume| hold(volume, &files));
    for (wear, before) in flash.0.borrow_mut().wear.iter_mut().zip(before) {
        *wear -= before;
    }
    let ((max, mean), time) = (flash.wear(), flash.0.borrow().time / 1e6);
    println!("{blocks} {times} {each}: max {max}, mean {mean:.2}, {time:.1} s");
    flash
}

#[test]
fn cold_data_takes_its_share_of_the_wear() {
    let (max, mean) = worn(4096, 20_000, 20_000).wear();
    assert!(f64::from(max) - mean <= 16.0, "{max} {mean}");
}

#[test]
fn a_small_chip_wears_evenly_too() {
    let (max, mean) = worn(1024, 20_000, 20_000).wear();
    assert!(f64::from(max) <= 2.0 * mean, "{max} {mean}");
}

#[test]
fn a_volume_that_reboots_every_ten_writes_wears_evenly_too() {
    let flash = worn(1024, 20_000, 10);
    let mut wear = flash.0.borrow().wear.clone();
    let total: u32 = wear.iter().sum();
    wear.sort_unstable();
    let never = wear.iter().filter(|count| **count == 0).count();
    assert!(never <= 128, "{never} blocks were never erased");
    let (most, mean) = (wear[1023], total / 1024);
    assert!(2 * most <= 3 * mean, "{most} {mean}");
}

/// A chip whose blocks last 100 erases: how much of all these it gives until the first block but an
/// anchor block is worn out.
#[test]
fn a_chip_gives_most_of_its_erases_before_a_block_is_worn_out() {
    const ERASES: u32 = 100;
    let flash = Flash::new(1024, true);
    let files = with(&flash, |volume| {
        let files = fill(volume, 205);
        let mut times = 0;
        while flash.wear().0 < ERASES {
            rewrite(volume, 100);
            times += 100;
        }
        println!("{times} rewrites, {:?}", flash.wear());
        files
    });
    with(&flash, |volume| hold(volume, &files));
    let share = flash.wear().1 / f64::from(ERASES);
    assert!(share >= 0.75, "{share}");
}

/// A file that was cut to nothing and written again kept what it had until the volume was full: a
/// cut left an intent, and nothing but other operations carried one out. From then on each block
/// was erased by itself, just when it was needed.
#[test]
fn a_file_that_is_cut_and_written_again_does_not_fill_the_volume() {
    let flash = Flash::new(512, true);
    with(&flash, |volume| {
        rewrite(volume, 1);
        let free = volume.info().unwrap().free.0;
        for number in 0..1000 {
            let options = OpenOptions::new().write().create().truncate();
            let file = volume.open("/hot", options).unwrap();
            assert_eq!(volume.write_at(file, 0, &text(number, 4096)), Ok(4096));
            volume.close(file).unwrap();
            assert!(volume.info().unwrap().free.0 + 32 > free, "after {number} times");
        }
    });
    let chip = flash.0.borrow();
    assert!(chip.singly <= 40, "{} blocks were erased by themselves", chip.singly);
}

#[test]
fn the_log_knows_how_much_was_erased() {
    let flash = Flash::new(256, true);
    let formatted: u32 = flash.0.borrow().wear.iter().sum();
    for round in 0..40 {
        with(&flash, |volume| rewrite(volume, 30 + round));
        let total: u32 = flash.0.borrow().wear.iter().sum();
        with(&flash, |volume| {
            let known = volume.info().unwrap().erases;
            let all = total - formatted;
            assert!(known <= all + 8 && known + 80 * (round as u32 + 1) >= all, "{known} {all}");
        });
    }
}
