use fs_core::asynchronous::device::BlockDevice as AsyncDevice;
use fs_core::blocking::device::BlockDevice;
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, Guarantees};

use super::{Call, Nor, Spec};
use crate::clock::Timing;
use crate::exec::{block_on, poll_at_most};
use crate::fault::{Astray, Bad, Calls, Cut, Faults, IoError, TearMode};
use crate::image::{Image, Op, Rule};
use crate::rng::{Rng, mix};

fn program(nor: &mut Nor, at: u64, bytes: &[u8]) -> Result<(), ErrorKind> {
    BlockDevice::program(nor, ByteOffset(at), bytes)
}

fn erase(nor: &mut Nor, at: u64, bytes: u64) -> Result<(), ErrorKind> {
    BlockDevice::erase(nor, ByteOffset(at), bytes)
}

fn sync(nor: &mut Nor) -> Result<(), ErrorKind> {
    BlockDevice::sync(nor)
}

fn read(nor: &mut Nor, at: u64, bytes: usize) -> Result<Vec<u8>, ErrorKind> {
    let mut target = vec![0; bytes];
    BlockDevice::read(nor, ByteOffset(at), &mut target).map(|()| target)
}

type Row = (&'static str, u64, fn(&mut Nor));

fn taken(timing: Timing, call: impl FnOnce(&mut Nor)) -> u64 {
    let mut nor = Nor::new(Spec { timing, ..Spec::small(32) });
    let clock = nor.clock();
    clock.time(|| call(&mut nor)).1
}

#[test]
fn commands_take_the_time_of_the_datasheet() {
    let table: [Row; 7] = [
        ("read 512: 517 B", 82_720, |nor| drop(read(nor, 0, 512))),
        ("a page: 261 B + 0.4 ms", 441_760, |nor| program(nor, 0, &[0; 256]).unwrap()),
        ("two pages", 883_520, |nor| program(nor, 256, &[0; 512]).unwrap()),
        ("10 B over a border: 20 B + 0.8 ms", 803_200, |nor| program(nor, 250, &[0; 10]).unwrap()),
        ("erase 4 KiB: 5 B + 45 ms", 45_000_800, |nor| erase(nor, 4096, 4096).unwrap()),
        ("erase 64 KiB: 5 B + 150 ms", 150_000_800, |nor| erase(nor, 0x1_0000, 0x1_0000).unwrap()),
        ("4 + 32 + 32 + 4 KiB", 330_003_200, |nor| erase(nor, 0x7000, 0x1_2000).unwrap()),
    ];
    for (name, ns, call) in table {
        assert_eq!(taken(Timing::W25Q128JV, call), ns, "{name}");
    }
    let most = Timing::W25Q128JV_MAX;
    assert_eq!(taken(most, |nor| program(nor, 0, &[0; 256]).unwrap()), 3_041_760);
    assert_eq!(taken(most, |nor| erase(nor, 0, 4096).unwrap()), 400_000_800);
    assert_eq!(taken(most, |nor| erase(nor, 0, 0x8000).unwrap()), 1_600_000_800);
    assert_eq!(taken(most, |nor| erase(nor, 0, 0x1_0000).unwrap()), 2_000_000_800);
    let partial = Timing::W25Q128JV.with_partial_program();
    let bytes_32 = 37 * 160 + 30_000 + 31 * 2_500;
    assert_eq!(taken(partial, |nor| program(nor, 0, &[0; 32]).unwrap()), bytes_32);
    assert_eq!(taken(partial, |nor| program(nor, 0, &[0; 256]).unwrap()), 441_760, "never more");
    assert_eq!(taken(most, |nor| sync(nor).unwrap()), 0);
}

#[test]
fn counts_what_it_does() {
    let mut nor = Nor::w25q128jv();
    nor.record_times(true);
    program(&mut nor, 200, &[1; 100]).unwrap();
    erase(&mut nor, 0x7000, 0x1_9000).unwrap();
    let first = nor.counters();
    read(&mut nor, 5, 7).unwrap();
    sync(&mut nor).unwrap();
    let counters = nor.counters();
    assert_eq!((first.programs, first.program_pages, first.program_bytes), (1, 2, 100));
    assert_eq!((first.erases, first.erase_bytes), (1, 0x1_9000));
    assert_eq!((first.erases_4k, first.erases_32k, first.erases_64k), (1, 1, 1));
    let since = counters.since(&first);
    assert_eq!((since.reads, since.read_bytes, since.syncs, since.erases), (1, 7, 1, 0));
    assert_eq!(counters.busy_ns, nor.clock().now_ns());
    let wear = nor.wear();
    assert_eq!((wear.total(), wear.max(), wear.min()), (25, 1, 0));
    assert_eq!((wear.0[6], wear.0[7], wear.0[31], wear.0[32]), (0, 1, 1, 0));
    let worst = nor.take_times().into_iter().max_by_key(|timed| timed.ns).unwrap();
    assert_eq!((worst.call, worst.at, worst.ns), (Call::Erase, 0x7000, 315_002_400));
}

#[test]
fn the_power_fails_in_the_middle_and_everything_is_refused_until_it_is_back() {
    let mut nor = Nor::small(8);
    program(&mut nor, 0, &[0x11; 16]).unwrap();
    nor.set_faults(Faults::cut(2, TearMode::Prefix, 5));
    program(&mut nor, 256, &[0x22; 16]).unwrap();
    assert_eq!(program(&mut nor, 512, &[0x33; 768]), Err(ErrorKind::Removed), "second page torn");
    assert!(!nor.is_on());
    assert_eq!(read(&mut nor, 0, 1), Err(ErrorKind::Removed));
    assert_eq!(program(&mut nor, 4096, &[0]), Err(ErrorKind::Removed));
    assert_eq!(erase(&mut nor, 4096, 4096), Err(ErrorKind::Removed));
    assert_eq!(sync(&mut nor), Err(ErrorKind::Removed));
    assert_eq!(BlockDevice::discard(&mut nor, ByteOffset(0), 1), Err(ErrorKind::Removed));
    nor.power_on();
    assert_eq!(read(&mut nor, 0, 16).unwrap(), [0x11; 16]);
    assert_eq!(read(&mut nor, 256, 16).unwrap(), [0x22; 16]);
    assert_eq!(read(&mut nor, 512, 256).unwrap(), [0x33; 256], "first page done");
    let torn = read(&mut nor, 768, 256).unwrap();
    let done = torn.iter().position(|byte| *byte != 0x33).unwrap_or(256);
    assert!(done < 256 && torn[done + 1..].iter().all(|byte| *byte == 0xFF));
    assert_eq!(read(&mut nor, 1024, 256).unwrap(), [0xFF; 256], "third page not begun");
    program(&mut nor, 4096, &[0]).unwrap();
    assert_eq!(nor.breaches(), []);
}

#[test]
fn a_broken_rule_is_recorded_with_its_command() {
    let mut nor = Nor::small(8);
    program(&mut nor, 0, &[1]).unwrap();
    program(&mut nor, 0, &[3]).unwrap();
    let breaches = nor.breaches();
    assert_eq!((breaches.len(), breaches[0].0, breaches[0].1.rule), (1, 1, Rule::NotErased));
    assert_eq!(read(&mut nor, 0, 1).unwrap(), [1], "physics, not wishes");
}

#[test]
fn errors_come_at_their_call_once_or_for_ever() {
    for persistent in [false, true] {
        let mut nor = Nor::small(8);
        program(&mut nor, 0, &[7]).unwrap();
        let kind = ErrorKind::Transport;
        let tear = TearMode::Nothing;
        let error = IoError { calls: Calls::Reads, call: 1, persistent, kind, tear };
        nor.set_faults(Faults { error: Some(error), ..Faults::none() });
        assert_eq!(read(&mut nor, 0, 1).unwrap(), [7]);
        assert_eq!(read(&mut nor, 0, 1), Err(kind));
        assert_eq!(read(&mut nor, 0, 1).is_err(), persistent);
        program(&mut nor, 1, &[7]).unwrap();
        let calls = Calls::Writes;
        let error = IoError { calls, call: 1, persistent, kind, tear: TearMode::Prefix };
        nor.set_faults(Faults { error: Some(error), seed: 3, ..Faults::none() });
        program(&mut nor, 4096, &[0; 8]).unwrap();
        assert_eq!(program(&mut nor, 8192, &[0x5A; 256]), Err(kind));
        let left = read(&mut nor, 8192, 256).unwrap();
        assert!(left.contains(&0x5A) && left.contains(&0xFF), "half done");
        assert_eq!(sync(&mut nor).is_err(), persistent);
    }
}

#[test]
fn bad_blocks_fail_or_do_nothing() {
    let mut nor = Nor::small(8);
    for block in 0..4 {
        program(&mut nor, block * 4096, &[1]).unwrap();
    }
    let bad = [Bad::ProgramFails, Bad::EraseFails, Bad::ProgramLost, Bad::EraseLost];
    nor.set_faults(Faults { bad: (0..).zip(bad).collect(), ..Faults::none() });
    for (block, bad) in (0..).zip(bad) {
        let medium = |fails| if fails { Err(ErrorKind::Medium) } else { Ok(()) };
        let at = block * 4096;
        assert_eq!(program(&mut nor, at + 9, &[0]), medium(bad == Bad::ProgramFails));
        assert_eq!(erase(&mut nor, at, 4096), medium(bad == Bad::EraseFails));
    }
    assert_eq!(read(&mut nor, 0, 10).unwrap(), [0xFF; 10]);
    assert_eq!(read(&mut nor, 12_288, 1).unwrap(), [1], "the erase was lost");
    program(&mut nor, 8192, &[1]).unwrap();
    assert_eq!(read(&mut nor, 8192, 1).unwrap(), [0xFF], "the program was lost");
}

#[test]
fn a_worn_out_block_fails_from_that_moment_on() {
    let mut nor = Nor::small(8);
    nor.set_faults(Faults::cut(4, TearMode::Nothing, 1));
    program(&mut nor, 4096, &[1]).unwrap();
    nor.wear_out(1, Bad::Fails);
    assert_eq!(program(&mut nor, 4100, &[2]), Err(ErrorKind::Medium));
    assert_eq!(erase(&mut nor, 4096, 4096), Err(ErrorKind::Medium));
    program(&mut nor, 8192, &[3]).unwrap();
    assert_eq!(program(&mut nor, 8200, &[3]), Err(ErrorKind::Removed), "the cut is where it was");
}

#[test]
fn a_block_wears_out_after_its_endurance() {
    let mut nor = Nor::new(Spec { endurance: Some(3), ..Spec::small(8) });
    for _ in 0..3 {
        erase(&mut nor, 0, 4096).unwrap();
    }
    program(&mut nor, 0, &[1]).unwrap();
    assert_eq!(erase(&mut nor, 0, 4096), Err(ErrorKind::Medium));
    assert_eq!(program(&mut nor, 9, &[1]), Err(ErrorKind::Medium));
    erase(&mut nor, 4096, 4096).unwrap();
    assert_eq!(nor.wear().max(), 4);
}

#[test]
fn programs_go_astray() {
    let mut nor = Nor::small(8);
    let astray = [(0, Astray::Lost), (2, Astray::Moved(4096))].into();
    nor.set_faults(Faults { astray, ..Faults::none() });
    for at in [0, 256, 512] {
        program(&mut nor, at, &[5]).unwrap();
    }
    let found = [0, 256, 512, 4608].map(|at| read(&mut nor, at, 1).unwrap()[0]);
    assert_eq!(found, [0xFF, 5, 0xFF, 5]);
}

#[test]
fn damage_to_neighbours_comes_only_without_the_promise() {
    let mut harmed = [0, 0];
    for seed in 0..40 {
        for (index, harm) in [false, true].into_iter().enumerate() {
            let spec = Spec::small(8);
            let unsafe_spec = spec.without(Guarantees::POWERSAFE_NEIGHBOURS);
            let mut nor = Nor::new(if harm { unsafe_spec } else { spec });
            program(&mut nor, 0, &[0x5A; 200]).unwrap();
            nor.set_faults(Faults::cut(0, TearMode::Nothing, seed));
            program(&mut nor, 1024, &[0; 16]).unwrap_err();
            nor.power_on();
            harmed[index] += u32::from(read(&mut nor, 0, 200).unwrap() != [0x5A; 200]);
        }
    }
    assert!(harmed[0] == 0 && harmed[1] > 20, "{harmed:?}");
}

#[test]
fn a_dropped_future_leaves_what_was_asked_for() {
    for (tear, first) in [(None, 0xFF), (Some(TearMode::Complete), 0x0F)] {
        let mut nor = Nor::small(8);
        nor.set_faults(Faults { dropped: tear, ..Faults::none() });
        let place = ByteOffset(0);
        assert_eq!(poll_at_most(AsyncDevice::program(&mut nor, place, &[0x0F]), 0), None);
        assert_eq!(nor.image().troubled_blocks(), 0, "never polled: nothing was sent");
        assert_eq!(poll_at_most(AsyncDevice::program(&mut nor, place, &[0x0F]), 1), None);
        assert_eq!(read(&mut nor, 0, 1).unwrap(), [first], "dropped before it took effect");
        let place = ByteOffset(1);
        assert_eq!(poll_at_most(AsyncDevice::program(&mut nor, place, &[0x0F]), 2), None);
        assert_eq!(read(&mut nor, 1, 1).unwrap(), [0x0F], "dropped before it returned");
        let place = ByteOffset(2);
        assert_eq!(poll_at_most(AsyncDevice::program(&mut nor, place, &[0x0F]), 3), Some(Ok(())));
        assert_eq!(nor.breaches(), []);
        program(&mut nor, 0, &[0x0E]).unwrap();
        assert_eq!(nor.breaches().len(), 1, "not erased since");
    }
    let mut nor = Nor::small(8);
    assert_eq!(poll_at_most(AsyncDevice::erase(&mut nor, ByteOffset(0), 4096), 1), None);
    program(&mut nor, 0, &[1]).unwrap();
    assert_eq!(nor.breaches()[0].1.rule, Rule::InterruptedErase);
}

#[test]
fn without_a_sync_a_cache_loses_any_subset() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let mut nor = Nor::new(Spec::small(8).with(Guarantees::VOLATILE_CACHE));
        program(&mut nor, 0, &[1]).unwrap();
        sync(&mut nor).unwrap();
        nor.set_faults(Faults { seed, ..Faults::none() });
        program(&mut nor, 1, &[2]).unwrap();
        program(&mut nor, 2, &[3]).unwrap();
        assert_eq!(read(&mut nor, 0, 3).unwrap(), [1, 2, 3], "reads see the cache");
        nor.power_off();
        nor.power_on();
        let left = read(&mut nor, 0, 3).unwrap();
        assert_eq!(left[0], 1);
        outcomes.insert(left);
    }
    assert!(outcomes.contains(&vec![1, 0xFF, 3]), "the second without the first");
    assert_eq!(outcomes.len(), 3, "{outcomes:?}");
}

