//! Two volumes in one program, a small one and a large one: files are copied from one to the other
//! and back, and compared byte for byte; and a device in the field that keeps what is new on the
//! small one and moves what is whole to the large one.
//!
//! What the tour leaves is told as by `tour`: `left ...` for the small volume, `copied ...` for the
//! large one. The life speaks the words of `live`. Its promise spans both volumes: an event is on
//! one or the other, whenever the power goes. So a log is removed from the small volume only when
//! the large one has it under its last name.

use super::calls::{self, CHUNK};
use super::vellum::Volume;
use super::vellum::device::BlockDevice;
use super::{colour, complete};
use crate::content::{Text, config, file_bytes, recording_bytes};
use crate::phase::Phase;
use crate::{Console, Failure, expect};
use fs_core::{Error, Memory, OpenOptions, Result};

const CONFIG: &str = "/config";
const EVENTS: &str = "/events";
const PART: &str = "/part";
const RECORDING: &str = "/recording";
const ARCHIVE: &str = "/archive";

/// Files of the tour: one of each size that matters.
const FILES: u32 = 16;
/// Rewrites of the configuration in the tour.
const REWRITES: u32 = 10;
/// Events of the tour.
const EVENTS_IN_ALL: u32 = 100;
/// Events that are appended in a round of a life.
const EVENTS_A_ROUND: u32 = 5;
/// Events of a log that is moved.
const EVENTS_AN_ARCHIVE: u32 = 5;
/// Rounds from one recording to the next.
const ROUNDS_A_RECORDING: u32 = 3;

/// A device, and what a volume on it needs.
pub struct Side<'d, D> {
    /// The device.
    pub device: &'d mut D,
    /// The memory of its volume.
    pub memory: &'d mut Memory,
    /// Its identity.
    pub uuid: [u8; 16],
}

/// Copies a file, durably, and gives its length.
#[colour]
#[inline(never)]
async fn copy<A: BlockDevice, B: BlockDevice>(
    from: &Volume<'_, A>,
    source: &str,
    to: &Volume<'_, B>,
    target: &str,
) -> Result<u64> {
    let input = from.open(source, OpenOptions::READ).await?;
    let output = to.open(target, OpenOptions::new().write().create().truncate()).await?;
    let mut at = 0;
    loop {
        let mut chunk = [0; CHUNK];
        let used = from.read_at(input, at, &mut chunk).await?;
        if used == 0 {
            break;
        }
        to.write_at(output, at, &chunk[..used]).await?;
        at += used as u64;
    }
    to.close(output).await?;
    from.close(input).await?;
    Ok(at)
}

/// Whether two files have the same bytes.
#[colour]
#[inline(never)]
async fn are_equal<A: BlockDevice, B: BlockDevice>(
    one: &Volume<'_, A>,
    path: &str,
    other: &Volume<'_, B>,
    path_there: &str,
) -> Result<bool> {
    let (here, there) = (
        one.open(path, OpenOptions::READ).await?,
        other.open(path_there, OpenOptions::READ).await?,
    );
    let mut is_same = true;
    let mut at = 0;
    loop {
        let (mut mine, mut theirs) = ([0; CHUNK], [0; CHUNK]);
        let used = one.read_at(here, at, &mut mine).await?;
        let used_there = other.read_at(there, at, &mut theirs).await?;
        is_same &= mine[..used] == theirs[..used_there];
        if used == 0 || !is_same {
            break;
        }
        at += used as u64;
    }
    one.close(here).await?;
    other.close(there).await?;
    Ok(is_same)
}

fn file(folder: &str, number: u32) -> Text {
    Text::of(format_args!("{folder}/file-{number:02}.bin"))
}

/// Formats both, makes files on the small volume, copies them to the large one and back, compares,
/// and does so again after both were mounted anew.
///
/// # Errors
/// What went wrong first.
#[inline(never)]
pub fn tour<A: BlockDevice, B: BlockDevice>(
    console: &dyn Console,
    small: Side<'_, A>,
    large: Side<'_, B>,
) -> core::result::Result<(), Failure> {
    let memory = size_of::<Memory>();
    let volumes = size_of::<Volume<'_, A>>() + size_of::<Volume<'_, B>>();
    let mounted = 2 * memory + volumes;
    console.line(format_args!("ram mounted={mounted} memory={} volume={volumes}", 2 * memory));
    let phase = Phase::begin("format, both");
    complete(calls::format(small.device, small.memory, small.uuid))?;
    complete(calls::format(large.device, large.memory, large.uuid))?;
    phase.end(console);
    {
        let phase = Phase::begin("mount, both new");
        let near = complete(calls::mount(small.device, small.memory))?;
        let far = complete(calls::mount(large.device, large.memory))?;
        phase.end(console);
        first_life(console, &near, &far)?;
        let phase = Phase::begin("unmount, both");
        complete(near.unmount())?;
        complete(far.unmount())?;
        phase.end(console);
    }
    let phase = Phase::begin("mount, both parked");
    let near = complete(calls::mount(small.device, small.memory))?;
    let far = complete(calls::mount(large.device, large.memory))?;
    phase.end(console);
    verify(&near, &far)?;
    tell(console);
    complete(near.unmount())?;
    Ok(complete(far.unmount())?)
}

