//! A device in the field. It goes on from what it finds, for some rounds, and says before each
//! change what it will be, and after it that it is durable: `try WHAT NUMBER`, `done WHAT NUMBER`.
//! Whoever cuts its power compares that with the next life's first words, `found WHAT NUMBER`:
//! what was found is what was done last, or what was tried and not done.
//!
//! The content itself is compared here, byte for byte: a configuration that is rewritten, a log
//! that is appended to, record by record, and rotated by a rename over the one before, a recording
//! that is made aside and renamed over the last one.

use super::vellum::Volume;
use super::vellum::device::BlockDevice;
use super::{calls, complete};
use crate::content::{config, recording_bytes};
use crate::{Console, Failure, expect};
use fs_core::{Error, Memory};

const CONFIG: &str = "/config";
const EVENTS: &str = "/events";
const OLD_EVENTS: &str = "/events.old";
const RECORDING: &str = "/recording";
const PART: &str = "/recording.part";

/// Events that are appended in a round.
const EVENTS_A_ROUND: u32 = 3;
/// Events in a log that is rotated.
pub const EVENTS_MAX: u32 = 40;
/// Rounds from one recording to the next.
const ROUNDS_A_RECORDING: u32 = 3;

/// How far this device has come: numbers of things, of which the first has 1.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Life {
    pub config: u32,
    pub events: u32,
    /// Of those, how many are in the log that is appended to.
    pub in_log: u32,
    pub recording: u32,
}

impl Life {
    /// Says what was found.
    pub fn tell(&self, console: &dyn Console) {
        console.line(format_args!("found config {}", self.config));
        console.line(format_args!("found events {}", self.events));
        console.line(format_args!("found recording {}", self.recording));
    }
}

/// Lives for `rounds` rounds. A blank device is formatted.
///
/// # Errors
/// What went wrong first, or what was found that cannot be.
#[inline(never)]
pub fn run<D: BlockDevice>(
    console: &dyn Console,
    device: &mut D,
    memory: &mut Memory,
    uuid: [u8; 16],
    rounds: u32,
) -> Result<(), Failure> {
    let volume = complete(calls::mount_or_format(device, memory, uuid))?;
    console.line(format_args!("mounted"));
    complete(calls::check(&volume))?;
    let mut life = find(&volume)?;
    life.tell(console);
    for _ in 0..rounds {
        round(console, &volume, &mut life)?;
    }
    complete(volume.unmount())?;
    console.line(format_args!("parked"));
    Ok(())
}

#[inline(never)]
fn round<D: BlockDevice>(
    console: &dyn Console,
    volume: &Volume<'_, D>,
    life: &mut Life,
) -> Result<(), Failure> {
    life.config += 1;
    console.line(format_args!("try config {}", life.config));
    complete(calls::replace(volume, CONFIG, &config(life.config)))?;
    console.line(format_args!("done config {}", life.config));

    if life.in_log >= EVENTS_MAX {
        complete(calls::rename(volume, EVENTS, OLD_EVENTS))?;
        life.in_log = 0;
    }
    for _ in 0..EVENTS_A_ROUND {
        life.events += 1;
        life.in_log += 1;
        console.line(format_args!("try events {}", life.events));
        complete(calls::append(volume, EVENTS, life.events, life.events + 1))?;
        console.line(format_args!("done events {}", life.events));
    }

    if life.config.is_multiple_of(ROUNDS_A_RECORDING) {
        life.recording += 1;
        let number = life.recording;
        console.line(format_args!("try recording {number}"));
        let (head, bytes) = (number.to_le_bytes(), recording_bytes(number));
        complete(calls::make(volume, PART, &head, number, bytes))?;
        complete(calls::rename(volume, PART, RECORDING))?;
        console.line(format_args!("done recording {number}"));
    }
    Ok(())
}

/// Finds out how far the lives before have come, and compares every byte.
///
/// # Errors
/// What went wrong first, or what was found that cannot be.
#[inline(never)]
pub fn find<D: BlockDevice>(volume: &Volume<'_, D>) -> Result<Life, Failure> {
    let config = match complete(calls::config_of(volume, CONFIG)) {
        Err(Error::NotFound) => 0,
        number => number?.ok_or(Failure::Mismatch("a configuration, whole"))?,
    };
    let unsound = Failure::Mismatch("events, whole and in order");
    let (old_from, old_to) = complete(calls::events_of(volume, OLD_EVENTS))?.ok_or(unsound)?;
    let unsound = Failure::Mismatch("events, whole and in order");
    let (from, to) = complete(calls::events_of(volume, EVENTS))?.ok_or(unsound)?;
    let in_log = to - from;
    let events = if in_log > 0 {
        expect(old_to == old_from && from == 1 || old_to == from, "no event between the logs")?;
        to - 1
    } else {
        old_to.saturating_sub(1)
    };
    let recording = match complete(calls::first_number(volume, RECORDING)) {
        Err(Error::NotFound) => 0,
        number => {
            let number = number?.ok_or(Failure::Mismatch("a recording with its number"))?;
            let (head, bytes) = (number.to_le_bytes(), recording_bytes(number));
            let same = calls::is_made(volume, RECORDING, &head, number, bytes);
            expect(complete(same)?, "a recording, whole")?;
            number
        }
    };
    Ok(Life { config, events, in_log, recording })
}
