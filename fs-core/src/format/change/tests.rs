use super::super::testing::{Noise, golden, hex};
use super::{Change, ChangeWriter, Changes, Refused, Run, RunState, Scalars};
use crate::error::{Field, Malformed};
use crate::format::key::{Key, Kind};
use crate::format::pointer::NodePointer;
use crate::units::{BlockCount, BlockNo, Generation, Level, ObjectId};
use std::vec::Vec;

const KEY: Key = Key::new(ObjectId(0x1615_1413_1211), Kind(2), 0x2827_2625_2423_2221);
const HIGH: Key = Key::new(ObjectId(0x1615_1413_1211), Kind(2), 0x3837_3635_3433_3231);
const POINTER: NodePointer = NodePointer {
    block: BlockNo(0x4443_4241),
    generation: Generation(0x5655_5453_5251),
    base_pages: 3,
    delta_pages: 0,
    level: Level(1),
    full: false,
};
const SCALARS: Scalars = Scalars {
    next: BlockNo(0x0403_0201),
    spare_a: BlockNo(0x1413_1211),
    spare_b: BlockNo(0x2423_2221),
    root: NodePointer {
        block: BlockNo(0x3433_3231),
        generation: Generation(0x4645_4443_4241),
        base_pages: 4,
        delta_pages: 0,
        level: Level(5),
        full: false,
    },
    generation: Generation(0x5655_5453_5251),
    next_object: ObjectId(0x6665_6463_6261),
    free: BlockCount(0x7473_7271),
    cursor: BlockNo(0x8483_8281),
    sweep: 0x9493_9291,
    erases: 0xa4a3_a2a1,
    spare_erased: true,
};

const fn run(start: u32, length: u16) -> Run {
    Run { start: BlockNo(start), length }
}

const SAMPLES: [Change<'static>; 14] = [
    Change::Put { fresh: true, key: KEY, value: b"abc" },
    Change::Delete { vanish: true, key: KEY },
    Change::Point { fresh: true, level: Level(2), key: KEY, pointer: POINTER },
    Change::Unpoint { vanish: false, level: Level(7), key: KEY },
    Change::Fold { level: Level(6), low: KEY, high: HIGH },
    Change::Root(POINTER),
    Change::Take(run(0x6463_6261, 0x0201)),
    Change::Give(run(0x6463_6262, 0x0202)),
    Change::Claim(run(0x6463_6263, 0x0203)),
    Change::Window(run(0x6463_6264, 0x0204)),
    Change::Leave(run(0x6463_6265, 0x0205)),
    Change::State { run: run(0x7473_7271, 0x0a09), state: RunState::Leaving },
    Change::Scalars(SCALARS),
    Change::Objects(ObjectId(0x8685_8483_8281)),
];

/// One row for each of `SAMPLES`: its name and its bytes, in the order of its table.
#[rustfmt::skip]
const ROWS: [(&str, &str); 14] = [
    ("put",     "01011112131415160221222324252627280300616263"),
    ("delete",  "0201111213141516022122232425262728"),
    ("point",   "03010211121314151602212223242526272841424344515253545556030001"),
    ("unpoint", "040007111213141516022122232425262728"),
    ("fold",    "0506111213141516022122232425262728111213141516023132333435363738"),
    ("root",    "0641424344515253545556030001"),
    ("take",    "07616263640102"),
    ("give",    "08626263640202"),
    ("claim",   "09636263640302"),
    ("window",  "0a646263640402"),
    ("leave",   "0b656263640502"),
    ("state",   "0c71727374090a03"),
    ("scalars", "0d01020304111213142122232431323334414243444546040005\
                 515253545556616263646566717273748182838491929394a1a2a3a401"),
    ("objects", "0e818283848586"),
];
const SIZE: usize = 239;

fn sample_bytes() -> [u8; SIZE] {
    golden(&ROWS)
}

fn written(changes: &[Change<'_>], room: usize) -> Result<Vec<u8>, Refused> {
    let mut bytes = std::vec![0xee; room];
    let mut writer = ChangeWriter::new(&mut bytes);
    for change in changes {
        let before = writer.len();
        writer.push(change)?;
        assert_eq!(writer.len() - before, change.bytes());
    }
    let length = writer.len();
    bytes.truncate(length);
    Ok(bytes)
}

#[test]
fn encodes_to_the_golden_bytes() {
    for (change, (name, row)) in SAMPLES.iter().zip(ROWS) {
        assert_eq!(written(&[*change], 64), Ok(hex(row)), "{name}");
    }
    assert_eq!(written(&SAMPLES, SIZE), Ok(sample_bytes().to_vec()));
}

#[test]
fn decodes_the_golden_bytes() {
    let bytes = sample_bytes();
    let decoded: Result<Vec<_>, _> = Changes::new(&bytes).collect();
    assert_eq!(decoded.as_deref(), Ok(&SAMPLES[..]));
}

#[test]
fn shows_every_flipped_bit() {
    for (change, (name, row)) in SAMPLES.iter().zip(ROWS) {
        let bytes = hex(row);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let decoded: Vec<_> = Changes::new(&flipped).collect();
            assert_ne!(decoded, [Ok(*change)], "{name}, bit {bit}");
        }
    }
}

