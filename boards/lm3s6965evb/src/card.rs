//! The scenarios on the SD card, through the driver for cards on SPI. In the blocking colour only:
//! the asynchronous filesystem with this driver does not fit into the board's 256 KiB of flash.

use crate::ssi::{Select, Ssi};
use core::convert::Infallible;
use embedded_hal::spi::{ErrorType, SpiBus};
use fs_core::Memory;
use hal_adapters::blocking::sd::{Bus, Options, SdCard, Timer};
use scenarios::Failure;
use scenarios::blocking::choice;
use scenarios::blocking::metered::Metered;
use scenarios::semihosting::Arguments;

/// The interface behind the traits of `embedded-hal`.
struct Wires(Ssi);

impl ErrorType for Wires {
    type Error = Infallible;
}

impl SpiBus for Wires {
    fn read(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        words.iter_mut().for_each(|word| *word = self.0.exchange(0xFF));
        Ok(())
    }

    fn write(&mut self, words: &[u8]) -> Result<(), Infallible> {
        words.iter().for_each(|word| {
            self.0.exchange(*word);
        });
        Ok(())
    }

    fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), Infallible> {
        for place in 0..read.len().max(write.len()) {
            let came = self.0.exchange(write.get(place).copied().unwrap_or(0xFF));
            read.get_mut(place).into_iter().for_each(|word| *word = came);
        }
        Ok(())
    }

    fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        words.iter_mut().for_each(|word| *word = self.0.exchange(*word));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The time that was waited, and nothing else: QEMU's card is never busy, so no pause is needed.
struct Waited(u32);

impl Timer for Waited {
    fn now_us(&mut self) -> u32 {
        self.0
    }

    fn pause_us(&mut self, us: u32) {
        self.0 = self.0.wrapping_add(us);
    }
}

/// Runs what the arguments say on the card: `tour`, `live rounds=N` or `survey`.
///
/// # Errors
/// What went wrong first.
pub fn run((ssi, select): (Ssi, Select), memory: &mut Memory) -> Result<(), Failure> {
    let bus = Bus::new(Wires(ssi), select, |wires: &mut Wires, hz| wires.0.set_hz(hz));
    let mut card = SdCard::new(bus, Waited(0), Options::OWN_BUS);
    card.open().map_err(|_| Failure::Device)?;
    choice::run(&Arguments::get(), &mut Metered(card), memory, *b"lm3s6965evb-card")
}
