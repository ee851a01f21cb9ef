//! Files of any size over RAM against a map of byte strings: every kind of write, cut, commit and
//! loss of a draft, at every border between units and blocks.
#![cfg(feature = "blocking")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects,
    clippy::too_many_lines,
    reason = "tests"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

#[path = "shared/plain.rs"]
mod plain;

use fs_core::blocking::Volume;
use fs_core::{Error, FileId, OpenOptions};
use plain::{OPEN, Ram, formatted, with};
use std::collections::BTreeMap;

fn write_all(
    volume: &Volume<'_, Ram<'_>>,
    id: FileId,
    at: u64,
    bytes: &[u8],
) -> Result<usize, (Error, usize)> {
    let mut done = 0;
    while done < bytes.len() {
        match volume.write_at(id, at + done as u64, &bytes[done..]) {
            Ok(taken) => done += taken,
            Err(error) => return Err((error, done)),
        }
    }
    Ok(done)
}

fn read_all(volume: &Volume<'_, Ram<'_>>, id: FileId, piece: usize) -> Vec<u8> {
    let mut content = Vec::new();
    let mut buffer = vec![0xEE; piece];
    loop {
        let read = volume.read_at(id, content.len() as u64, &mut buffer).unwrap();
        if read == 0 {
            return content;
        }
        content.extend_from_slice(&buffer[..read]);
    }
}

fn same(found: &[u8], wanted: &[u8], what: &str) {
    if found != wanted {
        let at = found.iter().zip(wanted).position(|(a, b)| a != b);
        panic!("{what}: {} bytes for {}, differ at {at:?}", found.len(), wanted.len());
    }
}

const CHECK_EACH: u32 = 4;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Small and large numbers, and such that are near the borders of units and blocks.
    fn size(&mut self, most: u64) -> u64 {
        let size = match self.below(6) {
            0 => self.below(40),
            1 => self.below(500),
            2 => (self.below(most / 256 + 1) * 256 + self.below(5)).saturating_sub(2),
            3 => (self.below(most / 4096 + 1) * 4096 + self.below(5)).saturating_sub(2),
            _ => self.below(most + 1),
        };
        size.min(most)
    }

    fn bytes(&mut self, length: u64) -> Vec<u8> {
        let tag = self.next() as u8 | 1;
        (0..length).map(|at| tag ^ (at as u8).wrapping_mul(7) ^ (at >> 8) as u8 | 1).collect()
    }
}

#[derive(Clone, Default)]
struct File {
    committed: Vec<u8>,
    shown: Vec<u8>,
}

struct Walk {
    random: Random,
    files: BTreeMap<String, File>,
    most: u64,
    too_big: u32,
    full: u32,
}

impl Walk {
    fn name(&mut self) -> String {
        format!("file-{}", self.random.below(5))
    }

