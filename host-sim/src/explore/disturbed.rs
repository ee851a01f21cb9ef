//! Plays a script while the chip fails, and keeps account of what may be.
//!
//! A call that answers with the chip's error has changed nothing, or all it was asked for, or what
//! its documentation says; RAM shows which, and the medium may hold any of these until the next
//! change is committed. After a passing error the volume must be as usable as before.

use std::collections::HashSet;

use fs_core::error::{Error, Result};

use super::outcome::{Allowed, Fault, observe};
use super::play::{calls_of, fuse, shown, spec_of, start_of};
use super::probe::Probe;
use crate::chip::Nor;
use crate::fault::Faults;
use crate::model::{Model, Op, Tree};
use crate::scenario::{Expect, Line, Scenario, Tuning};
use crate::subject::{Ending, Mounted, Mounting, Subject};

/// States that are told apart. Where failures make more possible, the script ends early.
const MODELS_MAX: usize = 512;

/// What goes wrong, and for how long the script goes on after it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What goes wrong, from the first line that is not quiet.
    pub faults: Faults,
    /// Whether it goes on to go wrong.
    pub lasting: bool,
    /// Lines played after the first error.
    pub lines_after: usize,
    /// Before this line, or as soon as a volume is mounted for writing after it, the volume is
    /// filled: that is the first error.
    pub full: Option<usize>,
}

/// Plays `scenario` under `plan`, switches the power off and on, and probes what is left. Gives
/// the number of mounts.
///
/// # Errors
/// What did not hold.
pub fn play(
    subject: &dyn Subject,
    scenario: &Scenario,
    seed: u64,
    plan: &Plan,
) -> std::result::Result<u32, Fault> {
    let script = scenario.script(seed);
    let spec = spec_of(scenario.medium);
    let nor = Nor::with_image(spec, start_of(scenario, script.lines(), seed));
    nor.set_faults(fuse());
    let mut playing = Play {
        subject,
        tuning: scenario.tuning,
        nor: nor.clone(),
        plan,
        armed: None,
        hit: false,
        uncut: false,
        left: None,
        models: vec![Model::new()],
        medium: vec![Tree::default()],
        mounts: 0,
    };
    playing.play(script.lines())?;
    nor.power_off();
    nor.set_faults(Faults::none());
    nor.power_on();
    if let Some((number, breach)) = nor.breaches().first() {
        return Err(Fault::new("the chip's rules", format!("command {number}: {breach:?}")));
    }
    let may_be_full = plan.full.is_some() || scenario.may_fill(seed);
    let probe = Probe { subject, tuning: scenario.tuning, spec, may_be_full };
    let allowed = Allowed::any(playing.medium);
    let found = probe.probe(&nor.image(), &allowed, seed)?;
    Ok(playing.mounts + found.mounts)
}

struct Play<'a> {
    subject: &'a dyn Subject,
    tuning: Tuning,
    nor: Nor,
    plan: &'a Plan,
    /// Device calls when the faults were set.
    armed: Option<u64>,
    /// Whether an answer showed the error.
    hit: bool,
    /// Whether a change of a length has failed, and none was done since.
    uncut: bool,
    /// Lines to play after the first error.
    left: Option<usize>,
    /// What RAM may show.
    models: Vec<Model>,
    /// What the medium may hold.
    medium: Vec<Tree>,
    mounts: u32,
}

