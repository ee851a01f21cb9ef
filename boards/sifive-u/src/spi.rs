//! The machine's SPI controllers (SiFive FU540-C000 manual, chapter "Serial Peripheral Interface"),
//! one byte at a time, and their chip selects.
//!
//! | what | where |
//! | --- | --- |
//! | SPI0, with the NOR flash chip | 0x1004_0000 |
//! | SPI2, with the SD card | 0x1005_0000 |
//!
//! **Chip select.** Mode `HOLD` keeps the chip selected; it is let go by `AUTO`, between frames.
//! `OFF`, which should do that over frames too, selects the chip in QEMU 7.2. On the real
//! controller a frame in mode `AUTO` selects the chip as well: there the clocks that a card wants
//! before it is selected need `OFF`.

use core::convert::Infallible;
use core::ptr;
use embedded_hal::digital::{ErrorType, OutputPin};

const SPI0: usize = 0x1004_0000;
const SPI2: usize = 0x1005_0000;

const DIVIDER: usize = 0x00;
const PHASE: usize = 0x04;
const SELECT_ID: usize = 0x10;
const SELECT_MODE: usize = 0x18;
const FORMAT: usize = 0x40;
const TRANSMIT: usize = 0x48;
const RECEIVE: usize = 0x4C;
const FLASH_INTERFACE: usize = 0x60;

const AUTO: u32 = 0;
const HOLD: u32 = 2;
/// Frames of eight bits on one line each way, the highest bit first.
const BYTES: u32 = 8 << 16;
/// The bit that says that there is no room to send, and that nothing was received.
const NOT_NOW: u32 = 1 << 31;
const DIVIDER_MAX: u32 = 0xFFF;
/// The clock of the controllers after reset: half of that of the cores.
const CLOCK_HZ: u32 = 33_333_333 / 2;

fn write(at: usize, value: u32) {
    // SAFETY: a register of a controller, as the table above says.
    unsafe { ptr::write_volatile(at as *mut u32, value) };
}

fn read(at: usize) -> u32 {
    // SAFETY: a register of a controller, as the table above says.
    unsafe { ptr::read_volatile(at as *const u32) }
}

/// A controller: clock idle low, sampled at its first edge.
#[derive(Debug)]
pub struct Spi(usize);

/// The chip select of a controller.
#[derive(Debug)]
pub struct Select(usize);

/// The controllers of both chips, and their chip selects.
#[derive(Debug)]
pub struct Controllers {
    /// That of the NOR flash chip.
    pub flash: (Spi, Select),
    /// That of the SD card.
    pub card: (Spi, Select),
}

impl Controllers {
    /// Makes both ready; nothing is selected.
    ///
    /// # Safety
    /// Is called once.
    pub unsafe fn power_on() -> Self {
        Self { flash: open(SPI0), card: open(SPI2) }
    }
}

fn open(base: usize) -> (Spi, Select) {
    // SPI0 begins as a window to the flash chip, which it reads by itself.
    write(base + FLASH_INTERFACE, 0);
    write(base + PHASE, 0);
    write(base + FORMAT, BYTES);
    write(base + SELECT_ID, 0);
    write(base + SELECT_MODE, AUTO);
    let mut spi = Spi(base);
    spi.set_hz(400_000);
    while read(base + RECEIVE) & NOT_NOW == 0 {}
    (spi, Select(base))
}

impl Spi {
    /// Sets the clock to the fastest rate that is not above `hz`, as far as the divider goes.
    pub fn set_hz(&mut self, hz: u32) {
        let divider = CLOCK_HZ.div_ceil(2 * hz.clamp(1, CLOCK_HZ));
        write(self.0 + DIVIDER, divider.saturating_sub(1).min(DIVIDER_MAX));
    }

    /// Sends a byte, and gives the one that came meanwhile.
    pub fn exchange(&mut self, byte: u8) -> u8 {
        while read(self.0 + TRANSMIT) & NOT_NOW != 0 {}
        write(self.0 + TRANSMIT, byte.into());
        loop {
            let came = read(self.0 + RECEIVE);
            if came & NOT_NOW == 0 {
                return came as u8;
            }
        }
    }

    /// Sends bytes, whatever comes meanwhile.
    pub fn send(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| {
            self.exchange(*byte);
        });
    }

    /// Fills `bytes` with what comes, and sends ones meanwhile.
    pub fn receive(&mut self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.exchange(0xFF));
    }

    /// Sends `bytes`, and replaces them with what came meanwhile.
    pub fn replace(&mut self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.exchange(*byte));
    }

    /// Sends `sent`, then ones, and fills `came`.
    pub fn transfer(&mut self, came: &mut [u8], sent: &[u8]) {
        for place in 0..came.len().max(sent.len()) {
            let byte = self.exchange(sent.get(place).copied().unwrap_or(0xFF));
            came.get_mut(place).into_iter().for_each(|place| *place = byte);
        }
    }
}

impl ErrorType for Select {
    type Error = Infallible;
}

impl OutputPin for Select {
    fn set_low(&mut self) -> Result<(), Infallible> {
        write(self.0 + SELECT_MODE, HOLD);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        write(self.0 + SELECT_MODE, AUTO);
        Ok(())
    }
}
