//! The driver of serial NOR flash of `hal-adapters` against the chip of `host_sim::wire::nor`, byte
//! by byte.

use fs_core::blocking::device::BlockDevice;
use fs_core::error::{DeviceError, ErrorKind};
use fs_core::units::{ByteOffset, Guarantees};
use hal_adapters::blocking::nor::{Options, SpiNor};
use hal_adapters::nor::{Addressing, Complaints, Id, SfdpError, SpiNorError};
use host_sim::contract;
use host_sim::exec::{block_on, poll_at_most};
use host_sim::rng::Rng;
use host_sim::wire::nor::{Model, NorChip, Pause, Spi};
use host_sim::wire::{Accidents, transcript};

const UNIT: usize = 4096;
const PAGE: usize = 256;

type Driver = SpiNor<Spi, Pause>;

fn closed(chip: &NorChip) -> Driver {
    SpiNor::new(chip.spi(), chip.pause(), Options::CAREFUL)
}

fn opened(chip: &NorChip) -> Driver {
    let mut driver = closed(chip);
    driver.open().expect("a chip");
    driver
}

fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    Rng::new(seed).fill(&mut noise);
    noise
}

fn at(byte: usize) -> ByteOffset {
    ByteOffset(byte as u64)
}

fn read<D: BlockDevice>(device: &mut D, from: usize, bytes: usize) -> Vec<u8> {
    let mut found = vec![0xA5; bytes];
    device.read(at(from), &mut found).expect("a read");
    found
}

/// Chips that differ in what the driver must know of them.
fn models() -> Vec<(&'static str, Model)> {
    let small = Model::small(32);
    let large = Model { blocks: 0x2000, ..Model::large() };
    vec![
        ("one that says everything", small.clone()),
        (
            "one without SFDP",
            Model { id: [0xEF, 0x40, 0x13], has_sfdp: false, blocks: 128, ..small },
        ),
        ("one that keeps its write enable", Model { keeps_enable: true, ..Model::small(32) }),
        ("one with flags", Model { id: [0x20, 0xBA, 0x18], has_flags: true, ..Model::small(32) }),
        (
            "one that stays busy with errors",
            Model { id: [0x01, 0x20, 0x18], has_error_status: true, ..Model::small(32) },
        ),
        ("a Macronix without error bits", Model { id: [0xC2, 0x20, 0x18], ..Model::small(32) }),
        ("a large one", large.clone()),
        (
            "a large one without SFDP",
            Model { id: [0x9D, 0x70, 0x19], has_sfdp: false, ..large.clone() },
        ),
        ("a large one with a mode", Model { has_four_opcodes: false, ..large }),
    ]
}

#[test]
fn every_chip_is_opened_for_what_it_is() {
    for (name, model) in models() {
        let chip = NorChip::new(model.clone());
        let mut driver = closed(&chip);
        assert_eq!((driver.geometry().size, driver.open()), (0, Ok(())), "{name}");
        let geometry = driver.geometry();
        assert_eq!(geometry.size, u64::from(model.blocks) * 4096, "{name}");
        assert_eq!((geometry.program_unit, geometry.erase_unit), (1, 4096), "{name}");
        let guarantees = Guarantees::NEEDS_ERASE
            | Guarantees::REPROGRAM_ZERO_BITS
            | Guarantees::POWERSAFE_NEIGHBOURS;
        assert_eq!(geometry.guarantees, guarantees, "{name}");
        let found = driver.chip().expect("it is open");
        assert_eq!((found.id, found.page), (Id(model.id), 256), "{name}");
        // The table rounds up: 45 ms are three times 16, and 14 times as long at most.
        let erase = found.erases[0].expect("an erase").times;
        let typical_us = match (model.has_sfdp, model.id) {
            (true, _) => 48_000,
            (false, [0x9D, ..]) => 70_000,
            (false, _) => 45_000,
        };
        assert_eq!(erase.typical_us, typical_us, "{name}");
        let complaints = match model.id {
            [0x20, ..] => Complaints::Flags,
            [0x01, ..] => Complaints::Status,
            _ => Complaints::None,
        };
        assert_eq!(found.complaints, complaints, "{name}");
        let addressing = match (model.blocks > 0x1000, model.has_four_opcodes) {
            (false, _) => Addressing::Three,
            (true, true) => Addressing::FourOpcodes,
            (true, false) => Addressing::FourMode,
        };
        assert_eq!(found.addressing, addressing, "{name}");
        assert_eq!(chip.takes_four(), addressing == Addressing::FourMode, "{name}");
        assert_eq!(chip.breaches(), [""; 0], "{name}");
    }
}

