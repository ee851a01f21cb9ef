//! The rules, written once for both colours.

use fs_core::error::{DeviceError, ErrorKind};
use fs_core::units::{ByteOffset, Guarantees};

use super::{BlockDevice, colour};
use crate::rng::Rng;

/// Checks every rule of the device contract that a test can see.
///
/// The device must hold at least four erase units; a few more show more.
///
/// # Panics
/// At the first rule that is broken, with its name.
#[colour]
pub async fn check<D: BlockDevice>(mut make: impl FnMut() -> D) {
    geometry(&mut make()).await;
    bounds(&mut make()).await;
    alignment(&mut make()).await;
    erase(&mut make()).await;
    read_back(&mut make()).await;
    neighbours(&mut make()).await;
    reprogram(&mut make()).await;
    discard(&mut make()).await;
}

/// The sizes a rule needs.
struct Units {
    size: u64,
    read: u64,
    program: u64,
    erase: u64,
}

#[colour]
#[allow(clippy::unused_async, reason = "in one line with the other rules")]
async fn geometry<D: BlockDevice>(device: &mut D) {
    let units = units(device);
    for unit in [units.read, units.program, units.erase] {
        assert!(unit.is_power_of_two(), "geometry: a unit of {unit} bytes");
    }
    assert!(units.erase >= units.program, "geometry: an erase unit smaller than a program unit");
    assert!(units.size.is_multiple_of(units.erase), "geometry: a part of an erase unit at the end");
    assert!(units.size / units.erase >= 4, "geometry: fewer than four erase units to test with");
    assert!(device.geometry() == device.geometry(), "geometry: changes");
}

#[colour]
fn units<D: BlockDevice>(device: &D) -> Units {
    let geometry = device.geometry();
    Units {
        size: geometry.size,
        read: u64::from(geometry.read_unit),
        program: u64::from(geometry.program_unit),
        erase: u64::from(geometry.erase_unit),
    }
}

fn buffer(bytes: u64) -> Vec<u8> {
    vec![0; usize::try_from(bytes).expect("a buffer that fits into memory")]
}

fn noise(bytes: u64, seed: u64) -> Vec<u8> {
    let mut noise = buffer(bytes);
    Rng::new(seed).fill(&mut noise);
    noise
}

fn is<E: DeviceError>(result: Result<(), E>, wanted: ErrorKind, what: &str) {
    match result {
        Ok(()) => panic!("{what}: accepted, should be {wanted:?}"),
        Err(error) if error.kind() == wanted => {}
        Err(error) => panic!("{what}: {error:?}, should be {wanted:?}"),
    }
}

fn fine<E: DeviceError>(result: Result<(), E>, what: &str) {
    if let Err(error) = result {
        panic!("{what}: {error:?}");
    }
}

#[colour]
async fn read<D: BlockDevice>(device: &mut D, at: u64, bytes: u64, what: &str) -> Vec<u8> {
    let mut target = buffer(bytes);
    fine(device.read(ByteOffset(at), &mut target).await, what);
    target
}

#[colour]
async fn read_all<D: BlockDevice>(device: &mut D, what: &str) -> Vec<u8> {
    let size = device.geometry().size.min(1 << 20);
    read(device, 0, size, what).await
}

fn same(found: &[u8], wanted: &[u8], from: u64, what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}: lengths");
    if let Some(at) = found.iter().zip(wanted).position(|(found, wanted)| found != wanted) {
        let place = from + at as u64;
        panic!("{what}: byte {place} is {:#04x}, should be {:#04x}", found[at], wanted[at]);
    }
}

