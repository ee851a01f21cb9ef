use super::{BLOCK_BYTES, Breach, Image, Op, Rule};
use crate::fault::TearMode;
use crate::rng::{Rng, mix};

const AT: u64 = 4096 + 256;
const LENGTH: usize = 64;

fn some(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; LENGTH];
    Rng::new(seed).fill(&mut bytes);
    bytes
}

fn seen(image: &Image) -> Vec<u8> {
    let mut bytes = vec![0; LENGTH];
    image.peek(AT, &mut bytes);
    bytes
}

/// The content before and after a program over part of what is erased, and an image of before.
fn before() -> (Image, Vec<u8>, Vec<u8>, Op) {
    let mut image = Image::blank(4);
    let old: Vec<u8> =
        some(1).iter().enumerate().map(|(i, b)| if i % 2 == 0 { 0xFF } else { *b }).collect();
    image.program(AT, &old);
    let new: Vec<u8> = old.iter().zip(some(2)).map(|(old, new)| old & new).collect();
    (image, old, new.clone(), Op::program(AT, &new))
}

fn ones(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| byte.count_ones()).sum()
}

fn differing(a: &[u8], b: &[u8]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// Whether all ones of `low` are ones of `high`.
fn within(low: &[u8], high: &[u8]) -> bool {
    low.iter().zip(high).all(|(low, high)| low & !high == 0)
}

/// What a torn program reads at each power-on after it.
fn epochs(tear: TearMode, seed: u64, count: usize) -> Vec<Vec<u8>> {
    let (mut image, _, _, op) = before();
    image.apply_torn(&op, tear, seed);
    let mut read = || {
        image.power_on();
        seen(&image)
    };
    (0..count).map(|_| read()).collect()
}

#[test]
fn a_program_lowers_bits_and_an_erase_raises_them() {
    let mut image = Image::blank(2);
    assert_eq!(image.program(10, &[0xF0, 0x0F]), None);
    image.program(10, &[0x3C, 0x3C]);
    let mut found = [0; 4];
    image.read(9, &mut found);
    assert_eq!(found, [0xFF, 0x30, 0x0C, 0xFF]);
    image.erase(0, 4096);
    image.read(9, &mut found);
    assert_eq!(found, [0xFF; 4]);
}

#[test]
fn a_program_and_a_read_cross_blocks() {
    let mut image = Image::blank(3);
    let bytes: Vec<u8> = (0..5000_u32).map(|i| i.to_le_bytes()[0] ^ 0x55).collect();
    assert_eq!(image.program(4000, &bytes), None);
    let mut found = vec![0; 5000];
    image.read(4000, &mut found);
    assert_eq!(found, bytes);
    assert_eq!(Image::from_bytes(&image.to_bytes()).hash(), image.hash());
}

#[test]
fn only_zeros_and_equal_bytes_may_be_programmed_over() {
    let mut image = Image::blank(1);
    assert_eq!(image.program(0, &[0x12, 0x34, 0x56]), None);
    assert_eq!(image.program(0, &[0x12, 0x00, 0x56, 0x78]), None);
    let broken = Some(Breach { at: 2, rule: Rule::NotErased });
    assert_eq!(image.program(0, &[0x12, 0x00, 0x50]), broken, "fewer bits");
    assert_eq!(image.program(2, &[0xFF]), broken, "blank over programmed");
    image.allow_reprogram(false);
    assert_eq!(image.program(3, &[0]), Some(Breach { at: 3, rule: Rule::NotErased }));
}

#[test]
fn every_tear_is_decided_by_its_seed() {
    let erase = Op::Erase { at: 4096, bytes: 4096 };
    for op in [before().3, erase] {
        for tear in TearMode::of(&op) {
            let torn = |seed| {
                let mut image = before().0;
                image.apply_torn(&op, *tear, seed);
                (0..6).for_each(|_| image.power_on());
                (image.hash(), image.to_bytes())
            };
            assert_eq!(torn(7), torn(7), "{tear:?}");
            let same = matches!(tear, TearMode::Nothing | TearMode::Complete);
            let first = torn(0);
            assert_eq!((1..20).all(|seed| torn(seed) == first), same, "{tear:?}");
        }
    }
}

#[test]
fn stable_tears_of_a_program_do_what_their_names_say() {
    for seed in 0..200 {
        for tear in TearMode::PROGRAM {
            let (mut image, old, new, op) = before();
            image.apply_torn(&op, *tear, seed);
            let left = seen(&image);
            let between = within(&new, &left) && within(&left, &old);
            let good = match tear {
                TearMode::Nothing | TearMode::UnstableOld => left == old,
                TearMode::Prefix => (0..LENGTH).any(|border| {
                    left[..border] == new[..border] && left[border + 1..] == old[border + 1..]
                }),
                TearMode::Suffix => (0..LENGTH).any(|border| {
                    left[..border] == old[..border] && left[border + 1..] == new[border + 1..]
                }),
                TearMode::RandomSubset => left != old && left != new,
                TearMode::OneBit => differing(&left, &old) == 1,
                TearMode::AllButOneBit => differing(&left, &new) == 1,
                TearMode::Garbage => within(&left, &old) && !within(&new, &left),
                TearMode::Complete | TearMode::Unstable | TearMode::Decay => left == new,
                _ => true,
            };
            assert!(good && (between || *tear == TearMode::Garbage), "{tear:?} {seed}");
            let rest = image.to_bytes();
            let own = 4096 + 256..4096 + 256 + LENGTH;
            let others = rest.iter().enumerate().filter(|(at, _)| !own.contains(at));
            assert!(others.into_iter().all(|(_, byte)| *byte == 0xFF), "{tear:?} harms others");
        }
    }
}

#[test]
fn unstable_cells_read_right_first_and_anything_later() {
    let (_, old, new, _) = before();
    for seed in 0..50 {
        let runs = epochs(TearMode::Unstable, seed, 40);
        assert_eq!(runs[0], new);
        assert!(runs[1..].contains(&old), "untouched at some power-on");
        assert!(runs[1..].contains(&new), "done at some power-on");
        assert!(runs[1..].iter().any(|run| *run != old && *run != new), "neither at some");
        assert!(runs.iter().all(|run| within(&new, run) && within(run, &old)));
        let nearly = |run: &Vec<u8>| differing(run, &new) == 1;
        assert!(epochs(TearMode::Unstable, seed, 200).iter().any(nearly), "one bit wrong");

        assert_eq!(epochs(TearMode::UnstableOld, seed, 1)[0], old);
        assert!(epochs(TearMode::UnstableOld, seed, 40).contains(&new));
        let decay = epochs(TearMode::Decay, seed, 40);
        assert_eq!(decay[..2], [new.clone(), new.clone()]);
        assert!(decay.contains(&old));
    }
    let first: Vec<_> =
        (0..50).map(|seed| epochs(TearMode::UnstableMix, seed, 1).remove(0)).collect();
    assert!(first.contains(&old) && first.contains(&new));
}

#[test]
fn unstable_cells_stay_as_they_are_until_the_next_power_on_or_read() {
    let (mut image, _, _, op) = before();
    image.apply_torn(&op, TearMode::UnstableMix, 3);
    for _ in 0..20 {
        image.power_on();
        let first = seen(&image);
        let mut again = vec![0; LENGTH];
        for _ in 0..10 {
            image.read(AT, &mut again);
            assert_eq!(again, first);
        }
    }
    image.set_noise(5, true);
    let mut reads = std::collections::BTreeSet::new();
    let mut found = vec![0; LENGTH];
    for _ in 0..20 {
        image.read(AT, &mut found);
        reads.insert(found.clone());
    }
    assert!(reads.len() > 3, "changes from read to read");
}

#[test]
fn another_noise_seed_reads_otherwise() {
    let (mut image, _, _, op) = before();
    image.apply_torn(&op, TearMode::UnstableMix, 3);
    let mut read = |seed| {
        image.set_noise(seed, false);
        seen(&image)
    };
    let first = read(0);
    assert!((1..20).any(|seed| read(seed) != first));
}

#[test]
fn programming_the_same_again_makes_cells_stable() {
    for tear in [TearMode::Unstable, TearMode::UnstableOld, TearMode::UnstableMix, TearMode::Decay]
    {
        let (mut image, _, new, op) = before();
        image.apply_torn(&op, tear, 9);
        image.power_on();
        assert!(image.is_unstable());
        assert_eq!(image.program(AT, &new), None, "{tear:?}: equal bytes are allowed");
        assert!(!image.is_unstable());
        for _ in 0..20 {
            image.power_on();
            assert_eq!(seen(&image), new, "{tear:?}");
        }
    }
}

#[test]
fn zeros_strike_anything_and_erasing_heals_everything() {
    let op = before().3;
    let erase = Op::Erase { at: 4096, bytes: 4096 };
    for (op, tears) in [(&op, TearMode::PROGRAM), (&erase, TearMode::ERASE)] {
        for tear in tears {
            let mut image = before().0;
            image.apply_torn(op, *tear, 4);
            image.power_on();
            assert_eq!(image.program(AT, &[0; LENGTH]), None, "{tear:?}");
            for _ in 0..10 {
                image.power_on();
                assert_eq!(seen(&image), [0; LENGTH], "{tear:?}");
            }
            image.erase(4096, 4096);
            assert_eq!((image.troubled_blocks(), image.hash()), (0, Image::blank(4).hash()));
            assert_eq!(image.program(AT, &some(1)), None, "{tear:?}: erased");
        }
    }
}

#[test]
fn what_was_interrupted_may_not_be_programmed_before_an_erase() {
    for tear in TearMode::PROGRAM {
        let mut image = Image::blank(4);
        image.apply_torn(&Op::program(AT, &[0xFF; LENGTH]), *tear, 1);
        let broken = image.program(AT - 8, &[0x55; 16]);
        let rule = Rule::Suspect;
        assert_eq!(broken, Some(Breach { at: AT, rule }), "{tear:?}");
    }
    for tear in TearMode::ERASE {
        let mut image = Image::blank(4);
        image.apply_torn(&Op::Erase { at: 4096, bytes: 4096 }, *tear, 1);
        let broken = image.program(AT, &[0x55]);
        assert_eq!(broken, Some(Breach { at: AT, rule: Rule::InterruptedErase }), "{tear:?}");
        let mut unsettled = false;
        for _ in 0..60 {
            image.power_on();
            unsettled |= seen(&image)[0] != 0x55;
        }
        assert!(unsettled, "{tear:?}: what was programmed there does not hold");
    }
}

#[test]
fn tears_of_an_erase_do_what_their_names_say() {
    let op = Op::Erase { at: 4096, bytes: 4096 };
    let mut content = vec![0; BLOCK_BYTES];
    Rng::new(3).fill(&mut content);
    let blank = vec![0xFF; BLOCK_BYTES];
    for seed in 0..40 {
        for tear in TearMode::ERASE {
            let mut image = Image::blank(4);
            image.program(4096, &content);
            image.apply_torn(&op, *tear, seed);
            image.power_on();
            let mut left = blank.clone();
            image.peek(4096, &mut left);
            let split = |first: &[u8], last: &[u8]| {
                let same = left.iter().zip(first).take_while(|(a, b)| a == b).count();
                left.get(same + 1..).is_none_or(|rest| *rest == last[same + 1..])
            };
            let good = match tear {
                TearMode::Nothing | TearMode::UnstableOld => left == content,
                TearMode::EraseHalf => split(&blank, &content) && left != content,
                TearMode::Suffix => split(&content, &blank),
                TearMode::RandomSubset => within(&content, &left) && left != content,
                TearMode::OneBit => ones(&left) == ones(&content) + 1,
                TearMode::AllButOneBit => ones(&left) == ones(&blank) - 1,
                TearMode::Garbage => !within(&content, &left),
                TearMode::UnstableMix => within(&content, &left),
                _ => left == blank,
            };
            assert!(good, "{tear:?} {seed}");
            let weak = matches!(tear, TearMode::EraseWeak);
            let mut reads = vec![left.clone()];
            for _ in 0..20 {
                image.power_on();
                image.peek(4096, &mut left);
                reads.push(left.clone());
            }
            reads.dedup();
            let unsettled = matches!(
                tear,
                TearMode::Unstable
                    | TearMode::UnstableOld
                    | TearMode::UnstableMix
                    | TearMode::Decay
            );
            assert_eq!(reads.len() > 1, weak || unsettled, "{tear:?} {seed}");
            assert!(!weak || reads.iter().all(|read| ones(read) > 4096 * 8 - 100), "few bits");
        }
    }
}

#[test]
fn neighbours_are_harmed_in_the_same_block_only() {
    let mut harmed = 0;
    for seed in 0..50 {
        let mut image = Image::blank(4);
        for block in 0..4 {
            image.program(block * 4096, &some(block));
        }
        image.program(AT, &some(9));
        let before = image.to_bytes();
        image.damage_neighbours(AT, LENGTH as u64, seed);
        let after = image.to_bytes();
        assert_eq!(seen(&image), some(9), "not its own range");
        assert_eq!((&after[..4096], &after[8192..]), (&before[..4096], &before[8192..]));
        harmed += u32::from(after != before);
    }
    assert!(harmed > 25);
}

#[test]
fn a_lost_cache_leaves_any_subset_but_no_program_before_its_erase() {
    let mut image = Image::blank(4);
    image.program(0, &[0x11]);
    image.program(4096, &[0x22]);
    let ops = [
        Op::Erase { at: 0, bytes: 4096 },
        Op::program(0, &[0xA1]),
        Op::program(8192, &[0xA2]),
        Op::program(4097, &[0xA3]),
    ];
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..500 {
        let mut lost = image.clone();
        lost.lose_cache(&ops, TearMode::Nothing, seed);
        let bytes = lost.to_bytes();
        assert_eq!(bytes[4096], 0x22, "what was durable stays");
        assert!([0x11, 0xFF, 0xA1].contains(&bytes[0]), "never 0x11 & 0xA1");
        outcomes.insert((bytes[0], bytes[4097], bytes[8192]));
    }
    assert_eq!(outcomes.len(), 11, "all but the whole: at least one is torn {outcomes:x?}");
}

#[test]
fn bit_rot_is_one_bit() {
    let mut image = Image::blank(1);
    image.program(0, &[0x0F]);
    image.flip(0, 7);
    image.flip(1, 0);
    assert_eq!(image.to_bytes()[..3], [0x8F, 0xFE, 0xFF]);
}

#[test]
fn a_replayed_log_gives_the_same_image() {
    for seed in 0..100 {
        let mut rng = Rng::new(mix(seed, 77));
        let (start, mut image) = (Image::blank(4), Image::blank(4));
        let mut log = Vec::new();
        for _ in 0..30 {
            let at = rng.below(4 * 4096 - 300);
            let op = match rng.below(4) {
                0 => Op::Erase { at: at / 4096 * 4096, bytes: 4096 },
                1 => Op::PowerOn,
                _ => Op::program(at, &some(at)),
            };
            let tears = TearMode::of(&op);
            let torn = rng.chance(1, 4);
            let op = if torn { op.torn(tears[rng.index(tears.len())], seed) } else { op };
            image.apply(&op);
            log.push(op);
        }
        let mut again = start;
        again.replay(&log);
        assert_eq!((again.hash(), again.to_bytes()), (image.hash(), image.to_bytes()));
    }
}
