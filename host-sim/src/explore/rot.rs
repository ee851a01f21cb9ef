//! Damage that nobody reported: what is read is right, or an error.

use fs_core::error::Error;
use fs_core::format::record::{Header, RecordKind};

use super::cutter::Cutter;
use super::outcome::Fault;
use super::play::{Recording, fuse, record_lines};
use super::suite::What;
use crate::chip::Nor;
use crate::fault::Faults;
use crate::image::{Image, Op};
use crate::model::{Entry, Op as Call, Tree};
use crate::rng::Rng;
use crate::scenario::Scenario;
use crate::subject::{Ending, Listed, Mounted, Mounting, Subject};

/// A bit of something that was programmed and is still there at the end.
pub(super) fn flip(recording: &Recording, rng: &mut Rng) -> Option<What> {
    let (at, bit) = flip_before(recording, recording.log.len(), rng)?;
    Some(What::Flip { at, bit })
}

/// A bit of something that was programmed before entry `until` and is still there then.
pub(super) fn flip_before(recording: &Recording, until: usize, rng: &mut Rng) -> Option<(u64, u8)> {
    let log = recording.log.get(..until).filter(|log| !log.is_empty())?;
    let end = image_at(recording, until, |_, _| true);
    for _ in 0..64 {
        let entry = &log[rng.index(log.len())];
        let Op::Program { at, bytes } = entry else { continue };
        let index = rng.index(bytes.len());
        let mut found = [0];
        end.peek(at + index as u64, &mut found);
        if found[0] == bytes[index] {
            let bit = u8::try_from(rng.below(8)).unwrap_or(0);
            return Some((at + index as u64, bit));
        }
    }
    None
}

/// Whether an entry of the log belongs to a call that the power may be cut in.
pub(super) fn is_loud(recording: &Recording, entry: usize) -> bool {
    recording.call_at(entry).is_some_and(|call| !call.quiet)
}

/// The ends of the calls behind `entry`: its own, those of some more, and the last one before
/// `end`.
fn moments(recording: &Recording, entry: usize, end: usize) -> Vec<usize> {
    let ends: Vec<usize> = recording.calls.iter().map(|call| call.end).collect();
    let behind = ends.into_iter().filter(|at| *at > entry && *at <= end);
    let behind: Vec<usize> = behind.collect();
    let mut chosen: Vec<usize> = behind.iter().take(3).copied().collect();
    chosen.extend(behind.last());
    chosen.dedup();
    chosen
}

/// A program and a moment before the next mount, which would have to live with its loss. A lost
/// anchor entry is looked at for as long as it is the newest.
pub(super) fn lost(recording: &Recording) -> Vec<What> {
    let log = &recording.log;
    let mut all = Vec::new();
    for (entry, op) in log.iter().enumerate() {
        if !matches!(op, Op::Program { .. }) || !is_loud(recording, entry) {
            continue;
        }
        let own = recording.call_at(entry).map_or(entry, |call| call.end);
        let next = |op: &Op| *op == Op::PowerOn || (is_anchor(recording, op) && changes(op));
        let end = log[own..].iter().position(next).map_or(log.len(), |behind| own + behind);
        let moments = moments(recording, entry, end).into_iter();
        all.extend(moments.map(|until| What::Lost { entry, until }));
    }
    all
}

/// An erase in the part of the run that is cut, and a moment after it.
pub(super) fn stale(recording: &Recording) -> Vec<What> {
    let log = &recording.log;
    let erases =
        (0..log.len()).filter(|at| matches!(log[*at], Op::Erase { .. }) && is_loud(recording, *at));
    let each = |entry| {
        let moments = moments(recording, entry, log.len()).into_iter();
        moments.map(move |until| What::Stale { entry, until })
    };
    erases.flat_map(each).collect()
}

/// A header of a journal block, and a moment at which that block is still what it was then. Later a
/// node may be there, and the one of the other run is right by all that is checked.
pub(super) fn twins(recording: &Recording, twin: &Recording) -> Vec<What> {
    let log = &recording.log;
    let same = |(own, other): (&Op, &Op)| own.range() == other.range();
    let same = log.iter().zip(&twin.log).take_while(|pair| same(*pair)).count();
    // A header behind records that are the same in both runs belongs to either of them.
    let checksum = |op: &Op| record_in(op).map(|record| record.checksum);
    let alike = |(own, other): &(&Op, &Op)| checksum(own) == checksum(other);
    let alike = log.iter().zip(&twin.log).take_while(alike).count();
    let mut all = Vec::new();
    let headers = (0..same).filter(|entry| is_header(recording, &log[*entry]));
    for entry in headers.filter(|entry| *entry > alike) {
        let (at, _) = log[entry].range();
        let session = record_in(&log[entry]).map(|header| header.session);
        // Where nothing is erased a node's first page goes over the header.
        let other_use = |op: &Op| match op {
            Op::Program { .. } => record_in(op).map(|header| header.session) != session,
            _ => matches!(op, Op::Erase { .. }),
        };
        let other_use = |op: &Op| op.range().0 == at && op.range().1 > 0 && other_use(op);
        let end = log[entry..].iter().position(other_use).map_or(same, |behind| entry + behind);
        let moments = moments(recording, entry, end.min(same)).into_iter();
        all.extend(moments.map(|until| What::Twin { entry, until }));
    }
    all
}

