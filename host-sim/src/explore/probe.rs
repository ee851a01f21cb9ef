//! What is demanded of every image that a cut left.

use std::sync::Arc;

use fs_core::error::Error;

use super::outcome::{Allowed, Fault, observe};
use super::play::{Call, calls_of, disciplined, fuse};
use super::second;
use super::wear::RECOVERY_ERASES_MAX;
use crate::chip::{Nor, Spec, Way};
use crate::image::{Image, Op as Command};
use crate::model::{Access, Entry, Op, Slot, Tree};
use crate::rng::mix;
use crate::scenario::Tuning;
use crate::subject::{Ending, Mounted, Mounting, Subject};

const SLOT: Slot = 7;

/// How an image is probed.
#[derive(Clone, Copy)]
pub struct Probe<'a> {
    /// The filesystem.
    pub subject: &'a dyn Subject,
    /// How it was formatted.
    pub tuning: Tuning,
    /// The chip.
    pub spec: Spec,
    /// Whether the volume may be full.
    pub may_be_full: bool,
}

/// What a probe found: everything held.
#[derive(Debug)]
pub struct Found {
    /// What recovery and the calls after it did to the chip.
    pub log: Vec<Command>,
    /// Which call did it.
    pub calls: Vec<Call>,
    /// Mounts that were made.
    pub mounts: u32,
    /// Device calls of the most expensive recovery.
    pub recovery_calls: u64,
}

/// One probe under way.
struct Visit<'a> {
    probe: &'a Probe<'a>,
    nor: Nor,
    calls: Vec<Call>,
    mounts: u32,
    recovery_calls: u64,
    noise: u64,
}

impl Probe<'_> {
    /// Mounts `image` read-only, then for reading and writing, twice, goes on, and looks again.
    /// The state must be one of `allowed` and never change once a mount has decided. `noise`
    /// seeds what unstable cells read; its lowest bit says whether they are unstable at once.
    ///
    /// # Errors
    /// The first thing that did not hold.
    pub fn probe(&self, image: &Image, allowed: &Allowed, noise: u64) -> Result<Found, Fault> {
        let mut image = image.clone();
        image.set_noise(noise, noise & 2 != 0);
        if noise & 1 != 0 {
            image.power_on();
        }
        let nor = Nor::with_image(self.spec, image.clone());
        let mut visit = Visit::new(self, nor, noise);
        visit.look_only("read-only mount", allowed)?;
        visit.nor = Nor::with_image(self.spec, image);
        visit.nor.record(true);
        let state = visit.recover(allowed)?;
        let decided = Allowed::only(Arc::clone(&state));
        visit.power_cycle(1);
        let left = visit.go_on(&decided)?;
        visit.power_cycle(2);
        visit.look_only("last mount", &left)?;
        visit.discipline()?;
        if self.spec.way != Way::Array && self.subject.is_specified(self.tuning) {
            second::agrees(&visit.nor.image(), &left)?;
        }
        let log = visit.nor.take_log();
        let Visit { calls, mounts, recovery_calls, .. } = visit;
        Ok(Found { log, calls, mounts, recovery_calls })
    }
}

impl<'a> Visit<'a> {
    const fn new(probe: &'a Probe<'a>, nor: Nor, noise: u64) -> Self {
        Self { probe, nor, calls: Vec::new(), mounts: 0, recovery_calls: 0, noise }
    }

    /// The power goes and comes, and unstable cells read differently.
    fn power_cycle(&mut self, step: u64) {
        self.nor.power_off();
        let noise = mix(self.noise, step);
        self.nor.tamper(|image| image.set_noise(noise, noise & 2 != 0));
        self.nor.power_on();
    }

    /// A read-only mount shows an allowed state and writes nothing.
    fn look_only(&mut self, during: &str, allowed: &Allowed) -> Result<(), Fault> {
        let before = self.changes();
        let seen = self.mounted(Mounting::ReadOnly, during, |volume| observe(volume, during))?;
        match seen {
            Some(tree) if allowed.find(&tree).is_none() => {
                return Err(Fault::new(during, allowed.differences(&tree)));
            }
            None if !allowed.blank => return Err(Fault::new(during, "answered NotFormatted")),
            _ => {}
        }
        if self.changes() == before { Ok(()) } else { Err(Fault::new(during, "wrote")) }
    }

    /// The first mount for writing decides.
    fn recover(&mut self, allowed: &Allowed) -> Result<Arc<Tree>, Fault> {
        let during = "recovery";
        let begin = self.nor.log_len();
        let (calls, nor) = (calls_of(&self.nor), self.nor.clone());
        let mut mounted_at = begin;
        let mut recovery_calls = 0;
        let erases = self.nor.counters().erases;
        let mut recovery_erases = 0;
        let look = |volume: &dyn Mounted| {
            mounted_at = nor.log_len();
            recovery_calls = calls_of(&nor) - calls;
            recovery_erases = nor.counters().erases - erases;
            let tree = observe(volume, during)?;
            let checked = volume.check();
            checked.map_err(|error| Fault::new("check after recovery", format!("{error:?}")))?;
            Ok(tree)
        };
        let how = match allowed {
            Allowed { again: true, .. } => Mounting::ReadOnly,
            Allowed { blank: true, .. } => Mounting::OrFormat,
            _ => Mounting::Write,
        };
        let tree = match self.mounted(how, during, look)? {
            Some(tree) if !allowed.again => tree,
            _ if allowed.blank => {
                let tree = self.format_again()?;
                mounted_at = self.nor.log_len();
                tree
            }
            _ => return Err(Fault::new(during, "answered NotFormatted")),
        };
        let mounts_only = how == Mounting::Write && self.probe.subject.has_anchors();
        if mounts_only && recovery_erases > RECOVERY_ERASES_MAX {
            return Err(Fault::new(during, format!("{recovery_erases} erases")));
        }
        let Some(state) = allowed.find(&tree) else {
            return Err(Fault::new(during, allowed.differences(&tree)));
        };
        self.recovery_calls = recovery_calls;
        self.note(during, begin, mounted_at, allowed.clone());
        self.note("after recovery", mounted_at, self.nor.log_len(), Allowed::only(state.clone()));
        Ok(state)
    }

