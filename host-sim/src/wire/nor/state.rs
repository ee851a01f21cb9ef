//! The chip behind the wires: one byte at a time.

use std::collections::VecDeque;

use embedded_hal::spi::ErrorKind;
use fs_core::blocking::device::BlockDevice;
use fs_core::units::ByteOffset;

use super::super::pins::Pins;
use super::sfdp::tables;
use super::{Accidents, Exchange, Model};
use crate::chip::{Nor, PAGE_BYTES};
use crate::clock::Clock;
use crate::fault::TearMode;
use crate::image::Op;
use crate::rng::mix;

/// The bits of the status register that are kept without power, and those that protect.
const KEPT: u8 = 0b1111_1100;
const PROTECTS: u8 = 0b1_1100;
/// The first status register: busy, enabled, an erase and a program that failed.
const BUSY: u8 = 1;
const ENABLED: u8 = 1 << 1;
/// The second one: suspended, and everything protected.
const SUSPENDED: u8 = 1 << 7;
const COMPLEMENT: u8 = 1 << 6;
/// The flag status register: ready, an erase failed, a program failed, the place is protected.
const READY: u8 = 1 << 7;
const ERASE_FAILED: u8 = 1 << 5;
const PROGRAM_FAILED: u8 = 1 << 4;
const PROTECTED: u8 = 1 << 1;

/// A write of a register.
const REGISTER_NS: u64 = 10_000_000;

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct State {
    pub model: Model,
    pub array: Nor,
    pub clock: Clock,
    hz: u64,
    pub sfdp: Vec<u8>,
    is_on: bool,
    selected: bool,
    transaction: u32,
    /// The command of this transaction: its opcode, what came behind it, and whether the chip
    /// takes it.
    opcode: Option<u8>,
    heard: Vec<u8>,
    is_taken: bool,
    is_broken: bool,
    out: VecDeque<u8>,
    /// Where the next byte that is read comes from.
    cursor: u64,
    kept: u8,
    pub second: u8,
    flags: u8,
    is_enabled: bool,
    pub is_asleep: bool,
    pub takes_four: bool,
    may_reset: bool,
    deaf_until: u64,
    busy_until: u64,
    under_way: Option<Op>,
    suspended: Option<Op>,
    pub fails_next: bool,
    pub accidents: Accidents,
    pub count: u64,
    /// Write enables that came.
    enables: u64,
    pub breaches: Vec<String>,
    pub commands: Vec<u8>,
    pub log: Option<Vec<Exchange>>,
    /// Bytes in which a change was sent or carried out.
    pub changes: Option<Vec<std::ops::Range<u64>>>,
}

impl State {
    pub fn new(model: Model, array: Nor) -> Self {
        let sfdp = if model.has_sfdp { tables(&model) } else { Vec::new() };
        Self {
            kept: model.status & KEPT,
            model,
            array,
            clock: Clock::new(),
            hz: 50_000_000,
            sfdp,
            is_on: true,
            selected: false,
            transaction: 0,
            opcode: None,
            heard: Vec::new(),
            is_taken: false,
            is_broken: false,
            out: VecDeque::new(),
            cursor: 0,
            second: 0,
            flags: 0,
            is_enabled: false,
            is_asleep: false,
            takes_four: false,
            may_reset: false,
            deaf_until: 0,
            busy_until: 0,
            under_way: None,
            suspended: None,
            fails_next: false,
            accidents: Accidents::default(),
            count: 0,
            enables: 0,
            breaches: Vec::new(),
            commands: Vec::new(),
            log: None,
            changes: None,
        }
    }

    pub fn is_on(&self) -> bool {
        self.is_on && self.array.is_on()
    }

    pub fn power_off(&mut self) {
        self.tick();
        if !self.is_on {
            return;
        }
        self.is_on = false;
        self.tear();
        self.array.power_off();
    }

    pub fn power_on(&mut self) {
        self.power_off();
        self.is_on = true;
        self.array.power_on();
        self.is_asleep = false;
        self.second &= !SUSPENDED;
        self.forget();
    }

