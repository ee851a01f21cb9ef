//! Three tasks on one volume at once, as an executor runs them: a logger that appends, syncs and
//! rotates, a program that rewrites its configuration under a new name and renames it over the old
//! one, and a recorder that makes a file in many small writes, renames it and reads it back, every
//! byte compared. It exists in the asynchronous colour only.
//!
//! **What it shows.** The operations really overlap: each is counted from its call to its answer,
//! and [`close`] refuses a run in which the three were not in flight at once, or in which they took
//! turns of whole files.
//!
//! **After a power cut** each task's promises hold by themselves. The words are those of `live`,
//! `try WHAT NUMBER` and `done WHAT NUMBER`, so whoever cuts the power compares in the same way.

use super::live::{EVENTS_MAX, Life, find};
use super::vellum::Volume;
use super::vellum::device::BlockDevice;
use super::{calls, complete};
use crate::content::{Pattern, config, event, recording_bytes};
use crate::phase::Phase;
use crate::{Console, Failure, expect};
use core::cell::Cell;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use fs_core::{FormatOptions, Memory, MountOptions, OpenOptions, Result};

const CONFIG: &str = "/config";
const NEW_CONFIG: &str = "/config.new";
const EVENTS: &str = "/events";
const OLD_EVENTS: &str = "/events.old";
const RECORDING: &str = "/recording";
const PART: &str = "/recording.part";

/// Tasks that work on the volume.
const TASKS: u32 = 3;

/// What the program lends the filesystem: a draft for each task, for each has content that is not
/// committed, and a file in use for each beside what its operation passes through.
pub type Lent = Memory<2048, 9, 3>;

/// How much the three do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rewrites of the configuration.
    pub rewrites: u32,
    /// Events of the logger.
    pub events: u32,
    /// Recordings.
    pub recordings: u32,
    /// Bytes of each recording; if not said, each has a size of its own.
    pub recording: Option<u32>,
    /// Whether each change is announced, for whoever cuts the power.
    pub says: bool,
}

impl Plan {
    /// What is measured.
    pub const TOUR: Self =
        Self { rewrites: 50, events: 100, recordings: 1, recording: Some(100_001), says: false };

    /// `rounds` rounds of a device in the field.
    pub const fn rounds(rounds: u32) -> Self {
        let recordings = rounds.div_ceil(3);
        Self { rewrites: rounds, events: 3 * rounds, recordings, recording: None, says: true }
    }

    fn recording_bytes(&self, number: u32) -> u32 {
        self.recording.unwrap_or_else(|| recording_bytes(number))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Logger,
    Settings,
    Recorder,
}

/// How the operations of the tasks met.
#[derive(Debug, Default)]
struct Traffic {
    in_flight: Cell<u32>,
    most: Cell<u32>,
    begun: Cell<u32>,
    ended: Cell<u32>,
    /// Operations that found another task's in flight when they began.
    met: Cell<u32>,
    /// Operations during which another task's came to its end.
    crossed: Cell<u32>,
    /// Ends that were not of the task whose operation ended last.
    turns: Cell<u32>,
    last: Cell<Option<Who>>,
}

/// An operation in flight, until dropped.
struct Step<'a> {
    traffic: &'a Traffic,
    who: Who,
    ended_before: u32,
}

fn count(counter: &Cell<u32>, is_one: bool) {
    counter.set(counter.get() + u32::from(is_one));
}

