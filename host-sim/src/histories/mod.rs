//! Long random lives of volumes, compared with the model call by call.
//!
//! **What it is.** A history is one volume on one chip: it is filled, fragmented, emptied, filled
//! to the last block, mounted again and again, and its power is cut anywhere, also while it
//! recovers. It is never formatted again. After each mount the whole tree is compared with the
//! model; what a cut leaves is one of the states that the model allows, and from then on the only
//! one. [`run`] lives many of them on all cores; a *soak* is one with a cut in every session.
//!
//! **Rules.**
//! 1. Everything follows from the seed: a failure prints the line that repeats it.
//! 2. `NoSpace` changes nothing, and is answered only where little is free. Removing never
//!    answers it.
//! 3. Now and then the reader of the specification checks the whole image.
//! 4. On a *worn* chip some blocks refuse programs or erases for a session. A call that fails for
//!    that has happened or not, a later mount decides; nothing that was acknowledged is lost, and
//!    the volume goes on when they are spared.
//! 5. On a *dying* chip a block now and then fails in the middle of a session and for ever, half of
//!    them among those that were erased most. A mount for writing may then fail as well; one for
//!    reading never does, and shows what was acknowledged. A history ends early when no mount
//!    for writing succeeds any more.
//!
//! **Cost.** Some ten microseconds a call on a small chip.

mod life;
mod wish;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::explore::cores;
use crate::explore::guarded;
use crate::explore::outcome::Fault;
use crate::rng::mix;
use crate::scenario::{Medium, Tuning};
use life::Life;

/// On what, and how it is formatted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// What it is called on the command line.
    pub name: &'static str,
    /// The chip.
    pub medium: Medium,
    /// The format.
    pub tuning: Tuning,
    /// Whether blocks fail, and for how long.
    pub wear: Wear,
}

/// Whether blocks refuse programs and erases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wear {
    /// No block does.
    None,
    /// Some do for a session.
    ForASession,
    /// More and more do for ever.
    ForEver,
}

const fn on(name: &'static str, medium: Medium, tuning: Tuning) -> Setting {
    Setting { name, medium, tuning, wear: Wear::None }
}

const fn worn(name: &'static str, medium: Medium, tuning: Tuning) -> Setting {
    Setting { wear: Wear::ForASession, ..on(name, medium, tuning) }
}

const fn dying(name: &'static str, medium: Medium, tuning: Tuning) -> Setting {
    Setting { wear: Wear::ForEver, ..on(name, medium, tuning) }
}

/// Every setting, in the order in which they take turns.
pub const SETTINGS: &[Setting] = &[
    on("nor:64", Medium::nor(64), Tuning::DEFAULT),
    on("nor:16", Medium::nor(16), Tuning::TIGHT),
    on("nor:256", Medium::nor(256), Tuning::DEFAULT),
    on("nor:24", Medium::nor(24), Tuning::TIGHT),
    on("nor-cached:32", Medium::cached(32), Tuning::TIGHT),
    on("nor-colliding:40", Medium::nor(40), Tuning::COLLIDING),
    on("card:64", Medium::card(64), Tuning::DEFAULT),
    on("card-cached:256", Medium::cached_card(256), Tuning::DEFAULT),
    on("fram:32", Medium::fram(32), Tuning::TIGHT),
    worn("nor-worn:64", Medium::nor(64), Tuning::DEFAULT),
    worn("nor-worn:24", Medium::nor(24), Tuning::TIGHT),
    worn("card-worn:64", Medium::card(64), Tuning::DEFAULT),
    on("nor-64k:24", Medium::big_block(24, 0x1_0000), Tuning::DEFAULT),
    dying("nor-dying:64", Medium::nor(64), Tuning::DEFAULT),
    dying("nor-dying:24", Medium::nor(24), Tuning::TIGHT),
    dying("nor-dying:256", Medium::nor(256), Tuning::DEFAULT),
    dying("card-dying:64", Medium::card(64), Tuning::DEFAULT),
];