    /// What a reset does.
    fn forget(&mut self) {
        self.is_enabled = false;
        self.takes_four = false;
        self.may_reset = false;
        self.flags = 0;
        (self.busy_until, self.deaf_until) = (0, 0);
        (self.opcode, self.is_taken) = (None, false);
    }

    /// Leaves what is under way half done.
    fn tear(&mut self) {
        let now = self.clock.now_ns();
        self.busy_until = 0;
        let seed = mix(self.accidents.seed, self.count);
        for op in [self.under_way.take(), self.suspended.take()].into_iter().flatten() {
            let modes = TearMode::of(&op);
            let place = mix(seed, now) % modes.len() as u64;
            let mode = modes[usize::try_from(place).expect("small")];
            self.array.tamper(|image| image.apply_torn(&op, mode, seed));
        }
    }

    pub fn begin_erase(&mut self, at: u64, suspended: bool) {
        let op = Op::Erase { at, bytes: 4096 };
        if suspended {
            self.suspended = Some(op);
            self.second |= SUSPENDED;
        } else {
            self.begin(op, self.model.timing.erase_4k_ns);
        }
    }

    pub fn leave_in(&mut self, asleep: bool, four: bool) {
        (self.is_asleep, self.takes_four) = (asleep, four);
    }

    fn breach(&mut self, what: &str) {
        self.breaches.push(format!("byte {}: {what}", self.count));
    }

    fn begin(&mut self, op: Op, ns: u64) {
        self.under_way = Some(op);
        self.busy_until = self.clock.now_ns() + ns;
    }

    fn is_busy(&self) -> bool {
        self.clock.now_ns() < self.busy_until
    }

    /// Ends what has had its time.
    fn tick(&mut self) {
        if self.is_busy() || !self.is_on() {
            return;
        }
        let Some(op) = self.under_way.take() else { return };
        self.is_enabled = self.model.keeps_enable;
        self.second &= !SUSPENDED;
        let is_erase = matches!(op, Op::Erase { .. });
        let fails = std::mem::take(&mut self.fails_next);
        let done = if fails {
            let seed = mix(self.accidents.seed, self.count);
            self.array.tamper(|image| image.apply_torn(&op, TearMode::RandomSubset, seed));
            Err(fs_core::error::ErrorKind::Medium)
        } else {
            match &op {
                Op::Program { at, bytes } => self.array.program(ByteOffset(*at), bytes),
                Op::Erase { at, bytes } => self.array.erase(ByteOffset(*at), *bytes),
                _ => Ok(()),
            }
        };
        if done.is_err() {
            self.flags |= if is_erase { ERASE_FAILED } else { PROGRAM_FAILED };
        }
    }

    pub fn status(&self) -> u8 {
        let enabled = if self.is_enabled { ENABLED } else { 0 };
        let mut status = self.kept | enabled | u8::from(self.is_busy());
        if self.model.has_error_status && self.flags & (ERASE_FAILED | PROGRAM_FAILED) != 0 {
            status |= BUSY;
            status |= (self.flags & ERASE_FAILED) | (self.flags & PROGRAM_FAILED) << 2;
        }
        status
    }

    fn address_bytes(&self, opcode: u8) -> usize {
        match opcode {
            0x0C | 0x12 | 0x13 | 0x21 | 0xDC => 4,
            _ if self.takes_four => 4,
            _ => 3,
        }
    }

    fn address(&self, opcode: u8) -> Option<u64> {
        let bytes = self.heard.get(..self.address_bytes(opcode))?;
        let address = bytes.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
        Some(address % self.array.spec().geometry().size)
    }

    /// What goes out next.
    fn say(&mut self) -> u8 {
        let idle = if self.model.floats_low { 0 } else { 0xFF };
        let Some(opcode) = self.opcode.filter(|_| self.is_taken) else { return idle };
        let number = self.heard.len();
        match opcode {
            0x05 => self.status(),
            0x35 => self.second,
            0x15 => 0,
            0x70 if self.model.has_flags => {
                self.flags | if self.is_busy() { 0 } else { READY } | u8::from(self.takes_four)
            }
            0x9F => self.model.id.get(number).copied().unwrap_or(0),
            0x5A if self.model.has_sfdp && number >= 4 => {
                let from =
                    self.heard[..3].iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
                self.sfdp.get(from + number - 4).copied().unwrap_or(0xFF)
            }
            0x03 | 0x0B | 0x0C | 0x13 => self.read(opcode, number).unwrap_or(idle),
            _ => idle,
        }
    }