    /// A format that was cut can always be repeated.
    fn format_again(&mut self) -> Result<Tree, Fault> {
        let during = "format after a cut";
        let formatted = self.probe.subject.format(&mut self.nor.clone(), self.probe.tuning);
        formatted.map_err(|error| Fault::new(during, format!("{error:?}")))?;
        let tree = self.mounted(Mounting::Write, during, |volume| observe(volume, during))?;
        tree.ok_or_else(|| Fault::new(during, "answered NotFormatted"))
    }

    /// Mounts again, finds the same, and uses the volume. Gives the state that it leaves.
    fn go_on(&mut self, decided: &Allowed) -> Result<Allowed, Fault> {
        let during = "second mount";
        let begin = self.nor.log_len();
        let nor = self.nor.clone();
        let may_be_full = self.probe.may_be_full;
        let mut notes = Vec::new();
        let work = |volume: &dyn Mounted| {
            notes.push((during.into(), begin, nor.log_len(), decided.clone()));
            let tree = observe(volume, during)?;
            if decided.find(&tree).is_none() {
                return Err(Fault::new(during, decided.differences(&tree)));
            }
            let left = use_volume(volume, &nor, decided, may_be_full, &mut notes)?;
            let tree = observe(volume, "after the probe file")?;
            match left.find(&tree) {
                Some(_) => Ok(left),
                None => Err(Fault::new("after the probe file", left.differences(&tree))),
            }
        };
        let Some(left) = self.mounted(Mounting::Write, during, work)? else {
            return Err(Fault::new(during, "answered NotFormatted"));
        };
        for (what, begin, end, allowed) in notes {
            self.note(&what, begin, end, allowed);
        }
        Ok(left)
    }

    fn mounted<T>(
        &mut self,
        how: Mounting,
        during: &str,
        mut body: impl FnMut(&dyn Mounted) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.mounts += 1;
        self.nor.set_faults(fuse());
        let mut result = None;
        let (subject, tuning) = (self.probe.subject, self.probe.tuning);
        let ended = subject.session(&mut self.nor.clone(), tuning, how, &mut |volume| {
            result = Some(body(volume));
            Ending::Dropped
        });
        match (result, ended) {
            (Some(result), _) => result.map(Some),
            (None, Err(Error::NotFormatted)) => Ok(None),
            (None, ended) => Err(Fault::new(during, format!("mount answered {ended:?}"))),
        }
    }

    fn note(&mut self, what: &str, begin: usize, end: usize, allowed: Allowed) {
        if end > begin {
            self.calls.push(Call { what: what.into(), begin, end, allowed, quiet: false });
        }
    }

    fn changes(&self) -> u64 {
        let counters = self.nor.counters();
        counters.programs + counters.erases + counters.syncs
    }

    fn discipline(&self) -> Result<(), Fault> {
        disciplined(&self.nor, "the chip's rules")
    }
}

type Note = (String, usize, usize, Allowed);

/// Creates, writes, reads and removes a file, and leaves another one, empty: what is acknowledged
/// now must be there later. Gives the state it leaves.
fn use_volume(
    volume: &dyn Mounted,
    nor: &Nor,
    decided: &Allowed,
    may_be_full: bool,
    notes: &mut Vec<Note>,
) -> Result<Allowed, Fault> {
    let Some(state) = decided.trees.first() else { return Ok(decided.clone()) };
    let text = b"written after the cut".to_vec();
    // A cut in an earlier probe may have left its file.
    let taken = |path: &str| state.iter().any(|(other, _)| **other == *path);
    let mut path = String::from("/probe");
    while taken(&path) {
        path.push('+');
    }
    let empty = state.with(&path, Entry::File(Arc::from([])));
    let full = state.with(&path, Entry::File(text.as_slice().into()));
    let steps = [
        (Op::Open(SLOT, path.clone(), Access::CREATE_NEW), empty.clone()),
        (Op::Write(SLOT, 0, text.clone()), empty.clone()),
        (Op::SyncFile(SLOT), full.clone()),
        (Op::Close(SLOT), full),
        (Op::Remove(path.clone()), (**state).clone()),
        (Op::Replace(path.clone(), Vec::new()), empty),
    ];
    let mut before = (**state).clone();
    for (op, after) in steps {
        let begin = nor.log_len();
        let name = format!("probe: {}", super::play::shown(&op));
        let answer = volume.call(&op);
        let allowed = Allowed::any([before.clone(), after.clone()]);
        notes.push((name.clone(), begin, nor.log_len(), allowed));
        match answer {
            Ok(()) => before = after,
            Err(Error::NoSpace) if may_be_full && matches!(op, Op::Open(..) | Op::Replace(..)) => {
                return Ok(Allowed::any([before]));
            }
            Err(error) => return Err(Fault::new(name, format!("{error:?}"))),
        }
        if matches!(op, Op::SyncFile(_)) && volume.content(&path).as_ref() != Ok(&text) {
            return Err(Fault::new(name, "another content than was written"));
        }
    }
    Ok(Allowed::any([before]))
}