/// Checks what the chips of a run noticed.
#[derive(Default)]
struct Watched(std::cell::RefCell<Vec<NorChip>>);

impl Watched {
    fn chip(&self, model: &Model) -> NorChip {
        let chip = NorChip::new(model.clone());
        self.0.borrow_mut().push(chip.clone());
        chip
    }

    fn check(&self, name: &str) {
        for chip in self.0.borrow().iter() {
            assert_eq!(chip.breaches(), [""; 0], "{name}");
            assert_eq!(chip.array().breaches(), [], "{name}");
        }
    }
}

#[test]
fn the_driver_keeps_the_contract_in_the_blocking_colour() {
    for (name, model) in models() {
        let watched = Watched::default();
        contract::blocking::check(|| opened(&watched.chip(&model)));
        watched.check(name);
    }
}

#[test]
fn the_driver_keeps_the_contract_in_the_asynchronous_colour() {
    use hal_adapters::asynchronous::nor;
    for (name, model) in models() {
        let watched = Watched::default();
        block_on(contract::asynchronous::check(|| {
            let chip = watched.chip(&model);
            let mut driver = nor::SpiNor::new(chip.spi(), chip.pause(), nor::Options::CAREFUL);
            block_on(driver.open()).expect("a chip");
            driver
        }));
        watched.check(name);
    }
}

#[test]
fn erases_are_the_largest_that_fit() {
    let chip = NorChip::new(Model::small(64));
    let mut driver = opened(&chip);
    chip.take_commands();
    driver.erase(at(0x7000), 0x1_A000).expect("an erase");
    let erases: Vec<u8> = chip.take_commands().into_iter().filter(|code| *code != 6).collect();
    assert_eq!(erases, [0x20, 0x52, 0xD8, 0x20]);
}

#[test]
fn a_large_chip_is_reached_to_its_end() {
    for has_four_opcodes in [true, false] {
        let chip = NorChip::new(Model { has_four_opcodes, ..Model::large() });
        let mut driver = opened(&chip);
        let last = (64 << 20) - UNIT;
        // Across the border of what three bytes reach, and at the end.
        for place in [(16 << 20) - UNIT, 0, last - UNIT] {
            let content = noise(2 * UNIT, place as u64);
            driver.erase(at(place), 2 * UNIT as u64).expect("an erase");
            driver.program(at(place), &content).expect("a program");
            assert!(read(&mut driver, place, 2 * UNIT) == content);
            let mut cells = vec![0; 2 * UNIT];
            chip.array().image().peek(place as u64, &mut cells);
            assert!(cells == content, "it is where it should be");
        }
        assert_eq!(chip.breaches(), [""; 0]);
    }
}

/// The story: a chip whose power blinks forgets its mode. It would take the first three bytes of
/// an address of four for the address, and the last one for content.
#[test]
fn a_chip_that_forgot_its_mode_is_changed_in_the_right_place() {
    let chip = NorChip::new(Model { has_four_opcodes: false, ..Model::large() });
    let mut driver = opened(&chip);
    let place = 0x0200_3000;
    for _ in 0..2 {
        chip.power_on();
        assert!(!chip.takes_four());
        driver.erase(at(place), UNIT as u64).expect("an erase");
        chip.power_on();
        driver.program(at(place), b"here").expect("a program");
        assert_eq!(read(&mut driver, place, 4), b"here");
    }
    let mut cells = [0; 0x4000];
    chip.array().image().peek(0x2_0000, &mut cells);
    assert!(cells.iter().all(|byte| *byte == 0xFF), "nothing anywhere else");
    driver.close().expect("a chip");
    assert!(!chip.takes_four(), "a boot ROM finds its code");
    assert_eq!(driver.read(at(0), &mut [0]), Err(SpiNorError::Closed));
    assert_eq!(chip.breaches(), [""; 0]);
}