impl Traffic {
    fn step(&self, who: Who) -> Step<'_> {
        let others = self.in_flight.get();
        self.in_flight.set(others + 1);
        self.most.set(self.most.get().max(others + 1));
        count(&self.begun, true);
        count(&self.met, others > 0);
        Step { traffic: self, who, ended_before: self.ended.get() }
    }

    fn tell(&self, console: &dyn Console) {
        console.line(format_args!(
            "tasks operations={} met={} crossed={} turns={} most_at_once={}",
            self.ended.get(),
            self.met.get(),
            self.crossed.get(),
            self.turns.get(),
            self.most.get()
        ));
    }

    /// Whether the tasks were at work at once, and not one after the other.
    fn was_shared(&self) -> bool {
        let half = self.begun.get() / 2;
        let is_shared = self.met.get() > half && self.crossed.get() > half / 2;
        is_shared && self.most.get() == TASKS && self.turns.get() > half / 2
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        let traffic = self.traffic;
        traffic.in_flight.set(traffic.in_flight.get() - 1);
        count(&traffic.crossed, traffic.ended.get() != self.ended_before);
        count(&traffic.ended, true);
        count(&traffic.turns, traffic.last.replace(Some(self.who)) != Some(self.who));
    }
}

/// One operation, counted. Not a function that takes a future: that would lie in the task twice.
macro_rules! step {
    ($room:ident, $who:ident, $operation:expr) => {{
        let step = $room.traffic.step(Who::$who);
        let result = $operation.await;
        drop(step);
        result?
    }};
}

/// What the tasks share.
pub struct Room<'m, D: BlockDevice> {
    volume: Volume<'m, D>,
    console: &'static dyn Console,
    plan: Plan,
    /// How far the lives before have come.
    before: Life,
    traffic: Traffic,
    working: Cell<u32>,
    failure: Cell<Option<Failure>>,
    waiting: Cell<Option<Waker>>,
}

fn options(uuid: [u8; 16]) -> FormatOptions {
    FormatOptions { uuid, hash_seed: *b"not a secret one", ..FormatOptions::default() }
}

#[inline(never)]
async fn format<D: BlockDevice>(device: &mut D, memory: &mut Lent, uuid: [u8; 16]) -> Result<()> {
    Volume::format(device, memory, &options(uuid)).await
}

#[inline(never)]
async fn mount<'m, D: BlockDevice>(
    device: &'m mut D,
    memory: &'m mut Lent,
) -> Result<Volume<'m, D>> {
    Volume::mount(device, memory, MountOptions::default()).await
}

#[inline(never)]
async fn mount_or_format<'m, D: BlockDevice>(
    device: &'m mut D,
    memory: &'m mut Lent,
    uuid: [u8; 16],
) -> Result<Volume<'m, D>> {
    Volume::mount_or_format(device, memory, MountOptions::default(), &options(uuid)).await
}

impl<'m, D: BlockDevice> Room<'m, D> {
    /// For the tour: what was on the device is lost.
    ///
    /// # Errors
    /// The volume's.
    #[inline(never)]
    pub fn new(
        console: &'static dyn Console,
        device: &'m mut D,
        memory: &'m mut Lent,
        uuid: [u8; 16],
    ) -> core::result::Result<Self, Failure> {
        console.line(format_args!(
            "ram mounted={} memory={} volume={}",
            size_of::<Lent>() + size_of::<Volume<'_, D>>(),
            size_of::<Lent>(),
            size_of::<Volume<'_, D>>()
        ));
        let phase = Phase::begin("format");
        complete(format(device, memory, uuid))?;
        phase.end(console);
        let phase = Phase::begin("mount, new");
        let volume = complete(mount(device, memory))?;
        phase.end(console);
        Ok(Self::with(console, volume, Plan::TOUR, Life::default()))
    }

    /// For a device in the field, which goes on from what it finds, `rounds` rounds.
    ///
    /// # Errors
    /// The volume's, or what was found that cannot be.
    #[inline(never)]
    pub fn found(
        console: &'static dyn Console,
        device: &'m mut D,
        memory: &'m mut Lent,
        uuid: [u8; 16],
        rounds: u32,
    ) -> core::result::Result<Self, Failure> {
        let volume = complete(mount_or_format(device, memory, uuid))?;
        console.line(format_args!("mounted"));
        complete(calls::check(&volume))?;
        let before = find(&volume)?;
        before.tell(console);
        Ok(Self::with(console, volume, Plan::rounds(rounds), before))
    }

