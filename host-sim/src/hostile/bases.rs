//! Volumes as they come into being, to be damaged.

use std::sync::OnceLock;

use fs_core::blocking::Volume;
use fs_core::{MountOptions, OpenOptions};

use super::bounded::Bounded;
use crate::clock::wall;
use crate::rng::Rng;
use crate::scenario::Tuning;
use crate::stranger::{self, Kind};
use crate::subject::{Lent, format_options};

/// How many there are.
pub const COUNT: usize = 8;

/// A structure of an image, and what its checksum is of.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    pub at: usize,
    pub length: usize,
    pub seal: Seal,
}

#[derive(Debug, Clone, Copy)]
pub enum Seal {
    Superblock,
    Entry {
        block: u32,
        slot: u16,
    },
    Page {
        block: u32,
        generation: u64,
        page: u8,
    },
    /// Records are chained: the number of the record in the chain.
    Record {
        number: usize,
    },
}

/// An image and its structures.
#[derive(Debug, Clone)]
pub struct Base {
    pub bytes: Vec<u8>,
    pub volume_seed: u32,
    pub pieces: Vec<Piece>,
    pub records: Vec<stranger::Record>,
}

pub fn bases() -> &'static [Base] {
    static BASES: OnceLock<Vec<Base>> = OnceLock::new();
    BASES.get_or_init(|| (0..COUNT).map(base).collect())
}

fn base(number: usize) -> Base {
    let (blocks, tuning, calls, parks) = match number {
        0 => (16, Tuning::TIGHT, 0, true),
        1 => (16, Tuning::TIGHT, 30, false),
        2 => (24, Tuning::TIGHT, 120, true),
        3 => (32, Tuning::DEFAULT, 60, false),
        4 => (64, Tuning::TIGHT, 500, false),
        5 => (64, Tuning::DEFAULT, 700, true),
        6 => (32, Tuning::TIGHT, 400, false),
        _ => (96, Tuning::TIGHT, 1500, false),
    };
    let mut device = Bounded::new(vec![0xFF; blocks * 4096]);
    let mut memory = Lent::new();
    let format = format_options(tuning);
    Volume::format(&mut device, &mut memory, &format).expect("a new chip can be formatted");
    let options = MountOptions { clock: wall, ..MountOptions::default() };
    let volume = Volume::mount(&mut device, &mut memory, options).expect("a new volume mounts");
    fill(&volume, number as u64, calls);
    if parks {
        volume.unmount().expect("a volume can be unmounted");
    } else {
        drop(volume);
    }
    pieces_of(device.bytes)
}

/// Calls of all kinds; what is refused is refused.
fn fill(volume: &Volume<'_, Bounded>, seed: u64, calls: usize) {
    let mut rng = Rng::new(seed);
    let full = seed.is_multiple_of(3);
    for number in 0..calls {
        let directory = rng.below(4);
        let name = match rng.below(5) {
            0 => format!("/d{directory}/{}", "long".repeat(1 + rng.index(60))),
            1 => format!("/top{}", rng.below(9)),
            _ => format!("/d{directory}/f{}", rng.below(if full { 400 } else { 25 })),
        };
        let letter = b'a' + u8::try_from(number % 26).unwrap_or(0);
        let _ = match rng.below(14) {
            0 => volume.mkdir(&format!("/d{directory}")),
            1 => volume.mkdir(&format!("/d{directory}/sub{}", rng.below(3))),
            2 if !full => volume.remove(&name),
            3 => volume.rename(&name, &format!("/d{}/r{}", rng.below(4), rng.below(9))),
            4 => volume.truncate(&name, rng.below(700)),
            5 => volume.link(&name, &format!("/d{}/l{}", rng.below(4), rng.below(9))),
            6 => volume.symlink(&name, &format!("/d{}/s{}", rng.below(4), rng.below(5))),
            _ => volume.replace(&name, &vec![letter; rng.index(449)]),
        };
    }
    // Content that nobody names any more, as long as it is open.
    let options = OpenOptions::new().write().create().truncate();
    if let Ok(gone) = volume.open("/gone", options) {
        let _ = volume.write_at(gone, 0, &[b'g'; 200]);
        let _ = volume.sync_file(gone);
        let _ = volume.remove("/gone");
    }
}

fn pieces_of(bytes: Vec<u8>) -> Base {
    let superblock = stranger::find(&bytes).expect("a volume");
    let volume = stranger::Volume::read(&bytes, &superblock).expect("readable");
    let place = |block: u32| usize::try_from(superblock.offset(block)).expect("a small image");
    let mut pieces = Vec::new();
    for block in superblock.anchors() {
        pieces.push(Piece { at: place(block), length: 256, seal: Seal::Superblock });
    }
    for slot in &volume.slots {
        if let stranger::Slot::Valid(entry) = slot {
            let (block, slot) = (entry.block, entry.slot);
            let at = place(block) + 512 + 64 * usize::from(slot);
            pieces.push(Piece { at, length: 64, seal: Seal::Entry { block, slot } });
        }
    }
    for node in &volume.tree.nodes {
        let stranger::Pointer { block, generation, base_pages, .. } = node.pointer;
        for page in 0..base_pages {
            let at = place(block) + 512 * usize::from(page);
            let seal = Seal::Page { block, generation, page };
            pieces.push(Piece { at, length: 512, seal });
        }
    }
    for (number, record) in volume.replayed.records.iter().enumerate() {
        let at = place(record.block) + usize::try_from(record.at).expect("in a block");
        debug_assert!(number > 0 || matches!(record.kind, Kind::Header | Kind::Checkpoint));
        pieces.push(Piece { at, length: record.length, seal: Seal::Record { number } });
    }
    let records = volume.replayed.records;
    Base { volume_seed: superblock.seed(), bytes, pieces, records }
}
