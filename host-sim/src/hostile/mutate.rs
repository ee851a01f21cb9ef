//! Changes an image as a fuzzer's input says, and puts its checksums right again.

use super::bases::{Base, Piece, Seal, bases};
use crate::stranger::{Bytes, Crc};

/// Most changes of one image.
const CHANGES_MAX: usize = 24;

/// Numbers that code takes for something.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    7,
    8,
    15,
    16,
    255,
    256,
    448,
    463,
    0xFFFF,
    0xFFFF_FFFF,
    0xFFFF_FFFF_FFFF,
    u64::MAX,
    0x8000_0000,
];

/// The image that `data` asks for.
#[must_use]
pub fn mutated(data: &[u8]) -> Vec<u8> {
    let mut data = Bytes(data);
    let bases = bases();
    let base = &bases[usize::from(data.u8().unwrap_or(0)) % bases.len()];
    let mut bytes = base.bytes.clone();
    let mut lengths: Vec<usize> = base.pieces.iter().map(|piece| piece.length).collect();
    let mut broken = vec![false; base.pieces.len()];
    for _ in 0..CHANGES_MAX {
        let Some(order) = data.array::<6>() else { break };
        change(base, &mut bytes, &mut lengths, &mut broken, order, &mut data);
    }
    repair(base, &mut bytes, &lengths, &broken);
    bytes
}

fn change(
    base: &Base,
    bytes: &mut [u8],
    lengths: &mut [usize],
    broken: &mut [bool],
    order: [u8; 6],
    data: &mut Bytes<'_>,
) {
    let [verb, low, high, at, fine, value] = order;
    let pick = usize::from(u16::from_le_bytes([low, high]));
    let number = pick % base.pieces.len();
    let piece = base.pieces[number];
    let within = usize::from(u16::from_le_bytes([at, fine & 3])) % piece.length.max(1);
    let place = piece.at + within;
    let mut put = |place: usize, source: &[u8]| {
        for (target, byte) in bytes.iter_mut().skip(place).zip(source) {
            *target = *byte;
        }
    };
    match verb % 12 {
        0 => put(place, &[value]),
        1 => {
            let old = base.bytes[place];
            put(place, &[old ^ 1 << (value & 7)]);
        }
        2 => {
            let count = 1 + usize::from(fine >> 2) % 8;
            let chosen = NUMBERS[usize::from(value) % NUMBERS.len()];
            put(place, &chosen.to_le_bytes()[..count]);
        }
        3 => {
            let old = Bytes(base.bytes.get(place..).unwrap_or_default()).u32().unwrap_or(0);
            let step = i32::from(i8::from_le_bytes([value]));
            put(place, &old.wrapping_add_signed(step).to_le_bytes());
        }
        // Bytes of another structure: a pointer, a key, an entry that leads elsewhere.
        4 | 5 => {
            let other = base.pieces[usize::from(value) * 7 % base.pieces.len()];
            let count = [4, 6, 10, 13, 15, 48, 64][usize::from(fine >> 2) % 7];
            let from = if verb % 12 == 4 { other.at + within % other.length } else { other.at + 4 };
            let source = base.bytes.get(from..from + count).unwrap_or_default();
            put(place, source);
        }
        // A whole structure in the place of another one.
        6 => {
            let other = base.pieces[usize::from(value) * 5 % base.pieces.len()];
            let source = &base.bytes[other.at..other.at + other.length.min(piece.length)];
            put(piece.at, source);
        }
        // Bytes of the input.
        7 | 8 => {
            let source = data.take((1 + usize::from(value) % 64).min(data.0.len()));
            put(place, source.unwrap_or_default());
        }
        // A record that says more, or less.
        9 if matches!(piece.seal, Seal::Record { .. }) => {
            let length = piece.length.saturating_add(usize::from(value)).min(1040);
            let source = data.take((length - piece.length).min(data.0.len()));
            put(piece.at + piece.length, source.unwrap_or_default());
            lengths[number] = length;
        }
        10 if matches!(piece.seal, Seal::Record { .. }) => {
            lengths[number] = piece.length.saturating_sub(usize::from(value)).max(16);
        }
        // Something that no checksum covers, or should not.
        11 => broken[number] = value & 1 == 1,
        _ => {
            let place = (pick << 8 | usize::from(at)) % base.bytes.len();
            put(place, &[value]);
        }
    }
}

/// Puts the checksum of every structure right that is not to be broken.
fn repair(base: &Base, bytes: &mut [u8], lengths: &[usize], broken: &[bool]) {
    let mut previous = base.records.first().map_or(0, |record| record.previous);
    for ((piece, length), broken) in base.pieces.iter().zip(lengths).zip(broken) {
        let Piece { at, seal, .. } = *piece;
        let seed = Crc::new().u32(base.volume_seed);
        let (field, sum) = match seal {
            Seal::Superblock => (8, Crc::new().bytes(&bytes[at + 12..at + 256]).sum()),
            Seal::Entry { block, slot } => {
                let sum = seed.u32(block).bytes(&slot.to_le_bytes());
                (0, sum.bytes(&bytes[at + 4..at + 64]).sum())
            }
            Seal::Page { block, generation, page } => {
                let sum = seed.u32(block).u64(generation).bytes(&[page]);
                (0, sum.bytes(&bytes[at + 4..at + 512]).sum())
            }
            Seal::Record { number } => {
                let record = &base.records[number];
                let end = (at + length).min(bytes.len());
                if *length != record.length {
                    let short = u16::try_from(*length).unwrap_or(u16::MAX);
                    bytes[at + 4..at + 6].copy_from_slice(&short.to_le_bytes());
                }
                let sum = seed.u32(record.session).u64(record.sequence).u32(previous);
                let sum = sum.bytes(&bytes[at + 4..end]).sum();
                previous = sum;
                (0, sum)
            }
        };
        if !broken {
            bytes[at + field..at + field + 4].copy_from_slice(&sum.to_le_bytes());
        }
    }
}
