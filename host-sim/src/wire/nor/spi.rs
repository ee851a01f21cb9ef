//! The ways to a chip, in both colours.

use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{ErrorKind, ErrorType, Operation, SpiDevice};
use embedded_hal_async::{delay, spi};

use super::super::pins::operate;
use super::NorChip;
use crate::clock::Clock;
use crate::exec::yield_once;

/// A chip as a device on a bus.
#[derive(Debug, Clone)]
pub struct Spi(pub(super) NorChip);

/// A delay that lets the chip's time pass.
#[derive(Debug, Clone)]
pub struct Pause(pub(super) Clock);

impl ErrorType for Spi {
    type Error = ErrorKind;
}

impl SpiDevice for Spi {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), ErrorKind> {
        operate(&mut *self.0.state(), operations)
    }
}

/// Each transaction is pending once before it takes place and once after: a future can be dropped
/// at either place.
impl spi::SpiDevice for Spi {
    async fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), ErrorKind> {
        yield_once().await;
        let result = operate(&mut *self.0.state(), operations);
        yield_once().await;
        result
    }
}

impl DelayNs for Pause {
    fn delay_ns(&mut self, ns: u32) {
        self.0.advance_ns(u64::from(ns));
    }
}

impl delay::DelayNs for Pause {
    async fn delay_ns(&mut self, ns: u32) {
        yield_once().await;
        self.0.advance_ns(u64::from(ns));
    }
}
