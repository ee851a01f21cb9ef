//! The SD driver of `hal-adapters` against the card of `host_sim::wire`, byte by byte.

use fs_core::blocking::device::BlockDevice;
use fs_core::error::{DeviceError, ErrorKind};
use fs_core::units::{ByteOffset, Guarantees};
use hal_adapters::blocking::sd::{Bus, Options, Paced, SdCard, Shared, wake};
use hal_adapters::sd::{Kind, SdError};
use host_sim::contract;
use host_sim::exec::{block_on, poll_at_most};
use host_sim::rng::Rng;
use host_sim::wire::{Accidents, Card, Generation, Model, Select, Stopwatch, Wires, transcript};

const SECTOR: usize = 512;
const ALL: [Generation; 3] = [Generation::V1, Generation::V2, Generation::High];

type Driver<H> = SdCard<Bus<Wires, Select, H>, Stopwatch>;

fn closed(card: &Card, options: Options) -> Driver<impl FnMut(&mut Wires, u32) + use<>> {
    let clocked = card.clone();
    let set_hz = move |_: &mut Wires, hz| clocked.set_hz(hz);
    SdCard::new(Bus::new(card.wires(), card.select(), set_hz), card.stopwatch(), options)
}

fn opened(card: &Card) -> Driver<impl FnMut(&mut Wires, u32) + use<>> {
    let mut driver = closed(card, Options::OWN_BUS);
    driver.open().expect("a card");
    driver
}

fn noise(sectors: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; sectors * SECTOR];
    Rng::new(seed).fill(&mut bytes);
    bytes
}

fn at(sector: u64) -> ByteOffset {
    ByteOffset(sector * SECTOR as u64)
}

#[track_caller]
fn golden(found: &str, wanted: &str) {
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let wanted: Vec<String> = lines(wanted).into_iter().filter(|line| !line.is_empty()).collect();
    assert!(lines(found) == wanted, "the transcript is now\n{found}");
}

#[test]
fn every_generation_is_opened_for_what_it_is() {
    for (generation, kind) in ALL.into_iter().zip([Kind::StandardV1, Kind::StandardV2, Kind::High])
    {
        let card = Card::new(Model::new(generation));
        let mut driver = opened(&card);
        assert_eq!(driver.kind(), Some(kind));
        let geometry = driver.geometry();
        assert_eq!((geometry.size, geometry.program_unit), (8 << 20, 512));
        assert_eq!(geometry.guarantees, Guarantees::VOLATILE_CACHE);
        assert_eq!(card.hz(), 25_000_000, "the clock is fast after the initialisation");
        let cid = driver.cid().expect("an identity");
        assert_eq!((cid.name(), cid.serial()), (*b"SIMU1", 0x1234_5678));
        assert_eq!((cid.manufacturer(), cid.oem(), cid.made()), (0x7D, *b"VL", (2026, 11)));
        assert_eq!(driver.sd_status().expect("a status").allocation_bytes, 4 << 20);
        assert!(driver.status().expect("a status").is_fine());
        assert_eq!(card.breaches(), [""; 0]);
    }
}

/// QEMU's card (`ssi-sd`, 7.2) says that it is idle in its answer to CMD58 even when it is ready,
/// and ready in the register behind it. The driver took that for a refusal, and found no card.
#[test]
fn a_card_that_says_idle_to_cmd58_is_opened() {
    for generation in ALL {
        let card = Card::new(Model { idles_at_58: true, ..Model::new(generation) });
        let mut driver = opened(&card);
        driver.program(at(7), &noise(2, 58)).expect("a run");
        driver.sync().expect("a sync");
        assert_eq!(card.breaches(), [""; 0]);
    }
}

#[test]
fn content_comes_back_however_it_is_asked_for() {
    for generation in ALL {
        for response_delay in 0..=8 {
            let read_ns = [0, 640, 200_000, 90_000_000][usize::from(response_delay) % 4];
            let model = Model { response_delay, read_ns, ..Model::new(generation) };
            let card = Card::new(model);
            let mut driver = opened(&card);
            let content = noise(16, u64::from(response_delay));
            driver.program(at(100), &content[..SECTOR]).expect("one");
            driver.program(at(101), &content[SECTOR..9 * SECTOR]).expect("a run");
            driver.program(at(109), &content[9 * SECTOR..]).expect("more of it");
            let mut found = vec![0; content.len()];
            driver.read(at(100), &mut found).expect("a run");
            assert!(found == content);
            for (sector, wanted) in (100..).zip(content.chunks(SECTOR)) {
                driver.read(at(sector), &mut found[..SECTOR]).expect("one");
                assert!(found[..SECTOR] == *wanted);
            }
            driver.sync().expect("a sync");
            assert_eq!(card.breaches(), [""; 0], "{generation:?}, delay {response_delay}");
        }
    }
}

