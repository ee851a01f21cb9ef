//! Plays a script on a chip and notes which log entries belong to which call.

use std::ops::Range;
use std::sync::Arc;

use fs_core::error::{Error, Result};

use super::outcome::{Allowed, Fault, observe};
use super::wear;
use crate::chip::{Kind, Nor, Spec};
use crate::fault::{Calls, Faults, IoError, TearMode};
use crate::image::{Image, Op as Command};
use crate::model::{CONTENT_MAX, Entry, Model, Op, Tree};
use crate::rng::Rng;
use crate::scenario::{Expect, Line, Medium, Scenario, Tuning};
use crate::subject::{Ending, Mounted, Mounting, Subject};
use fs_core::units::Guarantees;

/// Device calls after which a call of the volume counts as endless.
pub const DEVICE_CALLS_MAX: u64 = 200_000;

/// A call, the log entries it made, and what a cut during it may leave.
#[derive(Debug, Clone)]
pub struct Call {
    /// The call.
    pub what: String,
    /// Its first log entry.
    pub begin: usize,
    /// The log entry after its last.
    pub end: usize,
    /// What a cut in it may leave.
    pub allowed: Allowed,
    /// The power is not cut here.
    pub quiet: bool,
}

/// What happened to a chip, and why.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The chip before.
    pub start: Image,
    /// What kind of chip.
    pub spec: Spec,
    /// What happened to its cells.
    pub log: Vec<Command>,
    /// Which call did it.
    pub calls: Vec<Call>,
    /// Whether the volume may be full at any time.
    pub may_fill: bool,
    /// Calls that a limit refused which the model does not know.
    pub refused: usize,
    /// Device calls of the whole script, reads included.
    pub device_calls: u64,
    /// The same before the first line that is not quiet.
    pub quiet_calls: u64,
    /// The committed tree since the last format and after each call that changed it, oldest first.
    pub history: Vec<Past>,
    /// Bytes on the wires in which a change was sent or carried out, if there are wires.
    pub changes: Vec<Range<u64>>,
}

/// What a power cut in the middle of a script has left.
pub(super) struct Left {
    /// The chip, without power.
    pub image: Image,
    /// What kind of chip.
    pub spec: Spec,
    /// What may be found on it.
    pub allowed: Allowed,
    /// The call that was under way.
    pub what: String,
}

/// A state that the volume had.
#[derive(Debug, Clone)]
pub struct Past {
    /// Length of the log when it had been reached.
    pub at: usize,
    /// The state.
    pub tree: Arc<Tree>,
}

impl Recording {
    /// Whether any state had a file whose content lies in blocks.
    #[must_use]
    pub fn has_data(&self) -> bool {
        let long = |entry: &Entry| matches!(entry, Entry::File(bytes) if bytes.len() > CONTENT_MAX);
        self.history.iter().any(|past| past.tree.iter().any(|(_, entry)| long(entry)))
    }

    /// The call that made log entry `index`.
    #[must_use]
    pub fn call_at(&self, index: usize) -> Option<&Call> {
        let after = self.calls.partition_point(|call| call.end <= index);
        self.calls.get(after).filter(|call| call.begin <= index)
    }

    /// The states that the volume had while its log had at most `until` entries, oldest first.
    #[must_use]
    pub fn states_until(&self, until: usize) -> Vec<&Tree> {
        let before = self.history.iter().take_while(|past| past.at <= until);
        before.map(|past| &*past.tree).collect()
    }
}

/// The chip a scenario asks for.
#[must_use]
pub fn spec_of(medium: Medium) -> Spec {
    let spec = match medium.kind {
        Kind::Nor => Spec::big_block(medium.blocks, medium.erase_unit),
        Kind::Internal => Spec::internal(medium.blocks),
        Kind::Card => Spec::card(medium.blocks),
        Kind::Fram => Spec::fram(medium.blocks),
    };
    let spec = Spec { erased_to_zero: medium.erased_to_zero, way: medium.way, ..spec };
    if medium.cache { spec.with(Guarantees::VOLATILE_CACHE) } else { spec }
}

/// A chip that holds somebody's secrets.
#[must_use]
pub fn used_chip(blocks: u32, seed: u64) -> Image {
    let mut rng = Rng::new(seed ^ 0x5EC2_E700);
    let mut bytes = Vec::new();
    while bytes.len() < blocks as usize * crate::image::BLOCK_BYTES {
        bytes.extend(format!("<SECRET {:016x}>", rng.next_u64()).bytes());
    }
    bytes.truncate(blocks as usize * crate::image::BLOCK_BYTES);
    Image::from_bytes(&bytes)
}