#[test]
fn a_chip_is_opened_wherever_an_earlier_host_left_it() {
    for suspended in [false, true] {
        let chip = NorChip::new(Model::small(32));
        opened(&chip).program(at(UNIT), &[0; UNIT]).expect("a program");
        // The host is reset in the middle of an erase, which goes on.
        chip.begin_erase(UNIT as u64, suspended);
        let (mut driver, ns) = chip.clock().time(|| opened(&chip));
        assert!((40_000_000..60_000_000).contains(&ns), "{ns} ns: it was waited for");
        assert!(read(&mut driver, UNIT, UNIT).iter().all(|byte| *byte == 0xFF), "whole");
        assert_eq!(chip.breaches(), [""; 0], "it was not reset in the middle of it");
    }
    for (asleep, four) in [(true, false), (false, true), (true, true)] {
        let chip = NorChip::new(Model::small(32));
        opened(&chip).program(at(7), b"kept").expect("a program");
        chip.leave_in(asleep, four);
        assert_eq!(read(&mut opened(&chip), 7, 4), b"kept", "asleep {asleep}, four {four}");
        assert_eq!(chip.breaches(), [""; 0]);
    }
}

#[test]
fn a_chip_that_sleeps_is_woken_by_the_next_request() {
    let chip = NorChip::new(Model { wake_ns: 30_000, ..Model::small(32) });
    let mut driver = opened(&chip);
    driver.program(at(0), b"before").expect("a program");
    for _ in 0..2 {
        driver.sleep().expect("a chip");
        assert!(chip.is_asleep());
        assert_eq!(read(&mut driver, 0, 6), b"before");
        driver.sleep().expect("a chip");
        driver.program(at(300), b"after").expect("a program");
        driver.sleep().expect("a chip");
        driver.erase(at(UNIT), UNIT as u64).expect("an erase");
        assert!(!chip.is_asleep());
    }
    assert_eq!(chip.breaches(), [""; 0]);
}

#[test]
fn a_protected_chip_is_not_written_until_its_protection_is_taken_away() {
    for (status, second) in [(0x04, 0), (0x18, 0), (0, 0x40), (0x1C, 0x42)] {
        let chip = NorChip::new(Model { status, ..Model::small(32) });
        chip.set_second_status(second);
        let mut driver = opened(&chip);
        assert!(
            driver.is_protected() && driver.geometry().guarantees.contains(Guarantees::READ_ONLY)
        );
        chip.take_commands();
        assert_eq!(driver.program(at(0), &[0]), Err(SpiNorError::Protected));
        assert_eq!(driver.erase(at(0), 4096), Err(SpiNorError::Protected));
        assert_eq!(chip.take_commands(), [0; 0], "it was not asked");
        driver.unprotect().expect("a chip that can be written");
        assert!(!driver.is_protected());
        driver.program(at(0), &[0x5A]).expect("a program");
        assert_eq!(read(&mut driver, 0, 1), [0x5A]);
        // It lasts, and other bits are as they were.
        chip.power_on();
        assert!(!opened(&chip).is_protected());
        assert_eq!(chip.status(), 0);
        assert_eq!(chip.breaches(), [""; 0]);
    }
    let chip = NorChip::new(Model { status: 0x9C, is_locked: true, ..Model::small(32) });
    let mut driver = opened(&chip);
    assert_eq!(driver.unprotect(), Err(SpiNorError::Protected));
    assert_eq!(driver.program(at(0), &[0]), Err(SpiNorError::Protected));
}