#[test]
fn refuses_to_write_what_it_would_refuse_to_read() {
    let long = [0; 464];
    let leaf = NodePointer { level: Level(0), ..POINTER };
    let none = NodePointer { block: BlockNo(0), ..POINTER };
    let key = Key::END;
    let field = Malformed::Field;
    let cases = [
        (Change::Put { fresh: false, key, value: b"" }, field(Field::Key)),
        (Change::Put { fresh: false, key: KEY, value: &long }, field(Field::Length)),
        (Change::Delete { vanish: false, key }, field(Field::Key)),
        (Change::Point { fresh: false, level: Level(2), key, pointer: POINTER }, field(Field::Key)),
        (
            Change::Point { fresh: false, level: Level(3), key: KEY, pointer: POINTER },
            field(Field::Level),
        ),
        (
            Change::Point { fresh: false, level: Level(8), key: KEY, pointer: POINTER },
            field(Field::Level),
        ),
        (
            Change::Point { fresh: false, level: Level(0), key: KEY, pointer: leaf },
            field(Field::Level),
        ),
        (
            Change::Point { fresh: false, level: Level(2), key: KEY, pointer: none },
            field(Field::Block),
        ),
        (Change::Unpoint { vanish: false, level: Level(0), key: KEY }, field(Field::Level)),
        (Change::Unpoint { vanish: false, level: Level(8), key: KEY }, field(Field::Level)),
        (Change::Unpoint { vanish: false, level: Level(1), key }, field(Field::Key)),
        (Change::Fold { level: Level(8), low: KEY, high: HIGH }, field(Field::Level)),
        (Change::Fold { level: Level(0), low: KEY, high: KEY }, Malformed::Order),
        (Change::Fold { level: Level(0), low: HIGH, high: KEY }, Malformed::Order),
        (Change::Root(none), field(Field::Block)),
        (Change::Take(run(0, 1)), field(Field::Start)),
        (Change::Give(run(1, 0)), field(Field::Length)),
        (Change::Claim(run(u32::MAX - 1, 1)), field(Field::Length)),
        (Change::State { run: run(5, 0), state: RunState::Free }, field(Field::Length)),
        (Change::Scalars(Scalars { next: BlockNo(0), ..SCALARS }), field(Field::Next)),
        (Change::Objects(ObjectId(16)), field(Field::NextObject)),
        (Change::Objects(ObjectId(1 << 48)), field(Field::NextObject)),
    ];
    for (change, rule) in cases {
        assert_eq!(written(&[change], 1024), Err(Refused::Malformed(rule)), "{change:?}");
    }
    assert!(written(&[Change::Fold { level: Level(0), low: Key::MIN, high: key }], 64).is_ok());
    assert!(written(&[Change::Take(run(u32::MAX - 2, 1))], 64).is_ok());
    assert!(written(&[Change::Put { fresh: false, key: KEY, value: &long[1..] }], 482).is_ok());
}

#[test]
fn a_change_that_does_not_fit_leaves_no_trace() {
    for change in SAMPLES {
        let room = change.bytes() - 1;
        let mut bytes = std::vec![0xee; room];
        let mut writer = ChangeWriter::new(&mut bytes);
        assert_eq!(writer.push(&change), Err(Refused::Full));
        assert!(writer.is_empty() && writer.room() == room);
        assert!(bytes.iter().all(|&byte| byte == 0xee));
    }
}

#[test]
fn reading_ends_after_the_first_fault() {
    let mut bytes = sample_bytes();
    bytes[22] = 0x77;
    let decoded: Vec<_> = Changes::new(&bytes).collect();
    assert_eq!(decoded, [Ok(SAMPLES[0]), Err(Malformed::Field(Field::Tag))]);
    for length in 0..SIZE {
        let whole = Changes::new(&sample_bytes()[..length]).all(|change| change.is_ok());
        let ends = SAMPLES.iter().scan(0, |end, change| {
            *end += change.bytes();
            Some(*end)
        });
        assert_eq!(whole, length == 0 || ends.into_iter().any(|end| end == length), "{length}");
    }
}

#[test]
fn survives_any_bytes() {
    let mut noise = Noise::new(14);
    for _ in 0..20_000 {
        let bytes = noise.damaged(sample_bytes());
        let mut copy = [0; SIZE];
        let mut writer = ChangeWriter::new(&mut copy);
        for change in Changes::new(&bytes).map_while(Result::ok) {
            assert_eq!(writer.push(&change), Ok(()), "what was read can be written");
        }
        let length = writer.len();
        assert_eq!(copy[..length], bytes[..length], "and in the same way");
    }
}
