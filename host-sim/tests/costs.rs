//! No call costs more than docs/budgets.md says: the formulas of its table are read from there and
//! held against the dearest call of each kind, on volumes of several heights and fills.

use std::collections::BTreeMap;

use fs_core::blocking::Volume;
use fs_core::{FileId, FormatOptions, Memory, MountOptions, OpenOptions};
use host_sim::chip::{Counters, Nor, Spec};
use host_sim::rng::Rng;
use host_sim::stranger::{self, Owner};

const DOCUMENT: &str = include_str!("../../docs/budgets.md");
/// Calls of each kind on each volume.
const CALLS: u32 = 150;
const OPEN: OpenOptions = OpenOptions::new().read().write().create();

/// What the dearest call of a kind may cost on a tree of `h` levels.
#[derive(Debug, Clone, Copy)]
struct Formula {
    reads_per_level: u64,
    reads: u64,
    programs: u64,
    erases: u64,
}

/// The dearest call of a kind: reads, programs, erases, each the most of any call.
type Dearest = BTreeMap<&'static str, [u64; 3]>;

/// The table: kind, reads as `a h + b`, programs, erases.
fn formulas() -> BTreeMap<String, Formula> {
    let begin = DOCUMENT.find("<!-- costs -->").expect("the table begins");
    let end = DOCUMENT.find("<!-- /costs -->").expect("the table ends");
    let rows = DOCUMENT[begin..end].lines().filter(|line| line.starts_with('|')).skip(2);
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [kind, _, reads, programs, erases] = cells[..] else { panic!("five cells: {line}") };
        let number = |text: &str| text.trim().parse().unwrap_or_else(|_| panic!("{text}: {line}"));
        let (per_level, fixed) = reads.split_once(" h + ").unwrap_or(("0", reads));
        let formula = Formula {
            reads_per_level: number(per_level),
            reads: number(fixed),
            programs: number(programs),
            erases: number(erases),
        };
        (kind.trim_matches('`').to_owned(), formula)
    };
    rows.map(row).collect()
}

impl Formula {
    fn holds(&self, height: u64, [reads, programs, erases]: [u64; 3]) -> bool {
        reads <= self.reads_per_level * height + self.reads
            && programs <= self.programs
            && erases <= self.erases
    }
}

struct Bench {
    nor: Nor,
    rng: Rng,
    dearest: Dearest,
}

impl Bench {
    fn count<T>(&mut self, kind: &'static str, call: impl FnOnce() -> T) -> T {
        let before = self.nor.counters();
        let result = call();
        let Counters { reads, programs, erases_4k, erases_32k, erases_64k, .. } =
            self.nor.counters().since(&before);
        let spent = [reads, programs, erases_4k + erases_32k + erases_64k];
        let most = self.dearest.entry(kind).or_default();
        for (most, spent) in most.iter_mut().zip(spent) {
            *most = spent.max(*most);
        }
        result
    }

    /// Levels of the tree now.
    fn height(&self) -> u64 {
        let report = stranger::check(&self.nor.image()).expect("a volume");
        let level = |owner: &Owner| match owner {
            Owner::Node(level) => u64::from(*level) + 1,
            _ => 0,
        };
        report.owners.values().map(level).max().unwrap_or(0)
    }

    fn names(&mut self, volume: &Volume<'_, Nor>, entries: u32) {
        for call in 0..CALLS {
            let path = format!("/d/n{}", self.rng.below(u64::from(entries.max(1))));
            self.count("stat", || volume.stat(&path)).ok();
            let new = format!("/d/new{call}");
            let file = self.count("create", || volume.open(&new, OPEN)).expect("room");
            self.count("write 64 B", || volume.write_at(file, 0, &[7; 64])).expect("room");
            self.count("close", || volume.close(file)).expect("room");
            let value = [call.to_le_bytes()[0]; 256];
            self.count("replace 256 B", || volume.replace(&new, &value)).expect("room");
            let moved = format!("/d/moved{call}");
            self.count("rename", || volume.rename(&new, &moved)).expect("room");
            if call % 2 == 0 {
                self.count("remove", || volume.remove(&moved)).expect("it is there");
            }
            let directory = format!("/d/dir{call}");
            self.count("mkdir", || volume.mkdir(&directory)).expect("room");
            self.count("rmdir", || volume.rmdir(&directory)).expect("empty");
        }
    }

