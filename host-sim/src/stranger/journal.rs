//! Anchors, records, changes, and the chain that counts: sections 5 to 7 and 10.

use super::bytes::{Bytes, Crc, Key};
use super::images::Images;
use super::state::{RunState, Scalars, State};
use super::superblock::Superblock;
use super::tree::Pointer;
use super::{Damage, Medium};

/// Bytes of a record's header.
pub const HEADER: usize = 16;
/// Bytes of the longest record.
const RECORD_MAX: usize = 1040;
/// Bytes of an anchor entry, and where the first slot begins.
const ENTRY: usize = 64;
const FIRST_SLOT: u64 = 512;

/// Where the live journal starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The anchor block it stands in.
    pub block: u32,
    /// Its slot.
    pub slot: u16,
    /// Its number.
    pub sequence: u64,
    /// Its session, which ranks first.
    pub session: u32,
    /// Whether it is the lone first entry of a settle.
    pub first: bool,
    /// First block of the chain.
    pub start: u32,
    /// Previous crc of the start record.
    pub seed: u32,
    /// Sequence of the start record.
    pub start_sequence: u64,
    /// Where the next settle writes, and the other spare.
    pub spares: [u32; 2],
    /// The root as of the start record.
    pub root: Pointer,
    /// Highest generation as of the start record.
    pub generation: u64,
}

/// What a slot of an anchor block holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// An entry.
    Valid(Entry),
    /// Something that is neither blank nor an entry.
    Torn {
        /// The anchor block.
        block: u32,
        /// The slot.
        slot: u16,
    },
}

/// Every slot of both anchor blocks that is not blank, up to the first blank one.
#[must_use]
pub fn slots(medium: &dyn Medium, superblock: &Superblock) -> Vec<Slot> {
    let mut found = Vec::new();
    let stride = superblock.program_unit().max(ENTRY as u64);
    for block in superblock.anchors() {
        let all = (superblock.block_bytes() - FIRST_SLOT) / stride;
        let room = if superblock.is_by_sector() { 1 } else { all };
        for slot in 0..u16::try_from(room).unwrap_or(u16::MAX) {
            let mut bytes = [0; ENTRY];
            let at = superblock.offset(block) + FIRST_SLOT + stride * u64::from(slot);
            if !medium.read(at, &mut bytes) || bytes.iter().all(|b| *b == superblock.erase_value) {
                break;
            }
            let entry = decode_entry(&bytes, superblock, block, slot);
            found.push(entry.map_or(Slot::Torn { block, slot }, Slot::Valid));
        }
    }
    found
}

/// The valid entries, the one that counts first.
pub fn ranked(slots: &[Slot]) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = slots
        .iter()
        .filter_map(|slot| match slot {
            Slot::Valid(entry) => Some(entry),
            Slot::Torn { .. } => None,
        })
        .collect();
    entries.sort_by_key(|entry| {
        std::cmp::Reverse((entry.session, entry.sequence, entry.block, entry.slot))
    });
    entries
}

fn decode_entry(
    bytes: &[u8; ENTRY],
    superblock: &Superblock,
    block: u32,
    slot: u16,
) -> Option<Entry> {
    let mut b = Bytes(bytes);
    let stored = b.u32()?;
    let sum = Crc::new().u32(superblock.seed()).u32(block).bytes(&slot.to_le_bytes());
    if stored != sum.bytes(b.0).sum() {
        return None;
    }
    let (sequence, session, flags) = (b.u64()?, b.u32()?, b.u8()?);
    let reserved = b.number(3)?;
    let (start, seed, start_sequence) = (b.u32()?, b.u32()?, b.u64()?);
    let spares = [b.u32()?, b.u32()?];
    let root = Pointer::decode(&mut b).ok()?;
    let generation = b.u48()?;
    let [a, c] = spares;
    let kept = flags <= 1
        && reserved == 0
        && b.u8()? == 0
        && start != 0
        && a != 0
        && a != start
        && c != 0
        && c != start
        && c != a
        && ![start, a, c].contains(&root.block)
        && generation >= root.generation;
    let first = flags == 1;
    kept.then_some(Entry {
        block,
        slot,
        sequence,
        session,
        first,
        start,
        seed,
        start_sequence,
        spares,
        root,
        generation,
    })
}

