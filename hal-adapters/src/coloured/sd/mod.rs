//! An SD card on SPI as a `BlockDevice`.
//!
//! **What it is.** A driver for SDSC (specifications 1.x and 2.0), SDHC and SDXC cards over SPI:
//! [`SdCard`], on a bus of the card's own ([`Bus`]) or on a shared one ([`Shared`]), with a clock
//! ([`Timer`]) for its deadlines. The bytes are those of [`crate::sd`]. It has been tried with the
//! simulator's card only, with **no** real one.
//!
//! **Rules.**
//! 1. A command and its response are one transaction. On a [`Bus`], chip select stays low until the
//!    data and the busy time are over, and then the card gets eight clocks more.
//! 2. Every response is looked at, every block has a checksum that somebody verifies, and a write
//!    is done when the card was ready again and its status said so.
//! 3. Nothing waits without a deadline, and deadlines are time, not numbers of tries.
//! 4. After an error, or when a future was dropped, the card is brought back to where it takes
//!    commands before anything else is asked: the rest of a block, the end of a run (CMD12 or the
//!    stop token), its status. Noise is answered by asking again, up to three times in all.
//! 5. A card that does not answer, stays busy, or says that it lost its power, is `Removed` from
//!    then on, without any I/O, until it is opened again: someone may have changed what is on it. A
//!    volume holds the device while it is mounted, so it is given up before that can happen.
//!    [`SdCard::reopen`] takes the same card only.
//!
//! **Runs.** Two sectors or more are read with CMD18 and written with CMD25. A run that is written
//! stays open: the next program, if it goes on where the last one ended, costs its blocks only. A
//! sync, a read, or a program elsewhere closes it. A failure that shows only then belongs to
//! programs that have answered `Ok`, so the next `sync` answers it, as with any volatile cache.
//!
//! **After a power cut.** A sector whose write was interrupted holds anything. Cards move data
//! about by themselves, and none promises that a cut harms nothing else: `POWERSAFE_NEIGHBOURS` is
//! claimed only for cards that you vouch for ([`Options::neighbours_survive`]).
//!
//! **Cost.** At most 200 bytes of RAM, and no buffer for sectors.

mod link;
mod open;
mod talk;

use super::colour;
use super::device::BlockDevice;
use crate::mutant::{self, Mutant};
use crate::sd::{
    Cid, Command, Csd, Kind, R1, SECTOR, SECTOR_BYTES, START_BLOCK, START_RUN_BLOCK, STOP_RUN,
    SdError, SdStatus, Status,
};
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};
pub use link::{Bus, Link, Paced, Shared, Timer, wake};
use talk::{Talk, WRITE_US, refused};

const _: () = assert!(size_of::<SdCard<(), ()>>() <= 200);

/// How often a request is made, when noise is what it fails for.
const ATTEMPTS: u32 = 3;
/// Sectors that one erase is for, so that its time is bounded.
const ERASE_SECTORS: u32 = 8192;
/// Until a card must have erased them.
const ERASE_US: u32 = 10_000_000;

/// What an erased sector reads as, where this driver writes it.
static ERASED: [u8; SECTOR] = [0xFF; SECTOR];

/// What is up to the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct Options {
    /// The fastest clock that the wiring allows; the card may ask for a slower one.
    pub clock_hz_max: u32,
    /// Whether the card verifies what it is sent, and the driver what it receives. Without it noise
    /// becomes data; it is here for measurements.
    pub crc: bool,
    /// Whether runs of sectors are read and written with CMD18 and CMD25. On a [`Shared`] bus chip
    /// select rises between their blocks, which some cards take for the end.
    pub runs: bool,
    /// Whether `discard` erases. If not, it does nothing.
    pub erases: bool,
    /// Whether a power cut harms nothing but the sectors being written. Nothing in the
    /// specification says so; some makers of industrial cards do.
    pub neighbours_survive: bool,
}

impl Options {
    /// For a bus of the card's own: 25 MHz, checksums, runs; no erasing.
    pub const OWN_BUS: Self = Self {
        clock_hz_max: 25_000_000,
        crc: true,
        runs: true,
        erases: false,
        neighbours_survive: false,
    };

