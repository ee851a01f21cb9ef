//! Vellum on the sifive_u: a 64-bit RISC-V with a serial NOR flash chip and an SD card, each on an
//! SPI of its own, emulated by QEMU.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`start`] | from the first instruction to Rust, and traps |
//! | [`spi`] | the SPI controllers |
//! | `flash` | the NOR flash chip, once for each colour |
//! | `card` | the SD card, once for each colour |
//! | `media` | the scenarios on one of them, or on both |
//!
//! The programs in `bin` run the scenarios that all boards share, and end QEMU with status 0 only
//! if everything held.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

pub mod spi;
pub mod start;

pub use scenarios::semihosting::finish;

/// The programs that wait.
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use embedded_hal::{delay, spi};
    use fs_core::blocking as vellum;
    use hal_adapters::blocking as adapters;
    use scenarios::blocking as shared;

    pub mod card;
    pub mod flash;
    pub mod media;
}

/// The programs for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use embedded_hal_async::{delay, spi};
    use fs_core::asynchronous as vellum;
    use hal_adapters::asynchronous as adapters;
    use scenarios::asynchronous as shared;

    pub mod card;
    pub mod flash;
    pub mod media;
}