/// What kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Changes.
    Change,
    /// First record of a block.
    Header,
    /// First record of a checkpoint.
    Checkpoint,
    /// Another record of a checkpoint.
    More,
    /// Last record before the volume was put away.
    Seal,
}

/// A record that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The block it stands in.
    pub block: u32,
    /// Its first byte in the block.
    pub at: u64,
    /// Bytes, header included.
    pub length: usize,
    /// What kind.
    pub kind: Kind,
    /// Whether it completes a checkpoint.
    pub last: bool,
    /// Its number.
    pub sequence: u64,
    /// Its session.
    pub session: u32,
    /// The stored checksum of the record before.
    pub previous: u32,
    /// Its own.
    pub checksum: u32,
    /// What it says.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The item has this value.
    Put {
        /// The tree does not hold the key.
        fresh: bool,
        /// Which item.
        key: Key,
        /// Its value.
        value: Vec<u8>,
    },
    /// The item is gone.
    Delete {
        /// The tree does not hold the key.
        vanish: bool,
        /// Which item.
        key: Key,
    },
    /// A separator leads to a node.
    Point {
        /// The tree does not hold the separator.
        fresh: bool,
        /// Level of the node that holds it.
        level: u8,
        /// The separator.
        key: Key,
        /// The node.
        pointer: Pointer,
    },
    /// A separator leads nowhere.
    Unpoint {
        /// The tree does not hold the separator.
        vanish: bool,
        /// Level of the node that held it.
        level: u8,
        /// The separator.
        key: Key,
    },
    /// Nodes of a level and range hold everything that was pending.
    Fold {
        /// Level of the nodes.
        level: u8,
        /// First key of the range.
        low: Key,
        /// The key after the range.
        high: Key,
    },
    /// The tree starts here.
    Root(Pointer),
    /// Blocks change their state: tag 7 to 11.
    Run {
        /// Which of the five.
        tag: u8,
        /// First block.
        start: u32,
        /// Blocks.
        length: u16,
    },
    /// Blocks are in this state.
    State {
        /// First block.
        start: u32,
        /// Blocks.
        length: u16,
        /// The state.
        state: RunState,
    },
    /// All scalars.
    Scalars(Box<Scalars>),
    /// Objects below this one may be in use.
    Objects(u64),
}

/// The tag of the change that lets blocks leave.
const LEAVE: u8 = 11;

impl Change {
    fn decode(b: &mut Bytes<'_>) -> Result<Self, &'static str> {
        let cut = "a change is cut short";
        let flag = |b: &mut Bytes<'_>| match b.u8() {
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            _ => Err("wrong flags of a change"),
        };
        let key = |b: &mut Bytes<'_>| match Key::decode(b) {
            Some(Key::END) => Err("the end key in a change"),
            key => key.ok_or(cut),
        };
        let level = |b: &mut Bytes<'_>| {
            b.u8().filter(|level| (1..=7).contains(level)).ok_or("wrong level of a change")
        };
        let run = |b: &mut Bytes<'_>| {
            let (start, length) = (b.u32().ok_or(cut)?, b.u16().ok_or(cut)?);
            let ends = start.checked_add(length.into()).is_some_and(|end| end < u32::MAX);
            if start == 0 || length == 0 || !ends { Err("wrong run") } else { Ok((start, length)) }
        };
        Ok(match b.u8().ok_or(cut)? {
            1 => {
                let (fresh, key) = (flag(b)?, key(b)?);
                let length = b.u16().filter(|length| *length <= 463).ok_or("too long a value")?;
                let value = b.take(length.into()).ok_or(cut)?.to_vec();
                Self::Put { fresh, key, value }
            }
            2 => Self::Delete { vanish: flag(b)?, key: key(b)? },
            3 => {
                let (fresh, level, key) = (flag(b)?, level(b)?, key(b)?);
                let pointer = Pointer::decode(b)?;
                if pointer.level + 1 != level {
                    return Err("a pointer of another level");
                }
                Self::Point { fresh, level, key, pointer }
            }
            4 => Self::Unpoint { vanish: flag(b)?, level: level(b)?, key: key(b)? },
            5 => {
                let level = b.u8().filter(|level| *level <= 7).ok_or("wrong level of a fold")?;
                let low = Key::decode(b).ok_or(cut)?;
                let high = Key::decode(b).ok_or(cut)?;
                if high <= low {
                    return Err("an empty fold");
                }
                Self::Fold { level, low, high }
            }
            6 => Self::Root(Pointer::decode(b)?),
            tag @ 7..=11 => {
                let (start, length) = run(b)?;
                Self::Run { tag, start, length }
            }
            12 => {
                let (start, length) = run(b)?;
                let state = b.u8().and_then(RunState::decode).ok_or("wrong state")?;
                Self::State { start, length, state }
            }
            13 => Self::Scalars(Box::new(Scalars::decode(b)?)),
            14 => Self::Objects(b.u48().filter(|next| *next >= 17).ok_or("wrong next object")?),
            _ => return Err("unknown change"),
        })
    }
}