#[test]
fn what_a_chip_ignores_is_not_taken_for_done() {
    let knows = Options { ignores_protection: true, ..Options::CAREFUL };
    for (keeps_enable, has_flags) in [(false, false), (true, false), (false, true)] {
        let id = if has_flags { [0x20, 0xBA, 0x18] } else { [0xEF, 0x40, 0x18] };
        let chip =
            NorChip::new(Model { id, status: 0x1C, keeps_enable, has_flags, ..Model::small(32) });
        let mut driver = SpiNor::new(chip.spi(), chip.pause(), knows);
        driver.open().expect("a chip");
        assert!(!driver.geometry().guarantees.contains(Guarantees::READ_ONLY));
        let error = driver.program(at(0), b"x").expect_err("protected");
        let wanted = if has_flags { SpiNorError::Protected } else { SpiNorError::Ignored };
        assert_eq!(error, wanted);
        assert_eq!(chip.status() & 2, 0, "no write enable is left");
    }
}

/// What goes to the chip has no checksum, but that a command was not understood is seen.
#[test]
fn a_command_that_was_damaged_on_its_way_is_not_taken_for_done() {
    let damage = |number| {
        let chip = NorChip::new(Model::small(32));
        let mut driver = opened(&chip);
        let flip_to_card = Some((number, 0x80));
        chip.set_accidents(Accidents { flip_to_card, ..Accidents::default() });
        let result = driver.program(at(0), b"some");
        let found = read(&mut driver, 0, 4);
        assert_eq!(chip.breaches(), [""; 0]);
        (result, found)
    };
    // The write enable: it is sent again.
    assert_eq!(damage(0), (Ok(()), b"some".to_vec()));
    // The program, behind a write enable and a status of three bytes.
    assert_eq!(damage(4), (Err(SpiNorError::Ignored), vec![0xFF; 4]));
}

#[test]
fn a_failure_that_the_chip_tells_is_told_and_the_rest_goes_on() {
    let flags = Model { id: [0x20, 0xBA, 0x18], has_flags: true, ..Model::small(32) };
    let status = Model { id: [0x01, 0x20, 0x18], has_error_status: true, ..Model::small(32) };
    for model in [flags, status] {
        let chip = NorChip::new(model);
        let mut driver = opened(&chip);
        driver.program(at(UNIT), b"neighbour").expect("a program");
        chip.fail_next();
        let error = driver.program(at(0), &noise(100, 1)).expect_err("it fails");
        assert_eq!((error, error.kind()), (SpiNorError::Failed, ErrorKind::Medium));
        chip.fail_next();
        assert_eq!(driver.erase(at(0), 4096), Err(SpiNorError::Failed));
        driver.erase(at(0), 4096).expect("the next one does not");
        driver.program(at(0), &noise(100, 2)).expect("nor does this");
        assert_eq!(read(&mut driver, 0, 100), noise(100, 2));
        assert_eq!(read(&mut driver, UNIT, 9), b"neighbour");
        assert_eq!(chip.breaches(), [""; 0]);
    }
}

#[test]
fn a_chip_that_is_not_there_is_found_out_in_time() {
    for floats_low in [false, true] {
        let chip = NorChip::new(Model { floats_low, ..Model::small(32) });
        chip.power_off();
        let mut driver = closed(&chip);
        let (result, ns) = chip.clock().time(|| driver.open());
        assert_eq!(result, Err(SpiNorError::NoChip));
        assert!(ns < 100_000_000, "{ns} ns");
        assert_eq!(driver.geometry().size, 0);
        assert_eq!(driver.read(at(0), &mut []), Err(SpiNorError::Closed));
    }
}

#[test]
fn nothing_waits_longer_than_the_chip_may_take() {
    // It is known by its id to erase in 400 ms, and takes ten seconds.
    let mut model = Model { id: [0xEF, 0x40, 0x13], has_sfdp: false, ..Model::small(128) };
    model.timing.erase_4k_ns = 10_000_000_000;
    let chip = NorChip::new(model);
    let mut driver = opened(&chip);
    let (result, ns) = chip.clock().time(|| driver.erase(at(0), 4096));
    assert_eq!(result, Err(SpiNorError::Busy));
    assert!((400_000_000..450_000_000).contains(&ns), "{ns} ns");
    assert_eq!(driver.read(at(UNIT), &mut [0]), Err(SpiNorError::Busy));
    chip.clock().advance_ns(10_000_000_000);
    driver.program(at(0), b"later").expect("it has come to its end");
    assert_eq!(read(&mut driver, 0, 5), b"later");
    assert_eq!(chip.breaches(), [""; 0]);
}

