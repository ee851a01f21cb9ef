//! Vellum on an nRF52840-DK: a Cortex-M4 with serial NOR flash on its QSPI, over `embassy-nrf`.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`board`] | the pins of the chip, the QSPI, the button |
//! | [`chip`] | what is known of the chip, and what went wrong with it |
//! | `mx25r` | the chip as a `NorFlash` that keeps its word, once for each colour |
//! | `flash` | the scenarios on the chip, once for each colour |
//!
//! The programs in `bin` run the scenarios that all boards share, and say what they do by `defmt`
//! over RTT. They have **not** run on hardware.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

use defmt_rtt as _;
use panic_probe as _;

pub mod board;
pub mod chip;

pub use scenarios::probe::finish;

/// The programs that wait.
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use embassy_nrf::qspi::{Error, Qspi};
    use embassy_time::{Duration, block_for};
    use embedded_storage::nor_flash;
    use hal_adapters::blocking as adapters;
    use scenarios::blocking as shared;

    pub mod flash;
    pub mod mx25r;

    fn instruct(qspi: &mut Qspi<'_>, code: u8, sent: &[u8], got: &mut [u8]) -> Result<(), Error> {
        qspi.blocking_custom_instruction(code, sent, got)
    }

    fn pause(time: Duration) {
        block_for(time);
    }
}

/// The programs for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use embassy_nrf::qspi::{Error, Qspi};
    use embassy_time::{Duration, Timer};
    use embedded_storage_async::nor_flash;
    use hal_adapters::asynchronous as adapters;
    use scenarios::asynchronous as shared;

    pub mod flash;
    pub mod mx25r;

    async fn instruct(
        qspi: &mut Qspi<'_>,
        code: u8,
        sent: &[u8],
        got: &mut [u8],
    ) -> Result<(), Error> {
        qspi.custom_instruction(code, sent, got).await
    }

    async fn pause(time: Duration) {
        Timer::after(time).await;
    }
}
