//! Suites besides cuts: errors of the chip, bad blocks, bit rot, programs that go astray.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use super::bytes;
use super::combined;
use super::disturbed::{Plan, play};
use super::engine::{Options, Progress, cores, guarded, lock};
use super::outcome::Fault;
use super::play::{Recording, fuse, record};
use super::report::{Failure, Report, Row};
use super::rot;
use crate::chip::{Kind, Way};
use crate::fault::{Bad, Calls, Faults, IoError, TearMode};
use crate::model::Op;
use crate::rng::{Rng, mix};
use crate::scenario::Scenario;
use crate::subject::Subject;
use fs_core::error::ErrorKind;

/// Which kind of disturbance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// Calls of the device that fail, once or from then on (F15).
    Errors,
    /// Blocks whose programs or erases fail (F9).
    BadBlocks,
    /// Bits that flip while nobody looks (F14).
    Rot,
    /// Programs that answer `Ok` and never happen (F14).
    Lost,
    /// Blocks that keep an older content: an erase and all that followed never happened (F14).
    Stale,
    /// Blocks of the journal that belong to another run of the same volume (F14).
    Twin,
    /// Cuts that damage the allocation unit around the write, on cards (F12).
    Unit,
    /// Sectors that cannot be read any more (F8, F13).
    Unreadable,
    /// Blocks whose bits flip by being read (F7).
    Reads,
    /// A cut, and a bit of something older that has flipped (F1 with F14).
    CutRot,
    /// A cut, and a block that is bad from then on (F1 with F9).
    CutBad,
    /// No space from some line on (F16).
    Full,
    /// Cuts at bytes of the wires (F1), on media that have any.
    Bytes,
}

impl Suite {
    /// Whether the chip says nothing of the damage: then only a checksum can show it, and file data
    /// in blocks has none.
    #[must_use]
    pub const fn damages_silently(self) -> bool {
        matches!(
            self,
            Self::Rot | Self::Lost | Self::Stale | Self::Twin | Self::Reads | Self::CutRot
        )
    }

    /// Whether scenarios with file data in blocks are left out: where damage is silent, or may make
    /// the end of the journal unreadable. The state before that end is then shown, and its file
    /// data may have been written over since, which no checksum shows.
    #[must_use]
    pub const fn spares_data(self) -> bool {
        self.damages_silently() || matches!(self, Self::Unit | Self::Unreadable)
    }

    /// Every suite.
    pub const ALL: &'static [Self] = &[
        Self::Errors,
        Self::BadBlocks,
        Self::Rot,
        Self::Lost,
        Self::Stale,
        Self::Twin,
        Self::Unit,
        Self::Unreadable,
        Self::Reads,
        Self::CutRot,
        Self::CutBad,
        Self::Full,
        Self::Bytes,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::BadBlocks => "bad-blocks",
            Self::Rot => "rot",
            Self::Lost => "lost",
            Self::Stale => "stale",
            Self::Twin => "twin",
            Self::Unit => "unit",
            Self::Unreadable => "unreadable",
            Self::Reads => "reads",
            Self::CutRot => "cut-rot",
            Self::CutBad => "cut-bad",
            Self::Full => "full",
            Self::Bytes => "bytes",
        }
    }
}