impl Play<'_> {
    fn play(&mut self, lines: &[Line]) -> std::result::Result<(), Fault> {
        let mut next = 0;
        while let Some(line) = lines.get(next).filter(|_| self.left != Some(0)) {
            if line.op == Op::Format {
                self.arm(line);
                let formatted = self.subject.format(&mut self.nor.clone(), self.tuning);
                formatted.map_err(|error| Fault::new("Format", format!("{error:?}")))?;
                next += 1;
            } else {
                next = self.session(lines, next)?;
            }
        }
        Ok(())
    }

    fn session(&mut self, lines: &[Line], first: usize) -> std::result::Result<usize, Fault> {
        let mount = &lines[first];
        let how = match mount.op {
            Op::Mount { read_only: true } => Mounting::ReadOnly,
            Op::Mount { read_only: false } => Mounting::Write,
            _ => Mounting::OrFormat,
        };
        self.arm(mount);
        self.mounts += 1;
        let before = self.fired();
        let (mut fault, mut last, mut leaving, mut mounted) = (None, lines.len(), None, false);
        let (subject, tuning, mut device) = (self.subject, self.tuning, self.nor.clone());
        let result = subject.session(&mut device, tuning, how, &mut |volume| {
            mounted = true;
            for (number, line) in lines.iter().enumerate().skip(first + 1) {
                self.arm(line);
                let now = self.plan.full.is_some_and(|from| number >= from);
                if now && !self.hit && how != Mounting::ReadOnly {
                    if let Err(found) = self.fill(volume) {
                        fault = Some(found);
                        break;
                    }
                }
                if line.op.ends_mount() || self.left == Some(0) {
                    last = if self.left == Some(0) { lines.len() } else { number + 1 };
                    leaving = (line.op == Op::Unmount).then(|| self.fired());
                    break;
                }
                if let Err(found) = self.line(volume, line) {
                    fault = Some(found);
                    break;
                }
                self.left = self.left.map(|left| left.saturating_sub(1));
            }
            if leaving.is_some() { Ending::Unmounted } else { Ending::Dropped }
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        self.ended(mount, result, mounted, leaving, before)?;
        // A mount that failed is tried again, unless the chip goes on to fail.
        Ok(if mounted { last } else { self.again(first, lines.len()) })
    }

    fn again(&mut self, first: usize, end: usize) -> usize {
        if self.plan.lasting {
            self.left = Some(0);
            end
        } else {
            self.left = self.left.or(Some(self.plan.lines_after));
            first
        }
    }

    fn ended(
        &mut self,
        mount: &Line,
        result: Result<()>,
        mounted: bool,
        leaving: Option<bool>,
        before: bool,
    ) -> std::result::Result<(), Fault> {
        let excused = match result {
            Ok(()) => true,
            Err(error) => self.excused(error, leaving.unwrap_or(before)),
        };
        if !excused {
            let name = if mounted { "Unmount".into() } else { shown(&mount.op) };
            return Err(Fault::new(name, format!("answered {result:?}")));
        }
        if leaving.is_some() {
            match result {
                Ok(()) => self.advance(&Op::Unmount),
                Err(_) => self.spread(&Op::Unmount),
            }
        }
        if mounted {
            self.nor.power_off();
            self.nor.power_on();
            self.models = self.medium.iter().map(Model::showing).collect();
        }
        Ok(())
    }

    fn line(&mut self, volume: &dyn Mounted, line: &Line) -> std::result::Result<(), Fault> {
        let before = self.fired();
        let name = shown(&line.op);
        let answer = match line.op {
            Op::Look => return self.look(volume, &name, before),
            Op::Check => volume.check().map(|_| ()),
            Op::Read(slot) => volume.read(slot).map(|content| {
                self.models.retain(|model| model.content(slot).is_ok_and(|own| *own == *content));
            }),
            _ => volume.call(&line.op),
        };
        match answer {
            Err(error) if self.excused(error, before) => {
                self.uncut |= matches!(line.op, Op::SetLen(..));
                self.left = self.left.or(Some(self.plan.lines_after));
                self.spread(&line.op);
                if !self.plan.lasting {
                    self.look(volume, &format!("after the failed {name}"), true)?;
                }
            }
            // What a failed call left behind may be in use until the next mount.
            Err(Error::NoSpace) if self.plan.full.is_some() && self.may_be_full(line) => {
                self.refused(volume, line, &name)?;
            }
            Err(Error::NoSpace) if self.may_be_full(line) => {}
            // What is written now lies over content that was to be gone.
            Err(Error::DraftTooBig) if self.uncut && matches!(line.op, Op::Write(..)) => {
                self.spread(&line.op);
            }
            Err(error) if line.expect == Expect::SuccessOr(error) => {}
            answer => {
                self.models.retain(|model| model.clone().apply(&line.op).result == answer);
                if answer.is_ok() {
                    self.uncut &= !matches!(line.op, Op::SetLen(..));
                    self.advance(&line.op);
                }
            }
        }
        if self.models.is_empty() {
            return Err(Fault::new(name, format!("answered {answer:?}, which no state explains")));
        }
        Ok(())
    }

    /// There was no space for a call: it has changed nothing, but for what its documentation says
    /// it does before. The medium holds what RAM shows.
    fn refused(
        &mut self,
        volume: &dyn Mounted,
        line: &Line,
        name: &str,
    ) -> std::result::Result<(), Fault> {
        let without_done = |model: &Model| {
            let mut left = model.after_error(&line.op);
            left.truncate(left.len().saturating_sub(1).max(1));
            left
        };
        self.models = self.models.iter().flat_map(without_done).collect();
        self.look(volume, &format!("after the refused {name}"), true)?;
        self.medium = self.models.iter().map(Model::committed).collect();
        self.thin_out();
        Ok(())
    }

    /// Whether `NoSpace` is an answer. A full volume can be emptied.
    fn may_be_full(&self, line: &Line) -> bool {
        let removes = matches!(line.op, Op::Remove(_));
        let filled = self.hit && !(removes && self.plan.full.is_some());
        filled || line.expect == Expect::SuccessOr(Error::NoSpace)
    }

    /// Makes files until there is no space for another one.
    fn fill(&mut self, volume: &dyn Mounted) -> std::result::Result<(), Fault> {
        for number in 0..u16::MAX {
            let op = Op::Replace(format!("/full{number}"), vec![number.to_le_bytes()[0]; 400]);
            match volume.call(&op) {
                Ok(()) => self.advance(&op),
                Err(Error::NoSpace) => {
                    self.hit = true;
                    self.left = Some(self.plan.lines_after);
                    return Ok(());
                }
                Err(error) => return Err(Fault::new(shown(&op), format!("answered {error:?}"))),
            }
        }
        Err(Fault::new("filling", "the volume has no end"))
    }

    fn look(
        &mut self,
        volume: &dyn Mounted,
        name: &str,
        before: bool,
    ) -> std::result::Result<(), Fault> {
        let found = match observe(volume, name) {
            Ok(found) => found,
            Err(_) if self.calls_beyond().is_some() && (self.plan.lasting || !before) => {
                self.hit = true;
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        let visible = Allowed::any(self.models.iter().map(Model::visible));
        self.models.retain(|model| model.visible() == found);
        if self.models.is_empty() {
            return Err(Fault::new(name, visible.differences(&found)));
        }
        Ok(())
    }

    /// A call succeeded: if it commits, the medium holds what RAM shows.
    fn advance(&mut self, op: &Op) {
        let mut commits = matches!(op, Op::Sync | Op::Park | Op::Unmount);
        for model in &mut self.models {
            let before = model.committed();
            model.apply(op);
            commits |= model.committed() != before;
        }
        // While the chip goes on to fail nothing tells the states apart, so nothing is ruled out.
        if commits && !(self.plan.lasting && self.hit) {
            self.medium.clear();
        }
        if commits {
            self.medium.extend(self.models.iter().map(Model::committed));
        }
        self.thin_out();
    }

    /// A call failed: all that it may have left.
    fn spread(&mut self, op: &Op) {
        let all = self.models.iter().flat_map(|model| model.after_error(op));
        self.models = all.collect();
        self.medium.extend(self.models.iter().map(Model::committed));
        self.thin_out();
    }

    fn thin_out(&mut self) {
        // By their hash: after a failed call there are hundreds, nearly all of them alike.
        let mut seen = HashSet::new();
        let fresh = self.models.drain(..).filter(|model| seen.insert(model.clone()));
        let kept: Vec<Model> = fresh.collect();
        if kept.len() > MODELS_MAX {
            self.left = Some(0);
        }
        self.models = kept;
        let medium = Allowed::any(self.medium.drain(..));
        self.medium = medium.trees.iter().map(|tree| (**tree).clone()).collect();
    }

    /// Sets the faults when the first line comes that is not quiet.
    fn arm(&mut self, line: &Line) {
        if self.armed.is_none() && !line.quiet {
            self.armed = Some(calls_of(&self.nor));
            self.nor.set_faults(self.plan.faults.clone());
        }
    }

    /// Whether something went wrong before now.
    fn fired(&self) -> bool {
        self.hit || self.calls_beyond().is_some_and(|beyond| beyond > 0)
    }

    /// Calls that succeeded since the faults were set, less those before the one that fails, which
    /// is not counted itself. 0 for other faults, `None` if nothing is set.
    fn calls_beyond(&self) -> Option<u64> {
        let calls = calls_of(&self.nor) - self.armed?;
        self.plan.faults.error.map_or(Some(0), |error| calls.checked_sub(error.call))
    }

    fn excused(&mut self, error: Error, fired_before: bool) -> bool {
        let of_the_chip = match error {
            Error::Device(_) => true,
            Error::ReadOnly | Error::Corrupt { .. } => self.plan.lasting,
            _ => false,
        };
        let now = self.calls_beyond().is_some() && (self.plan.lasting || !fired_before);
        self.hit |= of_the_chip && now;
        of_the_chip && now
    }
}
