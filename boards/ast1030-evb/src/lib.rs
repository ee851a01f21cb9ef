//! Vellum on the ast1030-evb: a Cortex-M4 with a serial NOR flash chip, emulated by QEMU.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`fmc`] | the board's flash memory controller as a plain SPI, and the cuts of the power |
//! | `flash` | the scenarios on the flash chip, once for each colour |
//!
//! The programs in `bin` run the scenarios that all boards share, and end QEMU with status 0 only
//! if everything held.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

pub mod fmc;

pub use scenarios::semihosting::finish;

/// The programs that wait.
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use embedded_hal::{delay, spi};
    use fs_core::blocking as vellum;
    use hal_adapters::blocking as adapters;
    use scenarios::blocking as shared;

    pub mod flash;
}

/// The programs for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use embedded_hal_async::{delay, spi};
    use fs_core::asynchronous as vellum;
    use hal_adapters::asynchronous as adapters;
    use scenarios::asynchronous as shared;

    pub mod flash;
}
