use super::super::testing::{Noise, flips, golden};
use super::{
    DataPage, DataPageBuilder, Delta, DeltaPage, ITEM_MAX, IndexPage, PAGE_PAYLOAD, PageIdentity,
    SIZE, VALUE_MAX, item_bytes, seal, verify, write_index,
};
use crate::error::{Field, Malformed};
use crate::format::checksum::VolumeSeed;
use crate::format::key::{Key, Kind};
use crate::format::pointer::NodePointer;
use crate::units::{BlockNo, Generation, Level, ObjectId};
use std::vec::Vec;

const ITEMS: [(Key, &[u8]); 3] = [
    (Key::new(ObjectId(0x12), Kind(2), 0x1122_3344_5566_7788), b"first"),
    (Key::new(ObjectId(0x12), Kind(3), 0), b""),
    (Key::new(ObjectId(0x0102_0304_0506), Kind(0x85), 9), &[0xa1, 0xa2, 0xa3]),
];

const FIRST_KEYS: [Key; 3] = [
    Key::new(ObjectId(0x21), Kind(1), 0),
    Key::new(ObjectId(0x22), Kind(2), 0x0102_0304_0506_0708),
    Key::new(ObjectId(0x22), Kind(2), 0x0102_0304_0506_0709),
];

const POINTER: NodePointer = NodePointer {
    block: BlockNo(9),
    generation: Generation(8),
    base_pages: 3,
    delta_pages: 0,
    level: Level(1),
    full: false,
};

const DELTAS: [Delta<'_>; 3] = [
    Delta { key: ITEMS[0].0, value: Some(b"new") },
    Delta { key: ITEMS[1].0, value: None },
    Delta { key: ITEMS[2].0, value: Some(b"") },
];

fn identity(page: u8) -> PageIdentity {
    PageIdentity {
        volume: VolumeSeed::of(b"vellum-uuid-0123"),
        block: BlockNo(0x3132_3334),
        generation: Generation(0x4142_4344_4546),
        page,
    }
}

#[rustfmt::skip]
fn data_bytes() -> [u8; SIZE] {
    golden(&[
        ("checksum",       "1216b0bd"),
        ("items",          "0300"),
        ("used",           "3b00"),
        ("level",          "00"),
        ("kind",           "01"),
        ("reserved",       "0000"),
        ("item 0: key",    "120000000000028877665544332211"),
        ("item 0: length", "0500"),
        ("item 0: value",  "6669727374"),
        ("item 1: key",    "120000000000030000000000000000"),
        ("item 1: length", "0000"),
        ("item 2: key",    "060504030201850900000000000000"),
        ("item 2: length", "0300"),
        ("item 2: value",  "a1a2a3"),
        ("zeros",          "00*441"),
    ])
}

#[rustfmt::skip]
fn index_bytes() -> [u8; SIZE] {
    golden(&[
        ("checksum",    "5f17e199"),
        ("items",       "0300"),
        ("used",        "2d00"),
        ("level",       "04"),
        ("kind",        "02"),
        ("reserved",    "0000"),
        ("first key 0", "210000000000010000000000000000"),
        ("first key 1", "220000000000020807060504030201"),
        ("first key 2", "220000000000020907060504030201"),
        ("zeros",       "00*455"),
    ])
}

#[rustfmt::skip]
fn delta_bytes() -> [u8; SIZE] {
    golden(&[
        ("checksum",       "45a4fb73"),
        ("items",          "0300"),
        ("used",           "3600"),
        ("level",          "00"),
        ("kind",           "03"),
        ("reserved",       "0000"),
        ("item 0: key",    "120000000000028877665544332211"),
        ("item 0: length", "0300"),
        ("item 0: value",  "6e6577"),
        ("item 1: key",    "120000000000030000000000000000"),
        ("item 1: length", "ffff"),
        ("item 2: key",    "060504030201850900000000000000"),
        ("item 2: length", "0000"),
        ("zeros",          "00*446"),
    ])
}