/// The chip before the first line: blank if that line formats only blank chips, else used before.
pub(super) fn start_of(scenario: &Scenario, lines: &[Line], seed: u64) -> Image {
    match lines.first() {
        Some(line) if line.op == Op::MountOrFormat => Image::blank(scenario.medium.blocks),
        _ => used_chip(scenario.medium.blocks, seed),
    }
}

/// Faults that end an endless loop.
#[must_use]
pub fn fuse() -> Faults {
    Faults { error: Some(blown(DEVICE_CALLS_MAX)), ..Faults::none() }
}

const fn blown(call: u64) -> IoError {
    let kind = fs_core::error::ErrorKind::Removed;
    IoError { calls: Calls::All, call, persistent: true, kind, tear: TearMode::Nothing }
}

/// Plays a scenario without any fault.
///
/// # Errors
/// The first answer that was not the model's.
pub fn record(
    subject: &dyn Subject,
    scenario: &Scenario,
    seed: u64,
) -> std::result::Result<Recording, Fault> {
    record_lines(subject, scenario, scenario.script(seed).lines(), seed)
}

/// The same with other lines than the scenario has.
///
/// # Errors
/// The first answer that was not the model's.
pub(super) fn record_lines(
    subject: &dyn Subject,
    scenario: &Scenario,
    lines: &[Line],
    seed: u64,
) -> std::result::Result<Recording, Fault> {
    let spec = spec_of(scenario.medium);
    let start = start_of(scenario, lines, seed);
    let nor = Nor::with_image(spec, start.clone());
    nor.record(true);
    let mut player = Player::new(subject, scenario.tuning, nor.clone());
    player.play(lines)?;
    disciplined(&nor, "the uncut run")?;
    let device_calls = calls_of(&nor);
    let Player { calls, quiet_calls, history, refused, .. } = player;
    let quiet_calls = quiet_calls.unwrap_or(device_calls);
    let may_fill = scenario.may_fill(seed);
    let log = nor.take_log();
    if subject.has_anchors() {
        wear::even(&log, &spec)?;
    }
    let changes = nor.wires().changes;
    Ok(Recording {
        start,
        spec,
        log,
        calls,
        may_fill,
        refused,
        device_calls,
        quiet_calls,
        history,
        changes,
    })
}

/// Plays a scenario until the power goes before byte `at` on the wires, `key` being the seed of
/// what that leaves; nothing if it has no such byte.
///
/// # Errors
/// The first answer before that was not the model's.
pub(super) fn cut_at_byte(
    subject: &dyn Subject,
    scenario: &Scenario,
    seed: u64,
    (at, key): (u64, u64),
) -> std::result::Result<Option<Left>, Fault> {
    let spec = spec_of(scenario.medium);
    let script = scenario.script(seed);
    let nor = Nor::with_image(spec, start_of(scenario, script.lines(), seed));
    nor.with_wires(|wires| (wires.cut, wires.seed) = (Some(at), key));
    let mut player = Player::new(subject, scenario.tuning, nor.clone());
    let result = player.play(script.lines());
    // A read that failed, or showed what nobody drove, is no change.
    let committed = player.model.committed();
    let reading = (!nor.is_on()).then(|| ("a read".into(), Allowed::any([committed])));
    let Some((what, allowed)) = player.stopped.or(reading) else {
        return result.map(|()| None);
    };
    disciplined(&nor, &what)?;
    let mut image = nor.image();
    image.count_from_here();
    Ok(Some(Left { image, spec, allowed, what }))
}

/// Whether no rule of the chip was broken, on its wires or in its cells.
///
/// # Errors
/// The first rule that was.
pub fn disciplined(nor: &Nor, during: &str) -> std::result::Result<(), Fault> {
    if let Some(breach) = nor.wires().breaches.first() {
        return Err(Fault::new(during, breach.clone()));
    }
    match nor.breaches().first() {
        None => Ok(()),
        Some((number, breach)) => Err(Fault::new(during, format!("command {number}: {breach:?}"))),
    }
}

/// Device calls so far.
#[must_use]
pub fn calls_of(nor: &Nor) -> u64 {
    let counters = nor.counters();
    counters.reads + counters.programs + counters.erases + counters.syncs
}

/// Plays lines and compares every answer with the model's.
struct Player<'a> {
    subject: &'a dyn Subject,
    tuning: Tuning,
    nor: Nor,
    model: Model,
    /// Whether there is a volume on the chip.
    formatted: bool,
    calls: Vec<Call>,
    quiet_calls: Option<u64>,
    refused: usize,
    history: Vec<Past>,
    /// The call in which the power went, and what it may have left.
    stopped: Option<(String, Allowed)>,
}

