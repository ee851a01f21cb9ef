//! Writing the log: records, the move to the next block, retiring the oldest one, anchor entries.

use super::content::{Block, BlockState, Body, Content, Entry, Kind, Place, Record, Scalars};
use super::medium::{Device, Reading, Step, Stop, violation};
use super::mount::{Link, Mount};
use super::rules::Rule;

/// Logs `body` behind the last record and applies it once it is durable.
pub(super) fn append(device: &mut Device, mount: &mut Mount, body: Body, what: &str) -> Step<()> {
    let block = mount.tail();
    append_in(device, mount, block, body, what)
}

fn append_in(
    device: &mut Device,
    mount: &mut Mount,
    block: Block,
    body: Body,
    what: &str,
) -> Step<()> {
    let scenario = device.scenario;
    let record = Record::seal(scenario, mount.checksum, mount.session, body);
    let early = scenario.breaks(Rule::AppliedBeforeDurable);
    if early {
        mount.apply(&record.body, block);
    }
    let programmed = program_record(device, mount, block, &record, what);
    let durable = programmed.and_then(|slot| {
        if !flush_skipped(device, &record) {
            device.flush()?;
        }
        Ok(slot)
    });
    let slot = doubt_unless(device, mount, durable)?;
    if !early {
        mount.apply(&record.body, block);
    }
    mount.checksum = record.checksum;
    if scenario.image_records > 0 {
        let mut image = std::mem::take(&mut mount.image);
        image.push(record);
        mount.landed(scenario, slot, image);
    }
    mount.slot = slot + 1;
    Ok(())
}

/// Programs `record` and tells the slot. A tail image goes to the sector of the pair that does
/// not hold the one before.
fn program_record(
    device: &mut Device,
    mount: &Mount,
    block: Block,
    record: &Record,
    what: &str,
) -> Step<u8> {
    if device.scenario.image_records == 0 {
        let place = Place { block, slot: mount.slot };
        device.program(place, Content::Record(record.clone()), what)?;
        return Ok(place.slot);
    }
    let in_place = device.scenario.breaks(Rule::TailInPlace);
    let fresh = mount.image.is_empty() || in_place;
    let slot = mount.pair[usize::from(!fresh)];
    let mut image = mount.image.clone();
    image.push(record.clone());
    device.program(Place { block, slot }, Content::Image(image), what)?;
    Ok(slot)
}

fn flush_skipped(device: &Device, record: &Record) -> bool {
    let scenario = device.scenario;
    let checkpoint = matches!(record.body.kind, Kind::Checkpoint { .. });
    let relog = record.body.runs.iter().any(|(_, state)| *state == BlockState::Leaving);
    scenario.breaks(Rule::FlushRecordSkipped)
        || scenario.breaks(Rule::FlushCheckpointSkipped) && checkpoint
        || scenario.breaks(Rule::FlushRelogSkipped) && relog && !checkpoint
}

/// A journal or anchor write that did not return `Ok` makes the session doubtful.
fn doubt_unless<T>(device: &Device, mount: &mut Mount, result: Step<T>) -> Step<T> {
    if matches!(result, Err(Stop::Failed)) {
        mount.doubtful = true;
        if device.scenario.breaks(Rule::DoubtfulTailContinued) {
            mount.doubtful = false;
            mount.slot = device.scenario.slots;
            mount.pair[1] = device.scenario.slots;
        }
    }
    result
}

/// Slots that the tail block still has. With tail images: records that still fit.
pub(super) fn room_left(device: &Device, mount: &Mount) -> u8 {
    let scenario = device.scenario;
    if scenario.image_records == 0 {
        return scenario.slots - mount.slot;
    }
    let beyond = mount.pair[0].max(mount.pair[1]);
    let images = scenario.slots.saturating_sub(beyond);
    let used = u8::try_from(mount.image.len()).expect("an image is a few records");
    (images * scenario.image_records).saturating_sub(used)
}

/// Moves on to the named next block when fewer than `slots` are left, and retires the oldest
/// block when the chain got too long.
pub(super) fn make_room(device: &mut Device, mount: &mut Mount, slots: u8) -> Step<()> {
    while room_left(device, mount) < slots {
        move_on(device, mount)?;
        if mount.chain.len() > device.scenario.chain_max {
            retire(device, mount)?;
        }
    }
    Ok(())
}

/// Closes the tail block, so that the next record moves on.
pub(super) fn close_block(device: &Device, mount: &mut Mount) {
    mount.slot = device.scenario.slots;
    mount.pair = [device.scenario.slots; 2];
    mount.image.clear();
}

fn move_on(device: &mut Device, mount: &mut Mount) -> Step<()> {
    let block = mount.scalars.next;
    withdraw_promise(device, mount)?;
    let erased = std::mem::take(&mut mount.erased_next);
    if !erased && !device.scenario.breaks(Rule::JournalBlockNotErased) {
        device.erase(block, "next journal block")?;
    }
    let next = choose(device, mount)?;
    let next_erased = mount.state_of(next) == BlockState::Erased;
    let mut body = Body::runs(mount.releasable());
    body.runs.push((next, BlockState::Used));
    body.kind = Kind::Header;
    body.scalars = Some(Scalars { next, ..mount.scalars });
    let link = Link { block, seed: mount.checksum, root: mount.scalars.root };
    let (slot, pair, image) = (mount.slot, mount.pair, std::mem::take(&mut mount.image));
    (mount.slot, mount.pair) = (0, [0, 1]);
    let appended = append_in(device, mount, block, body, &format!("header next={next}"));
    if appended.is_err() {
        (mount.slot, mount.pair, mount.image) = (slot, pair, image);
        if device.scenario.breaks(Rule::DoubtfulTailContinued) {
            close_block(device, mount);
        }
    }
    appended?;
    mount.chain.push(link);
    (mount.mark, mount.erased_next) = (None, next_erased);
    Ok(())
}

