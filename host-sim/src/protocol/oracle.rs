//! What must hold in every state, whatever the medium was made to read as.

use super::choices::Choices;
use super::content::{BlockState, Content, Contents, Entry, Place};
use super::medium::{Cell, Device, Medium, Step, violation};
use super::mount::Mount;
use super::replay;
use super::scenario::Scenario;
use std::cmp::Reverse;

/// Every block but the anchors is free, or leaving, or has exactly one role. The chain's first
/// block may be both in its role and leaving: its re-log is logged, its anchor entry not.
#[expect(clippy::naive_bytecount, reason = "a dozen blocks, not bytes")]
pub(super) fn roles(scenario: &Scenario, mount: &Mount) -> Step<()> {
    let roles = mount.roles();
    for block in 2..scenario.blocks {
        let holds = roles.iter().filter(|role| **role == block).count();
        let state = mount.state_of(block);
        let oldest = mount.chain[0].block == block;
        let fine = match state {
            BlockState::Free | BlockState::Erased => holds == 0,
            BlockState::Used => holds == 1,
            BlockState::Leaving => holds == usize::from(oldest),
        };
        if !fine {
            return violation(format!(
                "{} block {block} is {state:?} and has {holds} roles of {roles:?}",
                if holds == 0 { "LEAKED:" } else { "DOUBLE USE:" },
            ));
        }
    }
    Ok(())
}

/// Invariant A on the quiet medium: the newest sound entry and the one before lead to the state
/// that RAM has. (An interrupted settle may have erased the one before.)
pub(super) fn both_entries_lead_here(
    scenario: &Scenario,
    contents: &mut Contents,
    medium: &Medium,
    mount: &Mount,
) -> Step<()> {
    let sound = sound_entries(scenario, contents, medium);
    let mut choices = Choices::default();
    let mut device = Device::new(medium.clone(), contents, &mut choices, scenario);
    let newest = sound.first().map_or(0, |(entry, _)| entry.sequence);
    for (entry, place) in sound.iter().take(2) {
        if entry.sequence + 1 < newest {
            continue;
        }
        let named = format!("entry {}/{}", entry.session, entry.sequence);
        let Some(reached) = replay::replay(&mut device, entry, *place) else {
            return violation(format!("INVARIANT A: {named} does not count"));
        };
        let same = reached.shown() == mount.shown()
            && reached.blocks() == mount.blocks()
            && reached.scalars == mount.scalars;
        if !same {
            return violation(format!("INVARIANT A: {named} leads elsewhere"));
        }
    }
    Ok(())
}

fn sound_entries(scenario: &Scenario, contents: &Contents, medium: &Medium) -> Vec<(Entry, Place)> {
    let mut found = Vec::new();
    for block in 0..2 {
        for slot in 0..scenario.anchor_slots {
            let place = Place { block, slot };
            let Cell::Sound(id) = medium.cell(place) else { continue };
            if let Content::Entry(entry) = &*contents.get(id) {
                found.push((entry.clone(), place));
            }
        }
    }
    found.sort_by_key(|(entry, _)| Reverse((entry.session, entry.sequence)));
    found
}
