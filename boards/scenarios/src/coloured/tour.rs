//! The tour: settings, an event log, an import and a recording, from format to unmount over a stop
//! without one, every byte compared with what was written, each step measured.
//!
//! What it leaves is told, line by line, so that another program can compare it:
//! `left PATH config NUMBER`, `left PATH events FROM TO`, `left PATH pattern SEED BYTES`.

use super::calls;
use super::complete;
use super::vellum::Volume;
use super::vellum::device::BlockDevice;
use crate::content::{Text, config, file_bytes};
use crate::phase::Phase;
use crate::{Console, Failure, Scale, expect};
use fs_core::Memory;

const CONFIG: &str = "/etc/config";
const EVENTS: &str = "/events";
const PART: &str = "/part";
const RECORDING: &str = "/recording";
const RECORDING_SEED: u32 = 4711;

/// Prints what a mounted volume keeps in RAM, on such a device.
pub fn report_sizes<D: BlockDevice>(console: &dyn Console, _: &D) {
    const FILES: usize = 6;
    let memory = size_of::<Memory>();
    let per_file = size_of::<Memory<2048, { FILES + 1 }>>() - size_of::<Memory<2048, FILES>>();
    let per_draft = size_of::<Memory<2048, FILES, 3>>() - size_of::<Memory<2048, FILES, 2>>();
    let volume = size_of::<Volume<'_, D>>();
    console.line(format_args!(
        "ram mounted={} memory={} volume={} per_file={} per_draft={}",
        memory + volume,
        memory,
        volume,
        per_file,
        per_draft
    ));
}

/// How much it does. The compiler knows it, so a small one needs no code for what it leaves out.
const fn scale<const FULL: bool>() -> Scale {
    if FULL { Scale::FULL } else { Scale::SMALL }
}

/// Formats, writes, remounts and, where there is room for its code, checks; in full or in the small
/// scale. What was on the device is lost.
///
/// # Errors
/// What went wrong first.
#[inline(never)]
pub fn run<D: BlockDevice, const FULL: bool, const CHECK: bool>(
    console: &dyn Console,
    device: &mut D,
    memory: &mut Memory,
    uuid: [u8; 16],
) -> Result<(), Failure> {
    let phase = Phase::begin("format");
    complete(calls::format(device, memory, uuid))?;
    phase.end(console);
    first_life::<D, FULL, CHECK>(console, device, memory)?;
    second_life::<D, FULL>(console, device, memory)?;
    third_life::<D, FULL>(console, device, memory)
}

/// From the first mount to the first unmount.
#[inline(never)]
fn first_life<D: BlockDevice, const FULL: bool, const CHECK: bool>(
    console: &dyn Console,
    device: &mut D,
    memory: &mut Memory,
) -> Result<(), Failure> {
    let scale = scale::<FULL>();
    let phase = Phase::begin("mount, new");
    let volume = complete(calls::mount(device, memory))?;
    phase.end(console);

    let phase = Phase::begin("mkdir");
    complete(calls::mkdir(&volume, "/etc"))?;
    phase.end(console);

    let phase = Phase::begin("create, write, sync");
    complete(calls::create(&volume, CONFIG, &config(0)))?;
    phase.end(console);

    let phase = Phase::begin("open, read, close");
    expect(complete(calls::config_of(&volume, CONFIG))? == Some(0), "config")?;
    phase.end(console);

    let phase = Phase::begin("rewrites");
    for number in 1..=scale.rewrites {
        complete(calls::replace(&volume, CONFIG, &config(number)))?;
    }
    phase.end(console);

    let phase = Phase::begin("synced appends");
    complete(calls::append(&volume, EVENTS, 0, scale.events))?;
    phase.end(console);

    let phase = Phase::begin("list");
    expect(complete(calls::names_in(&volume, "/"))? == 2, "two names in the root")?;
    phase.end(console);

    if FULL {
        let phase = Phase::begin("import");
        import(&volume, scale)?;
        phase.end(console);
    }
    if FULL {
        let phase = Phase::begin("recording");
        complete(calls::make(&volume, PART, b"", RECORDING_SEED, scale.recording))?;
        complete(calls::rename(&volume, PART, RECORDING))?;
        phase.end(console);
    }

    if CHECK {
        let phase = Phase::begin("check");
        complete(calls::check(&volume))?;
        phase.end(console);
    }

    let phase = Phase::begin("unmount");
    complete(volume.unmount())?;
    phase.end(console);
    Ok(())
}

