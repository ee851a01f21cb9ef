//! The chip behind the wires.

use std::collections::BTreeMap;
use std::sync::Arc;

use fs_core::error::ErrorKind;
use fs_core::units::Guarantees;

use super::counters::blocks;
use super::{Call, Counters, Kind, OnWires, PAGE_BYTES, Spec, Timed, Wear};
use crate::clock::{CardTiming, Clock};
use crate::fault::{Astray, Bad, Calls, Faults, TearMode};
use crate::image::{BLOCK_BYTES, Breach, Image, Op, SECTOR};
use crate::rng::{TraceHash, mix};

const BLOCK: u64 = BLOCK_BYTES as u64;

/// A call that changes the chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    Program { at: u64, bytes: Arc<[u8]> },
    Erase { at: u64, bytes: u64 },
    Sync,
}

impl Request {
    /// A program of what a caller wants the chip to read as.
    pub fn program(spec: &Spec, at: u64, source: &[u8]) -> Self {
        let turned = |byte: &u8| if spec.erased_to_zero { !byte } else { *byte };
        Self::Program { at, bytes: source.iter().map(turned).collect() }
    }

    fn range(&self) -> (u64, u64) {
        match self {
            Self::Program { at, bytes } => (*at, bytes.len() as u64),
            Self::Erase { at, bytes } => (*at, *bytes),
            Self::Sync => (0, 0),
        }
    }

    /// The commands of this call on a chip like `spec`.
    pub fn commands(&self, spec: &Spec) -> Vec<Op> {
        match self {
            Self::Program { at, bytes } => programs(spec, *at, bytes),
            Self::Erase { at, bytes } if spec.rewrites() => {
                programs(spec, *at, &vec![0xFF; usize::try_from(*bytes).unwrap_or(0)])
            }
            Self::Erase { at, bytes } => {
                let (mut place, end) = (*at, at + bytes);
                let mut ops = Vec::new();
                while place < end {
                    let sizes = spec.geometry().erase_sizes;
                    let fits = |size: &u64| {
                        let offered = u32::try_from(*size).is_ok_and(|size| sizes.has(size));
                        offered && place.is_multiple_of(*size) && place + size <= end
                    };
                    let unit = u64::from(spec.erase_unit);
                    let size = [0x1_0000, 0x8000].into_iter().find(fits).unwrap_or(unit);
                    ops.push(Op::Erase { at: spec.cell(place), bytes: size.max(0x1000) });
                    place += size;
                }
                ops
            }
            Self::Sync => vec![Op::Sync],
        }
    }
}

/// Cut at pages or sectors.
fn programs(spec: &Spec, at: u64, bytes: &[u8]) -> Vec<Op> {
    let page = if spec.kind == Kind::Card { SECTOR } else { PAGE_BYTES };
    let mut rest = bytes;
    let mut place = at;
    let mut ops = Vec::new();
    while !rest.is_empty() {
        let room = usize::try_from(page - place % page).unwrap_or(1);
        let (now, after) = rest.split_at(room.min(rest.len()));
        ops.push(Op::program(spec.cell(place), now));
        place += now.len() as u64;
        rest = after;
    }
    ops
}

/// What a volatile cache has accepted, and what is durable below it.
#[derive(Debug, Clone)]
struct Cache {
    durable: Image,
    waiting: Vec<Op>,
}

#[derive(Debug)]
pub(super) struct State {
    pub spec: Spec,
    pub image: Image,
    cache: Option<Cache>,
    pub clock: Clock,
    pub counters: Counters,
    pub wear: Wear,
    faults: Faults,
    pub ops: u64,
    calls: [u64; 2],
    pub on: bool,
    pub log: Option<Vec<Op>>,
    pub times: Option<Vec<Timed>>,
    pub breaches: Vec<(u64, Breach)>,
    pub trace: TraceHash,
    card: Card,
    /// Reads of blocks since their last erase, counted while reading disturbs them.
    reads: BTreeMap<usize, u64>,
    pub wires: OnWires,
}

