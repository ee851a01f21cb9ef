//! A serial NOR flash chip on SPI as a `BlockDevice`.
//!
//! **What it is.** A driver for 25-series chips on one data line each way: [`SpiNor`], over an
//! `SpiDevice`, alone on its bus or not, and a delay for its deadlines. What it must know of a chip
//! comes from the chip (SFDP), or from a table of chips without one; see [`crate::nor`]. It has
//! been tried with the simulator's chip only, with **no** real one.
//!
//! **Rules.**
//! 1. A command is one transaction. Reads are fast reads and take any clock that the chip takes;
//!    opening and everything else wants at most 50 MHz, as SFDP does.
//! 2. A program never crosses a page. Before each program and erase the write enable is seen to
//!    have been taken; after it the chip is waited for and asked what went wrong, if it has a
//!    register for that. If it still allows a write then, it may not have carried the command out,
//!    and the range is read back.
//! 3. Nothing waits without a deadline: the longest time that the chip says of itself. It is the
//!    sum of what was waited, so it comes later than it should by what the bus took, and never too
//!    early.
//! 4. A chip may be in the middle of anything when the driver begins, as it keeps its power while
//!    the host is reset: it is woken, waited for, and reset only when it is not busy and nothing is
//!    suspended.
//! 5. After an error, or when a future was dropped, the chip is waited for before anything else is
//!    asked, and its write enable is taken back. Errors of the bus are answered by asking again, up
//!    to three times; a program or an erase is then carried out again as a whole, with the same
//!    bytes.
//! 6. A chip that protects any of its blocks is `READ_ONLY`, unless the board says that it knows
//!    ([`Options::ignores_protection`]); [`SpiNor::unprotect`] takes the protection away.
//!
//! **Four bytes of address.** With opcodes of their own, if the chip has them. If not, in the mode
//! for it, which is entered again before each program and erase, in case the chip lost its power
//! meanwhile. A boot ROM that reads with three bytes does not find its code on a chip that was left
//! in that mode: [`SpiNor::close`] leaves it, a reset of the host alone does not.
//!
//! **After a power cut.** A page whose program, and a unit whose erase was interrupted holds
//! anything, and nothing else is harmed: `POWERSAFE_NEIGHBOURS`, but for the chips whose maker says
//! otherwise.
//!
//! **Cost.** At most 200 bytes of RAM. A program of a page costs 11 bytes on the bus more than its
//! content, and the polls.

mod open;
mod talk;

use super::super::colour;
use super::super::delay::DelayNs;
use super::super::device::BlockDevice;
use super::super::spi::SpiDevice;
use crate::mutant::{self, Mutant};
use crate::nor::command;
use crate::nor::sfdp::{Erase, Times};
use crate::nor::{Addressing, Chip, SpiNorError};
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};
use talk::Talk;

const _: () = assert!(size_of::<SpiNor<(), ()>>() <= 200);

/// How often a program or an erase is tried, when noise is what it fails for.
const ATTEMPTS: u32 = 3;
/// Reads do not cross a multiple of this: chips made of several dies may begin again at the border
/// of one (N25Q512A, as recalled).
const SPAN: u64 = 1 << 24;
/// A write of a register. The slowest known here take 0.5 s (S25FL-S, as recalled).
const REGISTER: Times = Times { typical_us: 2_000, max_us: 1_000_000 };

/// What is up to the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether a chip that says that it can be reset is, when it is opened. It forgets modes that
    /// an earlier host left it in.
    pub reset: bool,
    /// Whether a chip that protects some of its blocks is written to all the same, as they are not
    /// among those that are used. A program of a protected block fails, mostly with `Ignored`.
    pub ignores_protection: bool,
}

impl Options {
    /// A reset, and no writing to a chip that protects anything.
    pub const CAREFUL: Self = Self { reset: true, ignores_protection: false };
}