fn built_delta(deltas: &[Delta<'_>]) -> [u8; SIZE] {
    let mut page = [0xee; SIZE];
    let mut builder = DataPageBuilder::delta(&mut page);
    for delta in deltas {
        assert!(builder.push_delta(delta));
    }
    page
}

fn built(level: Level, items: &[(Key, &[u8])]) -> [u8; SIZE] {
    let mut page = [0xee; SIZE];
    let mut builder = DataPageBuilder::new(&mut page, level);
    for (key, value) in items {
        assert!(builder.push(key, value));
    }
    page
}

fn listed(page: &[u8; SIZE]) -> Result<Vec<(Key, Vec<u8>)>, Malformed> {
    let items = DataPage::parse(page)?.items();
    Ok(items.map(|item| (item.key, item.value.to_vec())).collect())
}

#[test]
fn encodes_to_the_golden_bytes() {
    let mut page = built(Level(0), &ITEMS);
    seal(&mut page, &identity(5));
    assert_eq!(page, data_bytes());
    write_index(&mut page, Level(4), &FIRST_KEYS).expect("sound");
    seal(&mut page, &identity(3));
    assert_eq!(page, index_bytes());
    page = built_delta(&DELTAS);
    seal(&mut page, &identity(6));
    assert_eq!(page, delta_bytes());
}

#[test]
fn decodes_the_golden_bytes() {
    assert_eq!(verify(&data_bytes(), &identity(5)), Ok(()));
    let items: Vec<_> = ITEMS.iter().map(|(key, value)| (*key, value.to_vec())).collect();
    assert_eq!(listed(&data_bytes()), Ok(items));
    let page = data_bytes();
    let data = DataPage::parse(&page).expect("sound");
    assert_eq!((data.level(), data.count(), data.used()), (Level(0), 3, 59));

    assert_eq!(verify(&index_bytes(), &identity(3)), Ok(()));
    let page = index_bytes();
    let index = IndexPage::parse(&page).expect("sound");
    assert_eq!((index.level(), index.count()), (Level(4), 3));
    assert_eq!([0, 1, 2].map(|page| index.first_key(page)), FIRST_KEYS.map(Some));
    assert_eq!(index.first_key(3), None);

    assert_eq!(verify(&delta_bytes(), &identity(6)), Ok(()));
    let page = delta_bytes();
    let delta = DeltaPage::parse(&page).expect("sound");
    assert!(delta.items().eq(DELTAS));
    assert_eq!(delta.from(DELTAS[0].key.next()), Some(DELTAS[1]));
    assert_eq!(delta.from(DELTAS[2].key.next()), None);
    assert_eq!(DeltaPage::NONE.items().count(), 0);
}

#[test]
fn notices_every_flipped_bit() {
    for (bit, page) in flips(data_bytes()) {
        assert_eq!(verify(&page, &identity(5)), Err(Malformed::Checksum), "bit {bit}");
    }
    for (bit, page) in flips(index_bytes()) {
        assert_eq!(verify(&page, &identity(3)), Err(Malformed::Checksum), "bit {bit}");
    }
    for (bit, page) in flips(delta_bytes()) {
        assert_eq!(verify(&page, &identity(6)), Err(Malformed::Checksum), "bit {bit}");
    }
}

#[test]
fn is_valid_only_in_its_place() {
    let here = identity(5);
    let elsewhere = [
        PageIdentity { volume: VolumeSeed::of(&[0; 16]), ..here },
        PageIdentity { block: BlockNo(1), ..here },
        PageIdentity { generation: here.generation.next(), ..here },
        PageIdentity { page: 6, ..here },
    ];
    for identity in elsewhere {
        assert_eq!(verify(&data_bytes(), &identity), Err(Malformed::Checksum));
    }
}

#[test]
fn refuses_to_write_what_it_would_refuse_to_read() {
    let [(first, _), (second, _), _] = ITEMS;
    let mut page = [0; SIZE];
    let mut builder = DataPageBuilder::new(&mut page, Level(0));
    assert!(builder.push(&second, b""));
    assert!(!builder.push(&second, b""), "twice");
    assert!(!builder.push(&first, b""), "backwards");
    assert!(!builder.push(&Key::END, b""), "no key");
    assert!(!builder.push(&ITEMS[2].0, &[0; VALUE_MAX + 1]), "too long");
    assert_eq!((builder.items(), builder.used()), (1, 17));
    assert_eq!(listed(&page), Ok(std::vec![(second, Vec::new())]));

    let mut builder = DataPageBuilder::new(&mut page, Level(1));
    assert!(!builder.push(&first, b"no pointer"));
    assert!(!builder.push(&first, &POINTER.encode().expect("sound")), "not one level down");
    let mut index = |keys: &[Key]| write_index(&mut page, Level(0), keys);
    assert!(index(&[first]).is_err() && index(&[first, first]).is_err());
    assert!(index(&[second, first]).is_err());
    let many: Vec<Key> = (0..40).map(|n| Key { offset: n, ..first }).collect();
    assert!(index(&many[..8]).is_err() && index(&many).is_err());
    assert!(index(&many[..7]).is_ok());

    let mut builder = DataPageBuilder::delta(&mut page);
    assert!(builder.push_delta(&DELTAS[1]));
    assert!(!builder.push_delta(&DELTAS[1]), "twice");
    assert!(!builder.push_delta(&DELTAS[0]), "backwards");
    assert!(!builder.push_delta(&Delta { key: Key::END, value: None }), "no key");
    let long = Delta { key: DELTAS[2].key, value: Some(&[0; VALUE_MAX + 1]) };
    assert!(!builder.push_delta(&long), "too long");
    assert_eq!(DeltaPage::parse(&page).map(|delta| delta.items().count()), Ok(1));
}

#[test]
fn refuses_what_breaks_a_rule_of_the_table() {
    let field = Malformed::Field;
    let with = |at: usize, byte: u8| {
        let mut page = data_bytes();
        page[at] = byte;
        page
    };
    let cases = [
        (with(4, 2), field(Field::Used)),
        (with(4, 4), Malformed::Truncated),
        (with(6, 60), field(Field::Used)),
        (with(7, 0xff), field(Field::Used)),
        (with(8, 8), field(Field::Level)),
        (with(8, 1), field(Field::Pointer)),
        (with(9, 2), field(Field::Kind)),
        (with(10, 1), field(Field::Reserved)),
        (with(511, 1), field(Field::Used)),
        (with(12, 0x13), Malformed::Order),
        (with(28, 0xff), Malformed::Truncated),
    ];
    for (page, rule) in cases {
        assert_eq!(DataPage::parse(&page).map(|page| page.count()), Err(rule));
    }
    let empty = built(Level(1), &[]);
    assert!(DataPage::parse(&empty).is_err(), "only a leaf may be empty");
    assert!(DataPage::parse(&built(Level(0), &[])).is_ok());
    assert!(IndexPage::parse(&data_bytes()).is_err());
    let mut index = index_bytes();
    index[4] = 2;
    assert!(IndexPage::parse(&index).is_err());
    assert!(DataPage::parse(&index_bytes()).is_err());

    let with = |at: usize, byte: u8| {
        let mut page = delta_bytes();
        page[at] = byte;
        page
    };
    let cases = [
        (with(8, 1), field(Field::Items)),
        (with(12, 0x13), Malformed::Order),
        (with(47, 0xfe), Malformed::Truncated),
        (with(4, 2), field(Field::Used)),
        (with(9, 1), field(Field::Kind)),
        (built_delta(&[]), field(Field::Items)),
    ];
    for (page, rule) in cases {
        assert_eq!(DeltaPage::parse(&page).map(|page| page.items().count()), Err(rule));
    }
}

#[test]
fn items_fill_a_page_to_the_last_byte() {
    let mut page = [0; SIZE];
    let mut builder = DataPageBuilder::new(&mut page, Level(0));
    let key = |offset| Key::new(ObjectId(17), Kind::INLINE, offset);
    assert!(builder.push(&key(1), &[7; VALUE_MAX]));
    assert_eq!(builder.used(), ITEM_MAX);
    assert!(!builder.push(&key(2), &[7; PAGE_PAYLOAD - ITEM_MAX - 16]));
    assert!(builder.push(&key(2), &[7; PAGE_PAYLOAD - ITEM_MAX - 17]));
    assert_eq!(builder.used(), PAGE_PAYLOAD);
    assert!(!builder.push(&key(3), b""));
    assert_eq!(listed(&page).map(|items| items.len()), Ok(2));
    assert_eq!(item_bytes(VALUE_MAX), ITEM_MAX);
}

#[test]
fn pointers_are_the_values_above_the_leaves() {
    let value = POINTER.encode().expect("sound");
    let page = built(Level(2), &[(Key::MIN, &value), (FIRST_KEYS[0], &value)]);
    let pointers: Vec<_> =
        DataPage::parse(&page).expect("sound").items().map(|item| item.pointer()).collect();
    assert_eq!(pointers, [Ok(POINTER), Ok(POINTER)]);
    assert!(DataPage::parse(&data_bytes()).expect("sound").items().all(|i| i.pointer().is_err()));
}

#[test]
fn the_index_leads_to_the_last_page_that_does_not_begin_after_the_key() {
    let page = index_bytes();
    let index = IndexPage::parse(&page).expect("sound");
    let [a, b, c] = FIRST_KEYS;
    let before_c = Key { offset: c.offset - 1, ..c };
    let cases =
        [(Key::MIN, 0), (a, 0), (a.next(), 0), (b, 1), (before_c, 1), (c, 2), (Key::END, 2)];
    for (key, page) in cases {
        assert_eq!(index.page_of(&key), page, "{key:?}");
    }
}

#[test]
fn survives_any_bytes() {
    let value = POINTER.encode().expect("sound");
    let parent = built(Level(2), &[(Key::MIN, &value), (FIRST_KEYS[0], &value)]);
    let mut noise = Noise::new(512);
    for _ in 0..20_000 {
        let sample = [data_bytes(), index_bytes(), parent, delta_bytes()][noise.below(4)];
        let page = noise.damaged(sample);
        if let Ok(data) = DataPage::parse(&page) {
            let items: Vec<_> = data.items().map(|item| (item.key, item.value)).collect();
            assert_eq!(items.len(), usize::from(data.count()));
            let again = built(data.level(), &items);
            assert_eq!(again[4..], page[4..], "there is one way to write it");
        }
        if let Ok(delta) = DeltaPage::parse(&page) {
            let again = built_delta(&delta.items().collect::<Vec<_>>());
            assert_eq!(again[4..], page[4..], "there is one way to write it");
        }
        if let Ok(index) = IndexPage::parse(&page) {
            let keys: Vec<_> = (0..index.count()).filter_map(|n| index.first_key(n)).collect();
            let mut again = [0; SIZE];
            assert_eq!(write_index(&mut again, index.level(), &keys), Ok(()));
            assert_eq!(again[4..], page[4..], "there is one way to write it");
        }
    }
}

#[test]
fn random_items_come_back() {
    let mut noise = Noise::new(1);
    for _ in 0..500 {
        let mut page = [0; SIZE];
        let mut builder = DataPageBuilder::new(&mut page, Level(0));
        let mut model: Vec<(Key, Vec<u8>)> = Vec::new();
        let mut offset = 0;
        loop {
            offset += 1 + noise.number() % 3;
            let key = Key::new(ObjectId(40 + offset / 50), Kind::TAIL, offset);
            let value = std::vec![noise.number() as u8; noise.below(90)];
            if !builder.push(&key, &value) {
                assert!(builder.used() + item_bytes(value.len()) > PAGE_PAYLOAD);
                break;
            }
            model.push((key, value));
        }
        assert_eq!(listed(&page), Ok(model));
    }
}