    /// The next byte of a read, if its address and dummy byte have been heard.
    fn read(&mut self, opcode: u8, number: usize) -> Option<u8> {
        let dummies = usize::from(matches!(opcode, 0x0B | 0x0C));
        let head = self.address_bytes(opcode) + dummies;
        if number < head {
            return None;
        }
        if number == head {
            self.cursor = self.address(opcode)?;
            self.out.clear();
        }
        if self.out.is_empty() {
            let size = self.array.spec().geometry().size;
            let mut bytes = [0; 64];
            let length = usize::try_from(size - self.cursor).unwrap_or(64).min(64);
            self.array.read(ByteOffset(self.cursor), &mut bytes[..length]).ok()?;
            self.cursor = (self.cursor + length as u64) % size;
            self.out.extend(&bytes[..length]);
        }
        self.out.pop_front()
    }

    fn hear(&mut self, sent: u8) {
        if self.opcode.is_some() {
            self.heard.push(sent);
            return;
        }
        self.opcode = Some(sent);
        let reads_status = matches!(sent, 0x05 | 0x15 | 0x35 | 0x70);
        if !reads_status {
            self.commands.push(sent);
        }
        let stuck = self.status() & BUSY != 0;
        let refusal = if self.is_asleep {
            (sent != 0xAB).then_some("a command for a chip that sleeps")
        } else if self.clock.now_ns() < self.deaf_until {
            Some("a command for a chip that is not ready yet")
        } else if stuck && !reads_status && !matches!(sent, 0x66 | 0x99 | 0x30) {
            Some("a command for a busy chip")
        } else {
            None
        };
        self.is_taken = refusal.is_none();
        // Hosts that do not know what a chip is doing wake it first.
        if let Some(refusal) = refusal.filter(|_| sent != 0xAB) {
            self.breach(refusal);
        }
    }

    /// Chip select has risen: does what the command says.
    fn act(&mut self, opcode: u8) {
        let enabled = self.is_enabled;
        let now = self.clock.now_ns();
        if opcode != 0x99 {
            self.may_reset = opcode == 0x66;
        }
        match opcode {
            0x06 => {
                self.enables += 1;
                let misheard = |every| self.enables.is_multiple_of(every);
                self.is_enabled |= !self.accidents.mishears.is_some_and(misheard);
            }
            0x04 => self.is_enabled = false,
            0x02 | 0x12 => self.program(opcode),
            0x20 | 0x21 => self.erase(opcode, 0x1000, self.model.timing.erase_4k_ns),
            0x52 => self.erase(opcode, 0x8000, self.model.timing.erase_32k_ns),
            0xD8 | 0xDC => self.erase(opcode, 0x1_0000, self.model.timing.erase_64k_ns),
            0x01 | 0x31 if enabled => self.write_register(opcode),
            0x01 | 0x31 => self.breach("a register written without write enable"),
            0x30 if self.model.has_error_status => self.flags = 0,
            0x50 if self.model.has_flags => self.flags = 0,
            0x7A => {
                if let Some(op) = self.suspended.take() {
                    self.begin(op, self.model.timing.erase_4k_ns);
                }
            }
            0x99 if self.may_reset => {
                if self.is_busy() || self.suspended.is_some() {
                    self.breach("a reset of a chip in the middle of something");
                    self.tear();
                }
                self.forget();
                self.deaf_until = now + self.model.reset_ns;
            }
            0xAB if self.is_asleep => {
                self.is_asleep = false;
                self.deaf_until = now + self.model.wake_ns;
            }
            0xB9 => self.is_asleep = true,
            0xB7 => self.takes_four = true,
            0xE9 => self.takes_four = false,
            _ => {}
        }
    }