    fn content(&mut self, volume: &Volume<'_, Nor>) {
        let large = volume.open("/large", OPEN).expect("room");
        volume.write_at(large, 0, &vec![1; 200_000]).expect("room");
        volume.sync_file(large).expect("room");
        let log = volume.open("/log", OPEN).expect("room");
        let mut at = 0;
        for call in 0..CALLS {
            let place = self.rng.below(196_000);
            let mut target = [0; 4096];
            self.count("read 4 KiB", || volume.read_at(large, place, &mut target)).expect("read");
            self.count("overwrite 256 B", || overwrite(volume, large, place)).expect("room");
            self.count("append 32 B", || {
                volume.write_at(log, at, &[3; 32])?;
                volume.sync_file(log)
            })
            .expect("room");
            at += 32;
            if call % 8 == 0 {
                self.count("maintain", || volume.maintain(1)).expect("maintained");
            }
        }
        volume.close(large).expect("room");
        volume.close(log).expect("room");
    }

    fn mounts(&mut self) {
        for round in 0..6 {
            let kind = if round % 2 == 0 { "mount, cut" } else { "mount, clean" };
            let (mut device, mut memory) = (self.nor.clone(), Memory::new());
            let mounted = self.count(kind, || mount(&mut device, &mut memory));
            mounted.replace("/boots", &[round; 64]).expect("room");
            if round % 2 == 0 {
                mounted.unmount().expect("unmounted");
            }
        }
    }
}

/// Half of the volume's content in pieces, so that what is free lies in pieces too.
fn fragment(volume: &Volume<'_, Nor>, files: u32, blocks: usize) {
    let piece = vec![0xA5; blocks * 4096];
    for number in 0..files {
        volume.replace(&format!("/piece{number}"), &piece).expect("room");
    }
    for number in (0..files).step_by(2) {
        volume.remove(&format!("/piece{number}")).expect("it is there");
    }
}

fn overwrite(volume: &Volume<'_, Nor>, file: FileId, at: u64) -> fs_core::Result<()> {
    volume.write_at(file, at, &[9; 256])?;
    volume.sync_file(file)
}

fn mount<'m>(device: &'m mut Nor, memory: &'m mut Memory) -> Volume<'m, Nor> {
    Volume::mount(device, memory, MountOptions::default()).expect("a volume")
}

/// A volume of `entries` names in one directory, in pieces if `pieces`, and what calls cost there.
fn dearest(entries: u32, pieces: u32) -> (u64, Dearest) {
    let nor = Nor::new(Spec::W25Q128JV);
    let mut bench = Bench { nor: nor.clone(), rng: Rng::new(7), dearest: Dearest::new() };
    let mut device = nor.clone();
    let mut memory = Memory::new();
    Volume::format(&mut device, &mut memory, &FormatOptions::default()).expect("a volume");
    let volume = mount(&mut device, &mut memory);
    volume.mkdir("/d").expect("room");
    for number in 0..entries {
        volume.replace(&format!("/d/n{number}"), b"something").expect("room");
    }
    fragment(&volume, pieces, 24);
    bench.names(&volume, entries);
    bench.content(&volume);
    drop(volume);
    let height = bench.height();
    bench.mounts();
    (height, bench.dearest)
}

#[test]
fn no_call_costs_more_than_the_document_says() {
    let formulas = formulas();
    let mut seen = BTreeMap::new();
    let mut above = Vec::new();
    for (entries, pieces) in [(0, 0), (400, 0), (4000, 0), (400, 140)] {
        let (height, dearest) = dearest(entries, pieces);
        for (kind, spent) in dearest {
            println!("{entries} names, {pieces} pieces, {height} levels: {kind} {spent:?}");
            let formula = formulas.get(kind).unwrap_or_else(|| panic!("no formula for {kind}"));
            if !formula.holds(height, spent) {
                above.push(format!("{kind}: {spent:?} at {height} levels, {formula:?}"));
            }
            let most: &mut [u64; 3] = seen.entry(kind.to_owned()).or_default();
            most.iter_mut().zip(spent).for_each(|(most, spent)| *most = spent.max(*most));
        }
    }
    assert!(above.is_empty(), "{}", above.join("\n"));
    // A formula that nothing comes near would not notice anything.
    for (kind, formula) in &formulas {
        let [_, programs, erases] =
            seen.get(kind).unwrap_or_else(|| panic!("{kind}: never called"));
        let loose = formula.programs > 2 * programs + 2 || formula.erases > erases + 1;
        assert!(!loose, "{kind}: {formula:?} is far above what was seen, {:?}", seen[kind]);
    }
}
