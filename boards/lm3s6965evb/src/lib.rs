//! Vellum on the lm3s6965evb: a Cortex-M3 with 64 KiB of RAM, emulated by QEMU.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`chip`] | a NOR chip that lives in 32 KiB of the board's RAM |
//! | [`ssi`] | the board's SPI (a PL022) with an SD card on it |
//! | [`card`] | the scenarios on the card |
//! | `nor` | the scenarios on the chip, once for each colour |
//!
//! The programs in `bin` run the scenarios that all boards share, and end QEMU with status 0 only
//! if everything held.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

pub mod card;
pub mod chip;
pub mod ssi;

pub use scenarios::semihosting::finish;

/// The programs that wait.
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use embedded_storage::nor_flash;
    use hal_adapters::blocking as adapters;
    use scenarios::blocking as shared;

    /// Whether the volume checks itself.
    const CHECK: bool = true;

    pub mod nor;
}

/// The programs for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use embedded_storage_async::nor_flash;
    use hal_adapters::asynchronous as adapters;
    use scenarios::asynchronous as shared;

    /// The code for it does not fit into 256 KiB of flash beside the rest.
    const CHECK: bool = false;

    pub mod nor;
}