fn on_shared_bus(card: &Card, options: Options) -> impl BlockDevice<Error = SdError> + use<> {
    card.set_hz(400_000);
    wake(&mut card.wires(), &mut card.select()).expect("clocks");
    let clocked = card.clone();
    let link = Shared::new(card.shared(), move |_: &mut _, hz| clocked.set_hz(hz));
    let mut driver = SdCard::new(link, card.stopwatch(), options);
    driver.open().expect("a card");
    driver
}

#[test]
fn the_driver_keeps_the_contract_in_the_blocking_colour() {
    for generation in ALL {
        let make = || Card::new(Model::new(generation));
        contract::blocking::check(|| opened(&make()));
        let erases = Options { erases: true, ..Options::OWN_BUS };
        contract::blocking::check(|| {
            let mut driver = closed(&make(), erases);
            driver.open().expect("a card");
            driver
        });
        let patient = Model { ends_reads: false, ..Model::new(generation) };
        for options in [Options::SHARED_BUS, Options::OWN_BUS] {
            contract::blocking::check(|| on_shared_bus(&Card::new(patient), options));
        }
    }
}

#[test]
fn the_driver_keeps_the_contract_in_the_asynchronous_colour() {
    use hal_adapters::asynchronous::sd;
    for generation in ALL {
        block_on(contract::asynchronous::check(|| {
            let card = Card::new(Model::new(generation));
            let clocked = card.clone();
            let set_hz = move |_: &mut Wires, hz| clocked.set_hz(hz);
            let link = sd::Bus::new(card.wires(), card.select(), set_hz);
            let mut driver = sd::SdCard::new(link, card.stopwatch(), sd::Options::OWN_BUS);
            block_on(driver.open()).expect("a card");
            driver
        }));
    }
}

#[test]
fn a_run_stays_open_until_something_else_is_asked() {
    let card = Card::new(Model::new(Generation::High));
    let mut driver = opened(&card);
    card.take_commands();
    let content = noise(8, 1);
    driver.program(at(8), &content[..2 * SECTOR]).expect("a run");
    assert_eq!(card.take_commands(), [55, 64 + 23, 25], "announced and begun");
    driver.program(at(10), &content[..SECTOR]).expect("one more");
    driver.program(at(11), &content).expect("and more");
    assert_eq!(card.take_commands(), [0; 0], "blocks only");
    driver.sync().expect("a sync");
    assert_eq!(card.take_commands(), [13], "the status behind the stop token");
    driver.sync().expect("a sync");
    assert_eq!(card.take_commands(), [0; 0], "nothing to do");
    driver.program(at(40), &content[..SECTOR]).expect("one");
    assert_eq!(card.take_commands(), [24, 13]);
    driver.program(at(41), &content[..SECTOR]).expect("the next one");
    assert_eq!(card.take_commands(), [25], "it goes on, so a run begins");
    driver.program(at(60), &content[..SECTOR]).expect("elsewhere");
    assert_eq!(card.take_commands(), [13, 24, 13]);
    driver.program(at(61), &content[..2 * SECTOR]).expect("a run");
    driver.read(at(0), &mut [0; SECTOR]).expect("a read");
    assert_eq!(card.take_commands(), [55, 64 + 23, 25, 13, 17]);
    driver.read(at(0), &mut [0; 3 * SECTOR]).expect("a run");
    assert_eq!(card.take_commands(), [18, 12]);
    assert_eq!(card.breaches(), [""; 0]);
}

