//! What the program does: a configuration file and an event log on a chip of 16 small blocks, from
//! format to power cuts, every byte compared with what was written.
//!
//! What touches the volume stands in functions of its own that are not inlined: the stack measured,
//! with the future in the asynchronous colour, is then that of the filesystem alone. The scenario
//! itself is not asynchronous: it completes one future after another.

use super::adapters::nor::NorDevice;
use super::nor::NorChip;
use super::vellum::Volume;
use super::{colour, complete};
use crate::chip::{self, Chip};
use crate::phase::Phase;
use cortex_m_semihosting::hprintln;
use fs_core::{Error, FormatOptions, Memory, MountOptions, NameBuf, OpenOptions, Result};

/// The board's chip as a device.
pub type BoardDevice = NorDevice<NorChip>;
/// A volume on the board's chip.
pub type BoardVolume<'m> = Volume<'m, BoardDevice>;

const CONFIG: &str = "/etc/config";
const CONFIG_BYTES: usize = 127;
const EVENT_BYTES: usize = 16;
const REWRITES: u32 = 50;
const EVENTS: u32 = 20;
const CUTS: u32 = 48;

/// Why the scenario failed.
#[derive(Debug)]
pub enum Failure {
    /// The filesystem refused.
    Volume(Error),
    /// Something else was found than was written; says what.
    Mismatch(&'static str),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Volume(error)
    }
}

/// Prints what a mounted volume keeps in RAM.
pub fn report_sizes() {
    const FILES: usize = 6;
    let memory = size_of::<Memory>();
    let per_file = size_of::<Memory<2048, { FILES + 1 }>>() - size_of::<Memory<2048, FILES>>();
    let per_draft = size_of::<Memory<2048, FILES, 3>>() - size_of::<Memory<2048, FILES, 2>>();
    let volume = size_of::<BoardVolume>();
    hprintln!(
        "ram mounted={} memory={} volume={} per_file={} per_draft={}",
        memory + volume,
        memory,
        volume,
        per_file,
        per_draft
    );
}

/// Formats, writes, remounts and checks; then cuts the power again and again.
///
/// # Errors
/// What went wrong first.
pub fn run(chip: Chip, memory: &mut Memory) -> Result<(), Failure> {
    let mut device = NorDevice::new(NorChip(chip));
    let phase = Phase::begin("format");
    complete(format(&mut device, memory))?;
    phase.end();
    first_life(&mut device, memory)?;
    second_life(&mut device, memory)?;
    third_life(&mut device, memory)?;
    let phase = Phase::begin("48 power cuts");
    many_cuts(&mut device, memory)?;
    phase.end();
    Ok(())
}

/// From the first mount to the first unmount.
#[inline(never)]
fn first_life(device: &mut BoardDevice, memory: &mut Memory) -> Result<(), Failure> {
    let phase = Phase::begin("mount, new");
    let volume = complete(mount(device, memory))?;
    phase.end();

    let phase = Phase::begin("mkdir");
    complete(mkdir(&volume))?;
    phase.end();

    let phase = Phase::begin("create, write, sync");
    complete(create(&volume, &config(0)))?;
    phase.end();

    let phase = Phase::begin("open, read, close");
    expect(complete(holds(&volume, CONFIG, &config(0)))?, "config")?;
    phase.end();

    let phase = Phase::begin("50 rewrites");
    for number in 1..=REWRITES {
        complete(replace(&volume, CONFIG, &config(number)))?;
    }
    phase.end();

    let phase = Phase::begin("20 synced appends");
    complete(append(&volume))?;
    phase.end();

    let phase = Phase::begin("list");
    expect(complete(names_in(&volume, "/"))? == 2, "two names in the root")?;
    phase.end();

    let phase = Phase::begin("check");
    complete(check(&volume))?;
    phase.end();

    let phase = Phase::begin("unmount");
    complete(volume.unmount())?;
    phase.end();
    Ok(())
}

/// Ends without an unmount, as when the power goes.
#[inline(never)]
fn second_life(device: &mut BoardDevice, memory: &mut Memory) -> Result<(), Failure> {
    let phase = Phase::begin("mount, parked");
    let volume = complete(mount(device, memory))?;
    phase.end();

    expect(complete(holds(&volume, CONFIG, &config(REWRITES)))?, "config after a remount")?;
    let mut log = [0; EVENT_BYTES * EVENTS as usize];
    let bytes = complete(volume.read_file("/events", &mut log))?;
    expect(bytes == log.len(), "length of the log")?;
    for (number, line) in (0..EVENTS).zip(log.chunks(EVENT_BYTES)) {
        expect(line == event(number), "an event")?;
    }

    complete(replace(&volume, "/etc/new", &config(REWRITES + 1)))?;
    let phase = Phase::begin("rename over a file");
    complete(rename(&volume))?;
    phase.end();
    expect(complete(names_in(&volume, "/etc"))? == 1, "one name in /etc")?;

    let phase = Phase::begin("remove");
    complete(remove(&volume))?;
    phase.end();
    expect(complete(volume.stat("/events")) == Err(Error::NotFound), "the log is gone")
}

/// Finds what the second has left.
#[inline(never)]
fn third_life(device: &mut BoardDevice, memory: &mut Memory) -> Result<(), Failure> {
    let phase = Phase::begin("mount, after a cut");
    let volume = complete(mount(device, memory))?;
    phase.end();
    let found = complete(holds(&volume, CONFIG, &config(REWRITES + 1)))?;
    expect(found, "config after a cut")?;
    Ok(complete(volume.unmount())?)
}