/// The first or last block, where the anchors are.
fn is_anchor(recording: &Recording, op: &Op) -> bool {
    let (at, length) = op.range();
    length > 0 && is_anchor_at(recording, at)
}

/// Whether a byte lies in the first or last block.
pub(super) fn is_anchor_at(recording: &Recording, at: u64) -> bool {
    let block = recording.spec.block_bytes();
    at < block || at >= recording.start.size() - block
}

/// Whether it is more than a strike.
fn changes(op: &Op) -> bool {
    match op {
        Op::Program { bytes, .. } => bytes.iter().any(|byte| *byte != 0),
        _ => true,
    }
}

/// The header of the record that a program begins with.
fn record_in(op: &Op) -> Option<Header> {
    let Op::Program { bytes, .. } = op else { return None };
    bytes.first_chunk().and_then(|bytes| Header::decode(bytes).ok())
}

fn is_header(recording: &Recording, op: &Op) -> bool {
    let begins =
        op.range().0.is_multiple_of(recording.spec.block_bytes()) && !is_anchor(recording, op);
    begins && record_in(op).is_some_and(|header| header.kind == RecordKind::Header)
}

/// Another run of `scenario`: every byte that is written to a file is another one.
///
/// # Errors
/// What an uncut run can fail with.
pub(super) fn twin_of(
    subject: &dyn Subject,
    scenario: &Scenario,
    seed: u64,
) -> Result<Recording, Fault> {
    let mut lines = scenario.script(seed).lines().to_vec();
    for line in &mut lines {
        match &mut line.op {
            Call::Replace(_, bytes)
            | Call::Write(_, _, bytes)
            | Call::Transfer(_, bytes)
            | Call::Complete(_, _, _, bytes, _) => {
                for byte in bytes.iter_mut() {
                    *byte ^= 1;
                }
            }
            _ => {}
        }
    }
    record_lines(subject, scenario, &lines, seed)
}

/// With a journal block that another run of the volume wrote: one state that the volume had, or
/// errors; never anything of the other run.
///
/// # Errors
/// What was wrong and not an error.
pub(super) fn exchanged(
    subject: &dyn Subject,
    scenario: &Scenario,
    [recording, twin]: [&Recording; 2],
    entry: usize,
    until: usize,
) -> Result<u32, Fault> {
    let (at, _) = recording.log.get(entry).map_or((0, 0), Op::range);
    let block = usize::try_from(recording.spec.block_bytes()).unwrap_or(0);
    let mut bytes = vec![0; block];
    image_at(twin, until, |_, _| true).peek(at, &mut bytes);
    let mut image = image_at(recording, until, |_, _| true);
    image.set_bytes(at, &bytes);
    let wanted = Wanted::some(recording.states_until(until));
    look(subject, scenario, recording, &image, &wanted)
}

/// After an erase that never happened, nor anything after it in its range.
///
/// - Of an anchor block: the last state, for the other anchor block leads to it.
/// - Of the block that the journal opened last, when nothing else has been erased since: a state
///   that the volume had, for all that belongs to the one before is still there.
/// - Else a state that the volume had, or errors; never parts of several.
///
/// # Errors
/// What was wrong and not an error.
pub(super) fn older(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    entry: usize,
    until: usize,
) -> Result<u32, Fault> {
    let missing = || Fault::new("replay", format!("there is no entry {entry}"));
    let erase = recording.log.get(entry).ok_or_else(missing)?;
    let (at, bytes) = erase.range();
    let inside = |op: &Op| {
        let (first, length) = op.range();
        length > 0 && first >= at && first + length <= at + bytes
    };
    let image = image_at(recording, until, |number, op| number < entry || !inside(op));
    let since = recording.log.iter().take(until).skip(entry + 1);
    let erased = since.filter(|op| matches!(op, Op::Erase { .. }) && !inside(op));
    let (anchors, others): (Vec<&Op>, Vec<&Op>) = erased.partition(|op| is_anchor(recording, op));
    let states = recording.states_until(until);
    let headed = recording.log.get(entry + 1).is_some_and(|op| is_header(recording, op));
    let wanted = if !subject.has_anchors() {
        Wanted::some(states)
    } else if is_anchor(recording, erase) {
        Wanted::last(&states)
    } else if headed && others.is_empty() && anchors.len() < 2 {
        Wanted { strict: true, ..Wanted::some(states) }
    } else {
        Wanted::some(states)
    };
    look(subject, scenario, recording, &image, &wanted)
}