impl<'a> Player<'a> {
    fn new(subject: &'a dyn Subject, tuning: Tuning, nor: Nor) -> Self {
        Self {
            subject,
            tuning,
            nor,
            model: Model::new(),
            formatted: false,
            calls: Vec::new(),
            quiet_calls: None,
            refused: 0,
            history: vec![Past { at: 0, tree: Arc::new(Tree::default()) }],
            stopped: None,
        }
    }

    fn play(&mut self, lines: &[Line]) -> std::result::Result<(), Fault> {
        let mut next = 0;
        while let Some(line) = lines.get(next) {
            next = match line.op {
                Op::Format => {
                    self.format(line)?;
                    next + 1
                }
                Op::Mount { .. } | Op::MountOrFormat => self.session(lines, next)?,
                _ => return Err(Fault::new(shown(&line.op), "the volume is not mounted")),
            };
        }
        Ok(())
    }

    fn format(&mut self, line: &Line) -> std::result::Result<(), Fault> {
        let mut allowed = Allowed::any([Tree::default()]);
        if self.formatted {
            allowed.add(self.model.committed());
        }
        allowed.blank = true;
        allowed.again = true;
        let begin = self.begin(line);
        let result = self.subject.format(&mut self.nor.clone(), self.tuning);
        self.model = Model::new();
        self.formatted = true;
        self.stop(line, result, &allowed);
        self.end(line, begin, allowed);
        self.history = vec![Past { at: self.nor.log_len(), tree: Arc::new(Tree::default()) }];
        result.map_err(|error| Fault::new("Format", format!("{error:?}")))
    }