/// Ends without an unmount, as when the power goes.
#[inline(never)]
fn second_life<D: BlockDevice, const FULL: bool>(
    console: &dyn Console,
    device: &mut D,
    memory: &mut Memory,
) -> Result<(), Failure> {
    let phase = Phase::begin("mount, parked");
    let volume = complete(calls::mount(device, memory))?;
    phase.end(console);

    after_a_remount::<D, FULL>(console, &volume)?;
    rename_and_remove::<D, FULL>(console, &volume)
}

/// Not inlined, like the next: the futures of each part lie on the stack for that part alone.
#[inline(never)]
fn after_a_remount<D: BlockDevice, const FULL: bool>(
    console: &dyn Console,
    volume: &Volume<'_, D>,
) -> Result<(), Failure> {
    let scale = scale::<FULL>();
    let found = complete(calls::config_of(volume, CONFIG))?;
    expect(found == Some(scale.rewrites), "config after a remount")?;
    let found = complete(calls::events_of(volume, EVENTS))?;
    expect(found == Some((0, scale.events)), "events after a remount")?;
    if FULL {
        let phase = Phase::begin("read it all");
        compare(volume, scale)?;
        phase.end(console);
    }
    complete(calls::replace(volume, "/etc/new", &config(scale.rewrites + 1)))?;
    Ok(())
}

#[inline(never)]
fn rename_and_remove<D: BlockDevice, const FULL: bool>(
    console: &dyn Console,
    volume: &Volume<'_, D>,
) -> Result<(), Failure> {
    let phase = Phase::begin("rename over a file");
    complete(calls::rename(volume, "/etc/new", CONFIG))?;
    phase.end(console);
    expect(complete(calls::names_in(volume, "/etc"))? == 1, "one name in /etc")?;

    let phase = Phase::begin("remove");
    complete(calls::remove(volume, EVENTS))?;
    phase.end(console);
    let left = if FULL { 3 } else { 1 };
    expect(complete(calls::names_in(volume, "/"))? == left, "the log is gone")
}

/// Finds what the second has left.
#[inline(never)]
fn third_life<D: BlockDevice, const FULL: bool>(
    console: &dyn Console,
    device: &mut D,
    memory: &mut Memory,
) -> Result<(), Failure> {
    let scale = scale::<FULL>();
    let phase = Phase::begin("mount, after a cut");
    let volume = complete(calls::mount(device, memory))?;
    phase.end(console);
    let last = scale.rewrites + 1;
    expect(complete(calls::config_of(&volume, CONFIG))? == Some(last), "config after a cut")?;
    if FULL {
        complete(calls::append(&volume, EVENTS, 0, scale.events))?;
        compare(&volume, scale)?;
        tell(console, scale);
    }
    Ok(complete(volume.unmount())?)
}

fn path_of(number: u32) -> Text {
    let directory = [b'a', b'b', b'c'][number as usize % 3] as char;
    Text::of(format_args!("/import/{directory}/file-{number:03}.bin"))
}

/// Directories with files in them.
#[inline(never)]
fn import<D: BlockDevice>(volume: &Volume<'_, D>, scale: Scale) -> Result<(), Failure> {
    for path in ["/import", "/import/a", "/import/b", "/import/c"] {
        complete(calls::mkdir(volume, path))?;
    }
    for number in 0..scale.files {
        let path = path_of(number);
        complete(calls::make(volume, path.as_str(), b"", number, file_bytes(number)))?;
    }
    Ok(())
}

#[inline(never)]
fn compare<D: BlockDevice>(volume: &Volume<'_, D>, scale: Scale) -> Result<(), Failure> {
    for number in 0..scale.files {
        let path = path_of(number);
        let same = calls::is_made(volume, path.as_str(), b"", number, file_bytes(number));
        expect(complete(same)?, "an imported file")?;
    }
    let same = calls::is_made(volume, RECORDING, b"", RECORDING_SEED, scale.recording);
    expect(complete(same)?, "the recording")
}

fn tell(console: &dyn Console, scale: Scale) {
    console.line(format_args!("left {CONFIG} config {}", scale.rewrites + 1));
    console.line(format_args!("left {EVENTS} events 0 {}", scale.events));
    for number in 0..scale.files {
        let (path, bytes) = (path_of(number), file_bytes(number));
        console.line(format_args!("left {} pattern {number} {bytes}", path.as_str()));
    }
    let bytes = scale.recording;
    console.line(format_args!("left {RECORDING} pattern {RECORDING_SEED} {bytes}"));
}