#[test]
fn a_sync_that_lies_keeps_nothing() {
    let mut lost = false;
    for seed in 0..20 {
        let mut nor = Nor::new(Spec::small(8).with(Guarantees::VOLATILE_CACHE));
        nor.set_faults(Faults { sync_lies: true, seed, ..Faults::none() });
        program(&mut nor, 0, &[1]).unwrap();
        sync(&mut nor).unwrap();
        nor.power_on();
        lost |= read(&mut nor, 0, 1).unwrap() == [0xFF];
    }
    assert!(lost);
}

/// A run of everything, from a seed.
fn run(seed: u64, cached: bool) -> Nor {
    let mut rng = Rng::new(seed);
    let spec = Spec::small(8).without(Guarantees::POWERSAFE_NEIGHBOURS);
    let mut nor = Nor::new(if cached { spec.with(Guarantees::VOLATILE_CACHE) } else { spec });
    nor.record(true);
    for round in 0..60 {
        let at = rng.below(8 * 4096 - 1000);
        let mut bytes = vec![0; rng.index(1000)];
        rng.fill(&mut bytes);
        if round % 10 == 0 {
            let tear = TearMode::PROGRAM[rng.index(TearMode::PROGRAM.len())];
            let cut = Some(Cut { op: rng.below(12), tear });
            let dropped = Some(tear);
            nor.set_faults(Faults { seed: mix(seed, round), cut, dropped, ..Faults::none() });
        }
        let place = ByteOffset(at / 4096 * 4096);
        let _ = match rng.below(6) {
            0 => erase(&mut nor, place.0, 4096),
            1 => sync(&mut nor),
            2 => poll_at_most(AsyncDevice::erase(&mut nor, place, 4096), 1 + rng.below(3))
                .unwrap_or(Ok(())),
            3 => block_on(AsyncDevice::program(&mut nor, ByteOffset(at), &bytes)),
            4 => read(&mut nor, at, bytes.len()).map(drop),
            _ => program(&mut nor, at, &bytes),
        };
        if !nor.is_on() {
            nor.power_on();
        }
    }
    nor
}

