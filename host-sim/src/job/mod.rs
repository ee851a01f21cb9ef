//! The main job: a volume on a simulated chip in one run, from format to export.
//!
//! **What it is.** [`run`] formats a chip, imports a directory of this machine, works on the
//! volume as a device does, cuts the power everywhere in what follows, and exports the tree again.
//! Every answer and every state is compared with the reference filesystem. The [`Outcome`] says
//! for each promise whether it held and how many checks stand behind that.
//!
//! **Rules.**
//! 1. Everything follows from the seed and the source, except how far the cuts get in their time.
//! 2. The cuts work on copies of the chip: wear, times and the export are those of the live one.
//! 3. A [`Refusal`] is about how the job was called; a broken promise is an outcome.
//!
//! **Cost.** A few seconds, and the time that is given to the cuts.

mod cuts;
mod export;
mod json;
mod outcome;
mod promise;
mod replay;
mod source;
mod stage;
mod table;
mod times;
mod view;
mod window;
mod workload;

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::chip::Spec;
use crate::clock::set_wall;
use crate::explore::guarded;
use crate::explore::outcome::Fault;
use crate::image::Image;
use crate::model::Op;
use crate::scenario::Tuning;
use crate::subject::Ending;
use cuts::{Explored, Failure, Plan, explore};
use export::{Target, compare, export};
use source::{Item, Source, What};
use stage::Stage;
use window::{Road, wall_of};
use workload::{Step, Workload};

pub use cuts::Progress;
pub use outcome::Outcome;
pub use promise::Promise;
pub use replay::Replay;

/// Fewest blocks of a chip: below that, workload and recovery do not fit side by side.
pub const BLOCKS_MIN: u32 = 32;
/// Most blocks of a chip.
pub const BLOCKS_MAX: u32 = 1 << 16;
/// Things that the device does between import and cuts.
const ACTIONS: usize = 1500;

/// Which chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chip {
    /// A Winbond W25Q128JV of 16 MiB.
    W25q128jv,
    /// The same technology with so many blocks of 4 KiB.
    Small(u32),
}

impl Chip {
    const fn spec(self) -> Spec {
        match self {
            Self::W25q128jv => Spec::W25Q128JV,
            Self::Small(blocks) => Spec::small(blocks),
        }
    }

    /// Small chips get little RAM and a short journal.
    fn tuning(self) -> Tuning {
        if self.spec().blocks < 64 { Tuning::TIGHT } else { Tuning::DEFAULT }
    }

    /// Bytes that imports may fill: what the volume needs for itself and for the workload is left.
    fn room(self) -> usize {
        let blocks = self.spec().blocks.saturating_sub(BLOCKS_MIN / 2);
        blocks as usize * crate::image::BLOCK_BYTES / 3
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::W25q128jv => f.write_str("w25q128jv"),
            Self::Small(blocks) => write!(f, "small:{blocks}"),
        }
    }
}

impl std::str::FromStr for Chip {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "w25q128jv" {
            return Ok(Self::W25q128jv);
        }
        let blocks = text.strip_prefix("small:").and_then(|blocks| blocks.parse().ok());
        match blocks {
            Some(blocks) if (BLOCKS_MIN..=BLOCKS_MAX).contains(&blocks) => Ok(Self::Small(blocks)),
            Some(_) => Err(format!("a small chip has {BLOCKS_MIN} to {BLOCKS_MAX} blocks")),
            None => Err("give w25q128jv, or small:BLOCKS with a number of 4 KiB blocks".into()),
        }
    }
}

/// What to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seed of every choice.
    pub seed: u64,
    /// How long to cut.
    pub time: Duration,
    /// On which chip.
    pub chip: Chip,
    /// What to import.
    pub from: PathBuf,
    /// Where to export; a temporary directory if `None`.
    pub to: Option<PathBuf>,
    /// Where to write the chip's final content.
    pub image: Option<PathBuf>,
    /// Only this state.
    pub replay: Option<Replay>,
}

