//! Mounting: ranks the anchor entries, follows the chain of the best one, refuses what is wrong.

use super::content::{Block, BlockState, Content, Entry, Kind, Place, Pointer, Record};
use super::medium::{Device, Reading, Step, violation};
use super::mount::{Link, Mount};
use super::oracle;
use super::rules::Rule;
use std::cmp::Reverse;

/// An anchor entry and where it stands.
pub(super) type Found = (Entry, Place);

/// Every entry that reads valid, the most trusted first: by session, then by sequence.
pub(super) fn entries(device: &mut Device) -> Vec<Found> {
    let mut found = Vec::new();
    for place in anchor_places(device) {
        if let Reading::Valid(content) = device.read(place)
            && let Content::Entry(entry) = &*content
        {
            found.push((entry.clone(), place));
        }
    }
    let by_sequence = device.scenario.breaks(Rule::EntriesRankedBySequence);
    found.sort_by_key(|(entry, _)| {
        Reverse((if by_sequence { 0 } else { entry.session }, entry.sequence))
    });
    found
}

/// Every slot of both anchor blocks.
pub(super) fn anchor_places(device: &Device) -> impl Iterator<Item = Place> + use<> {
    let slots = device.scenario.anchor_slots;
    (0..2).flat_map(move |block| (0..slots).map(move |slot| Place { block, slot }))
}

/// The state that the medium shows, from the best entry that counts.
pub(super) fn mount(device: &mut Device) -> Step<Mount> {
    let entries = entries(device);
    let newest = entries.first().map_or(0, |(entry, _)| entry.sequence);
    for (entry, place) in entries {
        if entry.sequence + 1 < newest && !device.scenario.breaks(Rule::EntriesRankedBySequence) {
            break;
        }
        if let Some(mount) = replay(device, &entry, place) {
            refuse_damage(device, &mount)?;
            oracle::roles(device.scenario, &mount)?;
            return Ok(mount);
        }
        device.note(|| format!("entry {}/{} does not count", entry.session, entry.sequence));
        if device.scenario.breaks(Rule::NoFallbackEntry) {
            return violation("BRICKED: the newest entry does not count, and no other is tried");
        }
    }
    violation("BRICKED: no entry counts")
}

/// Follows the chain of `entry`. `None`: the entry does not count, because its start, a part of
/// its checkpoint, what was logged again for it or the root it leads to does not verify.
pub(super) fn replay(device: &mut Device, entry: &Entry, place: Place) -> Option<Mount> {
    let scenario = device.scenario;
    let mut walk = Walk { mount: Mount::at_start_of(entry, place), complete: false };
    while advance(device, &mut walk) {
        if walk.mount.chain.len() > scenario.chain_max + 1 {
            return None;
        }
    }
    let mut mount = walk.complete.then_some(walk.mount)?;
    if scenario.breaks(Rule::RootOfStartVerified) {
        node(device, entry.root)?;
    }
    let Content::Node(node) = &*node(device, mount.scalars.root)? else { return None };
    mount.tree_items = node.items;
    mount.tree_blocks = node.blocks;
    // What the newest entry retired stays until it has a successor.
    mount.date_leaving(entry.sequence);
    Some(mount)
}

fn node(device: &mut Device, root: Pointer) -> Option<std::rc::Rc<Content>> {
    let Reading::Valid(content) = device.read(Place { block: root.block, slot: 0 }) else {
        return None;
    };
    matches!(&*content, Content::Node(node) if node.pointer == root).then_some(content)
}

/// A replay under way.
struct Walk {
    mount: Mount,
    /// Whether all that the entry was written behind has been read: the checkpoint up to its last
    /// record, or of a chain that starts with a header what was logged again for it.
    complete: bool,
}

impl Walk {
    fn enter(&mut self, block: Block) {
        let mount = &mut self.mount;
        mount.chain.push(Link { block, seed: mount.checksum, root: mount.scalars.root });
        mount.slot = 0;
        mount.image.clear();
        mount.pair = [0, 1];
    }

    fn take(&mut self, device: &Device, record: &Record) {
        let newest = self.mount.chain.len() >= device.scenario.chain_max;
        let leaves = record.body.runs.iter().any(|(_, state)| *state == BlockState::Leaving);
        match record.body.kind {
            Kind::Header if device.scenario.breaks(Rule::LostRelogCounts) => self.complete = true,
            Kind::Change if leaves && newest => self.complete = true,
            Kind::Checkpoint { last, .. } => {
                self.complete = last || device.scenario.breaks(Rule::IncompleteCheckpointCounts);
            }
            _ => {}
        }
        self.mount.apply(&record.body, self.mount.tail());
        self.mount.checksum = record.checksum;
        self.mount.slot += 1;
    }

