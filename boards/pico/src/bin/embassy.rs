//! The scenarios on the board itself, asynchronous, on embassy: the tour of the card, if there is
//! one, by DMA, and of the flash. What was there is lost. With GP22 at ground: a life in the flash
//! that may be cut.
//!
//! After the tour a log in the flash, awaited beside a task that blinks: for as long as the light
//! blinks evenly, nobody waits for anybody.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_rp::gpio::{Input, Level, Output, Pull};
use embassy_rp::peripherals::{DMA_CH0, DMA_CH1};
use embassy_rp::spi::{Config, Spi};
use embassy_rp::{bind_interrupts, dma};
use embassy_time::{Instant, Timer};
use fs_core::asynchronous::Volume;
use fs_core::{FormatOptions, Memory, MountOptions, OpenOptions, Result};
use hal_adapters::asynchronous::sd::{self, Bus};
use pico::asynchronous::{card, flash::XipFlash, scenario};
use pico::voice::{Rtt, report};
use pico::{CARD_IDENTITY, FLASH_IDENTITY, xip::Xip};
use scenarios::{Console, memory};

bind_interrupts!(struct Interrupts {
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>, dma::InterruptHandler<DMA_CH1>;
});

/// Events of the log.
const EVENTS: u64 = 60;

/// The time of the executor.
struct Clock;

impl sd::Timer for Clock {
    fn now_us(&mut self) -> u32 {
        Instant::now().as_micros() as u32
    }

    async fn pause_us(&mut self, us: u32) {
        Timer::after_micros(us.into()).await;
    }
}

#[embassy_executor::task]
async fn blink(mut led: Output<'static>, period_ms: u64) {
    loop {
        led.toggle();
        Timer::after_millis(period_ms).await;
    }
}

/// An event each second, durable before the next.
async fn log(device: &mut XipFlash, memory: &mut Memory) -> Result<()> {
    let format = FormatOptions { uuid: FLASH_IDENTITY, ..FormatOptions::default() };
    let mount = MountOptions::default();
    let volume = Volume::mount_or_format(device, memory, mount, &format).await?;
    let file = volume.open("/log", OpenOptions::new().append().create()).await?;
    for number in 0..EVENTS {
        let text = scenarios::content::event(number as u32);
        volume.write_at(file, 0, &text).await?;
        volume.sync_file(file).await?;
        Timer::after_secs(1).await;
    }
    volume.close(file).await?;
    volume.unmount().await
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let parts = embassy_rp::init(Default::default());
    let is_live = Input::new(parts.PIN_22, Pull::Up).is_low();
    let led = Output::new(parts.PIN_25, Level::Low);
    let (clock, to_card, from_card) = (parts.PIN_18, parts.PIN_19, parts.PIN_16);
    let (send, receive) = (parts.DMA_CH0, parts.DMA_CH1);
    let mut config = Config::default();
    config.frequency = 400_000;
    let spi = Spi::new(parts.SPI0, clock, to_card, from_card, send, receive, Interrupts, config);
    let select = Output::new(parts.PIN_17, Level::High);
    let link = Bus::new(spi, select, |spi: &mut Spi<'_, _, _>, hz| spi.set_frequency(hz));
    // SAFETY: the only ones.
    let (xip, memory) = unsafe { (Xip::take(), memory()) };

    let mut is_well = true;
    let mut flash = XipFlash(xip);
    if is_live {
        is_well = report(scenario::live(&mut flash, memory, FLASH_IDENTITY));
    } else {
        if let Some(card) = card::open(link, Clock) {
            Rtt.line(format_args!("the card"));
            is_well &= report(scenario::tour(card, memory, CARD_IDENTITY));
        }
        Rtt.line(format_args!("the flash"));
        is_well &= report(scenario::tour(&mut flash, memory, FLASH_IDENTITY));
    }

    if let Ok(task) = blink(led, if is_well { 500 } else { 100 }) {
        spawner.spawn(task);
    }
    Rtt.line(format_args!("a log, beside a light that blinks"));
    is_well &= report(log(&mut flash, memory).await.map_err(Into::into));
    if !is_well {
        Rtt.line(format_args!("something failed"));
    }
}