/// Cuts the power after 0, 1, 2 .. programs and erases of a rewrite, mount and unmount included;
/// the one that is cut is done by half. Each time the configuration is the old or the new one, and
/// the rules hold.
#[inline(never)]
fn many_cuts(device: &mut BoardDevice, memory: &mut Memory) -> Result<(), Failure> {
    let mut number = REWRITES + 1;
    for cut in 0..CUTS {
        chip::cut_after(cut);
        let rewritten = rewrite(device, memory, &config(number + 1));
        let was_cut = chip::restore_power();
        if let (Err(error), false) = (rewritten, was_cut) {
            hprintln!("cut {} was never reached, and the rewrite failed", cut);
            return Err(error.into());
        }
        let volume = complete(mount(device, memory))?;
        complete(check(&volume))?;
        if complete(holds(&volume, CONFIG, &config(number + 1)))? {
            number += 1;
        } else {
            expect(complete(holds(&volume, CONFIG, &config(number)))?, "config, old or new")?;
            expect(rewritten.is_err(), "what returned is durable")?;
        }
        complete(volume.unmount())?;
    }
    expect(number > REWRITES + 1, "some rewrites come through")
}

fn rewrite(device: &mut BoardDevice, memory: &mut Memory, text: &[u8]) -> Result<()> {
    let volume = complete(mount(device, memory))?;
    complete(replace(&volume, CONFIG, text))?;
    complete(volume.unmount())
}

#[colour]
#[inline(never)]
async fn format(device: &mut BoardDevice, memory: &mut Memory) -> Result<()> {
    let options = FormatOptions {
        uuid: *b"lm3s6965evb-chip",
        hash_seed: *b"not a secret one",
        ..FormatOptions::default()
    };
    BoardVolume::format(device, memory, &options).await
}

#[colour]
#[inline(never)]
async fn mount<'m>(device: &'m mut BoardDevice, memory: &'m mut Memory) -> Result<BoardVolume<'m>> {
    BoardVolume::mount(device, memory, MountOptions::default()).await
}

#[colour]
#[inline(never)]
async fn mkdir(volume: &BoardVolume<'_>) -> Result<()> {
    volume.mkdir("/etc").await
}

#[colour]
#[inline(never)]
async fn create(volume: &BoardVolume<'_>, text: &[u8]) -> Result<()> {
    let file = volume.open(CONFIG, OpenOptions::new().write().create()).await?;
    volume.write_at(file, 0, text).await?;
    volume.sync_file(file).await?;
    volume.close(file).await
}

#[colour]
#[inline(never)]
async fn holds(volume: &BoardVolume<'_>, path: &str, text: &[u8]) -> Result<bool> {
    let mut content = [0; CONFIG_BYTES + 1];
    let file = volume.open(path, OpenOptions::READ).await?;
    let bytes = volume.read_at(file, 0, &mut content).await?;
    volume.close(file).await?;
    Ok(content.get(..bytes) == Some(text))
}

#[colour]
#[inline(never)]
async fn replace(volume: &BoardVolume<'_>, path: &str, text: &[u8]) -> Result<()> {
    volume.replace(path, text).await
}

#[colour]
#[inline(never)]
async fn append(volume: &BoardVolume<'_>) -> Result<()> {
    let file = volume.open("/events", OpenOptions::new().append().create()).await?;
    for number in 0..EVENTS {
        volume.write_at(file, 0, &event(number)).await?;
        volume.sync_file(file).await?;
    }
    volume.close(file).await
}

#[colour]
#[inline(never)]
async fn names_in(volume: &BoardVolume<'_>, path: &str) -> Result<usize> {
    let mut list = volume.read_dir(path).await?;
    let mut name = NameBuf::new();
    let mut names = 0;
    while list.next(&mut name).await?.is_some() {
        names += 1;
    }
    Ok(names)
}

#[colour]
#[inline(never)]
async fn check(volume: &BoardVolume<'_>) -> Result<()> {
    volume.check().await.map(|_| ())
}

#[colour]
#[inline(never)]
async fn rename(volume: &BoardVolume<'_>) -> Result<()> {
    volume.rename("/etc/new", CONFIG).await
}

#[colour]
#[inline(never)]
async fn remove(volume: &BoardVolume<'_>) -> Result<()> {
    volume.remove("/events").await
}

fn expect(held: bool, what: &'static str) -> Result<(), Failure> {
    if held { Ok(()) } else { Err(Failure::Mismatch(what)) }
}

/// The configuration after its `number`-th change.
fn config(number: u32) -> [u8; CONFIG_BYTES] {
    let mut text = *b"\
        change = 00000000\nserial = 0017-2291\ninterval = 60\nname = \"sensor\"\n\
        gain = [ 7, 8, 9, 10 ]\nserver = \"192.0.2.17\"\nport = 1883\nok\n";
    write_digits(&mut text[9..17], number);
    text
}

/// One event.
fn event(number: u32) -> [u8; EVENT_BYTES] {
    let mut text = *b"event 00000000;\n";
    write_digits(&mut text[6..14], number);
    text
}

fn write_digits(target: &mut [u8], mut number: u32) {
    for digit in target.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