    fn with(
        console: &'static dyn Console,
        volume: Volume<'m, D>,
        plan: Plan,
        before: Life,
    ) -> Self {
        let (traffic, working) = (Traffic::default(), Cell::new(TASKS));
        let (failure, waiting) = (Cell::new(None), Cell::new(None));
        Self { volume, console, plan, before, traffic, working, failure, waiting }
    }

    fn say(&self, verb: &str, what: &str, number: u32) {
        if self.plan.says {
            self.console.line(format_args!("{verb} {what} {number}"));
        }
    }

    /// A task is over.
    fn leave(&self, result: core::result::Result<(), Failure>) {
        if let Err(failure) = result {
            self.failure.set(Some(failure));
        }
        self.working.set(self.working.get() - 1);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Waits until all tasks are over.
    async fn all(&self) -> core::result::Result<(), Failure> {
        poll_fn(|context| {
            if self.working.get() == 0 {
                return Poll::Ready(());
            }
            self.waiting.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
        self.failure.take().map_or(Ok(()), Err)
    }
}

/// The task that appends events, each durable before the next, and rotates its log.
pub async fn logger<D: BlockDevice>(room: &Room<'_, D>) {
    room.leave(log(room).await);
}

async fn log<D: BlockDevice>(room: &Room<'_, D>) -> core::result::Result<(), Failure> {
    let volume = &room.volume;
    let append = OpenOptions::new().append().create();
    let mut in_log = room.before.in_log;
    let mut file = step!(room, Logger, volume.open(EVENTS, append));
    for number in room.before.events + 1..=room.before.events + room.plan.events {
        if in_log >= EVENTS_MAX {
            step!(room, Logger, volume.close(file));
            step!(room, Logger, volume.rename(EVENTS, OLD_EVENTS));
            file = step!(room, Logger, volume.open(EVENTS, append));
            in_log = 0;
        }
        in_log += 1;
        room.say("try", "events", number);
        step!(room, Logger, volume.write_at(file, 0, &event(number)));
        step!(room, Logger, volume.sync_file(file));
        room.say("done", "events", number);
    }
    step!(room, Logger, volume.close(file));
    Ok(())
}

/// The task that rewrites its configuration: under a new name first, then renamed over the old one.
pub async fn settings<D: BlockDevice>(room: &Room<'_, D>) {
    room.leave(rewrite(room).await);
}

async fn rewrite<D: BlockDevice>(room: &Room<'_, D>) -> core::result::Result<(), Failure> {
    let volume = &room.volume;
    let anew = OpenOptions::new().write().create().truncate();
    for number in room.before.config + 1..=room.before.config + room.plan.rewrites {
        room.say("try", "config", number);
        let file = step!(room, Settings, volume.open(NEW_CONFIG, anew));
        step!(room, Settings, volume.write_at(file, 0, &config(number)));
        step!(room, Settings, volume.close(file));
        step!(room, Settings, volume.rename(NEW_CONFIG, CONFIG));
        room.say("done", "config", number);
    }
    Ok(())
}

/// The task that records, and reads what it has recorded, byte for byte.
pub async fn recorder<D: BlockDevice>(room: &Room<'_, D>) {
    room.leave(record(room).await);
}

async fn record<D: BlockDevice>(room: &Room<'_, D>) -> core::result::Result<(), Failure> {
    let volume = &room.volume;
    for number in room.before.recording + 1..=room.before.recording + room.plan.recordings {
        room.say("try", "recording", number);
        make(room, number).await?;
        step!(room, Recorder, volume.rename(PART, RECORDING));
        room.say("done", "recording", number);
        compare(room, number).await?;
    }
    Ok(())
}

/// The bytes of a recording: its number, and the pattern of that.
fn bytes_of(number: u32) -> impl Iterator<Item = u8> {
    number.to_le_bytes().into_iter().chain(Pattern::new(number))
}

async fn make<D: BlockDevice>(
    room: &Room<'_, D>,
    number: u32,
) -> core::result::Result<(), Failure> {
    let volume = &room.volume;
    let anew = OpenOptions::new().write().create().truncate();
    let file = step!(room, Recorder, volume.open(PART, anew));
    let mut bytes = bytes_of(number).take(room.plan.recording_bytes(number) as usize);
    let mut at = 0;
    loop {
        let mut chunk = [0; calls::CHUNK];
        let mut used = 0;
        for (place, byte) in chunk.iter_mut().zip(&mut bytes) {
            *place = byte;
            used += 1;
        }
        if used == 0 {
            break;
        }
        step!(room, Recorder, volume.write_at(file, at, &chunk[..used]));
        at += used as u64;
    }
    step!(room, Recorder, volume.close(file));
    Ok(())
}

async fn compare<D: BlockDevice>(
    room: &Room<'_, D>,
    number: u32,
) -> core::result::Result<(), Failure> {
    let volume = &room.volume;
    let file = step!(room, Recorder, volume.open(RECORDING, OpenOptions::READ));
    let mut wanted = bytes_of(number).take(room.plan.recording_bytes(number) as usize);
    let mut at = 0;
    loop {
        let mut found = [0; calls::CHUNK];
        let used = step!(room, Recorder, volume.read_at(file, at, &mut found));
        if used == 0 {
            break;
        }
        let is_same = found[..used].iter().all(|byte| wanted.next() == Some(*byte));
        expect(is_same, "a recording, byte for byte")?;
        at += used as u64;
    }
    expect(wanted.next().is_none(), "a recording, to its end")?;
    step!(room, Recorder, volume.close(file));
    Ok(())
}

/// The task that waits for the three, compares what they have left, and ends the life of the
/// volume. `phase` is the one in which they work, if that is measured.
///
/// # Errors
/// What went wrong first in one of them; `Mismatch` if they were not at work at once.
pub async fn close<D: BlockDevice>(
    room: &Room<'_, D>,
    phase: Option<Phase>,
) -> core::result::Result<(), Failure> {
    room.all().await?;
    let is_measured = phase.is_some();
    phase.into_iter().for_each(|phase| phase.end(room.console));
    room.traffic.tell(room.console);
    expect(room.traffic.was_shared(), "tasks at work at once")?;
    verify(room).await?;
    let phase = is_measured.then(|| Phase::begin("check"));
    calls::check(&room.volume).await?;
    phase.into_iter().for_each(|phase| phase.end(room.console));
    let phase = is_measured.then(|| Phase::begin("park"));
    room.volume.park().await?;
    phase.into_iter().for_each(|phase| phase.end(room.console));
    room.console.line(format_args!("parked"));
    Ok(())
}

/// Compares what is there with what must be, and tells it.
async fn verify<D: BlockDevice>(room: &Room<'_, D>) -> core::result::Result<(), Failure> {
    let (volume, console, before, plan) = (&room.volume, room.console, room.before, room.plan);
    let last = before.config + plan.rewrites;
    let found = calls::config_of(volume, CONFIG).await?;
    expect(found == Some(last), "the configuration, as it was rewritten last")?;
    console.line(format_args!("left {CONFIG} config {last}"));

    let end = before.events + plan.events + 1;
    let unsound = Failure::Mismatch("events, whole and in order");
    let (from, to) = calls::events_of(volume, EVENTS).await?.ok_or(unsound)?;
    let unsound = Failure::Mismatch("events, whole and in order");
    let (old_from, old_to) = calls::events_of(volume, OLD_EVENTS).await?.ok_or(unsound)?;
    expect(to == end && (old_to == 0 || old_to == from), "every event")?;
    console.line(format_args!("left {EVENTS} events {from} {to}"));
    if old_to > 0 {
        console.line(format_args!("left {OLD_EVENTS} events {old_from} {old_to}"));
    }

    let number = before.recording + plan.recordings;
    let (head, bytes) = (number.to_le_bytes(), plan.recording_bytes(number));
    let is_made = calls::is_made(volume, RECORDING, &head, number, bytes).await?;
    expect(is_made, "the recording, to the end")?;
    console.line(format_args!("left {RECORDING} recording {number} {bytes}"));
    Ok(())
}
