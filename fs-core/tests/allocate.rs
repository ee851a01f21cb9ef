//! Space that is set aside: it reads as zero, takes no space when it is written, and goes when it
//! should. And where the bytes of a file lie.
#![cfg(feature = "blocking")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests")]

#[path = "shared/plain.rs"]
mod plain;

use fs_core::blocking::Volume;
use fs_core::extent::ExtentKind;
use fs_core::{AllocateFlags, Error, FileId};
use plain::{OPEN, Ram, formatted, with};
use std::ops::Range;

/// What the medium is full of before.
const SOMETHING_ELSE: u8 = 0x5A;
const NONE: AllocateFlags = AllocateFlags::empty();
const PERSIST: AllocateFlags = AllocateFlags::PERSIST;
const BLOCK: u64 = 4096;

fn free(volume: &Volume<'_, Ram<'_>>) -> u64 {
    volume.info().unwrap().free.0.into()
}

fn read(volume: &Volume<'_, Ram<'_>>, file: FileId) -> Vec<u8> {
    let mut found = Vec::new();
    let mut buffer = [0xEE; 900];
    loop {
        match volume.read_at(file, found.len() as u64, &mut buffer).unwrap() {
            0 => return found,
            read => found.extend_from_slice(&buffer[..read]),
        }
    }
}

fn write(volume: &Volume<'_, Ram<'_>>, file: FileId, at: u64, bytes: &[u8]) {
    let mut done = 0;
    while done < bytes.len() {
        done += volume.write_at(file, at + done as u64, &bytes[done..]).unwrap();
    }
}

fn text(seed: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| seed ^ (at as u8).wrapping_mul(29) ^ (at >> 8) as u8 | 1).collect()
}

#[test]
fn writing_to_what_is_set_aside_takes_no_space() {
    let mut image = formatted(128, SOMETHING_ELSE);
    with(&mut image, |volume| {
        let file = volume.open("/f", OPEN).unwrap();
        let before = free(volume);
        assert_eq!(volume.allocate(file, 0, 80_000, PERSIST).unwrap(), 20 * BLOCK);
        assert_eq!(volume.stat_file(file).unwrap().size, 0);
        assert!(before - free(volume) >= 20);
        // All of it is there already.
        assert_eq!(volume.allocate(file, 5000, 70_000, PERSIST).unwrap(), 0);
        let aside = free(volume);
        let wanted = text(3, 81_920);
        for at in (0..wanted.len()).step_by(1000) {
            write(volume, file, at as u64, &wanted[at..(at + 1000).min(wanted.len())]);
            if at % 7000 == 0 {
                volume.sync_file(file).unwrap();
            }
        }
        volume.sync_file(file).unwrap();
        // What the journal and the tree have taken meanwhile, and no more.
        assert!(aside.saturating_sub(free(volume)) <= 6, "{aside} {}", free(volume));
        assert!(read(volume, file) == wanted);
        volume.check().unwrap();
        volume.close(file).unwrap();
    });
}

#[test]
fn what_is_set_aside_reads_as_zero() {
    let mut image = formatted(128, SOMETHING_ELSE);
    with(&mut image, |volume| {
        volume.replace("/old", &text(0x51, 100_000)).unwrap();
        volume.remove("/old").unwrap();
        while volume.maintain(0).is_ok_and(|_| free(volume) < 100) {}
        let file = volume.open("/f", OPEN).unwrap();
        volume.allocate(file, 0, 60_000, PERSIST).unwrap();
        volume.set_len(file, 50_000).unwrap();
        assert!(read(volume, file) == vec![0; 50_000]);
        write(volume, file, 20_000, b"in the middle");
        let mut wanted = vec![0; 50_000];
        wanted[20_000..20_013].copy_from_slice(b"in the middle");
        assert!(read(volume, file) == wanted);
        volume.sync_file(file).unwrap();
        assert!(read(volume, file) == wanted);
        write(volume, file, 30_000, b"given up");
        volume.discard(file).unwrap();
        assert!(read(volume, file) == wanted);
        volume.close(file).unwrap();
        volume.check().unwrap();
    });
    with(&mut image, |volume| {
        let file = volume.open("/f", OPEN).unwrap();
        let mut wanted = vec![0; 50_000];
        wanted[20_000..20_013].copy_from_slice(b"in the middle");
        assert!(read(volume, file) == wanted);
        // In another session: what was tried in the blocks is not there.
        write(volume, file, 30_000, b"again");
        write(volume, file, 49_000, &text(1, 9000));
        wanted.truncate(49_000);
        wanted.extend_from_slice(&text(1, 9000));
        wanted[30_000..30_005].copy_from_slice(b"again");
        assert!(read(volume, file) == wanted);
        volume.close(file).unwrap();
        volume.check().unwrap();
    });
}

