//! The figures of a job, as table and JSON show them.

use fs_core::memory::Memory;

use super::cuts::{Explored, Failure};
use super::promise::{Promise, Tally};
use super::source::{Skip, Source};
use super::stage::Stage;
use super::times::Times;
use super::{Chip, Options};
use crate::chip::{Counters, Wear};
use crate::image::Image;
use crate::subject::{Lent, Subject, Vellum};

use std::path::PathBuf;

/// What was imported, and what was not.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// From where.
    pub directory: PathBuf,
    /// Files, the generated ones included.
    pub files: usize,
    /// Files that were generated.
    pub generated: usize,
    /// Directories.
    pub directories: usize,
    /// Symbolic links.
    pub links: usize,
    /// Further names of files.
    pub names: usize,
    /// Extended attributes.
    pub attributes: usize,
    /// Bytes of content.
    pub bytes: usize,
    /// How many were skipped, by reason.
    pub skipped: Vec<(Skip, usize)>,
}

/// RAM that a program lends, in bytes on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Ram {
    /// For a volume, with all its files and drafts.
    pub volume: usize,
    /// More for each file that may be open.
    pub file: usize,
    /// More for each file with uncommitted content.
    pub draft: usize,
}

impl Ram {
    const fn new() -> Self {
        type Base = Memory<2048, 1, 1>;
        Self {
            volume: size_of::<Lent>(),
            file: size_of::<Memory<2048, 2, 1>>() - size_of::<Base>(),
            draft: size_of::<Memory<2048, 1, 2>>() - size_of::<Base>(),
        }
    }
}

/// How a job ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The chip.
    pub chip: Chip,
    /// Its blocks.
    pub blocks: u32,
    /// The source.
    pub imported: Imported,
    /// The checks behind each promise.
    pub tally: Tally,
    /// How long calls took.
    pub times: Times,
    /// What the chip did, cuts not counted.
    pub counters: Counters,
    /// How often each block was erased, cuts not counted.
    pub wear: Wear,
    /// What the cuts counted.
    pub explored: Explored,
    /// RAM lent.
    pub ram: Ram,
    /// The filesystem.
    pub subject: String,
    /// The chip's final content.
    pub image: Image,
    /// The job's options as they are repeated on the command line.
    command: String,
}

impl Outcome {
    pub(super) fn new(
        options: &Options,
        source: &Source,
        stage: Stage,
        explored: Explored,
    ) -> Self {
        let skipped = Skip::ALL.iter().map(|reason| (*reason, source.skipped_for(*reason)));
        let imported = Imported {
            directory: source.directory.clone(),
            files: source.files(),
            generated: source.generated,
            directories: source.directories(),
            links: source.links(),
            names: source.names(),
            attributes: source.attributes(),
            bytes: source.bytes(),
            skipped: skipped.filter(|(_, count)| *count > 0).collect(),
        };
        let mut tally = stage.tally;
        tally.merge(&explored.tally);
        Self {
            seed: options.seed,
            chip: options.chip,
            blocks: stage.nor.spec().blocks,
            imported,
            tally,
            times: stage.times,
            counters: stage.nor.counters(),
            wear: stage.nor.wear(),
            explored,
            ram: Ram::new(),
            subject: Vellum.name(),
            image: stage.nor.image(),
            command: command(options),
        }
    }

    /// Whether every promise held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.tally.all_held()
    }

    /// Mean erases of a block.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
    pub fn wear_mean(&self) -> f64 {
        self.wear.total() as f64 / f64::from(self.blocks.max(1))
    }

    /// How a promise fared.
    #[must_use]
    pub const fn verdict(&self, promise: Promise) -> &'static str {
        match (self.tally.held(promise), self.tally.checks(promise)) {
            (false, _) => "BROKEN",
            (true, 0) => "not tested",
            (true, _) => "held",
        }
    }

    /// The command that repeats a failure.
    #[must_use]
    pub fn replay(&self, failure: &Failure) -> String {
        match &failure.cuts {
            Some(cuts) => format!("{} --replay {cuts}", self.command),
            None => self.command.clone(),
        }
    }
}

fn command(options: &Options) -> String {
    let from = options.from.display().to_string();
    let from = if from.contains(' ') { format!("'{from}'") } else { from };
    let Options { seed, chip, .. } = options;
    format!("cargo run --release -p host-sim -- --seed {seed} --chip {chip} --from {from}")
}
