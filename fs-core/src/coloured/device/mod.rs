//! The only way to storage: one trait, and the ways to cut and join devices.
//!
//! **For driver authors.** All positions and lengths are bytes.
//! - `read` fills the whole target or fails. Data that the medium cannot give back is
//!   [`ErrorKind::Uncorrectable`], never made-up bytes. What it gave back after a correction is
//!   `Ok`: to refresh cells that decay is the driver's business, for it alone knows of them.
//! - `program` returns `Ok` once the bytes will survive a power cut, or, with
//!   [`Guarantees::VOLATILE_CACHE`], once they are accepted; then `sync` makes them durable.
//! - `erase` returns `Ok` once the range reads as erased, whatever it held before: as ones. Flash
//!   whose erased bytes are zero is wrapped into [`Inverted`].
//! - After an error nothing is promised about the range, and everything about the rest.
//! - `geometry` costs nothing and never changes while the device is lent.
//! - Splitting at pages, larger erases, retries on a noisy link: the driver's business.
//!
//! **What the core promises in return.** Accesses are aligned to the units and inside the device;
//! with [`Guarantees::NEEDS_ERASE`] each byte is programmed once after an erase, in ascending order
//! within an erase unit, except that with [`Guarantees::REPROGRAM_ZERO_BITS`] bytes may be
//! programmed over with themselves or with zeros. A range whose program or erase did not return
//! `Ok` is erased before it is programmed again.
//!
//! A dropped future counts as an error: the driver finishes or aborts the command before the next.
//!
//! The trait is provisional until a simulated SD card and a translation layer have used it.

mod either;
mod inverted;
mod partition;
mod ram;

use super::colour;
use crate::error::DeviceError;
#[expect(unused_imports, reason = "named in the text above")]
use crate::error::ErrorKind;
#[expect(unused_imports, reason = "named in the text above")]
use crate::units::Guarantees;
use crate::units::{ByteOffset, Geometry};

pub use either::Either;
pub use inverted::{Inverted, InvertedError};
pub use partition::Partition;
pub use ram::RamDevice;

/// Storage that can be read, programmed and erased.
#[colour]
#[allow(async_fn_in_trait, reason = "one core, no executor that moves futures between threads")]
pub trait BlockDevice {
    /// The driver's error.
    type Error: DeviceError;

    /// Size and units.
    fn geometry(&self) -> Geometry;

    /// Fills `target` from `at`.
    ///
    /// # Errors
    /// The driver's; the content of `target` is then undefined.
    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), Self::Error>;

    /// Programs `source` at `at`.
    ///
    /// # Errors
    /// The driver's; the range then holds anything.
    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), Self::Error>;

    /// Erases `bytes` from `at`, with the largest commands the range allows.
    ///
    /// # Errors
    /// The driver's; the range then holds anything.
    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error>;

    /// Tells that the content of `bytes` from `at` is no longer needed. May do nothing.
    ///
    /// # Errors
    /// The driver's.
    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error>;

    /// Makes everything programmed and erased so far durable.
    ///
    /// # Errors
    /// The driver's; what was not yet durable may then be lost, in any order.
    async fn sync(&mut self) -> Result<(), Self::Error>;
}

#[colour]
impl<T: BlockDevice + ?Sized> BlockDevice for &mut T {
    type Error = T::Error;

    fn geometry(&self) -> Geometry {
        T::geometry(self)
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), Self::Error> {
        T::read(self, at, target).await
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), Self::Error> {
        T::program(self, at, source).await
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        T::erase(self, at, bytes).await
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        T::discard(self, at, bytes).await
    }

    async fn sync(&mut self) -> Result<(), Self::Error> {
        T::sync(self).await
    }
}
