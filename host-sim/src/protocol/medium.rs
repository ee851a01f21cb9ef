//! The medium: slots with the physics of NOR cells, or sectors behind a volatile cache.

use super::choices::Choices;
use super::content::{Block, Content, ContentId, Contents, Place};
use super::rules::Rule;
use super::scenario::Scenario;
use std::rc::Rc;

/// One slot: what one program call writes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub(super) enum Cell {
    Blank,
    Sound(ContentId),
    Garbage,
    /// A program did not return `Ok`: blank, complete or garbage, anew at every mount.
    Doubtful(ContentId),
    /// An erase did not return `Ok`: old or blank, anew at every mount.
    Fading(ContentId),
}

/// The state that survives a power cut, and the cache that does not.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Medium {
    cells: Vec<Cell>,
    width: u8,
    /// One bit per block whose last erase did not return `Ok`.
    interrupted: u16,
    cache: Vec<(Place, ContentId)>,
}

impl Medium {
    pub fn blank(scenario: &Scenario) -> Self {
        let width = scenario.slots.max(scenario.anchor_slots);
        let cells = vec![Cell::Blank; usize::from(scenario.blocks) * usize::from(width)];
        Self { cells, width, interrupted: 0, cache: Vec::new() }
    }

    fn index(&self, place: Place) -> usize {
        usize::from(place.block) * usize::from(self.width) + usize::from(place.slot)
    }

    pub fn cell(&self, place: Place) -> Cell {
        self.cells[self.index(place)]
    }

    pub fn set(&mut self, place: Place, cell: Cell) {
        let index = self.index(place);
        self.cells[index] = cell;
    }

    fn block_mut(&mut self, block: Block) -> &mut [Cell] {
        let start = self.index(Place { block, slot: 0 });
        &mut self.cells[start..start + usize::from(self.width)]
    }

    fn is_interrupted(&self, block: Block) -> bool {
        self.interrupted & (1 << block) != 0
    }
}

/// What one read shows.
#[derive(Clone)]
pub(super) enum Reading {
    Blank,
    Valid(Rc<Content>),
    Garbage,
}

/// Why an operation ended early.
pub(super) enum Stop {
    /// Power failed.
    Cut,
    /// The device answered with an error, or the caller dropped the future: the same to us.
    Failed,
    /// A promise is broken.
    Violation(String),
}

pub(super) type Step<T> = Result<T, Stop>;

pub(super) fn violation<T>(what: impl Into<String>) -> Step<T> {
    Err(Stop::Violation(what.into()))
}

enum Fate {
    Done,
    Cut,
    Failed,
}

/// A medium in use: every call may be the one that power or the device fails in.
pub(super) struct Device<'a> {
    pub medium: Medium,
    pub contents: &'a mut Contents,
    pub choices: &'a mut Choices,
    pub scenario: &'a Scenario,
    /// Whether power may fail.
    pub cuts: bool,
    /// How many more calls may fail.
    pub failures: u8,
    /// What happened, when somebody wants to read it.
    pub log: Option<Vec<String>>,
    /// What each slot reads as: the same until forgotten.
    readings: Vec<Option<Reading>>,
}

impl<'a> Device<'a> {
    pub fn new(
        medium: Medium,
        contents: &'a mut Contents,
        choices: &'a mut Choices,
        scenario: &'a Scenario,
    ) -> Self {
        let readings = vec![None; medium.cells.len()];
        let (cuts, failures, log) = (false, 0, None);
        Self { medium, contents, choices, scenario, cuts, failures, log, readings }
    }