/// What the time of a card's next command depends on.
#[derive(Debug, Clone, Copy, Default)]
struct Card {
    /// The write under way: where it goes on, and how many sectors it has sent.
    open: Option<(u64, u64)>,
    /// Whether the program is of one sector, and the driver ends it at once if it does not go on
    /// where the one before ended: a lone sector is a command of its own.
    lone: bool,
    /// Behind such a sector.
    next: Option<u64>,
    /// The allocation unit of the last write.
    unit: u64,
}

impl Card {
    /// The time until one sector has been sent, in the write under way or in a new one.
    fn write_ns(&mut self, at: u64, timing: &CardTiming) -> u64 {
        let unit = at / timing.unit_bytes.max(1);
        let jump = if unit == self.unit { 0 } else { timing.other_unit_ns };
        self.unit = unit;
        let goes_on = self.next == Some(at);
        let (ended, sectors) = match self.open {
            Some((next, sectors)) if next == at => (0, sectors),
            _ => (self.end_ns(timing), 0),
        };
        if self.lone && sectors == 0 && !goes_on {
            self.next = Some(at + SECTOR);
            return ended + jump + timing.write_sector_ns + timing.end_ns(1);
        }
        self.open = Some((at + SECTOR, sectors + 1));
        ended + jump + timing.write_sector_ns
    }

    /// Ends the write under way.
    fn end_ns(&mut self, timing: &CardTiming) -> u64 {
        self.next = None;
        self.open.take().map_or(0, |(_, sectors)| timing.end_ns(sectors))
    }
}

impl State {
    pub fn new(spec: Spec, mut image: Image) -> Self {
        spec.prepare(&mut image);
        let cached = spec.guarantees.contains(Guarantees::VOLATILE_CACHE);
        let cache = cached.then(|| Cache { durable: image.clone(), waiting: Vec::new() });
        Self {
            spec,
            image,
            cache,
            clock: Clock::new(),
            counters: Counters::default(),
            wear: Wear(vec![0; spec.blocks as usize]),
            faults: Faults::none(),
            ops: 0,
            calls: [0; 2],
            on: true,
            log: None,
            times: None,
            breaches: Vec::new(),
            trace: TraceHash::default(),
            card: Card::default(),
            reads: BTreeMap::new(),
            wires: OnWires::default(),
        }
    }

    pub fn set_image(&mut self, mut image: Image) {
        assert_eq!(self.spec.blocks, image.block_count(), "image and chip differ in size");
        self.spec.prepare(&mut image);
        if let Some(cache) = &mut self.cache {
            *cache = Cache { durable: image.clone(), waiting: Vec::new() };
        }
        self.image = image;
    }