#[inline(never)]
fn first_life<A: BlockDevice, B: BlockDevice>(
    console: &dyn Console,
    near: &Volume<'_, A>,
    far: &Volume<'_, B>,
) -> core::result::Result<(), Failure> {
    let phase = Phase::begin("make");
    make(near)?;
    phase.end(console);

    let phase = Phase::begin("copy to the large");
    complete(calls::mkdir(far, "/copy"))?;
    for (path, target) in [(CONFIG, "/copy/config"), (EVENTS, "/copy/events")] {
        complete(copy(near, path, far, target))?;
    }
    for number in 0..FILES {
        let copied =
            complete(copy(near, file("", number).as_str(), far, file("/copy", number).as_str()))?;
        expect(copied == u64::from(file_bytes(number)), "as many bytes as were made")?;
    }
    phase.end(console);

    let phase = Phase::begin("copy to the small");
    complete(calls::mkdir(near, "/back"))?;
    for number in 0..FILES {
        complete(copy(far, file("/copy", number).as_str(), near, file("/back", number).as_str()))?;
    }
    phase.end(console);

    let phase = Phase::begin("compare");
    for number in 0..FILES {
        let there = file("/copy", number);
        for folder in ["", "/back"] {
            let here = file(folder, number);
            let equal = are_equal(near, here.as_str(), far, there.as_str());
            expect(complete(equal)?, "a copy, byte for byte")?;
        }
    }
    phase.end(console);

    let phase = Phase::begin("check, both");
    complete(calls::check(near))?;
    complete(calls::check(far))?;
    phase.end(console);
    Ok(())
}

#[inline(never)]
fn make<A: BlockDevice>(near: &Volume<'_, A>) -> core::result::Result<(), Failure> {
    for number in 1..=REWRITES {
        complete(calls::replace(near, CONFIG, &config(number)))?;
    }
    complete(calls::append(near, EVENTS, 0, EVENTS_IN_ALL))?;
    for number in 0..FILES {
        let path = file("", number);
        complete(calls::make(near, path.as_str(), b"", number, file_bytes(number)))?;
    }
    Ok(())
}

/// Compares everything with what it was made of.
#[inline(never)]
fn verify<A: BlockDevice, B: BlockDevice>(
    near: &Volume<'_, A>,
    far: &Volume<'_, B>,
) -> core::result::Result<(), Failure> {
    for number in 0..FILES {
        let bytes = file_bytes(number);
        for folder in ["", "/back"] {
            let path = file(folder, number);
            let same = calls::is_made(near, path.as_str(), b"", number, bytes);
            expect(complete(same)?, "a file of the small volume")?;
        }
        let path = file("/copy", number);
        let same = calls::is_made(far, path.as_str(), b"", number, bytes);
        expect(complete(same)?, "a file of the large volume")?;
    }
    let settings = complete(calls::config_of(far, "/copy/config"))?;
    expect(settings == Some(REWRITES), "the configuration, copied")?;
    let events = complete(calls::events_of(far, "/copy/events"))?;
    expect(events == Some((0, EVENTS_IN_ALL)), "the events, copied")
}

fn tell(console: &dyn Console) {
    for (word, folder) in [("left", ""), ("copied", "/copy")] {
        console.line(format_args!("{word} {folder}{CONFIG} config {REWRITES}"));
        console.line(format_args!("{word} {folder}{EVENTS} events 0 {EVENTS_IN_ALL}"));
    }
    for number in 0..FILES {
        for (word, folder) in [("left", ""), ("left", "/back"), ("copied", "/copy")] {
            let (path, bytes) = (file(folder, number), file_bytes(number));
            console.line(format_args!("{word} {} pattern {number} {bytes}", path.as_str()));
        }
    }
}

/// How far this device has come.
#[derive(Debug, Clone, Copy)]
struct Life {
    config: u32,
    events: u32,
    /// Of those, how many are in the log of the small volume and not in the archive.
    in_log: u32,
    archives: u32,
    recording: u32,
}

/// Lives for `rounds` rounds. Blank devices are formatted.
///
/// # Errors
/// What went wrong first, or what was found that cannot be.
#[inline(never)]
pub fn live<A: BlockDevice, B: BlockDevice>(
    console: &dyn Console,
    small: Side<'_, A>,
    large: Side<'_, B>,
    rounds: u32,
) -> core::result::Result<(), Failure> {
    let near = complete(calls::mount_or_format(small.device, small.memory, small.uuid))?;
    let far = complete(calls::mount_or_format(large.device, large.memory, large.uuid))?;
    console.line(format_args!("mounted"));
    complete(calls::check(&near))?;
    complete(calls::check(&far))?;
    let mut life = find(&near, &far)?;
    console.line(format_args!("found config {}", life.config));
    console.line(format_args!("found events {}", life.events));
    console.line(format_args!("found recording {}", life.recording));
    for _ in 0..rounds {
        round(console, &near, &far, &mut life)?;
    }
    complete(near.unmount())?;
    complete(far.unmount())?;
    console.line(format_args!("parked"));
    Ok(())
}

