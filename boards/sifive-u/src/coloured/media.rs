//! What the arguments say, on the chip, on the card, or on both at once. Both are one type, so
//! there is one copy of the filesystem's code.

use super::card::{self, Card};
use super::flash::{self, Flash};
use super::shared::choice;
use super::shared::metered::Metered;
use super::shared::pair::{self, Side};
use super::vellum::device::Either;
use crate::spi::Controllers;
use fs_core::Memory;
use scenarios::semihosting::{Arguments, Output};
use scenarios::{Failure, power};

type Medium = Metered<Either<Flash, Card>>;

const FLASH: [u8; 16] = *b"sifive-u-norchip";
const CARD: [u8; 16] = *b"sifive-u-sd-card";

/// Runs what the arguments say: `nor` or `card` with `tour`, `live rounds=N` or `survey`; `both`
/// with `tour` or `live rounds=N`. With `cut=N quarters=Q` the power goes in the N-th program or
/// erase of the chip, or write of a sector, after both are known.
///
/// # Errors
/// What went wrong first.
pub fn run(
    controllers: Controllers,
    memory: &mut Memory,
    second_memory: &mut Memory,
) -> Result<(), Failure> {
    let arguments = Arguments::get();
    if let Some(number) = arguments.number("cut") {
        power::cut_at(number, arguments.number("quarters").unwrap_or(0));
    }
    if arguments.has("nor") {
        let mut medium: Medium = Metered(Either::Left(flash::open(controllers.flash)?));
        choice::run(&arguments, &mut medium, memory, FLASH)
    } else if arguments.has("card") {
        let mut medium: Medium = Metered(Either::Right(card::open(controllers.card)?));
        choice::run(&arguments, &mut medium, memory, CARD)
    } else if arguments.has("both") {
        both(&arguments, controllers, memory, second_memory)
    } else {
        Err(Failure::Arguments)
    }
}

#[inline(never)]
fn both(
    arguments: &Arguments,
    controllers: Controllers,
    memory: &mut Memory,
    second_memory: &mut Memory,
) -> Result<(), Failure> {
    let mut chip: Medium = Metered(Either::Left(flash::open(controllers.flash)?));
    let mut card: Medium = Metered(Either::Right(card::open(controllers.card)?));
    let small = Side { device: &mut chip, memory, uuid: FLASH };
    let large = Side { device: &mut card, memory: second_memory, uuid: CARD };
    if arguments.has("tour") {
        pair::tour(&Output, small, large)
    } else if arguments.has("live") {
        pair::live(&Output, small, large, arguments.number("rounds").unwrap_or(8))
    } else {
        Err(Failure::Arguments)
    }
}
