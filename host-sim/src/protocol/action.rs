//! The operations of a program, each of them whole: what happens between two calls is over.

use super::content::{
    Block, BlockState, Body, Content, Items, Kind, Node, Place, Pointer, Record, Scalars,
};
use super::journal::{append, choose, make_room, room_left};
use super::medium::{Device, Step};
use super::mount::Mount;
use super::rules::Rule;
use super::settle::make_ready;

/// What a program may do next, and the word for it in a scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// `p01`: key 0 gets value 1. `P01`: the same in a record that needs two slots of room.
    Put { key: u8, value: u8, slots: u8 },
    /// `q01`: acknowledged, but not flushed (media with a cache).
    Buffer { key: u8, value: u8 },
    /// `f`: everything pending goes to a new node.
    Fold,
    /// `m`: erases one free block ahead.
    Maintain,
    /// `e`: erases the journal's next block ahead.
    EraseNext,
    /// `r`: erases the first spare ahead.
    EraseSpare,
    /// `R`: puts an erased block in place of the first spare.
    RenewSpare,
    /// `N`: puts an erased block in place of the journal's next one.
    RenewNext,
    /// `s`: ends the session with a seal.
    Park,
    /// Power fails between two operations.
    Cut,
    /// Power comes back: mount, and settle if need be.
    Mount,
}

impl Action {
    /// Decodes the words of a scenario.
    pub fn list(words: &str) -> Vec<Self> {
        words.split_whitespace().map(Self::of).collect()
    }

    fn of(word: &str) -> Self {
        let digit = |at: usize| word.as_bytes()[at] - b'0';
        match word.as_bytes()[0] {
            b'p' => Self::Put { key: digit(1), value: digit(2), slots: 1 },
            b'P' => Self::Put { key: digit(1), value: digit(2), slots: 2 },
            b'q' => Self::Buffer { key: digit(1), value: digit(2) },
            b'f' => Self::Fold,
            b'm' => Self::Maintain,
            b'e' => Self::EraseNext,
            b'r' => Self::EraseSpare,
            b'R' => Self::RenewSpare,
            b'N' => Self::RenewNext,
            b's' => Self::Park,
            _ => panic!("no such action: {word}"),
        }
    }

    /// What the program sees afterwards; `None` when there is nothing to do.
    pub fn outcome(self, device: &Device, mount: &Mount) -> Option<Items> {
        let mut shown = mount.shown();
        let useful = match self {
            Self::Put { key, value, .. } | Self::Buffer { key, value } => {
                std::mem::replace(&mut shown[usize::from(key)], value) != value
            }
            Self::Fold => mount.items.iter().any(Option::is_some),
            Self::Maintain => dirty(device, mount).is_some(),
            Self::EraseNext => !mount.sealed && !mount.erased_next,
            Self::EraseSpare => !mount.scalars.spare_erased && !device.scenario.sector,
            Self::RenewSpare => !mount.scalars.spare_erased && erased(device, mount).is_some(),
            Self::RenewNext => {
                !mount.sealed && !mount.erased_next && erased(device, mount).is_some()
            }
            Self::Park => !mount.sealed,
            Self::Cut | Self::Mount => true,
        };
        useful.then_some(shown)
    }

    /// Does it.
    pub fn run(self, device: &mut Device, mount: &mut Mount) -> Step<()> {
        make_ready(device, mount)?;
        let done = match self {
            Self::Put { key, value, slots } => put(device, mount, (key, value), slots),
            Self::Buffer { key, value } => buffer(device, mount, (key, value)),
            Self::Fold => fold(device, mount),
            Self::Maintain => maintain(device, mount),
            Self::EraseNext => erase_next(device, mount),
            Self::EraseSpare => erase_spare(device, mount),
            Self::RenewSpare => renew(device, mount, true),
            Self::RenewNext => renew(device, mount, false),
            Self::Park => park(device, mount),
            Self::Cut | Self::Mount => Ok(()),
        };
        mount.pinned = None;
        done
    }
}

fn put(device: &mut Device, mount: &mut Mount, item: (u8, u8), slots: u8) -> Step<()> {
    make_room(device, mount, slots)?;
    let mut body = Body::runs(mount.releasable());
    body.items.push(item);
    let gives: Vec<Block> = body.runs.iter().map(|(block, _)| *block).collect();
    append(device, mount, body, &format!("put {item:?}, gives {gives:?}"))
}

fn buffer(device: &mut Device, mount: &mut Mount, item: (u8, u8)) -> Step<()> {
    make_room(device, mount, 1)?;
    let body = Body { items: vec![item], ..Body::of(Kind::Change) };
    let record = Record::seal(device.scenario, mount.checksum, mount.session, body);
    let place = Place { block: mount.tail(), slot: mount.slot };
    device.program(place, Content::Record(record.clone()), &format!("buffered put {item:?}"))?;
    mount.apply(&record.body, place.block);
    mount.checksum = record.checksum;
    mount.slot += 1;
    Ok(())
}