    /// For a shared bus: the same, a sector at a time.
    pub const SHARED_BUS: Self = Self { runs: false, ..Self::OWN_BUS };
}

/// What is known of a card.
#[derive(Debug, Clone, Copy)]
struct Card {
    kind: Kind,
    csd: Csd,
    cid: Cid,
}

/// What the card may be in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flight {
    Nothing,
    Command,
    Read,
    Write,
    Run,
    Anything,
}

/// An SD card.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct SdCard<L, T> {
    talk: Talk<L, T>,
    options: Options,
    /// The card that was opened last.
    card: Option<Card>,
    is_open: bool,
    flight: Flight,
    /// The sector that an open CMD25 goes on with.
    run: Option<u32>,
    /// The sector behind the one that was written last, with nothing else since.
    next: Option<u32>,
    /// Sectors of runs were accepted, and no status has been fine since.
    is_unsynced: bool,
    /// What became of programs that answered `Ok`.
    lost: Option<SdError>,
    has_read_run: bool,
    has_write_run: bool,
    has_erase_before: bool,
}

impl<L, T> SdCard<L, T> {
    /// A card that is not open yet: until [`SdCard::open`], its size is zero.
    pub const fn new(link: L, timer: T, options: Options) -> Self {
        Self {
            talk: Talk::new(link, timer, options.crc),
            options,
            card: None,
            is_open: false,
            flight: Flight::Nothing,
            run: None,
            next: None,
            is_unsynced: false,
            lost: None,
            has_read_run: options.runs,
            has_write_run: options.runs,
            has_erase_before: true,
        }
    }

    /// Gives the way to the card and the clock back. What was not synced may be lost.
    pub fn into_inner(self) -> (L, T) {
        (self.talk.link, self.talk.timer)
    }

    /// Whether a card is open.
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// What kind of card was opened last.
    pub fn kind(&self) -> Option<Kind> {
        self.card.map(|card| card.kind)
    }

    /// The register with the size of the card that was opened last.
    pub fn csd(&self) -> Option<Csd> {
        self.card.map(|card| card.csd)
    }

    /// The identity of the card that was opened last.
    pub fn cid(&self) -> Option<Cid> {
        self.card.map(|card| card.cid)
    }

    /// For boards with a switch in the socket: the card is gone. Everything answers `Removed` from
    /// now on.
    pub fn mark_removed(&mut self) {
        self.is_open = false;
    }

    fn opened(&self) -> Result<Card, SdError> {
        self.card.filter(|_| self.is_open).ok_or(SdError::Removed)
    }

    fn sectors(&self) -> u64 {
        self.card.map_or(0, |card| card.csd.sectors)
    }

    fn is_protected(&self) -> bool {
        self.card.is_some_and(|card| card.csd.is_protected || card.csd.is_protected_for_ever)
    }

    /// The first sector of a range of whole ones inside the card.
    fn range(&self, at: ByteOffset, bytes: u64) -> Result<u32, SdError> {
        let unit = u64::from(SECTOR_BYTES);
        if !at.0.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(SdError::NotAligned);
        }
        let size = self.sectors().saturating_mul(unit);
        match at.0.checked_add(bytes) {
            Some(end) if end <= size => Ok(sectors_of(at.0)),
            _ => Err(SdError::OutOfBounds),
        }
    }
}

#[colour]
impl<L: Link, T: Timer> SdCard<L, T> {
    /// Finds the card in the socket and makes it ready. What the card that was open before had not
    /// synced may be lost, and nothing will say so.
    ///
    /// Takes up to 1.5 s; a quarter of a second if there is no card.
    ///
    /// # Errors
    /// `Removed` without a card, `Unsupported`, or what went wrong on the bus.
    pub async fn open(&mut self) -> Result<(), SdError> {
        let card = self.identify().await?;
        self.card = Some(card);
        self.is_open = true;
        Ok(())
    }

    /// Opens the card again that was open before, say after it was pulled out and put back. It may
    /// have been changed elsewhere: mount it anew.
    ///
    /// # Errors
    /// `OtherCard` if it is not the same; nothing on it was changed, and the one before can still
    /// be reopened. Otherwise as for [`SdCard::open`].
    pub async fn reopen(&mut self) -> Result<(), SdError> {
        let card = self.identify().await?;
        if self.card.is_some_and(|before| before.cid != card.cid) {
            return Err(SdError::OtherCard);
        }
        self.card = Some(card);
        self.is_open = true;
        Ok(())
    }

