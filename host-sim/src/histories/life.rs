//! One volume from its format on.

use std::collections::{BTreeMap, VecDeque};

use fs_core::error::{Error, ErrorKind};

use super::wish::{SLOT, Wishes};
use super::{Setting, Sum, Wear};
use crate::chip::Nor;
use crate::explore::outcome::{Allowed, Fault, observe};
use crate::explore::play::{fuse, shown, spec_of, used_chip};
use crate::fault::{Bad, Cut, Faults, TearMode};
use crate::image::Op as Command;
use crate::model::{Model, Op, Tree};
use crate::rng::mix;
use crate::stranger;
use crate::subject::{Ending, Mounted, Mounting, Subject, Vellum};

/// One session in so many is checked by the reader of the specification.
const CHECK_IN: u64 = 6;
/// One group of calls in so many kills a block of a dying chip; five where each session is cut.
const DEATH_IN: u64 = 500;
/// Mounts for writing that fail one after another before a dying chip is given up.
const MOUNTS_MAX: u32 = 8;

pub struct Life {
    setting: Setting,
    nor: Nor,
    model: Model,
    /// What a mount may show: more than one state after a cut.
    allowed: Vec<Tree>,
    wishes: Wishes,
    soak: bool,
    seed: u64,
    /// Whether the mount under way follows a cut.
    cut_before: bool,
    sessions: u64,
    /// Blocks that fail for ever.
    dead: BTreeMap<u32, Bad>,
    /// Mounts for writing that failed since one succeeded.
    failed_mounts: u32,
    pub sum: Sum,
    /// How many calls to remember, and the last ones.
    pub remember: usize,
    pub recent: VecDeque<String>,
}

/// How a call ended.
enum Step {
    Done,
    /// The power went.
    Cut,
    /// It failed for a worn block: the session ends.
    Failed,
}

impl Life {
    pub fn new(setting: Setting, seed: u64, soak: bool) -> Self {
        let spec = spec_of(setting.medium);
        let nor = Nor::with_image(spec, used_chip(setting.medium.blocks, seed));
        Self {
            setting,
            nor,
            model: Model::new(),
            allowed: vec![Tree::default()],
            wishes: Wishes::new(seed, setting.medium.blocks),
            soak,
            seed,
            cut_before: false,
            sessions: 0,
            dead: BTreeMap::new(),
            failed_mounts: 0,
            sum: Sum::default(),
            remember: 0,
            recent: VecDeque::new(),
        }
    }

    pub fn all(&mut self, ops: u64, note: &mut dyn FnMut(&Sum) -> bool) -> Result<(), Fault> {
        let formatted = Vellum.format(&mut self.nor.clone(), self.setting.tuning);
        formatted.map_err(|error| Fault::new("format", format!("{error:?}")))?;
        while self.sum.ops < ops {
            self.session(ops)?;
            let over = self.failed_mounts >= MOUNTS_MAX;
            self.sum.ended += u64::from(over);
            if !note(&self.sum) || over {
                break;
            }
        }
        Ok(())
    }

    /// A mount, some calls, and an end of some kind.
    fn session(&mut self, ops: u64) -> Result<(), Fault> {
        self.sessions += 1;
        let rng = &mut self.wishes.rng;
        let calls = if self.soak { 40 } else { 30 + rng.below(400) };
        let end = if rng.chance(1, 2) { Ending::Dropped } else { Ending::Unmounted };
        let cuts = self.soak || rng.chance(1, 3);
        let mut faults = if cuts { self.planned_cut() } else { patience() };
        if self.setting.wear == Wear::ForASession && self.wishes.rng.chance(1, 2) {
            faults.bad = self.worn_blocks();
        }
        faults.bad.extend(&self.dead);
        let worn_before = !faults.bad.is_empty();
        self.nor.set_faults(faults);
        let mut result = Ok(Step::Done);
        let mut mounted = false;
        let mut device = self.nor.clone();
        let tuning = self.setting.tuning;
        let ended = Vellum.session(&mut device, tuning, Mounting::Write, &mut |volume| {
            mounted = true;
            self.sum.mounts += 1;
            result = self.work(volume, calls, ops);
            match result {
                Ok(Step::Done) => end,
                _ => Ending::Dropped,
            }
            .into_ending(self.nor.is_on())
        });
        let was_on = self.nor.is_on();
        result?;
        let worn = worn_before || !self.dead.is_empty();
        self.failed_mounts = if mounted || !was_on { 0 } else { self.failed_mounts + 1 };
        match ended {
            Ok(()) => {}
            Err(_) if !was_on => {}
            Err(Error::Device(ErrorKind::Medium)) if worn => self.sum.failed += 1,
            Err(error) => return Err(Fault::new("mount or unmount", format!("{error:?}"))),
        }
        if !was_on {
            self.sum.cuts += 1;
            self.sum.recovery_cuts += u64::from(!mounted && self.cut_before);
        }
        self.cut_before = !was_on;
        self.power_cycle();
        if self.failed_mounts > 0 {
            self.look_only()?;
        }
        if self.sessions.is_multiple_of(CHECK_IN) {
            self.check_exactly()?;
        }
        match self.nor.breaches().first() {
            None => Ok(()),
            Some((_, breach)) => Err(Fault::new("the chip's rules", format!("{breach:?}"))),
        }
    }

