//! Damage that nobody reported: what is read is right, or an error.

use fs_core::error::Error;

use super::cutter::Cutter;
use super::outcome::Fault;
use super::play::{Recording, fuse};
use super::suite::What;
use crate::chip::Nor;
use crate::image::{Image, Op};
use crate::model::{Entry, Tree};
use crate::rng::Rng;
use crate::scenario::Scenario;
use crate::subject::{Ending, Listed, Mounted, Mounting, Subject};

/// A bit of something that was programmed and is still there at the end.
pub(super) fn flip(recording: &Recording, rng: &mut Rng) -> Option<What> {
    let end = image_at_end(recording);
    for _ in 0..64 {
        let entry = &recording.log[rng.index(recording.log.len())];
        let Op::Program { at, bytes } = entry else { continue };
        let index = rng.index(bytes.len());
        let mut found = [0];
        end.peek(at + index as u64, &mut found);
        if found[0] == bytes[index] {
            let bit = u8::try_from(rng.below(8)).unwrap_or(0);
            return Some(What::Flip { at: at + index as u64, bit });
        }
    }
    None
}

/// A program of the last mount.
pub(super) fn lost(recording: &Recording, rng: &mut Rng) -> Option<What> {
    let log = &recording.log;
    let programmed = |op: &Op| matches!(op, Op::Program { .. });
    let end = log.iter().rposition(programmed)?;
    let begin = log[..end].iter().rposition(|op| *op == Op::PowerOn).unwrap_or(0);
    let programs: Vec<usize> = (begin..=end).filter(|at| programmed(&log[*at])).collect();
    programs.get(rng.index(programs.len())).map(|entry| What::Lost { entry: *entry })
}

/// An erase in the part of the run that is cut.
pub(super) fn stale(recording: &Recording, rng: &mut Rng) -> Option<What> {
    let loud = |at: usize| recording.call_at(at).is_some_and(|call| !call.quiet);
    let erases: Vec<usize> = (0..recording.log.len())
        .filter(|at| matches!(recording.log[*at], Op::Erase { .. }) && loud(*at))
        .collect();
    erases.get(rng.index(erases.len())).map(|entry| What::Stale { entry: *entry })
}

/// After an erase that never happened, nor anything after it in its range: one state that the
/// volume had (the end of the log may be gone), or errors; never parts of several.
///
/// # Errors
/// What was wrong and not an error.
pub(super) fn older(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    entry: usize,
) -> Result<u32, Fault> {
    let mut cutter = Cutter::new(recording.spec, recording.start.clone());
    let (at, bytes) = recording.log.get(entry).map_or((0, 0), Op::range);
    for (number, op) in recording.log.iter().enumerate() {
        let (first, length) = op.range();
        let inside = length > 0 && first >= at && first + length <= at + bytes;
        if number < entry || !inside {
            cutter.advance(op);
        }
    }
    let states: Vec<&Tree> = recording.history.iter().map(|tree| &**tree).collect();
    look(subject, scenario, recording, cutter.image(), &states, true)
}

fn image_at_end(recording: &Recording) -> Image {
    let mut cutter = Cutter::new(recording.spec, recording.start.clone());
    recording.log.iter().for_each(|op| cutter.advance(op));
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
    let states: Vec<&Tree> = recording.history.iter().rev().take(2).map(|tree| &**tree).collect();
    look(subject, scenario, recording, &image, &states, true)
}

/// After a program that never happened: every content is one that the file had, or errors.
///
/// # Errors
/// What was wrong and not an error.
pub(super) fn without(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    entry: usize,
) -> Result<u32, Fault> {
    let mut cutter = Cutter::new(recording.spec, recording.start.clone());
    for (number, op) in recording.log.iter().enumerate() {
        if number != entry {
            cutter.advance(op);
        }
    }
    let states: Vec<&Tree> = recording.history.iter().map(|tree| &**tree).collect();
    look(subject, scenario, recording, cutter.image(), &states, false)
}

fn look(
    subject: &dyn Subject,
    scenario: &Scenario,
    recording: &Recording,
    image: &Image,
    states: &[&Tree],
    whole: bool,
) -> Result<u32, Fault> {
    let nor = Nor::with_image(recording.spec, image.clone());
    for how in [Mounting::ReadOnly, Mounting::Write, Mounting::Write] {
        nor.set_faults(fuse());
        let during = format!("{how:?} mount of the damaged volume");
        let mut result = Ok(());
        let ended = subject.session(&mut nor.clone(), scenario.tuning, how, &mut |volume| {
            result = seen(volume, &during).and_then(|seen| seen.explained(states, whole, &during));
            if result.is_ok() {
                result = answered(&during, volume.check().map(|_| ())).map(|_| ());
            }
            Ending::Dropped
        });
        result?;
        answered(&during, ended)?;
        nor.power_off();
        nor.power_on();
    }
    Ok(3)
}

/// What a damaged volume showed without an error.
struct Seen {
    listings: Vec<(String, Vec<Listed>)>,
    contents: Vec<(String, Vec<u8>)>,
}

impl Seen {
    fn explained(&self, states: &[&Tree], whole: bool, during: &str) -> Result<(), Fault> {
        if whole {
            if states.iter().any(|state| self.agrees(state)) {
                return Ok(());
            }
            return Err(Fault::new(during, "showed what is no state it may be in"));
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

fn seen(volume: &dyn Mounted, during: &str) -> Result<Seen, Fault> {
    let mut seen = Seen { listings: Vec::new(), contents: Vec::new() };
    let mut waiting = vec![String::new()];
    while let Some(directory) = waiting.pop() {
        let shown = if directory.is_empty() { "/" } else { &directory };
        let Some(entries) = answered(during, volume.list(shown))? else { continue };
        for entry in &entries {
            let path = format!("{directory}/{}", entry.name);
            if entry.directory {
                waiting.push(path);
            } else if entry.link {
                answered(during, volume.facts(&path, entry))?;
            } else if let Some(content) = answered(during, volume.content(&path))? {
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

/// An error that says the medium is bad is an answer; one that blames the stack is not.
fn answered<T>(during: &str, result: fs_core::error::Result<T>) -> Result<Option<T>, Fault> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error @ (Error::Bug | Error::Busy)) => Err(Fault::new(during, format!("{error:?}"))),
        Err(_) => Ok(None),
    }
}
