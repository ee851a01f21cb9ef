//! How evenly blocks are erased.

use std::fmt::Write;

use super::workloads::session;
use crate::chip::{Nor, Spec};
use crate::clock::wall;
use crate::subject::Lent;
use fs_core::blocking::Volume;
use fs_core::{FormatOptions, MountOptions};

/// Works on a volume for so many times.
type Body = fn(&Nor, usize) -> Result<(), String>;

/// Erases of blocks after `sessions` of a reboot loop, and after as many rewrites of a small file
/// on an empty volume and on one that is full of others.
#[must_use]
pub fn wear(sessions: usize) -> String {
    let mut text = String::from(
        "Erases of 4 KiB blocks on 256 blocks. `W8L` with files of 64 bytes; the one with 4 KiB and\n\
         80 % of large files is **not** run before large files are there.\n\n\
         | what | times | mean | max | never | hottest blocks |\n\
         | --- | ---: | ---: | ---: | ---: | --- |\n",
    );
    let rows: [(&str, Body); 3] = [
        ("mount, one write, power off", reboot),
        ("W8L, empty volume", |nor, times| rewrite(nor, times, 0)),
        ("W8L, 80 % full", |nor, times| rewrite(nor, times, 640)),
    ];
    for (name, body) in rows {
        let nor = Nor::new(Spec::small(256));
        let formatted =
            Volume::format(&mut nor.clone(), &mut Lent::new(), &FormatOptions::default());
        let done = formatted.map_err(|error| format!("{error:?}"));
        match done.and_then(|()| body(&nor, sessions)) {
            Ok(()) => text += &shown(name, sessions, &nor),
            Err(why) => {
                let _ = writeln!(text, "| {name} | **not** run: {why} | | | | |");
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
    format!("| {name} | {times} | {mean:.2} | {max} | {never} | {hottest} |\n")
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

fn rewrite(nor: &Nor, times: usize, others: usize) -> Result<(), String> {
    session(nor, |volume| {
        for number in 0..others {
            let made = volume.replace(&format!("/other{number}"), &[1; 400]);
            made.map_err(|error| format!("{error:?} after {number} files"))?;
        }
        for number in 0..times {
            let content = [u8::try_from(number % 256).unwrap_or(0); 64];
            volume.replace("/CONF.CFG", &content).map_err(|error| format!("{error:?}"))?;
        }
        Ok(())
    })
}