#[test]
fn a_card_without_runs_is_used_without_them() {
    let model = Model { has_runs: false, has_erase_before: false, ..Model::new(Generation::V1) };
    let card = Card::new(model);
    let mut driver = opened(&card);
    let content = noise(4, 2);
    driver.program(at(5), &content).expect("four");
    let mut found = vec![0; content.len()];
    driver.read(at(5), &mut found).expect("four");
    assert!(found == content);
    card.take_commands();
    driver.program(at(5), &content).expect("four again");
    assert_eq!(card.take_commands(), [24, 13, 24, 13, 24, 13, 24, 13], "not asked for runs again");
    assert_eq!(card.breaches(), [""; 0]);
}

#[test]
fn discard_erases_when_it_is_told_to() {
    let card = Card::new(Model::new(Generation::V2));
    let mut driver = closed(&card, Options { erases: true, ..Options::OWN_BUS });
    driver.open().expect("a card");
    driver.program(at(0), &noise(6, 3)).expect("six");
    card.take_commands();
    driver.discard(at(1), 4 * 512).expect("an erase");
    assert_eq!(card.take_commands(), [13, 32, 33, 38, 13]);
    let erased: Vec<bool> = (0..6).map(|sector| card.sector(sector) == Some([0; 512])).collect();
    assert_eq!(erased, [false, true, true, true, true, false]);
    assert_eq!(card.breaches(), [""; 0]);
}

#[test]
fn a_protected_card_is_not_asked_to_write() {
    let card = Card::new(Model { is_protected: true, ..Model::new(Generation::High) });
    let mut driver = opened(&card);
    assert!(driver.geometry().guarantees.contains(Guarantees::READ_ONLY));
    card.take_commands();
    assert_eq!(driver.program(at(0), &[0; SECTOR]), Err(SdError::WriteProtected));
    assert_eq!(driver.erase(at(0), 512), Err(SdError::WriteProtected));
    assert_eq!(card.take_commands(), [0; 0]);
}

#[test]
fn what_cannot_be_read_is_uncorrectable_and_the_rest_is_read() {
    let card = Card::new(Model::new(Generation::High));
    let mut driver = opened(&card);
    driver.program(at(0), &noise(4, 4)).expect("four");
    driver.sync().expect("a sync");
    card.spoil(2);
    for sectors in [1, 2] {
        let mut found = vec![0; sectors * SECTOR];
        let error = driver.read(at(2), &mut found).expect_err("it is spoilt");
        assert_eq!(error.kind(), ErrorKind::Uncorrectable, "{error}");
        driver.read(at(3), &mut found).expect("the rest");
    }
    driver.program(at(2), &[7; SECTOR]).expect("a write makes it good");
    driver.read(at(2), &mut [0; SECTOR]).expect("a sector");
    assert_eq!(card.breaches(), [""; 0]);
}

#[test]
fn the_last_sector_is_read_with_a_run() {
    let card = Card::new(Model::new(Generation::High));
    let mut driver = opened(&card);
    let last = u64::from(16 * 1024_u32) - 2;
    driver.program(at(last), &[9; 2 * SECTOR]).expect("two");
    let mut found = [0; 2 * SECTOR];
    driver.read(at(last), &mut found).expect("two");
    assert_eq!(found, [9; 2 * SECTOR]);
}

#[test]
fn a_write_that_fails_in_the_card_fails_the_program_or_the_sync() {
    let card = Card::new(Model::new(Generation::High));
    let mut driver = opened(&card);
    card.fail_next_write();
    let error = driver.program(at(0), &[1; SECTOR]).expect_err("one");
    assert_eq!(error.kind(), ErrorKind::Medium);
    driver.sync().expect("the program said it");
    card.fail_next_write();
    driver.program(at(0), &[1; 2 * SECTOR]).expect("a run is accepted");
    driver.read(at(9), &mut [0; SECTOR]).expect("another place");
    assert_eq!(driver.sync().expect_err("lost").kind(), ErrorKind::Medium);
    driver.sync().expect("said once");
    driver.program(at(0), &[1; 2 * SECTOR]).expect("a run");
    driver.sync().expect("now it is there");
    assert_eq!(card.sector(0), Some([1; SECTOR]));
}

#[test]
fn a_socket_without_a_card_answers_in_time() {
    for floats_low in [false, true] {
        let card = Card::new(Model { floats_low, ..Model::new(Generation::High) });
        card.power_off();
        let mut driver = closed(&card, Options::OWN_BUS);
        let (result, ns) = card.clock().time(|| driver.open());
        assert_eq!(result, Err(SdError::Removed));
        assert!(ns < 400_000_000, "{ns} ns");
        assert_eq!(driver.read(at(0), &mut []), Err(SdError::Removed));
        assert_eq!(driver.geometry().size, 0);
    }
}