/// The chain that counts.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The entry that it starts from.
    pub entry: Entry,
    /// The valid entries that did not count, with the reason.
    pub passed_over: Vec<(Entry, Damage)>,
    /// The blocks of the chain, oldest first.
    pub chain: Vec<u32>,
    /// The records, oldest first.
    pub records: Vec<Record>,
    /// What they lead to.
    pub state: State,
    /// Whether the last record is a seal.
    pub clean: bool,
}

/// Replays the entry of the highest rank that counts.
///
/// # Errors
/// Damage that may not be passed over, or that of the entry of the highest rank if none counts.
pub fn replay(
    medium: &dyn Medium,
    superblock: &Superblock,
    slots: &[Slot],
) -> Result<Replayed, Damage> {
    let mut passed_over: Vec<(Entry, Damage)> = Vec::new();
    let ranked = ranked(slots);
    let mut newest = 0;
    for entry in ranked {
        if entry.sequence.saturating_add(1) < newest {
            break;
        }
        newest = newest.max(entry.sequence);
        match Chain::new(medium, superblock, entry).run() {
            Ok(mut replayed) => {
                replayed.passed_over = passed_over;
                return Ok(replayed);
            }
            Err(Failure::Counts(damage)) => return Err(damage),
            Err(Failure::CountsNot(damage)) => passed_over.push((entry.clone(), damage)),
        }
    }
    let first = passed_over.into_iter().next();
    Err(first.map_or_else(|| Damage::of("no anchor entry is valid"), |(_, damage)| damage))
}

enum Failure {
    /// The volume is damaged.
    Counts(Damage),
    /// The entry does not lead anywhere: the next one is tried.
    CountsNot(Damage),
}

/// A chain that is being read.
pub(super) struct Chain<'a> {
    medium: &'a dyn Medium,
    pub(super) superblock: &'a Superblock,
    pub(super) entry: &'a Entry,
    blocks: Vec<u32>,
    pub(super) records: Vec<Record>,
    pub(super) state: State,
    at: u64,
    /// Where the next record of a sector volume is looked for.
    pub(super) images: Images,
    pub(super) sequence: u64,
    pub(super) previous: u32,
}

impl<'a> Chain<'a> {
    fn new(medium: &'a dyn Medium, superblock: &'a Superblock, entry: &'a Entry) -> Self {
        Self {
            medium,
            superblock,
            entry,
            blocks: vec![entry.start],
            records: Vec::new(),
            state: State::default(),
            at: 0,
            images: Images::FIRST,
            sequence: entry.start_sequence,
            previous: entry.seed,
        }
    }