    fn planned_cut(&mut self) -> Faults {
        let rng = &mut self.wishes.rng;
        // Often in the first commands, which are those of the recovery.
        let most = [12, 60, 400][rng.index(3)];
        let op = rng.below(most);
        // Modes that are not for the command act as their nearest relatives.
        let modes: Vec<TearMode> = {
            let spec = self.nor.spec();
            let program = Command::program(0, &[0]);
            let erase = Command::Erase { at: 0, bytes: 4096 };
            let [one, other] = [spec.tears(&program), spec.tears(&erase)];
            one.iter().chain(other).copied().collect()
        };
        let tear = modes.get(rng.index(modes.len())).copied().unwrap_or(TearMode::Nothing);
        Faults { seed: rng.next_u64(), cut: Some(Cut { op, tear }), ..patience() }
    }

    /// Some blocks, and what they refuse; often those that are used most.
    fn worn_blocks(&mut self) -> BTreeMap<u32, Bad> {
        let blocks = self.setting.medium.blocks;
        let rng = &mut self.wishes.rng;
        let count = 1 + rng.below(u64::from(blocks / 8));
        let mut one = || {
            let block = u32::try_from(rng.below(blocks.into())).unwrap_or(0);
            let bad = if rng.chance(1, 2) { Bad::EraseFails } else { Bad::ProgramFails };
            (block, bad)
        };
        (0..count).map(|_| one()).collect()
    }

    /// A block of a dying chip fails from now on, now and then.
    fn lose_block(&mut self) {
        let blocks = self.setting.medium.blocks;
        let rng = &mut self.wishes.rng;
        let enough = self.dead.len() as u64 > u64::from(blocks / 16);
        let one_in = if self.soak { DEATH_IN / 5 } else { DEATH_IN };
        if self.setting.wear != Wear::ForEver || enough || !rng.chance(1, one_in) {
            return;
        }
        let [one, other] = [0; 2].map(|_: u32| rng.below(blocks.into()));
        let worn = self.nor.wear().0;
        let erases = |block: u64| usize::try_from(block).ok().and_then(|block| worn.get(block));
        let most = if erases(one) > erases(other) { one } else { other };
        let block = u32::try_from(if rng.chance(1, 2) { one } else { most }).unwrap_or(0);
        let bad = [Bad::Fails, Bad::EraseFails, Bad::ProgramFails][rng.index(3)];
        self.sum.dead += u64::from(self.dead.insert(block, bad).is_none());
        self.nor.wear_out(block, bad);
    }

    /// A mount for reading shows an allowed state, whatever fails to be written.
    fn look_only(&mut self) -> Result<(), Fault> {
        let during = "a mount for reading, as the one for writing failed";
        self.nor.set_faults(Faults { bad: self.dead.clone(), ..patience() });
        let before = self.nor.counters();
        let mut found = Err(Fault::new(during, "it failed too"));
        let (mut device, tuning) = (self.nor.clone(), self.setting.tuning);
        let ended = Vellum.session(&mut device, tuning, Mounting::ReadOnly, &mut |volume| {
            found = observe(volume, during);
            Ending::Dropped
        });
        ended.map_err(|error| Fault::new(during, format!("{error:?}")))?;
        let (found, after) = (found?, self.nor.counters());
        if (after.programs, after.erases) != (before.programs, before.erases) {
            return Err(Fault::new(during, "it wrote"));
        }
        self.is_allowed(&found, during)
    }

    /// Compares what a mount shows with the allowed states.
    fn is_allowed(&mut self, found: &Tree, during: &str) -> Result<(), Fault> {
        self.sum.trees += 1;
        let allowed = Allowed::any(self.allowed.clone());
        match allowed.find(found) {
            Some(_) => Ok(()),
            None => Err(Fault::new(during, allowed.differences(found))),
        }
    }