    pub fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(text());
        }
    }

    fn fate(&mut self) -> Fate {
        let alternatives = 1 + u8::from(self.cuts) + u8::from(self.failures > 0);
        let taken = if alternatives == 1 { 0 } else { self.choices.pick(alternatives) };
        match taken {
            0 => Fate::Done,
            1 if self.cuts => {
                self.note(|| "CUT".into());
                Fate::Cut
            }
            _ => {
                self.note(|| "FAILED".into());
                self.failures -= 1;
                Fate::Failed
            }
        }
    }

    /// Programs one slot. Cut or failed, the slot is doubtful for ever after.
    pub fn program(&mut self, place: Place, content: Content, what: &str) -> Step<()> {
        self.note(|| format!("program {place} {what}"));
        let id = self.contents.id(content);
        if self.scenario.sector {
            return self.program_sector(place, id);
        }
        if self.medium.cell(place) != Cell::Blank {
            return violation(format!("program over a slot not known blank: {place} ({what})"));
        }
        if self.medium.is_interrupted(place.block) {
            return violation(format!("program into an interrupted erase: {place} ({what})"));
        }
        let fate = self.fate();
        let cell = if matches!(fate, Fate::Done) { Cell::Sound(id) } else { Cell::Doubtful(id) };
        self.set(place, cell);
        Self::end(&fate)
    }

    fn program_sector(&mut self, place: Place, id: ContentId) -> Step<()> {
        self.medium.cache.retain(|(cached, _)| *cached != place);
        let fate = self.fate();
        if !matches!(fate, Fate::Failed) || self.choices.pick(2) == 1 {
            self.medium.cache.push((place, id));
        }
        if matches!(fate, Fate::Cut) {
            self.lose_cache();
        }
        Self::end(&fate)
    }

    /// Erases a block. Cut or failed, each slot is old or blank, and nothing may be programmed.
    pub fn erase(&mut self, block: Block, what: &str) -> Step<()> {
        if self.scenario.sector {
            return Ok(());
        }
        self.note(|| format!("erase {block} ({what})"));
        let fate = self.fate();
        let done = matches!(fate, Fate::Done);
        for cell in self.medium.block_mut(block) {
            *cell = match *cell {
                _ if done => Cell::Blank,
                Cell::Sound(id) => Cell::Fading(id),
                other => other,
            };
        }
        self.medium.interrupted &= !(1 << block);
        self.medium.interrupted |= u16::from(!done) << block;
        self.forget(block);
        Self::end(&fate)
    }

    /// Programs zeros over a slot, whatever it holds: afterwards it is garbage for good.
    pub fn strike(&mut self, place: Place) -> Step<()> {
        if self.scenario.once && self.scenario.breaks(Rule::DoubtNotStruck) {
            return Ok(());
        }
        self.note(|| format!("strike {place}"));
        self.refuse_twice(place)?;
        let fate = self.fate();
        let zeros = self.contents.id(Content::Zeros);
        match (&fate, self.medium.cell(place)) {
            (Fate::Done, _) => self.set(place, Cell::Garbage),
            (_, Cell::Blank) => self.set(place, Cell::Doubtful(zeros)),
            _ => {}
        }
        Self::end(&fate)
    }

    /// Programs a slot that reads well with the same bytes: afterwards it is sound. A cut leaves
    /// it as it was.
    pub fn strengthen(&mut self, place: Place) -> Step<()> {
        self.note(|| format!("re-program {place}"));
        self.refuse_twice(place)?;
        if self.medium.is_interrupted(place.block) {
            return violation(format!("re-program in an interrupted erase: {place}"));
        }
        let fate = self.fate();
        if let (Fate::Done, Cell::Doubtful(id)) = (&fate, self.medium.cell(place)) {
            self.set(place, Cell::Sound(id));
        }
        Self::end(&fate)
    }

    /// Where words are programmed once, one that was tried on takes nothing more: the second
    /// program fails, or leaves a word that does not agree with its check bits.
    fn refuse_twice(&self, place: Place) -> Step<()> {
        if self.scenario.once && self.medium.cell(place) != Cell::Blank {
            return violation(format!("a word is programmed twice: {place}"));
        }
        Ok(())
    }

    /// Makes everything programmed so far durable (media with a cache).
    pub fn flush(&mut self) -> Step<()> {
        if !self.scenario.sector {
            return Ok(());
        }
        if self.failures > 0 && self.choices.pick(2) == 1 {
            self.note(|| "FAILED flush".into());
            self.failures -= 1;
            return Err(Stop::Failed);
        }
        for (place, id) in std::mem::take(&mut self.medium.cache) {
            self.set(place, Cell::Sound(id));
        }
        Ok(())
    }

    /// What a power cut does to the cache: any part of it persists, one sector of it torn.
    pub fn lose_cache(&mut self) {
        let mut torn = false;
        for (place, id) in std::mem::take(&mut self.medium.cache) {
            match self.choices.pick(if torn { 2 } else { 3 }) {
                0 => {}
                1 => {
                    self.note(|| format!("persisted {place}"));
                    self.set(place, Cell::Sound(id));
                }
                _ => {
                    torn = true;
                    self.note(|| format!("torn {place}"));
                    self.set(place, Cell::Garbage);
                }
            }
        }
    }

    fn end(fate: &Fate) -> Step<()> {
        match fate {
            Fate::Done => Ok(()),
            Fate::Cut => Err(Stop::Cut),
            Fate::Failed => Err(Stop::Failed),
        }
    }

    fn set(&mut self, place: Place, cell: Cell) {
        self.medium.set(place, cell);
        let index = self.medium.index(place);
        self.readings[index] = None;
    }

    fn forget(&mut self, block: Block) {
        for slot in 0..self.medium.width {
            let index = self.medium.index(Place { block, slot });
            self.readings[index] = None;
        }
    }

    /// From now on every doubtful slot may read differently.
    pub fn forget_readings(&mut self) {
        self.readings.fill(None);
    }

    /// Reads one slot.
    pub fn read(&mut self, place: Place) -> Reading {
        let index = self.medium.index(place);
        if let Some(reading) = &self.readings[index] {
            return reading.clone();
        }
        let reading = self.look(place);
        self.readings[index] = Some(reading.clone());
        reading
    }

    fn look(&mut self, place: Place) -> Reading {
        if let Some((_, id)) = self.medium.cache.iter().find(|(cached, _)| *cached == place) {
            return Reading::Valid(self.contents.get(*id));
        }
        let (id, fading) = match self.medium.cell(place) {
            Cell::Blank => return Reading::Blank,
            Cell::Garbage => return Reading::Garbage,
            Cell::Sound(id) => return Reading::Valid(self.contents.get(id)),
            Cell::Doubtful(id) => (id, false),
            Cell::Fading(id) => (id, true),
        };
        let content = self.contents.get(id);
        // Only of an anchor slot does anyone ask whether it is blank or garbage.
        let answers: &[u8] = match &*content {
            Content::Entry(_) if !fading => b"bvg",
            Content::Zeros => b"bg",
            _ => b"bv",
        };
        let taken = self.choices.pick(u8::try_from(answers.len()).expect("three at most"));
        match answers[usize::from(taken)] {
            b'b' => Reading::Blank,
            b'v' => {
                self.note(|| format!("{place} reads valid"));
                Reading::Valid(content)
            }
            _ => {
                self.note(|| format!("{place} reads garbage"));
                Reading::Garbage
            }
        }
    }

    /// The record whose checksum field a damaged slot may still show.
    pub fn trace_of(&self, place: Place) -> Option<Rc<Content>> {
        match self.medium.cell(place) {
            Cell::Doubtful(id) | Cell::Fading(id) => Some(self.contents.get(id)),
            _ => None,
        }
    }
}
