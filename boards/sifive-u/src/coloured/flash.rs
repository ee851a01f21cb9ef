//! The NOR flash chip on SPI0, through the driver for serial NOR flash. The volume is one MiB that
//! three bytes of address do not reach.

use super::adapters::nor::{Options, SpiNor};
use super::colour;
use super::delay::DelayNs;
use super::shared::{busy, complete};
use super::spi::{Operation, SpiDevice};
use super::vellum::device::Partition;
use crate::spi::{Select, Spi};
use core::convert::Infallible;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::ErrorType;
use fs_core::units::ByteOffset;
use scenarios::power::{self, Kind, Share};
use scenarios::semihosting::Output;
use scenarios::{Console, Failure};

const START: ByteOffset = ByteOffset(17 << 20);
const BYTES: u64 = 1 << 20;

/// Where the volume lies.
pub type Flash = Partition<SpiNor<Wires, AtOnce>>;

/// The chip alone on its bus. This colour's own type: the error type is one trait for both colours.
pub struct Wires {
    spi: Spi,
    select: Select,
}

impl ErrorType for Wires {
    type Error = Infallible;
}

#[colour]
impl SpiDevice for Wires {
    async fn transaction(
        &mut self,
        operations: &mut [Operation<'_, u8>],
    ) -> Result<(), Infallible> {
        busy().await;
        let kind = match operations.first() {
            Some(Operation::Write([opcode, ..])) => Kind::of(*opcode),
            _ => Kind::Other,
        };
        if kind != Kind::Other
            && let Some(share) = power::spend()
        {
            self.cut(share, kind, operations);
        }
        self.select.set_low()?;
        for operation in operations {
            match operation {
                Operation::Write(bytes) => self.spi.send(bytes),
                Operation::Read(bytes) => self.spi.receive(bytes),
                Operation::Transfer(came, sent) => self.spi.transfer(came, sent),
                Operation::TransferInPlace(bytes) => self.spi.replace(bytes),
                Operation::DelayNs(_) => {}
            }
        }
        self.select.set_high()
    }
}

impl Wires {
    /// The last thing that the chip is told: a program of fewer bytes, an erase or none.
    fn cut(&mut self, share: Share, kind: Kind, operations: &[Operation<'_, u8>]) -> ! {
        let Ok(()) = self.select.set_low();
        match (kind, operations) {
            (Kind::Program, [Operation::Write(head), Operation::Write(data)]) => {
                let part = &data[..share.of(data.len())];
                if !part.is_empty() {
                    self.spi.send(head);
                    self.spi.send(part);
                }
            }
            (Kind::Erase, [Operation::Write(head)]) if share.is_half() => self.spi.send(head),
            _ => {}
        }
        let Ok(()) = self.select.set_high();
        share.gone("flash")
    }
}

/// No time at all: QEMU's chip is never busy, and has no rules about pauses.
pub struct AtOnce;

#[colour]
impl DelayNs for AtOnce {
    async fn delay_ns(&mut self, _: u32) {
        busy().await;
    }
}

/// Finds the chip.
///
/// # Errors
/// `Device`.
pub fn open((spi, select): (Spi, Select)) -> Result<Flash, Failure> {
    let mut spi = spi;
    spi.set_hz(8_000_000);
    let mut flash = SpiNor::new(Wires { spi, select }, AtOnce, Options::CAREFUL);
    complete(flash.open()).map_err(|_| Failure::Device)?;
    if let Some(chip) = flash.chip() {
        Output.line(format_args!(
            "chip {:02x?} bytes={} {:?}",
            chip.id.0, chip.size, chip.addressing
        ));
    }
    Partition::new(flash, START, BYTES).ok_or(Failure::Device)
}