    fn take_image(&mut self, device: &Device, slot: u8, image: Vec<Record>) {
        for record in &image {
            self.take(device, record);
        }
        self.mount.slot = slot + 1;
        self.mount.landed(device.scenario, slot, image);
    }
}

/// Applies the next record, or the next tail image; `false` when there is none.
fn advance(device: &mut Device, walk: &mut Walk) -> bool {
    let scenario = device.scenario;
    if scenario.image_records > 0 {
        return advance_image(device, walk);
    }
    let here = Place { block: walk.mount.tail(), slot: walk.mount.slot };
    if here.slot < scenario.slots
        && let Some(record) = record_at(device, here, &walk.mount)
    {
        walk.take(device, &record);
        return true;
    }
    if here.slot < scenario.slots && scenario.breaks(Rule::NextBlockNotTried) {
        return false;
    }
    let Some(next) = next_block(&walk.mount) else { return false };
    let header = record_at(device, Place { block: next, slot: 0 }, &walk.mount)
        .filter(|record| record.body.kind == Kind::Header);
    if let Some(record) = &header {
        walk.enter(next);
        walk.take(device, record);
    }
    header.is_some()
}

fn next_block(mount: &Mount) -> Option<Block> {
    let next = mount.scalars.next;
    let known = next != Block::MAX && !mount.chain.iter().any(|link| link.block == next);
    known.then_some(next)
}

fn record_at(device: &mut Device, place: Place, mount: &Mount) -> Option<Record> {
    let Reading::Valid(content) = device.read(place) else { return None };
    let Content::Record(record) = &*content else { return None };
    record.verifies(device.scenario, mount.checksum, mount.session).then(|| record.clone())
}

/// The longest image of the pair wins. When it is full, the other sector and the next one are
/// the new pair; when it is not, it is the tail, and only the next block may follow.
fn advance_image(device: &mut Device, walk: &mut Walk) -> bool {
    let mount = &walk.mount;
    if mount.image.is_empty()
        && let Some((slot, image)) = best_image(device, mount, mount.tail(), mount.pair)
    {
        walk.take_image(device, slot, image);
        return true;
    }
    let Some(next) = next_block(mount) else { return false };
    match best_image(device, mount, next, [0, 1]) {
        Some((slot, image)) if image[0].body.kind == Kind::Header => {
            walk.enter(next);
            walk.take_image(device, slot, image);
            true
        }
        _ => false,
    }
}

fn best_image(
    device: &mut Device,
    mount: &Mount,
    block: Block,
    pair: [u8; 2],
) -> Option<(u8, Vec<Record>)> {
    let looked_at = if device.scenario.breaks(Rule::OneImageRead) { 1 } else { 2 };
    let mut best: Option<(u8, Vec<Record>)> = None;
    for &slot in pair.iter().take(looked_at) {
        if slot >= device.scenario.slots {
            continue;
        }
        let Reading::Valid(content) = device.read(Place { block, slot }) else { continue };
        let Content::Image(image) = &*content else { continue };
        let longer = best.as_ref().is_none_or(|(_, best)| best.len() < image.len());
        if longer && chained(device, mount, image) {
            best = Some((slot, image.clone()));
        }
    }
    best
}

fn chained(device: &Device, mount: &Mount, image: &[Record]) -> bool {
    let mut previous = mount.checksum;
    image.iter().all(|record| {
        let verifies = record.verifies(device.scenario, previous, mount.session);
        previous = record.checksum;
        verifies
    })
}

/// A record that is chained to one that does not verify, behind it or in the next block, means
/// damage, not a tail: mount refuses. No power cut may look like that.
fn refuse_damage(device: &mut Device, mount: &Mount) -> Step<()> {
    let damaged = Place { block: mount.tail(), slot: mount.slot };
    if device.scenario.sector || damaged.slot >= device.scenario.slots {
        return Ok(());
    }
    let Some(trace) = device.trace_of(damaged) else { return Ok(()) };
    let Content::Record(trace) = &*trace else { return Ok(()) };
    let behind = Place { slot: damaged.slot + 1, ..damaged };
    let in_next = next_block(mount).map(|block| Place { block, slot: 0 });
    for place in [Some(behind).filter(|place| place.slot < device.scenario.slots), in_next] {
        let Some(place) = place else { continue };
        let Reading::Valid(content) = device.read(place) else { continue };
        let Content::Record(record) = &*content else { continue };
        if record.verifies(device.scenario, trace.checksum, mount.session) {
            return violation(format!("REFUSED: {place} follows the damaged record at {damaged}"));
        }
    }
    Ok(())
}