    fn run(mut self) -> Result<Replayed, Failure> {
        let start = self.entry.start;
        if !self.superblock.is_inside(start) {
            let what = "an anchor entry starts at a block outside";
            return Err(Failure::CountsNot(Damage::at(start, what)));
        }
        let longest = usize::from(self.superblock.journal_blocks_max);
        let mut complete = true;
        let mut let_leave = false;
        while let Some(record) = self.next().map_err(Failure::Counts)? {
            let place = record.block;
            match record.kind {
                Kind::Checkpoint => complete = record.last,
                Kind::More if !complete => complete = record.last,
                Kind::More => {
                    let what = "a record of a checkpoint that is complete";
                    return Err(Failure::CountsNot(Damage::at(place, what)));
                }
                _ if complete => {}
                _ => {
                    let what = "a checkpoint without its last record";
                    return Err(Failure::CountsNot(Damage::at(place, what)));
                }
            }
            for change in &record.changes {
                let leaves = matches!(change, Change::Run { tag: LEAVE, .. });
                let_leave |= leaves && self.blocks.len() >= longest;
                let applied = self.state.apply(change, self.superblock);
                applied.map_err(|what| Failure::Counts(Damage::at(place, what)))?;
            }
            let kept = self.state.bounded(self.superblock);
            kept.map_err(|what| Failure::Counts(Damage::at(place, what)))?;
            self.records.push(record);
        }
        if self.records.is_empty() || !complete {
            let what = "the chain has no start, or a checkpoint is not complete";
            return Err(Failure::CountsNot(Damage::at(start, what)));
        }
        let begins = self.records.first().map(|record| record.kind);
        if begins == Some(Kind::Header) && !let_leave {
            let what = "what only the block before the chain held is not logged again";
            return Err(Failure::CountsNot(Damage::at(start, what)));
        }
        let root = self.state.scalars.root;
        super::tree::page(self.medium, self.superblock, &root, 0).map_err(Failure::CountsNot)?;
        let clean = self.records.last().is_some_and(|record| record.kind == Kind::Seal);
        Ok(Replayed {
            entry: self.entry.clone(),
            passed_over: Vec::new(),
            chain: self.blocks,
            records: self.records,
            state: self.state,
            clean,
        })
    }

    fn next(&mut self) -> Result<Option<Record>, Damage> {
        let Some(block) = self.blocks.last().copied() else { return Ok(None) };
        if self.superblock.is_by_sector() {
            return self.next_in_images(block);
        }
        if let Some(record) = self.verify(block, self.at, self.sequence, self.previous)? {
            let first = matches!(record.kind, Kind::Header | Kind::Checkpoint);
            if first != (self.at == 0) {
                return Err(Damage::at(block, "a first record that is not, or the reverse"));
            }
            return Ok(Some(self.take(record)));
        }
        if self.at == 0 {
            return Ok(None);
        }
        let next = self.state.scalars.next;
        if let Some(record) = self.verify(next, 0, self.sequence, self.previous)? {
            return self.follow(record).map(Some);
        }
        self.refuse_successor(block, self.at, &[(next, 0)])?;
        self.refuse_successor(next, 0, &[(next, 0)])?;
        Ok(None)
    }

    /// The chain goes on with a record at the beginning of the named next block.
    pub(super) fn follow(&mut self, record: Record) -> Result<Record, Damage> {
        let next = record.block;
        let longest = usize::from(self.superblock.journal_blocks_max) + 1;
        let fits = self.blocks.len() < longest && !self.blocks.contains(&next);
        if record.kind != Kind::Header || !fits {
            return Err(Damage::at(next, "the chain goes on where it may not"));
        }
        self.blocks.push(next);
        Ok(self.take(record))
    }

    pub(super) fn take(&mut self, record: Record) -> Record {
        self.at = (record.at + record.length as u64).next_multiple_of(self.superblock.padding());
        self.sequence += 1;
        self.previous = record.checksum;
        record
    }