#[test]
fn a_chip_that_nobody_knows_is_refused_with_its_id() {
    let chip = NorChip::new(Model { id: [0xBF, 0x25, 0x4A], has_sfdp: false, ..Model::small(32) });
    let error = closed(&chip).open().expect_err("it is not in the table");
    assert_eq!(
        (error, error.kind()),
        (SpiNorError::Unknown(Id([0xBF, 0x25, 0x4A])), ErrorKind::Unsupported)
    );
    let chip = NorChip::new(Model::small(32));
    chip.tamper_sfdp(|bytes| bytes[5] = 2);
    assert_eq!(closed(&chip).open(), Err(SpiNorError::Sfdp(SfdpError::Revision)));
    let chip = NorChip::new(Model::small(32));
    chip.tamper_sfdp(|bytes| bytes[11] = 8);
    assert_eq!(closed(&chip).open(), Err(SpiNorError::Sfdp(SfdpError::NoBasicTable)));
    let chip = NorChip::new(Model::small(32));
    // A map of sectors that is two regions.
    chip.tamper_sfdp(|bytes| {
        bytes[6] = 1;
        bytes[0x10..0x18].copy_from_slice(&[0x81, 0, 1, 2, 0x60, 0, 0, 0xFF]);
        bytes.extend([0xFF, 0, 1, 0xFF]);
    });
    assert_eq!(closed(&chip).open(), Err(SpiNorError::Sfdp(SfdpError::NotUniform)));
}

#[test]
fn hostile_tables_are_answered_in_time() {
    let mut opened = 0;
    for seed in 0..3_000_u64 {
        let chip = NorChip::new(Model::small(32));
        let mut rng = Rng::new(seed);
        chip.tamper_sfdp(|bytes| {
            // Behind the signature and the revision, one byte or many.
            for _ in 0..=rng.below(if seed % 3 == 0 { 60 } else { 2 }) {
                let place = 6 + rng.index(bytes.len() - 6);
                bytes[place] = rng.byte();
            }
        });
        let mut driver = closed(&chip);
        let (result, ns) = chip.clock().time(|| driver.open());
        assert!(ns < 31_000_000_000, "seed {seed}: {ns} ns");
        let geometry = driver.geometry();
        opened += u32::from(result.is_ok());
        assert_eq!(result.is_ok(), geometry.size > 0, "seed {seed}");
        assert!(geometry.erase_unit.is_power_of_two(), "seed {seed}");
        assert!(geometry.size.is_multiple_of(geometry.erase_unit.into()), "seed {seed}");
    }
    assert!((500..2_900).contains(&opened), "{opened} were opened");
}

mod golden_transcripts {
    use super::*;

    #[track_caller]
    fn golden(found: &str, wanted: &str) {
        let lines =
            |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
        assert!(lines(found) == lines(wanted), "the transcript is now\n{found}");
    }

    fn of_opening(model: Model) -> String {
        let chip = NorChip::new(model);
        chip.record();
        let _ = opened(&chip);
        transcript(&chip.take_log())
    }

    #[test]
    fn opening_a_chip_with_sfdp() {
        golden(&of_opening(Model::small(32)), include_str!("nor/open-sfdp.txt"));
    }

    #[test]
    fn opening_a_large_chip_with_sfdp() {
        golden(&of_opening(Model::large()), include_str!("nor/open-large.txt"));
    }

    #[test]
    fn opening_a_chip_without_sfdp() {
        let model = Model { id: [0xEF, 0x40, 0x13], has_sfdp: false, ..Model::small(128) };
        golden(&of_opening(model), include_str!("nor/open-known.txt"));
    }

