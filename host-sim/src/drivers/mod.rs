//! The way from a volume to the cells: a driver, wires, and the chip's other side.
//!
//! **What it is.** `OnWires`, in both colours: a device that is one of the drivers of
//! `hal-adapters`, opened on a chip of [`crate::wire`] that has just been given power and whose
//! cells are a simulated array ([`Nor`]). Its [`Spec`] says which: a serial NOR flash, a card of
//! high capacity on a bus of its own, or one of standard capacity on a shared bus.
//!
//! **Rules.**
//! 1. The array sees what reaches the cells, when it does: a program of NOR flash when its busy
//!    time is over, a sector of a card when the card has accepted it, and a sync when nothing that
//!    was accepted can be lost any more. Cuts, tearing and the log are the array's.
//! 2. A chip's other side lives as long as a mount. What it was in the middle of at the end of it,
//!    because the driver did not wait, has not happened.
//! 3. One block of so many that are sent to a card, and one write enable of so many, goes wrong on
//!    its way, so that what drivers do about that is cut as well.
//! 4. What a host must not do is a breach, as those of the array are: [`Nor::wires`].
#![allow(clippy::duplicate_mod, reason = "the device is compiled once for each colour")]

use fs_core::error::{Error, Result};

use crate::chip::{Kind, Nor, Spec, Way};
use crate::image::BLOCK_BYTES;
use crate::wire::nor::{self, NorChip};
use crate::wire::{Accidents, Card, Generation, Model};

/// For volumes of the blocking colour.
#[path = "coloured"]
pub mod blocking {
    mod on_wires;
    use colour::strip as colour;
    use fs_core::blocking::device;
    use hal_adapters::blocking as adapters;
    pub use on_wires::OnWires;
}

/// For volumes of the asynchronous colour.
#[path = "coloured"]
pub mod asynchronous {
    mod on_wires;
    use colour::keep as colour;
    use fs_core::asynchronous::device;
    use hal_adapters::asynchronous as adapters;
    pub use on_wires::OnWires;
}

/// Of so many blocks, or write enables, one goes wrong.
const MISHEARS: u64 = 13;

/// Sectors of 512 bytes of which a card has whole multiples.
const CARD_SECTORS: u32 = 1024;

/// The smallest chip, of one erase of the largest size.
const NOR_BLOCKS: u32 = 16;

/// A chip behind its wires that has power, over an array.
struct Powered {
    chip: Chip,
    array: Nor,
}

#[derive(Clone)]
enum Chip {
    Nor(NorChip),
    Card(Card),
}

impl Powered {
    /// Gives a chip power. The array says at which byte that goes again.
    fn new(array: &Nor) -> Result<Self> {
        let spec = array.spec();
        let wires = array.wires();
        let cut = wires.cut.map(|cut| cut.saturating_sub(wires.bytes));
        let mishears = Some(MISHEARS);
        let accidents = Accidents { seed: wires.seed, cut, mishears, ..Accidents::default() };
        let chip = match spec.kind {
            Kind::Nor => {
                let chip = NorChip::over(nor_model(&spec), array.clone());
                chip.set_accidents(accidents);
                chip.note_changes();
                Chip::Nor(chip)
            }
            Kind::Card => {
                let card = Card::over(card_model(&spec), array.clone());
                card.set_accidents(accidents);
                card.note_changes();
                Chip::Card(card)
            }
            Kind::Internal | Kind::Fram => return Err(Error::NotSupported),
        };
        Ok(Self { chip, array: array.clone() })
    }
}

/// What takes the power of a chip away while a volume has it.
pub struct Switch(Chip);

impl Switch {
    /// Takes it away: what the chip is in the middle of is torn.
    pub fn off(&self) {
        match &self.0 {
            Chip::Nor(chip) => chip.power_off(),
            Chip::Card(card) => card.power_off(),
        }
    }
}

/// Leaves with the array what happened on the wires.
impl Drop for Powered {
    fn drop(&mut self) {
        let (count, changes, breaches) = match &self.chip {
            Chip::Nor(chip) => (chip.count(), chip.take_changes(), chip.breaches()),
            Chip::Card(card) => (card.count(), card.take_changes(), card.breaches()),
        };
        self.array.with_wires(|wires| {
            let begin = wires.bytes;
            let moved = changes.into_iter().map(|at| begin + at.start..begin + at.end);
            wires.changes.extend(moved);
            wires.bytes += count;
            wires.breaches.extend(breaches);
        });
    }
}

/// A chip with an eighth of the usual times, so that there are fewer polls; their order stays.
fn nor_model(spec: &Spec) -> nor::Model {
    let mut model = nor::Model::small(spec.blocks.max(NOR_BLOCKS).next_power_of_two());
    let timing = &mut model.timing;
    timing.program_page_ns /= 8;
    timing.erase_4k_ns /= 8;
    timing.erase_32k_ns /= 8;
    timing.erase_64k_ns /= 8;
    model
}

/// High capacity on a bus of its own, standard capacity on a shared one: both kinds of addresses.
fn card_model(spec: &Spec) -> Model {
    let shared = spec.way == Way::SharedWires;
    let generation = if shared { Generation::V2 } else { Generation::High };
    let sectors = spec.blocks * u32::try_from(BLOCK_BYTES / 512).unwrap_or(8);
    Model {
        sectors: sectors.next_multiple_of(CARD_SECTORS),
        read_ns: 10_000,
        write_ns: 50_000,
        run_ns: 20_000,
        stop_ns: 50_000,
        // Chip select rises between the command and the block there.
        ends_reads: !shared,
        is_shared: shared,
        ..Model::new(generation)
    }
}
