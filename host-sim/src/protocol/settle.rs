//! What happens before the first write: resolving doubt, settling, going on after a seal.

use super::content::{BlockState, Body, Content, Kind, Place, SEED};
use super::journal::{append, close_block, logged_in, make_room, write_entry};
use super::medium::{Device, Reading, Step};
use super::mount::{Link, Mount};
use super::replay;
use super::rules::Rule;

/// Makes a mounted volume ready to be written: nothing, a settle, or the step over a seal.
pub(super) fn make_ready(device: &mut Device, mount: &mut Mount) -> Step<()> {
    if mount.doubtful {
        if device.scenario.breaks(Rule::DoubtSettledFromMedium) {
            *mount = replay::mount(device)?;
        }
        settle(device, mount)
    } else if mount.sealed {
        pass_seal(device, mount)
    } else {
        Ok(())
    }
}

/// Goes on after a seal: the seal is programmed again, the anchors' doubt is resolved, and the
/// next record goes to the next block. The session stays.
fn pass_seal(device: &mut Device, mount: &mut Mount) -> Step<()> {
    let scenario = device.scenario;
    let seal = Place { block: mount.tail(), slot: mount.slot.saturating_sub(1) };
    if !scenario.sector && !scenario.breaks(Rule::SealNotStrengthened) {
        device.strengthen(seal)?;
    }
    mount.blank_slot = [None; 2];
    let settled = !scenario.sector && !is_unmarked(device, mount);
    if settled && !scenario.breaks(Rule::CleanDoubtNotStruck) {
        let strengthen = !scenario.breaks(Rule::CleanEntryNotStrengthened);
        resolve_doubt(device, mount, strengthen, scenario.breaks(Rule::CleanStrikesOtherOnly))?;
    }
    if settled && !scenario.breaks(Rule::SpareClaimKept) {
        mount.scalars.spare_erased = false;
    }
    if scenario.breaks(Rule::AnchorSlotReused) {
        trust_blank_slots(device, mount);
    }
    if scenario.breaks(Rule::CleanLeavingGiven) {
        mount.date_leaving(0);
    }
    if mount.promises {
        let mark = Place { block: mount.tail(), slot: mount.slot };
        let stands = matches!(device.read(mark), Reading::Blank);
        mount.erased_next = stands || scenario.breaks(Rule::PromiseNotLookedAt);
        mount.mark = Some(mark);
    }
    (mount.sealed, mount.promises) = (false, false);
    if !scenario.breaks(Rule::SealBlockContinued) {
        close_block(device, mount);
    }
    Ok(())
}

fn trust_blank_slots(device: &mut Device, mount: &mut Mount) {
    mount.blank_slot = [Some(0); 2];
    for place in replay::anchor_places(device) {
        if !matches!(device.read(place), Reading::Blank) {
            mount.blank_slot[usize::from(place.block)] = Some(place.slot + 1);
        }
    }
}

/// Re-programs the newest entry that counts, then strikes every slot of the anchor blocks that
/// could read as a newer one: those that read as garbage, the first blank one, and valid
/// entries newer than RAM knows.
fn resolve_doubt(
    device: &mut Device,
    mount: &mut Mount,
    strengthen: bool,
    other_only: bool,
) -> Step<()> {
    let scenario = device.scenario;
    if scenario.sector {
        return Ok(());
    }
    if strengthen && !scenario.breaks(Rule::EntryNotStrengthened) {
        device.strengthen(mount.newest_at)?;
    }
    if scenario.breaks(Rule::DoubtNotStruck) {
        return Ok(());
    }
    let newest = mount.newest_at.block;
    let blank = strike_doubt(device, mount, 1 - newest)?;
    mount.blank_slot[usize::from(1 - newest)] = blank;
    if !other_only {
        let blank = strike_doubt(device, mount, newest)?;
        mount.blank_slot[usize::from(newest)] = blank;
    }
    Ok(())
}

/// Strikes what could read as a newer entry in one anchor block. Tells the first slot that was
/// never tried since the block was erased, if one can be sure of that: an erase is begun only
/// behind a strike of the first slot.
pub(super) fn strike_doubt(device: &mut Device, mount: &Mount, block: u8) -> Step<Option<u8>> {
    let slots = device.scenario.anchor_slots;
    let mut used = 0;
    let mut whole = false;
    for slot in 0..slots {
        let place = Place { block, slot };
        let reading = device.read(place);
        if matches!(reading, Reading::Blank) {
            break;
        }
        used = slot + 1;
        let doubtful = matches!(reading, Reading::Garbage) || outranks(device, mount, place);
        whole |= slot == 0 && matches!(reading, Reading::Valid(_)) && !doubtful;
        if doubtful {
            device.strike(place)?;
        }
    }
    if used < slots {
        device.strike(Place { block, slot: used })?;
    }
    Ok(Some(used + 1).filter(|slot| whole && *slot < slots))
}