#[test]
fn the_log_rebuilds_the_image_whatever_went_wrong() {
    for seed in 0..200 {
        for cached in [false, true] {
            let nor = run(seed, cached);
            let mut image = Image::blank(8);
            image.replay(&nor.take_log());
            assert_eq!(image.hash(), nor.image().hash(), "seed {seed} cached {cached}");
            assert_eq!(image.to_bytes(), nor.image().to_bytes(), "seed {seed} cached {cached}");
        }
    }
}

#[test]
fn an_image_torn_from_the_log_is_the_image_the_chip_has_after_that_cut() {
    let work = |nor: &mut Nor| {
        let first = [program(nor, 100, &[0x42; 700]), sync(nor)];
        let second = [erase(nor, 0, 8192), program(nor, 0, &[0x24; 300])];
        [first, second].concat()
    };
    let mut whole = Nor::small(8);
    whole.record(true);
    work(&mut whole);
    let log = whole.take_log();
    assert_eq!((log.len() as u64, whole.ops()), (9, 9));
    for (index, op) in log.iter().enumerate() {
        for tear in TearMode::of(op) {
            let mut nor = Nor::small(8);
            let faults = Faults::cut(index as u64, *tear, 6);
            let seed = mix(faults.seed, index as u64);
            nor.set_faults(faults);
            assert!(work(&mut nor).contains(&Err(ErrorKind::Removed)));
            nor.power_on();
            let mut image = Image::blank(8);
            image.replay(&log[..index]);
            image.apply_torn(op, *tear, seed);
            image.power_on();
            assert_eq!(image.hash(), nor.image().hash(), "op {index} {tear:?}");
        }
    }
    assert!(matches!(log[4], Op::Sync));
}