impl Default for Options {
    fn default() -> Self {
        Self::CAREFUL
    }
}

/// A serial NOR flash chip.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct SpiNor<S, D> {
    talk: Talk<S, D>,
    options: Options,
    chip: Option<Chip>,
    is_protected: bool,
    /// Something was begun, and its end was not seen.
    is_unsettled: bool,
    is_asleep: bool,
}

impl<S, D> SpiNor<S, D> {
    /// A chip that is not open yet: until [`SpiNor::open`], its size is zero.
    pub const fn new(spi: S, delay: D, options: Options) -> Self {
        Self {
            talk: Talk { spi, delay },
            options,
            chip: None,
            is_protected: false,
            is_unsettled: false,
            is_asleep: false,
        }
    }

    /// Gives the way to the chip and the delay back. The chip stays as it is: see
    /// [`SpiNor::close`].
    pub fn into_inner(self) -> (S, D) {
        (self.talk.spi, self.talk.delay)
    }

    /// What is known of the chip; `None` if it is not open.
    pub const fn chip(&self) -> Option<&Chip> {
        self.chip.as_ref()
    }

    /// Whether the chip protected any block when it was last asked, in [`SpiNor::open`] or
    /// [`SpiNor::unprotect`].
    pub const fn is_protected(&self) -> bool {
        self.is_protected
    }

    /// The bounds of a range, if it lies inside the chip.
    fn range(&self, at: ByteOffset, bytes: u64) -> Result<(u64, u64), SpiNorError> {
        let size = self.chip.as_ref().ok_or(SpiNorError::Closed)?.size;
        let end = at.0.checked_add(bytes).filter(|end| *end <= size);
        end.map(|end| (at.0, end)).ok_or(SpiNorError::OutOfBounds)
    }

    const fn refuses_writes(&self) -> bool {
        self.is_protected && !self.options.ignores_protection
    }
}

#[colour]
impl<S: SpiDevice, D: DelayNs> SpiNor<S, D> {
    /// Finds out what chip there is, and makes it ready; see the rules of this module.
    ///
    /// An erase that an earlier host began is waited for, up to 12 s.
    ///
    /// # Errors
    /// `NoChip`, `Unknown`, `Sfdp`, `Garbled`, `Busy`, `Bus`. The driver is closed then.
    pub async fn open(&mut self) -> Result<(), SpiNorError> {
        self.chip = None;
        (self.is_unsettled, self.is_asleep) = (false, false);
        let chip = open::find(&mut self.talk, self.options).await?;
        let locked = chip.id.is_born_locked();
        self.is_protected = locked || open::protection(&mut self.talk, &chip).await?;
        self.chip = Some(chip);
        Ok(())
    }

    /// Takes every protection away that the chip can be told to give up, which lasts: the bits
    /// are kept without power.
    ///
    /// Costs two or three writes of registers. A power cut leaves the protection as it was, gone,
    /// or for some blocks only.
    ///
    /// # Errors
    /// `Protected` if the chip keeps it: by a pin, or for ever. `Bus`, `NotEnabled`, `Busy`.
    pub async fn unprotect(&mut self) -> Result<(), SpiNorError> {
        self.settle().await?;
        self.is_unsettled = true;
        let Some(chip) = &self.chip else { return Err(SpiNorError::Closed) };
        let talk = &mut self.talk;
        let born_locked = chip.id.is_born_locked();
        let has_locks = chip.id.has_block_locks() && open::has_block_locks(talk).await?;
        if born_locked || has_locks {
            talk.change(chip, &[command::UNLOCK_ALL], &[], REGISTER).await?;
        }
        let status = talk.status().await?.0;
        if status & chip.protection != 0 {
            let wanted = status & !chip.protection & !0b11;
            let second =
                if chip.writes_two { [talk.register(command::READ_STATUS_2).await?] } else { [0] };
            let second = if chip.writes_two { &second[..] } else { &[] };
            talk.change(chip, &[command::WRITE_STATUS, wanted], second, REGISTER).await?;
        }
        if chip.id.has_second_status() {
            let second = talk.register(command::READ_STATUS_2).await?;
            if second != 0xFF && second & open::COMPLEMENT != 0 {
                let wanted = second & !open::COMPLEMENT;
                talk.change(chip, &[command::WRITE_STATUS_2, wanted], &[], REGISTER).await?;
            }
        }
        // Locks of single blocks stay a matter of blocks: they are open now, and counted so.
        let bits = talk.status().await?.0 & chip.protection != 0;
        self.is_protected = bits || (!has_locks && open::protection(talk, chip).await?);
        self.is_unsettled = false;
        if self.is_protected { Err(SpiNorError::Protected) } else { Ok(()) }
    }

