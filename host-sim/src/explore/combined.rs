//! A cut and something else, and media that get worse by being read.
//!
//! What the medium promises does not hold here, so less is demanded: what is read is one state
//! that the volume had, whole, or an error. A block that reports its damage loses nothing.

use super::cutter::Cutter;
use super::engine::noise_of;
use super::outcome::Fault;
use super::play::{Call, Recording, fuse};
use super::rot::{Wanted, flip_before, is_loud, look, look_only, look_with};
use super::suite::What;
use crate::fault::{Bad, Faults, TearMode};
use crate::image::{Image, Op, SECTOR};
use crate::model::Tree;
use crate::rng::{Rng, mix};
use crate::scenario::Scenario;
use crate::subject::Subject;

/// Programs of the part of the run that is cut, in the modes that differ.
fn cuts(recording: &Recording) -> impl Iterator<Item = (usize, TearMode)> + '_ {
    let log = recording.log.iter().enumerate();
    let programs = log.filter(|(_, op)| matches!(op, Op::Program { .. }));
    let loud = programs.filter(|(entry, _)| is_loud(recording, *entry));
    loud.flat_map(|(entry, op)| recording.spec.tears(op).iter().map(move |tear| (entry, *tear)))
}

/// Cuts after each of which the allocation unit around the write is damaged (F12).
pub(super) fn units(recording: &Recording) -> Vec<What> {
    cuts(recording).map(|(entry, tear)| What::Unit { entry, tear }).collect()
}

/// Cuts after each of which a bit of something older has flipped (F1 with F14).
pub(super) fn cut_and_rot(recording: &Recording, rng: &mut Rng) -> Vec<What> {
    let flip = |(entry, tear)| {
        let (at, bit) = flip_before(recording, entry, rng)?;
        Some(What::CutRot { entry, tear, at, bit })
    };
    cuts(recording).filter_map(flip).collect()
}

/// Cuts after each of which a block is bad (F1 with F9).
pub(super) fn cut_and_bad(recording: &Recording, rng: &mut Rng) -> Vec<What> {
    let blocks = u64::from(recording.spec.blocks);
    let bad = |(entry, tear)| {
        let number = u32::try_from(rng.below(blocks)).unwrap_or(0);
        What::CutBad { entry, tear, number, programs: rng.chance(1, 2) }
    };
    cuts(recording).map(bad).collect()
}

/// Sectors of what was programmed and is there at the end, that cannot be read (F8, F13).
pub(super) fn unreadable(recording: &Recording) -> Vec<What> {
    let log = recording.log.iter();
    let programs = log.filter(|op| matches!(op, Op::Program { .. }));
    let mut sectors: Vec<u64> = programs.map(|op| op.range().0 / SECTOR * SECTOR).collect();
    sectors.sort_unstable();
    sectors.dedup();
    sectors.into_iter().map(|at| What::Unreadable { at }).collect()
}

/// Bits that flip after so many reads of a block (F7).
pub(super) fn reads(each: u64) -> Vec<What> {
    let every = |number: u64| 4 << (number % 7);
    (0..each.min(70)).map(|number| What::Reads { every: every(number), seed: number }).collect()
}

/// What a cut during an entry leaves, with the power back.
fn cut_image(recording: &Recording, entry: usize, tear: TearMode, seed: u64) -> Image {
    let mut cutter = Cutter::new(recording.spec, recording.start.clone());
    for op in recording.log.iter().take(entry) {
        cutter.advance(op);
    }
    let Some(op) = recording.log.get(entry) else { return cutter.image().clone() };
    let mut image = cutter.torn(op, tear, seed);
    let noise = noise_of(&image, seed);
    image.set_noise(noise, noise & 2 != 0);
    image.power_on();
    image
}

fn call_of(recording: &Recording, entry: usize) -> Result<&Call, Fault> {
    recording
        .call_at(entry)
        .ok_or_else(|| Fault::new("replay", format!("no call made entry {entry}")))
}

