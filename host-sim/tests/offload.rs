//! Transfers that hardware carries out, against a model of plain byte strings: any number at once,
//! ended in any order with any status, beside everything else that happens to the file.
#![allow(clippy::cast_possible_truncation, clippy::arithmetic_side_effects, reason = "tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::panic, clippy::too_many_lines, reason = "tests")]

use fs_core::api::{AllocateFlags, Durability, MapFor, Mapping, OpId};
use fs_core::blocking::Volume;
use fs_core::blocking::device::BlockDevice;
use fs_core::error::ErrorKind;
use fs_core::extent::{Extent, ExtentKind, ExtentList};
use fs_core::memory::Operation;
use fs_core::units::ByteOffset;
use fs_core::{Error, FileId, FormatOptions, MountOptions, OpenOptions};
use host_sim::chip::{Nor, Spec};
use host_sim::rng::Rng;
use host_sim::subject::Lent;

const BLOCK: u64 = 4096;
const RW: OpenOptions = OpenOptions::new().read().write().create();

fn formatted(spec: Spec) -> Nor {
    let nor = Nor::new(spec);
    Volume::format(&mut nor.clone(), &mut Lent::new(), &FormatOptions::default()).expect("formats");
    nor
}

/// Mounts, and checks afterwards what both readers say.
fn with<T>(nor: &Nor, body: impl FnOnce(&Volume<'_, Nor>) -> T) -> T {
    let (mut device, mut memory) = (nor.clone(), Lent::new());
    let mut operations = [Operation::EMPTY; 4];
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).expect("mounts");
    let volume = volume.with_operations(&mut operations);
    let done = body(&volume);
    volume.sync().expect("syncs");
    volume.check().expect("nothing is wrong");
    drop(volume);
    let report = host_sim::stranger::check(&nor.image()).expect("a volume");
    assert_eq!(report.findings.first(), None);
    done
}

fn below(rng: &mut Rng, bound: usize) -> usize {
    rng.below(bound as u64) as usize
}

/// Bytes that say where they belong.
fn text(seed: u64, length: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    (0..length).map(|_| rng.below(255) as u8 + 1).collect()
}

/// Bytes of an append unit.
fn unit_of(nor: &Nor) -> u64 {
    nor.geometry().program_unit.max(256).into()
}

/// What hardware does with a ticket: programs the first `done` bytes, whole append units.
fn transfer(nor: &Nor, runs: &[Extent], bytes: &[u8], from: u64, done: u64) {
    let unit = unit_of(nor);
    for run in runs {
        assert!(run.fresh && run.kind != ExtentKind::Zero);
        let start = (run.logical.0 - from).min(done);
        let end = (run.logical.0 + run.length - from).min(done);
        let mut piece = bytes[start as usize..end as usize].to_vec();
        piece.resize(piece.len().next_multiple_of(unit as usize), 0);
        for (number, unit_bytes) in piece.chunks(unit as usize).enumerate() {
            let at = run.physical.plus(number as u64 * unit);
            nor.clone().program(at, unit_bytes).expect("the chip takes it");
        }
    }
}

fn read_all(volume: &Volume<'_, Nor>, id: FileId) -> Vec<u8> {
    let size = volume.stat_file(id).unwrap().size as usize;
    let mut content = vec![0xEE; size + 1];
    let mut done = 0;
    loop {
        match volume.read_at(id, done as u64, &mut content[done..]).unwrap() {
            0 => break,
            read => done += read,
        }
    }
    content.truncate(done);
    content
}