/// One disturbance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A call fails.
    Error {
        /// Which, counted from the first line that is not quiet.
        call: u64,
        /// Whether all later ones fail as well.
        lasting: bool,
        /// What becomes of it.
        tear: TearMode,
        /// Lines played afterwards.
        lines_after: usize,
    },
    /// A block is bad.
    Block {
        /// Which.
        number: u32,
        /// Whether programs fail, not erases.
        programs: bool,
        /// Lines played after the first error.
        lines_after: usize,
    },
    /// A bit has flipped at the end.
    Flip {
        /// The byte.
        at: u64,
        /// The bit.
        bit: u8,
    },
    /// A program never happened.
    Lost {
        /// Entry of the log.
        entry: usize,
        /// How much of the log did.
        until: usize,
    },
    /// An erase never happened, nor anything after it in its range.
    Stale {
        /// Entry of the log.
        entry: usize,
        /// How much of the log did.
        until: usize,
    },
    /// A journal block has the content that it has in another run.
    Twin {
        /// Entry of the log: the program of the block's header.
        entry: usize,
        /// How much of both logs happened.
        until: usize,
    },
    /// The allocation unit is damaged around a write that is cut.
    Unit {
        /// Entry of the log.
        entry: usize,
        /// What becomes of it.
        tear: TearMode,
    },
    /// A sector cannot be read at the end.
    Unreadable {
        /// Where it begins.
        at: u64,
    },
    /// Reading flips bits.
    Reads {
        /// Reads of a block that flip one.
        every: u64,
        /// Which ones.
        seed: u64,
    },
    /// A cut and a flipped bit.
    CutRot {
        /// Entry of the log that is cut.
        entry: usize,
        /// What becomes of it.
        tear: TearMode,
        /// The byte of the bit.
        at: u64,
        /// The bit.
        bit: u8,
    },
    /// A cut and a bad block.
    CutBad {
        /// Entry of the log that is cut.
        entry: usize,
        /// What becomes of it.
        tear: TearMode,
        /// The block.
        number: u32,
        /// Whether programs fail, not erases.
        programs: bool,
    },
    /// The volume is filled.
    Full {
        /// Before this line of the script, or as soon as it is mounted for writing after it.
        line: usize,
        /// Lines played afterwards.
        lines_after: usize,
    },
    /// The power goes before a byte on the wires.
    Byte {
        /// Which, from the beginning of the script.
        at: u64,
    },
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error { call, lasting, tear, lines_after } => {
                write!(f, "{call}:{}:{tear:?}:{lines_after}", u8::from(*lasting))
            }
            Self::Block { number, programs, lines_after } => {
                write!(f, "{number}:{}:{lines_after}", u8::from(*programs))
            }
            Self::Flip { at, bit } => write!(f, "{at}:{bit}"),
            Self::Lost { entry, until }
            | Self::Stale { entry, until }
            | Self::Twin { entry, until } => write!(f, "{entry}:{until}"),
            Self::Unit { entry, tear } => write!(f, "{entry}:{tear:?}"),
            Self::Unreadable { at } | Self::Byte { at } => write!(f, "{at}"),
            Self::Reads { every, seed } => write!(f, "{every}:{seed}"),
            Self::CutRot { entry, tear, at, bit } => write!(f, "{entry}:{tear:?}:{at}:{bit}"),
            Self::CutBad { entry, tear, number, programs } => {
                write!(f, "{entry}:{tear:?}:{number}:{}", u8::from(*programs))
            }
            Self::Full { line, lines_after } => write!(f, "{line}:{lines_after}"),
        }
    }
}

