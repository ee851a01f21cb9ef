//! What every workload stands on: a chip, a mounted volume, known contents, known randomness.

use std::cell::{Cell, RefCell};

use fs_core::blocking::Volume;
use fs_core::error::Error;
use fs_core::{FileId, FormatOptions, MountOptions, OpenOptions};

use super::meter::{Meter, Ran};
use crate::chip::{Kind, Nor};
use crate::clock::wall;
use crate::image::Image;
use crate::stranger;
use crate::subject::Lent;

pub const MIB: usize = 1 << 20;

/// Opens a file whose content is to be another one.
pub const REWRITE: OpenOptions = OpenOptions::new().write().create().truncate();

pub type Mounted<'m> = Volume<'m, Nor>;

thread_local! {
    /// Whether the volumes of this thread are mounted with the option of this name.
    static LOW_LATENCY: Cell<bool> = const { Cell::new(false) };
}

/// From now on volumes of this thread are mounted with low latency, or not.
pub fn set_low_latency(on: bool) {
    LOW_LATENCY.set(on);
}

/// How every volume is mounted.
pub fn options() -> MountOptions {
    MountOptions { clock: wall, low_latency: LOW_LATENCY.get(), ..MountOptions::default() }
}

/// Formats a chip.
pub fn format(nor: &Nor) -> Result<(), String> {
    let options = FormatOptions { uuid: [5; 16], hash_seed: [6; 16], ..FormatOptions::default() };
    let mut memory = Lent::new();
    Volume::format(&mut nor.clone(), &mut memory, &options).map_err(said("format"))
}

pub fn said(what: &str) -> impl Fn(Error) -> String + use<'_> {
    move |error| format!("{what}: {error:?}")
}

/// Mounts, works, unmounts; outside of any timer.
pub fn session<T>(
    nor: &Nor,
    body: impl FnOnce(&Mounted<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let mut device = nor.clone();
    let mut memory = Lent::new();
    let volume = Volume::mount(&mut device, &mut memory, options()).map_err(said("mount"))?;
    let result = body(&volume)?;
    volume.unmount().map_err(said("unmount"))?;
    Ok(result)
}

/// What was written is right: the filesystem and the reader of the specification say so. Gives
/// what the latter says of a card: it does not know all that there is on one.
pub fn checked(nor: &Nor) -> Result<Option<String>, String> {
    let image = nor.image();
    let second = match stranger::check(&image) {
        Err(refused) => Some(format!("{refused:?}")),
        Ok(report) => report.findings.first().map(ToString::to_string),
    };
    session(nor, |volume| volume.check().map(|_| ()).map_err(said("check")))?;
    match second {
        Some(what) if nor.spec().kind != Kind::Card => Err(format!("check: {what}")),
        second => Ok(second),
    }
}

/// The content of a file at an offset.
pub fn pattern(at: usize) -> u8 {
    (at as u64).wrapping_mul(2_654_435_761).to_le_bytes()[3]
}

pub fn patterned(at: usize, length: usize) -> Vec<u8> {
    (at..at + length).map(pattern).collect()
}

/// The generator that the definitions of the workloads name.
pub struct Xorshift(pub u32);

impl Xorshift {
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }
}

pub fn write_all(
    meter: &mut Meter,
    volume: &Mounted<'_>,
    file: FileId,
    mut at: u64,
    mut bytes: &[u8],
) -> Result<(), String> {
    while !bytes.is_empty() {
        let taken = meter.call("write", || volume.write_at(file, at, bytes))?;
        meter.wrote(taken);
        at += taken as u64;
        bytes = bytes.get(taken.max(1)..).unwrap_or_default();
    }
    Ok(())
}

/// Writes a file of the pattern; the meter runs.
pub fn written(nor: &Nor, name: &str, length: usize, chunk: usize) -> Result<Ran, String> {
    session(nor, |volume| {
        let mut meter = Meter::new(nor);
        let file = meter.call("open", || volume.open(name, REWRITE))?;
        for at in (0..length).step_by(chunk) {
            let bytes = patterned(at, chunk.min(length - at));
            write_all(&mut meter, volume, file, at as u64, &bytes)?;
        }
        meter.call("sync", || volume.sync_file(file))?;
        meter.call("close", || volume.close(file))?;
        Ok(meter.finish())
    })
}