#[test]
fn equal_seeds_have_equal_traces_in_every_build() {
    assert_eq!(run(1, false).trace_hash(), run(1, false).trace_hash());
    assert_ne!(run(1, false).trace_hash(), run(2, false).trace_hash());
    let traces = [run(1, false).trace_hash(), run(1, true).trace_hash()];
    let golden = [0x6bb5_58d6_a0e5_1025, 0x7539_8e04_dc90_24e2];
    assert_eq!(traces, golden, "{traces:#x?}: equal numbers must stay equal numbers");
}

#[test]
fn a_card_takes_the_time_of_its_commands() {
    let spent = |nor: &Nor, work: &mut dyn FnMut(&mut Nor)| {
        let clock = nor.clock();
        clock.time(|| work(&mut nor.clone())).1
    };
    let write = |nor: &mut Nor, sector: u64, sectors: usize| {
        program(nor, sector * 512, &vec![7; sectors * 512]).unwrap();
    };
    let nor = Nor::new(Spec::card(8));
    for (sectors, ns) in [(1, 1_664_000), (2, 1_664_000), (4, 1_664_000), (8, 2_612_000)] {
        assert_eq!(spent(&nor, &mut |nor| write(nor, 0, sectors)), ns, "{sectors} sectors");
    }
    assert_eq!(spent(&nor, &mut |nor| drop(read(nor, 0, 1024).unwrap())), 528_000);
    assert_eq!(spent(&nor, &mut |nor| sync(nor).unwrap()), 0);

    // With a cache the write stays open; what ends it pays for the end.
    let nor = Nor::new(Spec::card(8).with(Guarantees::VOLATILE_CACHE));
    assert_eq!(spent(&nor, &mut |nor| write(nor, 0, 8)), 8 * 264_000);
    assert_eq!(spent(&nor, &mut |nor| write(nor, 8, 8)), 8 * 264_000);
    assert_eq!(spent(&nor, &mut |nor| sync(nor).unwrap()), 500_000);
    assert_eq!(spent(&nor, &mut |nor| sync(nor).unwrap()), 0);
    assert_eq!(spent(&nor, &mut |nor| write(nor, 0, 2)), 2 * 264_000);
    assert_eq!(spent(&nor, &mut |nor| drop(read(nor, 0, 512).unwrap())), 1_136_000 + 364_000);
    // But not behind a lone sector, unless another one follows that one.
    assert_eq!(spent(&nor, &mut |nor| write(nor, 0, 1)), 1_664_000);
    assert_eq!(spent(&nor, &mut |nor| write(nor, 9, 1)), 1_664_000);
    assert_eq!(spent(&nor, &mut |nor| write(nor, 10, 1)), 264_000);
    assert_eq!(spent(&nor, &mut |nor| write(nor, 11, 1)), 264_000);
    assert_eq!(spent(&nor, &mut |nor| sync(nor).unwrap()), 1_136_000);
    assert_eq!(nor.counters().busy_ns, nor.clock().now_ns());

    // Another allocation unit.
    let nor = Nor::new(Spec { timing: Timing::CARD_JUMPS, ..Spec::card(2048) });
    write(&mut nor.clone(), 0, 1);
    assert_eq!(spent(&nor, &mut |nor| write(nor, 8192, 1)), 5_664_000);
    assert_eq!(spent(&nor, &mut |nor| write(nor, 8193, 1)), 1_664_000);
}

#[test]
fn a_large_chip_takes_the_memory_of_what_was_written() {
    let nor = Nor::new(Spec::card(1 << 28));
    let last = (1_u64 << 40) - 512;
    program(&mut nor.clone(), last, &[7; 512]).unwrap();
    assert_eq!(read(&mut nor.clone(), last, 512).unwrap(), [7; 512]);
    assert_eq!(read(&mut nor.clone(), last - 512, 512).unwrap(), [0; 512]);
    assert_eq!(nor.image().clone().size(), 1 << 40);
}