impl What {
    /// Reads what [`fmt::Display`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(suite: Suite, text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let bad = || format!("`{text}` is no disturbance of the suite {}", suite.name());
        let tear = |name: &str| {
            let mut modes = TearMode::all();
            modes.find(|tear| format!("{tear:?}") == name).copied().ok_or_else(bad)
        };
        match (suite, parts.as_slice()) {
            (Suite::Errors, [call, lasting, mode, lines]) => Ok(Self::Error {
                call: number(call)?,
                lasting: *lasting == "1",
                tear: tear(mode)?,
                lines_after: number(lines)?,
            }),
            (Suite::BadBlocks, [block, programs, lines]) => Ok(Self::Block {
                number: number(block)?,
                programs: *programs == "1",
                lines_after: number(lines)?,
            }),
            (Suite::Rot, [at, bit]) => Ok(Self::Flip { at: number(at)?, bit: number(bit)? }),
            (Suite::Unit, [entry, mode]) => {
                Ok(Self::Unit { entry: number(entry)?, tear: tear(mode)? })
            }
            (Suite::Bytes, [at]) => Ok(Self::Byte { at: number(at)? }),
            (Suite::Unreadable, [at]) => Ok(Self::Unreadable { at: number(at)? }),
            (Suite::Reads, [every, seed]) => {
                Ok(Self::Reads { every: number(every)?, seed: number(seed)? })
            }
            (Suite::CutRot, [entry, mode, at, bit]) => Ok(Self::CutRot {
                entry: number(entry)?,
                tear: tear(mode)?,
                at: number(at)?,
                bit: number(bit)?,
            }),
            (Suite::CutBad, [entry, mode, block, programs]) => Ok(Self::CutBad {
                entry: number(entry)?,
                tear: tear(mode)?,
                number: number(block)?,
                programs: *programs == "1",
            }),
            (Suite::Full, [line, lines]) => {
                Ok(Self::Full { line: number(line)?, lines_after: number(lines)? })
            }
            (suite, [entry, until]) => {
                let (entry, until) = (number(entry)?, number(until)?);
                match suite {
                    Suite::Lost => Ok(Self::Lost { entry, until }),
                    Suite::Stale => Ok(Self::Stale { entry, until }),
                    Suite::Twin => Ok(Self::Twin { entry, until }),
                    _ => Err(bad()),
                }
            }
            _ => Err(bad()),
        }
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

/// A scenario that a suite can use, and its uncut run.
struct Prepared {
    index: usize,
    scenario: &'static Scenario,
    recording: Recording,
    /// Another run of the same volume, for the suite that needs one.
    twin: Option<Recording>,
}

/// Runs `suite` on the scenarios of `options`, with at most `each` disturbances for each.
pub fn disturb(
    subject: &dyn Subject,
    suite: Suite,
    each: u64,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Report {
    let begin = Instant::now();
    let rows: Vec<Mutex<Row>> =
        options.scenarios.iter().map(|scenario| Mutex::new(Row::new(scenario.name))).collect();
    let failures = Mutex::new(Vec::new());
    let prepared = prepare(subject, suite, options, &failures);
    let mut jobs: Vec<(&Prepared, What)> = Vec::new();
    for scenario in &prepared {
        let chosen = choose(suite, scenario, each, options.seed);
        jobs.extend(chosen.into_iter().map(|what| (scenario, what)));
    }
    jobs.sort_by_cached_key(|(scenario, what)| mix(scenario.index as u64, hash(what)));
    let known = AtomicU64::new(0);
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let over = || {
        let late = options.time.is_some_and(|time| begin.elapsed() >= time);
        late || lock(&failures).len() >= options.failures_max
    };
    let work = |(prepared, what): &(&Prepared, What)| {
        let scenario = prepared;
        let Prepared { index, scenario, .. } = *scenario;
        let result = guarded(|| one(subject, prepared, options.seed, *what));
        let mut row = lock(&rows[*index]);
        row.state(1, true);
        match result {
            Ok(mounts) => row.mounts += u64::from(mounts),
            Err(fault) => {
                let text = what.to_string();
                let failure = Failure::of(suite.name(), scenario.name, options.seed, &text, fault);
                if (options.known)(&failure) {
                    known.fetch_add(1, Ordering::Relaxed);
                } else {
                    lock(&failures).push(failure);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.threads.unwrap_or_else(cores) {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if over() {
                        break;
                    }
                    work(job);
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    let failures = lock(&failures).len();
                    progress(Progress { done, jobs: jobs.len(), states: done as u64, failures });
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap_or_default();
    failures.sort_by_key(|failure: &Failure| (failure.depth, failure.replay()));
    Report {
        subject: format!("{}, {}", subject.name(), suite.name()),
        seed: options.seed,
        rows: rows.into_iter().map(|row| row.into_inner().unwrap_or_default()).collect(),
        failures,
        known: known.into_inner(),
        complete: done.into_inner() == jobs.len(),
        elapsed: begin.elapsed(),
    }
}

fn prepare(
    subject: &dyn Subject,
    suite: Suite,
    options: &Options,
    failures: &Mutex<Vec<Failure>>,
) -> Vec<Prepared> {
    let mut prepared = Vec::new();
    for (index, scenario) in options.scenarios.iter().enumerate() {
        if !fits(suite, scenario, options.seed) {
            continue;
        }
        match guarded(|| prepare_one(subject, suite, index, scenario, options.seed)) {
            Ok(one) if suite.spares_data() && one.recording.has_data() => {}
            Ok(one) => prepared.push(one),
            Err(fault) => {
                let failure = Failure::undisturbed(scenario.name, options.seed, fault);
                if !(options.known)(&failure) {
                    lock(failures).push(failure);
                }
            }
        }
    }
    prepared
}

fn prepare_one(
    subject: &dyn Subject,
    suite: Suite,
    index: usize,
    scenario: &'static Scenario,
    seed: u64,
) -> Result<Prepared, Fault> {
    let recording = record(subject, scenario, seed)?;
    let twin = match suite {
        Suite::Twin => Some(rot::twin_of(subject, scenario, seed)?),
        _ => None,
    };
    Ok(Prepared { index, scenario, recording, twin })
}

/// Repeats one disturbance.
///
/// # Errors
/// What did not hold.
pub fn repeat(
    subject: &dyn Subject,
    suite: Suite,
    scenario: &'static Scenario,
    seed: u64,
    what: What,
) -> Result<u32, Fault> {
    let prepared = guarded(|| prepare_one(subject, suite, 0, scenario, seed))?;
    guarded(|| one(subject, &prepared, seed, what))
}

fn hash(what: &What) -> u64 {
    let mut hash = crate::rng::TraceHash::default();
    hash.bytes(what.to_string().as_bytes());
    hash.value()
}

/// What the chip may do while it is formatted is the business of other tests, and a card replaces
/// its bad blocks itself.
fn fits(suite: Suite, scenario: &Scenario, seed: u64) -> bool {
    if suite == Suite::BadBlocks && matches!(scenario.medium.kind, Kind::Card | Kind::Fram) {
        return false;
    }
    if suite == Suite::Bytes {
        return scenario.medium.way != Way::Array;
    }
    // What the others do to the array's calls, a chip on wires does not tell.
    if scenario.medium.way != Way::Array {
        return false;
    }
    let card = scenario.medium.kind == Kind::Card;
    let flash = matches!(scenario.medium.kind, Kind::Nor | Kind::Internal);
    let meant = match suite {
        Suite::Unit => card,
        Suite::Reads | Suite::CutBad => flash,
        // It holds every file slot: there is none for the files that fill the volume.
        Suite::Full => scenario.name != "no-draft-left",
        // What they are about is being refused for want of room in RAM: how much of that is taken
        // after a call that failed, the model does not know.
        Suite::Errors | Suite::BadBlocks => {
            !matches!(scenario.name, "no-draft-left" | "too-large-a-draft")
        }
        _ => true,
    };
    if !meant {
        return false;
    }
    let formats = |op: &Op| matches!(op, Op::Format | Op::MountOrFormat);
    let loud = scenario.script(seed).lines().iter().any(|line| !line.quiet && formats(&line.op));
    !loud || matches!(suite, Suite::Rot | Suite::Stale)
}

fn choose(suite: Suite, prepared: &Prepared, each: u64, seed: u64) -> Vec<What> {
    let recording = &prepared.recording;
    let mut rng = Rng::new(mix(seed, prepared.index as u64));
    match suite {
        Suite::Errors => {
            let calls = recording.device_calls - recording.quiet_calls;
            // Each call fails in one way or another; with more calls than runs, every n-th.
            let step = calls.div_ceil(each.max(1)).max(1);
            let from = rng.below(step);
            let tears =
                [TearMode::Nothing, TearMode::RandomSubset, TearMode::Complete, TearMode::Unstable];
            let error = |call| What::Error {
                call,
                lasting: rng.chance(1, 4),
                tear: tears[rng.index(tears.len())],
                lines_after: [0, 1, 3, 1000][rng.index(4)],
            };
            (0..calls)
                .skip(usize::try_from(from).unwrap_or(0))
                .step_by(usize::try_from(step).unwrap_or(1))
                .map(error)
                .collect()
        }
        Suite::BadBlocks => {
            let blocks = prepared.scenario.medium.blocks;
            let both = (0..blocks).flat_map(|number| [(number, true), (number, false)]);
            let block = |(number, programs)| What::Block {
                number,
                programs,
                lines_after: [0, 2, 1000][rng.index(3)],
            };
            both.map(block).take(usize::try_from(each).unwrap_or(usize::MAX)).collect()
        }
        Suite::Rot => (0..each).filter_map(|_| rot::flip(recording, &mut rng)).collect(),
        Suite::Lost => thinned(rot::lost(recording), each, &mut rng),
        Suite::Stale => thinned(rot::stale(recording), each, &mut rng),
        Suite::Twin => {
            let twin = prepared.twin.as_ref();
            thinned(twin.map_or(Vec::new(), |twin| rot::twins(recording, twin)), each, &mut rng)
        }
        Suite::Unit => thinned(combined::units(recording), each, &mut rng),
        Suite::Bytes => thinned(bytes::all(recording), each, &mut rng),
        Suite::Unreadable => thinned(combined::unreadable(recording), each, &mut rng),
        Suite::Reads => combined::reads(each),
        Suite::CutRot => thinned(combined::cut_and_rot(recording, &mut rng), each, &mut rng),
        Suite::CutBad => thinned(combined::cut_and_bad(recording, &mut rng), each, &mut rng),
        Suite::Full => {
            let script = prepared.scenario.script(seed);
            let lines = script.lines().iter().enumerate().filter(|(_, line)| !line.quiet);
            let full = |(line, _)| What::Full { line, lines_after: [1, 6, 1000][rng.index(3)] };
            let all = lines.map(full).collect();
            thinned(all, each, &mut rng)
        }
    }
}

/// At most `each` of them, with equal steps between.
fn thinned(all: Vec<What>, each: u64, rng: &mut Rng) -> Vec<What> {
    let step = (all.len() as u64).div_ceil(each.max(1)).max(1);
    let from = usize::try_from(rng.below(step)).unwrap_or(0);
    all.into_iter().skip(from).step_by(usize::try_from(step).unwrap_or(1)).collect()
}

fn one(subject: &dyn Subject, prepared: &Prepared, seed: u64, what: What) -> Result<u32, Fault> {
    let Prepared { scenario, recording, .. } = prepared;
    match what {
        What::Error { call, lasting, tear, lines_after } => {
            let kind = ErrorKind::Transport;
            let error = IoError { calls: Calls::All, call, persistent: lasting, kind, tear };
            let faults = Faults { seed, error: Some(error), ..Faults::none() };
            play(subject, scenario, seed, &Plan { faults, lasting, lines_after, full: None })
        }
        What::Block { number, programs, lines_after } => {
            let bad = if programs { Bad::ProgramFails } else { Bad::EraseFails };
            let faults = Faults { seed, bad: [(number, bad)].into(), ..Faults::none() };
            play(subject, scenario, seed, &Plan { faults, lasting: true, lines_after, full: None })
        }
        What::Full { line, lines_after } => {
            let faults = Faults { seed, ..fuse() };
            let plan = Plan { faults, lasting: false, lines_after, full: Some(line) };
            play(subject, scenario, seed, &plan)
        }
        What::Unit { entry, tear } => {
            combined::unit(subject, scenario, recording, entry, tear, seed)
        }
        What::Byte { at } => bytes::cut(subject, scenario, at, seed),
        What::Unreadable { at } => combined::lost_sector(subject, scenario, recording, at),
        What::Reads { every, seed } => {
            combined::disturbed_reads(subject, scenario, recording, every, seed)
        }
        What::CutRot { entry, tear, at, bit } => {
            combined::cut_rot(subject, scenario, recording, (entry, tear), (at, bit), seed)
        }
        What::CutBad { entry, tear, number, programs } => {
            let bad = (number, programs);
            combined::cut_bad(subject, scenario, recording, (entry, tear), bad, seed)
        }
        What::Flip { at, bit } => rot::flipped(subject, scenario, recording, at, bit),
        What::Lost { entry, until } => rot::without(subject, scenario, recording, entry, until),
        What::Stale { entry, until } => rot::older(subject, scenario, recording, entry, until),
        What::Twin { entry, until } => {
            let twin = prepared.twin.as_ref();
            let twin = twin.ok_or_else(|| Fault::new("replay", "there is no other run"))?;
            rot::exchanged(subject, scenario, [recording, twin], entry, until)
        }
    }
}