/// Mounts again and compares the content of a file.
pub fn compare(nor: &Nor, name: &str, wanted: &[u8]) -> Result<(), String> {
    session(nor, |volume| {
        let file = volume.open(name, OpenOptions::READ).map_err(said("open"))?;
        let mut found = vec![0; wanted.len() + 1];
        let mut done = 0;
        loop {
            let read = volume.read_at(file, done as u64, &mut found[done..]);
            match read.map_err(said("read"))? {
                0 => break,
                read => done += read,
            }
        }
        volume.close(file).map_err(said("close"))?;
        if found[..done] == *wanted { Ok(()) } else { Err(format!("{name} has another content")) }
    })
}

/// How full a volume is before a workload, and how what is free lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filling {
    /// A file of 1 MiB was written and removed 24 times.
    Aged,
    /// So many percent are large files.
    Contiguous(u64),
    /// Large files up to 95 percent, of which each sixth was removed until 80 percent were left.
    Fragmented,
}

/// Content of a chip of some kind, of so many blocks, with or without a cache.
type Filled = ((Kind, u32, u16, Filling), Result<Image, String>);

thread_local! {
    /// Chips that were filled before: that takes long.
    static FILLED: RefCell<Vec<Filled>> = const { RefCell::new(Vec::new()) };
}

/// Makes it a volume that was filled elsewhere: time, counters and wear stay. A card has files of
/// 8 MiB of zeros, which take no memory of this machine.
pub fn filled(nor: &Nor, filling: Filling) -> Result<(), String> {
    let spec = nor.spec();
    let key = (spec.kind, spec.blocks, spec.guarantees.bits(), filling);
    let known = FILLED.with_borrow(|all| {
        all.iter().find(|(other, _)| *other == key).map(|(_, image)| image.clone())
    });
    let image = known.unwrap_or_else(|| {
        let chip = Nor::new(spec);
        let filled = format(&chip).and_then(|()| fill(&chip, filling));
        let image = filled.map(|()| chip.image());
        FILLED.with_borrow_mut(|all| all.push((key, image.clone())));
        image
    });
    nor.set_image(image?);
    Ok(())
}

fn fill(nor: &Nor, filling: Filling) -> Result<(), String> {
    let card = nor.spec().kind == Kind::Card;
    let length: usize = if card { 8 * MIB } else { 64 << 10 };
    let size = nor.spec().geometry().size;
    let files = |percent: u64| size * percent / 100 / length as u64;
    let content = |at: usize, length: usize| {
        if card { vec![0; length] } else { patterned(at, length) }
    };
    let write = |volume: &Mounted<'_>, name: &str, length: usize| {
        let file = volume.open(name, REWRITE).map_err(said("open"))?;
        let mut meter = Meter::new(nor);
        for at in (0..length).step_by(64 << 10) {
            let bytes = content(at, (64 << 10).min(length - at));
            write_all(&mut meter, volume, file, at as u64, &bytes)?;
        }
        volume.close(file).map_err(said("close"))
    };
    session(nor, |volume| match filling {
        Filling::Aged => (0..24).try_for_each(|_| {
            write(volume, "/AGE.BIN", MIB)?;
            volume.remove("/AGE.BIN").map_err(said("remove"))
        }),
        Filling::Contiguous(percent) => {
            volume.mkdir("/FILL").map_err(said("mkdir"))?;
            (0..files(percent)).try_for_each(|number| {
                write(volume, &format!("/FILL/{number}"), length)
                    .map_err(|error| format!("{error} after {number} files"))
            })
        }
        Filling::Fragmented => {
            volume.mkdir("/FILL").map_err(said("mkdir"))?;
            let most = files(95);
            (0..most).try_for_each(|number| {
                write(volume, &format!("/FILL/{number}"), length)
                    .map_err(|error| format!("{error} after {number} files"))
            })?;
            let surplus = usize::try_from(most - files(80)).unwrap_or(0);
            (0..most).step_by(6).take(surplus).try_for_each(|number| {
                let removed = volume.remove(&format!("/FILL/{number}"));
                removed.map_err(|error| format!("remove: {error:?} at file {number}"))
            })
        }
    })
}

/// Does beforehand what later calls would have to do, until nothing is left.
pub fn maintained(nor: &Nor) -> Result<(), String> {
    session(nor, |volume| {
        while volume.maintain(64).map_err(said("maintain"))? == 64 {}
        Ok(())
    })
}