    fn step(
        &mut self,
        volume: &Volume<'_, Ram<'_>>,
        open: &mut Vec<(String, FileId)>,
        log: &mut Vec<String>,
    ) {
        let kind = self.random.below(20);
        if open.len() < 3 && kind < 4 {
            let name = self.name();
            match volume.open(&name, OPEN) {
                Ok(id) => {
                    self.files.entry(name.clone()).or_default();
                    open.push((name, id));
                }
                Err(Error::NoSpace) => self.full += 1,
                Err(error) => panic!("open: {error:?}"),
            }
            return;
        }
        if open.is_empty() {
            return;
        }
        let chosen = self.random.below(open.len() as u64) as usize;
        let (name, id) = open[chosen].clone();
        let file = self.files.get_mut(&name).unwrap();
        match kind {
            0..=9 => {
                let length = self.random.size(self.most / 3).max(1);
                let at = match self.random.below(4) {
                    0 | 1 => file.shown.len() as u64,
                    2 => self.random.size(file.shown.len() as u64),
                    _ => self.random.size(self.most),
                };
                let bytes = self.random.bytes(length);
                log.push(format!("{name} write {length} at {at} of {}", file.shown.len()));
                let (taken, error) = match write_all(volume, id, at, &bytes) {
                    Ok(taken) => (taken, None),
                    Err((error, taken)) => (taken, Some(error)),
                };
                match error {
                    Some(Error::NoSpace) => self.full += 1,
                    Some(Error::DraftTooBig) => self.too_big += 1,
                    Some(Error::NoDraft) | None => {}
                    Some(error) => panic!("write: {error:?}"),
                }
                let end = at as usize + taken;
                if taken > 0 {
                    file.shown.resize(file.shown.len().max(end), 0);
                    file.shown[at as usize..end].copy_from_slice(&bytes[..taken]);
                }
            }
            10 | 11 => {
                let size = self.random.size(self.most);
                log.push(format!("{name} set_len {size} of {}", file.shown.len()));
                match volume.set_len(id, size) {
                    Ok(()) => file.shown.resize(size as usize, 0),
                    Err(Error::NoSpace | Error::NoDraft | Error::DraftTooBig) => {}
                    Err(error) => panic!("set_len: {error:?}"),
                }
            }
            12 | 13 => {
                log.push(format!("{name} sync"));
                volume.sync_file(id).unwrap();
                file.committed.clone_from(&file.shown);
            }
            14 => {
                log.push(format!("{name} discard"));
                volume.discard(id).unwrap();
                file.shown.clone_from(&file.committed);
            }
            15 => {
                log.push(format!("{name} close"));
                volume.close(id).unwrap();
                file.committed.clone_from(&file.shown);
                open.remove(chosen);
            }
            16 => {
                let length = self.random.size(self.most);
                let bytes = self.random.bytes(length);
                log.push(format!("{name} replace {length}"));
                match volume.replace(&name, &bytes) {
                    Ok(()) => *file = File { committed: bytes.clone(), shown: bytes },
                    Err(Error::NoSpace | Error::NoDraft) => {
                        self.full += 1;
                        let shown = read_all(volume, id, 1000);
                        if shown != file.shown {
                            same(&shown, &file.committed, "after a refusal");
                            file.shown = shown;
                        }
                    }
                    Err(error) => panic!("replace: {error:?}"),
                }
            }
            17 => {
                let others: Vec<_> =
                    open.iter().filter(|(other, _)| *other == name).cloned().collect();
                log.push(format!("{name} remove"));
                volume.remove(&name).unwrap();
                self.files.remove(&name);
                for (_, id) in others {
                    volume.close(id).unwrap();
                }
                open.retain(|(other, _)| *other != name);
            }
            18 => {
                log.push(format!("{name} look"));
                let piece = self.random.size(6000).max(1) as usize;
                let found = read_all(volume, id, piece);
                if found != file.shown {
                    eprintln!(
                        "{:#?}",
                        &log.iter().filter(|l| l.starts_with(&name)).collect::<Vec<_>>()
                    );
                }
                same(&found, &file.shown, &name);
            }
            _ => {
                volume.maintain(1).unwrap();
            }
        }
    }

    fn look(&self, volume: &Volume<'_, Ram<'_>>, committed: bool, log: &[String]) {
        for (name, file) in &self.files {
            let id = volume.open(name, OpenOptions::READ).unwrap();
            let found = read_all(volume, id, 5000);
            let wanted = if committed { &file.committed } else { &file.shown };
            if found != *wanted {
                let recent: Vec<_> = log.iter().filter(|line| line.starts_with(name)).collect();
                let recent = &recent[recent.len().saturating_sub(25)..];
                eprintln!("{recent:#?}");
            }
            same(&found, wanted, name);
            volume.close(id).unwrap();
        }
    }
}

