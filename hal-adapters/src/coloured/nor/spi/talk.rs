//! Commands and waiting: what is said with a chip, one transaction after another.

use super::super::super::colour;
use super::super::super::delay::DelayNs;
use super::super::super::spi::{Operation, SpiDevice};
use crate::mutant::{self, Mutant};
use crate::nor::sfdp::Times;
use crate::nor::{Addressing, Chip, Complaint, Complaints, SpiNorError, Status, command};
use embedded_hal::spi::Error;

/// How often something is asked that may be asked again.
const ATTEMPTS: u32 = 3;
/// Between two looks at a chip that is busy, at least and at most.
const POLL_US: (u32, u32) = (5, 2_000);
/// Bytes that are read back at once.
const CHECK_BYTES: usize = 32;

/// A way to a chip, and a clock that only waits.
#[derive(Debug)]
pub(super) struct Talk<S, D> {
    pub spi: S,
    pub delay: D,
}

#[colour]
impl<S: SpiDevice, D: DelayNs> Talk<S, D> {
    pub async fn pause(&mut self, us: u32) {
        self.delay.delay_us(us).await;
    }

    /// A command without an answer, and what belongs to it.
    pub async fn send(&mut self, head: &[u8], data: &[u8]) -> Result<(), SpiNorError> {
        let mut operations = [Operation::Write(head), Operation::Write(data)];
        let used = if data.is_empty() { 1 } else { 2 };
        let operations = operations.get_mut(..used).unwrap_or_default();
        self.spi.transaction(operations).await.map_err(|error| SpiNorError::Bus(error.kind()))
    }

