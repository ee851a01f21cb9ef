//! The scenarios on the SD card, through the driver for cards on a bus of their own. The volume is
//! the card from its first sector on, so a card with a partition table is not blank, and stays as
//! it is unless the tour is asked for.

use super::adapters::sd::{Bus, Options, SdCard, Timer};
use super::colour;
use super::shared::metered::Metered;
use super::shared::{button, complete};
use super::vellum::device::{BlockDevice, Partition};
use super::{pause, spi};
use crate::board::{Board, set_hz};
use embassy_time::{Duration, Instant};
use fs_core::Memory;
use fs_core::units::ByteOffset;
use scenarios::probe::Log;
use scenarios::{Console, Failure};

/// Enough for the scenarios, whose checks and formats take longer on larger volumes.
const BYTES_MAX: u64 = 64 << 20;

/// The clock of the HAL.
struct Clock;

#[colour]
impl Timer for Clock {
    fn now_us(&mut self) -> u32 {
        // May wrap, as the trait says.
        Instant::now().as_micros() as u32
    }

    async fn pause_us(&mut self, us: u32) {
        pause(Duration::from_micros(us.into())).await;
    }
}

/// Runs what the button says.
///
/// # Errors
/// What went wrong first.
pub fn run(board: Board, memory: &mut Memory) -> Result<(), Failure> {
    let bus = Bus::new(spi(board.wires), board.select, set_hz);
    let mut card = SdCard::new(bus, Clock, Options::OWN_BUS);
    if let Err(error) = complete(card.open()) {
        Log.line(format_args!("no card: {error:?}"));
        return Err(Failure::Device);
    }
    let bytes = card.geometry().size;
    Log.line(format_args!("card {:?} bytes={bytes}", card.kind()));
    let part = Partition::new(Metered(card), ByteOffset(0), bytes.min(BYTES_MAX));
    let mut volume = part.ok_or(Failure::Device)?;
    button::run(&Log, board.is_held, &mut volume, memory, board.identity)
}
