//! A driver on wires as a device.

use fs_core::error::{DeviceError, Error, ErrorKind, Result};
use fs_core::units::{ByteOffset, Geometry};

use super::super::{Chip, Powered, Switch};
use super::adapters::nor::{Options as NorOptions, SpiNor};
use super::adapters::sd::{Bus, Options as SdOptions, SdCard, Shared, wake};
use super::colour;
use super::device::{BlockDevice, Either, Partition};
use crate::chip::{Nor, Way};
use crate::wire::nor::{NorChip, Pause, Spi};
use crate::wire::{Card, Select, Shared as Device, Stopwatch, Wires};

type SetHz<B> = Box<dyn FnMut(&mut B, u32)>;
type Flash = SpiNor<Spi, Pause>;
type OwnBus = SdCard<Bus<Wires, Select, SetHz<Wires>>, Stopwatch>;
type SharedBus = SdCard<Shared<Device, SetHz<Device>>, Stopwatch>;
type Driver = Either<Flash, Either<OwnBus, SharedBus>>;

/// What an array promises, and a driver cannot know.
const VOUCHED: SdOptions = SdOptions { neighbours_survive: true, ..SdOptions::OWN_BUS };

/// A chip behind its wires, and what drives it.
pub struct OnWires {
    /// The part of the chip that the array has.
    device: Partition<Driver>,
    powered: Powered,
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` wants")]
fn failed(error: impl DeviceError) -> Error {
    Error::Device(error.kind())
}

impl OnWires {
    /// What takes its power away.
    #[must_use]
    pub fn switch(&self) -> Switch {
        Switch(self.powered.chip.clone())
    }
}

#[colour]
impl OnWires {
    /// Gives the chip power and opens its driver.
    ///
    /// # Errors
    /// The driver's; `NotSupported` for a kind of chip without a driver.
    pub async fn new(array: &Nor) -> Result<Self> {
        let powered = Powered::new(array)?;
        let driver = match &powered.chip {
            Chip::Nor(chip) => Either::Left(flash(chip).await?),
            Chip::Card(card) if array.spec().way == Way::SharedWires => {
                Either::Right(Either::Right(shared_bus(card).await?))
            }
            Chip::Card(card) => Either::Right(Either::Left(own_bus(card).await?)),
        };
        let size = array.spec().geometry().size;
        let device = Partition::new(driver, ByteOffset(0), size).ok_or(Error::Bug)?;
        Ok(Self { device, powered })
    }
}

#[colour]
async fn flash(chip: &NorChip) -> Result<Flash> {
    let mut driver = SpiNor::new(chip.spi(), chip.pause(), NorOptions::CAREFUL);
    driver.open().await.map_err(failed)?;
    Ok(driver)
}

#[colour]
async fn own_bus(card: &Card) -> Result<OwnBus> {
    let clocked = card.clone();
    let set_hz: SetHz<Wires> = Box::new(move |_, hz| clocked.set_hz(hz));
    let link = Bus::new(card.wires(), card.select(), set_hz);
    let mut driver = SdCard::new(link, card.stopwatch(), VOUCHED);
    driver.open().await.map_err(failed)?;
    Ok(driver)
}

#[colour]
async fn shared_bus(card: &Card) -> Result<SharedBus> {
    wake(&mut card.wires(), &mut card.select()).await.map_err(failed)?;
    let clocked = card.clone();
    let set_hz: SetHz<Device> = Box::new(move |_, hz| clocked.set_hz(hz));
    let link = Shared::new(card.shared(), set_hz);
    let options = SdOptions { runs: false, ..VOUCHED };
    let mut driver = SdCard::new(link, card.stopwatch(), options);
    driver.open().await.map_err(failed)?;
    Ok(driver)
}

#[colour]
impl BlockDevice for OnWires {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        self.device.geometry()
    }

    async fn read(
        &mut self,
        at: ByteOffset,
        target: &mut [u8],
    ) -> std::result::Result<(), ErrorKind> {
        self.device.read(at, target).await.map_err(|error| error.kind())
    }

    async fn program(
        &mut self,
        at: ByteOffset,
        source: &[u8],
    ) -> std::result::Result<(), ErrorKind> {
        self.device.program(at, source).await.map_err(|error| error.kind())
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> std::result::Result<(), ErrorKind> {
        self.device.erase(at, bytes).await.map_err(|error| error.kind())
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> std::result::Result<(), ErrorKind> {
        self.device.discard(at, bytes).await.map_err(|error| error.kind())
    }

    async fn sync(&mut self) -> std::result::Result<(), ErrorKind> {
        self.device.sync().await.map_err(|error| error.kind())
    }
}