    /// A command that changes nothing, and its answer.
    pub async fn ask(&mut self, head: &[u8], answer: &mut [u8]) -> Result<(), SpiNorError> {
        let mut tries = ATTEMPTS;
        loop {
            tries = tries.saturating_sub(1);
            let mut operations = [Operation::Write(head), Operation::Read(answer)];
            match self.spi.transaction(&mut operations).await {
                Err(error) if tries == 0 => return Err(SpiNorError::Bus(error.kind())),
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
    }

    /// A register of one byte.
    pub async fn register(&mut self, opcode: u8) -> Result<u8, SpiNorError> {
        let mut answer = [0];
        self.ask(&[opcode], &mut answer).await?;
        let [register] = answer;
        Ok(register)
    }

    /// A register that the chip says twice in one transaction; `Garbled` if the two differ, because
    /// something flipped on its way, or because the register changed in between.
    async fn twice(&mut self, opcode: u8) -> Result<u8, SpiNorError> {
        let mut answer = [0; 2];
        self.ask(&[opcode], &mut answer).await?;
        match answer {
            [first, second] if first == second => Ok(first),
            _ => Err(SpiNorError::Garbled),
        }
    }

    /// The status, or `Garbled`.
    pub async fn status(&mut self) -> Result<Status, SpiNorError> {
        self.twice(command::READ_STATUS).await.map(Status)
    }

    /// Waits until the chip is not busy, and gives its status: for half of the typical time
    /// without a look, then in steps.
    pub async fn idle(
        &mut self,
        times: Times,
        complaints: Complaints,
    ) -> Result<Status, SpiNorError> {
        let (least, most) = POLL_US;
        let step = (times.typical_us >> 4).clamp(least, most);
        let mut pause = times.typical_us >> 1;
        let mut waited = 0_u32;
        loop {
            self.pause(pause).await;
            waited = waited.saturating_add(pause);
            // Decided before the chip is asked: if this was late, the chip still has its chance.
            let is_late = waited >= times.max_us;
            match self.status().await {
                Ok(status) if !status.is_busy() => return Ok(status),
                Ok(Status(bits)) if complaints == Complaints::Status => {
                    if complaints.of(bits).is_some() {
                        self.forget(complaints).await?;
                        return Err(SpiNorError::Failed);
                    }
                }
                Ok(_) | Err(SpiNorError::Garbled) => {}
                Err(error) => return Err(error),
            }
            if is_late {
                return Err(SpiNorError::Busy);
            }
            pause = step;
        }
    }

    /// Makes the chip forget a write enable and what it complains about.
    pub async fn forget(&mut self, complaints: Complaints) -> Result<(), SpiNorError> {
        if let Some(opcode) = complaints.clearing() {
            self.send(&[opcode], &[]).await?;
        }
        self.send(&[command::WRITE_DISABLE], &[]).await
    }

    /// What the chip complains about, in a register of its own.
    async fn complain(&mut self, complaints: Complaints) -> Result<(), SpiNorError> {
        let Some(opcode) = complaints.opcode() else { return Ok(()) };
        let mut tries = ATTEMPTS;
        let register = loop {
            tries = tries.saturating_sub(1);
            match self.twice(opcode).await {
                Err(SpiNorError::Garbled) if tries > 0 => {}
                register => break register?,
            }
        };
        let Some(complaint) = complaints.of(register) else { return Ok(()) };
        self.forget(complaints).await?;
        Err(match complaint {
            Complaint::Failed => SpiNorError::Failed,
            Complaint::Protected => SpiNorError::Protected,
        })
    }

    /// Makes addresses four bytes long, on a chip that has a mode for it.
    ///
    /// With a write enable before, which some chips want (N25Q) and the others do not mind, and
    /// without one behind.
    pub async fn enter_four(&mut self, chip: &Chip) -> Result<(), SpiNorError> {
        if chip.addressing != Addressing::FourMode {
            return Ok(());
        }
        self.send(&[command::WRITE_ENABLE], &[]).await?;
        self.send(&[command::ENTER_FOUR], &[]).await?;
        self.send(&[command::WRITE_DISABLE], &[]).await
    }

    /// Allows one program, erase or write of a register, and sees that it is allowed.
    async fn enable(&mut self, chip: &Chip) -> Result<(), SpiNorError> {
        // A chip that has lost its power meanwhile has lost its mode too, and would take the
        // address for another.
        self.enter_four(chip).await?;
        self.send(&[command::WRITE_ENABLE], &[]).await?;
        match self.status().await? {
            status if status.is_enabled() && !status.is_busy() => Ok(()),
            _ if mutant::on(Mutant::NorEnableNotSeen) => Ok(()),
            _ => Err(SpiNorError::NotEnabled),
        }
    }

    /// Carries out a command that changes the chip, and waits for its end. False if the chip may
    /// not have carried it out: it still allows one.
    pub async fn change(
        &mut self,
        chip: &Chip,
        head: &[u8],
        data: &[u8],
        times: Times,
    ) -> Result<bool, SpiNorError> {
        self.enable(chip).await?;
        self.send(head, data).await?;
        if mutant::on(Mutant::NorEndNotAwaited) {
            return Ok(true);
        }
        let status = self.idle(times, chip.complaints).await?;
        self.complain(chip.complaints).await?;
        if status.is_enabled() {
            self.forget(chip.complaints).await?;
        }
        Ok(!status.is_enabled())
    }

    /// Whether `wanted`, or nothing but ones if that is empty, is at `at`.
    pub async fn holds(
        &mut self,
        chip: &Chip,
        at: u32,
        bytes: u32,
        wanted: &[u8],
    ) -> Result<bool, SpiNorError> {
        let mut buffer = [0; CHECK_BYTES];
        let mut done = 0_u32;
        while done < bytes {
            let left = bytes.saturating_sub(done) as usize;
            let part = buffer.get_mut(..left.min(CHECK_BYTES)).unwrap_or_default();
            self.ask(chip.read(at.saturating_add(done)).bytes(), part).await?;
            let wanted = wanted.iter().skip(done as usize).chain(core::iter::repeat(&0xFF));
            if !part.iter().zip(wanted).all(|(found, wanted)| found == wanted) {
                return Ok(false);
            }
            done = done.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
        }
        Ok(true)
    }
}