    #[test]
    fn an_erase_a_program_over_a_page_and_a_read() {
        let mut model = Model::small(32);
        (model.timing.program_page_ns, model.timing.erase_4k_ns) = (20_000, 1_100_000);
        let chip = NorChip::new(model);
        let mut driver = opened(&chip);
        chip.record();
        driver.erase(at(0x3000), 4096).expect("an erase");
        driver.program(at(0x31FE), &[1, 2, 3]).expect("a program");
        let _ = read(&mut driver, 0x31FD, 5);
        golden(&transcript(&chip.take_log()), include_str!("nor/change.txt"));
    }
}

/// A life of the driver, every answer compared with what must be.
struct Session {
    /// What each page must hold; `None` if a change of it failed and nothing is known.
    wanted: Vec<Option<Vec<u8>>>,
    failures: u32,
}

impl Session {
    const PAGES: usize = 3 * UNIT / PAGE;

    fn new() -> Self {
        Self { wanted: vec![Some(vec![0xFF; PAGE]); Self::PAGES], failures: 0 }
    }

    fn erase<D: BlockDevice>(&mut self, device: &mut D, unit: usize) {
        let result = device.erase(at(unit * UNIT), UNIT as u64);
        let pages = unit * UNIT / PAGE..(unit + 1) * UNIT / PAGE;
        self.wanted[pages].fill(result.is_ok().then(|| vec![0xFF; PAGE]));
        self.failures += u32::from(result.is_err());
    }

    fn program<D: BlockDevice>(&mut self, device: &mut D, from: usize, content: &[u8]) {
        let result = device.program(at(from), content);
        for (place, byte) in (from..).zip(content) {
            match &mut self.wanted[place / PAGE] {
                Some(page) if result.is_ok() => page[place % PAGE] &= byte,
                page => *page = None,
            }
        }
        self.failures += u32::from(result.is_err());
    }

    fn compare<D: BlockDevice>(&mut self, device: &mut D) {
        for (page, wanted) in self.wanted.iter().enumerate() {
            let Some(wanted) = wanted else { continue };
            let mut found = vec![0xA5; PAGE];
            match device.read(at(page * PAGE), &mut found) {
                Ok(()) => assert!(found == *wanted, "page {page} is wrong"),
                Err(_) => self.failures += 1,
            }
        }
    }

    fn script<D: BlockDevice>(&mut self, device: &mut D) {
        self.program(device, 10, &noise(20, 1));
        self.program(device, PAGE - 8, &noise(24, 2));
        self.erase(device, 1);
        self.program(device, UNIT + 100, &noise(30, 3));
        self.erase(device, 0);
        self.program(device, 2 * UNIT, &noise(12, 4));
        self.program(device, 5, &noise(9, 5));
    }
}

/// A chip whose waits are short, so that most bytes say something.
fn short(model: Model) -> Model {
    let mut model = model;
    (model.timing.program_page_ns, model.timing.erase_4k_ns) = (16_000, 64_000);
    model
}

/// Lives the script with an accident at each byte. Gives how many requests failed in all.
fn at_every_byte(name: &str, model: &Model, accident: impl Fn(u64) -> Accidents) -> u32 {
    let mut failures = 0;
    let run = |number: Option<u64>| {
        let chip = NorChip::new(model.clone());
        let mut driver = opened(&chip);
        chip.set_accidents(number.map(&accident).unwrap_or_default());
        let mut session = Session::new();
        let ((), ns) = chip.clock().time(|| session.script(&mut driver));
        assert!(ns < 60_000_000_000, "{name}, byte {number:?}: {ns} ns");
        (chip, driver, session)
    };
    let (chip, mut driver, mut session) = run(None);
    session.compare(&mut driver);
    assert_eq!((session.failures, chip.breaches().len()), (0, 0), "{name}");
    let bytes = run(None).0.count();
    // A chip that keeps its write enable has every erase read back, which is much of the same.
    let step = if bytes > 2_000 { 29 } else { 1 };
    for number in (0..bytes).step_by(step) {
        let (chip, mut driver, mut session) = run(Some(number));
        chip.set_accidents(Accidents::default());
        // Whatever happened, the chip is as good as new, and holds what it must.
        let before = session.failures;
        failures += before;
        session.compare(&mut driver);
        session.erase(&mut driver, 2);
        session.program(&mut driver, 2 * UNIT + 50, &noise(300, 6));
        session.compare(&mut driver);
        assert_eq!(session.failures, before, "{name}, byte {number}: not usable");
    }
    failures
}

