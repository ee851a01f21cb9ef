//! What is on the board, and where: the pins of the flash chip, the button. Nothing here knows of
//! filesystems.

use crate::chip;
use cortex_m::asm;
use embassy_nrf::gpio::{Input, Pull};
use embassy_nrf::qspi::{self, Frequency, Qspi, ReadOpcode, WriteOpcode};
use embassy_nrf::{bind_interrupts, pac, peripherals};

bind_interrupts!(struct Interrupts {
    QSPI => qspi::InterruptHandler<peripherals::QSPI>;
});

/// What this crate uses of the board.
pub struct Board {
    /// The way to the flash chip.
    pub qspi: Qspi<'static>,
    /// Whether button 1 is held.
    pub is_held: bool,
    /// Bytes that no other board has: the chip's unique id.
    pub identity: [u8; 16],
}

/// Four lines at 8 MHz, which the chip takes in each of its power modes.
fn config() -> qspi::Config {
    let mut config = qspi::Config::default();
    config.capacity = chip::BYTES;
    config.frequency = Frequency::M8;
    config.read_opcode = ReadOpcode::Read4io;
    config.write_opcode = WriteOpcode::Pp4io;
    config
}

/// Takes the pins, and waits until the flash chip is idle. Is called once.
pub fn power_on() -> Board {
    let pins = embassy_nrf::init(embassy_nrf::config::Config::default());
    let button = Input::new(pins.P0_11, Pull::Up);
    // 100 us, until the pin is high.
    asm::delay(6_400);
    let is_held = button.is_low();
    let qspi = Qspi::new(
        pins.QSPI,
        Interrupts,
        pins.P0_19,
        pins.P0_17,
        pins.P0_20,
        pins.P0_21,
        pins.P0_22,
        pins.P0_23,
        config(),
    );
    let mut identity = *b"nrf52840........";
    let (low, high) = (pac::FICR.deviceid(0).read(), pac::FICR.deviceid(1).read());
    identity[8..12].copy_from_slice(&low.to_le_bytes());
    identity[12..].copy_from_slice(&high.to_le_bytes());
    Board { qspi, is_held, identity }
}
