//! The chip as a `NorFlash` that keeps what a `BlockDevice` promises, over the HAL's, which does
//! not:
//!
//! 1. Its buffers lie anywhere. The HAL's panic unless they lie at whole words, and the hardware
//!    reads from RAM only, so other ones go through a buffer of 256 bytes.
//! 2. A write or an erase that has returned is in the chip, and the chip has not complained. The
//!    HAL's return when the command is sent; the chip is busy for milliseconds then.
//! 3. After an error or a dropped future the chip is waited for before it is asked anything else.
//! 4. Nothing waits for a busy chip without a deadline. That the QSPI itself is ready is awaited by
//!    the HAL, which has none.
//!
//! The HAL sends a write enable before each instruction, so each wait ends with its opposite: a
//! chip at rest takes no stray program.

use super::nor_flash::{NorFlash, ReadNorFlash};
use super::{colour, instruct, pause};
use crate::chip::{self, Bounce, Fault, is_reachable};
use embassy_nrf::qspi::Qspi;
use embassy_time::{Duration, Instant};
use embedded_storage::nor_flash::ErrorType;
use hal_adapters::nor::{Complaints, Status, command};

/// Until the chip must be idle: far more than a page or a sector takes it.
const DEADLINE: Duration = Duration::from_secs(3);
/// Between two looks at a chip that programs, and at one that erases.
const PROGRAM_PAUSE: Duration = Duration::from_micros(100);
const ERASE_PAUSE: Duration = Duration::from_millis(1);

/// The chip.
pub struct Mx25r {
    qspi: Qspi<'static>,
    bounce: Bounce,
    /// Something was begun, and its end was not seen.
    is_unsettled: bool,
}

#[colour]
impl Mx25r {
    /// Makes sure that it is this chip, idle, and ready for four data lines. That it has them is a
    /// bit that it keeps without power; it is set once.
    ///
    /// # Errors
    /// `Unknown`, `Protected`, `Stubborn`, `Busy`, `Hal`.
    pub async fn open(qspi: Qspi<'static>) -> Result<Self, Fault> {
        let mut chip = Self { qspi, bounce: Bounce([0; 256]), is_unsettled: true };
        // The first instruction wakes a chip that an earlier program has put to sleep.
        chip.register(command::READ_STATUS).await?;
        pause(PROGRAM_PAUSE).await;
        chip.idle(ERASE_PAUSE).await?;
        let mut id = [0; 3];
        instruct(&mut chip.qspi, command::READ_ID, &[], &mut id).await?;
        if id != chip::ID {
            return Err(Fault::Unknown(id));
        }
        let mut status = chip.register(command::READ_STATUS).await?;
        if status & chip::PROTECTED != 0 {
            return Err(Fault::Protected(status));
        }
        if status & chip::QUAD == 0 {
            instruct(&mut chip.qspi, command::WRITE_STATUS, &[chip::QUAD], &mut []).await?;
            chip.idle(ERASE_PAUSE).await?;
            status = chip.register(command::READ_STATUS).await?;
        }
        chip.rest().await?;
        if status & chip::QUAD == 0 { Err(Fault::Stubborn(status)) } else { Ok(chip) }
    }

    async fn register(&mut self, code: u8) -> Result<u8, Fault> {
        let mut register = [0];
        instruct(&mut self.qspi, code, &[], &mut register).await?;
        Ok(register[0])
    }

    /// Waits until the chip is idle.
    async fn idle(&mut self, between: Duration) -> Result<(), Fault> {
        let start = Instant::now();
        loop {
            let is_late = start.elapsed() >= DEADLINE;
            if !Status(self.register(command::READ_STATUS).await?).is_busy() {
                return Ok(());
            }
            if is_late {
                return Err(Fault::Busy);
            }
            pause(between).await;
        }
    }

    /// Takes the write enable back that came with each instruction.
    async fn rest(&mut self) -> Result<(), Fault> {
        instruct(&mut self.qspi, command::WRITE_DISABLE, &[], &mut []).await?;
        self.is_unsettled = false;
        Ok(())
    }

    /// Waits for what an earlier call has left behind.
    async fn settle(&mut self) -> Result<(), Fault> {
        if self.is_unsettled {
            self.idle(ERASE_PAUSE).await?;
            self.rest().await?;
        }
        Ok(())
    }

    /// Waits until a program or an erase is over, and asks what became of it.
    async fn conclude(&mut self, between: Duration) -> Result<(), Fault> {
        self.idle(between).await?;
        let complaint = Complaints::Security.of(self.register(command::READ_SECURITY).await?);
        self.rest().await?;
        complaint.map_or(Ok(()), |_| Err(Fault::Failed))
    }

    /// Programs bytes that the QSPI can reach.
    async fn program(&mut self, offset: u32, source: Source<'_>) -> Result<(), Fault> {
        self.is_unsettled = true;
        let bytes = match source {
            Source::Direct(bytes) => bytes,
            Source::Bounced(count) => &self.bounce.0[..count],
        };
        NorFlash::write(&mut self.qspi, offset, bytes).await?;
        self.conclude(PROGRAM_PAUSE).await
    }
}

/// Where the bytes of a program are.
enum Source<'s> {
    Direct(&'s [u8]),
    /// So many in the buffer.
    Bounced(usize),
}

impl ErrorType for Mx25r {
    type Error = Fault;
}

#[colour]
impl ReadNorFlash for Mx25r {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        self.settle().await?;
        if is_reachable(bytes) {
            return Ok(ReadNorFlash::read(&mut self.qspi, offset, bytes).await?);
        }
        for (part, at) in bytes.chunks_mut(256).zip((offset..).step_by(256)) {
            let bounce = &mut self.bounce.0[..part.len()];
            ReadNorFlash::read(&mut self.qspi, at, bounce).await?;
            part.copy_from_slice(bounce);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        chip::BYTES as usize
    }
}

#[colour]
impl NorFlash for Mx25r {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        self.settle().await?;
        for sector in (from..to).step_by(4096) {
            self.is_unsettled = true;
            NorFlash::erase(&mut self.qspi, sector, sector + 4096).await?;
            self.conclude(ERASE_PAUSE).await?;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        self.settle().await?;
        if is_reachable(bytes) {
            return self.program(offset, Source::Direct(bytes)).await;
        }
        for (part, at) in bytes.chunks(256).zip((offset..).step_by(256)) {
            self.bounce.0[..part.len()].copy_from_slice(part);
            self.program(at, Source::Bounced(part.len())).await?;
        }
        Ok(())
    }
}
