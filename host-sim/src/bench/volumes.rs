//! Operations of the device against the size of volumes.

use super::ground::{Mounted, session};
use super::sizes::tenth;
use crate::chip::{Nor, Spec};
use crate::subject::Lent;
use fs_core::FormatOptions;
use fs_core::blocking::Volume;

/// Blocks of 4 KiB of the volumes in the table of sizes.
const SIZES: [(&str, u32); 4] =
    [("16 MiB", 1 << 12), ("1 GiB", 1 << 18), ("64 GiB", 1 << 24), ("1 TiB", 1 << 28)];

/// Tenths of reads, programs and erases of each kind of call.
type Cells = Vec<[u64; 3]>;

/// A table for volumes of 16 MiB to 1 TiB: device operations of one call.
#[must_use]
pub fn volumes() -> String {
    let mut text = [
        "Volumes of several sizes: reads, programs, erases of one call, means of 50. The first\n",
        "rows are cards (sectors), empty; the last are chips of serial NOR flash whose blocks are\n",
        "in use but for a few at both ends, with the search at the first: what lies between is\n",
        "passed over by whole nodes of the tree.\n\n",
        "| volume | mount | create 64 B | append 4 KiB + sync | overwrite 128 B + sync | remove |\n",
        "| ---: | ---: | ---: | ---: | ---: | ---: |\n",
    ]
    .concat();
    for (name, blocks) in SIZES {
        text += &row_of(name, &Nor::new(Spec::card(blocks)), &sized);
    }
    for (name, blocks) in [("16 MiB, full", 1 << 12), ("1 GiB, full", 1 << 18)] {
        text += &row_of(name, &Nor::new(Spec::small(blocks)), &|nor| {
            fill_but_the_ends(nor)?;
            sized(nor)
        });
    }
    text
}

fn row_of(name: &str, nor: &Nor, measure: &dyn Fn(&Nor) -> Result<Cells, String>) -> String {
    let options = FormatOptions { hash_seed: [9; 16], ..FormatOptions::default() };
    let formatted = Volume::format(&mut nor.clone(), &mut Lent::new(), &options);
    match formatted.map_err(|error| format!("{error:?}")).and_then(|()| measure(nor)) {
        Ok(cells) => {
            let cells: Vec<String> =
                cells.iter().map(|each| each.map(|count| tenth(count, 10)).join(", ")).collect();
            format!("| {name} | {} |\n", cells.join(" | "))
        }
        Err(why) => format!("| {name} | **not** run: {why} | | | | |\n"),
    }
}

/// Tenths of reads, programs and erases of a mount, and of calls on a volume of any size.
///
/// # Errors
/// What failed.
pub fn sized(nor: &Nor) -> Result<Cells, String> {
    const CALLS: u64 = 50;
    let counts = || {
        let c = nor.counters();
        [c.reads, c.programs, c.erases]
    };
    let since = |before: [u64; 3], calls: u64| {
        let now = counts();
        [0, 1, 2].map(|kind| (now[kind] - before[kind]) * 10 / calls)
    };
    let said = |error: fs_core::Error| format!("{error:?}");
    let mut cells = Vec::new();
    let (mut device, mut memory) = (nor.clone(), Lent::new());
    let before = counts();
    let volume = Volume::mount(&mut device, &mut memory, fs_core::MountOptions::default());
    let volume = volume.map_err(said)?;
    cells.push(since(before, 1));
    let before = counts();
    for number in 0..CALLS {
        volume.replace(&format!("/new{number}"), &[7; 64]).map_err(said)?;
    }
    cells.push(since(before, CALLS));
    let options = fs_core::OpenOptions::new().read().write().create();
    let file = volume.open("/data", options).map_err(said)?;
    let before = counts();
    for number in 0..12 {
        let written = volume.write_at(file, number * 4096, &[0x5A; 4096]).map_err(said)?;
        if written != 4096 {
            return Err(format!("{written} bytes written"));
        }
        volume.sync_file(file).map_err(said)?;
    }
    cells.push(since(before, 12));
    let before = counts();
    for number in 0..CALLS {
        volume.write_at(file, number * 777, &[0x12; 128]).map_err(said)?;
        volume.sync_file(file).map_err(said)?;
    }
    cells.push(since(before, CALLS));
    volume.close(file).map_err(said)?;
    let before = counts();
    for number in 0..CALLS {
        volume.remove(&format!("/new{number}")).map_err(said)?;
    }
    cells.push(since(before, CALLS));
    volume.unmount().map_err(said)?;
    Ok(cells)
}

/// Uses all blocks but some at both ends, with the search for free ones at the first end.
///
/// # Errors
/// What failed.
pub fn fill_but_the_ends(nor: &Nor) -> Result<(), String> {
    let said = |error: fs_core::Error| format!("{error:?}");
    let written = |volume: &Mounted<'_>, path: &str, blocks_max: u64, leave: u32| {
        // Bytes as of an erased chip: they take blocks, and no memory here.
        let blank = vec![0xFF; 65536];
        let options = fs_core::OpenOptions::new().write().create();
        let file = volume.open(path, options).map_err(said)?;
        let mut at = 0;
        while at < blocks_max * 4096 {
            let free = volume.info().map_err(said)?.free.0;
            if free < leave {
                break;
            }
            let step = if free < leave + 400 { 4096 } else { blank.len() };
            at += volume.write_at(file, at, &blank[..step]).map_err(said)? as u64;
            // What is not committed does not count as used yet.
            if step == 4096 || at.is_multiple_of(16 << 16) {
                volume.sync_file(file).map_err(said)?;
            }
        }
        volume.close(file).map_err(said)
    };
    session(nor, |volume| {
        written(volume, "/first", 160, 0)?;
        written(volume, "/most", u64::MAX >> 12, 240)?;
        written(volume, "/tail", 100, 0)?;
        volume.remove("/first").map_err(said)?;
        volume.sync().map_err(said)?;
        written(volume, "/second", u64::MAX >> 12, 100)?;
        volume.remove("/tail").map_err(said)
    })
}