    /// Sends the chip into deep power-down, if it has one, where it takes a microampere. The next
    /// request wakes it.
    ///
    /// # Errors
    /// `Closed`, `Bus`, and those of a chip that is not ready.
    pub async fn sleep(&mut self) -> Result<(), SpiNorError> {
        self.settle().await?;
        let Some(chip) = &self.chip else { return Err(SpiNorError::Closed) };
        if let Some(sleep) = chip.sleep {
            self.is_asleep = true;
            self.talk.send(&[sleep.enter], &[]).await?;
        }
        Ok(())
    }

    /// Leaves the chip as a boot ROM expects it: idle, and with addresses of three bytes. The
    /// driver is closed then.
    ///
    /// # Errors
    /// `Bus`, and those of a chip that is not ready. The driver stays open then.
    pub async fn close(&mut self) -> Result<(), SpiNorError> {
        self.settle().await?;
        if self.chip.as_ref().is_some_and(|chip| chip.addressing == Addressing::FourMode) {
            self.talk.send(&[command::WRITE_ENABLE], &[]).await?;
            self.talk.send(&[command::EXIT_FOUR], &[]).await?;
            self.talk.send(&[command::WRITE_DISABLE], &[]).await?;
        }
        self.chip = None;
        Ok(())
    }

    /// Brings the chip to where it takes commands, from wherever it may be.
    async fn settle(&mut self) -> Result<(), SpiNorError> {
        let Some(chip) = &self.chip else { return Err(SpiNorError::Closed) };
        if self.is_asleep {
            if let Some(sleep) = chip.sleep {
                self.talk.send(&[sleep.exit], &[]).await?;
                self.talk.pause(sleep.exit_us).await;
            }
            self.is_asleep = false;
        }
        if self.is_unsettled {
            let times = Times { typical_us: 0, max_us: chip.longest_us() };
            match self.talk.idle(times, chip.complaints).await {
                // What failed has been told to its own request, or to nobody who waits for it.
                Ok(_) | Err(SpiNorError::Failed) => {}
                Err(error) => return Err(error),
            }
            self.talk.forget(chip.complaints).await?;
            self.is_unsettled = false;
        }
        Ok(())
    }

    /// Carries out one erase or one program, over noise.
    async fn change(
        &mut self,
        at: u32,
        source: &[u8],
        erase: Option<Erase>,
    ) -> Result<(), SpiNorError> {
        let mut tries = ATTEMPTS;
        loop {
            tries = tries.saturating_sub(1);
            let result = match self.settle().await {
                Ok(()) => self.try_change(at, source, erase).await,
                Err(error) => Err(error),
            };
            match result {
                Err(error) if tries > 0 && error.is_noise() => {}
                result => return result,
            }
        }
    }

