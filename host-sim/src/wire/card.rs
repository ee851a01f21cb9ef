//! The card behind the wires: one byte at a time.

use std::collections::VecDeque;

use embedded_hal::spi::ErrorKind;

use super::bytes::{cid, crc7, crc16, csd, sd_status};
use super::pins::Pins;
use super::store::Sectors;
use super::{Accidents, Exchange, Generation, Model};
use crate::clock::Clock;

const IDLE: u8 = 1;
const ERASE_RESET: u8 = 1 << 1;
const ILLEGAL: u8 = 1 << 2;
const CRC: u8 = 1 << 3;
const ERASE_SEQUENCE: u8 = 1 << 4;
const ADDRESS: u8 = 1 << 5;
const PARAMETER: u8 = 1 << 6;

/// What looks like a response and is none.
const STUFF: u8 = 0x2A;

/// Bits of the status.
const FLAG_ERROR: u8 = 1 << 2;
const FLAG_PROTECTED: u8 = 1 << 5;
const FLAG_RANGE: u8 = 1 << 7;

/// What the card is in the middle of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Command,
    /// A block will be sent at this time.
    Preparing {
        next: u32,
        run: bool,
        at: u64,
    },
    /// A block is being sent; `next` follows it in a run.
    Sending {
        next: u32,
        run: bool,
    },
    /// It said why there is no block, and waits for CMD12.
    Stuck,
    Waiting {
        next: u32,
        run: bool,
    },
    Receiving {
        next: u32,
        run: bool,
        block: Vec<u8>,
    },
}

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct State {
    pub model: Model,
    pub clock: Clock,
    pub hz: u32,
    pub is_on: bool,
    selected: bool,
    /// Bytes with chip select high since power came, and since it rose.
    high_bytes: u64,
    high_since: u64,
    speaks_spi: bool,
    is_ready: bool,
    polls: u32,
    verifies: bool,
    /// The next command is of the second set.
    second_set: bool,
    frame: Vec<u8>,
    out: VecDeque<u8>,
    busy_until: u64,
    phase: Phase,
    announced: u32,
    erase_from: Option<u32>,
    erase_to: Option<u32>,
    flags: u8,
    pub fails_next_write: bool,
    pub store: Box<dyn Sectors>,
    pub accidents: Accidents,
    pub count: u64,
    /// Blocks that were received.
    blocks: u64,
    pub breaches: Vec<String>,
    pub commands: Vec<u8>,
    pub log: Option<Vec<Exchange>>,
    /// Bytes in which a write was begun, sent or carried out.
    pub changes: Option<Vec<std::ops::Range<u64>>>,
}

impl State {
    pub fn new(model: Model, store: Box<dyn Sectors>) -> Self {
        Self {
            model,
            clock: Clock::new(),
            hz: 400_000,
            is_on: true,
            selected: false,
            high_bytes: 0,
            high_since: 1,
            speaks_spi: false,
            is_ready: false,
            polls: 0,
            verifies: false,
            second_set: false,
            frame: Vec::new(),
            out: VecDeque::new(),
            busy_until: 0,
            phase: Phase::Command,
            announced: 0,
            erase_from: None,
            erase_to: None,
            flags: 0,
            fails_next_write: false,
            store,
            accidents: Accidents::default(),
            count: 0,
            blocks: 0,
            breaches: Vec::new(),
            commands: Vec::new(),
            log: None,
            changes: None,
        }
    }

    pub fn power_off(&mut self) {
        if self.is_on {
            self.is_on = false;
            self.store.cut(self.clock.now_ns(), self.accidents.seed ^ self.count);
        }
    }

    pub fn power_on(&mut self) {
        self.power_off();
        self.is_on = true;
        self.high_bytes = 0;
        self.speaks_spi = false;
        self.fails_next_write = false;
        self.flags = 0;
        self.forget();
    }

    /// What CMD0 does, whatever the card is doing.
    fn forget(&mut self) {
        self.is_ready = false;
        self.polls = self.model.init_polls;
        self.verifies = false;
        self.second_set = false;
        self.frame.clear();
        self.out.clear();
        self.busy_until = 0;
        self.phase = Phase::Command;
        (self.announced, self.erase_from, self.erase_to) = (0, None, None);
    }

    fn breach(&mut self, what: &str) {
        self.breaches.push(format!("byte {}: {what}", self.count));
    }

    fn is_busy(&self) -> bool {
        self.clock.now_ns() < self.busy_until
    }