#[test]
fn what_does_not_persist_goes_with_the_last_close() {
    let mut image = formatted(128, SOMETHING_ELSE);
    with(&mut image, |volume| {
        let all = free(volume);
        let file = volume.open("/f", OPEN).unwrap();
        volume.allocate(file, 0, 40 * BLOCK, NONE).unwrap();
        write(volume, file, 0, &text(7, 10_000));
        volume.sync_file(file).unwrap();
        volume.mkdir("/d").unwrap();
        volume.maintain(0).unwrap();
        assert!(free(volume) + 40 <= all, "held while it is open");
        write(volume, file, 10_000, &text(8, 5000));
        volume.close(file).unwrap();
        for _ in 0..12 {
            volume.maintain(0).unwrap();
        }
        assert!(free(volume) + 12 >= all, "{all} {}", free(volume));
        volume.check().unwrap();
        let file = volume.open("/f", OPEN).unwrap();
        let wanted = [text(7, 10_000), text(8, 5000)].concat();
        assert!(read(volume, file) == wanted);
        volume.close(file).unwrap();
    });
    // A cut counts as the last close.
    let left = with(&mut image, |volume| {
        let file = volume.open("/f", OPEN).unwrap();
        let left = free(volume);
        volume.allocate(file, 0, 40 * BLOCK, NONE).unwrap();
        left
    });
    with(&mut image, |volume| {
        for _ in 0..12 {
            volume.maintain(0).unwrap();
        }
        assert!(free(volume) + 6 >= left, "{left} {}", free(volume));
        volume.check().unwrap();
    });
}

#[test]
fn what_persists_stays_and_goes_with_a_cut_of_the_file() {
    let mut image = formatted(128, SOMETHING_ELSE);
    let all = with(&mut image, |volume| {
        volume.replace("/f", &text(1, 6000)).unwrap();
        let all = free(volume);
        let file = volume.open("/f", OPEN).unwrap();
        volume.allocate(file, 0, 30 * BLOCK, PERSIST).unwrap();
        volume.close(file).unwrap();
        all
    });
    with(&mut image, |volume| {
        for _ in 0..12 {
            volume.maintain(0).unwrap();
        }
        assert!(free(volume) + 28 <= all);
        let file = volume.open("/f", OPEN).unwrap();
        assert_eq!(volume.allocate(file, 0, 30 * BLOCK, PERSIST).unwrap(), 0);
        write(volume, file, 6000, &text(2, 3000));
        volume.close(file).unwrap();
        for _ in 0..12 {
            volume.maintain(0).unwrap();
        }
        assert!(free(volume) + 24 <= all, "an append does not give it up");
        volume.truncate("/f", 100).unwrap();
        for _ in 0..12 {
            volume.maintain(0).unwrap();
        }
        assert!(free(volume) + 6 >= all, "{all} {}", free(volume));
        let file = volume.open("/f", OPEN).unwrap();
        assert!(read(volume, file) == text(1, 100));
        volume.close(file).unwrap();
        volume.check().unwrap();
    });
}

/// Pieces that lie apart, so that each is a run of its own and the draft goes to the log early.
fn scattered(volume: &Volume<'_, Ram<'_>>, file: FileId, pieces: Range<u64>) {
    for n in pieces {
        write(volume, file, 1000 + 8192 * n, &text(n as u8, 700));
    }
}

