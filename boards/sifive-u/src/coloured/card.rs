//! The SD card on SPI2, through the driver for cards on a bus of their own.

use super::adapters::sd::{Bus, Options, SdCard, Timer};
use super::colour;
use super::shared::{busy, complete};
use super::spi::SpiBus;
use crate::spi::{Select, Spi};
use core::convert::Infallible;
use embedded_hal::spi::ErrorType;
use scenarios::{Failure, power};

/// Bytes of a sector.
const SECTOR: usize = 512;

/// The card.
pub type Card = SdCard<Bus<Wires, Select, fn(&mut Wires, u32)>, Waited>;

/// The bus of the card. This colour's own type: the error type is one trait for both colours.
pub struct Wires(Spi);

impl ErrorType for Wires {
    type Error = Infallible;
}

#[colour]
impl SpiBus for Wires {
    async fn read(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        busy().await;
        self.0.receive(words);
        Ok(())
    }

    async fn write(&mut self, words: &[u8]) -> Result<(), Infallible> {
        busy().await;
        // So many bytes are the content of a sector, and nothing else.
        if words.len() == SECTOR
            && let Some(share) = power::spend()
        {
            self.0.send(&words[..share.of(SECTOR)]);
            share.gone("card");
        }
        self.0.send(words);
        Ok(())
    }

    async fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), Infallible> {
        busy().await;
        self.0.transfer(read, write);
        Ok(())
    }

    async fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        busy().await;
        self.0.replace(words);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The time that was waited, and nothing else: QEMU's card is never busy, so no pause is needed.
pub struct Waited(u32);

#[colour]
impl Timer for Waited {
    fn now_us(&mut self) -> u32 {
        self.0
    }

    async fn pause_us(&mut self, us: u32) {
        busy().await;
        self.0 = self.0.wrapping_add(us);
    }
}

/// Finds the card.
///
/// # Errors
/// `Device`.
pub fn open((spi, select): (Spi, Select)) -> Result<Card, Failure> {
    let set_hz: fn(&mut Wires, u32) = |wires, hz| wires.0.set_hz(hz);
    let mut card = SdCard::new(Bus::new(Wires(spi), select, set_hz), Waited(0), Options::OWN_BUS);
    complete(card.open()).map_err(|_| Failure::Device)?;
    Ok(card)
}
