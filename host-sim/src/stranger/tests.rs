//! The stranger and the filesystem see the same, and the stranger sees damage.

use super::{Medium, Refused, Volume, check, find};
use crate::chip::{Nor, Spec};
use crate::explore::cutter::Cutter;
use crate::image::Image;
use crate::model::{Entry, Model, Op};
use crate::rng::Rng;
use crate::scenario::{OTHER_MEDIA, Scenario, Tuning};
use crate::subject::{Ending, Mounted, Mounting, Subject, Vellum};

/// A volume after a few hundred calls, and the tree that it shows.
fn worked(blocks: u32, seed: u64, ending: Ending) -> (Vec<u8>, Model) {
    let nor = Nor::small(blocks);
    Vellum.format(&mut nor.clone(), Tuning::TIGHT).expect("formats");
    let mut model = Model::new();
    let work = &mut |volume: &dyn Mounted| {
        let mut rng = Rng::new(seed);
        for _ in 0..400 {
            let name = |rng: &mut Rng| format!("/d{}/f{}", rng.below(3), rng.below(12));
            let op = match rng.below(8) {
                0 => Op::Mkdir(format!("/d{}", rng.below(3))),
                1 => Op::Remove(name(&mut rng)),
                2 => Op::Rename(name(&mut rng), name(&mut rng)),
                3 => Op::Rmdir(format!("/d{}", rng.below(3))),
                _ => Op::Replace(name(&mut rng), vec![rng.byte(); rng.index(300)]),
            };
            let answer = volume.call(&op);
            assert_eq!(answer, model.apply(&op).result, "{op:?}");
        }
        ending
    };
    Vellum.session(&mut nor.clone(), Tuning::TIGHT, Mounting::Write, work).expect("works");
    (nor.image().to_bytes(), model)
}

#[test]
fn both_see_the_same_tree_and_the_check_counts_every_block_once() {
    for (seed, ending) in [(1, Ending::Dropped), (2, Ending::Unmounted), (3, Ending::Dropped)] {
        let (bytes, model) = worked(64, seed, ending);
        let report = check(&bytes).expect("a volume");
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        assert_eq!(report.owners.len() + report.free as usize, 64);
        assert_eq!(report.clean, ending == Ending::Unmounted);
        let superblock = find(&bytes).expect("a volume");
        let volume = Volume::read(&bytes, &superblock).expect("readable");
        let files = volume.files().expect("files").0;
        let wanted = model.committed();
        assert_eq!(files.len(), wanted.len() + 1);
        for (path, entry) in wanted.iter() {
            let found = &files[path.as_bytes()];
            match entry {
                Entry::Directory => assert_eq!(found.inode.kind, 2, "{path}"),
                Entry::Symlink(target) => assert_eq!(found.content, target.as_bytes(), "{path}"),
                Entry::File(content) => assert_eq!(found.content, **content, "{path}"),
            }
        }
    }
}

/// The bytes of a chip as its driver gives them.
struct Chip {
    image: Image,
    spec: Spec,
}

impl Medium for Chip {
    fn size(&self) -> u64 {
        self.spec.geometry().size
    }

    fn read(&self, at: u64, target: &mut [u8]) -> bool {
        if at.checked_add(target.len() as u64).is_none_or(|end| end > self.size()) {
            return false;
        }
        let (mut at, mut rest) = (at, target);
        while !rest.is_empty() {
            let most = usize::try_from(self.spec.beside(at)).expect("small").min(rest.len());
            let (now, later) = rest.split_at_mut(most);
            self.image.peek(self.spec.cell(at), now);
            (at, rest) = (at + now.len() as u64, later);
        }
        true
    }
}

/// Plays a scenario, and compares what the stranger finds at its end.
fn ends_well(scenario: &'static Scenario) {
    let name = scenario.name;
    let recording = crate::explore::play::record(&Vellum, scenario, 1);
    let recording = recording.unwrap_or_else(|fault| panic!("{name}: {fault}"));
    let mut cutter = Cutter::new(recording.spec, recording.start.clone());
    recording.log.iter().for_each(|op| cutter.advance(op));
    let chip = Chip { image: cutter.image().clone(), spec: recording.spec };
    let report = check(&chip).unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
    assert!(report.findings.is_empty(), "{name}: {:?}", report.findings);
    let volume = find(&chip).ok().and_then(|superblock| Volume::read(&chip, &superblock).ok());
    let files = volume.and_then(|volume| volume.files().ok()).expect("files").0;
    let wanted = &recording.history.last().expect("a state").tree;
    assert_eq!(files.len(), wanted.len() + 1, "{name}");
    for (path, entry) in wanted.iter() {
        let found = &files[path.as_bytes()];
        match entry {
            Entry::Directory => assert_eq!(found.inode.kind, 2, "{name}: {path}"),
            Entry::Symlink(to) => assert_eq!(found.content, to.as_bytes(), "{name}: {path}"),
            Entry::File(content) => assert_eq!(found.content, **content, "{name}: {path}"),
        }
    }
}

/// The specification knows whole hashes only.
fn is_known(scenario: &Scenario) -> bool {
    scenario.tuning.hash_bits == 55
}

#[test]
fn every_scenario_ends_with_a_volume_that_a_stranger_can_read() {
    Scenario::all().filter(|scenario| is_known(scenario)).for_each(ends_well);
}

#[test]
fn so_it_does_on_every_other_medium() {
    for medium in OTHER_MEDIA {
        Scenario::on(medium).filter(|scenario| is_known(scenario)).for_each(ends_well);
    }
}

#[test]
fn a_flipped_bit_of_live_metadata_is_found() {
    let (bytes, _) = worked(64, 4, Ending::Unmounted);
    let superblock = find(&bytes).expect("a volume");
    let volume = Volume::read(&bytes, &superblock).expect("readable");
    let node = volume.tree.nodes[0].pointer.block;
    let record = &volume.replayed.records[0];
    for at in [superblock.offset(node) + 40, superblock.offset(record.block) + record.at + 20] {
        let mut broken = bytes.clone();
        broken[usize::try_from(at).expect("small")] ^= 4;
        let report = check(&broken).expect("a volume");
        assert!(!report.findings.is_empty(), "byte {at}");
    }
}

#[test]
fn says_why_there_is_no_volume() {
    let blank = vec![0xFF; 1 << 16];
    assert_eq!(find(&blank), Err(Refused::Blank));
    assert_eq!(find(b"nothing of the kind, and short"), Err(Refused::Foreign));
    let (bytes, _) = worked(64, 5, Ending::Unmounted);
    let short = &&bytes[..bytes.len() - 4096];
    assert_eq!(find(short), Err(Refused::Short { needs: 64 * 4096, has: Medium::size(short) }));
    let mut newer = bytes.clone();
    newer[56] = 4;
    let sum = super::Crc::new().bytes(&newer[12..256]).sum();
    newer[8..12].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(find(&newer), Err(Refused::Features(4)));
}