fn walk(blocks: usize, most: u64, steps: u32, seed: u64) -> Walk {
    let mut bytes = formatted(blocks, 0xFF);
    let mut walk = Walk { random: Random(seed), files: BTreeMap::new(), most, too_big: 0, full: 0 };
    let mut done = 0;
    while done < steps {
        let mut log = Vec::new();
        let mut failed: Option<String> = None;
        let parked = with(&mut bytes, |volume| {
            let mut open = Vec::new();
            for _ in 0..walk.random.below(150) {
                done += 1;
                walk.step(volume, &mut open, &mut log);
                if done % CHECK_EACH == 0 {
                    walk.look(volume, false, &log);
                }
                if done % CHECK_EACH == 0 {
                    if let Err(error) = volume.check() {
                        failed = Some(format!(
                            "{error:?} after {:#?}",
                            &log[log.len().saturating_sub(12)..]
                        ));
                        return false;
                    }
                }
            }
            walk.look(volume, false, &log);
            let parked = walk.random.below(2) == 0;
            if parked {
                volume.park().unwrap();
            }
            parked
        });
        if let Some(text) = failed {
            if let Ok(path) = std::env::var("SAVE") {
                std::fs::write(path, &bytes).unwrap();
            }
            panic!("{text}");
        }
        for file in walk.files.values_mut() {
            if parked {
                file.committed.clone_from(&file.shown);
            } else {
                file.shown.clone_from(&file.committed);
            }
        }
        with(&mut bytes, |volume| {
            walk.look(volume, true, &log);
            volume.check().unwrap();
        });
    }
    with(&mut bytes, |volume| {
        for name in walk.files.keys() {
            volume.remove(name).unwrap();
        }
        for _ in 0..400 {
            volume.maintain(1).unwrap();
        }
        let report = volume.check().unwrap();
        assert!(report.blocks_used <= 24, "{report:?}");
    });
    walk
}

/// More of them with `SEEDS=100`.
fn seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(4)
}

#[test]
fn agrees_with_byte_strings_on_a_roomy_volume() {
    for seed in 1..=seeds() {
        walk(256, 40_000, 1500, seed * 0x9E37_79B9);
    }
}

#[test]
fn agrees_with_byte_strings_on_a_full_volume() {
    for seed in 1..=seeds() {
        let walk = walk(48, 60_000, 1500, seed * 0x1234_5677);
        assert!(walk.full > 0);
    }
}

/// A new content went to the log in part while it was a draft, since it lay in too many pieces;
/// then it was cut, and committed. What was behind its end there had nobody left to give it back.
#[test]
fn what_was_spilled_and_cut_off_comes_back() {
    let mut bytes = formatted(128, 0xFF);
    with(&mut bytes, |volume| {
        let name = |number: u32| format!("piece-{number}");
        let full = (0..200).find(|number| volume.replace(&name(*number), &[7; 4096]).is_err());
        let full = full.unwrap();
        for number in (0..full).step_by(2) {
            volume.remove(&name(number)).unwrap();
        }
        // What the removal of files leaves to do is done.
        let settled = || {
            for _ in 0..15 {
                volume.mkdir("other").unwrap();
                volume.rmdir("other").unwrap();
            }
        };
        settled();
        let free = volume.info().unwrap().free.0;
        assert!(free > 40);
        let file = volume.open("file", OPEN).unwrap();
        write_all(volume, file, 0, &vec![9; 30 * 4096]).unwrap();
        volume.set_len(file, 2 * 4096).unwrap();
        volume.sync_file(file).unwrap();
        volume.check().unwrap();
        settled();
        volume.check().unwrap();
        let left = volume.info().unwrap().free.0;
        assert!(left + 8 >= free, "{left} blocks of {free}");
        same(&read_all(volume, file, 5000), &[9; 2 * 4096], "file");
    });
}

/// A file that was written anew a thousand times, with nothing else done, kept the blocks of every
/// content that it had had, and an intent for each: commits left them to operations on names.
#[test]
fn a_short_content_that_is_replaced_gives_its_blocks_back_at_once() {
    let mut bytes = formatted(512, 0xFF);
    with(&mut bytes, |volume| {
        let wanted = |round: u8, length: usize| vec![round; length];
        // A run; a run and a tail; a tail of two items beside it, which is too much; three runs.
        for (length, pieces) in [(4096, 1), (4130, 1), (4200, 1), (4096, 3)] {
            let mut free = None;
            for round in 0..40 {
                let file = volume.open("file", OPEN.truncate()).unwrap();
                for piece in 0..pieces {
                    let bytes = wanted(round, length);
                    write_all(volume, file, piece * 12_288, &bytes).unwrap();
                }
                volume.close(file).unwrap();
                volume.check().unwrap();
                let file = volume.open("file", OPEN).unwrap();
                let found = read_all(volume, file, 4096);
                volume.close(file).unwrap();
                same(&found[..length], &wanted(round, length), "file");
                let now = volume.info().unwrap().free.0;
                let first = *free.get_or_insert(now);
                let short = length <= 4130 && pieces == 1;
                assert!(!short || now + 8 >= first, "{length}: {now} blocks of {first}, {round}");
            }
            // What longer ones leave goes with operations on names.
            for _ in 0..120 {
                volume.mkdir("other").unwrap();
                volume.rmdir("other").unwrap();
            }
        }
        volume.check().unwrap();
        let left = volume.info().unwrap().free.0;
        assert!(left > 480, "{left} blocks");
    });
}