/// Every state that the volume had before the cut, and those that the call in flight leaves.
fn states(recording: &Recording, entry: usize) -> Result<Vec<&Tree>, Fault> {
    let mut states = recording.states_until(entry);
    states.extend(call_of(recording, entry)?.allowed.trees.iter().map(|tree| &**tree));
    Ok(states)
}

/// After a cut that damaged other sectors of the allocation unit: some cannot be read, some hold
/// garbage; in a volume with file data in blocks, whose garbage nothing shows, none does.
///
/// # Errors
/// What was wrong and not an error.
pub(super) fn unit(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    entry: usize,
    tear: TearMode,
    seed: u64,
) -> Result<u32, Fault> {
    let key = mix(mix(seed, entry as u64), tear as u64);
    let mut image = cut_image(recording, entry, tear, key);
    let (at, bytes) = recording.log.get(entry).map_or((0, 0), Op::range);
    image.damage_unit(at, bytes, key, !recording.has_data());
    look(subject, scenario, recording, &image, &Wanted::some(states(recording, entry)?))
}

/// After a cut and a flipped bit.
///
/// # Errors
/// What was wrong and not an error.
pub(super) fn cut_rot(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    (entry, tear): (usize, TearMode),
    (at, bit): (u64, u8),
    seed: u64,
) -> Result<u32, Fault> {
    let mut image = cut_image(recording, entry, tear, mix(seed, entry as u64));
    image.flip(at, bit);
    look(subject, scenario, recording, &image, &Wanted::some(states(recording, entry)?))
}

/// After a cut, on a chip with a bad block: the state before or after the call in flight, and a
/// read-only mount shows it without an error; what writes may fail.
///
/// # Errors
/// What did not hold.
pub(super) fn cut_bad(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    (entry, tear): (usize, TearMode),
    (number, programs): (u32, bool),
    seed: u64,
) -> Result<u32, Fault> {
    let image = cut_image(recording, entry, tear, mix(seed, entry as u64));
    let bad = if programs { Bad::ProgramFails } else { Bad::EraseFails };
    let faults = Faults { seed, bad: [(number, bad)].into(), ..fuse() };
    let trees = &call_of(recording, entry)?.allowed.trees;
    let wanted = Wanted::some(trees.iter().map(|tree| &**tree).collect());
    let mounts = look_only(subject, scenario, recording, &image, &wanted.without_errors())?;
    Ok(mounts + look_with(subject, scenario, recording, &image, &wanted, &faults)?)
}

/// With a sector that cannot be read: one of an anchor block costs nothing, for the other one
/// leads to everything; else a state that the volume had, or errors.
///
/// # Errors
/// What did not hold.
pub(super) fn lost_sector(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    at: u64,
) -> Result<u32, Fault> {
    let mut cutter = Cutter::new(recording.spec, recording.start.clone());
    recording.log.iter().for_each(|op| cutter.advance(op));
    let mut image = cutter.image().clone();
    image.lose_sectors(at, 1);
    let states = recording.states_until(usize::MAX);
    let anchor = super::rot::is_anchor_at(recording, at);
    let wanted =
        if anchor && subject.has_anchors() { Wanted::last(&states) } else { Wanted::some(states) };
    look(subject, scenario, recording, &image, &wanted)
}

/// With bits that flip while the volume is read.
///
/// # Errors
/// What was wrong and not an error.
pub(super) fn disturbed_reads(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    every: u64,
    seed: u64,
) -> Result<u32, Fault> {
    let mut cutter = Cutter::new(recording.spec, recording.start.clone());
    recording.log.iter().for_each(|op| cutter.advance(op));
    let faults = Faults { seed, disturb: Some(every), ..fuse() };
    let wanted = Wanted::some(recording.states_until(usize::MAX));
    look_with(subject, scenario, recording, cutter.image(), &wanted, &faults)
}
