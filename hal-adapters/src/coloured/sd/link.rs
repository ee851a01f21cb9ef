//! The ways to a card, and the clock.

use super::super::colour;
use super::super::delay::DelayNs;
use super::super::spi::{Operation, SpiBus, SpiDevice};
use crate::sd::SdError;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::Error;

/// Ones, for bytes that are only there to give the card a clock.
const ONES: [u8; 16] = [0xFF; 16];

/// The bytes of an SPI and a chip select.
///
/// What is sent while receiving is always ones: `SpiBus::read` leaves that open, and a card takes
/// other bytes for commands. Every call returns when its bytes are on the bus.
#[colour]
#[allow(async_fn_in_trait, reason = "one core, no executor that moves futures between threads")]
pub trait Link {
    /// Whether chip select stays low from `select` to `release`.
    const HOLDS: bool;

    /// Sets the clock to the fastest rate that is not above `hz`.
    fn clock(&mut self, hz: u32);

    /// Gives the card more than 74 clocks with chip select high, if this way to the card can.
    ///
    /// # Errors
    /// `Bus`, `Select`.
    async fn wake(&mut self) -> Result<(), SdError>;

    /// Pulls chip select low.
    ///
    /// # Errors
    /// `Select`.
    async fn select(&mut self) -> Result<(), SdError>;

    /// Lets chip select rise, and gives the card eight clocks to let go of the line.
    ///
    /// # Errors
    /// `Bus`, `Select`.
    async fn release(&mut self) -> Result<(), SdError>;

    /// Sends `bytes` and replaces them with what came meanwhile.
    ///
    /// # Errors
    /// `Bus`, `Select`.
    async fn exchange(&mut self, bytes: &mut [u8]) -> Result<(), SdError>;

    /// Fills `block`, then `tail`, in one transaction.
    ///
    /// # Errors
    /// `Bus`, `Select`.
    async fn receive(&mut self, block: &mut [u8], tail: &mut [u8]) -> Result<(), SdError>;

    /// Sends `head`, `block` and `tail` in one transaction; `tail` becomes what came meanwhile.
    ///
    /// # Errors
    /// `Bus`, `Select`.
    async fn send(&mut self, head: &[u8], block: &[u8], tail: &mut [u8]) -> Result<(), SdError>;
}

/// A bus of the card's own, and its chip select.
#[derive(Debug)]
pub struct Bus<B, C, H> {
    spi: B,
    select: C,
    set_hz: H,
}

impl<B, C, H> Bus<B, C, H> {
    /// A bus with the card alone on it; `set_hz` sets its clock to the fastest rate that is not
    /// above what it is told.
    pub const fn new(bus: B, select: C, set_hz: H) -> Self {
        Self { spi: bus, select, set_hz }
    }

    /// Gives the bus and the pin back.
    pub fn into_inner(self) -> (B, C) {
        (self.spi, self.select)
    }
}

#[colour]
impl<B: SpiBus, C: OutputPin, H: FnMut(&mut B, u32)> Link for Bus<B, C, H> {
    const HOLDS: bool = true;

    fn clock(&mut self, hz: u32) {
        (self.set_hz)(&mut self.spi, hz);
    }

    async fn wake(&mut self) -> Result<(), SdError> {
        wake(&mut self.spi, &mut self.select).await
    }

    async fn select(&mut self) -> Result<(), SdError> {
        self.select.set_low().map_err(|_| SdError::Select)
    }

    async fn release(&mut self) -> Result<(), SdError> {
        let flushed = self.spi.flush().await.map_err(bus);
        self.select.set_high().map_err(|_| SdError::Select)?;
        flushed?;
        self.spi.write(&[0xFF]).await.map_err(bus)?;
        self.spi.flush().await.map_err(bus)
    }

    async fn exchange(&mut self, bytes: &mut [u8]) -> Result<(), SdError> {
        self.spi.transfer_in_place(bytes).await.map_err(bus)
    }

    async fn receive(&mut self, block: &mut [u8], tail: &mut [u8]) -> Result<(), SdError> {
        block.fill(0xFF);
        tail.fill(0xFF);
        self.spi.transfer_in_place(block).await.map_err(bus)?;
        self.spi.transfer_in_place(tail).await.map_err(bus)
    }