#[colour]
async fn bounds<D: BlockDevice>(device: &mut D) {
    let units = units(device);
    let before = read_all(device, "bounds: reading all").await;
    let last = units.size - units.erase;
    fine(device.erase(ByteOffset(last), units.erase).await, "bounds: erase of the last unit");
    let mut two = buffer(2 * units.read);
    let mut one = buffer(units.read);
    let end = units.size - units.read;
    fine(device.read(ByteOffset(end), &mut one).await, "bounds: read at the end");
    is(device.read(ByteOffset(end), &mut two).await, ErrorKind::OutOfBounds, "bounds: read across");
    let far = ByteOffset(units.size);
    is(device.read(far, &mut one).await, ErrorKind::OutOfBounds, "bounds: read behind the end");
    let top = ByteOffset(!(units.erase - 1));
    is(device.read(top, &mut one).await, ErrorKind::OutOfBounds, "bounds: read that overflows");

    let two = noise(2 * units.program, 1);
    let one = noise(units.program, 2);
    let end = ByteOffset(units.size - units.program);
    let answer = device.program(end, &two).await;
    is(answer, ErrorKind::OutOfBounds, "bounds: program across");
    let answer = device.program(far, &one).await;
    is(answer, ErrorKind::OutOfBounds, "bounds: program behind the end");
    let answer = device.program(top, &one).await;
    is(answer, ErrorKind::OutOfBounds, "bounds: program that overflows");
    let answer = device.erase(ByteOffset(last), 2 * units.erase).await;
    is(answer, ErrorKind::OutOfBounds, "bounds: erase across");
    let answer = device.erase(far, units.erase).await;
    is(answer, ErrorKind::OutOfBounds, "bounds: erase behind the end");
    let answer = device.erase(top, units.erase).await;
    is(answer, ErrorKind::OutOfBounds, "bounds: erase that overflows");

    let length = before.len().min(usize::try_from(last).unwrap_or(usize::MAX));
    let after = read(device, 0, length as u64, "bounds: reading all again").await;
    same(&after, &before[..length], 0, "refusal: of an access out of bounds");
    fine(device.program(end, &one).await, "bounds: program at the end");
    same(&read(device, end.0, units.program, "bounds").await, &one, end.0, "bounds: at the end");
    fine(device.read(far, &mut []).await, "bounds: empty read at the end");
    fine(device.program(far, &[]).await, "bounds: empty program at the end");
    fine(device.erase(far, 0).await, "bounds: empty erase at the end");
}

#[colour]
async fn alignment<D: BlockDevice>(device: &mut D) {
    let units = units(device);
    fine(device.erase(ByteOffset(0), 2 * units.erase).await, "alignment: erase");
    let kept = noise(units.program, 3);
    fine(device.program(ByteOffset(0), &kept).await, "alignment: program");
    if units.erase > 1 {
        let answer = device.erase(ByteOffset(1), units.erase).await;
        is(answer, ErrorKind::NotAligned, "alignment: erase from an odd place");
        let answer = device.erase(ByteOffset(0), units.erase - 1).await;
        is(answer, ErrorKind::NotAligned, "alignment: erase of an odd length");
    }
    if units.program > 1 {
        let answer = device.program(ByteOffset(units.erase + 1), &kept).await;
        is(answer, ErrorKind::NotAligned, "alignment: program from an odd place");
        let answer = device.program(ByteOffset(units.erase), &kept[1..]).await;
        is(answer, ErrorKind::NotAligned, "alignment: program of an odd length");
    }
    if units.read > 1 {
        let mut target = buffer(units.read);
        let answer = device.read(ByteOffset(1), &mut target).await;
        is(answer, ErrorKind::NotAligned, "alignment: read from an odd place");
        let answer = device.read(ByteOffset(0), &mut target[1..]).await;
        is(answer, ErrorKind::NotAligned, "alignment: read of an odd length");
    }
    let found = read(device, 0, units.program.max(units.read), "alignment: read").await;
    same(&found[..kept.len()], &kept, 0, "refusal: of a misaligned access");
    let blank = read(device, units.erase, units.erase, "alignment: read").await;
    same(&blank, &vec![blank[0]; blank.len()], units.erase, "refusal: of a misaligned access");
}

#[colour]
async fn erase<D: BlockDevice>(device: &mut D) {
    let units = units(device);
    let mut sizes = vec![units.erase];
    let offered = device.geometry().erase_sizes;
    for log2 in 0..32 {
        let size = 1_u64 << log2;
        let has = offered.has(1 << log2);
        if has && size > units.erase && size <= units.size {
            sizes.push(size);
        }
    }
    let mut values = Vec::new();
    for size in sizes {
        let what = format!("erase: of {size} bytes");
        fine(device.erase(ByteOffset(0), size).await, &what);
        fine(device.program(ByteOffset(0), &noise(size, 4)).await, &what);
        fine(device.erase(ByteOffset(0), size).await, &what);
        let found = read(device, 0, size, &what).await;
        values.push(found[0]);
        same(&found, &vec![values[0]; found.len()], 0, &what);
    }
}