fn image_at_end(recording: &Recording) -> Image {
    image_at(recording, recording.log.len(), |_, _| true)
}

/// The chip after the first `until` entries of the log, of which only those happened that `happens`
/// says.
fn image_at(recording: &Recording, until: usize, happens: impl Fn(usize, &Op) -> bool) -> Image {
    let mut cutter = Cutter::new(recording.spec, recording.start.clone());
    for (number, op) in recording.log.iter().take(until).enumerate() {
        if happens(number, op) {
            cutter.advance(op);
        }
    }
    cutter.image().clone()
}

/// After a flipped bit: the last state or the one before it (the end of the log may have been
/// hit, which looks like a torn record), or errors.
///
/// # Errors
/// What was wrong and not an error.
pub(super) fn flipped(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    at: u64,
    bit: u8,
) -> Result<u32, Fault> {
    let mut image = image_at_end(recording);
    image.flip(at, bit);
    let mut states = recording.states_until(usize::MAX);
    states.drain(..states.len().saturating_sub(2));
    look(subject, scenario, recording, &image, &Wanted::some(states))
}

/// After a program that never happened: of an anchor block, the last state, for the entry before
/// leads to it; else one state that the volume had, or errors.
///
/// # Errors
/// What was wrong and not an error.
pub(super) fn without(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    entry: usize,
    until: usize,
) -> Result<u32, Fault> {
    let image = image_at(recording, until, |number, _| number != entry);
    let states = recording.states_until(until);
    let anchor = recording.log.get(entry).is_some_and(|op| is_anchor(recording, op));
    let wanted = match (subject.has_anchors(), anchor) {
        (true, true) => Wanted::last(&states),
        (true, false) => Wanted::some(states),
        (false, _) => Wanted { whole: false, ..Wanted::some(states) },
    };
    look(subject, scenario, recording, &image, &wanted)
}

/// What a damaged volume may show.
pub(super) struct Wanted<'a> {
    states: Vec<&'a Tree>,
    /// One of the states, not contents of several.
    whole: bool,
    /// No error is an answer.
    strict: bool,
}

impl<'a> Wanted<'a> {
    /// One of `states`, or errors.
    pub const fn some(states: Vec<&'a Tree>) -> Self {
        Self { states, whole: true, strict: false }
    }

    /// The last of `states`, and no error.
    pub fn last(states: &[&'a Tree]) -> Self {
        let states = states.last().copied().into_iter().collect();
        Self { states, whole: true, strict: true }
    }

    /// The same, but errors are no answer.
    pub fn without_errors(&self) -> Self {
        Self { states: self.states.clone(), strict: true, ..*self }
    }
}

/// Mounts the damaged volume for reading and twice for writing, and looks at all there is.
pub(super) fn look(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    image: &Image,
    wanted: &Wanted<'_>,
) -> Result<u32, Fault> {
    look_with(subject, scenario, recording, image, wanted, &fuse())
}

/// The same on a chip with faults.
pub(super) fn look_with(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    image: &Image,
    wanted: &Wanted<'_>,
    faults: &Faults,
) -> Result<u32, Fault> {
    let all = [Mounting::ReadOnly, Mounting::Write, Mounting::Write];
    mounts(subject, scenario, recording, image, wanted, (faults, &all))
}

/// Mounts the damaged volume for reading only.
pub(super) fn look_only(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    image: &Image,
    wanted: &Wanted<'_>,
) -> Result<u32, Fault> {
    mounts(subject, scenario, recording, image, wanted, (&fuse(), &[Mounting::ReadOnly]))
}

fn mounts(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    image: &Image,
    wanted: &Wanted<'_>,
    (faults, mountings): (&Faults, &[Mounting]),
) -> Result<u32, Fault> {
    let nor = Nor::with_image(recording.spec, image.clone());
    for how in mountings.iter().copied() {
        nor.set_faults(faults.clone());
        let during = format!("{how:?} mount of the damaged volume");
        let mut result = Ok(());
        let ended = subject.session(&mut nor.clone(), scenario.tuning, how, &mut |volume| {
            result = seen(volume, wanted, &during).and_then(|seen| seen.explained(wanted, &during));
            if result.is_ok() {
                result = wanted.answered(&during, volume.check().map(|_| ())).map(|_| ());
            }
            Ending::Dropped
        });
        result?;
        wanted.answered(&during, ended)?;
        nor.power_off();
        nor.power_on();
    }
    Ok(u32::try_from(mountings.len()).unwrap_or(0))
}

/// What a damaged volume showed without an error.
struct Seen {
    listings: Vec<(String, Vec<Listed>)>,
    contents: Vec<(String, Vec<u8>)>,
}

impl Seen {
    fn explained(&self, wanted: &Wanted<'_>, during: &str) -> Result<(), Fault> {
        let states = &wanted.states;
        if wanted.whole {
            if states.iter().any(|state| self.agrees(state)) {
                return Ok(());
            }
            let text = self.differences(states);
            return Err(Fault::new(
                during,
                format!("showed what is no state it may be in\n{text}"),
            ));
        }
        let had = |path: &str, content: &[u8]| {
            states.iter().any(|state| content_in(state, path).is_some_and(|own| own == content))
        };
        match self.contents.iter().find(|(path, content)| !had(path, content)) {
            None => Ok(()),
            Some((path, content)) => {
                let text = content.escape_ascii();
                Err(Fault::new(during, format!("{path} has a content it never had: \"{text}\"")))
            }
        }
    }