impl Setting {
    /// The setting of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SETTINGS.iter().find(|setting| setting.name == name).copied()
    }
}

/// What to live.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Seed of the first history.
    pub seed: u64,
    /// Where; all in turn if `None`.
    pub setting: Option<Setting>,
    /// Calls in all.
    pub ops: u64,
    /// Calls of one history.
    pub length: u64,
    /// Cuts in all: then each history has a cut in every session.
    pub cuts: Option<u64>,
    /// When to end.
    pub time: Option<Duration>,
    /// Threads; one for each core if `None`.
    pub threads: Option<usize>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Calls.
    pub ops: u64,
    /// Calls that were refused as the model says.
    pub refused: u64,
    /// Calls that found the volume full.
    pub full: u64,
    /// Calls and mounts that failed for a worn block.
    pub failed: u64,
    /// Blocks that failed for ever.
    pub dead: u64,
    /// Calls that succeeded on a chip with such a block.
    pub despite: u64,
    /// Histories that ended because no mount for writing succeeded any more.
    pub ended: u64,
    /// Power cuts in the middle of a command of the chip.
    pub cuts: u64,
    /// Cuts among them in the recovery from another.
    pub recovery_cuts: u64,
    /// Mounts that succeeded.
    pub mounts: u64,
    /// Whole trees that were compared.
    pub trees: u64,
    /// Images that the reader of the specification checked.
    pub checked: u64,
    /// Histories.
    pub histories: u64,
}

impl Sum {
    fn add(&mut self, more: &Self) {
        self.ops += more.ops;
        self.refused += more.refused;
        self.full += more.full;
        self.failed += more.failed;
        self.dead += more.dead;
        self.despite += more.despite;
        self.ended += more.ended;
        self.cuts += more.cuts;
        self.recovery_cuts += more.recovery_cuts;
        self.mounts += more.mounts;
        self.trees += more.trees;
        self.checked += more.checked;
        self.histories += more.histories;
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ops, refused, full, failed, cuts, recovery_cuts, .. } = self;
        writeln!(
            f,
            "{} histories, {ops} calls: {refused} refused, {full} full, {failed} failed by blocks",
            self.histories
        )?;
        writeln!(
            f,
            "{} blocks failed for ever, {} calls after that, {} histories ended by them",
            self.dead, self.despite, self.ended
        )?;
        writeln!(
            f,
            "{cuts} cuts, {recovery_cuts} of them during recovery; {} mounts",
            self.mounts
        )?;
        write!(f, "{} trees compared, {} images checked exactly", self.trees, self.checked)
    }
}

/// Something that did not hold, and the line that repeats it.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Its setting.
    pub setting: Setting,
    /// Its seed.
    pub seed: u64,
    /// The call at which it showed.
    pub op: u64,
    /// Whether every session was cut.
    pub soak: bool,
    /// What it was.
    pub fault: Fault,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.soak { "soak" } else { "histories" };
        let (chip, seed, op) = (self.setting.name, self.seed, self.op);
        writeln!(f, "host-sim {verb} --chip {chip} --seed {seed} --replay {op}")?;
        write!(f, "  {}", self.fault)
    }
}

