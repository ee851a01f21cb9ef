//! A directory of 100,000 entries: what a call costs grows with the height of the tree and with
//! what is pending, no more.

use std::collections::BTreeSet;

use fs_core::blocking::Volume;
use fs_core::format::name::hash;
use fs_core::memory::Memory;
use fs_core::{FormatOptions, MountOptions, NameBuf};
use host_sim::chip::Nor;

const ENTRIES: u32 = 100_000;
const SEED: [u8; 16] = *b"many many names!";
/// Calls that one figure is the mean of.
const SAMPLE: u32 = 200;

/// Device operations: reads, programs, erases.
#[derive(Debug, Clone, Copy)]
struct Cost([u64; 3]);

impl Cost {
    fn of(nor: &Nor, calls: u32, mut run: impl FnMut(u32)) -> Self {
        let before = nor.counters();
        (0..calls).for_each(&mut run);
        let now = nor.counters();
        let spent =
            [now.reads - before.reads, now.programs - before.programs, now.erases - before.erases];
        Self(spent.map(|count| count * 100 / u64::from(calls)))
    }

    /// Not more than half as much again as `other`, with two operations of slack.
    fn within(self, other: Self) -> bool {
        self.0.iter().zip(other.0).all(|(own, other)| *own <= other + other / 2 + 200)
    }

    fn at_most(self, each: [u64; 3]) -> bool {
        self.0.iter().zip(each).all(|(own, most)| *own <= 100 * most)
    }
}

fn name(number: u32) -> String {
    format!("/many/entry-{number}")
}

/// Makes the entries `from` to `to` in the order in which they are stored: a leaf at a time, which
/// is quick.
fn fill(volume: &Volume<'_, Nor>, from: u32, to: u32) {
    let mut all: Vec<_> = (from..to).map(name).collect();
    all.sort_by_key(|path| hash(&path.as_bytes()["/many/".len()..], &SEED));
    for path in &all {
        volume.replace(path, b"").expect("room");
    }
}

#[test]
fn calls_in_a_directory_of_100_000_entries_cost_little_more_than_in_a_small_one() {
    let mut nor = Nor::small(8192);
    let own = nor.clone();
    let mut memory = Memory::<2048, 6, 2>::new();
    let format = FormatOptions { hash_seed: SEED, ..FormatOptions::default() };
    Volume::format(&mut nor, &mut memory, &format).expect("a volume");
    let volume = Volume::mount(&mut nor, &mut memory, MountOptions::default()).expect("mounted");
    volume.mkdir("/many").expect("a directory");
    let mut made = 0_u32;
    let mut rows = Vec::new();
    for size in [1_000, 10_000, ENTRIES] {
        fill(&volume, made, size - SAMPLE);
        made = size - SAMPLE;
        let create = Cost::of(&own, SAMPLE, |_| {
            volume.replace(&name(made), b"").expect("room");
            made += 1;
        });
        let lookup = Cost::of(&own, SAMPLE, |call| {
            volume.stat(&name(call * 7919 % size)).expect("it is there");
        });
        let remove = Cost::of(&own, SAMPLE, |call| {
            volume.remove(&name(call)).expect("it is there");
        });
        fill(&volume, 0, SAMPLE);
        let mut listing = volume.read_dir("/many").expect("a listing");
        let mut found = NameBuf::new();
        let list = Cost::of(&own, SAMPLE, |_| {
            listing.next(&mut found).expect("readable").expect("an entry");
        });
        eprintln!("{size}: create {create:?} lookup {lookup:?} remove {remove:?} list {list:?}");
        rows.push([create, lookup, remove, list]);
    }
    // Of 1,000 entries, what is pending meets each leaf several times; of 10,000 and more, once.
    // From there on ten times the entries may be one level more.
    let [_, [_, fewer_lookup, _, fewer_list], [create, lookup, remove, list]] = rows[..] else {
        panic!("three rows");
    };
    assert!(lookup.within(fewer_lookup) && list.within(fewer_list), "{:?}", rows[2]);
    // Twenty creations or a hundred deletions fill the pending set. Of 10,000 entries most of them
    // have neighbours in the same node one level up, which is rewritten once for all of them; of
    // 100,000 few have. Each fold asks for the leaf of each of them.
    assert!(create.at_most([110, 9, 1]) && remove.at_most([280, 9, 1]), "{:?}", rows[2]);
    a_listing_is_stable(&volume);
}

/// Every entry that is there all the time is listed once, whatever comes and goes.
fn a_listing_is_stable(volume: &Volume<'_, Nor>) {
    let mut seen = BTreeSet::new();
    let mut found = NameBuf::new();
    let mut listing = volume.read_dir("/many").expect("a listing");
    let mut step = 0_u32;
    while let Some(_entry) = listing.next(&mut found).expect("readable") {
        let text = found.as_str().expect("text").to_owned();
        assert!(seen.insert(text), "{found} is listed twice");
        if step.is_multiple_of(512) {
            volume.remove(&name(step / 512)).expect("it is there");
            volume.replace(&format!("/many/new-{step}"), b"").expect("room");
        }
        step += 1;
    }
    let gone = step.div_ceil(512);
    let kept = (gone..ENTRIES).filter(|number| !seen.contains(&name(*number)[6..]));
    assert_eq!(kept.count(), 0);
    assert!(step >= ENTRIES - gone);
}