    pub fn tamper(&mut self, change: impl FnOnce(&mut Image)) {
        change(&mut self.image);
        if let Some(cache) = &mut self.cache {
            *cache = Cache { durable: self.image.clone(), waiting: Vec::new() };
        }
    }

    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
        self.ops = 0;
        self.calls = [0; 2];
    }

    pub fn wear_out(&mut self, block: u32, bad: Bad) {
        self.faults.bad.insert(block, bad);
    }

    pub fn power_off(&mut self) {
        if self.on {
            self.lose_power(TearMode::Nothing);
        }
    }

    pub fn power_off_torn(&mut self, tear: TearMode, seed: u64) {
        if self.on {
            self.faults.seed = seed;
            self.lose_power(tear);
        }
    }

    pub fn power_on(&mut self) {
        if self.on {
            self.lose_power(TearMode::Nothing);
        }
        self.on = true;
        self.image.power_on();
        if let Some(cache) = &mut self.cache {
            cache.durable = self.image.clone();
        }
        self.record(Op::PowerOn);
        self.trace.number(9);
    }

    pub fn read(&mut self, at: u64, target: &mut [u8]) -> Result<(), ErrorKind> {
        self.check(at, target.len() as u64, self.spec.geometry().read_unit)?;
        self.call(Call::Read)?;
        let bytes = target.len() as u64;
        self.counters.reads += 1;
        self.counters.read_bytes += bytes;
        let start_ns = self.clock.now_ns();
        self.end_write();
        self.pass(self.spec.timing.read_ns(bytes));
        let mut done = 0;
        while done < target.len() {
            let place = at + done as u64;
            let beside = usize::try_from(self.spec.beside(place)).unwrap_or(usize::MAX);
            let length = beside.min(target.len() - done);
            let cell = self.spec.cell(place);
            if self.image.is_unreadable(cell, length as u64) {
                return Err(ErrorKind::Uncorrectable);
            }
            self.image.read(cell, &mut target[done..done + length]);
            self.disturb(cell, length as u64);
            done += length;
        }
        if self.spec.erased_to_zero {
            for byte in target.iter_mut() {
                *byte = !*byte;
            }
        }
        self.trace.number(1);
        self.trace.number(at);
        self.trace.bytes(target);
        self.timed(Call::Read, at, bytes, start_ns);
        Ok(())
    }

    /// Counts a read of blocks, which may flip bits of them.
    fn disturb(&mut self, at: u64, bytes: u64) {
        let Some(every) = self.faults.disturb else { return };
        for block in blocks(at / BLOCK * BLOCK, at % BLOCK + bytes) {
            let count = self.reads.entry(block).or_default();
            *count += 1;
            if count.is_multiple_of(every.max(1)) {
                let key = mix(self.faults.seed, mix(block as u64, *count));
                self.image.flip(block as u64 * BLOCK + key % BLOCK, key.to_le_bytes()[7]);
            }
        }
    }

    /// Refuses what the contract forbids; costs nothing.
    pub fn check(&self, at: u64, bytes: u64, unit: u32) -> Result<(), ErrorKind> {
        let size = self.spec.geometry().size;
        if at.checked_add(bytes).is_none_or(|end| end > size) {
            return Err(ErrorKind::OutOfBounds);
        }
        let unit = u64::from(unit);
        if !at.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(ErrorKind::NotAligned);
        }
        Ok(())
    }

    pub fn check_request(&self, request: &Request) -> Result<(), ErrorKind> {
        let (at, bytes) = request.range();
        match request {
            Request::Program { .. } => self.check(at, bytes, self.spec.program_unit),
            Request::Erase { .. } => self.check(at, bytes, self.spec.erase_unit),
            Request::Sync => Ok(()),
        }
    }

    pub fn request(&mut self, request: &Request) -> Result<(), ErrorKind> {
        self.check_request(request)?;
        if self.spec.guarantees.contains(Guarantees::READ_ONLY) && *request != Request::Sync {
            return Err(ErrorKind::WriteProtected);
        }
        let call = match request {
            Request::Program { .. } => Call::Program,
            Request::Erase { .. } => Call::Erase,
            Request::Sync => Call::Sync,
        };
        if let Err(kind) = self.call(call) {
            if self.on {
                let tear = self.faults.error.map_or(TearMode::Nothing, |error| error.tear);
                self.interrupt(request, tear);
            }
            return Err(kind);
        }
        match call {
            Call::Program => self.counters.programs += 1,
            Call::Erase => self.counters.erases += 1,
            _ => self.counters.syncs += 1,
        }
        let start_ns = self.clock.now_ns();
        let (at, bytes) = request.range();
        let commands = request.commands(&self.spec);
        let cached = self.spec.guarantees.contains(Guarantees::VOLATILE_CACHE);
        self.card.lone = cached && bytes == SECTOR;
        let result = commands.into_iter().try_for_each(|op| self.command(op));
        if !cached {
            // What was answered is durable.
            self.end_write();
        }
        self.timed(call, at, bytes, start_ns);
        result
    }

    /// Leaves a call half done: one of its commands is torn, those before it are done.
    pub fn interrupt(&mut self, request: &Request, tear: TearMode) {
        if !self.on {
            return;
        }
        let mut commands = request.commands(&self.spec);
        let key = mix(self.faults.seed, mix(self.ops, 11));
        let torn = if commands.is_empty() { 0 } else { key % commands.len() as u64 };
        let torn = usize::try_from(torn).unwrap_or(0);
        let rest = commands.split_off(torn.min(commands.len()));
        if tear != TearMode::Nothing {
            for op in commands {
                self.carry_out(op);
            }
        }
        let (at, bytes) = request.range();
        if let Some(op) = rest.into_iter().next().filter(|op| *op != Op::Sync) {
            self.carry_out(op.torn(tear, mix(key, 12)));
        }
        self.suspect(at, bytes);
    }

    pub fn dropped_tear(&self) -> TearMode {
        self.faults.dropped.unwrap_or(TearMode::Nothing)
    }

    /// A call was carried out, but nobody saw the answer.
    pub fn unanswered(&mut self, request: &Request) {
        if self.on {
            let (at, bytes) = request.range();
            self.suspect(at, bytes);
        }
    }

    fn suspect(&mut self, at: u64, bytes: u64) {
        // Only cells that need an erase are worse for it.
        let side_by_side = self.spec.side_by_side(at);
        let bytes = if self.spec.rewrites() { 0 } else { bytes.min(side_by_side) };
        let at = self.spec.cell(at);
        if bytes > 0 {
            self.carry_out(Op::Suspect { at, bytes });
        }
    }

    pub fn discard(&mut self, at: u64, bytes: u64) -> Result<(), ErrorKind> {
        self.check(at, bytes, 1)?;
        if !self.on {
            return Err(ErrorKind::Removed);
        }
        self.counters.discards += 1;
        self.end_write();
        self.pass(self.spec.timing.card.map_or(0, |timing| timing.discard_ns));
        Ok(())
    }

    fn pass(&mut self, ns: u64) {
        self.counters.busy_ns += ns;
        self.clock.advance_ns(ns);
    }

    /// Ends the write that a card was left with.
    fn end_write(&mut self) {
        if let Some(timing) = self.spec.timing.card {
            let ns = self.card.end_ns(&timing);
            self.pass(ns);
        }
    }

    /// Counts a call, and fails it if it is its turn.
    fn call(&mut self, call: Call) -> Result<(), ErrorKind> {
        if !self.on {
            return Err(ErrorKind::Removed);
        }
        let kind = usize::from(call != Call::Read);
        let own = self.calls[kind];
        let all = self.calls[0] + self.calls[1];
        self.calls[kind] += 1;
        let Some(error) = self.faults.error else { return Ok(()) };
        let number = match error.calls {
            Calls::All => all,
            Calls::Reads if kind == 0 => own,
            Calls::Writes if kind == 1 => own,
            _ => return Ok(()),
        };
        if number == error.call || (error.persistent && number > error.call) {
            self.trace.number(2);
            return Err(error.kind);
        }
        Ok(())
    }

    fn command(&mut self, op: Op) -> Result<(), ErrorKind> {
        let number = self.ops;
        let card = self.spec.timing.card.map(|timing| {
            if let Op::Program { at, .. } = &op {
                return self.card.write_ns(*at, &timing);
            }
            self.card.end_ns(&timing)
        });
        let ns = self.counters.command(&op, &self.spec.timing, card);
        self.clock.advance_ns(ns);
        self.trace_op(&op);
        let seed = mix(self.faults.seed, number);
        if let Some(cut) = self.faults.cut.filter(|cut| cut.op == number) {
            self.faults.cut = None;
            self.ops += 1;
            self.cut(op, cut.tear, seed);
            return Err(ErrorKind::Removed);
        }
        let result = self.strike(op, seed);
        self.ops += 1;
        result
    }

    /// Does a command, or what a bad block makes of it.
    fn strike(&mut self, op: Op, seed: u64) -> Result<(), ErrorKind> {
        let (at, bytes) = op.range();
        let erases = matches!(op, Op::Erase { .. });
        if erases || self.spec.rewrites() {
            self.wear.erased(at, bytes);
            if !self.reads.is_empty() {
                self.reads.retain(|block, _| !blocks(at, bytes).contains(block));
            }
        }
        if op == Op::Sync {
            self.sync();
            return Ok(());
        }
        let number = |block: usize| u32::try_from(block).unwrap_or(u32::MAX);
        let mut bad = blocks(at, bytes).find_map(|block| self.faults.bad.get(&number(block)));
        let worn = self.spec.endurance.is_some_and(|most| self.wear.max_in(at, bytes) > most);
        if worn {
            bad = Some(&Bad::Fails);
        }
        let fails = match bad {
            Some(Bad::ProgramFails) => !erases,
            Some(Bad::EraseFails) => erases,
            Some(Bad::Fails) => true,
            Some(Bad::ProgramLost) if !erases => return Ok(()),
            Some(Bad::EraseLost) if erases => return Ok(()),
            _ => false,
        };
        if fails {
            self.carry_out(op.torn(TearMode::RandomSubset, seed));
            return Err(ErrorKind::Medium);
        }
        match (self.faults.astray.get(&self.ops), op) {
            (Some(Astray::Lost), Op::Program { .. }) => {}
            (Some(Astray::Moved(by)), Op::Program { at, bytes }) => {
                let last = self.image.size() - bytes.len() as u64;
                let at = (at + by) % (last + 1);
                self.carry_out(Op::Program { at, bytes });
            }
            (_, op) => self.carry_out(op),
        }
        Ok(())
    }

    /// Changes the cells, or the cache above them, and records it.
    pub fn carry_out(&mut self, op: Op) {
        if let Some(breach) = self.image.apply(&op) {
            self.breaches.push((self.ops, breach));
        }
        if let Some(cache) = &mut self.cache {
            cache.waiting.push(op.clone());
        }
        self.record(op);
    }

    fn sync(&mut self) {
        if let Some(cache) = &mut self.cache {
            if self.faults.sync_lies {
                return;
            }
            cache.durable = self.image.clone();
            cache.waiting.clear();
        }
        self.record(Op::Sync);
    }

    fn cut(&mut self, op: Op, tear: TearMode, seed: u64) {
        if let Some(cache) = &mut self.cache {
            if op != Op::Sync {
                cache.waiting.push(op.clone());
                self.record(op);
            }
            self.lose_power(tear);
            return;
        }
        let (at, bytes) = op.range();
        let harms = !self.spec.guarantees.contains(Guarantees::POWERSAFE_NEIGHBOURS);
        if op != Op::Sync {
            self.carry_out(op.torn(tear, seed));
        }
        if harms && bytes > 0 {
            self.carry_out(Op::Neighbours { at, bytes, seed });
        }
        self.lose_power(tear);
    }

    fn lose_power(&mut self, tear: TearMode) {
        self.on = false;
        self.trace.number(8);
        if let Some(cache) = &mut self.cache {
            let waiting = std::mem::take(&mut cache.waiting);
            let seed = mix(self.faults.seed, self.ops);
            cache.durable.lose_cache(&waiting, tear, seed);
            self.image = cache.durable.clone();
            self.record(Op::LoseCache { tear, seed });
        }
    }

    fn record(&mut self, op: Op) {
        if let Some(log) = &mut self.log {
            log.push(op);
        }
    }

    fn timed(&mut self, call: Call, at: u64, bytes: u64, start_ns: u64) {
        let ns = self.clock.now_ns() - start_ns;
        if let Some(times) = &mut self.times {
            times.push(Timed { call, at, bytes, start_ns, ns });
        }
    }

    fn trace_op(&mut self, op: &Op) {
        self.trace.number(3);
        let (at, length) = op.range();
        self.trace.number(at);
        match op {
            Op::Program { bytes, .. } => self.trace.bytes(bytes),
            _ => self.trace.number(length),
        }
    }
}
