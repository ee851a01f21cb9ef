//! Cuts at every command of the windows, in every mode, on all cores, until the time is over.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::promise::{Promise, Tally};
use super::view::{View, Viewed};
use super::window::{Road, Window, wall_of};
use crate::clock::set_wall;
use crate::explore::cutter::Cutter;
use crate::explore::outcome::{Allowed, Fault};
use crate::explore::play::Call;
use crate::explore::probe::{Found, Probe};
use crate::explore::replay::{Cut, line};
use crate::explore::{Fan, call_at, choose, guarded, start_of, variants};
use crate::image::Image;
use crate::rng::mix;
use crate::scenario::Tuning;

/// Log entries that a thread takes at once.
const BATCH: usize = 4;
/// The recovery is cut again after one cut in so many.
const NESTED_IN: u64 = 8;
/// Cuts in such a recovery, and in the recovery from those.
const NESTED: [usize; 2] = [2, 1];
/// The exploration ends after so many failures.
const FAILURES_MAX: usize = 8;

/// What is explored, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Seed of every choice.
    pub seed: u64,
    /// How the volume was formatted.
    pub tuning: Tuning,
    /// The paths of the imported files.
    pub files: &'a [String],
    /// When to end.
    pub time: Duration,
}

/// How far the exploration is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The time that is over.
    pub elapsed: Duration,
    /// States so far.
    pub states: u64,
    /// Failures so far.
    pub failures: usize,
}

/// A state in which something did not hold.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What follows `--replay`; nothing if the uncut run failed.
    pub cuts: Option<String>,
    /// The call in flight.
    pub call: String,
    /// What did not hold.
    pub fault: Fault,
}

/// What the exploration counted and found.
#[derive(Debug, Clone, Default)]
pub struct Explored {
    /// The checks behind each promise.
    pub tally: Tally,
    /// States after one, two, three cuts.
    pub states: [u64; 3],
    /// Post-cut images that were different.
    pub distinct: u64,
    /// States in which the whole tree was compared.
    pub whole: u64,
    /// Mounts.
    pub mounts: u64,
    /// Device calls of the most expensive recovery.
    pub recovery_calls: u64,
    /// Windows begun.
    pub windows: usize,
    /// Log entries that were cut in every mode.
    pub entries: usize,
    /// What did not hold.
    pub failures: Vec<Failure>,
    /// How long it took on this machine.
    pub elapsed: Duration,
}

impl Explored {
    /// States in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.states.iter().sum()
    }

    /// States a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "shown with no more than four digits")]
    pub fn rate(&self) -> f64 {
        self.total() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    fn fail(&mut self, failure: Failure) {
        self.tally.fail(Promise::broken_by(&failure.fault));
        self.failures.push(failure);
    }
}

/// Cuts window after window of `road` until the time is over.
pub fn explore(mut road: Road, plan: &Plan<'_>, progress: &(dyn Fn(Progress) + Sync)) -> Explored {
    let begin = Instant::now();
    let shared = Shared {
        plan: *plan,
        begin,
        seen: Mutex::default(),
        explored: Mutex::default(),
        stop: AtomicBool::new(false),
        progress,
    };
    while !shared.over() {
        match guarded(|| road.next_window()) {
            Ok(window) => shared.window(&window),
            Err(fault) => {
                let call = format!("window without a cut; {}", fault.during);
                lock(&shared.explored).fail(Failure { cuts: None, call, fault });
                break;
            }
        }
    }
    let mut explored = shared.explored.into_inner().unwrap_or_else(PoisonError::into_inner);
    explored.failures.sort_by_key(|failure| failure.cuts.as_ref().map(String::len));
    explored.elapsed = begin.elapsed();
    explored
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What threads have in common.
struct Shared<'a> {
    plan: Plan<'a>,
    begin: Instant,
    /// Keys of images that were counted, and of images that were probed.
    seen: Mutex<[HashSet<u64>; 2]>,
    explored: Mutex<Explored>,
    stop: AtomicBool,
    progress: &'a (dyn Fn(Progress) + Sync),
}

/// One cut state on its way.
struct State<'a> {
    window: &'a Window,
    probe: Probe<'a>,
    view: &'a View,
}