    fn power_cycle(&mut self) {
        self.nor.power_off();
        let noise = mix(self.seed, self.sessions);
        self.nor.tamper(|image| image.set_noise(noise, noise & 2 != 0));
        self.nor.power_on();
        self.model.cut();
    }

    /// The state that the mount shows is an allowed one, and from now on the only one.
    fn decide(&mut self, volume: &dyn Mounted) -> Result<Step, Fault> {
        let during = "after a mount";
        let found = match observe(volume, during) {
            Ok(found) => found,
            Err(_) if !self.nor.is_on() => return Ok(Step::Cut),
            Err(fault) => return Err(fault),
        };
        self.is_allowed(&found, during)?;
        self.model = Model::showing(&found);
        self.allowed = vec![found];
        Ok(Step::Done)
    }

    fn work(&mut self, volume: &dyn Mounted, calls: u64, ops: u64) -> Result<Step, Fault> {
        if let Step::Cut = self.decide(volume)? {
            return Ok(Step::Cut);
        }
        let mut full = false;
        for _ in 0..calls {
            if self.sum.ops >= ops {
                break;
            }
            self.lose_block();
            let wish = self.wishes.next();
            match self.wish(volume, &wish, &mut full)? {
                Step::Done => {}
                other => return Ok(other),
            }
        }
        if full && !self.soak {
            if let Step::Failed = self.make_room(volume)? {
                return Ok(Step::Failed);
            }
        }
        if !self.nor.is_on() {
            return Ok(Step::Cut);
        }
        let found = observe(volume, "before the end of a session");
        if !self.nor.is_on() {
            return Ok(Step::Cut);
        }
        let (found, wanted) = (found?, self.model.visible());
        self.sum.trees += 1;
        if found != wanted {
            let what = wanted.differences(&found, 6);
            return Err(Fault::new("before the end of a session", what));
        }
        self.allowed = vec![self.model.committed()];
        Ok(Step::Done)
    }

    /// Calls that belong together. If one finds no room, the handle is closed without a commit.
    fn wish(&mut self, volume: &dyn Mounted, wish: &[Op], full: &mut bool) -> Result<Step, Fault> {
        for op in wish {
            let open_failed = matches!(op, Op::Open(..));
            self.sum.ops += 1;
            if self.remember > 0 {
                self.recent.push_back(format!("{} {}", self.sum.ops, shown(op)));
                if self.recent.len() > self.remember {
                    self.recent.pop_front();
                }
            }
            let answer = self.call(volume, op)?;
            if !self.nor.is_on() {
                let before = self.model.committed();
                let step = self.model.apply(op);
                self.allowed = vec![before, self.model.committed()];
                self.allowed.extend(step.between);
                return Ok(Step::Cut);
            }
            if answer == Err(Error::Device(ErrorKind::Medium)) && self.setting.wear != Wear::None {
                return self.failed(volume, op);
            }
            if answer == Err(Error::NoSpace) && may_be_full(op) {
                self.sum.full += 1;
                self.wishes.full();
                *full = true;
                if self.sum.full.is_multiple_of(4) {
                    self.refuse_too_early(volume)?;
                }
                return self.give_up(volume, wish, op);
            }
            self.sum.despite += u64::from(!self.dead.is_empty() && answer.is_ok());
            let expected = self.model.apply(op).result;
            if answer.is_ok() != expected.is_ok() {
                let what = format!("answered {answer:?} instead of {expected:?}");
                return Err(Fault::new(shown(op), what));
            }
            if answer.is_err() {
                self.sum.refused += 1;
                if open_failed {
                    return Ok(Step::Done);
                }
            }
        }
        Ok(Step::Done)
    }

    fn call(&self, volume: &dyn Mounted, op: &Op) -> Result<Result<(), Error>, Fault> {
        let Op::Read(slot) = op else { return Ok(volume.call(op)) };
        let found = volume.read(*slot);
        match (&found, self.model.content(*slot)) {
            (Ok(found), Ok(wanted)) if **found != *wanted => {
                Err(Fault::new(shown(op), "another content"))
            }
            _ => Ok(found.map(|_| ())),
        }
    }