/// Whether the slot behind the newest entry reads blank: then no settle has resolved doubt since
/// that was written, and nothing was done that comes after.
fn is_unmarked(device: &mut Device, mount: &Mount) -> bool {
    let Place { block, slot } = mount.newest_at;
    let slot = slot + 1;
    let inside = slot < device.scenario.anchor_slots;
    inside && matches!(device.read(Place { block, slot }), Reading::Blank)
}

/// Whether `place` reads as an entry that outranks the one RAM stands on: its program failed in
/// this session, or it read otherwise when the volume was mounted.
fn outranks(device: &mut Device, mount: &Mount, place: Place) -> bool {
    let Reading::Valid(content) = device.read(place) else { return false };
    let Content::Entry(entry) = &*content else { return false };
    (entry.session, entry.sequence) > (mount.session, mount.newest)
        && !device.scenario.breaks(Rule::ValidDoubtKept)
}

/// Gives the volume a fresh chain in a spare block and an entry in both anchor blocks. Allocates
/// nothing, and may be cut and repeated for ever. `mount` changes when the first entry counts.
pub(super) fn settle(device: &mut Device, mount: &mut Mount) -> Step<()> {
    let scenario = device.scenario;
    if scenario.breaks(Rule::SettleSkipped) {
        mount.doubtful = false;
        return Ok(());
    }
    let unmarked = is_unmarked(device, mount) || scenario.breaks(Rule::SpareMarkNotLookedAt);
    let erased = mount.scalars.spare_erased && unmarked && !mount.first;
    mount.blank_slot = [None; 2];
    resolve_doubt(device, mount, true, false)?;
    if scenario.breaks(Rule::OldChainContinued) {
        close_block(device, mount);
        return make_room(device, mount, 1);
    }
    let mut settled = mount.clone();
    let checkpoint = checkpoint(device, mount);
    let same = mount.first && scenario.breaks(Rule::SameSpareAgain);
    let spare = if same { mount.chain[0].block } else { mount.scalars.spares[0] };
    if !erased {
        device.erase(spare, "settle")?;
    }
    settled.session += 1;
    settled.chain = vec![Link { block: spare, seed: SEED, root: mount.scalars.root }];
    (settled.slot, settled.checksum) = (0, SEED);
    (settled.pair, settled.image) = ([0, 1], Vec::new());
    (settled.mark, settled.erased_next) = (None, false);
    let early = scenario.breaks(Rule::AnchorBeforeCheckpoint);
    if early {
        write_entry(device, &mut settled, 0, true)?;
    }
    for (number, body) in checkpoint.into_iter().enumerate() {
        append(device, &mut settled, body, &format!("checkpoint {number}"))?;
    }
    if !early {
        write_entry(device, &mut settled, 0, true)?;
    }
    settled.first = true;
    *mount = settled;
    if !scenario.breaks(Rule::OneEntryOnly) {
        write_entry(device, mount, 0, false)?;
    }
    mount.doubtful = false;
    mount.date_leaving(0);
    Ok(())
}

/// The pending state, the new pair of spares and the fate of the old chain, in as many records
/// as the scenario says. The first has the scalars, the last the flag.
fn checkpoint(device: &Device, mount: &Mount) -> Vec<Body> {
    let scenario = device.scenario;
    let mut body = logged_in(mount, None);
    let mut set = |block: u8, state: BlockState| {
        body.runs.retain(|(run, _)| *run != block);
        body.runs.push((block, state));
    };
    if scenario.breaks(Rule::LeavingForgotten) {
        for (block, _) in &mount.leaving {
            set(*block, BlockState::Used);
        }
    }
    let oldest = mount.chain[0].block;
    let [_, other] = mount.scalars.spares;
    let retried = mount.first && !scenario.breaks(Rule::FirstFlagIgnored);
    let spares = if retried { [oldest, other] } else { [other, oldest] };
    for spare in spares {
        set(spare, BlockState::Used);
    }
    for link in &mount.chain[1..] {
        if scenario.breaks(Rule::OldChainFreed) {
            set(link.block, BlockState::Free);
        } else if !scenario.breaks(Rule::OldChainForgotten) {
            set(link.block, BlockState::Leaving);
        }
    }
    body.runs.sort_by_key(|(block, _)| *block);
    let spare_erased = false;
    body.scalars = Some(super::content::Scalars { spares, spare_erased, ..mount.scalars });
    split(body, usize::from(scenario.checkpoint_records))
}

fn split(mut body: Body, records: usize) -> Vec<Body> {
    let items = if records > 1 { std::mem::take(&mut body.items) } else { Vec::new() };
    let runs = if records > 2 { std::mem::take(&mut body.runs) } else { Vec::new() };
    let mut parts = vec![body];
    if records > 1 {
        parts.push(Body { items, ..Body::of(Kind::Change) });
    }
    if records > 2 {
        parts.push(Body::runs(runs));
    }
    for (number, part) in parts.iter_mut().enumerate() {
        part.kind = Kind::Checkpoint { first: number == 0, last: number + 1 == records };
    }
    parts
}