    async fn try_change(
        &mut self,
        at: u32,
        source: &[u8],
        erase: Option<Erase>,
    ) -> Result<(), SpiNorError> {
        let Some(chip) = &self.chip else { return Err(SpiNorError::Closed) };
        let (frame, times) = match erase {
            Some(erase) => (chip.erase(erase, at), erase.times),
            None => (chip.program(at), chip.program),
        };
        // Kept until the end is seen: this can fail, or be dropped.
        self.is_unsettled = true;
        let is_done = self.talk.change(chip, frame.bytes(), source, times).await?;
        if !is_done {
            let bytes = u32::try_from(source.len()).unwrap_or(u32::MAX);
            let bytes = erase.map_or(bytes, |erase| erase.size);
            if !self.talk.holds(chip, at, bytes, source).await? {
                return Err(SpiNorError::Ignored);
            }
        }
        self.is_unsettled = mutant::on(Mutant::NorEndNotAwaited);
        Ok(())
    }
}

#[colour]
impl<S: SpiDevice, D: DelayNs> BlockDevice for SpiNor<S, D> {
    type Error = SpiNorError;

    fn geometry(&self) -> Geometry {
        let Some(chip) = &self.chip else {
            return Geometry {
                size: 0,
                read_unit: 1,
                program_unit: 1,
                erase_unit: 4096,
                erase_sizes: EraseSizes::NONE,
                dma_alignment: 1,
                guarantees: Guarantees::NEEDS_ERASE,
            };
        };
        let mut geometry = chip.geometry();
        geometry.guarantees.set(Guarantees::READ_ONLY, self.refuses_writes());
        geometry
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), SpiNorError> {
        let (mut from, _) = self.range(at, target.len() as u64)?;
        if target.is_empty() {
            return Ok(());
        }
        self.settle().await?;
        let Some(chip) = &self.chip else { return Err(SpiNorError::Closed) };
        let mut rest = target;
        while !rest.is_empty() {
            let span = SPAN.saturating_sub(from & SPAN.wrapping_sub(1));
            let part = usize::try_from(span).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at_mut_checked(part).ok_or(SpiNorError::OutOfBounds)?;
            self.talk.ask(chip.read(place(from)).bytes(), now).await?;
            from = from.saturating_add(span);
            rest = later;
        }
        Ok(())
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), SpiNorError> {
        let (mut from, _) = self.range(at, source.len() as u64)?;
        if self.refuses_writes() && !source.is_empty() {
            return Err(SpiNorError::Protected);
        }
        let page = u64::from(self.chip.as_ref().map_or(1, |chip| chip.page));
        let page = if mutant::on(Mutant::NorPageCrossed) { page << 1 } else { page };
        let mut rest = source;
        while !rest.is_empty() {
            let room = page.saturating_sub(from & page.wrapping_sub(1));
            let part = usize::try_from(room).unwrap_or(1).min(rest.len());
            let (now, later) = rest.split_at_checked(part).ok_or(SpiNorError::OutOfBounds)?;
            self.change(place(from), now, None).await?;
            from = from.saturating_add(room);
            rest = later;
        }
        Ok(())
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), SpiNorError> {
        let (mut from, end) = self.range(at, bytes)?;
        let unit = u64::from(self.chip.as_ref().map_or(1, Chip::unit));
        if !from.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(SpiNorError::NotAligned);
        }
        if self.refuses_writes() && bytes != 0 {
            return Err(SpiNorError::Protected);
        }
        while from < end {
            let left = end.saturating_sub(from);
            let erase = self.chip.as_ref().and_then(|chip| chip.erase_for(from, left));
            let Some(erase) = erase else { return Err(SpiNorError::NotAligned) };
            self.change(place(from), &[], Some(erase)).await?;
            from = from.saturating_add(erase.size.into());
        }
        Ok(())
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), SpiNorError> {
        self.range(at, bytes).map(|_| ())
    }

    /// Everything that was answered is durable; what was dropped is waited for.
    async fn sync(&mut self) -> Result<(), SpiNorError> {
        if mutant::on(Mutant::NorEndNotAwaited) {
            return Ok(());
        }
        self.settle().await
    }
}

/// An address of a byte inside a chip, which four bytes reach.
fn place(at: u64) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