/// A draft that spilled announced all that was behind the end of the file as its own: what had been
/// set aside there to stay went with the last close, though the draft was committed.
#[test]
fn what_persists_stays_behind_a_draft_that_goes_to_the_log_early() {
    let mut image = formatted(256, SOMETHING_ELSE);
    let lengths = [(0, 60 * BLOCK), (100 * BLOCK, 20 * BLOCK)];
    with(&mut image, |volume| {
        volume.replace("/f", &text(1, 1000)).unwrap();
        let before = free(volume);
        let file = volume.open("/f", OPEN).unwrap();
        let aside = |volume: &Volume<'_, Ram<'_>>| {
            lengths.map(|(from, length)| volume.allocate(file, from, length, PERSIST).unwrap())
        };
        aside(volume);
        scattered(volume, file, 0..12);
        // Given up: what had gone to the log goes, and all that was set aside there with it.
        volume.discard(file).unwrap();
        for _ in 0..30 {
            volume.maintain(0).unwrap();
        }
        assert!(free(volume) + 4 > before, "nothing went early: {before} {}", free(volume));
        assert!(read(volume, file) == text(1, 1000));
        volume.check().unwrap();
        // But the block that holds the end.
        assert_eq!(aside(volume), [59 * BLOCK, 20 * BLOCK]);
        let left = free(volume);
        scattered(volume, file, 0..12);
        volume.close(file).unwrap();
        for _ in 0..12 {
            volume.maintain(0).unwrap();
        }
        assert!(left.abs_diff(free(volume)) <= 12, "{left} {}", free(volume));
        volume.check().unwrap();
    });
    with(&mut image, |volume| {
        for _ in 0..12 {
            volume.maintain(0).unwrap();
        }
        let file = volume.open("/f", OPEN).unwrap();
        for (from, length) in lengths {
            assert_eq!(volume.allocate(file, from, length, PERSIST).unwrap(), 0, "it is there");
        }
        let mut wanted = vec![0; 1000 + 8192 * 11 + 700];
        wanted[..1000].copy_from_slice(&text(1, 1000));
        for n in 0..12 {
            let at = 1000 + 8192 * n;
            wanted[at..at + 700].copy_from_slice(&text(n as u8, 700));
        }
        assert!(read(volume, file) == wanted);
        // A draft that is cut short after it went to the log early takes it along.
        scattered(volume, file, 12..24);
        let before = free(volume);
        volume.set_len(file, 1000 + 8192 * 14).unwrap();
        volume.close(file).unwrap();
        for _ in 0..30 {
            volume.maintain(0).unwrap();
        }
        assert!(free(volume) >= before, "{before} {}", free(volume));
        volume.check().unwrap();
        // A cut of the file takes all of it.
        volume.truncate("/f", 10).unwrap();
        for _ in 0..30 {
            volume.maintain(0).unwrap();
        }
        assert!(free(volume) > before + 30, "{before} {}", free(volume));
        volume.check().unwrap();
    });
}

/// What does not persist goes with the last close, also behind a draft that spills.
#[test]
fn what_does_not_persist_goes_behind_a_draft_that_goes_to_the_log_early() {
    let mut image = formatted(256, SOMETHING_ELSE);
    with(&mut image, |volume| {
        volume.replace("/f", &text(1, 1000)).unwrap();
        let all = free(volume);
        let file = volume.open("/f", OPEN).unwrap();
        volume.allocate(file, 0, 60 * BLOCK, NONE).unwrap();
        scattered(volume, file, 0..12);
        volume.sync_file(file).unwrap();
        assert!(free(volume) + 50 <= all, "held while it is open: {} {all}", free(volume));
        volume.close(file).unwrap();
        for _ in 0..12 {
            volume.maintain(0).unwrap();
        }
        // What lies among the bytes of the file belongs to it.
        assert!(free(volume) + 40 > all, "{all} {}", free(volume));
        volume.check().unwrap();
    });
}