    /// The record at a place, if it verifies there.
    pub(super) fn verify(
        &self,
        block: u32,
        at: u64,
        sequence: u64,
        previous: u32,
    ) -> Result<Option<Record>, Damage> {
        let session = self.entry.session;
        let Some(bytes) = self.bytes(block, at) else { return Ok(None) };
        let Some((length, kind, last)) = plausible(&bytes, sequence, session) else {
            return Ok(None);
        };
        let body = &bytes[..length];
        if Bytes(body).u32() != Some(self.checksum(body, sequence, previous)) {
            return Ok(None);
        }
        let mut rest = Bytes(&body[HEADER..]);
        let mut changes = Vec::new();
        while !rest.0.is_empty() {
            changes.push(Change::decode(&mut rest).map_err(|what| Damage::at(block, what))?);
        }
        let first = matches!(kind, Kind::Header | Kind::Checkpoint);
        let begin = changes.iter().find(|change| !matches!(change, Change::Run { tag: 10, .. }));
        if first && !matches!(begin, Some(Change::Scalars(_))) {
            return Err(Damage::at(block, "a first record without scalars"));
        }
        let checksum = Bytes(body).u32().unwrap_or(0);
        Ok(Some(Record {
            block,
            at,
            length,
            kind,
            last,
            sequence,
            session,
            previous,
            checksum,
            changes,
        }))
    }

    /// What can be a record: up to the end of the block.
    pub(super) fn bytes(&self, block: u32, at: u64) -> Option<Vec<u8>> {
        let room = self.superblock.block_bytes().checked_sub(at)?;
        let length = usize::try_from(room).ok()?.min(RECORD_MAX);
        if length < HEADER || !self.superblock.is_inside(block) {
            return None;
        }
        let mut bytes = vec![0; length];
        self.medium.read(self.superblock.offset(block) + at, &mut bytes).then_some(bytes)
    }

    fn checksum(&self, record: &[u8], sequence: u64, previous: u32) -> u32 {
        let sum = Crc::new().u32(self.superblock.seed()).u32(self.entry.session);
        sum.u64(sequence).u32(previous).bytes(&record[4..]).sum()
    }

    /// A record behind the one that is missing at `block` and `at`, close behind it or at one of
    /// `starts`, would show that the missing one had been acknowledged.
    pub(super) fn refuse_successor(
        &self,
        block: u32,
        at: u64,
        starts: &[(u32, u64)],
    ) -> Result<(), Damage> {
        let Some(bytes) = self.bytes(block, at) else { return Ok(()) };
        if bytes.iter().all(|byte| *byte == self.superblock.erase_value) {
            return Ok(());
        }
        let mut chained = Vec::from_iter(Bytes(&bytes).u32());
        let length = Bytes(&bytes[4..]).u16().map_or(0, usize::from);
        if let Some(record) = bytes.get(..length).filter(|record| record.len() >= HEADER) {
            chained.push(self.checksum(record, self.sequence, self.previous));
        }
        let unit = self.superblock.padding();
        let within = (1..).map(|count| count * unit).take_while(|far| *far <= RECORD_MAX as u64);
        let behind = within.map(|far| (block, at + far));
        for (other, place) in behind.chain(starts.iter().copied()) {
            for previous in &chained {
                let found = self.verify(other, place, self.sequence + 1, *previous);
                let checkpoint = |kind| matches!(kind, Kind::Checkpoint | Kind::More);
                let no_sign = match &found {
                    Ok(None) => true,
                    Ok(Some(record)) => self.superblock.is_by_sector() && checkpoint(record.kind),
                    Err(_) => false,
                };
                if !no_sign {
                    let what = format!("the record at byte {at} has decayed");
                    return Err(Damage::at(block, what));
                }
            }
        }
        Ok(())
    }
}

/// Length, kind and flag of a header that could be right.
pub(super) fn plausible(bytes: &[u8], sequence: u64, session: u32) -> Option<(usize, Kind, bool)> {
    let mut b = Bytes(bytes.get(4..HEADER)?);
    let length = usize::from(b.u16()?);
    let kind = match b.u8()? {
        1 => Kind::Change,
        2 => Kind::Header,
        3 => Kind::Checkpoint,
        4 => Kind::More,
        6 => Kind::Seal,
        _ => return None,
    };
    let flags = b.u8()?;
    let may_be_last = matches!(kind, Kind::Checkpoint | Kind::More | Kind::Seal);
    let kept = (HEADER..=RECORD_MAX.min(bytes.len())).contains(&length)
        && flags <= u8::from(may_be_last)
        && (kind != Kind::Seal || length == HEADER)
        && u64::from(b.u32()?) == sequence & 0xFFFF_FFFF
        && b.u32()? == session;
    kept.then_some((length, kind, flags == 1))
}