impl Shared<'_> {
    fn over(&self) -> bool {
        self.begin.elapsed() >= self.plan.time || self.stop.load(Ordering::Relaxed)
    }

    fn window(&self, window: &Window) {
        lock(&self.explored).windows += 1;
        let batches = batches(window, mix(self.plan.seed, window.number as u64));
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..crate::explore::cores() {
                scope.spawn(|| {
                    while let Some((first, cutter)) =
                        batches.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        if self.over() {
                            break;
                        }
                        self.batch(window, *first, cutter.clone());
                    }
                });
            }
        });
    }

    fn batch(&self, window: &Window, first: usize, mut cutter: Cutter) {
        for at in (first..window.log.len()).take(BATCH) {
            if let Some(call) = call_at(&window.calls, at) {
                self.entry(window, at, &cutter, call);
            }
            if self.over() {
                return;
            }
            lock(&self.explored).entries += 1;
            cutter.advance(&window.log[at]);
        }
    }

    /// Cuts during one entry in every mode.
    fn entry(&self, window: &Window, at: usize, cutter: &Cutter, call: &Call) {
        let op = &window.log[at];
        for (mode, tear) in cutter.tears(op).into_iter().enumerate() {
            let place = mix(window.number as u64, at as u64);
            let key = mix(mix(self.plan.seed, place), mode as u64);
            for variant in 0..variants(cutter, op, tear) {
                let cut = Cut { at, tear, seed: (mix(key, 21) & !1) | variant };
                let image = cutter.torn(op, tear, cut.seed);
                self.first(window, &image, call, cut);
                if self.over() {
                    return;
                }
            }
        }
    }

    fn first(&self, window: &Window, image: &Image, call: &Call, cut: Cut) {
        let view = View::of(self.plan.files, cut.seed);
        let subject = Viewed(&view);
        let probe = Probe {
            subject: &subject,
            tuning: self.plan.tuning,
            spec: window.spec,
            may_be_full: false,
        };
        let state = State { window, probe, view: &view };
        self.visit(&state, image, call, &mut vec![cut]);
    }

    /// Probes an image, and for a sample cuts its recovery.
    fn visit(&self, state: &State<'_>, image: &Image, call: &Call, cuts: &mut Vec<Cut>) {
        let Some(cut) = cuts.last().copied() else { return };
        let depth = cuts.len();
        let allowed =
            if depth == 1 { state.view.allowed(&call.allowed) } else { call.allowed.clone() };
        let noise = noise_of(state.window, image, cut.seed);
        if !self.is_new(state, depth, noise, &allowed) {
            return;
        }
        match probe(state, image, &allowed, noise) {
            Ok(found) => {
                self.held(state, &found);
                self.nested(state, image, noise, &found, cuts);
            }
            Err(fault) => {
                let cuts = Some(format!("{}/{}", state.window.number, line(cuts)));
                let mut explored = lock(&self.explored);
                explored.fail(Failure { cuts, call: call.what.clone(), fault });
                if explored.failures.len() >= FAILURES_MAX {
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// Counts a state; whether no equal one was probed before.
    fn is_new(&self, state: &State<'_>, depth: usize, noise: u64, allowed: &Allowed) -> bool {
        let image = mix(noise, state.window.number as u64);
        let key = mix(image, allowed.fingerprint());
        let [images, probed] = &mut *lock(&self.seen);
        let mut explored = lock(&self.explored);
        if let Some(count) = explored.states.get_mut(depth - 1) {
            *count += 1;
        }
        explored.distinct += u64::from(images.insert(image));
        probed.insert(key)
    }

    fn held(&self, state: &State<'_>, found: &Found) {
        let mut explored = lock(&self.explored);
        explored.tally.probed(found, state.view.checks());
        explored.whole += u64::from(state.view.is_whole());
        explored.mounts += u64::from(found.mounts);
        explored.recovery_calls = explored.recovery_calls.max(found.recovery_calls);
        let (states, failures) = (explored.total(), explored.failures.len());
        drop(explored);
        (self.progress)(Progress { elapsed: self.begin.elapsed(), states, failures });
    }

    fn nested(
        &self,
        state: &State<'_>,
        image: &Image,
        noise: u64,
        found: &Found,
        cuts: &mut Vec<Cut>,
    ) {
        let Some(count) = NESTED.get(cuts.len() - 1) else { return };
        if cuts.len() == 1 && !mix(noise, 5).is_multiple_of(NESTED_IN) {
            return;
        }
        let mut chosen = choose(found, Fan::Some(*count), noise).into_iter().peekable();
        let mut cutter = Cutter::new(state.window.spec, start_of(image, noise));
        for (at, op) in found.log.iter().enumerate() {
            while let Some((_, pick)) = chosen.next_if(|(entry, _)| *entry == at) {
                let Some(call) = call_at(&found.calls, at) else { continue };
                let tears = cutter.tears(op);
                let Some(tear) = tears.get(pick % tears.len().max(1)).copied() else { continue };
                let seed = mix(mix(noise, at as u64), pick as u64);
                let inner = cutter.torn(op, tear, seed);
                cuts.push(Cut { at, tear, seed });
                self.visit(state, &inner, call, cuts);
                cuts.pop();
            }
            if chosen.peek().is_none() || self.over() {
                return;
            }
            cutter.advance(op);
        }
    }
}

/// The pieces of a window, each with the chip before it, in a seeded order: a time that is too
/// short for a window still meets all kinds of calls.
fn batches(window: &Window, seed: u64) -> Vec<(usize, Cutter)> {
    let mut cutter = Cutter::new(window.spec, window.start.clone());
    let mut made = Vec::new();
    for (at, op) in window.log.iter().enumerate() {
        if at % BATCH == 0 {
            made.push((at, cutter.clone()));
        }
        cutter.advance(op);
    }
    made.sort_by_key(|(at, _)| mix(seed, *at as u64));
    made
}

/// What unstable cells read after a cut. A stable image has one probe, whatever cut led to it.
pub fn noise_of(window: &Window, image: &Image, seed: u64) -> u64 {
    if image.is_unstable() { seed } else { image.hash_since(&window.start) }
}

fn probe(state: &State<'_>, image: &Image, allowed: &Allowed, noise: u64) -> Result<Found, Fault> {
    guarded(|| {
        set_wall(wall_of(state.window.number + 1));
        state.probe.probe(image, allowed, noise)
    })
}