#[test]
fn all_or_nothing_and_in_one_piece() {
    let mut image = formatted(64, SOMETHING_ELSE);
    with(&mut image, |volume| {
        for n in 0..10 {
            volume.replace(&format!("/f{n}"), &text(n, 4096 * 2)).unwrap();
        }
        for n in (0..10).step_by(2) {
            volume.remove(&format!("/f{n}")).unwrap();
        }
        for _ in 0..12 {
            volume.maintain(0).unwrap();
        }
        let file = volume.open("/a", OPEN).unwrap();
        let before = free(volume);
        let all = AllocateFlags::ALL;
        assert_eq!(volume.allocate(file, 0, 60 * BLOCK, all), Err(Error::NoSpace));
        assert_eq!(free(volume), before);
        let piece = AllocateFlags::ALL | AllocateFlags::CONTIGUOUS | PERSIST;
        assert_eq!(volume.allocate(file, 0, 8 * BLOCK, piece).unwrap(), 8 * BLOCK);
        volume.set_len(file, 8 * BLOCK).unwrap();
        volume.sync_file(file).unwrap();
        let run = volume.blockmap(file, 0).unwrap();
        assert_eq!((run.kind, run.length), (ExtentKind::Unwritten, 8 * BLOCK));
        // Without ALL as much as there is.
        let part = volume.allocate(file, 0, 60 * BLOCK, NONE).unwrap();
        assert!(part > 0 && part < 52 * BLOCK, "{part}");
        assert_eq!(volume.allocate(file, 0, 60 * BLOCK, NONE), Err(Error::NoSpace));
        volume.check().unwrap();
        volume.close(file).unwrap();
        volume.remove("/a").unwrap();
        for _ in 0..20 {
            volume.maintain(0).unwrap();
        }
        assert!(free(volume) + 4 >= before);
        volume.check().unwrap();
    });
}

#[test]
fn a_run_says_where_the_bytes_are() {
    let mut image = formatted(64, SOMETHING_ELSE);
    let (place, wanted) = with(&mut image, |volume| {
        let wanted = text(5, 20_000);
        volume.replace("/f", &wanted).unwrap();
        let file = volume.open("/f", OPEN).unwrap();
        let run = volume.blockmap(file, 5000).unwrap();
        assert_eq!((run.kind, run.logical.0), (ExtentKind::Data, 5000));
        assert_eq!(run.length, 19_968 - 5000, "as far as whole units go");
        assert_eq!(volume.blockmap(file, 19_999), Err(Error::NotSupported), "the tail");
        assert_eq!(volume.blockmap(file, 20_000), Err(Error::Invalid), "the end");
        volume.set_len(file, 100_000).unwrap();
        volume.sync_file(file).unwrap();
        let hole = volume.blockmap(file, 30_000).unwrap();
        assert_eq!((hole.kind, hole.length), (ExtentKind::Zero, 70_000));
        volume.close(file).unwrap();
        volume.replace("/small", b"an item").unwrap();
        let small = volume.open("/small", OPEN).unwrap();
        assert_eq!(volume.blockmap(small, 0), Err(Error::NotSupported));
        volume.close(small).unwrap();
        (run.physical.0 as usize, wanted)
    });
    assert!(image[place..place + 14_968] == wanted[5000..19_968]);
}

#[test]
fn small_files_and_cut_ones_get_space_too() {
    let mut image = formatted(64, SOMETHING_ELSE);
    with(&mut image, |volume| {
        volume.replace("/s", b"small").unwrap();
        let file = volume.open("/s", OPEN).unwrap();
        assert_eq!(volume.allocate(file, 0, 9000, PERSIST).unwrap(), 3 * BLOCK);
        assert_eq!(read(volume, file), b"small");
        write(volume, file, 5, &text(4, 9000));
        volume.close(file).unwrap();
        let file = volume.open("/s", OPEN).unwrap();
        assert!(read(volume, file) == [b"small".to_vec(), text(4, 9000)].concat());
        volume.set_len(file, 10).unwrap();
        volume.sync_file(file).unwrap();
        assert_eq!(volume.allocate(file, 4096, 8192, NONE).unwrap(), 2 * BLOCK);
        volume.set_len(file, 12_000).unwrap();
        let content = read(volume, file);
        assert!(content[5..10] == text(4, 5)[..] && content[10..].iter().all(|byte| *byte == 0));
        assert_eq!(volume.allocate(file, 0, 0, NONE).unwrap(), 0);
        assert_eq!(volume.allocate(file, u64::MAX, 5, NONE), Err(Error::TooLarge));
        volume.close(file).unwrap();
        volume.check().unwrap();
    });
}