#[test]
fn a_board_without_a_clock_still_has_deadlines() {
    struct Delay(host_sim::clock::Clock);
    impl embedded_hal::delay::DelayNs for Delay {
        fn delay_ns(&mut self, ns: u32) {
            self.0.advance_ns(u64::from(ns));
        }
    }
    let card = Card::new(Model { read_ns: u64::MAX / 4, ..Model::new(Generation::High) });
    let clocked = card.clone();
    let link = Bus::new(card.wires(), card.select(), move |_: &mut _, hz| clocked.set_hz(hz));
    let timer = Paced::new(Delay(card.clock()));
    let mut driver = SdCard::new(link, timer, Options::OWN_BUS);
    driver.open().expect("a card");
    let (result, ns) = card.clock().time(|| driver.read(at(0), &mut [0; SECTOR]));
    assert_eq!(result, Err(SdError::Late));
    assert!((100_000_000..1_000_000_000).contains(&ns), "{ns} ns");
}

#[test]
fn a_card_that_was_pulled_out_is_removed_until_it_is_opened_again() {
    let card = Card::new(Model::new(Generation::High));
    let mut driver = opened(&card);
    driver.program(at(0), &[1; SECTOR]).expect("one");
    card.power_off();
    assert_eq!(driver.read(at(0), &mut [0; SECTOR]), Err(SdError::Removed));
    card.power_on();
    let before = card.count();
    assert_eq!(driver.read(at(0), &mut [0; SECTOR]), Err(SdError::Removed));
    assert_eq!(driver.sync(), Err(SdError::Removed));
    assert_eq!(card.count(), before, "not asked");
    driver.reopen().expect("the same card");
    driver.read(at(0), &mut [0; SECTOR]).expect("a sector");

    // Out and in again between two calls: it has lost its state, and that is seen.
    card.power_off();
    card.power_on();
    assert_eq!(driver.program(at(0), &[2; SECTOR]), Err(SdError::Removed));
    card.exchange_for(7);
    assert_eq!(driver.reopen(), Err(SdError::OtherCard));
    assert_eq!(driver.read(at(0), &mut [0; SECTOR]), Err(SdError::Removed));
    driver.open().expect("any card");
    assert_eq!(driver.cid().map(|cid| cid.serial()), Some(7));
    assert_eq!(card.sector(0), Some([1; SECTOR]), "nothing was written meanwhile");
}

#[test]
fn a_card_is_opened_wherever_an_earlier_host_left_it() {
    // A host is reset in the middle of a run that it writes; the card keeps its power.
    for left in (0..2000).step_by(7) {
        let card = Card::new(Model::new(Generation::High));
        let _ = opened(&card);
        half_a_run(&card, &noise(2, 5), left);
        let mut driver = opened(&card);
        driver.program(at(4), &[3; SECTOR]).expect("a write");
        driver.read(at(4), &mut [0; SECTOR]).expect("a read");
    }
}

/// The first `bytes` bytes of a run that is written, without a word after them.
fn half_a_run(card: &Card, content: &[u8], bytes: usize) {
    use embedded_hal::digital::OutputPin;
    use embedded_hal::spi::SpiBus;
    let mut sent = vec![0xFF; 8];
    sent.extend(hal_adapters::sd::Command::write_run(4).frame());
    sent.extend([0xFF; 8]);
    for block in content.chunks(SECTOR) {
        sent.push(0xFC);
        sent.extend(block);
        sent.extend(hal_adapters::sd::crc16(0, block).to_be_bytes());
        sent.extend([0xFF; 400]);
    }
    let mut select = card.select();
    select.set_low().expect("a pin");
    card.wires().write(&sent[..bytes.min(sent.len())]).expect("a bus");
    select.set_high().expect("a pin");
}

mod golden_transcripts {
    use super::*;

    fn of_opening(generation: Generation) -> String {
        let card = Card::new(Model { init_polls: 2, ..Model::new(generation) });
        card.record();
        let _ = opened(&card);
        transcript(&card.take_log())
    }

    #[test]
    fn opening_a_card_of_the_first_specification() {
        golden(&of_opening(Generation::V1), include_str!("sd/open-v1.txt"));
    }