/// The pieces that a draft takes before it must be committed: one record has to hold them.
fn pieces_of_a_draft(name: &str, patched: bool, length: usize) -> usize {
    let mut bytes = formatted(512, 0xFF);
    with(&mut bytes, |volume| {
        let file = volume.open(name, OPEN).unwrap();
        let mut wanted = vec![3; 1 << 20];
        write_all(volume, file, 0, &wanted).unwrap();
        volume.sync_file(file).unwrap();
        let place = |number: usize| number * 65_536 + 1000;
        let overwrite = |wanted: &mut Vec<u8>, number: usize, length: usize, byte: u8| {
            let bytes = vec![byte; length];
            let written = write_all(volume, file, place(number) as u64, &bytes);
            let done = written.unwrap_or_else(|(_, done)| done);
            wanted[place(number)..place(number) + done].fill(byte);
            written
        };
        for number in (0..16).filter(|_| patched) {
            overwrite(&mut wanted, number, 100, 4).unwrap();
            volume.sync_file(file).unwrap();
        }
        let mut count = 0;
        let error = loop {
            match overwrite(&mut wanted, count, length, 5) {
                Ok(_) => count += 1,
                Err((error, _)) => break error,
            }
        };
        assert_eq!(error, Error::DraftTooBig);
        volume.sync_file(file).unwrap();
        // What was refused is taken now.
        overwrite(&mut wanted, count, length, 5).unwrap();
        volume.sync_file(file).unwrap();
        same(&read_all(volume, file, 5000), &wanted, name);
        volume.check().unwrap();
        count
    })
}

#[test]
fn scattered_overwrites_are_refused_only_when_a_record_is_full() {
    let long = "n".repeat(255);
    // Small pieces and large ones, in regions without patches and with.
    for (name, least) in [("short", [7, 5, 6, 3]), (&long, [5, 4, 3, 2])] {
        let kinds = [(false, 100), (false, 5000), (true, 100), (true, 5000)];
        let found = kinds.map(|(patched, length)| pieces_of_a_draft(name, patched, length));
        assert!(found.iter().zip(least).all(|(found, least)| *found >= least), "{found:?}");
    }
}

/// The end of a content was in an item when the file grew far behind it, in so many pieces that
/// they went to the log early. Writing into its block then met the item, which is no whole unit,
/// and answered `Bug`.
#[test]
fn the_block_of_an_old_end_is_written_after_pieces_went_to_the_log() {
    let mut bytes = formatted(96, 0xFF);
    let mut wanted = vec![7; 474];
    with(&mut bytes, |volume| {
        let id = volume.open("f", OPEN).unwrap();
        write_all(volume, id, 0, &wanted).unwrap();
        volume.sync_file(id).unwrap();
        wanted.resize(40 * 4096, 0);
        for block in (1..39).step_by(2) {
            let at = block * 4096 + 300;
            write_all(volume, id, at as u64, &[block as u8; 900]).unwrap();
            wanted[at..at + 900].fill(block as u8);
        }
        wanted.truncate(37 * 4096 + 1200);
        write_all(volume, id, 2816, &[9; 300]).unwrap();
        wanted[2816..3116].fill(9);
        same(&read_all(volume, id, 1000), &wanted, "before the commit");
        volume.sync_file(id).unwrap();
        same(&read_all(volume, id, 1000), &wanted, "after it");
        volume.check().unwrap();
    });
}
