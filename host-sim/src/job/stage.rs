//! The chip that the job works on, the volume on it, and the model that predicts every answer.

use fs_core::error::Error;

use super::promise::{Promise, Tally};
use super::times::Times;
use super::workload::Step;
use crate::chip::{Nor, Spec};
use crate::explore::outcome::{Fault, observe};
use crate::explore::play::{fuse, shown};
use crate::fault::{Faults, IoError};
use crate::model::{Model, Op, Slot};
use crate::scenario::Tuning;
use crate::subject::{Ending, Mounted, Mounting, Subject, Vellum};

/// A chip, and what should be on it.
#[derive(Debug)]
pub struct Stage {
    /// The chip.
    pub nor: Nor,
    /// How the volume is formatted.
    pub tuning: Tuning,
    /// What the volume should hold.
    pub model: Model,
    /// How long calls took.
    pub times: Times,
    /// The checks behind each promise.
    pub tally: Tally,
}

/// The stage while the volume is mounted.
pub struct Seat<'a> {
    volume: &'a dyn Mounted,
    nor: &'a Nor,
    model: &'a mut Model,
    times: &'a mut Times,
    tally: &'a mut Tally,
}

impl Stage {
    /// An erased chip.
    #[must_use]
    pub fn new(spec: Spec, tuning: Tuning) -> Self {
        Self {
            nor: Nor::new(spec),
            tuning,
            model: Model::new(),
            times: Times::default(),
            tally: Tally::default(),
        }
    }

    /// Formats the chip.
    ///
    /// # Errors
    /// The volume's answer.
    pub fn format(&mut self) -> Result<(), Fault> {
        let (clock, mut nor) = (self.nor.clock(), self.nor.clone());
        let (result, ns) = clock.time(|| Vellum.format(&mut nor, self.tuning));
        result.map_err(|error| Fault::new("format", format!("{error:?}")))?;
        self.times.add("format", ns);
        self.tally.add(Promise::Answers, 1);
        Ok(())
    }

    /// Mounts, lends the volume to `body`, and unmounts, or takes the power away if `ending`
    /// says so.
    ///
    /// # Errors
    /// The first answer that was not the model's.
    pub fn session(
        &mut self,
        ending: Ending,
        mut body: impl FnMut(&mut Seat<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Self { nor, tuning, model, times, tally } = self;
        let clock = nor.clock();
        let begin = clock.now_ns();
        let mut left = begin;
        let mut result = None;
        nor.set_faults(fuse());
        let ended = Vellum.session(&mut nor.clone(), *tuning, Mounting::Write, &mut |volume| {
            times.add("mount", clock.now_ns() - begin);
            let mut seat = Seat { volume, nor, model, times, tally };
            let worked = body(&mut seat);
            let ending = if worked.is_ok() { ending } else { Ending::Dropped };
            result = Some(worked);
            left = clock.now_ns();
            ending
        });
        match (result, ended) {
            (Some(worked), Ok(())) => worked?,
            (Some(_), Err(error)) => return Err(Fault::new("unmount", format!("{error:?}"))),
            (None, ended) => return Err(Fault::new("mount", format!("answered {ended:?}"))),
        }
        tally.add(Promise::Answers, 1);
        if ending == Ending::Unmounted {
            times.add("unmount", clock.now_ns() - left);
            model.apply(&Op::Unmount);
        } else {
            nor.power_off();
            nor.power_on();
            model.cut();
        }
        Ok(())
    }

    /// Mounts read-only and lends the volume to `body`.
    ///
    /// # Errors
    /// Those of `body`; mounting was refused, or something was written.
    pub fn look(
        &mut self,
        mut body: impl FnMut(&dyn Mounted) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let before = changes(&self.nor);
        let mut result = None;
        self.nor.set_faults(long_fuse());
        let mut nor = self.nor.clone();
        let ended = Vellum.session(&mut nor, self.tuning, Mounting::ReadOnly, &mut |volume| {
            result = Some(body(volume));
            Ending::Dropped
        });
        match result {
            Some(result) => result?,
            None => return Err(Fault::new("mount", format!("answered {ended:?}"))),
        }
        if changes(&self.nor) != before {
            return Err(Fault::new("read-only mount", "wrote"));
        }
        self.tally.add(Promise::ReadOnly, 1);
        Ok(())
    }

    /// Whether the chip's rules were kept; counts every command.
    ///
    /// # Errors
    /// The first rule that was broken.
    pub fn discipline(&mut self) -> Result<(), Fault> {
        if let Some((number, breach)) = self.nor.breaches().first() {
            return Err(Fault::new("the chip's rules", format!("command {number}: {breach:?}")));
        }
        let counters = self.nor.counters();
        let erases = counters.erases_4k + counters.erases_32k + counters.erases_64k;
        self.tally.add(Promise::Discipline, counters.program_pages + erases);
        Ok(())
    }
}

/// Faults that end an endless loop in calls, or series of calls, that read the whole volume.
pub fn long_fuse() -> Faults {
    let error = fuse().error.map(|error| IoError { call: error.call * 500, ..error });
    Faults { error, ..Faults::none() }
}

fn changes(nor: &Nor) -> u64 {
    let counters = nor.counters();
    counters.programs + counters.erases + counters.syncs
}

impl Seat<'_> {
    /// Carries out calls, times them, and compares every answer with the model's.
    ///
    /// # Errors
    /// The first answer that was not the model's.
    pub fn steps(&mut self, steps: impl IntoIterator<Item = Step>) -> Result<(), Fault> {
        steps.into_iter().try_for_each(|step| self.step(&step))
    }

