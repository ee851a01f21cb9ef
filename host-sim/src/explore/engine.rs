//! Cuts everywhere, on all cores.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::cutter::Cutter;
use super::outcome::Fault;
use super::play::{Call, Recording, record};
use super::probe::{Found, Probe};
use super::replay::Cut;
use super::report::{Failure, Report, Row};
use crate::clock::{WALL_START, set_wall};
use crate::fault::TearMode;
use crate::image::{Image, Op};
use crate::rng::{Rng, mix};
use crate::scenario::Scenario;
use crate::subject::Subject;

/// Log entries that one job cuts.
const JOB_ENTRIES: usize = 16;

/// How many cuts are made during the recovery from a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fan {
    /// Each entry in each mode.
    All,
    /// So many, chosen by the seed.
    Some(usize),
}

/// Where the power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// In every command.
    Everything,
    /// In commands to the first and the last block, where the anchors are, and in flushes.
    Anchors,
    /// In every command, so that cells read now so and now otherwise.
    Unstable,
    /// That in commands to the anchors.
    UnstableAnchors,
}

impl Focus {
    fn includes(self, op: &Op, size: u64, block: u64) -> bool {
        let (at, length) = op.range();
        let everywhere = matches!(self, Self::Everything | Self::Unstable);
        everywhere || length == 0 || at < block || at + block >= size
    }

    fn includes_tear(self, tear: TearMode) -> bool {
        let any = matches!(self, Self::Everything | Self::Anchors);
        any || matches!(tear, TearMode::UnstableOld | TearMode::UnstableMix)
    }
}

/// How much is explored.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seed of every choice.
    pub seed: u64,
    /// What is played.
    pub scenarios: Vec<&'static Scenario>,
    /// Cuts in the recovery from a cut, and in the recovery from that.
    pub nested: [Fan; 2],
    /// Of the cuts of the first level one in so many is made.
    pub one_in: u64,
    /// Where is cut, at the first level and within recoveries.
    pub focus: [Focus; 2],
    /// Ends then, even if cuts are left.
    pub time: Option<Duration>,
    /// Ends after so many failures.
    pub failures_max: usize,
    /// Says of a failure that it is known and does not count.
    pub known: fn(&Failure) -> bool,
    /// Threads; one for each core if `None`.
    pub threads: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            scenarios: Scenario::all().collect(),
            nested: [Fan::Some(1), Fan::Some(1)],
            one_in: 1,
            focus: [Focus::Everything; 2],
            time: None,
            failures_max: 20,
            known: |_| false,
            threads: None,
        }
    }
}

/// How far an exploration is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Jobs done.
    pub done: usize,
    /// Jobs in all.
    pub jobs: usize,
    /// States so far.
    pub states: u64,
    /// Failures so far.
    pub failures: usize,
}

/// Cuts every scenario of `options` everywhere. `progress` is called from all threads.
pub fn run(
    subject: &dyn Subject,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Report {
    let begin = Instant::now();
    let work = Work::new(subject, options, begin);
    let threads = options.threads.unwrap_or_else(cores);
    let jobs = work.prepare(threads);
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if work.over() {
                        break;
                    }
                    work.job(job);
                    progress(Progress {
                        done: done.fetch_add(1, Ordering::Relaxed) + 1,
                        jobs: jobs.len(),
                        states: work.states.load(Ordering::Relaxed),
                        failures: lock(&work.failures).len(),
                    });
                }
            });
        }
    });
    work.report(done.into_inner() == jobs.len())
}

/// Cores of this machine.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A few log entries of one scenario, and the chip before them.
struct Job {
    scenario: usize,
    first: usize,
    cutter: Cutter,
}

struct Work<'a> {
    subject: &'a dyn Subject,
    options: &'a Options,
    begin: Instant,
    recordings: Vec<Mutex<Option<std::sync::Arc<Recording>>>>,
    rows: Vec<Mutex<Row>>,
    seen: Vec<Mutex<HashSet<u64>>>,
    failures: Mutex<Vec<Failure>>,
    states: AtomicU64,
    known: AtomicU64,
    stop: AtomicBool,
}

impl<'a> Work<'a> {
    fn new(subject: &'a dyn Subject, options: &'a Options, begin: Instant) -> Self {
        let each = || options.scenarios.iter();
        Self {
            subject,
            options,
            begin,
            recordings: each().map(|_| Mutex::new(None)).collect(),
            rows: each().map(|scenario| Mutex::new(Row::new(scenario.name))).collect(),
            seen: each().map(|_| Mutex::default()).collect(),
            failures: Mutex::default(),
            states: AtomicU64::new(0),
            known: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        }
    }

    fn over(&self) -> bool {
        let late = self.options.time.is_some_and(|time| self.begin.elapsed() >= time);
        late || self.stop.load(Ordering::Relaxed)
    }