    async fn identify(&mut self) -> Result<Card, SdError> {
        self.is_open = false;
        self.flight = Flight::Anything;
        (self.run, self.next, self.lost, self.is_unsynced) = (None, None, None, false);
        self.has_read_run = self.options.runs;
        self.has_write_run = self.options.runs;
        self.has_erase_before = true;
        let mut tries = ATTEMPTS;
        loop {
            tries = tries.saturating_sub(1);
            match open::identify(&mut self.talk, self.options).await {
                Ok(card) => {
                    self.flight = Flight::Nothing;
                    return Ok(card);
                }
                Err(error) if tries > 0 && error.is_noise() => {}
                Err(SdError::NoAnswer { .. }) => return Err(SdError::Removed),
                Err(error) => return Err(error),
            }
        }
    }

    /// The status of the card. Closes an open run.
    ///
    /// # Errors
    /// `Removed`, or what went wrong on the bus.
    pub async fn status(&mut self) -> Result<Status, SdError> {
        self.opened()?;
        self.enter().await?;
        let status = match self.close_run().await {
            Ok(()) => self.talk.status().await,
            Err(error) => Err(error),
        };
        self.leave(status).await
    }

    /// What the card says about its allocation units. Closes an open run.
    ///
    /// # Errors
    /// `Removed`, or what went wrong on the bus.
    pub async fn sd_status(&mut self) -> Result<SdStatus, SdError> {
        self.opened()?;
        self.enter().await?;
        let status = self.try_sd_status().await;
        self.leave(status).await
    }

    async fn try_sd_status(&mut self) -> Result<SdStatus, SdError> {
        self.close_run().await?;
        self.flight = Flight::Read;
        let reply = self.talk.ask_application(Command::SEND_STATUS).await?;
        if reply.r1 != R1::READY {
            return Err(refused(Command::SEND_STATUS, reply.r1));
        }
        let mut block = [0; 64];
        self.talk.receive_last(&mut block).await?;
        Ok(SdStatus::decode(&block))
    }

    /// Begins a request: the card takes commands, whatever happened before.
    async fn enter(&mut self) -> Result<(), SdError> {
        if self.flight != Flight::Nothing {
            self.recover().await?;
        }
        self.flight = Flight::Command;
        self.talk.link.select().await
    }

    /// Ends a request: chip select is high unless a run is open, and after an error the card takes
    /// commands again, or is known to be gone.
    async fn leave<X>(&mut self, result: Result<X, SdError>) -> Result<X, SdError> {
        match result {
            Ok(value) => {
                // If this fails the next request begins with a recovery; this one is done.
                let is_over = self.run.is_some() || self.talk.link.release().await.is_ok();
                self.flight = if is_over { Flight::Nothing } else { Flight::Command };
                Ok(value)
            }
            Err(error) => match self.recover().await {
                Err(SdError::Removed) => Err(SdError::Removed),
                _ => Err(error),
            },
        }
    }

    /// Brings the card to where it takes commands, from wherever it may be.
    async fn recover(&mut self) -> Result<(), SdError> {
        let flight = if self.run.take().is_some() { Flight::Run } else { self.flight };
        self.next = None;
        let mut last = Err(SdError::Removed);
        for flight in [flight, Flight::Anything, Flight::Anything] {
            // Kept until the card is found well: this can fail, or be dropped, as well.
            self.flight = flight;
            last = self.unwind(flight).await;
            match last {
                Ok(())
                | Err(SdError::Removed | SdError::Bus(_) | SdError::Select | SdError::Busy) => {
                    break;
                }
                Err(_) => {}
            }
        }
        match last {
            Ok(()) => {
                self.flight = Flight::Nothing;
                Ok(())
            }
            Err(error @ (SdError::Bus(_) | SdError::Select)) => {
                self.flight = Flight::Anything;
                Err(error)
            }
            Err(_) => {
                self.is_open = false;
                Err(SdError::Removed)
            }
        }
    }