    fn seen(&mut self, sent: u8) -> u8 {
        if !self.is_on {
            return if self.model.floats_low { 0 } else { 0xFF };
        }
        if !self.selected {
            self.high_bytes += u64::from(sent == 0xFF);
            self.high_since += 1;
            return 0xFF;
        }
        self.store.age(self.clock.now_ns());
        let received = self.say();
        self.hear(sent);
        received
    }

    fn say(&mut self) -> u8 {
        if let Some(byte) = self.out.pop_front() {
            return byte;
        }
        if self.is_busy() {
            return 0;
        }
        let now = self.clock.now_ns();
        match self.phase {
            Phase::Preparing { next, run, at } if at <= now => {
                self.prepare(next, run);
                self.out.pop_front().unwrap_or(0xFF)
            }
            Phase::Sending { next, run: true } => {
                let at = now + self.model.read_ns / 4;
                self.phase = Phase::Preparing { next, run: true, at };
                0xFF
            }
            Phase::Sending { .. } => {
                self.phase = Phase::Command;
                0xFF
            }
            _ => 0xFF,
        }
    }

    fn prepare(&mut self, number: u32, run: bool) {
        let content = (number < self.model.sectors).then(|| self.store.read(number));
        match content {
            Some(Some(content)) => {
                self.block(&content);
                self.phase = Phase::Sending { next: number + 1, run };
            }
            other => {
                self.out.push_back(if other.is_some() { 0x04 } else { 0x08 });
                self.flags |= if other.is_some() { 1 << 4 } else { FLAG_RANGE };
                self.phase = if run { Phase::Stuck } else { Phase::Command };
            }
        }
    }

    fn block(&mut self, content: &[u8]) {
        self.out.push_back(0xFE);
        self.out.extend(content);
        self.out.extend(crc16(content).to_be_bytes());
    }

    fn hear(&mut self, sent: u8) {
        match std::mem::replace(&mut self.phase, Phase::Command) {
            Phase::Waiting { next, run } => self.phase = self.begin_block(sent, next, run),
            Phase::Receiving { next, run, mut block } => {
                block.push(sent);
                self.phase = if block.len() < 514 {
                    Phase::Receiving { next, run, block }
                } else {
                    self.accept(next, run, &block)
                };
            }
            phase => {
                self.phase = phase;
                self.listen(sent);
            }
        }
    }

    fn begin_block(&mut self, sent: u8, next: u32, run: bool) -> Phase {
        let waiting = Phase::Waiting { next, run };
        if sent == 0xFF || !self.out.is_empty() {
            return waiting;
        }
        if self.is_busy() {
            self.breach("something for a busy card");
            return waiting;
        }
        match (sent, run) {
            (0xFE, false) | (0xFC, true) => Phase::Receiving { next, run, block: Vec::new() },
            (0xFD, true) => {
                // One byte passes before the card says that it is busy.
                self.out.push_back(0xFF);
                self.work(self.model.stop_ns);
                self.store.settle(self.busy_until);
                Phase::Command
            }
            _ => {
                self.breach("no token for a card that waits for a block");
                waiting
            }
        }
    }

    /// Busy for `ns` from now on.
    fn work(&mut self, ns: u64) {
        self.busy_until = self.clock.now_ns() + ns;
    }

    fn accept(&mut self, number: u32, run: bool, received: &[u8]) -> Phase {
        let (block, sum) = received.split_at(512);
        let over = if run { Phase::Waiting { next: number, run } } else { Phase::Command };
        self.blocks += 1;
        let misheard =
            self.accidents.mishears.is_some_and(|every| self.blocks.is_multiple_of(every));
        if self.verifies && (misheard || sum != crc16(block).to_be_bytes()) {
            self.out.push_back(0xEB);
            return over;
        }
        if self.model.is_protected || number >= self.model.sectors {
            self.flags |= if self.model.is_protected { FLAG_PROTECTED } else { FLAG_RANGE };
            self.out.push_back(0xED);
            return over;
        }
        self.out.push_back(0xE5);
        self.work(if run { self.model.run_ns } else { self.model.write_ns });
        let block: &[u8; 512] = block.try_into().expect("512 bytes");
        let safe_at = (!run).then_some(self.busy_until);
        let fails = std::mem::take(&mut self.fails_next_write);
        if fails || !self.store.write(number, block, safe_at) {
            self.flags |= FLAG_ERROR;
        }
        if run { Phase::Waiting { next: number + 1, run } } else { Phase::Command }
    }

