//! Vellum on a Raspberry Pi Pico: an RP2040 with a volume in the flash that its program runs from,
//! and one on an SD card.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`rom`] | the functions of the boot ROM that change the flash |
//! | [`xip`] | the flash, changed from RAM |
//! | `board` | what `rp2040-hal` sets up |
//! | `voice` | words by defmt |
//! | `flash`, `card`, `scenario` | the two media and what is done with them, once for each colour |
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

#[cfg(feature = "hal")]
pub mod board;
pub mod rom;
#[cfg(feature = "voice")]
pub mod voice;
pub mod xip;

#[cfg(feature = "emulated")]
pub use scenarios::semihosting::finish;

/// The identity of the volume in the flash. On a device of your own: random numbers.
pub const FLASH_IDENTITY: [u8; 16] = *b"pico-xip-flash..";
/// The identity of the volume on the card.
pub const CARD_IDENTITY: [u8; 16] = *b"pico-sd-card....";

/// The programs that wait.
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use fs_core::blocking as vellum;
    use hal_adapters::blocking as adapters;
    use scenarios::blocking as shared;

    pub mod card;
    pub mod flash;
    pub mod scenario;
}

/// The programs for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use fs_core::asynchronous as vellum;
    use hal_adapters::asynchronous as adapters;
    use scenarios::asynchronous as shared;

    pub mod card;
    pub mod flash;
    pub mod scenario;
}
