//! What a slot of the model's medium can hold: anchor entries, journal records and nodes.

use super::rules::Rule;
use super::scenario::Scenario;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// Two keys tell "lost" from "mixed up"; more only multiply states.
pub(super) const KEYS: usize = 2;

/// Room for this many blocks in every table; a scenario uses fewer.
pub(super) const BLOCKS_MAX: usize = 16;

/// The chain of a settled volume starts from a constant: its session number makes it different.
pub(super) const SEED: u64 = 7;

pub(super) type Block = u8;

/// The value of every key: what a program would see.
pub(super) type Items = [u8; KEYS];

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Place {
    pub block: Block,
    pub slot: u8,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.block, self.slot)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum BlockState {
    /// Content unknown: erased before use.
    Free,
    /// Durably known to be erased.
    Erased,
    Used,
    /// Retired from the journal, and not to be reused until a record gives it.
    Leaving,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Pointer {
    pub block: Block,
    pub generation: u8,
}

/// What the first record of a journal block states absolutely.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Scalars {
    pub next: Block,
    pub spares: [Block; 2],
    /// The first spare was erased, and no settle has got as far as using it.
    pub spare_erased: bool,
    pub root: Pointer,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Entry {
    pub sequence: u8,
    pub session: u8,
    pub start: Block,
    pub seed: u64,
    /// The lone first entry of a settle.
    pub first: bool,
    /// The root when the chain's start was written. Only a wrong rule looks at it.
    pub root: Pointer,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    Change,
    Header,
    Checkpoint {
        first: bool,
        last: bool,
    },
    /// The end of a session. It may promise that the named next block is erased.
    Seal {
        promises: bool,
    },
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Body {
    pub kind: Kind,
    pub items: Vec<(u8, u8)>,
    pub runs: Vec<(Block, BlockState)>,
    pub scalars: Option<Scalars>,
    /// The new root, with everything pending consumed by it.
    pub fold: Option<Pointer>,
}

impl Body {
    pub fn of(kind: Kind) -> Self {
        Self { kind, items: Vec::new(), runs: Vec::new(), scalars: None, fold: None }
    }

    pub fn runs(runs: Vec<(Block, BlockState)>) -> Self {
        Self { runs, ..Self::of(Kind::Change) }
    }
}

/// A journal record with its checksum, which is seeded with session and predecessor.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Record {
    pub checksum: u64,
    pub body: Body,
}

impl Record {
    pub fn seal(scenario: &Scenario, previous: u64, session: u8, body: Body) -> Self {
        Self { checksum: checksum(scenario, previous, session, &body), body }
    }

    pub fn verifies(&self, scenario: &Scenario, previous: u64, session: u8) -> bool {
        self.checksum == checksum(scenario, previous, session, &self.body)
    }
}

fn checksum(scenario: &Scenario, previous: u64, session: u8, body: &Body) -> u64 {
    let mut hasher = DefaultHasher::new();
    if !scenario.breaks(Rule::ChainSkipped) {
        previous.hash(&mut hasher);
    }
    if !scenario.breaks(Rule::SessionSeedSkipped) {
        session.hash(&mut hasher);
    }
    body.hash(&mut hasher);
    hasher.finish()
}

/// The only node of the model's tree.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Node {
    pub pointer: Pointer,
    pub items: Items,
    pub blocks: [BlockState; BLOCKS_MAX],
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Content {
    Entry(Entry),
    Record(Record),
    /// A tail sector: all records of the sector so far (sector media only).
    Image(Vec<Record>),
    Node(Node),
    /// What is left of a slot that was struck.
    Zeros,
}

/// Short name of a content: equal contents have equal numbers, so states hash fast.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct ContentId(u32);

/// Every content a run has met.
#[derive(Default)]
pub(super) struct Contents {
    list: Vec<Rc<Content>>,
    index: HashMap<Rc<Content>, ContentId>,
}

impl Contents {
    pub fn id(&mut self, content: Content) -> ContentId {
        if let Some(id) = self.index.get(&content) {
            return *id;
        }
        let content = Rc::new(content);
        let id = ContentId(u32::try_from(self.list.len()).expect("fewer contents than states"));
        self.list.push(Rc::clone(&content));
        self.index.insert(content, id);
        id
    }

    pub fn get(&self, id: ContentId) -> Rc<Content> {
        Rc::clone(&self.list[id.0 as usize])
    }
}