/// Lives histories until calls, cuts or time are over, or one fails. `news` is called with the
/// sum so far.
#[must_use]
pub fn run(plan: &Plan, news: &(dyn Fn(&Sum) + Sync)) -> (Sum, Vec<Broken>) {
    let begin = Instant::now();
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let sum = Mutex::new((Sum::default(), Vec::new()));
    let over = |sum: &Sum| {
        plan.time.is_some_and(|time| begin.elapsed() >= time)
            || plan.cuts.map_or(sum.ops >= plan.ops, |cuts| sum.cuts >= cuts)
    };
    let lived = || {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let turn = usize::try_from(number).unwrap_or(0) % SETTINGS.len();
            let setting = plan.setting.unwrap_or(SETTINGS[turn]);
            let seed = if number == 0 { plan.seed } else { mix(plan.seed, number) };
            let mut before = Sum::default();
            let mut note = |now: &Sum| {
                let mut total = sum.lock().unwrap_or_else(PoisonError::into_inner);
                let mut more = *now;
                more.subtract(&before);
                total.0.add(&more);
                before = *now;
                news(&total.0);
                if over(&total.0) {
                    stop.store(true, Ordering::Relaxed);
                }
                !stop.load(Ordering::Relaxed)
            };
            let result = live(setting, seed, plan.length, plan.cuts.is_some(), &mut note);
            let mut total = sum.lock().unwrap_or_else(PoisonError::into_inner);
            total.0.histories += 1;
            if let Err(broken) = result {
                total.1.push(broken);
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..plan.threads.unwrap_or_else(cores).max(1) {
            scope.spawn(lived);
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Sum {
    fn subtract(&mut self, less: &Self) {
        self.ops -= less.ops;
        self.refused -= less.refused;
        self.full -= less.full;
        self.failed -= less.failed;
        self.dead -= less.dead;
        self.despite -= less.despite;
        self.ended -= less.ended;
        self.cuts -= less.cuts;
        self.recovery_cuts -= less.recovery_cuts;
        self.mounts -= less.mounts;
        self.trees -= less.trees;
        self.checked -= less.checked;
    }
}

/// Lives one history of `length` calls. `note` hears the sum after each session, and says whether
/// to go on.
///
/// # Errors
/// The first thing that did not hold.
pub fn live(
    setting: Setting,
    seed: u64,
    length: u64,
    soak: bool,
    note: &mut dyn FnMut(&Sum) -> bool,
) -> Result<Sum, Broken> {
    let mut life = Life::new(setting, seed, soak);
    let result = guarded(|| life.all(length, note));
    let (sum, op) = (life.sum, life.sum.ops);
    result.map(|()| sum).map_err(|fault| Broken { setting, seed, op, soak, fault })
}

/// Repeats a history up to the call `op` and tells the last calls.
///
/// # Errors
/// The first thing that did not hold.
pub fn replay(
    setting: Setting,
    seed: u64,
    op: u64,
    soak: bool,
    tell: &mut dyn FnMut(&str),
) -> Result<(), Broken> {
    let mut life = Life::new(setting, seed, soak);
    life.remember = 24;
    let result = guarded(|| life.all(op + 1, &mut |_| true));
    life.recent.iter().for_each(|line| tell(line));
    let op = life.sum.ops;
    result.map_err(|fault| Broken { setting, seed, op, soak, fault })
}

#[cfg(test)]
mod tests {
    use super::{Plan, SETTINGS, Wear, live, run};

    #[test]
    fn a_slice_of_every_kind_of_history_holds() {
        for setting in SETTINGS {
            for soak in [false, true] {
                let length = if soak { 1500 } else { 4000 };
                let sum = live(*setting, 5, length, soak, &mut |_| true);
                let sum = sum.unwrap_or_else(|broken| panic!("{broken}"));
                assert!(sum.cuts > 0 && sum.trees > 10, "{sum:?}");
                assert_eq!(sum.failed > 0, setting.wear != Wear::None, "{} {sum:?}", setting.name);
                assert_eq!(sum.dead > 0, setting.wear == Wear::ForEver, "{} {sum:?}", setting.name);
            }
        }
    }

    #[test]
    fn equal_seeds_live_equal_lives() {
        let lived = |seed| live(SETTINGS[1], seed, 3000, false, &mut |_| true).ok();
        assert_eq!(lived(3), lived(3));
        assert_ne!(lived(3), lived(4));
    }

    #[test]
    fn a_run_ends_when_its_calls_are_over() {
        let plan = Plan {
            seed: 1,
            setting: Some(SETTINGS[1]),
            ops: 5000,
            length: 1000,
            cuts: None,
            time: None,
            threads: Some(2),
        };
        let (sum, broken) = run(&plan, &|_| ());
        assert!(broken.is_empty() && sum.ops >= 5000 && sum.histories >= 5, "{sum:?}");
    }
}
