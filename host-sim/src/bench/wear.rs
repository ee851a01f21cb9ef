//! How evenly blocks are erased.

use std::fmt::Write;

use super::document::{table, time};
use super::ground::{Filling, filled, format, session};
use super::steps;
use crate::chip::{Nor, Spec};
use crate::clock::wall;
use crate::subject::Lent;
use fs_core::MountOptions;
use fs_core::blocking::Volume;

/// What a row is called, its chip, and what is done on it so many times.
type Case<'a> = (&'a str, Spec, &'a dyn Fn(&Nor, usize) -> Result<(), String>);

/// Erases of blocks after `times` sessions of a reboot loop on a small chip, and after as many
/// rewrites of a small and of a large file on an empty volume and on one that is nearly full.
#[must_use]
pub fn wear(times: usize) -> String {
    let mut text = String::from(
        "Erases of 4 KiB blocks. `W8L` with 64 bytes on 256 blocks, with 4 KiB on the W25Q128JV,\n\
         also when large files fill 80 % of it (their erases are not counted). Aim: max - mean at\n\
         most 16, max / mean at most 1.5 once the mean is 50. In the loop of mounts the two\n\
         anchor blocks take the most: see the design.\n\n",
    );
    text += &table(&["what", "times", "time", "mean", "max", "max - mean", "never", "hottest"]);
    let small = Spec::small(256);
    let full = |nor: &Nor, times| {
        filled(nor, Filling::Contiguous(80)).and_then(|()| rewrite(nor, times, 4096))
    };
    let rows: [Case<'_>; 5] = [
        ("mount, one write, power off", small, &reboot),
        ("W8L 64 B, empty volume", small, &|nor, times| rewrite(nor, times, 64)),
        ("W8L 64 B, 640 small files", small, &|nor, times| {
            others(nor, 640).and_then(|()| rewrite(nor, times, 64))
        }),
        ("W8L 4 KiB, empty volume", Spec::W25Q128JV, &|nor, times| rewrite(nor, times, 4096)),
        ("W8L 4 KiB, 80 % full", Spec::W25Q128JV, &full),
    ];
    for (name, spec, body) in rows {
        eprintln!("wear: {name}");
        let nor = Nor::new(spec);
        match format(&nor).and_then(|()| body(&nor, times)) {
            Ok(()) => text += &shown(name, times, &nor),
            Err(why) => {
                let _ = writeln!(text, "| {name} | **not** run: {why} | | | | | | |");
            }
        }
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn shown(name: &str, times: usize, nor: &Nor) -> String {
    let wear = nor.wear();
    let mean = wear.total() as f64 / wear.0.len() as f64;
    let never = wear.0.iter().filter(|count| **count == 0).count();
    let mut hottest: Vec<(u32, usize)> =
        wear.0.iter().enumerate().map(|(block, count)| (*count, block)).collect();
    hottest.sort_unstable();
    let hottest: Vec<String> =
        hottest.iter().rev().take(5).map(|(count, block)| format!("{block}: {count}")).collect();
    let (max, hottest) = (wear.max(), hottest.join(", "));
    let over = f64::from(max) - mean;
    let spent = time(nor.clock().now_ns());
    format!(
        "| {name} | {times} | {spent} | {mean:.2} | {max} | {over:.1} | {never} | {hottest} |\n"
    )
}

fn reboot(nor: &Nor, times: usize) -> Result<(), String> {
    for number in 0..times {
        let (mut device, mut memory) = (nor.clone(), Lent::new());
        let options = MountOptions { clock: wall, ..MountOptions::default() };
        let volume = Volume::mount(&mut device, &mut memory, options);
        let volume = volume.map_err(|error| format!("mount {number}: {error:?}"))?;
        let content = number.to_string();
        volume.replace("/boots", content.as_bytes()).map_err(|error| format!("{error:?}"))?;
    }
    Ok(())
}

fn others(nor: &Nor, count: usize) -> Result<(), String> {
    session(nor, |volume| {
        (0..count).try_for_each(|number| {
            let made = volume.replace(&format!("/other{number}"), &[1; 400]);
            made.map_err(|error| format!("{error:?} after {number} files"))
        })
    })
}

fn rewrite(nor: &Nor, times: usize, length: usize) -> Result<(), String> {
    steps::rewrite(nor, length, times).map(|_| ())
}
