//! A piece of the workload on a recording chip: what is cut.

use fs_core::units::Time;

use super::stage::call;
use super::workload::Workload;
use crate::chip::{Nor, Spec};
use crate::clock::set_wall;
use crate::explore::outcome::{Allowed, Fault};
use crate::explore::play::{Call, fuse, shown};
use crate::image::{Image, Op as Command};
use crate::model::{Model, Op};
use crate::scenario::Tuning;
use crate::subject::{Ending, Mounted, Mounting, Subject, Vellum};

/// A window ends after the action that makes this many log entries.
const ENTRIES: usize = 250;

/// What happened to the chip in one mount, and which call did it.
#[derive(Debug, Clone)]
pub struct Window {
    /// Its place in the sequence.
    pub number: usize,
    /// The chip.
    pub spec: Spec,
    /// The chip's content before.
    pub start: Image,
    /// What happened to its cells.
    pub log: Vec<Command>,
    /// Which call did it, and what a cut in it may leave.
    pub calls: Vec<Call>,
}

/// The workload going on, window after window.
#[derive(Debug, Clone)]
pub struct Road {
    spec: Spec,
    tuning: Tuning,
    image: Image,
    model: Model,
    workload: Workload,
    number: usize,
}

/// The window that is being recorded.
struct Recorder<'a> {
    nor: &'a Nor,
    model: &'a mut Model,
    workload: &'a mut Workload,
    calls: Vec<Call>,
}

impl Road {
    /// Begins with what is on the chip and the model of it; nothing is open or mounted.
    #[must_use]
    pub fn new(nor: &Nor, tuning: Tuning, model: Model, workload: Workload) -> Self {
        Self { spec: nor.spec(), tuning, image: nor.image(), model, workload, number: 0 }
    }

    /// Mounts, works for a while, and unmounts or, every other time, loses its power: the next
    /// window then begins by settling.
    ///
    /// # Errors
    /// The first answer that was not the model's.
    pub fn next_window(&mut self) -> Result<Window, Fault> {
        set_wall(wall_of(self.number));
        let nor = Nor::with_image(self.spec, self.image.clone());
        nor.record(true);
        nor.set_faults(fuse());
        let unmounts = self.number % 2 == 1;
        let Self { model, workload, .. } = self;
        let mut recorder = Recorder { nor: &nor, model, workload, calls: Vec::new() };
        let mut worked = None;
        let mut leaving = None;
        let ended = Vellum.session(&mut nor.clone(), self.tuning, Mounting::Write, &mut |volume| {
            worked = Some(recorder.work(volume));
            if unmounts && matches!(worked, Some(Ok(()))) {
                leaving = Some((nor.log_len(), recorder.in_flight(&Op::Unmount)));
                return Ending::Unmounted;
            }
            Ending::Dropped
        });
        worked.unwrap_or(Ok(())).and_then(|()| {
            ended.map_err(|error| Fault::new("mount or unmount", format!("{error:?}")))
        })?;
        if let Some((begin, allowed)) = leaving {
            recorder.note("Unmount".into(), begin, allowed);
        }
        let calls = recorder.calls;
        if let Some((number, breach)) = nor.breaches().first() {
            return Err(Fault::new("the chip's rules", format!("command {number}: {breach:?}")));
        }
        self.model.cut();
        let start = std::mem::replace(&mut self.image, nor.image());
        let window =
            Window { number: self.number, spec: self.spec, start, log: nor.take_log(), calls };
        self.number += 1;
        Ok(window)
    }
}

impl Recorder<'_> {
    fn work(&mut self, volume: &dyn Mounted) -> Result<(), Fault> {
        let allowed = Allowed::any([self.model.committed()]);
        self.note("Mount".into(), 0, allowed);
        while self.nor.log_len() < ENTRIES {
            for step in self.workload.next_action() {
                self.step(volume, &step.op)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, volume: &dyn Mounted, op: &Op) -> Result<(), Fault> {
        self.nor.set_faults(fuse());
        let begin = self.nor.log_len();
        let answer = call(volume, self.model, op).map_err(|what| Fault::new(shown(op), what))?;
        let allowed = self.in_flight(op);
        let expected = self.model.apply(op).result;
        self.note(shown(op), begin, allowed);
        if answer == expected {
            return Ok(());
        }
        Err(Fault::new(shown(op), format!("answered {answer:?} instead of {expected:?}")))
    }

    /// What a cut during this call may leave.
    fn in_flight(&self, op: &Op) -> Allowed {
        let mut after = self.model.clone();
        let step = after.apply(op);
        let trees = [self.model.committed()].into_iter().chain(step.between);
        Allowed::any(trees.chain([after.committed()]))
    }

    fn note(&mut self, what: String, begin: usize, allowed: Allowed) {
        let end = self.nor.log_len();
        if end > begin {
            self.calls.push(Call { what, begin, end, allowed, quiet: false });
        }
    }
}

/// The wall clock at the beginning of a window, and of each probe: runs repeat exactly.
#[must_use]
pub fn wall_of(number: usize) -> Time {
    let days = i64::try_from(number).unwrap_or(0);
    Time(1_750_000_000_000_000_000 + days * 86_400_000_000_000)
}