    async fn send(&mut self, head: &[u8], block: &[u8], tail: &mut [u8]) -> Result<(), SdError> {
        self.spi.write(head).await.map_err(bus)?;
        self.spi.write(block).await.map_err(bus)?;
        self.spi.transfer_in_place(tail).await.map_err(bus)
    }
}

/// A bus that others use too, behind `SpiDevice`.
///
/// Chip select rises after every call: between a command with its response and the block, and
/// between blocks. The specification wants it low from the command to the end of the block; many
/// cards do not mind, and those that do cannot be used like this. Nor can this way give the clocks
/// that a card wants with chip select high: call [`wake`] before the bus is shared. Until the bus
/// is next clocked the card may hold the line low.
#[derive(Debug)]
pub struct Shared<D, H> {
    device: D,
    set_hz: H,
}

impl<D, H> Shared<D, H> {
    /// A device on a shared bus; `set_hz` sets the clock of its transactions to the fastest rate
    /// that is not above what it is told.
    pub const fn new(device: D, set_hz: H) -> Self {
        Self { device, set_hz }
    }

    /// Gives the device back.
    pub fn into_inner(self) -> D {
        self.device
    }
}

#[colour]
#[allow(clippy::unused_async, reason = "in line with the other way")]
impl<D: SpiDevice, H: FnMut(&mut D, u32)> Link for Shared<D, H> {
    const HOLDS: bool = false;

    fn clock(&mut self, hz: u32) {
        (self.set_hz)(&mut self.device, hz);
    }

    async fn wake(&mut self) -> Result<(), SdError> {
        Ok(())
    }

    async fn select(&mut self) -> Result<(), SdError> {
        Ok(())
    }

    async fn release(&mut self) -> Result<(), SdError> {
        Ok(())
    }

    async fn exchange(&mut self, bytes: &mut [u8]) -> Result<(), SdError> {
        let mut operations = [Operation::TransferInPlace(bytes)];
        self.device.transaction(&mut operations).await.map_err(bus)
    }

    async fn receive(&mut self, block: &mut [u8], tail: &mut [u8]) -> Result<(), SdError> {
        block.fill(0xFF);
        tail.fill(0xFF);
        let mut operations = [Operation::TransferInPlace(block), Operation::TransferInPlace(tail)];
        self.device.transaction(&mut operations).await.map_err(bus)
    }

    async fn send(&mut self, head: &[u8], block: &[u8], tail: &mut [u8]) -> Result<(), SdError> {
        let mut operations =
            [Operation::Write(head), Operation::Write(block), Operation::TransferInPlace(tail)];
        self.device.transaction(&mut operations).await.map_err(bus)
    }
}

/// Gives a card the clocks that it wants before its first command: with chip select high, on a bus
/// at 100 to 400 kHz, before the bus is shared.
///
/// # Errors
/// `Bus`, `Select`.
#[colour]
pub async fn wake<B: SpiBus, C: OutputPin>(spi: &mut B, select: &mut C) -> Result<(), SdError> {
    select.set_high().map_err(|_| SdError::Select)?;
    spi.write(&ONES).await.map_err(bus)?;
    spi.flush().await.map_err(bus)
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` wants")]
fn bus(error: impl Error) -> SdError {
    SdError::Bus(error.kind())
}

/// The time, for deadlines.
#[colour]
#[allow(async_fn_in_trait, reason = "one core, no executor that moves futures between threads")]
pub trait Timer {
    /// Microseconds since any moment. May wrap.
    fn now_us(&mut self) -> u32;

    /// Lets about `us` microseconds pass, at most a thousand.
    async fn pause_us(&mut self, us: u32);
}

/// A [`Timer`] for boards without a clock: it counts the time that it waited itself, so a deadline
/// comes later than it should by what the bus took, and never too early.
#[derive(Debug)]
pub struct Paced<D> {
    delay: D,
    waited_us: u32,
}

impl<D> Paced<D> {
    /// A timer that knows only how to wait.
    pub const fn new(delay: D) -> Self {
        Self { delay, waited_us: 0 }
    }
}

#[colour]
impl<D: DelayNs> Timer for Paced<D> {
    fn now_us(&mut self) -> u32 {
        self.waited_us
    }

    async fn pause_us(&mut self, us: u32) {
        self.delay.delay_us(us).await;
        self.waited_us = self.waited_us.wrapping_add(us);
    }
}