/// Withdraws what the seal says about the next block, before anything happens to that: again,
/// whatever stands there, for a mark that was cut may read as one today only.
fn withdraw_promise(device: &mut Device, mount: &mut Mount) -> Step<()> {
    let scenario = device.scenario;
    let Some(mark) = mount.mark.filter(|_| !scenario.breaks(Rule::PromiseNotWithdrawn)) else {
        return Ok(());
    };
    let stands = matches!(device.read(mark), Reading::Blank);
    if !stands && scenario.breaks(Rule::PromiseWithdrawnOnce) {
        return Ok(());
    }
    let struck = device.strike(mark);
    doubt_unless(device, mount, struck)
}

/// Logs the oldest block's live changes again and lets it leave, then anchors the chain without
/// it. It may be given once the entry after this one is durable.
fn retire(device: &mut Device, mount: &mut Mount) -> Step<()> {
    let scenario = device.scenario;
    let oldest = mount.chain[0].block;
    let mut body = Body::of(Kind::Change);
    if !scenario.breaks(Rule::RelogSkipped) {
        body = logged_in(mount, Some(oldest));
    }
    body.runs.retain(|(block, _)| *block != oldest);
    if scenario.breaks(Rule::LeaveAfterEntry) {
        append(device, mount, body, "re-log")?;
        write_entry(device, mount, 1, false)?;
        mount.chain.remove(0);
        let leave = Body::runs(vec![(oldest, BlockState::Leaving)]);
        append(device, mount, leave, &format!("leave {oldest}"))?;
    } else {
        if !scenario.breaks(Rule::LeaveNotLogged) {
            body.runs.push((oldest, BlockState::Leaving));
        }
        append(device, mount, body, &format!("re-log, leave {oldest}"))?;
        write_entry(device, mount, 1, false)?;
        mount.chain.remove(0);
    }
    let by = if scenario.breaks(Rule::QuarantineSkipped) { 0 } else { mount.newest };
    mount.leaving.push((oldest, by));
    Ok(())
}

/// The pending changes as a record would log them again: all, or those last logged in `block`.
pub(super) fn logged_in(mount: &Mount, block: Option<Block>) -> Body {
    let mut body = Body::of(Kind::Change);
    let wanted = |tag: Block| block.is_none_or(|block| block == tag);
    for (key, item) in (0..).zip(&mount.items) {
        body.items.extend(item.filter(|(_, tag)| wanted(*tag)).map(|(value, _)| (key, value)));
    }
    for (number, run) in (0..).zip(&mount.runs) {
        body.runs.extend(run.filter(|(_, tag)| wanted(*tag)).map(|(state, _)| (number, state)));
    }
    body
}

/// Writes an anchor entry for the chain from its block number `start` on, into the anchor block
/// that does not hold the newest entry.
pub(super) fn write_entry(
    device: &mut Device,
    mount: &mut Mount,
    start: usize,
    first: bool,
) -> Step<()> {
    let scenario = device.scenario;
    let holds_newest = mount.newest_at.block;
    let stays = scenario.breaks(Rule::SameAnchorBlock)
        || first && scenario.breaks(Rule::NewestAnchorErased);
    let block = if stays { holds_newest } else { 1 - holds_newest };
    let slot = blank_anchor_slot(device, mount, block)?;
    let link = mount.chain[start];
    let (sequence, session) = (mount.newest + 1, mount.session);
    let entry =
        Entry { sequence, session, start: link.block, seed: link.seed, first, root: link.root };
    let what = format!(
        "entry {session}/{sequence} start={}{}",
        link.block,
        if first { " first" } else { "" }
    );
    let place = Place { block, slot };
    let durable = device.program(place, Content::Entry(entry), &what).and_then(|()| {
        if scenario.breaks(Rule::FlushAnchorSkipped) { Ok(()) } else { device.flush() }
    });
    doubt_unless(device, mount, durable)?;
    mount.blank_slot[usize::from(block)] = Some(slot + 1);
    (mount.newest, mount.newest_at, mount.first) = (sequence, place, first);
    Ok(())
}

/// The next slot of anchor block `block`, which is erased first unless it is known to have one.
fn blank_anchor_slot(device: &mut Device, mount: &mut Mount, block: Block) -> Step<u8> {
    let known = mount.blank_slot[usize::from(block)].take();
    if let Some(slot) = known.filter(|slot| *slot < device.scenario.anchor_slots) {
        return Ok(slot);
    }
    if !device.scenario.sector {
        let blank = super::settle::strike_doubt(device, mount, block);
        if let Some(slot) = doubt_unless(device, mount, blank)? {
            return Ok(slot);
        }
    }
    let unstruck = device.scenario.sector || device.scenario.breaks(Rule::AnchorNotStruck);
    let struck = if unstruck { Ok(()) } else { device.strike(Place { block, slot: 0 }) };
    doubt_unless(device, mount, struck)?;
    let erased = device.erase(block, "anchor");
    if device.scenario.breaks(Rule::AnchorEraseNotDoubtful) {
        erased?;
    } else {
        doubt_unless(device, mount, erased)?;
    }
    Ok(0)
}

/// A block that may be programmed or erased: free in the durable state and not pinned. Known
/// erased ones first.
pub(super) fn choose(device: &Device, mount: &Mount) -> Step<Block> {
    let find = |state: BlockState| {
        (2..device.scenario.blocks)
            .find(|block| mount.state_of(*block) == state && mount.pinned != Some(*block))
    };
    match find(BlockState::Erased).or_else(|| find(BlockState::Free)) {
        Some(block) => Ok(block),
        None => violation("STUCK: no free block"),
    }
}
