//! The next group that may have a free block: nodes that are full are passed over.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::Media;
use super::Hint;
use super::path::{Place, child_of};
use crate::error::Result;
use crate::format::group::Group;
use crate::format::key::Key;
use crate::pending::{State, first_group};
use crate::units::Level;

/// The first group at or after `from` that may have a free block: one whose leaf is not full, or
/// that a pending run touches. Beyond the last group item that is any group there is.
///
/// Reads a way down for each full node beside the way: at most as many as one node has children,
/// for each level. Nothing if `hint` is the leaf of `from`; the leaf that is found becomes it.
///
/// # Errors
/// `Corrupt`; the device's.
#[colour]
pub async fn open_group<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    hint: &mut Hint,
    from: u64,
) -> Result<u64> {
    let mut from = from;
    loop {
        let key = Group::key(from);
        let mut place = if hint.leads_to(state, key) { hint.place } else { Place::root(state) };
        while place.pointer.level > Level(0) && !is_closed(state, &place, key) {
            child_of(media, state, key, &mut place).await?;
        }
        if !is_closed(state, &place, key) {
            *hint = Hint { place, shape: Some(state.shape()) };
            return Ok(from);
        }
        let touched = state.touched_group(from);
        let end = first_group(place.high);
        if let Some(touched) = touched.filter(|touched| *touched < end) {
            return Ok(touched);
        }
        from = end;
    }
}

/// Whether all groups from that of `key` to the end of the range are full, as far as no run says
/// otherwise.
fn is_closed(state: &State<'_>, place: &Place, key: Key) -> bool {
    // A first child may be for keys before its separator: about them the flag says nothing.
    let covers = place.pointer.full && key >= place.separator && key < place.high;
    let pending = |level| state.range(Level(level), place.low, place.high).next().is_some();
    covers && !(1..=place.pointer.level.0).any(pending)
}