/// The job was called in a way that cannot work: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the job tells while it works.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// The next part begins.
    Part(&'a str),
    /// How far the cuts are.
    Cuts(Progress),
    /// A line of a replay.
    Line(&'a str),
}

/// Does the whole job, or repeats one state of it. `news` is called from all threads.
///
/// # Errors
/// If source, target or image file cannot be used.
pub fn run(options: &Options, news: &(dyn Fn(News<'_>) + Sync)) -> Result<Outcome, Refusal> {
    let source = Source::read(&options.from, options.chip.room(), options.seed)?;
    let target = Target::open(options.to.as_deref())?;
    let image = options.image.as_deref().map(create).transpose()?;
    set_wall(wall_of(0));
    let mut job = Job::new(options, &source, news);
    let exported = guarded(|| job.all(target.path()));
    let outcome = match exported {
        Ok(written) => {
            written?;
            job.outcome()
        }
        Err(fault) => job.broken(fault),
    };
    if let Some((path, file)) = image {
        write_image(path, file, &outcome.image)?;
    }
    Ok(outcome)
}

fn create(path: &Path) -> Result<(&Path, File), Refusal> {
    let file = File::create(path).map_err(|error| {
        let shown = path.display();
        Refusal(format!("cannot write {shown}: {error}; give --image a file you can write"))
    })?;
    Ok((path, file))
}

fn write_image(path: &Path, mut file: File, image: &Image) -> Result<(), Refusal> {
    file.write_all(&image.to_bytes()).map_err(|error| {
        let shown = path.display();
        Refusal(format!("cannot write {shown}: {error}; free some space"))
    })
}

/// The calls that make an item of the source.
fn import_of(item: &Item) -> Vec<Step> {
    let path = || item.path.clone();
    let (class, op) = match &item.what {
        What::Directory => ("make a directory", Op::Mkdir(path())),
        What::File(content) => ("import a file", Op::Replace(path(), content.clone())),
        What::Link(target) => ("make a symbolic link", Op::Symlink(target.clone(), path())),
        What::Name(first) => ("give a file a name", Op::Link(first.clone(), path())),
    };
    let set = |(name, value): &(String, Vec<u8>)| {
        let op = Op::SetXattr(path(), name.clone(), value.clone());
        Step { class: "set an attribute", op }
    };
    let attributes = item.attributes.iter().map(set);
    std::iter::once(Step { class, op }).chain(attributes).collect()
}

/// The job under way.
struct Job<'a> {
    options: &'a Options,
    source: &'a Source,
    news: &'a (dyn Fn(News<'_>) + Sync),
    stage: Stage,
    explored: Explored,
}

impl<'a> Job<'a> {
    fn new(options: &'a Options, source: &'a Source, news: &'a (dyn Fn(News<'_>) + Sync)) -> Self {
        let stage = Stage::new(options.chip.spec(), options.chip.tuning());
        Self { options, source, news, stage, explored: Explored::default() }
    }

    fn all(&mut self, target: &Path) -> Result<Result<(), Refusal>, Fault> {
        (self.news)(News::Part("format and import"));
        self.import()?;
        (self.news)(News::Part("workload"));
        let workload = self.work()?;
        self.stage.discipline()?;
        self.cut(workload)?;
        if self.options.replay.is_some() {
            return Ok(Ok(()));
        }
        (self.news)(News::Part("export"));
        let exported = self.export(target)?;
        if exported.is_ok() {
            let files = compare(self.source, target)?;
            self.stage.tally.add(Promise::Export, files);
        }
        Ok(exported)
    }

    fn import(&mut self) -> Result<(), Fault> {
        self.stage.format()?;
        let source = self.source;
        self.stage
            .session(Ending::Unmounted, |seat| seat.steps(source.items.iter().flat_map(import_of)))
    }

    /// Half of the workload ends with a power cut, the other half with an unmount.
    fn work(&mut self) -> Result<Workload, Fault> {
        let mut workload = Workload::new(self.options.seed);
        self.stage.session(Ending::Dropped, |seat| {
            seat.verify("the tree")?;
            seat.steps(Workload::begin())?;
            (0..ACTIONS / 2).try_for_each(|_| seat.steps(workload.next_action()))
        })?;
        self.stage.session(Ending::Unmounted, |seat| {
            seat.verify("the tree")?;
            (0..ACTIONS / 2).try_for_each(|_| seat.steps(workload.next_action()))?;
            seat.verify("the tree")
        })?;
        Ok(workload)
    }

    fn cut(&mut self, workload: Workload) -> Result<(), Fault> {
        let Stage { nor, tuning, model, .. } = &self.stage;
        let files = self.source.items.iter().filter(|item| item.what != What::Directory);
        let files: Vec<_> = files.map(|item| item.path.clone()).collect();
        let Options { seed, time, .. } = *self.options;
        let plan = Plan { seed, tuning: *tuning, files: &files, time };
        let road = Road::new(nor, *tuning, model.clone(), workload);
        let news = self.news;
        if let Some(state) = &self.options.replay {
            return replay::replay(road, &plan, state, &|line| news(News::Line(line)));
        }
        news(News::Part("cuts"));
        self.explored = explore(road, &plan, &|progress| news(News::Cuts(progress)));
        Ok(())
    }

    fn export(&mut self, target: &Path) -> Result<Result<(), Refusal>, Fault> {
        let mut exported = Ok(());
        self.stage.look(|volume| {
            exported = export(volume, target)?;
            Ok(())
        })?;
        Ok(exported)
    }

    fn broken(mut self, fault: Fault) -> Outcome {
        self.stage.tally.fail(Promise::broken_by(&fault));
        let call = fault.during.clone();
        self.explored.failures.push(Failure { cuts: None, call, fault });
        self.outcome()
    }

    fn outcome(self) -> Outcome {
        Outcome::new(self.options, self.source, self.stage, self.explored)
    }
}
