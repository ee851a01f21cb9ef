//! Drivers for Vellum: what other crates call a flash becomes a `BlockDevice`.
//!
//! | adapter | takes | gives |
//! | --- | --- | --- |
//! | `nor::SpiNor` | an SPI of `embedded-hal` or `embedded-hal-async`, and a delay | a serial NOR flash chip |
//! | `nor::NorDevice` | any `NorFlash` of `embedded-storage` or `embedded-storage-async` | erase-before-write storage |
//! | `bytes::ByteDevice` | any `Storage` of `embedded-storage` that changes single bytes (FRAM, EEPROM) | bytes that need no erase |
//! | `sd::SdCard` | an SPI of `embedded-hal` or `embedded-hal-async`, and a clock | an SD card, sectors of 512 bytes |
//! | `block::Driver` (feature `block-device-driver`) | a `BlockDevice` of `block-device-driver` | sectors of 512 bytes |
//! | `sdmmc::Sdmmc` (feature `embedded-sdmmc`) | a `BlockDevice` of `embedded-sdmmc` | sectors of 512 bytes |
//!
//! And the other way: `flash::Flash` offers any `BlockDevice` as a `NorFlash`, and
//! `file::FileFlash` a file of a volume; `block::Blocks` and `sdmmc::Blocks` offer a device of
//! sectors to those two crates. `partition` reads MBR and GPT and gives `Partition`s.
//!
//! As in `fs_core`, each adapter is written once and exists twice: in `blocking` every operation is
//! an ordinary function, in `asynchronous` (feature `async`) it is an `async fn`. `block` and
//! `sdmmc` have the one colour that the other crate has.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

#[cfg(test)]
extern crate std;

#[cfg(feature = "block-device-driver")]
pub mod block;
mod error;
pub mod mutant;
pub mod nor;
pub mod partition;
pub mod sd;
#[cfg(feature = "embedded-sdmmc")]
pub mod sdmmc;
#[cfg(any(feature = "block-device-driver", feature = "embedded-sdmmc"))]
mod sectors;

pub use error::{BytesError, FileError, FlashError, NorError};

/// Adapters for programs that wait.
#[cfg(feature = "blocking")]
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use embedded_hal::{delay, spi};
    use embedded_storage::nor_flash;
    use fs_core::blocking::{device, vfs, vnode};
    #[cfg(test)]
    use fs_core::blocking::{vellum, volume};

    pub mod bytes;
    pub mod file;
    pub mod flash;
    pub mod nor;
    pub mod partition;
    pub mod sd;

    /// Runs a test: here it has run already.
    #[cfg(test)]
    fn finish<T>(result: T) -> T {
        result
    }
}

/// Adapters for executors.
#[cfg(feature = "async")]
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use embedded_hal_async::{delay, spi};
    use embedded_storage_async::nor_flash;
    use fs_core::asynchronous::{device, vfs, vnode};
    #[cfg(test)]
    use fs_core::asynchronous::{vellum, volume};

    pub mod bytes;
    pub mod file;
    pub mod flash;
    pub mod nor;
    pub mod partition;
    pub mod sd;

    /// Runs a test: nothing in one ever waits, so the first poll is the last.
    #[cfg(test)]
    fn finish<T>(test: impl Future<Output = T>) -> T {
        let mut context = core::task::Context::from_waker(core::task::Waker::noop());
        match core::pin::pin!(test).poll(&mut context) {
            core::task::Poll::Ready(result) => result,
            core::task::Poll::Pending => panic!("a test waits for nobody"),
        }
    }
}