    fn step(&mut self, step: &Step) -> Result<(), Fault> {
        self.nor.set_faults(fuse());
        let (answer, ns) = self.nor.clock().time(|| call(self.volume, self.model, &step.op));
        self.times.add_call(step.class, ns, || shown(&step.op));
        let expected = self.model.apply(&step.op).result;
        self.tally.add(Promise::Answers, 1);
        match answer {
            Ok(answer) if answer == expected => Ok(()),
            Ok(answer) => {
                let text = format!("answered {answer:?} instead of {expected:?}");
                Err(Fault::new(shown(&step.op), text))
            }
            Err(what) => Err(Fault::new(shown(&step.op), what)),
        }
    }

    /// Compares the whole tree with the model's, and has the volume check itself.
    ///
    /// # Errors
    /// What was different.
    pub fn verify(&mut self, during: &str) -> Result<(), Fault> {
        self.nor.set_faults(long_fuse());
        let found = observe(self.volume, during)?;
        let wanted = self.model.visible();
        if found != wanted {
            return Err(Fault::new(during, wanted.differences(&found, 6)));
        }
        self.tally.add(Promise::OldOrNew, 1);
        let checked = self.volume.check();
        checked.map_err(|error| Fault::new("check", format!("{during}: {error:?}")))?;
        self.tally.add(Promise::Check, 1);
        Ok(())
    }
}

/// Carries out one call; a wrong content is told in words.
///
/// # Errors
/// What was read instead of what the model has.
pub fn call(volume: &dyn Mounted, model: &Model, op: &Op) -> Result<Result<(), Error>, String> {
    match op {
        Op::Read(slot) => read(volume, model, *slot),
        op => Ok(volume.call(op)),
    }
}

fn read(volume: &dyn Mounted, model: &Model, slot: Slot) -> Result<Result<(), Error>, String> {
    let found = volume.read(slot);
    match (&found, model.content(slot)) {
        (Ok(found), Ok(wanted)) if **found != *wanted => Err(format!(
            "read \"{}\" instead of \"{}\"",
            found.escape_ascii(),
            wanted.escape_ascii()
        )),
        _ => Ok(found.map(|_| ())),
    }
}
