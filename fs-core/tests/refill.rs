//! A call does its work, and then something that a later call would have to wait for. When that
//! fails, the call has succeeded all the same, and no later one builds on what may be half done.
#![cfg(feature = "blocking")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests")]

use fs_core::blocking::Volume;
use fs_core::blocking::device::{BlockDevice, RamDevice};
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, Geometry};
use fs_core::{Error, FormatOptions, Memory, MountOptions};
use std::cell::Cell;

const BLOCKS: usize = 64;
/// Calls before the one that fails.
const CALLS: usize = 48;

/// What was done so far, and which of it fails.
#[derive(Default)]
struct Events {
    writes: Cell<u64>,
    fails: Cell<Option<u64>>,
    erase_failed: Cell<bool>,
}

impl Events {
    /// Counts a program or erase; whether it is the one that fails.
    fn fails(&self) -> bool {
        let number = self.writes.get();
        self.writes.set(number + 1);
        self.fails.get() == Some(number)
    }
}

struct Failing<'a> {
    ram: RamDevice<'a>,
    events: &'a Events,
}

impl BlockDevice for Failing<'_> {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        self.ram.geometry()
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        self.ram.read(at, target).map_err(|_| ErrorKind::Medium)
    }

    /// One that fails does the first half.
    fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        let fails = self.events.fails();
        let done = if fails { source.len() / 2 } else { source.len() };
        self.ram.program(at, &source[..done]).map_err(|_| ErrorKind::Medium)?;
        if fails { Err(ErrorKind::Medium) } else { Ok(()) }
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        if self.events.fails() {
            self.events.erase_failed.set(true);
            return Err(ErrorKind::Medium);
        }
        self.ram.erase(at, bytes).map_err(|_| ErrorKind::Medium)
    }

    fn discard(&mut self, _: ByteOffset, _: u64) -> Result<(), ErrorKind> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

type Lent = Memory<2048, 4, 2>;

fn mounted<R>(
    bytes: &mut [u8],
    events: &Events,
    run: impl FnOnce(&Volume<'_, Failing<'_>>) -> R,
) -> R {
    let mut device = Failing { ram: RamDevice::new(bytes), events };
    let mut memory = Lent::new();
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    run(&volume)
}

fn content(number: usize) -> Vec<u8> {
    vec![number as u8; 100 + number % 300]
}

fn put(volume: &Volume<'_, Failing<'_>>, number: usize) -> Result<(), Error> {
    volume.replace(&format!("file-{}", number % 7), &content(number))
}

fn holds(volume: &Volume<'_, Failing<'_>>, last: usize) {
    let mut found = [0; 500];
    for number in last.saturating_sub(6)..=last {
        let length = volume.read_file(&format!("file-{}", number % 7), &mut found).unwrap();
        assert_eq!(&found[..length], content(number), "{number} of {last}");
    }
    volume.check().unwrap();
}

/// Plays the calls before `call`, lets write `fails` of that one fail, and gives its answer; then
/// the power goes at once, or after some more calls.
fn play(
    image: &[u8],
    call: usize,
    fails: Option<u64>,
    more: usize,
) -> (Result<(), Error>, Events, u64) {
    let mut bytes = image.to_vec();
    let events = Events::default();
    let (answer, spent) = mounted(&mut bytes, &events, |volume| {
        (0..call).for_each(|number| put(volume, number).unwrap());
        let before = events.writes.get();
        events.fails.set(fails.map(|number| before + number));
        let answer = put(volume, call);
        let spent = events.writes.get() - before;
        let shown = if answer.is_ok() { call } else { call - 1 };
        holds(volume, shown);
        for number in shown + 1..=shown + more {
            put(volume, number).unwrap();
        }
        holds(volume, shown + more);
        (answer, spent)
    });
    if answer.is_ok() || more > 0 {
        let last = if answer.is_ok() { call + more } else { call - 1 + more };
        mounted(&mut bytes, &events, |volume| holds(volume, last));
    }
    (answer, events, spent)
}

#[test]
fn a_call_that_was_durable_succeeds_though_erasing_ahead_fails() {
    let mut image = vec![0xFF; BLOCKS * 4096];
    let mut device = RamDevice::new(&mut image);
    Volume::format(&mut device, &mut Lent::new(), &FormatOptions::default()).unwrap();
    let (mut erases, mut programs, mut refused) = (0, 0, 0);
    for call in 7..CALLS {
        let (_, _, writes) = play(&image, call, None, 0);
        for fails in 0..writes {
            for more in [0, 1, 9] {
                match play(&image, call, Some(fails), more) {
                    (Ok(()), events, _) if events.erase_failed.get() => erases += 1,
                    (Ok(()), ..) => programs += 1,
                    (Err(error), ..) => {
                        assert_eq!(error, Error::Device(ErrorKind::Medium));
                        refused += 1;
                    }
                }
            }
        }
    }
    // All three happen: erasing ahead fails, so does what is said of it, and so do commits.
    assert!(erases > 0 && programs > 0 && refused > 100, "{erases} {programs} {refused}");
}