    /// Plays the lines of one mount from line `first`; the number of the line after it.
    fn session(&mut self, lines: &[Line], first: usize) -> std::result::Result<usize, Fault> {
        let mount = &lines[first];
        let how = match mount.op {
            Op::Mount { read_only: true } => Mounting::ReadOnly,
            Op::Mount { read_only: false } => Mounting::Write,
            _ => Mounting::OrFormat,
        };
        let mut allowed = Allowed::any([self.model.committed()]);
        allowed.blank = !self.formatted;
        let begin = self.begin(mount);
        let mut mounted = Some(allowed);
        let mut fault = None;
        let mut last = lines.len();
        let mut ending = None;
        let (subject, tuning, mut device) = (self.subject, self.tuning, self.nor.clone());
        let result = subject.session(&mut device, tuning, how, &mut |volume| {
            self.formatted = true;
            if let Some(allowed) = mounted.take() {
                self.end(mount, begin, allowed);
            }
            for (number, line) in lines.iter().enumerate().skip(first + 1) {
                if line.op.ends_mount() {
                    last = number + 1;
                    ending = (line.op == Op::Unmount).then(|| self.leaving(line));
                    break;
                }
                if let Err(found) = self.line(volume, line) {
                    fault = Some(found);
                    break;
                }
            }
            if ending.is_some() { Ending::Unmounted } else { Ending::Dropped }
        });
        let under_way = mounted.as_ref().map(|allowed| (mount, allowed));
        let leaving =
            ending.as_ref().and_then(|(_, allowed)| Some((lines.get(last - 1)?, allowed)));
        if let Some((line, allowed)) = under_way.or(leaving) {
            self.stop(line, result, allowed);
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        if mounted.is_some() || result.is_err() {
            return Err(Fault::new(shown(&mount.op), format!("{result:?}")));
        }
        match (ending, lines.get(last - 1)) {
            (Some((begin, allowed)), Some(line)) => {
                self.end(line, begin, allowed);
                let reached = self.nor.log_len();
                self.history.iter_mut().for_each(|past| past.at = past.at.min(reached));
            }
            _ => self.cut(),
        }
        Ok(last)
    }

    fn leaving(&mut self, line: &Line) -> (usize, Allowed) {
        let begin = self.begin(line);
        let before = self.history.len();
        let allowed = self.apply(line).1;
        for past in self.history.iter_mut().skip(before) {
            // It is reached when the call has returned.
            past.at = usize::MAX;
        }
        (begin, allowed)
    }

    fn cut(&mut self) {
        self.nor.power_off();
        self.nor.power_on();
        self.model.cut();
    }

    fn line(&mut self, volume: &dyn Mounted, line: &Line) -> std::result::Result<(), Fault> {
        let name = shown(&line.op);
        if line.op == Op::Look {
            return self.look(volume, &name);
        }
        let begin = self.begin(line);
        let answer = match line.op {
            Op::Check => volume.check().map(|_| ()),
            Op::Read(slot) => self.read(volume, slot, &name)?,
            _ => volume.call(&line.op),
        };
        let full = matches!(line.expect, Expect::SuccessOr(limit) if answer == Err(limit));
        let absent = answer == Err(Error::NotFound) && matches!(line.op, Op::Remove(_));
        self.refused += usize::from(full);
        let (expected, allowed) = if full {
            (answer, self.in_flight(line))
        } else if absent {
            // A file that did not fit is not there to be removed either.
            (self.model.clone().apply(&line.op).result, Allowed::any([self.model.committed()]))
        } else {
            self.apply(line)
        };
        self.stop(line, answer, &allowed);
        self.end(line, begin, allowed);
        if self.stopped.is_some() {
            return Err(Fault::new(name, "the power is gone"));
        }
        if expected == answer && Self::as_expected(line, answer, full || absent) {
            return Ok(());
        }
        Err(Fault::new(name, format!("answered {answer:?} instead of {expected:?}")))
    }

    fn as_expected(line: &Line, answer: Result<()>, excused: bool) -> bool {
        match line.expect {
            Expect::Success | Expect::SuccessOr(_) => answer.is_ok() || excused,
            Expect::Refused(error) => answer == Err(error),
        }
    }

    fn read(
        &self,
        volume: &dyn Mounted,
        slot: crate::model::Slot,
        name: &str,
    ) -> std::result::Result<Result<()>, Fault> {
        let found = volume.read(slot);
        match (&found, self.model.content(slot)) {
            (Ok(found), Ok(wanted)) if **found != *wanted => {
                let text = format!("read \"{}\"", found.escape_ascii());
                Err(Fault::new(name, format!("{text} instead of \"{}\"", wanted.escape_ascii())))
            }
            _ => Ok(found.map(|_| ())),
        }
    }

    fn look(&self, volume: &dyn Mounted, name: &str) -> std::result::Result<(), Fault> {
        let found = observe(volume, name)?;
        let wanted = self.model.visible();
        if found == wanted { Ok(()) } else { Err(Fault::new(name, wanted.differences(&found, 6))) }
    }

    /// What a cut during this call may leave.
    fn in_flight(&self, line: &Line) -> Allowed {
        let mut after = self.model.clone();
        let step = after.apply(&line.op);
        let mut allowed = Allowed::any([self.model.committed()]);
        step.between.into_iter().chain([after.committed()]).for_each(|tree| allowed.add(tree));
        allowed
    }

    fn apply(&mut self, line: &Line) -> (Result<()>, Allowed) {
        let allowed = self.in_flight(line);
        let result = self.model.apply(&line.op).result;
        let now = self.model.committed();
        if self.history.last().is_none_or(|last| *last.tree != now) {
            // A sync of the volume commits its files one after another.
            let between = allowed.trees.iter().skip(1).filter(|tree| ***tree != now);
            let tree = allowed.find(&now).unwrap_or_else(|| Arc::new(now.clone()));
            let at = self.nor.log_len();
            let pasts = between.cloned().chain([tree]).map(|tree| Past { at, tree });
            self.history.extend(pasts);
        }
        (result, allowed)
    }

    /// If the power went in the call that has just returned: what it answered with `Ok` has
    /// happened, anything else may have.
    fn stop(&mut self, line: &Line, answer: Result<()>, allowed: &Allowed) {
        if self.nor.is_on() || self.stopped.is_some() {
            return;
        }
        let done = || Allowed::any([self.model.committed()]);
        let allowed = if answer.is_ok() { done() } else { allowed.clone() };
        self.stopped = Some((shown(&line.op), allowed));
    }

    fn begin(&mut self, line: &Line) -> usize {
        if !line.quiet && self.quiet_calls.is_none() {
            self.quiet_calls = Some(calls_of(&self.nor));
        }
        self.nor.set_faults(fuse());
        self.nor.log_len()
    }

    fn end(&mut self, line: &Line, begin: usize, allowed: Allowed) {
        let end = self.nor.log_len();
        if end > begin {
            let what = shown(&line.op);
            self.calls.push(Call { what, begin, end, allowed, quiet: line.quiet });
        }
    }
}

/// A call in a few words.
#[must_use]
pub fn shown(op: &Op) -> String {
    match op {
        Op::Write(slot, at, bytes) => format!("Write({slot}, {at}, {} bytes)", bytes.len()),
        Op::Transfer(number, bytes) => format!("Transfer({number}, {} bytes)", bytes.len()),
        Op::Complete(number, slot, at, bytes, ok) => {
            format!("Complete({number}, {slot}, {at}, {} bytes, {ok})", bytes.len())
        }
        Op::Replace(path, bytes) => format!("Replace({path}, {} bytes)", bytes.len()),
        other => format!("{other:?}"),
    }
}
