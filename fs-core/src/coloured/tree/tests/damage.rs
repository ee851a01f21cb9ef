//! Nodes that no writer has made: damaged, woven, foreign.

use super::super::super::colour;
use super::super::{Desk, FOLD_RESERVE, Folded, choose, fold, get, next, next_node, range};
use super::{BLOCK, World, run};
use crate::error::{Error, Result};
use crate::format::change::Change;
use crate::format::key::{Key, Kind};
use crate::format::page::{self, DataPageBuilder, PAGE_PAYLOAD, VALUE_MAX};
use crate::format::pointer::NodePointer;
use crate::units::{BlockNo, Generation, Level, ObjectId, PAGE_BYTES};
use std::vec::Vec;

/// Reads, scans, chooses and folds until something fails or nothing is left to do.
#[colour]
async fn use_everything(world: &mut World) {
    let mut target = [0; VALUE_MAX];
    for _ in 0..20 {
        let key = world.random.key(400);
        let found = get(&mut world.media, &world.state, &mut world.hint, key, &mut target).await;
        assert_plausible(&found);
    }
    let (mut from, mut items) = (Key::MIN, 0);
    while let Ok(Some((key, _))) =
        next(&mut world.media, &world.state, &mut world.hint, from, &mut target).await
    {
        assert!(key >= from, "a scan goes up");
        from = key.next();
        items += 1;
        assert!(items < 100_000, "a scan ends");
    }
    for _ in 0..30 {
        let chosen = choose(&mut world.media, &world.state, world.limits).await;
        assert_plausible(&chosen);
        let Ok(Some(chosen)) = chosen else { return };
        if world.pool.free.len() < 8 || !world.state.fits(FOLD_RESERVE) {
            return;
        }
        let (media, state) = (&mut world.media, &world.state);
        let desk = &mut Desk::new(&mut world.desk);
        let (mut folded, pool) = (Folded::new(), &mut world.pool);
        let result = fold(media, state, pool, desk, chosen, world.limits, &mut folded).await;
        assert_plausible(&result);
        if result.is_err() {
            return;
        }
        for change in folded.changes() {
            if world.state.apply(&change, 0).is_err() {
                return;
            }
        }
    }
}

fn assert_plausible<T: core::fmt::Debug>(result: &Result<T>) {
    if let Err(error) = result {
        let expected = matches!(error, Error::Corrupt { .. } | Error::NoSpace);
        assert!(expected, "{error:?}");
    }
}

#[colour]
async fn hostile(seed: u64) {
    let mut world = World::new(seed, 1 + (seed % 7) as u8, 900, 400).await;
    for _ in 0..250 {
        world.step(400, 80).await;
    }
    let nodes = world.nodes().await;
    for _ in 0..=world.random.below(3) {
        let node = nodes[world.random.index(nodes.len())];
        let page = world.random.index(usize::from(node.base_pages + node.delta_pages));
        let at = node.block.0 as usize * BLOCK + page * PAGE_BYTES;
        let repaired = world.random.below(8) > 0;
        for _ in 0..=world.random.below(3) {
            // Half of the damage goes to header and first items, where it matters most.
            let span = if world.random.below(2) == 0 { 64 } else { PAGE_BYTES };
            let byte = world.random.index(span);
            let flip = 1 << world.random.below(8);
            world.chip().bytes[at + byte] ^= flip;
        }
        if repaired {
            let identity = world.media.identity(node.block, node.generation, page as u8);
            let bytes = &mut world.chip().bytes[at..at + PAGE_BYTES];
            page::seal(bytes.try_into().unwrap(), &identity);
        }
    }
    // A cached page may be one that is damaged now.
    world.media.forget_for_test();
    use_everything(&mut world).await;
}

#[colour]
impl World {
    async fn nodes(&mut self) -> Vec<NodePointer> {
        let mut nodes = Vec::new();
        for level in (0..=self.state.scalars.root.level.0).map(Level) {
            let mut from = Key::MIN;
            while let Some(place) =
                next_node(&mut self.media, &self.state, level, from).await.unwrap()
            {
                nodes.push(place.pointer);
                from = place.high;
            }
        }
        nodes
    }
}

#[test]
fn damaged_nodes_with_repaired_checksums_are_survived() {
    for seed in 1..=250 {
        run(hostile(seed));
    }
}

#[colour]
async fn woven() {
    let mut world = World::new(1, 7, 600, 64).await;
    let mut child = world.state.scalars.root;
    for level in 1..8_u8 {
        let block = BlockNo(40 + u32::from(level));
        let mut builder = DataPageBuilder::new(&mut world.out, Level(level));
        for number in 0..16 {
            let key = Key::new(ObjectId(number << (4 * (8 - level))), Kind(0), 0);
            assert!(builder.push(&key, &child.encode().unwrap()));
        }
        assert!(builder.used() <= PAGE_PAYLOAD);
        let generation = Generation(9);
        page::seal(&mut world.out, &world.media.identity(block, generation, 0));
        world.media.write_pages(block, 0, &world.out).await.unwrap();
        child = NodePointer {
            block,
            generation,
            base_pages: 1,
            delta_pages: 0,
            level: Level(level),
            full: false,
        };
    }
    world.state.scalars.root = child;
    let found = next(&mut world.media, &world.state, &mut world.hint, Key::MIN, &mut []).await;
    assert!(matches!(found, Err(Error::Corrupt { .. })), "{found:?}");
}

#[test]
fn a_scan_of_the_same_empty_leaf_again_and_again_ends() {
    run(woven());
}

#[colour]
async fn foreign() {
    let mut world = World::new(1, 7, 600, 64).await;
    let pointer = world.state.scalars.root;
    let point = Change::Point { fresh: true, level: Level(3), key: Key::MIN, pointer };
    assert!(world.state.apply(&point, 0).is_err());
    let pointer = NodePointer { level: Level(2), ..pointer };
    let point = Change::Point { fresh: true, level: Level(3), key: Key::MIN, pointer };
    world.state.apply(&point, 0).unwrap();
    let chosen = choose(&mut world.media, &world.state, world.limits).await;
    assert!(matches!(chosen, Err(Error::Corrupt { .. })), "{chosen:?}");
    let place = range(&mut world.media, &world.state, Level(1), Key::MIN).await;
    assert_eq!(place, Err(Error::Bug));
}

#[test]
fn pointers_above_the_root_are_corrupt() {
    run(foreign());
}
