//! Vellum on a NUCLEO-F446RE: a Cortex-M4 with an SD card on its SPI, over `embassy-stm32`.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`board`] | clocks, pins, the SPI in both colours, the button |
//! | `card` | the scenarios on the card, once for each colour |
//!
//! The programs in `bin` run the scenarios that all boards share, and say what they do by `defmt`
//! over RTT. They have **not** run on hardware.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

use defmt_rtt as _;
use panic_probe as _;

pub mod board;

pub use scenarios::probe::finish;

/// The programs that wait.
#[path = "coloured"]
pub mod blocking {
    use crate::board::Wires;
    use colour::strip as colour;
    use embassy_stm32::{mode::Blocking, spi::Spi, spi::mode::Master};
    use embassy_time::{Duration, block_for};
    use fs_core::blocking as vellum;
    use hal_adapters::blocking as adapters;
    use scenarios::blocking as shared;

    pub mod card;

    fn spi(wires: Wires) -> Spi<'static, Blocking, Master> {
        wires.blocking()
    }

    fn pause(time: Duration) {
        block_for(time);
    }
}

/// The programs for executors.
#[path = "coloured"]
pub mod asynchronous {
    use crate::board::Wires;
    use colour::keep as colour;
    use embassy_stm32::{mode::Async, spi::Spi, spi::mode::Master};
    use embassy_time::{Duration, Timer};
    use fs_core::asynchronous as vellum;
    use hal_adapters::asynchronous as adapters;
    use scenarios::asynchronous as shared;

    pub mod card;

    fn spi(wires: Wires) -> Spi<'static, Async, Master> {
        wires.asynchronous()
    }

    async fn pause(time: Duration) {
        Timer::after(time).await;
    }
}
