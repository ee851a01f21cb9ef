//! Vellum on a Raspberry Pi Pico: an RP2040 with a volume in the flash that its program runs from.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`rom`] | the functions of the boot ROM that change the flash |
//! | [`xip`] | the flash, changed from RAM |
//! | [`board`] | what `rp2040-hal` sets up |
//! | `flash` | the flash as a device and the scenarios on it, once for each colour |
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

#[cfg(feature = "emulated")]
pub mod board;
pub mod rom;
pub mod xip;

#[cfg(feature = "emulated")]
pub use scenarios::semihosting::finish;

/// The programs that wait.
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use fs_core::blocking as vellum;
    use scenarios::blocking as shared;

    pub mod flash;
}

/// The programs for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use fs_core::asynchronous as vellum;
    use scenarios::asynchronous as shared;

    pub mod flash;
}
