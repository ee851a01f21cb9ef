//! Small overwrites inside a large file: they go to patch blocks, and nothing of that is seen.
#![cfg(feature = "blocking")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "shared/plain.rs"]
mod plain;

use fs_core::blocking::Volume;
use fs_core::{Error, OpenOptions};
use plain::{OPEN, Ram, formatted, with};

fn content(volume: &Volume<'_, Ram<'_>>, path: &str) -> Vec<u8> {
    let file = volume.open(path, OpenOptions::READ).unwrap();
    let mut found = Vec::new();
    let mut buffer = [0; 700];
    loop {
        match volume.read_at(file, found.len() as u64, &mut buffer).unwrap() {
            0 => break,
            read => found.extend_from_slice(&buffer[..read]),
        }
    }
    volume.close(file).unwrap();
    found
}

fn make(volume: &Volume<'_, Ram<'_>>, path: &str, content: &[u8]) {
    let file = volume.open(path, OPEN.truncate()).unwrap();
    let mut done = 0;
    while done < content.len() {
        done += volume.write_at(file, done as u64, &content[done..]).unwrap();
    }
    volume.close(file).unwrap();
}

fn bytes_of(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed | 1);
    (0..length).map(|_| random.next() as u8).collect()
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 3
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }
}

fn put(volume: &Volume<'_, Ram<'_>>, path: &str, at: usize, bytes: &[u8], synced: bool) {
    let file = volume.open(path, OPEN).unwrap();
    let mut done = 0;
    while done < bytes.len() {
        done += volume.write_at(file, (at + done) as u64, &bytes[done..]).unwrap();
    }
    if synced {
        volume.sync_file(file).unwrap();
    }
    volume.close(file).unwrap();
}

#[test]
fn an_overwrite_takes_no_block_of_its_own() {
    let mut image = formatted(128, 0xFF);
    with(&mut image, |volume| {
        make(volume, "/f", &bytes_of(1, 60_000));
        let before = volume.info().unwrap().free.0;
        for n in 0..12 {
            put(volume, "/f", 300 + n * 4096, &[n as u8; 100], true);
        }
        // One patch block holds what would have been twelve copies; the journal may take another.
        assert!(before - volume.info().unwrap().free.0 <= 4);
        volume.check().unwrap();
    });
}

#[test]
fn patches_stay_few_and_right_over_many_overwrites_and_sessions() {
    for (size, rounds) in [(5000, 120), (40_000, 600), (300_000, 900)] {
        let mut image = formatted(256, 0xFF);
        let mut wanted = bytes_of(size as u64, size);
        let mut random = Random(size as u64 * 77 + 1);
        let blocks = size.div_ceil(4096);
        with(&mut image, |volume| make(volume, "/f", &wanted));
        let free = with(&mut image, |volume| volume.info().unwrap().free.0 as usize);
        let mut left = rounds;
        while left > 0 {
            let session = random.below(left) / 3 + 1;
            left -= session;
            with(&mut image, |volume| {
                for _ in 0..session {
                    let most = if random.below(8) == 0 { 3000 } else { 300 };
                    let length = 1 + random.below(most);
                    let at = random.below(size - length);
                    let bytes = bytes_of(random.next(), length);
                    wanted[at..at + length].copy_from_slice(&bytes);
                    put(volume, "/f", at, &bytes, random.below(2) == 0);
                }
                assert!(content(volume, "/f") == wanted, "{size} bytes, {left} left");
                volume.check().unwrap();
                let used = free - volume.info().unwrap().free.0 as usize;
                // At most five patch blocks for each sixteen blocks; the tree and the journal.
                let most = blocks.div_ceil(16) * 5 + 12;
                assert!(used <= most, "{used} blocks more for {blocks}");
            });
        }
        with(&mut image, |volume| {
            volume.remove("/f").unwrap();
            while volume.info().unwrap().free.0 < free as u32 {
                let before = volume.info().unwrap().free.0;
                volume.maintain(0).unwrap();
                if volume.info().unwrap().free.0 == before {
                    break;
                }
            }
            volume.check().unwrap();
        });
    }
}

#[test]
fn what_was_patched_does_not_come_back_behind_a_cut() {
    let mut image = formatted(128, 0xFF);
    for (round, cut) in [0, 100, 4096, 5000, 8192, 20_000].into_iter().enumerate() {
        with(&mut image, |volume| {
            let mut wanted = bytes_of(9, 50_000);
            make(volume, "/f", &wanted);
            for at in [200, 4400, 5100, 9000, 20_100, 33_000] {
                put(volume, "/f", at, b"SECRET", true);
                wanted[at..at + 6].copy_from_slice(b"SECRET");
            }
            assert!(content(volume, "/f") == wanted);
            volume.truncate("/f", cut as u64).unwrap();
            wanted.truncate(cut);
            if round % 2 == 0 {
                volume.mkdir(&format!("/d{round}")).unwrap();
            }
            wanted.resize(45_000, 0);
            wanted.extend_from_slice(b"end");
            put(volume, "/f", 45_000, b"end", true);
            assert!(content(volume, "/f") == wanted, "cut to {cut}");
            put(volume, "/f", 30_000, b"again", true);
            wanted[30_000..30_005].copy_from_slice(b"again");
            assert!(content(volume, "/f") == wanted, "cut to {cut}");
            volume.check().unwrap();
        });
    }
}

#[test]
fn a_discarded_overwrite_leaves_the_committed_one() {
    let mut image = formatted(128, 0xFF);
    with(&mut image, |volume| {
        let mut wanted = bytes_of(4, 50_000);
        make(volume, "/f", &wanted);
        let file = volume.open("/f", OPEN).unwrap();
        for n in 0..40_usize {
            let at = n * 1000 + 17;
            let text = [n as u8; 90];
            assert_eq!(volume.write_at(file, at as u64, &text).unwrap(), 90);
            // Forces what is in the buffer out to its slot.
            assert_eq!(volume.write_at(file, 45_000, &text).unwrap(), 90);
            if n % 3 == 0 {
                volume.discard(file).unwrap();
            } else {
                volume.sync_file(file).unwrap();
                wanted[at..at + 90].copy_from_slice(&text);
                wanted[45_000..45_090].copy_from_slice(&text);
            }
        }
        volume.close(file).unwrap();
        assert!(content(volume, "/f") == wanted);
        volume.check().unwrap();
    });
}

#[test]
fn a_patched_file_is_rewritten_in_place_whole() {
    let mut image = formatted(256, 0xFF);
    with(&mut image, |volume| {
        let size = 300_000;
        make(volume, "/f", &bytes_of(5, size));
        for at in (100..size).step_by(7777) {
            put(volume, "/f", at, b"patched", true);
        }
        let wanted = bytes_of(6, size);
        let file = volume.open("/f", OPEN).unwrap();
        let mut done = 0;
        while done < size {
            let end = (done + 4096).min(size);
            match volume.write_at(file, done as u64, &wanted[done..end]) {
                Ok(taken) => done += taken,
                Err(error) => {
                    assert_eq!(error, Error::DraftTooBig);
                    volume.sync_file(file).unwrap();
                }
            }
        }
        volume.close(file).unwrap();
        assert!(content(volume, "/f") == wanted);
        volume.check().unwrap();
    });
}
