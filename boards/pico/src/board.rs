//! The board: what `rp2040-hal` sets up before the scenarios run.
//!
//! | what | where |
//! | --- | --- |
//! | SPI0 for the card | clock GP18, to the card GP19, from it GP16, chip select GP17 |
//! | LED | GP25, on the board |
//! | what to do | GP22: to ground for a life that may be cut, open for the tour |

use core::convert::Infallible;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_hal::spi::MODE_0;
use hal_adapters::blocking::sd::{self, Bus, Link};
use rp2040_hal::clocks::{Clock as _, init_clocks_and_plls};
use rp2040_hal::fugit::RateExtU32;
use rp2040_hal::gpio::{FunctionSpi, PinState, Pins, PullUp};
use rp2040_hal::pac::Peripherals;
use rp2040_hal::sio::Sio;
use rp2040_hal::spi::Spi;
use rp2040_hal::timer::Timer;
use rp2040_hal::watchdog::Watchdog;

/// The board's crystal.
const CRYSTAL_HZ: u32 = 12_000_000;
/// Cards are found at this rate.
const FIRST_HZ: u32 = 400_000;

/// The second stage of the boot: what lets the processor run from the W25Q16JV of the board.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// What there is on the board.
pub struct Parts<L, O> {
    /// The way to the card.
    pub card: L,
    /// The time.
    pub clock: Clock,
    /// The LED.
    pub led: O,
    /// Whether the pin asks for a life instead of the tour.
    pub is_live: bool,
}

/// The chip's timer.
#[derive(Clone, Copy)]
pub struct Clock(Timer);

impl sd::Timer for Clock {
    fn now_us(&mut self) -> u32 {
        self.0.get_counter_low()
    }

    fn pause_us(&mut self, us: u32) {
        self.0.delay_us(us);
    }
}

/// Sets up clocks (125 MHz), timer, pins and SPI.
///
/// # Panics
/// If it was called before, or the crystal does not swing.
pub fn start() -> Parts<impl Link, impl OutputPin<Error = Infallible>> {
    let mut parts = Peripherals::take().expect("called once");
    let mut watchdog = Watchdog::new(parts.WATCHDOG);
    let clocks = init_clocks_and_plls(
        CRYSTAL_HZ,
        parts.XOSC,
        parts.CLOCKS,
        parts.PLL_SYS,
        parts.PLL_USB,
        &mut parts.RESETS,
        &mut watchdog,
    )
    .ok()
    .expect("clocks from the crystal");
    let timer = Timer::new(parts.TIMER, &mut parts.RESETS, &clocks);
    let sio = Sio::new(parts.SIO);
    let pins = Pins::new(parts.IO_BANK0, parts.PADS_BANK0, sio.gpio_bank0, &mut parts.RESETS);

    let select = pins.gpio17.into_push_pull_output_in_state(PinState::High);
    // Without a card the line from it is not left open.
    let from_card = pins.gpio16.reconfigure::<FunctionSpi, PullUp>();
    let to_card = pins.gpio19.into_function::<FunctionSpi>();
    let clock = pins.gpio18.into_function::<FunctionSpi>();
    let rate = clocks.peripheral_clock.freq();
    let spi = Spi::<_, _, _, 8>::new(parts.SPI0, (to_card, from_card, clock));
    let spi = spi.init(&mut parts.RESETS, rate, FIRST_HZ.Hz(), MODE_0);
    let card = Bus::new(spi, select, move |spi: &mut Spi<_, _, _, 8>, hz: u32| {
        spi.set_baudrate(rate, hz.Hz());
    });

    let mut choice = pins.gpio22.into_pull_up_input();
    let is_live = choice.is_low().unwrap_or(false);
    let led = pins.gpio25.into_push_pull_output();
    Parts { card, clock: Clock(timer), led, is_live }
}

/// Shows for ever how it ended: a steady light is well.
pub fn show(mut clock: Clock, mut led: impl OutputPin<Error = Infallible>, is_well: bool) -> ! {
    loop {
        let Ok(()) = led.set_high();
        clock.0.delay_ms(200);
        if !is_well {
            let Ok(()) = led.set_low();
            clock.0.delay_ms(200);
        }
    }
}