    /// What was not committed is given up; a file that was made for it may stay.
    fn give_up(&mut self, volume: &dyn Mounted, wish: &[Op], op: &Op) -> Result<Step, Fault> {
        if wish.len() == 1 {
            return Ok(Step::Done);
        }
        let during = format!("after {} found no room", shown(op));
        if self.model.content(SLOT).is_ok() || self.model.apply(&Op::Discard(SLOT)).result.is_ok() {
            let _ = self.model.apply(&Op::Discard(SLOT));
            let _ = volume.call(&Op::Discard(SLOT));
            let _ = volume.call(&Op::Close(SLOT));
            let _ = self.model.apply(&Op::Close(SLOT));
        }
        let found = observe(volume, &during);
        if !self.nor.is_on() {
            self.allowed = vec![self.model.committed()];
            return Ok(Step::Cut);
        }
        let (found, wanted) = (found?, self.model.visible());
        self.sum.trees += 1;
        if found == wanted {
            Ok(Step::Done)
        } else {
            Err(Fault::new(during, wanted.differences(&found, 6)))
        }
    }

    /// There was a reason to call the volume full.
    fn refuse_too_early(&self, volume: &dyn Mounted) -> Result<(), Fault> {
        let blocks = self.setting.medium.blocks;
        match volume.check() {
            Ok(space) if space.free > blocks / 3 + 12 && self.nor.is_on() => {
                let what = format!("{} of {blocks} blocks free, and it says full", space.free);
                Err(Fault::new("a full volume", what))
            }
            _ => Ok(()),
        }
    }

    /// A full volume can be emptied.
    fn make_room(&mut self, volume: &dyn Mounted) -> Result<Step, Fault> {
        let paths: Vec<String> = self
            .model
            .committed()
            .iter()
            .filter(|(_, entry)| !matches!(entry, crate::model::Entry::Directory))
            .map(|(path, _)| path.to_string())
            .collect();
        for path in paths.iter().step_by(3) {
            match self.wish(volume, &[Op::Remove(path.clone())], &mut false)? {
                Step::Done => {}
                other => return Ok(other),
            }
        }
        Ok(Step::Done)
    }

    /// A call has failed: what is shown is what was there before, or what it was to make.
    fn failed(&mut self, volume: &dyn Mounted, op: &Op) -> Result<Step, Fault> {
        self.sum.failed += 1;
        let (shown_before, before) = (self.model.visible(), self.model.committed());
        let step = self.model.apply(op);
        self.allowed = vec![before, self.model.committed()];
        self.allowed.extend(step.between);
        if matches!(op, Op::Write(..)) {
            // A part of it may be there, and goes with the draft.
            return Ok(Step::Failed);
        }
        let during = format!("after {} failed", shown(op));
        let found = observe(volume, &during);
        if !self.nor.is_on() {
            return Ok(Step::Cut);
        }
        let found = found?;
        self.sum.trees += 1;
        let mut visible = self.allowed.clone();
        visible.extend([shown_before, self.model.visible()]);
        let visible = Allowed::any(visible);
        if visible.find(&found).is_none() {
            return Err(Fault::new(during, visible.differences(&found)));
        }
        Ok(Step::Failed)
    }

    fn check_exactly(&mut self) -> Result<(), Fault> {
        // It knows nothing of a hash that is cut short for the sake of collisions.
        if self.setting.tuning.hash_bits < 55 {
            return Ok(());
        }
        let image = self.nor.image();
        let during = "the reader of the specification";
        let superblock = match stranger::find(&image) {
            Ok(superblock) => superblock,
            Err(refused) => return Err(Fault::new(during, format!("{refused:?}"))),
        };
        self.sum.checked += 1;
        let report = stranger::check(&image);
        let findings = report.map(|report| report.findings).unwrap_or_default();
        if let Some(damage) = findings.first() {
            return Err(Fault::new(during, damage.to_string()));
        }
        let files = stranger::Volume::read(&image, &superblock).and_then(|volume| volume.files());
        let count = files.map(|files| files.0.len() - 1).unwrap_or_default();
        if self.allowed.iter().any(|tree| tree.len() == count) {
            Ok(())
        } else {
            Err(Fault::new(during, format!("{count} names, and the model has others")))
        }
    }
}

/// Ends an endless loop; the calls of a whole session are counted.
fn patience() -> Faults {
    let mut faults = fuse();
    if let Some(error) = &mut faults.error {
        error.call *= 100;
    }
    faults
}

/// Removing is always possible; so is looking.
const fn may_be_full(op: &Op) -> bool {
    !matches!(op, Op::Remove(_) | Op::Rmdir(_) | Op::Read(_))
}

trait IntoEnding {
    fn into_ending(self, on: bool) -> Ending;
}

impl IntoEnding for Ending {
    /// Without power nothing can be unmounted.
    fn into_ending(self, on: bool) -> Ending {
        if on { self } else { Ending::Dropped }
    }
}
