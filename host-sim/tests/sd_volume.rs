//! A volume on an SD card, through the driver and the wires: cut, pulled out and disturbed.

use fs_core::blocking::Volume;
use fs_core::error::ErrorKind;
use fs_core::{Error, FormatOptions, Memory, MountOptions, Result};
use hal_adapters::blocking::sd::{Bus, Options, SdCard};
use host_sim::wire::{Accidents, Card, Generation, Model, Select, Stopwatch, Wires};

type SetHz = Box<dyn FnMut(&mut Wires, u32)>;
type Driver = SdCard<Bus<Wires, Select, SetHz>, Stopwatch>;
type Mounted<'m> = Volume<'m, Driver>;

const ROUNDS: usize = 6;
const LARGE_BYTES: usize = 9_000;

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

fn small(round: usize) -> Vec<u8> {
    format!("round {round}").into_bytes().repeat(3 + round)
}

fn large(round: usize) -> Vec<u8> {
    (0..LARGE_BYTES).map(|at| u8::try_from((at * 7 + round) % 251).expect("small")).collect()
}

/// How often each file was replaced: for certain, and perhaps.
#[derive(Debug, Default, Clone, Copy)]
struct Progress {
    small: (usize, usize),
    large: (usize, usize),
}

fn live(volume: &Mounted<'_>, progress: &mut Progress) -> Result<()> {
    for round in 1..=ROUNDS {
        progress.small.1 = round;
        volume.replace("/small", &small(round))?;
        progress.small.0 = round;
        if round % 2 == 0 {
            progress.large.1 = round;
            volume.replace("/large", &large(round))?;
            progress.large.0 = round;
        }
    }
    volume.park()
}

/// The round that a file is of; none if there is no file.
fn round_of(volume: &Mounted<'_>, path: &str, content: fn(usize) -> Vec<u8>) -> usize {
    let mut found = vec![0; LARGE_BYTES + 1];
    match volume.read_file(path, &mut found) {
        Err(Error::NotFound) => 0,
        Ok(bytes) => (1..=ROUNDS)
            .find(|round| found[..bytes] == content(*round))
            .unwrap_or_else(|| panic!("{path}: {bytes} bytes of no round")),
        Err(error) => panic!("{path}: {error}"),
    }
}

fn holds(volume: &Mounted<'_>, progress: Progress) {
    volume.check().expect("a clean volume");
    let found = round_of(volume, "/small", small);
    assert!(found == progress.small.0 || found == progress.small.1, "{found}: {progress:?}");
    let found = round_of(volume, "/large", large);
    assert!(found == progress.large.0 || found == progress.large.1, "{found}: {progress:?}");
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
        .and_then(|volume| live(&volume, &mut progress));
    let bytes = card.count();
    card.set_accidents(Accidents::default());
    card.power_on();
    // The driver has not been told, but everything it asks for is refused until it is.
    if result.is_err() && driver.is_open() {
        let refused = Volume::mount(&mut driver, &mut memory, options).map(|_| ());
        assert_eq!(refused, Err(Error::Device(ErrorKind::Removed)));
    }
    driver.reopen().expect("the same card");
    for _ in 0..2 {
        let volume = Volume::mount(&mut driver, &mut memory, options).expect("a mount");
        holds(&volume, progress);
        progress.small = (ROUNDS, ROUNDS);
        volume.replace("/small", &small(ROUNDS)).expect("it goes on");
        holds(&volume, progress);
    }
    (bytes, result)
}

/// Lives with an accident at each `step`-th byte.
fn lives(generation: Generation, step: u64, accident: impl Fn(u64) -> Accidents) -> u64 {
    let (bytes, result) = life(generation, Accidents::default());
    assert_eq!(result, Ok(()));
    assert!(bytes > 50_000, "{bytes} bytes");
    let places = (0..bytes).step_by(usize::try_from(step).expect("small"));
    places.filter(|number| life(generation, accident(*number)).1.is_err()).count() as u64
}

#[test]
fn a_volume_survives_cuts_at_any_byte() {
    for (generation, step) in [(Generation::V1, 997), (Generation::High, 211)] {
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