#[colour]
async fn read_back<D: BlockDevice>(device: &mut D) {
    let units = units(device);
    fine(device.erase(ByteOffset(0), 3 * units.erase).await, "read-back: erase");
    let content = noise(3 * units.erase, 5);
    let mut rng = Rng::new(6);
    let mut at = 0;
    while at < 3 * units.erase {
        let most = (3 * units.erase - at) / units.program;
        let length = (1 + rng.below(most.min(700))) * units.program;
        let range =
            usize::try_from(at).expect("small")..usize::try_from(at + length).expect("small");
        fine(device.program(ByteOffset(at), &content[range]).await, "read-back: program");
        at += length;
    }
    for round in ["read-back: before the sync", "read-back: after the sync"] {
        for _ in 0..50 {
            let places = 3 * units.erase / units.read;
            let at = rng.below(places);
            let length = rng.below((places - at).min(2000) + 1) * units.read;
            let at = at * units.read;
            let found = read(device, at, length, round).await;
            let from = usize::try_from(at).expect("small");
            same(&found, &content[from..from + found.len()], at, round);
        }
        let found = read(device, 0, 3 * units.erase, round).await;
        same(&found, &content, 0, round);
        fine(device.sync().await, "read-back: sync");
    }
}

#[colour]
async fn neighbours<D: BlockDevice>(device: &mut D) {
    let units = units(device);
    fine(device.erase(ByteOffset(0), 4 * units.erase).await, "neighbours: erase");
    let mut content = read(device, 0, 4 * units.erase, "neighbours: read").await;
    let mut rng = Rng::new(7);
    let mut places: Vec<u64> = (0..4 * units.erase / units.program).collect();
    for index in (1..places.len()).rev() {
        places.swap(index, rng.index(index + 1));
    }
    if device.geometry().guarantees.contains(Guarantees::NEEDS_ERASE) {
        places.truncate(40);
        places.sort_unstable();
    }
    for place in places.into_iter().take(40) {
        let at = place * units.program;
        let source = noise(units.program, place);
        fine(device.program(ByteOffset(at), &source).await, "neighbours: program");
        let from = usize::try_from(at).expect("small");
        content[from..from + source.len()].copy_from_slice(&source);
        let found = read(device, 0, 4 * units.erase, "neighbours: read").await;
        same(&found, &content, 0, "neighbours: of a program");
    }
    fine(device.erase(ByteOffset(units.erase), units.erase).await, "neighbours: erase");
    let found = read(device, 0, 4 * units.erase, "neighbours: read").await;
    let unit = found.len() / 4;
    same(&found[..unit], &content[..unit], 0, "neighbours: of an erase, before it");
    let after = 2 * units.erase;
    same(&found[2 * unit..], &content[2 * unit..], after, "neighbours: of an erase, after it");
}

#[colour]
async fn reprogram<D: BlockDevice>(device: &mut D) {
    let units = units(device);
    let guarantees = device.geometry().guarantees;
    fine(device.erase(ByteOffset(0), units.erase).await, "re-programming: erase");
    let content = noise(units.erase, 8);
    let zeros = buffer(units.erase);
    fine(device.program(ByteOffset(0), &content).await, "re-programming: program");
    let over = if !guarantees.contains(Guarantees::NEEDS_ERASE) {
        [noise(units.erase, 9), noise(units.erase, 10)]
    } else if guarantees.contains(Guarantees::REPROGRAM_ZERO_BITS) {
        [content, zeros]
    } else {
        return;
    };
    for source in over {
        fine(device.program(ByteOffset(0), &source).await, "re-programming: program again");
        let found = read(device, 0, units.erase, "re-programming: read").await;
        same(&found, &source, 0, "re-programming");
    }
}

#[colour]
async fn discard<D: BlockDevice>(device: &mut D) {
    let units = units(device);
    fine(device.erase(ByteOffset(0), 3 * units.erase).await, "discard: erase");
    let content = noise(3 * units.erase, 11);
    fine(device.program(ByteOffset(0), &content).await, "discard: program");
    fine(device.discard(ByteOffset(units.erase), units.erase).await, "discard");
    fine(device.sync().await, "discard: sync");
    let found = read(device, 0, 3 * units.erase, "discard: read").await;
    let unit = found.len() / 3;
    same(&found[..unit], &content[..unit], 0, "discard: before it");
    same(&found[2 * unit..], &content[2 * unit..], 2 * units.erase, "discard: after it");
}