    /// Records every scenario and cuts the logs into jobs, in an order that mixes scenarios.
    fn prepare(&self, threads: usize) -> Vec<Job> {
        let next = AtomicUsize::new(0);
        let jobs = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(scenario) = self.options.scenarios.get(number) else { break };
                        let made = self.record(number, scenario);
                        lock(&jobs).extend(made);
                    }
                });
            }
        });
        let mut jobs = jobs.into_inner().unwrap_or_else(PoisonError::into_inner);
        let order = |job: &Job| mix(self.options.seed, mix(job.scenario as u64, job.first as u64));
        jobs.sort_by_key(|job| (order(job), job.scenario, job.first));
        jobs
    }

    fn record(&self, number: usize, scenario: &'static Scenario) -> Vec<Job> {
        let recorded = guarded(|| record(self.subject, scenario, self.options.seed));
        let recording = match recorded {
            Ok(recording) => recording,
            Err(fault) => {
                self.fail(Failure::undisturbed(scenario.name, self.options.seed, fault));
                return Vec::new();
            }
        };
        let mut cutter = Cutter::new(recording.spec, recording.start.clone());
        let mut jobs = Vec::new();
        for (index, op) in recording.log.iter().enumerate() {
            if index % JOB_ENTRIES == 0 {
                let cuts = index..index + JOB_ENTRIES;
                if cuts.clone().any(|at| recording.call_at(at).is_some_and(|call| !call.quiet)) {
                    jobs.push(Job { scenario: number, first: index, cutter: cutter.clone() });
                }
            }
            cutter.advance(op);
        }
        let mut row = lock(&self.rows[number]);
        row.calls = recording.calls.len();
        row.entries = recording.log.len();
        *lock(&self.recordings[number]) = Some(std::sync::Arc::new(recording));
        jobs
    }

    fn job(&self, job: &Job) {
        let Some(recording) = lock(&self.recordings[job.scenario]).clone() else { return };
        let mut cutter = job.cutter.clone();
        let last = recording.log.len().min(job.first + JOB_ENTRIES);
        for index in job.first..last {
            let op = &recording.log[index];
            if let Some(call) = recording.call_at(index).filter(|call| !call.quiet) {
                self.entry(job.scenario, &recording, index, &cutter, call);
            }
            if self.over() {
                return;
            }
            cutter.advance(op);
        }
    }

    /// Cuts during one entry in every mode.
    fn entry(&self, number: usize, recording: &Recording, at: usize, cutter: &Cutter, call: &Call) {
        let op = &recording.log[at];
        if !self.options.focus[0].includes(op, recording.start.size(), recording.spec.block_bytes())
        {
            return;
        }
        let scenario = self.options.scenarios[number];
        let probe = Probe {
            subject: self.subject,
            tuning: scenario.tuning,
            spec: recording.spec,
            may_be_full: recording.may_fill,
        };
        for (mode, tear) in cutter.tears(op).into_iter().enumerate() {
            let key = mix(mix(self.options.seed, at as u64), mode as u64);
            let chosen = self.options.focus[0].includes_tear(tear);
            if !chosen || !key.is_multiple_of(self.options.one_in) {
                continue;
            }
            for variant in 0..variants(cutter, op, tear) {
                let cut = Cut { at, tear, seed: (mix(key, 21) & !1) | variant };
                let image = cutter.torn(op, tear, cut.seed);
                self.visit(number, &probe, &image, call, &mut vec![cut]);
            }
        }
    }

    /// Probes an image and cuts its recovery.
    fn visit(
        &self,
        number: usize,
        probe: &Probe<'_>,
        image: &Image,
        call: &Call,
        cuts: &mut Vec<Cut>,
    ) {
        let Some(cut) = cuts.last().copied() else { return };
        self.states.fetch_add(1, Ordering::Relaxed);
        let depth = cuts.len();
        let noise = noise_of(image, cut.seed);
        // By depth, because how far the recovery is cut again depends on it.
        let key = mix(mix(image.hash(), call.allowed.fingerprint()), mix(noise, depth as u64));
        let fresh = lock(&self.seen[number]).insert(key);
        lock(&self.rows[number]).state(depth, fresh);
        if !fresh || self.over() {
            return;
        }
        let found = guarded(|| probe.probe(image, &call.allowed, noise));
        let found = match found {
            Ok(found) => found,
            Err(fault) => {
                let name = self.options.scenarios[number].name;
                let fault =
                    Fault::new(format!("cut in {}; {}", call.what, fault.during), fault.what);
                self.fail(Failure::cut(name, self.options.seed, cuts, fault));
                return;
            }
        };
        lock(&self.rows[number]).probed(&found);
        if let Some(fan) = self.options.nested.get(depth - 1) {
            self.nested(number, probe, (image, noise), &found, *fan, cuts);
        }
    }

    fn nested(
        &self,
        number: usize,
        probe: &Probe<'_>,
        (image, noise): (&Image, u64),
        found: &Found,
        fan: Fan,
        cuts: &mut Vec<Cut>,
    ) {
        let mut chosen = choose(found, fan, noise).into_iter().peekable();
        let mut cutter = Cutter::new(probe.spec, start_of(image, noise));
        for (at, op) in found.log.iter().enumerate() {
            while let Some((_, pick)) = chosen.next_if(|(entry, _)| *entry == at) {
                if !self.options.focus[1].includes(op, image.size(), probe.spec.block_bytes()) {
                    continue;
                }
                let Some(call) = call_at(&found.calls, at) else { continue };
                let tears = cutter.tears(op);
                let Some(tear) = tears.get(pick % tears.len().max(1)).copied() else { continue };
                if !self.options.focus[1].includes_tear(tear) {
                    continue;
                }
                let seed = mix(mix(noise, at as u64), pick as u64);
                let inner = cutter.torn(op, tear, seed);
                cuts.push(Cut { at, tear, seed });
                self.visit(number, probe, &inner, call, cuts);
                cuts.pop();
            }
            if chosen.peek().is_none() || self.over() {
                return;
            }
            cutter.advance(op);
        }
    }

    fn fail(&self, failure: Failure) {
        if (self.options.known)(&failure) {
            self.known.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut failures = lock(&self.failures);
        failures.push(failure);
        if failures.len() >= self.options.failures_max {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn report(self, complete: bool) -> Report {
        let rows = self
            .rows
            .into_iter()
            .map(|row| row.into_inner().unwrap_or_else(PoisonError::into_inner));
        let mut failures = self.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        failures.sort_by_key(|failure| (failure.depth, failure.replay()));
        Report {
            subject: self.subject.name(),
            seed: self.options.seed,
            rows: rows.collect(),
            failures,
            known: self.known.into_inner(),
            complete,
            elapsed: self.begin.elapsed(),
        }
    }
}

/// Unstable cells are probed as they read at first and as they read later; caches lose twice.
pub(crate) fn variants(cutter: &Cutter, op: &Op, tear: TearMode) -> u64 {
    let unstable = matches!(
        tear,
        TearMode::Unstable
            | TearMode::UnstableOld
            | TearMode::UnstableMix
            | TearMode::Decay
            | TearMode::EraseWeak
    );
    1 + u64::from(unstable || cutter.is_cached() && *op == Op::Sync)
}

/// What unstable cells read after a cut. A stable image has one probe, whatever cut led to it.
pub(super) fn noise_of(image: &Image, seed: u64) -> u64 {
    if image.is_unstable() { seed } else { image.hash() }
}

/// The image as the probe with this seed begins with it.
pub(crate) fn start_of(image: &Image, noise: u64) -> Image {
    let mut image = image.clone();
    image.set_noise(noise, noise & 2 != 0);
    if noise & 1 != 0 {
        image.power_on();
    }
    image
}

pub(crate) fn call_at(calls: &[Call], index: usize) -> Option<&Call> {
    let after = calls.partition_point(|call| call.end <= index);
    calls.get(after).filter(|call| call.begin <= index)
}

/// Entries to cut, in ascending order, each with a number that picks the mode.
pub(crate) fn choose(found: &Found, fan: Fan, seed: u64) -> Vec<(usize, usize)> {
    let cuttable = |at: &usize| {
        matches!(found.log[*at], Op::Program { .. } | Op::Erase { .. } | Op::Sync)
            && call_at(&found.calls, *at).is_some()
    };
    let entries: Vec<usize> = (0..found.log.len()).filter(cuttable).collect();
    let modes = TearMode::PROGRAM.len().max(TearMode::ERASE.len());
    match fan {
        Fan::All => {
            entries.into_iter().flat_map(|at| (0..modes).map(move |pick| (at, pick))).collect()
        }
        Fan::Some(count) => {
            let mut rng = Rng::new(mix(seed, 31));
            let pick = |_| {
                let entry = *entries.get(rng.index(entries.len()))?;
                Some((entry, rng.index(modes)))
            };
            let mut chosen: Vec<_> = (0..count).filter_map(pick).collect();
            chosen.sort_unstable();
            chosen.dedup();
            chosen
        }
    }
}

/// Runs `work` and makes a panic an ordinary fault. Its wall clock begins anew: times are written
/// to the volume, so what a thread did before would change what a repetition finds.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    set_wall(WALL_START);
    let _quiet = super::panics::Quiet::begin();
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(_) => Err(Fault::new("panic", super::panics::message())),
    }
}