    #[test]
    fn opening_a_card_of_the_second_specification() {
        golden(&of_opening(Generation::V2), include_str!("sd/open-v2.txt"));
    }

    #[test]
    fn opening_a_card_of_high_capacity() {
        golden(&of_opening(Generation::High), include_str!("sd/open-high.txt"));
    }

    #[test]
    fn a_run_that_is_read_and_fails_is_stopped() {
        let card = Card::new(Model { read_ns: 5_000, ..Model::new(Generation::High) });
        let mut driver = opened(&card);
        driver.program(at(0), &[0x33; SECTOR]).expect("one");
        card.spoil(1);
        card.record();
        driver.read(at(0), &mut [0; 2 * SECTOR]).expect_err("it is spoilt");
        golden(&transcript(&card.take_log()), include_str!("sd/read-run-abort.txt"));
    }

    #[test]
    fn a_run_that_is_written_is_stopped() {
        let model = Model { run_ns: 5_000, stop_ns: 5_000, ..Model::new(Generation::V2) };
        let card = Card::new(model);
        let mut driver = opened(&card);
        card.record();
        driver.program(at(2), &[0x33; 2 * SECTOR]).expect("two");
        driver.sync().expect("a sync");
        golden(&transcript(&card.take_log()), include_str!("sd/write-run-stop.txt"));
    }
}

/// A life of the driver, every answer compared with what must be.
struct Session {
    /// What each sector must hold; `None` if a write of it failed and nothing is known.
    wanted: Vec<Option<[u8; SECTOR]>>,
    /// Accepted and not synced.
    unsynced: Vec<usize>,
    failures: u32,
}

impl Session {
    const SECTORS: usize = 12;

    fn new() -> Self {
        let wanted = vec![Some([0; SECTOR]); Self::SECTORS];
        Self { wanted, unsynced: Vec::new(), failures: 0 }
    }

    fn program<D: BlockDevice>(&mut self, device: &mut D, first: usize, content: &[u8]) {
        let result = device.program(at(first as u64), content);
        for (sector, block) in (first..).zip(content.chunks(SECTOR)) {
            self.wanted[sector] = result.is_ok().then(|| block.try_into().expect("a sector"));
            self.unsynced.push(sector);
        }
        self.failures += u32::from(result.is_err());
    }

    fn sync<D: BlockDevice>(&mut self, device: &mut D) {
        if device.sync().is_err() {
            self.failures += 1;
            self.forget();
        }
        self.unsynced.clear();
    }

    /// What was accepted may be lost.
    fn forget(&mut self) {
        for sector in self.unsynced.drain(..) {
            self.wanted[sector] = None;
        }
    }

    fn read<D: BlockDevice>(&mut self, device: &mut D, first: usize, sectors: usize) {
        let mut found = vec![0xA5; sectors * SECTOR];
        if device.read(at(first as u64), &mut found).is_err() {
            self.failures += 1;
            return;
        }
        for (sector, found) in (first..).zip(found.chunks(SECTOR)) {
            if let Some(wanted) = &self.wanted[sector] {
                assert!(found == wanted, "sector {sector} is wrong");
            }
        }
    }

    fn script<D: BlockDevice>(&mut self, device: &mut D) {
        self.program(device, 3, &noise(1, 10));
        self.program(device, 4, &noise(1, 11));
        self.program(device, 5, &noise(2, 12));
        self.read(device, 3, 1);
        self.program(device, 0, &noise(3, 13));
        self.sync(device);
        self.read(device, 0, 4);
        self.program(device, 9, &noise(1, 14));
        self.sync(device);
        self.read(device, 9, 1);
    }
}