    /// Bytes that may be a command.
    fn listen(&mut self, sent: u8) {
        if self.frame.is_empty() && sent & 0xC0 != 0x40 {
            return;
        }
        if self.frame.is_empty() && self.is_busy() {
            // The rest of what the host sends is looked at byte by byte, as it should be.
            self.breach("a command for a busy card");
            return;
        }
        self.frame.push(sent);
        if self.frame.len() < 6 {
            return;
        }
        let frame: [u8; 6] = std::mem::take(&mut self.frame).try_into().expect("six bytes");
        let (index, whole) = (frame[0] & 0x3F, frame[5] == crc7(&frame[..5]) << 1 | 1);
        let argument = u32::from_be_bytes([frame[1], frame[2], frame[3], frame[4]]);
        if !self.is_ready && self.hz > 400_000 {
            self.breach("a fast clock before the card is ready");
            return;
        }
        if !self.speaks_spi {
            let clocked = !self.model.wants_clocks || self.high_bytes * 8 >= 74;
            if index != 0 || !whole || !clocked {
                return;
            }
            self.speaks_spi = true;
        }
        let checked = self.verifies || index == 0 || index == 8;
        if checked && !whole {
            self.answer(CRC, &[]);
            return;
        }
        let second = std::mem::take(&mut self.second_set);
        self.commands.push(if second { index | 0x40 } else { index });
        self.obey(index, argument, second);
    }

    /// Notes this byte if a write is waited for, received or carried out.
    fn note_change(&mut self) {
        let changes =
            self.is_busy() || matches!(self.phase, Phase::Waiting { .. } | Phase::Receiving { .. });
        let Some(noted) = self.changes.as_mut().filter(|_| changes) else { return };
        match noted.last_mut().filter(|last| last.end == self.count) {
            Some(last) => last.end += 1,
            None => noted.push(self.count..self.count + 1),
        }
    }

    /// A response, after what may still be under way.
    fn answer(&mut self, r1: u8, more: &[u8]) {
        let idle = if self.is_ready { 0 } else { IDLE };
        self.out.extend((0..self.model.response_delay).map(|_| 0xFF));
        self.out.push_back(r1 | idle);
        self.out.extend(more);
    }

    fn obey(&mut self, index: u8, argument: u32, second: bool) {
        let reading = !matches!(self.phase, Phase::Command);
        if reading && index != 12 && index != 0 {
            self.breach("a command while a block is read");
            self.answer(ILLEGAL, &[]);
            return;
        }
        let erase_goes_on = matches!(index, 33 | 38);
        if !erase_goes_on && index != 32 && self.erase_from.take().is_some() {
            self.erase_to = None;
            self.answer(ERASE_RESET, if index == 13 { &[0] } else { &[] });
            return;
        }
        match (index, second) {
            (0, _) => {
                self.forget();
                self.answer(0, &[]);
            }
            (8, _) if self.model.generation != Generation::V1 => {
                let [.., volts, pattern] = argument.to_be_bytes();
                self.answer(0, &[0, 0, volts & 0xF, pattern]);
            }
            (55, _) => {
                self.second_set = true;
                self.answer(0, &[]);
            }
            (59, _) => {
                self.verifies = argument & 1 == 1;
                self.answer(0, &[]);
            }
            (58, _) => {
                let high = self.model.generation == Generation::High && self.is_ready;
                let ocr = 0x00FF_8000 | u32::from(self.is_ready) << 31 | u32::from(high) << 30;
                let r1 = if self.model.idles_at_58 { IDLE } else { 0 };
                self.answer(r1, &ocr.to_be_bytes());
            }
            (41, true) => self.begin(argument),
            (13, _) => {
                let flags = std::mem::take(&mut self.flags);
                self.answer(0, &[flags]);
                if second {
                    self.block(&sd_status());
                }
            }
            _ if !self.is_ready => self.answer(ILLEGAL, &[]),
            _ => self.work_on(index, argument, second),
        }
    }

    fn begin(&mut self, argument: u32) {
        let refused = self.model.generation == Generation::High && argument & 1 << 30 == 0;
        self.polls = self.polls.saturating_sub(1);
        self.is_ready = self.is_ready || self.polls == 0 && !refused;
        self.answer(0, &[]);
    }

