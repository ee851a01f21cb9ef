//! A volume on a serial NOR flash, through the driver and the wires: cut at every command with
//! every kind of tear, cut at any byte, and disturbed.

#[path = "shared/two_files.rs"]
mod two_files;

use fs_core::blocking::Volume;
use fs_core::{FormatOptions, Memory, MountOptions, Result};
use hal_adapters::blocking::nor::{Options, SpiNor};
use host_sim::fault::{Faults, TearMode};
use host_sim::image::{Image, Op};
use host_sim::wire::Accidents;
use host_sim::wire::nor::{Model, NorChip, Pause, Spi};
use two_files::{Files, Progress};

type Driver = SpiNor<Spi, Pause>;

const FILES: Files = Files { rounds: 3, large_bytes: 5_000 };

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
        .and_then(|volume| FILES.live(&volume, &mut progress));
    let (commands, bytes) = (chip.array().take_log(), chip.count());
    chip.set_accidents(Accidents::default());
    chip.array().set_faults(Faults::none());
    if !chip.is_on() {
        chip.power_on();
    }
    // The host has been reset too.
    let mut device = driver(&chip);
    FILES.go_on(&mut device, &mut memory, progress);
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