fn archive(number: u32) -> Text {
    Text::of(format_args!("{ARCHIVE}/{number:05}"))
}

#[inline(never)]
fn round<A: BlockDevice, B: BlockDevice>(
    console: &dyn Console,
    near: &Volume<'_, A>,
    far: &Volume<'_, B>,
    life: &mut Life,
) -> core::result::Result<(), Failure> {
    life.config += 1;
    console.line(format_args!("try config {}", life.config));
    complete(calls::replace(near, CONFIG, &config(life.config)))?;
    console.line(format_args!("done config {}", life.config));

    for _ in 0..EVENTS_A_ROUND {
        if life.in_log >= EVENTS_AN_ARCHIVE {
            move_over(near, EVENTS, far, archive(life.archives + 1).as_str())?;
            life.archives += 1;
            life.in_log = 0;
        }
        life.events += 1;
        life.in_log += 1;
        console.line(format_args!("try events {}", life.events));
        complete(calls::append(near, EVENTS, life.events, life.events + 1))?;
        console.line(format_args!("done events {}", life.events));
    }

    if life.config.is_multiple_of(ROUNDS_A_RECORDING) {
        life.recording += 1;
        let number = life.recording;
        console.line(format_args!("try recording {number}"));
        let (head, bytes) = (number.to_le_bytes(), recording_bytes(number));
        complete(calls::make(near, RECORDING, &head, number, bytes))?;
        move_over(near, RECORDING, far, RECORDING)?;
        console.line(format_args!("done recording {number}"));
    }
    Ok(())
}

/// Moves a file from one volume to the other: when its name is gone here it is there, whole.
#[inline(never)]
fn move_over<A: BlockDevice, B: BlockDevice>(
    near: &Volume<'_, A>,
    path: &str,
    far: &Volume<'_, B>,
    target: &str,
) -> core::result::Result<(), Failure> {
    complete(copy(near, path, far, PART))?;
    complete(calls::rename(far, PART, target))?;
    Ok(complete(calls::remove(near, path))?)
}

/// Finds out how far the lives before have come, compares every byte, and ends a move that was cut.
#[inline(never)]
fn find<A: BlockDevice, B: BlockDevice>(
    near: &Volume<'_, A>,
    far: &Volume<'_, B>,
) -> core::result::Result<Life, Failure> {
    match complete(calls::mkdir(far, ARCHIVE)) {
        Err(Error::Exists) => {}
        made => made?,
    }
    let config = match complete(calls::config_of(near, CONFIG)) {
        Err(Error::NotFound) => 0,
        number => number?.ok_or(Failure::Mismatch("a configuration, whole"))?,
    };
    let archives = archives_on(far)?;
    let archived = archives * EVENTS_AN_ARCHIVE;
    let unsound = Failure::Mismatch("events, whole and in order");
    let (from, to) = complete(calls::events_of(near, EVENTS))?.ok_or(unsound)?;
    let in_log = if (from, to) == (0, 0) {
        0
    } else if from == archived + 1 {
        to - from
    } else {
        // The log is there and here: the archive was cut before the removal.
        let is_moved = from + EVENTS_AN_ARCHIVE == to && to == archived + 1;
        expect(is_moved, "no event between log and archive")?;
        complete(calls::remove(near, EVENTS))?;
        0
    };
    let recording = recording_on(far)?;
    Ok(Life { config, events: archived + in_log, in_log, archives, recording })
}

/// How many archives there are, each whole and none missing.
#[inline(never)]
fn archives_on<B: BlockDevice>(far: &Volume<'_, B>) -> core::result::Result<u32, Failure> {
    let names = complete(calls::names_in(far, ARCHIVE))? as u32;
    for number in 1..=names {
        let from = (number - 1) * EVENTS_AN_ARCHIVE + 1;
        let found = complete(calls::events_of(far, archive(number).as_str()))?;
        expect(found == Some((from, from + EVENTS_AN_ARCHIVE)), "an archive, whole")?;
    }
    Ok(names)
}

/// The number of the recording that was moved last, compared to its end.
#[inline(never)]
fn recording_on<B: BlockDevice>(far: &Volume<'_, B>) -> core::result::Result<u32, Failure> {
    match complete(calls::first_number(far, RECORDING)) {
        Err(Error::NotFound) => Ok(0),
        number => {
            let number = number?.ok_or(Failure::Mismatch("a recording with its number"))?;
            let (head, bytes) = (number.to_le_bytes(), recording_bytes(number));
            let same = calls::is_made(far, RECORDING, &head, number, bytes);
            expect(complete(same)?, "a recording, whole")?;
            Ok(number)
        }
    }
}