fn put(model: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if model.len() < at + bytes.len() {
        model.resize(at + bytes.len(), 0);
    }
    model[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Maps all of a range for writing, with a list of `slots` runs; what was mapped of it.
fn map_all(
    volume: &Volume<'_, Nor>,
    id: FileId,
    (from, length): (u64, u64),
    slots: usize,
) -> Result<(OpId, u64, Vec<Extent>), Error> {
    let mut places = vec![Extent::zero(ByteOffset(0), 0); slots];
    let mut runs = ExtentList::new(&mut places);
    let (mut op, mut covered, mut all) = (None, 0, Vec::new());
    loop {
        let range = (from + covered, length - covered);
        let mapping = volume.map(id, range, MapFor::Write, op, &mut runs)?;
        all.extend_from_slice(runs.as_slice());
        op = op.or(mapping.op);
        covered += mapping.covered;
        if !mapping.more || covered == length {
            return Ok((op.expect("something is mapped"), covered, all));
        }
    }
}

#[test]
fn a_file_is_recorded_and_nothing_shows_before_it_is_complete() {
    let nor = formatted(Spec::small(64));
    let bytes = text(1, 20_000);
    with(&nor, |volume| {
        let id = volume.open("take", RW).unwrap();
        let (op, covered, runs) = map_all(volume, id, (0, 20_000), 4).unwrap();
        assert_eq!(covered, 20_000);
        assert_eq!(runs.len(), 1, "one run on an empty volume: {runs:?}");
        transfer(&nor, &runs, &bytes, 0, covered);
        assert_eq!(volume.stat_file(id).unwrap().size, 0);
        volume.sync().unwrap();
        assert_eq!(volume.stat("take").unwrap().size, 0);
        let attributes = volume.complete(op, covered, Ok(()), Durability::Committed).unwrap();
        assert_eq!(attributes.size, 20_000);
        assert_eq!(volume.complete(op, 1, Ok(()), Durability::Deferred), Err(Error::Stale));
        assert_eq!(read_all(volume, id), bytes);
    });
    with(&nor, |volume| {
        let id = volume.open("take", RW).unwrap();
        assert_eq!(read_all(volume, id), bytes);
    });
}

#[test]
fn what_fails_is_as_if_it_had_not_been_planned() {
    let nor = formatted(Spec::small(64));
    let old = text(2, 10_000);
    with(&nor, |volume| {
        let id = volume.open("f", RW).unwrap();
        assert_eq!(volume.write_at(id, 0, &old).unwrap(), old.len());
        volume.sync_file(id).unwrap();
        let free = volume.info().unwrap().free;
        let (op, _, runs) = map_all(volume, id, (4096, 40_000), 4).unwrap();
        transfer(&nor, &runs, &text(3, 40_000), 4096, 40_000);
        let failed = Err(Error::Device(ErrorKind::Transport));
        volume.complete(op, 40_000, failed, Durability::Committed).unwrap();
        assert_eq!(read_all(volume, id), old);
        volume.sync().unwrap();
        assert_eq!(volume.info().unwrap().free, free);
    });
}

/// Apple's own module cuts the file to what it was when the first of two extending writes began,
/// though the second has succeeded meanwhile.
#[test]
fn a_failed_writer_does_not_take_another_ones_data_along() {
    for order in [[0, 1], [1, 0]] {
        let nor = formatted(Spec::small(64));
        let halves = [text(4, 4096), text(5, 4096)];
        with(&nor, |volume| {
            let id = volume.open("f", RW).unwrap();
            let ops = [0, 1].map(|half: u64| {
                let (op, _, runs) = map_all(volume, id, (half * BLOCK, BLOCK), 2).unwrap();
                transfer(&nor, &runs, &halves[half as usize], half * BLOCK, BLOCK);
                op
            });
            for which in order {
                let failed = Err(Error::Device(ErrorKind::Medium));
                let status = if which == 0 { failed } else { Ok(()) };
                volume.complete(ops[which], BLOCK, status, Durability::Committed).unwrap();
            }
            let mut wanted = vec![0; 4096];
            wanted.extend_from_slice(&halves[1]);
            assert_eq!(read_all(volume, id), wanted);
        });
    }
}

/// A size that was raised in memory when the transfer was planned must not reach the medium with
/// other attributes of the file.
#[test]
fn other_attributes_do_not_carry_a_size_to_the_medium() {
    let nor = formatted(Spec::small(64));
    with(&nor, |volume| {
        let id = volume.open("f", RW).unwrap();
        let _ = map_all(volume, id, (0, 3 * BLOCK), 2).unwrap();
        let times = fs_core::api::AttributeChange::owner(fs_core::api::Owner {
            mode: 0o600,
            user: 1,
            group: 2,
        });
        volume.set_file_attributes(id, times).unwrap();
    });
    with(&nor, |volume| assert_eq!(volume.stat("f").unwrap().size, 0));
}

#[test]
fn an_operation_that_is_unknown_or_over_is_refused_and_counts_nothing() {
    let nor = formatted(Spec::small(64));
    with(&nor, |volume| {
        let id = volume.open("f", RW).unwrap();
        let ops: Vec<OpId> = (0..4_u64)
            .map(|number| map_all(volume, id, (number * BLOCK, BLOCK), 1).unwrap().0)
            .collect();
        assert_eq!(map_all(volume, id, (9 * BLOCK, BLOCK), 1).unwrap_err(), Error::NoSlot);
        for op in &ops {
            volume.complete(*op, 0, Ok(()), Durability::Deferred).unwrap();
            assert_eq!(volume.complete(*op, 9, Ok(()), Durability::Deferred), Err(Error::Stale));
        }
        let (op, ..) = map_all(volume, id, (0, BLOCK), 1).unwrap();
        assert!(!ops.contains(&op), "an id names one transfer");
        let range = (u64::MAX - 10, 20);
        assert_eq!(map_all(volume, id, range, 1).unwrap_err(), Error::TooLarge);
        assert_eq!(map_all(volume, id, (7, 20), 1).unwrap_err(), Error::Invalid);
        volume.complete(op, u64::MAX, Ok(()), Durability::Deferred).unwrap();
        assert_eq!(volume.stat_file(id).unwrap().size, BLOCK);
    });
}

#[test]
fn what_a_transfer_writes_to_is_busy() {
    let nor = formatted(Spec::small(64));
    with(&nor, |volume| {
        let id = volume.open("f", RW).unwrap();
        volume.write_at(id, 0, &text(1, 3000)).unwrap();
        volume.replace("other", &text(1, 3000)).unwrap();
        let (op, ..) = map_all(volume, id, (BLOCK, 2 * BLOCK), 1).unwrap();
        assert_eq!(volume.write_at(id, 2 * BLOCK + 5, b"x"), Err(Error::Busy));
        assert_eq!(volume.set_len(id, BLOCK), Err(Error::Busy));
        assert_eq!(volume.exchange("f", "other"), Err(Error::Busy));
        assert_eq!(volume.replace("f", b"short"), Err(Error::Busy));
        assert_eq!(volume.replace("f", &text(1, 3000)), Err(Error::Busy));
        assert_eq!(map_all(volume, id, (0, 2 * BLOCK), 1).unwrap_err(), Error::Busy);
        assert_eq!(volume.write_at(id, 0, b"x"), Ok(1));
        assert_eq!(volume.write_at(id, 5 * BLOCK, b"x"), Ok(1));
        volume.complete(op, 0, Ok(()), Durability::Deferred).unwrap();
        assert_eq!(volume.write_at(id, 2 * BLOCK + 5, b"x"), Ok(1));
    });
}

/// Every block that is read by a transfer keeps its bytes until the end of it, though the file is
/// gone and the volume is filled meanwhile.
#[test]
fn blocks_that_are_read_are_not_used_again() {
    let nor = formatted(Spec::small(48));
    let bytes = text(8, 30_000);
    with(&nor, |volume| {
        volume.replace("f", &bytes).unwrap();
        let id = volume.open("f", RW).unwrap();
        let mut places = [Extent::zero(ByteOffset(0), 0); 4];
        let mut runs = ExtentList::new(&mut places);
        let range = (0, 30_000);
        let Mapping { op, covered, .. } =
            volume.map(id, range, MapFor::Read, None, &mut runs).unwrap();
        assert!(covered >= 7 * BLOCK, "{covered}");
        volume.close(id).unwrap();
        volume.remove("f").unwrap();
        for number in 0..60 {
            let name = format!("g{}", number % 3);
            volume.replace(&name, &text(number, 12_000)).unwrap();
        }
        let mut found = vec![0; covered as usize];
        for run in runs.as_slice() {
            let piece = &mut found[run.logical.0 as usize..(run.logical.0 + run.length) as usize];
            nor.clone().read(run.physical, piece).unwrap();
        }
        assert_eq!(found, bytes[..covered as usize]);
        volume.complete(op.unwrap(), covered, Ok(()), Durability::Deferred).unwrap();
    });
}

#[test]
fn drafts_are_kept_for_transfers_under_way() {
    let nor = formatted(Spec::small(64));
    with(&nor, |volume| {
        let ids: Vec<FileId> =
            ["a", "b", "c"].iter().map(|name| volume.open(name, RW).unwrap()).collect();
        let (op, _, runs) = map_all(volume, ids[0], (0, BLOCK), 1).unwrap();
        transfer(&nor, &runs, &text(1, 4096), 0, BLOCK);
        volume.sync_file(ids[0]).unwrap();
        volume.write_at(ids[1], 0, b"one").unwrap();
        volume.write_at(ids[2], 0, b"two").unwrap();
        let last = volume.open("d", RW).unwrap();
        assert_eq!(volume.write_at(last, 0, b"three"), Err(Error::NoDraft));
        volume.complete(op, BLOCK, Ok(()), Durability::Deferred).unwrap();
        assert_eq!(read_all(volume, ids[0]), text(1, 4096));
    });
}

/// A transfer under way, and what it will have written.
struct Under {
    op: OpId,
    from: u64,
    covered: u64,
    behind: u64,
    bytes: Vec<u8>,
}

/// Lives one random history of a file; gives how many transfers were completed.
fn history(spec: Spec, seed: u64) -> u32 {
    let nor = formatted(spec);
    let (mut rng, unit) = (Rng::new(seed), unit_of(&nor));
    let mut completed = 0;
    with(&nor, |volume| {
        let id = volume.open("f", RW).unwrap();
        let other = volume.open("other", RW).unwrap();
        let (mut model, mut durable) = (Vec::new(), Vec::new());
        let mut under: Vec<Under> = Vec::new();
        for step in 0..400_u64 {
            let what = below(&mut rng, 14);
            let size = model.len() as u64;
            match what {
                0..=3 => {
                    let from = below(&mut rng, size as usize / 512 + 20) as u64 * 512 + 512 - unit;
                    let length = 1 + below(&mut rng, 5 * 4096) as u64;
                    let slots = 1 + below(&mut rng, 3);
                    match map_all(volume, id, (from, length), slots) {
                        Ok((op, covered, runs)) => {
                            let bytes = text(seed * 1000 + step, covered as usize);
                            transfer(&nor, &runs, &bytes, from, covered);
                            under.push(Under { op, from, covered, behind: size, bytes });
                        }
                        Err(
                            Error::NoSlot
                            | Error::Busy
                            | Error::Invalid
                            | Error::NoSpace
                            | Error::DraftTooBig,
                        ) => {}
                        Err(error) => panic!("seed {seed}, step {step}: {error:?}"),
                    }
                }
                4..=7 if !under.is_empty() => {
                    let one = under.swap_remove(below(&mut rng, under.len()));
                    let failed = Err(Error::Device(ErrorKind::Transport));
                    let status = if below(&mut rng, 5) == 0 { failed } else { Ok(()) };
                    let done = match below(&mut rng, 3) {
                        0 => below(&mut rng, one.covered as usize + 1) as u64,
                        _ => one.covered,
                    };
                    let late = below(&mut rng, 2) == 0;
                    let durability =
                        if late { Durability::Deferred } else { Durability::Committed };
                    volume.complete(one.op, done, status, durability).unwrap();
                    completed += 1;
                    let mut stop = one.from + done;
                    if done < one.covered {
                        stop -= stop % unit;
                        if stop < one.behind {
                            stop -= stop % BLOCK;
                        }
                    }
                    if status.is_ok() && stop > one.from {
                        let count = (stop - one.from) as usize;
                        put(&mut model, one.from as usize, &one.bytes[..count]);
                    }
                    if !late {
                        durable.clone_from(&model);
                    }
                }
                8 | 9 => {
                    let at = below(&mut rng, model.len() + 3000);
                    let bytes = text(seed * 1000 + step, 1 + below(&mut rng, 3000));
                    let mut done = 0;
                    while done < bytes.len() {
                        match volume.write_at(id, (at + done) as u64, &bytes[done..]) {
                            Ok(taken) => done += taken,
                            Err(Error::Busy | Error::NoSpace | Error::DraftTooBig) => break,
                            Err(error) => panic!("seed {seed}, step {step}: {error:?}"),
                        }
                    }
                    if done > 0 {
                        put(&mut model, at, &bytes[..done]);
                    }
                }
                10 => {
                    let size = below(&mut rng, model.len() + 2000);
                    match volume.set_len(id, size as u64) {
                        Ok(()) => model.resize(size, 0),
                        Err(Error::Busy | Error::NoSpace) => {}
                        Err(error) => panic!("seed {seed}, step {step}: {error:?}"),
                    }
                }
                11 => match volume.sync_file(id) {
                    Ok(()) => durable.clone_from(&model),
                    Err(error) => panic!("seed {seed}, step {step}: {error:?}"),
                },
                12 => {
                    let from = below(&mut rng, 60_000) as u64;
                    match volume.allocate(id, from, 20_000, AllocateFlags::empty()) {
                        Ok(_) => durable.clone_from(&model),
                        Err(Error::NoSpace) => {}
                        Err(error) => panic!("seed {seed}, step {step}: {error:?}"),
                    }
                    durable.clone_from(&model);
                }
                _ => {
                    let bytes = text(step, below(&mut rng, 9000));
                    volume.set_len(other, 0).unwrap();
                    let _ = volume.write_at(other, 0, &bytes);
                    volume.sync_file(other).unwrap();
                }
            }
            let found = read_all(volume, id);
            if found != model {
                let differ = found.iter().zip(&model).position(|(a, b)| a != b);
                let lengths = (found.len(), model.len());
                panic!("seed {seed}, step {step}, call {what}: {lengths:?}, at {differ:?}");
            }
        }
        let _ = durable;
    });
    completed
}

#[test]
fn random_histories_show_what_the_model_says() {
    let mut completed = 0;
    // The last ones were findings once.
    for seed in (1..=12).chain([19, 31, 36, 174, 1229]) {
        completed += history(Spec::small(96), seed);
        completed += history(Spec::card(96), seed);
    }
    assert!(completed > 1000, "{completed}");
}

/// A size that the larger of two transfers would have had must not come with the smaller one, when
/// the larger has failed first.
#[test]
fn the_size_of_a_transfer_that_failed_does_not_come_with_another_one() {
    let nor = formatted(Spec::small(64));
    let first = text(6, 4096);
    with(&nor, |volume| {
        let id = volume.open("f", RW).unwrap();
        let (small, _, runs) = map_all(volume, id, (0, BLOCK), 2).unwrap();
        let (large, ..) = map_all(volume, id, (BLOCK, 8 * BLOCK), 2).unwrap();
        transfer(&nor, &runs, &first, 0, BLOCK);
        let failed = Err(Error::Device(ErrorKind::Transport));
        volume.complete(large, 8 * BLOCK, failed, Durability::Committed).unwrap();
        volume.complete(small, BLOCK, Ok(()), Durability::Committed).unwrap();
        assert_eq!(read_all(volume, id), first);
    });
    with(&nor, |volume| assert_eq!(volume.stat("f").unwrap().size, BLOCK));
}

/// Space that was set aside before is not given back by a transfer that fails.
#[test]
fn a_failure_leaves_the_space_that_was_set_aside() {
    let nor = formatted(Spec::small(64));
    with(&nor, |volume| {
        let id = volume.open("f", RW).unwrap();
        volume.write_at(id, 0, &text(1, 5000)).unwrap();
        volume.allocate(id, 0, 40_000, AllocateFlags::PERSIST).unwrap();
        let free = volume.info().unwrap().free;
        let (op, ..) = map_all(volume, id, (2 * BLOCK, 10_000), 4).unwrap();
        let failed = Err(Error::Device(ErrorKind::Transport));
        volume.complete(op, 0, failed, Durability::Committed).unwrap();
        assert_eq!(volume.info().unwrap().free, free);
        assert_eq!(volume.allocate(id, 0, 40_000, AllocateFlags::PERSIST), Ok(0));
        assert_eq!(read_all(volume, id), text(1, 5000));
    });
}

/// What a completion needs was put by when the transfer was planned: others that take all space
/// meanwhile do not take that.
#[test]
fn a_completion_needs_no_space() {
    for spec in [Spec::small(48), Spec::card(48)] {
        let nor = formatted(spec);
        let bytes = text(9, 3 * 4096 + 700);
        let length = bytes.len() as u64;
        with(&nor, |volume| {
            let id = volume.open("take", RW).unwrap();
            volume.write_at(id, 0, b"head").unwrap();
            volume.sync_file(id).unwrap();
            let (op, covered, runs) = map_all(volume, id, (BLOCK, length), 4).unwrap();
            assert_eq!(covered, length);
            transfer(&nor, &runs, &bytes, BLOCK, covered);
            let full = (0..200).find_map(|number| {
                let name = format!("fill{number}");
                volume.replace(&name, &text(number, 6000)).err()
            });
            assert_eq!(full, Some(Error::NoSpace));
            let attributes = volume.complete(op, covered, Ok(()), Durability::Committed).unwrap();
            assert_eq!(attributes.size, BLOCK + length);
            let mut wanted = b"head".to_vec();
            wanted.resize(4096, 0);
            wanted.extend_from_slice(&bytes);
            assert_eq!(read_all(volume, id), wanted);
        });
    }
}

/// Where a file lies now is knowledge and no ticket; and what lies in an item has no place.
#[test]
fn a_report_is_no_ticket_and_small_contents_are_for_read() {
    let nor = formatted(Spec::small(64));
    with(&nor, |volume| {
        volume.replace("large", &text(1, 9000)).unwrap();
        volume.replace("small", b"an item").unwrap();
        let mut places = [Extent::zero(ByteOffset(0), 0); 4];
        let mut runs = ExtentList::new(&mut places);
        let large = volume.open("large", RW).unwrap();
        for what in [MapFor::Report, MapFor::Read] {
            let mapping = volume.map(large, (0, 9000), what, None, &mut runs).unwrap();
            assert!(mapping.covered >= 2 * BLOCK);
            assert_eq!(mapping.op.is_some(), what == MapFor::Read);
        }
        let small = volume.open("small", RW).unwrap();
        let mapped = volume.map(small, (0, 7), MapFor::Read, None, &mut runs);
        assert_eq!(mapped, Err(Error::NotSupported));
        assert_eq!(read_all(volume, small), b"an item");
    });
}

/// Lengths at which other implementations of offloaded I/O lost bytes or made some up.
#[test]
fn empty_and_tiny_transfers_are_what_they_say() {
    for spec in [Spec::small(64), Spec::card(64)] {
        for length in [1, 14, 15, 255, 256, 257, 511, 512, 513, 4095, 4096, 4097] {
            let nor = formatted(spec);
            let bytes = text(3, length);
            with(&nor, |volume| {
                let id = volume.open("f", RW).unwrap();
                let (op, covered, runs) = map_all(volume, id, (0, length as u64), 1).unwrap();
                assert_eq!(covered, length as u64);
                transfer(&nor, &runs, &bytes, 0, covered);
                volume.complete(op, covered, Ok(()), Durability::Committed).unwrap();
                assert_eq!(read_all(volume, id), bytes);
                let mut places = [Extent::zero(ByteOffset(0), 0); 1];
                let mut runs = ExtentList::new(&mut places);
                let none = volume.map(id, (0, 0), MapFor::Write, None, &mut runs).unwrap();
                assert_eq!((none.op, none.covered), (None, 0));
            });
            with(&nor, |volume| {
                let id = volume.open("f", RW).unwrap();
                assert_eq!(read_all(volume, id), bytes);
            });
        }
    }
}

/// A list of runs of any length leads to the same plan.
#[test]
fn short_lists_are_asked_for_again_and_plan_the_same() {
    let plans: Vec<_> = [1, 2, 8]
        .into_iter()
        .map(|slots| {
            let nor = formatted(Spec::small(64));
            let mut plan = Vec::new();
            with(&nor, |volume| {
                let id = volume.open("f", RW).unwrap();
                let (_, covered, runs) = map_all(volume, id, (0, 30_000), slots).unwrap();
                for run in runs {
                    let places = (0..run.length.div_ceil(BLOCK)).map(|block| block * BLOCK);
                    plan.extend(places.map(|at| (run.logical.0 + at, run.physical.0 + at)));
                }
                assert_eq!(covered, 30_000);
            });
            plan
        })
        .collect();
    assert!(plans.iter().all(|plan| *plan == plans[0]), "{plans:?}");
}