/// The number of bytes of the script, and then each of them with an accident.
fn at_every_byte(model: Model, accident: impl Fn(u64) -> Accidents) {
    let run = |number: Option<u64>| {
        let card = Card::new(model);
        let mut driver = opened(&card);
        card.set_accidents(number.map(&accident).unwrap_or_default());
        let mut session = Session::new();
        let ((), ns) = card.clock().time(|| session.script(&mut driver));
        assert!(ns < 60_000_000_000, "byte {number:?}: {ns} ns");
        if number.is_none() {
            assert_eq!(session.failures, 0);
            assert_eq!(card.breaches(), [""; 0]);
        }
        (card, driver, session)
    };
    let bytes = run(None).0.count();
    for number in 0..bytes {
        let (card, mut driver, mut session) = run(Some(number));
        card.set_accidents(Accidents::default());
        if !card.is_on() {
            session.forget();
            card.power_on();
            // It may have been pulled out behind the last byte, and nobody has noticed yet.
            session.read(&mut driver, 0, 1);
            assert!(!driver.is_open(), "byte {number}: not noticed");
        }
        if !driver.is_open() {
            driver.reopen().unwrap_or_else(|error| panic!("byte {number}: {error}"));
        }
        // Whatever happened, the card is as good as new, and holds what it must.
        // A sync says once that something was lost.
        session.sync(&mut driver);
        let before = session.failures;
        for sector in 0..Session::SECTORS {
            if session.wanted[sector].is_some() {
                session.read(&mut driver, sector, 1);
            }
        }
        session.program(&mut driver, 0, &noise(Session::SECTORS, 20));
        session.sync(&mut driver);
        session.read(&mut driver, 0, Session::SECTORS);
        assert_eq!(session.failures, before, "byte {number}: not usable");
    }
}

#[test]
fn an_error_of_the_bus_at_every_byte_harms_nothing() {
    let error = |number| Accidents { bus_error: Some(number), ..Accidents::default() };
    at_every_byte(short(Generation::V2), error);
}

#[test]
fn a_flipped_bit_on_the_way_to_the_card_harms_nothing() {
    let flip = |number: u64| Accidents {
        flip_to_card: Some((number, 1 << (number % 8))),
        ..Accidents::default()
    };
    at_every_byte(short(Generation::High), flip);
}

#[test]
fn a_flipped_bit_on_the_way_to_the_host_harms_nothing() {
    let flip = |number: u64| Accidents {
        flip_to_host: Some((number, 1 << (number % 8))),
        ..Accidents::default()
    };
    at_every_byte(short(Generation::V1), flip);
}

/// The story: a line that is low without a card, pulled out behind the token of a block, reads as a
/// block of zeros, and the checksum of zeros is zero. It was taken for the content of the sector.
#[test]
fn a_card_that_is_pulled_out_at_every_byte_is_removed_in_time() {
    for floats_low in [false, true] {
        let model = Model { floats_low, ..short(Generation::High) };
        let pull = |number| Accidents { pull: Some(number), seed: number, ..Accidents::default() };
        at_every_byte(model, pull);
    }
}

/// A card whose waits are short, so that most bytes say something.
fn short(generation: Generation) -> Model {
    let times = Model::new(generation);
    Model { read_ns: 2_000, write_ns: 4_000, run_ns: 2_000, stop_ns: 4_000, ..times }
}

#[test]
fn a_future_that_is_dropped_anywhere_harms_nothing() {
    use fs_core::asynchronous::device::BlockDevice as _;
    use hal_adapters::asynchronous::sd;
    let content = noise(3, 30);
    for polls in 1.. {
        let card = Card::new(short(Generation::High));
        let clocked = card.clone();
        let set_hz = move |_: &mut Wires, hz| clocked.set_hz(hz);
        let link = sd::Bus::new(card.wires(), card.select(), set_hz);
        let mut driver = sd::SdCard::new(link, card.stopwatch(), sd::Options::OWN_BUS);
        block_on(driver.open()).expect("a card");
        block_on(driver.program(at(6), &content[..2 * SECTOR])).expect("a run");
        let life = async {
            driver.program(at(8), &content[..SECTOR]).await?;
            driver.read(at(6), &mut [0; 2 * SECTOR]).await?;
            driver.program(at(1), &content[..SECTOR]).await?;
            driver.program(at(2), &content).await?;
            driver.sync().await
        };
        let is_over = poll_at_most(life, polls).is_some();
        let mut found = [0; SECTOR];
        block_on(driver.read(at(6), &mut found)).expect("a read");
        assert!(found == content[..SECTOR], "dropped after {polls} polls");
        block_on(driver.program(at(1), &content)).expect("a run");
        block_on(driver.sync()).expect("a sync");
        assert_eq!(card.sector(3).as_ref().map(|sector| &sector[..]), Some(&content[2 * SECTOR..]));
        if is_over {
            assert!(polls > 100, "{polls} polls");
            break;
        }
    }
}
