//! The ways to a card, in both colours.

use std::convert::Infallible;

use embedded_hal::digital::{self, OutputPin};
use embedded_hal::spi::{ErrorKind, ErrorType, Operation, SpiBus, SpiDevice};
use embedded_hal_async::spi as awaited;
use hal_adapters::{asynchronous, blocking};

use super::Card;
use super::pins::{self, Pins as _};
use crate::clock::Clock;
use crate::exec::yield_once;

/// Data lines and clock.
#[derive(Debug, Clone)]
pub struct Wires(Card);

/// Chip select.
#[derive(Debug, Clone)]
pub struct Select(Card);

/// The same as a device on a bus that others use.
#[derive(Debug, Clone)]
pub struct Shared(Card);

/// The card's clock for the driver's deadlines.
#[derive(Debug, Clone)]
pub struct Stopwatch(Clock);

impl Card {
    /// Data lines and clock.
    #[must_use]
    pub fn wires(&self) -> Wires {
        Wires(self.clone())
    }

    /// Chip select.
    #[must_use]
    pub fn select(&self) -> Select {
        Select(self.clone())
    }

    /// A device on a shared bus.
    #[must_use]
    pub fn shared(&self) -> Shared {
        Shared(self.clone())
    }

    /// A timer.
    #[must_use]
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch(self.clock())
    }

    fn exchange(&self, bytes: &mut [u8]) -> Result<(), ErrorKind> {
        pins::exchange(&mut *self.state(), bytes)
    }

    fn send(&self, bytes: &[u8]) -> Result<(), ErrorKind> {
        pins::send(&mut *self.state(), bytes)
    }

    fn receive(&self, bytes: &mut [u8]) -> Result<(), ErrorKind> {
        pins::receive(&mut *self.state(), bytes)
    }

    fn transfer(&self, read: &mut [u8], write: &[u8]) -> Result<(), ErrorKind> {
        pins::transfer(&mut *self.state(), read, write)
    }

    fn operate(&self, operations: &mut [Operation<'_, u8>]) -> Result<(), ErrorKind> {
        pins::operate(&mut *self.state(), operations)
    }
}

impl ErrorType for Wires {
    type Error = ErrorKind;
}

impl ErrorType for Shared {
    type Error = ErrorKind;
}

impl digital::ErrorType for Select {
    type Error = Infallible;
}

impl OutputPin for Select {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.state().select(true);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.state().select(false);
        Ok(())
    }
}

impl SpiBus for Wires {
    fn read(&mut self, words: &mut [u8]) -> Result<(), ErrorKind> {
        self.0.receive(words)
    }

    fn write(&mut self, words: &[u8]) -> Result<(), ErrorKind> {
        self.0.send(words)
    }

    fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), ErrorKind> {
        self.0.transfer(read, write)
    }

    fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), ErrorKind> {
        self.0.exchange(words)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Each call is pending once before it takes effect and once after: a future can be dropped at
/// either place.
impl awaited::SpiBus for Wires {
    async fn read(&mut self, words: &mut [u8]) -> Result<(), ErrorKind> {
        yield_once().await;
        let result = self.0.receive(words);
        yield_once().await;
        result
    }

    async fn write(&mut self, words: &[u8]) -> Result<(), ErrorKind> {
        yield_once().await;
        let result = self.0.send(words);
        yield_once().await;
        result
    }

    async fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), ErrorKind> {
        yield_once().await;
        let result = self.0.transfer(read, write);
        yield_once().await;
        result
    }

    async fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), ErrorKind> {
        yield_once().await;
        let result = self.0.exchange(words);
        yield_once().await;
        result
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl SpiDevice for Shared {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), ErrorKind> {
        self.0.operate(operations)
    }
}

impl awaited::SpiDevice for Shared {
    async fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), ErrorKind> {
        yield_once().await;
        let result = self.0.operate(operations);
        yield_once().await;
        result
    }
}

impl Stopwatch {
    fn shown_us(&self) -> u32 {
        // Wraps, as a timer of a microcontroller does.
        u32::try_from(self.0.now_ns() / 1000 % (1 << 32)).unwrap_or(0)
    }
}

impl blocking::sd::Timer for Stopwatch {
    fn now_us(&mut self) -> u32 {
        self.shown_us()
    }

    fn pause_us(&mut self, us: u32) {
        self.0.advance_ns(u64::from(us) * 1000);
    }
}

impl asynchronous::sd::Timer for Stopwatch {
    fn now_us(&mut self) -> u32 {
        self.shown_us()
    }

    async fn pause_us(&mut self, us: u32) {
        yield_once().await;
        self.0.advance_ns(u64::from(us) * 1000);
        yield_once().await;
    }
}
