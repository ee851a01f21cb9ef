//! A volume on a serial NOR flash, through the driver and the wires: cut at every command with
//! every kind of tear, cut at any byte, and disturbed.

use fs_core::blocking::Volume;
use fs_core::{Error, FormatOptions, Memory, MountOptions, Result};
use hal_adapters::blocking::nor::{Options, SpiNor};
use host_sim::fault::{Faults, TearMode};
use host_sim::image::{Image, Op};
use host_sim::wire::Accidents;
use host_sim::wire::nor::{Model, NorChip, Pause, Spi};

type Driver = SpiNor<Spi, Pause>;
type Mounted<'m> = Volume<'m, Driver>;

const ROUNDS: usize = 3;
const LARGE_BYTES: usize = 5_000;

fn driver(chip: &NorChip) -> Driver {
    let mut driver = SpiNor::new(chip.spi(), chip.pause(), Options::CAREFUL);
    driver.open().expect("a chip");
    driver
}

/// A chip of 128 KiB that says what failed and one that does not, with times that are short.
fn model(has_flags: bool) -> Model {
    let id = if has_flags { [0x20, 0xBA, 0x18] } else { [0xEF, 0x40, 0x18] };
    let mut model = Model { id, has_flags, ..Model::small(32) };
    (model.timing.program_page_ns, model.timing.erase_4k_ns) = (40_000, 400_000);
    model
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

fn formatted(model: &Model) -> Image {
    let chip = NorChip::new(model.clone());
    let mut memory: Memory = Memory::new();
    let options = FormatOptions::default();
    Volume::format(&mut driver(&chip), &mut memory, &options).expect("a format");
    assert_eq!(chip.breaches(), [""; 0]);
    chip.array().image()
}

/// How a life ended, and how long it was.
struct Life {
    result: Result<()>,
    commands: Vec<Op>,
    bytes: u64,
}

/// Lives with an accident, and then finds what must be there.
fn life(model: &Model, image: &Image, accidents: Accidents, faults: Faults) -> Life {
    let chip = NorChip::new(model.clone());
    chip.array().set_image(image.clone());
    let mut device = driver(&chip);
    let mut memory: Memory = Memory::new();
    let options = MountOptions::default();
    chip.set_accidents(accidents);
    chip.array().set_faults(faults);
    chip.array().record(true);
    let mut progress = Progress::default();
    let result = Volume::mount(&mut device, &mut memory, options)
        .and_then(|volume| live(&volume, &mut progress));
    let (commands, bytes) = (chip.array().take_log(), chip.count());
    chip.set_accidents(Accidents::default());
    chip.array().set_faults(Faults::none());
    if !chip.is_on() {
        chip.power_on();
    }
    // The host has been reset too.
    let mut device = driver(&chip);
    for _ in 0..2 {
        let volume = Volume::mount(&mut device, &mut memory, options).expect("a mount");
        holds(&volume, progress);
        progress.small = (ROUNDS, ROUNDS);
        volume.replace("/small", &small(ROUNDS)).expect("it goes on");
        holds(&volume, progress);
    }
    assert_eq!(chip.breaches(), [""; 0]);
    assert_eq!(chip.array().breaches(), []);
    Life { result, commands, bytes }
}

#[test]
fn a_volume_survives_every_tear_of_every_command() {
    let model = model(false);
    let image = formatted(&model);
    let whole = life(&model, &image, Accidents::default(), Faults::none());
    assert_eq!(whole.result, Ok(()));
    let mut cuts = 0;
    for (op, command) in (0..).zip(&whole.commands) {
        for tear in TearMode::of(command) {
            let cut = Faults::cut(op, *tear, op);
            let ended = life(&model, &image, Accidents::default(), cut);
            assert!(ended.result.is_err(), "command {op}, {tear:?}: nobody noticed");
            cuts += 1;
        }
    }
    assert!(cuts > 400, "{cuts} cuts");
}

#[test]
fn a_volume_survives_cuts_at_any_byte() {
    for has_flags in [false, true] {
        let model = model(has_flags);
        let image = formatted(&model);
        let whole = life(&model, &image, Accidents::default(), Faults::none());
        let places = (0..whole.bytes).step_by(if has_flags { 397 } else { 211 });
        let failed = places.filter(|number| {
            let cut = Accidents { cut: Some(*number), seed: *number, ..Accidents::default() };
            life(&model, &image, cut, Faults::none()).result.is_err()
        });
        assert!(failed.count() > 15);
    }
}

#[test]
fn a_volume_goes_on_over_errors_of_the_bus() {
    let model = model(true);
    let image = formatted(&model);
    let whole = life(&model, &image, Accidents::default(), Faults::none());
    for number in (0..whole.bytes).step_by(311) {
        let error = Accidents { bus_error: Some(number), ..Accidents::default() };
        let ended = life(&model, &image, error, Faults::none());
        assert_eq!(ended.result, Ok(()), "byte {number}: it is asked again");
    }
}