fn fold(device: &mut Device, mount: &mut Mount) -> Step<()> {
    let scenario = device.scenario;
    make_room(device, mount, 1)?;
    let block = choose(device, mount)?;
    if !scenario.breaks(Rule::PinSkipped) {
        mount.pinned = Some(block);
    }
    if mount.state_of(block) == BlockState::Erased {
        open_window(device, mount, block)?;
    } else if !scenario.breaks(Rule::NodeBlockNotErased) {
        device.erase(block, "node")?;
    }
    let old = mount.scalars.root;
    let pointer = Pointer { block, generation: old.generation + 1 };
    let (items, blocks) = (mount.shown(), mount.blocks());
    let mut body = Body::runs(vec![(block, BlockState::Used), (old.block, BlockState::Free)]);
    body.fold = Some(pointer);
    let what = format!("fold to {block}, gives {}", old.block);
    let late = scenario.breaks(Rule::RecordBeforeNode);
    if late {
        append(device, mount, body.clone(), &what)?;
    }
    let node = Content::Node(Node { pointer, items, blocks });
    device.program(Place { block, slot: 0 }, node, "node")?;
    if !scenario.breaks(Rule::FlushNodeSkipped) {
        device.flush()?;
    }
    if scenario.breaks(Rule::ReuseBeforeDurable) {
        device.erase(old.block, "old node, before the fold record")?;
    }
    if !late {
        append(device, mount, body, &what)?;
    }
    (mount.tree_items, mount.tree_blocks) = (items, blocks);
    Ok(())
}

/// Takes a run out of the durably erased ones before its first program.
fn open_window(device: &mut Device, mount: &mut Mount, block: Block) -> Step<()> {
    if !device.scenario.breaks(Rule::WindowNotAnnounced) {
        let window = Body::runs(vec![(block, BlockState::Free)]);
        append(device, mount, window, &format!("window {block}"))?;
        make_room(device, mount, 1)?;
    }
    Ok(())
}

/// The first free block that is not known to be erased.
fn dirty(device: &Device, mount: &Mount) -> Option<Block> {
    (2..device.scenario.blocks).find(|block| mount.state_of(*block) == BlockState::Free)
}

fn maintain(device: &mut Device, mount: &mut Mount) -> Step<()> {
    make_room(device, mount, 1)?;
    let Some(block) = dirty(device, mount) else { return Ok(()) };
    let claim = Body::runs(vec![(block, BlockState::Erased)]);
    let what = format!("claim erased {block}");
    if device.scenario.breaks(Rule::ErasedClaimedEarly) {
        append(device, mount, claim, &what)?;
        return device.erase(block, "ahead");
    }
    device.erase(block, "ahead")?;
    append(device, mount, claim, &what)
}

fn erase_next(device: &mut Device, mount: &mut Mount) -> Step<()> {
    device.erase(mount.scalars.next, "next journal block, ahead")?;
    mount.erased_next = true;
    Ok(())
}

/// Erases the block that the next settle writes its checkpoint to, and says so in the log.
fn erase_spare(device: &mut Device, mount: &mut Mount) -> Step<()> {
    make_room(device, mount, 1)?;
    let scalars = Scalars { spare_erased: true, ..mount.scalars };
    let claim = Body { scalars: Some(scalars), ..Body::of(Kind::Change) };
    let early = device.scenario.breaks(Rule::SpareClaimedEarly);
    if early {
        append(device, mount, claim.clone(), "claim erased spare")?;
    }
    device.erase(mount.scalars.spares[0], "spare, ahead")?;
    if early { Ok(()) } else { append(device, mount, claim, "claim erased spare") }
}

/// The first block that the log calls erased.
fn erased(device: &Device, mount: &Mount) -> Option<Block> {
    (2..device.scenario.blocks).find(|block| mount.state_of(*block) == BlockState::Erased)
}

/// Puts an erased block in place of the first spare, or of the journal's next block. The one whose
/// place it takes is free. Only where the journal has room: it can wait.
fn renew(device: &mut Device, mount: &mut Mount, spare: bool) -> Step<()> {
    if room_left(device, mount) < 2 {
        return Ok(());
    }
    let Some(block) = erased(device, mount) else { return Ok(()) };
    mount.pinned = Some(block);
    if !device.scenario.breaks(Rule::RenewedNotAnnounced) {
        open_window(device, mount, block)?;
    }
    let mut scalars = mount.scalars;
    let place = if spare { &mut scalars.spares[0] } else { &mut scalars.next };
    let old = std::mem::replace(place, block);
    scalars.spare_erased |= spare;
    let runs = vec![(block, BlockState::Used), (old, BlockState::Free)];
    let body = Body { scalars: Some(scalars), ..Body::runs(runs) };
    append(device, mount, body, &format!("{block} in place of {old}"))?;
    mount.erased_next |= !spare;
    Ok(())
}

fn park(device: &mut Device, mount: &mut Mount) -> Step<()> {
    make_room(device, mount, 1)?;
    // Behind the seal there must be room to withdraw the promise, and sectors need no erase.
    let room = room_left(device, mount) >= 2 && !device.scenario.sector;
    let promises = room && mount.erased_next;
    let what = if promises { "seal, promises" } else { "seal" };
    append(device, mount, Body::of(Kind::Seal { promises }), what)
}
