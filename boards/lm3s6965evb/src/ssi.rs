//! The board's synchronous serial interface (an ARM PL022) and the chip select of its SD card.
//!
//! | what | where |
//! | --- | --- |
//! | clock gates | `RCGC1`, `RCGC2` of the system control at 0x400F_E000 |
//! | SSI0 | 0x4000_8000; clock PA2, receive PA4, transmit PA5 |
//! | chip select | port D, pin 0, low when the card is selected |
//!
//! (LM3S6965 data sheet; the chip select is that of the evaluation board.)

use core::convert::Infallible;
use core::ptr;
use embedded_hal::digital::{ErrorType, OutputPin};

const RCGC1: usize = 0x400F_E104;
const RCGC1_SSI0: u32 = 1 << 4;
const RCGC2: usize = 0x400F_E108;
const RCGC2_PORT_A: u32 = 1 << 0;
const RCGC2_PORT_D: u32 = 1 << 3;

const PORT_A: usize = 0x4000_4000;
const PORT_D: usize = 0x4000_7000;
const DIRECTION: usize = 0x400;
const ALTERNATE: usize = 0x420;
const DIGITAL: usize = 0x51C;
const SSI_PINS: u32 = 0b11_1100;
const SELECT_PIN: u32 = 1 << 0;
/// Bits 2 to 9 of an address of the data register are a mask: only pin 0 is written.
const SELECT_DATA: usize = 0x004;

const SSI0: usize = 0x4000_8000;
const CONTROL_0: usize = 0x00;
const CONTROL_1: usize = 0x04;
const DATA: usize = 0x08;
const STATUS: usize = 0x0C;
const PRESCALE: usize = 0x10;
const EIGHT_BITS: u32 = 7;
const ENABLED: u32 = 1 << 1;
const NOT_FULL: u32 = 1 << 1;
const NOT_EMPTY: u32 = 1 << 2;

/// The processor's clock after reset, without the PLL.
const CLOCK_HZ: u32 = 12_000_000;

fn write(at: usize, value: u32) {
    // SAFETY: a register of this board, as the table above says.
    unsafe { ptr::write_volatile(at as *mut u32, value) };
}

fn read(at: usize) -> u32 {
    // SAFETY: a register of this board, as the table above says.
    unsafe { ptr::read_volatile(at as *const u32) }
}

fn set(at: usize, bits: u32) {
    write(at, read(at) | bits);
}

/// The interface: eight bits a frame, clock idle low, sampled at its first edge.
#[derive(Debug)]
pub struct Ssi(());

/// The chip select of the card.
#[derive(Debug)]
pub struct Select(());

/// Makes both ready; the card is not selected.
///
/// # Safety
/// Is called once.
pub unsafe fn power_on() -> (Ssi, Select) {
    set(RCGC1, RCGC1_SSI0);
    set(RCGC2, RCGC2_PORT_A | RCGC2_PORT_D);
    set(PORT_A + ALTERNATE, SSI_PINS);
    set(PORT_A + DIGITAL, SSI_PINS);
    set(PORT_D + DIRECTION, SELECT_PIN);
    set(PORT_D + DIGITAL, SELECT_PIN);
    write(PORT_D + SELECT_DATA, SELECT_PIN);
    write(SSI0 + CONTROL_1, 0);
    write(SSI0 + CONTROL_0, EIGHT_BITS);
    let mut ssi = Ssi(());
    ssi.set_hz(400_000);
    write(SSI0 + CONTROL_1, ENABLED);
    (ssi, Select(()))
}

impl Ssi {
    /// Sets the clock to the fastest rate that is not above `hz`, as far as the divider goes.
    pub fn set_hz(&mut self, hz: u32) {
        let divider = CLOCK_HZ.div_ceil(hz.max(1)).clamp(2, 254);
        write(SSI0 + PRESCALE, divider.next_multiple_of(2));
    }

    /// Sends a byte, and gives the one that came meanwhile.
    pub fn exchange(&mut self, byte: u8) -> u8 {
        while read(SSI0 + STATUS) & NOT_FULL == 0 {}
        write(SSI0 + DATA, byte.into());
        while read(SSI0 + STATUS) & NOT_EMPTY == 0 {}
        read(SSI0 + DATA) as u8
    }
}

impl ErrorType for Select {
    type Error = Infallible;
}

impl OutputPin for Select {
    fn set_low(&mut self) -> Result<(), Infallible> {
        write(PORT_D + SELECT_DATA, 0);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        write(PORT_D + SELECT_DATA, SELECT_PIN);
        Ok(())
    }
}
