//! Operations of the device against the size of things.

use std::fmt::Write;

use super::document::time;
use super::ground::session;
use super::meter::Meter;
use super::sizes::cell;
use crate::chip::{Nor, Spec};
use crate::rng::Rng;
use crate::subject::Lent;
use fs_core::FormatOptions;
use fs_core::blocking::Volume;

/// Calls that are measured for each size.
const SAMPLES: usize = 200;

/// A table for directories of 10 to `most` entries: device time and operations of one call.
#[must_use]
pub fn growth(most: usize) -> String {
    let mut text = [
        "One directory of files of 64 bytes; means of 200 calls, in device time / reads, page\n",
        "programs, erases in 4 KiB; names in random order. On NOR flash with 32768 blocks\n",
        "(128 MiB).\n\n",
        "| entries | create | lookup | remove | mount |\n",
        "| ---: | ---: | ---: | ---: | ---: |\n",
    ]
    .concat();
    let nor = Nor::new(Spec::small(32768));
    let options = FormatOptions { hash_seed: [9; 16], ..FormatOptions::default() };
    if let Err(error) = Volume::format(&mut nor.clone(), &mut Lent::new(), &options) {
        return format!("**not** run: {error:?}\n");
    }
    let mut there = 0;
    for size in [10, 100, 1_000, 10_000, 100_000].into_iter().filter(|size| *size <= most) {
        eprintln!("growth: {size} entries");
        match step(&nor, there, size) {
            Ok(row) => text += &row,
            Err(why) => {
                let _ = writeln!(text, "| {size} | **not** run: {why} | | | |");
                break;
            }
        }
        there = size;
    }
    text
}

fn name(number: usize) -> String {
    format!("/d/{:08x}", (number as u64).wrapping_mul(0x9E37_79B9) & 0xFFFF_FFFF)
}

fn step(nor: &Nor, there: usize, size: usize) -> Result<String, String> {
    session(nor, |volume| {
        if there == 0 {
            volume.mkdir("/d").map_err(|error| format!("{error:?}"))?;
        }
        for number in there..size {
            let made = volume.replace(&name(number), &[7; 64]);
            made.map_err(|error| format!("{error:?} at {number} entries"))?;
            if number % 10_000 == 9_999 {
                eprintln!("  {} made", number + 1);
            }
        }
        Ok(())
    })?;
    let mut meter = Meter::new(nor);
    let mut memory = Lent::new();
    let mut device = nor.clone();
    let options = fs_core::MountOptions::default();
    let volume = meter.call("mount", || Volume::mount(&mut device, &mut memory, options))?;
    let mounted = meter.finish();
    let mut cells = Vec::new();
    let mut rng = Rng::new(1);
    let samples = SAMPLES;
    for kind in 0..3 {
        let mut meter = Meter::new(nor);
        for number in 0..samples {
            let new = name(size + number);
            match kind {
                0 => meter.call("create", || volume.replace(&new, &[7; 64]))?,
                1 => {
                    let old = name(rng.index(size));
                    meter.call("lookup", || volume.stat(&old).map(|_| ()))?;
                }
                _ => meter.call("remove", || volume.remove(&new))?,
            }
        }
        cells.push(cell(&meter.finish(), samples as u64));
    }
    volume.unmount().map_err(|error| format!("{error:?}"))?;
    let [create, lookup, remove] = [&cells[0], &cells[1], &cells[2]];
    let mount = format!("{} / {}", time(mounted.total_ns), mounted.counters.reads);
    Ok(format!("| {size} | {create} | {lookup} | {remove} | {mount} |\n"))
}
