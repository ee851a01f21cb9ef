//! One node: its pages, and the search in them.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use crate::error::{Field, Malformed, Result};
use crate::format::key::Key;
use crate::format::page::{DataPage, DeltaPage, IndexPage};
use crate::format::pointer::NodePointer;
use crate::units::PAGE_BYTES;

/// An item that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) key: Key,
    /// Bytes of its value.
    pub(super) length: usize,
}

/// Data page number `page` of a node.
#[colour]
pub(super) async fn data_page<'a, D: BlockDevice>(
    media: &'a mut Media<'_, D>,
    node: &NodePointer,
    page: u8,
) -> Result<DataPage<'a>> {
    let bytes = media.page(node, page).await?;
    let parsed = DataPage::parse(bytes).map_err(corrupt(node.block))?;
    if parsed.level() != node.level {
        return Err(corrupt(node.block)(Malformed::Field(Field::Level)));
    }
    Ok(parsed)
}

/// The bytes of the page that says what has become of items of `node` since its data pages were
/// written.
#[colour]
pub(super) async fn delta_bytes<'a, D: BlockDevice>(
    media: &'a mut Media<'_, D>,
    node: &NodePointer,
) -> Result<Option<&'a [u8; PAGE_BYTES]>> {
    match node.delta_page() {
        Some(page) => media.page(node, page).await.map(Some),
        None => Ok(None),
    }
}

/// What bytes of a delta page of `node` say; nothing, if there is none.
pub(super) fn parse_delta<'a>(
    bytes: Option<&'a [u8; PAGE_BYTES]>,
    node: &NodePointer,
) -> Result<DeltaPage<'a>> {
    bytes.map_or(Ok(DeltaPage::NONE), DeltaPage::parse).map_err(corrupt(node.block))
}

/// Finds the first item of `node` at or after `bound`, and copies as much of its value as `target`
/// takes.
#[colour]
pub(super) async fn seek<D: BlockDevice>(
    media: &mut Media<'_, D>,
    node: &NodePointer,
    bound: Key,
    target: &mut [u8],
) -> Result<Option<Spot>> {
    let mut bound = bound;
    // What the delta page says comes first: a lookup that it answers reads nothing else.
    loop {
        let delta = parse_delta(delta_bytes(media, node).await?, node)?.from(bound);
        let end = delta.map_or(Key::END, |delta| delta.key);
        let found = delta
            .and_then(|delta| Some(Spot { key: delta.key, length: copy(delta.value?, target) }));
        if bound < end
            && let Some(spot) = seek_data(media, node, bound, end, target).await?
        {
            return Ok(Some(spot));
        }
        if found.is_some() || end == Key::END {
            return Ok(found);
        }
        bound = end.next();
    }
}

/// Finds the first item in the data pages of `node` that is in `bound..end`, as [`seek`] does.
/// Leaves `target` alone when there is none.
#[colour]
async fn seek_data<D: BlockDevice>(
    media: &mut Media<'_, D>,
    node: &NodePointer,
    bound: Key,
    end: Key,
    target: &mut [u8],
) -> Result<Option<Spot>> {
    let mut page = match page_behind(media, node, bound)? {
        Some(page) => page,
        None => page_of(media, node, bound).await?,
    };
    while page < node.data_pages() {
        let data = data_page(media, node, page).await?;
        if let Some(item) = data.items().find(|item| item.key >= bound) {
            if item.key >= end {
                return Ok(None);
            }
            return Ok(Some(Spot { key: item.key, length: copy(item.value, target) }));
        }
        page = page.saturating_add(1);
    }
    Ok(None)
}

/// Finds the last item of `node` in `low..=bound`, which are of one object and kind, and copies as
/// much of its value as `target` takes.
#[colour]
pub(super) async fn seek_back<D: BlockDevice>(
    media: &mut Media<'_, D>,
    node: &NodePointer,
    low: Key,
    bound: Key,
    target: &mut [u8],
) -> Result<Option<Spot>> {
    let mut bound = bound;
    loop {
        let delta = parse_delta(delta_bytes(media, node).await?, node)?;
        let before = |key: Key| (low..=bound).contains(&key);
        let delta = delta.items().filter(|delta| before(delta.key)).last();
        let found = delta
            .as_ref()
            .and_then(|delta| Some(Spot { key: delta.key, length: copy(delta.value?, target) }));
        let said = delta.map(|delta| delta.key);
        let from = said.map_or(low, Key::next);
        if from <= bound
            && let Some(spot) = seek_data_back(media, node, from, bound, target).await?
        {
            return Ok(Some(spot));
        }
        let Some(gone) = said.filter(|key| found.is_none() && *key > low) else {
            return Ok(found);
        };
        bound = Key { offset: gone.offset.saturating_sub(1), ..gone };
    }
}

/// Finds the last item in the data pages of `node` that is in `low..=bound`, as [`seek_back`] does.
/// Leaves `target` alone when there is none.
#[colour]
async fn seek_data_back<D: BlockDevice>(
    media: &mut Media<'_, D>,
    node: &NodePointer,
    low: Key,
    bound: Key,
    target: &mut [u8],
) -> Result<Option<Spot>> {
    let mut page = page_of(media, node, bound).await?;
    loop {
        let data = data_page(media, node, page).await?;
        let fits = |key: Key| (low..=bound).contains(&key);
        if let Some(item) = data.items().filter(|item| fits(item.key)).last() {
            return Ok(Some(Spot { key: item.key, length: copy(item.value, target) }));
        }
        let past = data.items().next().is_some_and(|first| first.key <= low);
        match page.checked_sub(1).filter(|_| !past) {
            Some(before) => page = before,
            None => return Ok(None),
        }
    }
}

/// Copies what fits, and gives the length of all of it.
pub(super) fn copy(value: &[u8], target: &mut [u8]) -> usize {
    for (byte, source) in target.iter_mut().zip(value) {
        *byte = *source;
    }
    value.len()
}

/// The data page behind the one at hand whose last item is just before `bound`: where a scan goes
/// on.
fn page_behind<D>(media: &Media<'_, D>, node: &NodePointer, bound: Key) -> Result<Option<u8>> {
    let ends =
        |data: &DataPage<'_>| data.items().last().is_some_and(|last| last.key.next() == bound);
    Ok(page_at_hand(media, node, ends)?.map(|page| page.saturating_add(1)))
}

/// The data page of a node that `is_it` and that needs no read. No I/O.
fn page_at_hand<D>(
    media: &Media<'_, D>,
    node: &NodePointer,
    is_it: impl Fn(&DataPage<'_>) -> bool,
) -> Result<Option<u8>> {
    for (page, bytes) in media.cached(node).filter(|(page, _)| *page < node.data_pages()) {
        if is_it(&DataPage::parse(bytes).map_err(corrupt(node.block))?) {
            return Ok(Some(page));
        }
    }
    Ok(None)
}

/// The data page that has `key`, if the node has it: no item of a later one is before it. Without a
/// read if that page is at hand.
#[colour]
pub(super) async fn page_of<D: BlockDevice>(
    media: &mut Media<'_, D>,
    node: &NodePointer,
    key: Key,
) -> Result<u8> {
    let Some(page) = node.index_page() else { return Ok(0) };
    if let Some(page) = page_at_hand(media, node, |data| data.spans(key))? {
        return Ok(page);
    }
    let bytes = media.page(node, page).await?;
    let index = IndexPage::parse(bytes).map_err(corrupt(node.block))?;
    if index.level() != node.level || index.count() != node.data_pages() {
        return Err(corrupt(node.block)(Malformed::Field(Field::Index)));
    }
    Ok(index.page_of(&key))
}