    /// Notes this byte if a change is received or carried out.
    fn note_change(&mut self, number: u64) {
        let sends = matches!(self.opcode, Some(0x02 | 0x12 | 0x20 | 0x21 | 0x52 | 0xD8 | 0xDC));
        let changes = self.under_way.is_some() || self.selected && sends;
        let Some(noted) = self.changes.as_mut().filter(|_| changes) else { return };
        match noted.last_mut().filter(|last| last.end == number) {
            Some(last) => last.end += 1,
            None => noted.push(number..number + 1),
        }
    }

    fn write_register(&mut self, opcode: u8) {
        self.is_enabled = false;
        let Some(value) = self.heard.first().copied() else { return };
        if !self.model.is_locked {
            if opcode == 0x31 {
                self.second = value;
            } else {
                self.kept = value & KEPT;
            }
        }
        self.busy_until = self.clock.now_ns() + REGISTER_NS;
    }

    /// Whether a program or erase may begin.
    fn admits(&mut self) -> bool {
        if !self.is_enabled {
            self.breach("a program or erase without write enable");
            return false;
        }
        let protected = self.kept & PROTECTS != 0 || self.second & COMPLEMENT != 0;
        if protected {
            self.flags |= PROTECTED;
        }
        !protected
    }

    fn program(&mut self, opcode: u8) {
        let head = self.address_bytes(opcode);
        let (Some(at), true) = (self.address(opcode), self.heard.len() > head) else {
            if !self.is_broken {
                self.breach("a program without address or content");
            }
            return;
        };
        if !self.admits() {
            return;
        }
        let content: Vec<u8> = self.heard[head..].to_vec();
        let place = |at: u64| usize::try_from(at % PAGE_BYTES).expect("small");
        let page_at = at - at % PAGE_BYTES;
        if place(at) + content.len() > place(PAGE_BYTES - 1) + 1 {
            self.breach("a program that crosses a page");
            let mut page = vec![0xFF; place(PAGE_BYTES - 1) + 1];
            for (number, byte) in content.iter().enumerate() {
                page[place(at + number as u64)] = *byte;
            }
            self.begin(Op::program(page_at, &page), self.model.timing.program_page_ns);
            return;
        }
        self.begin(Op::program(at, &content), self.model.timing.program_page_ns);
    }

    fn erase(&mut self, opcode: u8, bytes: u64, ns: u64) {
        let Some(at) = self.address(opcode) else {
            if !self.is_broken {
                self.breach("an erase without address");
            }
            return;
        };
        if !self.admits() {
            return;
        }
        if at % bytes != 0 {
            self.breach("an erase in the middle of its unit");
        }
        self.begin(Op::Erase { at: at - at % bytes, bytes }, ns);
    }
}

impl Pins for State {
    fn select(&mut self, low: bool) {
        if low == self.selected {
            return;
        }
        self.selected = low;
        if low {
            self.transaction = self.transaction.wrapping_add(1);
            self.heard.clear();
            (self.opcode, self.is_taken, self.is_broken) = (None, false, false);
            return;
        }
        self.tick();
        if let Some(opcode) = self.opcode.filter(|_| self.is_taken && self.is_on()) {
            self.act(opcode);
        }
    }

    fn byte(&mut self, sent: u8) -> Result<u8, ErrorKind> {
        let number = self.count;
        self.clock.advance_ns(8_000_000_000 / self.hz);
        self.count += 1;
        if self.accidents.bus_error == Some(number) {
            self.is_broken = true;
            return Err(ErrorKind::Other);
        }
        if self.accidents.cut == Some(number) || self.accidents.pull == Some(number) {
            self.power_off();
        }
        self.tick();
        let flipped = |flip: Option<(u64, u8)>, byte| match flip {
            Some((at, bits)) if at == number => byte ^ bits,
            _ => byte,
        };
        let received = if self.is_on() && self.selected {
            let received = self.say();
            self.hear(flipped(self.accidents.flip_to_card, sent));
            received
        } else if self.model.floats_low {
            0
        } else {
            0xFF
        };
        let received = flipped(self.accidents.flip_to_host, received);
        self.note_change(number);
        if let Some(log) = &mut self.log {
            let (selected, transaction) = (self.selected, self.transaction);
            log.push(Exchange { selected, transaction, sent, received });
        }
        Ok(received)
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}
