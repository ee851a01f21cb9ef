//! Blocks wear evenly: chips that are small, so that each block is erased many times.

use fs_core::blocking::Volume;
use fs_core::{FormatOptions, MountOptions, OpenOptions};
use host_sim::chip::{Nor, Spec};
use host_sim::subject::Lent;

fn formatted(blocks: u32) -> Nor {
    let nor = Nor::new(Spec::small(blocks));
    let options = FormatOptions { hash_seed: [9; 16], ..FormatOptions::default() };
    Volume::format(&mut nor.clone(), &mut Lent::new(), &options).unwrap();
    nor
}

/// A device that starts, writes once and loses power. Each session takes a block, and the chunk
/// that is erased for sixteen of them wears evenly. It once did not: the session after the one
/// that had erased a chunk found its spare block not erased, and erased that alone: always the same
/// block of each chunk, which so wore twice as fast.
#[test]
fn short_sessions_erase_no_block_by_itself() {
    let nor = formatted(256);
    let mut chunks = 0;
    for number in 0..300 {
        let before = nor.wear();
        let (mut device, mut memory) = (nor.clone(), Lent::new());
        let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
        volume.replace("/boots", number.to_string().as_bytes()).unwrap();
        let after = nor.wear();
        // The anchors, at both ends, are erased by themselves.
        let erased = (1..255).filter(|block| after.0[*block] != before.0[*block]).count();
        // The first sessions take what the format has left.
        assert!(number < 40 || matches!(erased, 0 | 16), "{erased} blocks in session {number}");
        chunks += usize::from(erased == 16);
    }
    assert!(chunks >= 10, "{chunks}");
}

/// Half of the chip never changes, and one file is written again and again until each block was
/// erased fifty times in the mean: what never changes has moved, so that the hottest block has
/// 1.5 times as many at most. A chip that bears so many erases of a block has then lived two thirds
/// of what it could, or more.
#[test]
fn what_never_changes_takes_its_share_of_the_wear() {
    const BLOCKS: u32 = 256;
    let nor = formatted(BLOCKS);
    let (mut device, mut memory) = (nor.clone(), Lent::new());
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    let still = volume.open("/still", OpenOptions::new().write().create()).unwrap();
    for at in 0..128_u32 {
        assert_eq!(volume.write_at(still, u64::from(at) * 4096, &[0x5A; 4096]).unwrap(), 4096);
    }
    volume.close(still).unwrap();
    let before = nor.wear();
    let since = || -> Vec<u32> {
        nor.wear().0.iter().zip(&before.0).map(|(now, before)| now - before).collect()
    };
    let mean = |wear: &[u32]| f64::from(wear.iter().sum::<u32>()) / f64::from(BLOCKS);
    let mut rounds = 0_u32;
    while mean(&since()) < 50.0 {
        for _ in 0..100 {
            let options = OpenOptions::new().write().create().truncate();
            let file = volume.open("/moving", options).unwrap();
            volume.write_at(file, 0, &rounds.to_le_bytes().repeat(1024)).unwrap();
            volume.close(file).unwrap();
            rounds += 1;
        }
        assert!(rounds < 100_000);
    }
    let wear = since();
    let hottest = wear.iter().copied().max().unwrap();
    let mean = mean(&wear);
    assert!(f64::from(hottest) <= 1.5 * mean, "{hottest}, mean {mean:.1}: {wear:?}");
}