    /// Ends what `flight` says, and asks for the status twice: the first answer is about what was,
    /// the second one about a card that takes commands.
    async fn unwind(&mut self, flight: Flight) -> Result<(), SdError> {
        use Flight::{Anything, Read, Run, Write};
        let talk = &mut self.talk;
        talk.link.release().await?;
        talk.link.select().await?;
        talk.drain().await?;
        if matches!(flight, Write | Anything) {
            // A card that waits for its block takes nothing else. This one has a wrong checksum.
            talk.link.exchange(&mut [0xFF, START_BLOCK]).await?;
            talk.drain().await?;
        }
        if matches!(flight, Run | Anything) {
            talk.stop_run().await?;
        }
        if matches!(flight, Read | Anything) {
            match talk.stop_read().await {
                Ok(_) | Err(SdError::NoAnswer { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.account().await?;
        let talk = &mut self.talk;
        let second = talk.status().await?;
        if second.r1.is_idle() {
            return Err(SdError::Removed);
        }
        if second.r1 != R1::READY {
            return Err(refused(Command::SEND_STATUS, second.r1));
        }
        talk.link.release().await
    }

    /// Asks for the status. What it says about sectors of a run is for the next sync; an answer
    /// that is lost may have said the worst, as the card will not say it again.
    async fn account(&mut self) -> Result<(), SdError> {
        let status = self.talk.status().await;
        let complaint = match status {
            Ok(status) if status.flags == 0 => None,
            Ok(status) => Some(SdError::Status(status)),
            Err(error) => Some(error),
        };
        if self.is_unsynced {
            self.lost = self.lost.or(complaint);
        }
        status.map(|_| ())
    }

    /// Ends the run that is written, if one is. How it went is for the next sync.
    async fn close_run(&mut self) -> Result<(), SdError> {
        self.next = None;
        if self.run.is_none() {
            return Ok(());
        }
        self.flight = Flight::Run;
        if mutant::on(Mutant::SdEndNotAwaited) {
            self.run = None;
            self.talk.ready(WRITE_US).await?;
            return self.talk.link.exchange(&mut [STOP_RUN, 0xFF]).await;
        }
        self.talk.stop_run().await?;
        self.run = None;
        self.account().await?;
        self.is_unsynced = false;
        self.flight = Flight::Command;
        Ok(())
    }

    async fn try_read(
        &mut self,
        card: Card,
        first: u32,
        target: &mut [u8],
        done: &mut usize,
    ) -> Result<(), SdError> {
        self.close_run().await?;
        while *done < target.len() {
            let sector = first.saturating_add(sectors(*done));
            let rest = target.get_mut(*done..).ok_or(SdError::OutOfBounds)?;
            let address = card.kind.address(sector).ok_or(SdError::OutOfBounds)?;
            let is_run = self.has_read_run && rest.len() > SECTOR;
            self.flight = Flight::Read;
            if !is_run {
                self.talk.tell(Command::read(address)).await?;
                let block = rest.get_mut(..SECTOR).ok_or(SdError::NotAligned)?;
                self.talk.receive_last(block).await?;
                *done = done.saturating_add(SECTOR);
                continue;
            }
            let command = Command::read_run(address);
            let reply = self.talk.ask(command).await?;
            if reply.r1.is_illegal() {
                self.has_read_run = false;
                continue;
            }
            if reply.r1 != R1::READY {
                return Err(refused(command, reply.r1));
            }
            for block in rest.chunks_exact_mut(SECTOR) {
                self.talk.receive(block).await?;
                *done = done.saturating_add(SECTOR);
            }
            // A card that has read ahead beyond its end complains about that here.
            let r1 = self.talk.stop_read().await?;
            if r1.is_crc_error() || r1.is_illegal() {
                return Err(refused(Command::STOP_TRANSMISSION, r1));
            }
        }
        self.flight = Flight::Command;
        Ok(())
    }

    /// Writes `total` bytes, of `source` or, if that is one sector, of copies of it.
    async fn try_write(
        &mut self,
        card: Card,
        first: u32,
        source: &[u8],
        total: u64,
        done: &mut u64,
    ) -> Result<(), SdError> {
        while *done < total {
            let sector = first.saturating_add(sectors_of(*done));
            let offset = usize::try_from(*done).map_err(|_| SdError::OutOfBounds)?;
            let block = source.get(offset..).filter(|rest| !rest.is_empty()).unwrap_or(source);
            let block = block.get(..SECTOR).ok_or(SdError::NotAligned)?;
            if self.run != Some(sector) {
                let goes_on = self.next == Some(sector);
                self.close_run().await?;
                let left = sectors_of(total.saturating_sub(*done));
                let is_run = self.has_write_run && (goes_on || left > 1);
                if !is_run || !self.begin_run(card, sector, left).await? {
                    self.write_one(card, sector, block).await?;
                    *done = done.saturating_add(u64::from(SECTOR_BYTES));
                    self.next = Some(sector.saturating_add(1));
                    continue;
                }
            }
            self.flight = Flight::Run;
            self.talk.ready(WRITE_US).await?;
            self.talk.send(START_RUN_BLOCK, block).await?;
            self.is_unsynced = true;
            self.run = Some(sector.saturating_add(1));
            *done = done.saturating_add(u64::from(SECTOR_BYTES));
        }
        self.flight = Flight::Command;
        Ok(())
    }

    /// Begins to write a run, `left` sectors of which are known. False if the card has none.
    async fn begin_run(&mut self, card: Card, sector: u32, left: u32) -> Result<bool, SdError> {
        let address = card.kind.address(sector).ok_or(SdError::OutOfBounds)?;
        if left > 1 && self.has_erase_before {
            let command = Command::erase_before_run(left);
            match self.talk.ask_application(command).await {
                Ok(reply) if reply.r1 == R1::READY => {}
                Ok(reply) if reply.r1.is_illegal() => self.has_erase_before = false,
                Ok(reply) => return Err(refused(command, reply.r1)),
                Err(error) => return Err(error),
            }
        }
        self.flight = Flight::Run;
        let command = Command::write_run(address);
        let reply = self.talk.ask(command).await?;
        if reply.r1.is_illegal() {
            self.has_write_run = false;
            self.flight = Flight::Command;
            return Ok(false);
        }
        if reply.r1 != R1::READY {
            return Err(refused(command, reply.r1));
        }
        self.run = Some(sector);
        Ok(true)
    }

    async fn write_one(&mut self, card: Card, sector: u32, block: &[u8]) -> Result<(), SdError> {
        let address = card.kind.address(sector).ok_or(SdError::OutOfBounds)?;
        self.flight = Flight::Write;
        self.talk.tell(Command::write(address)).await?;
        self.talk.send(START_BLOCK, block).await?;
        if mutant::on(Mutant::SdWriteNotAwaited) {
            return Ok(());
        }
        self.talk.ready(WRITE_US).await?;
        let status = self.talk.status().await?;
        if !status.is_fine() {
            return Err(SdError::Status(status));
        }
        self.flight = Flight::Command;
        Ok(())
    }

    async fn write(&mut self, first: u32, source: &[u8], total: u64) -> Result<(), SdError> {
        let card = self.opened()?;
        if total == 0 {
            return Ok(());
        }
        if self.is_protected() {
            return Err(SdError::WriteProtected);
        }
        let mut done = 0;
        let mut tries = ATTEMPTS;
        loop {
            tries = tries.saturating_sub(1);
            self.enter().await?;
            let written = self.try_write(card, first, source, total, &mut done).await;
            match self.leave(written).await {
                Err(error) if tries > 0 && error.is_noise() => {}
                result => return result,
            }
        }
    }

    /// Erases `count` sectors from `first`, or the whole groups in them.
    async fn try_discard(&mut self, card: Card, first: u32, count: u32) -> Result<(), SdError> {
        let group = if card.csd.erases_single { 1 } else { card.csd.erase_sectors.max(1) };
        let end = u64::from(first).saturating_add(count.into());
        let mut at = u64::from(first.div_ceil(group)).saturating_mul(group.into());
        let end = end.saturating_sub(end.checked_rem(group.into()).unwrap_or(0));
        self.close_run().await?;
        while at < end {
            let last = at.saturating_add(ERASE_SECTORS.max(group).into()).min(end);
            let from = u32::try_from(at).ok().and_then(|at| card.kind.address(at));
            let to =
                u32::try_from(last.saturating_sub(1)).ok().and_then(|at| card.kind.address(at));
            let (from, to) = from.zip(to).ok_or(SdError::OutOfBounds)?;
            self.talk.tell(Command::erase_from(from)).await?;
            self.talk.tell(Command::erase_to(to)).await?;
            self.talk.tell(Command::ERASE).await?;
            self.talk.ready(ERASE_US).await?;
            let status = self.talk.status().await?;
            if !status.is_fine() {
                return Err(SdError::Status(status));
            }
            at = last;
        }
        Ok(())
    }
}

#[colour]
impl<L: Link, T: Timer> BlockDevice for SdCard<L, T> {
    type Error = SdError;

    fn geometry(&self) -> Geometry {
        let mut guarantees = Guarantees::VOLATILE_CACHE;
        guarantees.set(Guarantees::READ_ONLY, self.is_protected());
        guarantees.set(Guarantees::POWERSAFE_NEIGHBOURS, self.options.neighbours_survive);
        Geometry {
            size: self.sectors().saturating_mul(u64::from(SECTOR_BYTES)),
            read_unit: SECTOR_BYTES,
            program_unit: SECTOR_BYTES,
            erase_unit: SECTOR_BYTES,
            erase_sizes: EraseSizes::NONE,
            dma_alignment: 1,
            guarantees,
        }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), SdError> {
        let first = self.range(at, target.len() as u64)?;
        let card = self.opened()?;
        if target.is_empty() {
            return Ok(());
        }
        let mut done = 0;
        let mut tries = ATTEMPTS;
        loop {
            tries = tries.saturating_sub(1);
            self.enter().await?;
            let read = self.try_read(card, first, target, &mut done).await;
            match self.leave(read).await {
                Err(error) if tries > 0 && error.is_noise() => {}
                result => return result,
            }
        }
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), SdError> {
        let first = self.range(at, source.len() as u64)?;
        self.write(first, source, source.len() as u64).await
    }

    /// Writes ones: what an erase of the card leaves, and how far it reaches, is up to the card.
    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), SdError> {
        let first = self.range(at, bytes)?;
        self.write(first, &ERASED, bytes).await
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), SdError> {
        let first = self.range(at, bytes)?;
        let card = self.opened()?;
        let has_erase = card.csd.classes & 1 << 5 != 0;
        if !self.options.erases || !has_erase || self.is_protected() || bytes == 0 {
            return Ok(());
        }
        let mut tries = ATTEMPTS;
        loop {
            tries = tries.saturating_sub(1);
            self.enter().await?;
            let erased = self.try_discard(card, first, sectors_of(bytes)).await;
            match self.leave(erased).await {
                Err(error) if tries > 0 && error.is_noise() => {}
                result => return result,
            }
        }
    }

    async fn sync(&mut self) -> Result<(), SdError> {
        self.opened()?;
        if mutant::on(Mutant::SdRunLeftOpen) {
            return Ok(());
        }
        let mut tries = ATTEMPTS;
        // Without a run everything that was accepted has a status already.
        while self.run.is_some() || self.is_unsynced || self.flight != Flight::Nothing {
            tries = tries.saturating_sub(1);
            self.enter().await?;
            let closed = self.try_sync().await;
            match self.leave(closed).await {
                Ok(()) => break,
                Err(error) if tries > 0 && error.is_noise() => {}
                Err(error) => return Err(error),
            }
        }
        self.next = None;
        self.lost.take().map_or(Ok(()), Err)
    }
}

#[colour]
impl<L: Link, T: Timer> SdCard<L, T> {
    /// Closes the run. One that a recovery has closed has had its status read there.
    async fn try_sync(&mut self) -> Result<(), SdError> {
        self.close_run().await?;
        self.is_unsynced = false;
        Ok(())
    }
}

fn sectors(bytes: usize) -> u32 {
    sectors_of(bytes as u64)
}

fn sectors_of(bytes: u64) -> u32 {
    u32::try_from(bytes >> SECTOR_BYTES.trailing_zeros()).unwrap_or(u32::MAX)
}