#[test]
fn an_error_of_the_bus_at_every_byte_harms_nothing() {
    for (name, model) in models() {
        let error = |number| Accidents { bus_error: Some(number), ..Accidents::default() };
        assert_eq!(at_every_byte(name, &short(model), error), 0, "{name}: it is asked again");
    }
}

/// What goes to the chip has no checksum, so only what comes from it is disturbed here, and of
/// that all but content, which has none either.
///
/// The story: that two readings of the status must agree was noticed by no test, as a chip that was
/// wrongly taken for ready gave an error in the end, and that was allowed.
#[test]
fn a_flipped_bit_in_what_the_chip_says_of_itself_is_not_even_noticed() {
    let models = models();
    for (name, model) in models.into_iter().filter(|(_, model)| !model.keeps_enable) {
        for bit in [0, 1, 5] {
            let flip = |number: u64| Accidents {
                flip_to_host: Some((number, 1 << bit)),
                ..Accidents::default()
            };
            assert_eq!(at_every_byte(name, &short(model.clone()), flip), 0, "{name}, bit {bit}");
        }
    }
}

#[test]
fn an_accident_at_every_byte_of_opening_gives_the_same_chip_or_an_error() {
    for (name, model) in models() {
        let first = NorChip::new(model.clone());
        let driver = opened(&first);
        let wanted = *driver.chip().expect("it is open");
        for number in 0..first.count() {
            for bit in 0..9 {
                let chip = NorChip::new(model.clone());
                let bus_error = (bit == 8).then_some(number);
                let flip_to_host = (bit < 8).then(|| (number, 1 << (bit & 7)));
                chip.set_accidents(Accidents { bus_error, flip_to_host, ..Accidents::default() });
                let mut driver = closed(&chip);
                match driver.open() {
                    Ok(()) => {
                        let found = *driver.chip().expect("it is open");
                        // A register of complaints that was disturbed is done without.
                        let found =
                            hal_adapters::nor::Chip { complaints: wanted.complaints, ..found };
                        assert_eq!(found, wanted, "{name}, byte {number}, bit {bit}");
                    }
                    Err(error) => assert!(
                        matches!(error, SpiNorError::Bus(_) | SpiNorError::Garbled),
                        "{name}, byte {number}, bit {bit}: {error}"
                    ),
                }
            }
        }
    }
}

#[test]
fn a_future_that_is_dropped_anywhere_harms_nothing() {
    use fs_core::asynchronous::device::BlockDevice as _;
    use hal_adapters::asynchronous::nor;
    let content = noise(300, 30);
    for polls in 1.. {
        let chip = NorChip::new(short(Model::small(32)));
        let mut driver = nor::SpiNor::new(chip.spi(), chip.pause(), nor::Options::CAREFUL);
        block_on(driver.open()).expect("a chip");
        block_on(driver.program(at(UNIT), &content)).expect("a program");
        let life = async {
            driver.program(at(100), &content).await?;
            driver.read(at(100), &mut [0; 300]).await?;
            driver.erase(at(0), UNIT as u64).await?;
            driver.sleep().await?;
            driver.program(at(0), &content).await?;
            driver.sync().await
        };
        let is_over = poll_at_most(life, polls).is_some();
        let mut found = [0; 300];
        block_on(driver.read(at(UNIT), &mut found)).expect("a read");
        assert!(found == content[..], "dropped after {polls} polls");
        block_on(driver.erase(at(0), UNIT as u64)).expect("an erase");
        block_on(driver.program(at(50), &content)).expect("a program");
        block_on(driver.read(at(50), &mut found)).expect("a read");
        assert!(found == content[..], "dropped after {polls} polls");
        assert_eq!(chip.breaches(), [""; 0], "dropped after {polls} polls");
        if is_over {
            assert!(polls > 30, "{polls} polls");
            break;
        }
    }
}