    /// For each thing that was seen, the states that it agrees with.
    fn differences(&self, states: &[&Tree]) -> String {
        let told = |agrees: &dyn Fn(&Tree) -> bool| {
            let numbers = (0..states.len()).filter(|number| agrees(states[*number]));
            numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
        };
        let mut lines = Vec::new();
        for (directory, entries) in &self.listings {
            let mut entries = entries.clone();
            entries.sort();
            let numbers = told(&|state| entries == listing_in(state, directory));
            lines.push(format!("  the listing of {directory}/ is that of the states {numbers}"));
        }
        for (path, content) in &self.contents {
            let numbers = told(&|state| content_in(state, path) == Some(content.as_slice()));
            lines.push(format!("  the content of {path} is that of the states {numbers}"));
        }
        lines.join("\n")
    }

    fn agrees(&self, state: &Tree) -> bool {
        let listings = self.listings.iter().all(|(directory, entries)| {
            let mut entries = entries.clone();
            entries.sort();
            entries == listing_in(state, directory)
        });
        let mut contents = self.contents.iter();
        listings && contents.all(|(path, own)| content_in(state, path) == Some(own.as_slice()))
    }
}

fn content_in<'a>(state: &'a Tree, path: &str) -> Option<&'a [u8]> {
    state.iter().find_map(|(other, entry)| match entry {
        Entry::File(content) if **other == *path => Some(&**content),
        _ => None,
    })
}

fn listing_in(state: &Tree, directory: &str) -> Vec<Listed> {
    let prefix = format!("{directory}/");
    let mut entries: Vec<Listed> = state
        .iter()
        .filter_map(|(path, entry)| {
            let name = path.strip_prefix(&prefix).filter(|name| !name.contains('/'))?;
            let (directory, size) = match entry {
                Entry::Directory => (true, 0),
                Entry::File(content) => (false, content.len() as u64),
                Entry::Symlink(target) => (false, target.len() as u64),
            };
            let link = matches!(entry, Entry::Symlink(_));
            Some(Listed { name: name.into(), directory, link, size })
        })
        .collect();
    entries.sort();
    entries
}

fn seen(volume: &dyn Mounted, wanted: &Wanted<'_>, during: &str) -> Result<Seen, Fault> {
    let mut seen = Seen { listings: Vec::new(), contents: Vec::new() };
    let mut waiting = vec![String::new()];
    while let Some(directory) = waiting.pop() {
        let shown = if directory.is_empty() { "/" } else { &directory };
        let Some(entries) = wanted.answered(during, volume.list(shown))? else { continue };
        for entry in &entries {
            let path = format!("{directory}/{}", entry.name);
            if entry.directory {
                waiting.push(path);
            } else if entry.link {
                wanted.answered(during, volume.facts(&path, entry))?;
            } else if let Some(content) = wanted.answered(during, volume.content(&path))? {
                seen.contents.push((path, content));
            }
        }
        seen.listings.push((directory, entries));
        if seen.listings.len() > 10_000 {
            return Err(Fault::new(during, "the listings have no end"));
        }
    }
    Ok(seen)
}

impl Wanted<'_> {
    /// An error that says the medium is bad is an answer; one that blames the stack is not.
    fn answered<T>(
        &self,
        during: &str,
        result: fs_core::error::Result<T>,
    ) -> Result<Option<T>, Fault> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error @ (Error::Bug | Error::Busy)) => {
                Err(Fault::new(during, format!("{error:?}")))
            }
            Err(error) if self.strict => Err(Fault::new(during, format!("answered {error:?}"))),
            Err(_) => Ok(None),
        }
    }
}