    fn work_on(&mut self, index: u8, argument: u32, second: bool) {
        let run = matches!(index, 18 | 25);
        let at = self.clock.now_ns() + self.model.read_ns;
        match (index, second) {
            (9, _) => self.register(csd(&self.model)),
            (10, _) => self.register(cid(&self.model)),
            (12, _) => self.stop(),
            (16, _) => self.answer(if argument == 512 { 0 } else { PARAMETER }, &[]),
            (23, true) if self.model.has_erase_before => {
                self.announced = argument;
                self.answer(0, &[]);
            }
            (17 | 18, _) if !run || self.model.has_runs => match self.sector(argument) {
                Ok(next) => {
                    self.answer(0, &[]);
                    self.phase = Phase::Preparing { next, run, at };
                }
                Err(complaint) => self.answer(complaint, &[]),
            },
            (24 | 25, _) if !run || self.model.has_runs => match self.sector(argument) {
                Ok(next) => {
                    let announced = std::mem::take(&mut self.announced);
                    if run {
                        let end = next.saturating_add(announced).min(self.model.sectors);
                        self.store.announce(next..end);
                    }
                    self.answer(0, &[]);
                    self.phase = Phase::Waiting { next, run };
                }
                Err(complaint) => self.answer(complaint, &[]),
            },
            (32, _) => self.mark(argument, true),
            (33, _) => self.mark(argument, false),
            (38, _) => self.erase(),
            _ => self.answer(ILLEGAL, &[]),
        }
    }

    fn register(&mut self, content: [u8; 16]) {
        self.answer(0, &[0xFF]);
        self.block(&content);
    }

    fn stop(&mut self) {
        let reading = !matches!(self.phase, Phase::Command);
        self.phase = Phase::Command;
        self.out.clear();
        self.out.push_back(STUFF);
        self.answer(if reading { 0 } else { ILLEGAL }, &[]);
        if reading {
            self.work(20_000);
        }
    }

    /// The sector that an address means.
    fn sector(&self, argument: u32) -> Result<u32, u8> {
        let number = match self.model.generation {
            Generation::High => argument,
            _ if !argument.is_multiple_of(512) => return Err(ADDRESS),
            _ => argument / 512,
        };
        if number < self.model.sectors { Ok(number) } else { Err(PARAMETER) }
    }

    fn mark(&mut self, argument: u32, first: bool) {
        let number = match self.sector(argument) {
            Ok(number) if first || self.erase_from.is_some_and(|from| from <= number) => number,
            Ok(_) => return self.answer(ERASE_SEQUENCE, &[]),
            Err(complaint) => return self.answer(complaint, &[]),
        };
        if first {
            (self.erase_from, self.erase_to) = (Some(number), None);
        } else {
            self.erase_to = Some(number);
        }
        self.answer(0, &[]);
    }

    fn erase(&mut self) {
        let Some((from, to)) = self.erase_from.take().zip(self.erase_to.take()) else {
            return self.answer(ERASE_SEQUENCE, &[]);
        };
        self.answer(0, &[]);
        self.work(5_000_000);
        for number in from..=to {
            if !self.store.erase(number, self.busy_until) {
                self.flags |= FLAG_ERROR;
            }
        }
    }
}

impl Pins for State {
    fn select(&mut self, low: bool) {
        if low == self.selected {
            return;
        }
        self.selected = low;
        if !self.is_on {
            return;
        }
        self.frame.clear();
        if low {
            if self.high_since == 0 && !self.model.is_shared {
                self.breach("no clocks since chip select rose");
            }
            return;
        }
        self.high_since = 0;
        let inside = match self.phase {
            Phase::Sending { run: false, .. } if self.out.is_empty() => false,
            Phase::Preparing { .. } | Phase::Sending { .. } => {
                if self.model.ends_reads {
                    self.phase = Phase::Command;
                    self.out.clear();
                }
                true
            }
            Phase::Receiving { .. } => true,
            _ => !self.out.is_empty(),
        };
        if inside && !self.model.is_shared {
            self.breach("chip select rose inside a transfer");
        }
    }

    fn byte(&mut self, sent: u8) -> Result<u8, ErrorKind> {
        let number = self.count;
        self.clock.advance_ns(8_000_000_000 / u64::from(self.hz));
        if self.accidents.bus_error == Some(number) {
            self.count += 1;
            return Err(ErrorKind::Other);
        }
        if self.accidents.cut == Some(number) || self.accidents.pull == Some(number) {
            self.power_off();
        }
        let flipped = |flip: Option<(u64, u8)>, byte| match flip {
            Some((at, bits)) if at == number => byte ^ bits,
            _ => byte,
        };
        let received = self.seen(flipped(self.accidents.flip_to_card, sent));
        let received = flipped(self.accidents.flip_to_host, received);
        self.note_change();
        self.count += 1;
        if let Some(log) = &mut self.log {
            log.push(Exchange { selected: self.selected, transaction: 0, sent, received });
        }
        Ok(received)
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}
