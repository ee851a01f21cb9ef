//! A volume on an SD card, through the driver and the wires: cut, pulled out and disturbed.

#[path = "shared/two_files.rs"]
mod two_files;

use fs_core::blocking::Volume;
use fs_core::error::ErrorKind;
use fs_core::{Error, FormatOptions, Memory, MountOptions, Result};
use hal_adapters::blocking::sd::{Bus, Options, SdCard};
use host_sim::wire::{Accidents, Card, Generation, Model, Select, Stopwatch, Wires};
use two_files::{Files, Progress};

type SetHz = Box<dyn FnMut(&mut Wires, u32)>;
type Driver = SdCard<Bus<Wires, Select, SetHz>, Stopwatch>;

const FILES: Files = Files { rounds: 6, large_bytes: 9_000 };

fn driver(card: &Card) -> Driver {
    let clocked = card.clone();
    let set_hz: SetHz = Box::new(move |_, hz| clocked.set_hz(hz));
    let link = Bus::new(card.wires(), card.select(), set_hz);
    SdCard::new(link, card.stopwatch(), Options::OWN_BUS)
}

/// A card of 512 KiB.
fn model(generation: Generation) -> Model {
    Model { sectors: 1024, read_ns: 20_000, write_ns: 100_000, ..Model::new(generation) }
}

/// Formats, then lives with an accident, and then finds what must be there. Gives the bytes of the
/// life on the wires, and how it ended.
fn life(generation: Generation, accidents: Accidents) -> (u64, Result<()>) {
    let card = Card::new(model(generation));
    let mut driver = driver(&card);
    driver.open().expect("a card");
    let mut memory: Memory = Memory::new();
    let options = MountOptions::default();
    Volume::format(&mut driver, &mut memory, &FormatOptions::default()).expect("a format");
    card.set_accidents(accidents);
    let mut progress = Progress::default();
    let result = Volume::mount(&mut driver, &mut memory, options)
        .and_then(|volume| FILES.live(&volume, &mut progress));
    let bytes = card.count();
    card.set_accidents(Accidents::default());
    card.power_on();
    // The driver has not been told, but everything it asks for is refused until it is.
    if result.is_err() && driver.is_open() {
        let refused = Volume::mount(&mut driver, &mut memory, options).map(|_| ());
        assert_eq!(refused, Err(Error::Device(ErrorKind::Removed)));
    }
    driver.reopen().expect("the same card");
    FILES.go_on(&mut driver, &mut memory, progress);
    (bytes, result)
}

/// Lives with an accident at each `step`-th byte.
fn lives(generation: Generation, step: u64, accident: impl Fn(u64) -> Accidents) -> u64 {
    let (bytes, result) = life(generation, Accidents::default());
    assert_eq!(result, Ok(()));
    assert!(bytes > 40_000, "{bytes} bytes");
    let places = (0..bytes).step_by(usize::try_from(step).expect("small"));
    places.filter(|number| life(generation, accident(*number)).1.is_err()).count() as u64
}

#[test]
fn a_volume_survives_cuts_at_any_byte() {
    for (generation, step) in [(Generation::V1, 797), (Generation::High, 211)] {
        let cut = |number| Accidents { cut: Some(number), seed: number, ..Accidents::default() };
        let failed = lives(generation, step, cut);
        assert!(failed > 50, "{failed} lives ended early");
    }
}

#[test]
fn a_volume_on_a_card_that_was_pulled_out_is_revoked() {
    let pull = |number| Accidents { pull: Some(number), seed: number, ..Accidents::default() };
    lives(Generation::V2, 1499, pull);
}

#[test]
fn a_volume_goes_on_over_errors_of_the_bus_and_flipped_bits() {
    let error = |number| Accidents { bus_error: Some(number), ..Accidents::default() };
    let failed = lives(Generation::High, 1009, error);
    assert!(failed <= 5, "{failed} lives ended early: noise is asked again");
    let flip = |number| Accidents { flip_to_host: Some((number, 4)), ..Accidents::default() };
    let failed = lives(Generation::High, 1013, flip);
    assert!(failed <= 5, "{failed} lives ended early: noise is asked again");
}
