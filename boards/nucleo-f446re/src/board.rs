//! What is on the board, and where: clocks, the pins of the card, the button. Nothing here knows of
//! filesystems.

use embassy_stm32::gpio::{Input, Level, Output, Pull, Speed};
use embassy_stm32::mode::{Async, Blocking, Mode};
use embassy_stm32::rcc::{
    AHBPrescaler, APBPrescaler, Pll, PllMul, PllPDiv, PllPreDiv, PllSource, Sysclk,
};
use embassy_stm32::spi::{self, Spi, mode::Master};
use embassy_stm32::time::Hertz;
use embassy_stm32::{Config, Peri, bind_interrupts, dma, peripherals, uid};

/// The clock of SPI1: APB2, half of the system's 168 MHz.
const SPI_CLOCK_HZ: u32 = 84_000_000;

bind_interrupts!(struct Interrupts {
    DMA2_STREAM2 => dma::InterruptHandler<peripherals::DMA2_CH2>;
    DMA2_STREAM3 => dma::InterruptHandler<peripherals::DMA2_CH3>;
});

/// What this crate uses of the board.
pub struct Board {
    /// The SPI that the card is on.
    pub wires: Wires,
    /// Chip select of the card, high.
    pub select: Output<'static>,
    /// Whether the blue button B1 is held.
    pub is_held: bool,
    /// Bytes that no other board has: the chip's unique id.
    pub identity: [u8; 16],
}

/// SPI1, its pins, and the streams that can move its bytes.
pub struct Wires {
    spi: Peri<'static, peripherals::SPI1>,
    clock: Peri<'static, peripherals::PA5>,
    receive: Peri<'static, peripherals::PA6>,
    transmit: Peri<'static, peripherals::PA7>,
    receive_stream: Peri<'static, peripherals::DMA2_CH2>,
    transmit_stream: Peri<'static, peripherals::DMA2_CH3>,
}

impl Wires {
    /// The SPI for programs that wait.
    pub fn blocking(self) -> Spi<'static, Blocking, Master> {
        Spi::new_blocking(self.spi, self.clock, self.transmit, self.receive, config(400_000))
    }

    /// The SPI for executors.
    pub fn asynchronous(self) -> Spi<'static, Async, Master> {
        Spi::new(
            self.spi,
            self.clock,
            self.transmit,
            self.receive,
            self.transmit_stream,
            self.receive_stream,
            Interrupts,
            config(400_000),
        )
    }
}

/// Sets the clock of the SPI to the fastest rate that is not above `hz`.
pub fn set_hz<M: Mode>(spi: &mut Spi<'static, M, Master>, hz: u32) {
    // Cannot fail: what could is not in the configuration.
    let _ = spi.set_config(&config(hz));
}

/// Mode 0. The HAL rounds to the nearest rate, so it is told one that exists.
fn config(hz: u32) -> spi::Config {
    let divisors = (1..=8).map(|power| SPI_CLOCK_HZ >> power);
    let exact = divisors.clone().find(|rate| *rate <= hz).or(divisors.last());
    let mut config = spi::Config::default();
    config.frequency = Hertz(exact.unwrap_or(SPI_CLOCK_HZ / 256));
    // A card lets go of its line between transactions.
    config.miso_pull = Pull::Up;
    config
}

/// 168 MHz of the internal oscillator: no crystal and no solder bridge has a say in it.
fn clocks() -> Config {
    let mut config = Config::default();
    config.rcc.pll_src = PllSource::HSI;
    config.rcc.pll = Some(Pll {
        prediv: PllPreDiv::DIV8,
        mul: PllMul::MUL168,
        divp: Some(PllPDiv::DIV2),
        divq: None,
        divr: None,
    });
    config.rcc.sys = Sysclk::PLL1_P;
    config.rcc.ahb_pre = AHBPrescaler::DIV1;
    config.rcc.apb1_pre = APBPrescaler::DIV4;
    config.rcc.apb2_pre = APBPrescaler::DIV2;
    config
}

/// Starts the clocks and takes the pins. Is called once.
pub fn power_on() -> Board {
    let pins = embassy_stm32::init(clocks());
    let wires = Wires {
        spi: pins.SPI1,
        clock: pins.PA5,
        receive: pins.PA6,
        transmit: pins.PA7,
        receive_stream: pins.DMA2_CH2,
        transmit_stream: pins.DMA2_CH3,
    };
    let select = Output::new(pins.PB6, Level::High, Speed::VeryHigh);
    // The board pulls it up; the button pulls it down.
    let is_held = Input::new(pins.PC13, Pull::None).is_low();
    let mut identity = *b"F446............";
    identity[4..].copy_from_slice(&uid::uid());
    Board { wires, select, is_held, identity }
}
