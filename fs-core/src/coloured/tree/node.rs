//! One node: its pages, and the search in them.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use crate::error::{Malformed, Result};
use crate::format::key::Key;
use crate::format::page::{DataPage, IndexPage};
use crate::format::pointer::NodePointer;

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
        return Err(corrupt(node.block)(Malformed::Field("level")));
    }
    Ok(parsed)
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
    let mut page = page_of(media, node, bound).await?;
    while page < node.data_pages() {
        let data = data_page(media, node, page).await?;
        if let Some(item) = data.items().find(|item| item.key >= bound) {
            return Ok(Some(Spot { key: item.key, length: copy(item.value, target) }));
        }
        page = page.saturating_add(1);
    }
    Ok(None)
}

/// Copies what fits, and gives the length of all of it.
pub(super) fn copy(value: &[u8], target: &mut [u8]) -> usize {
    for (byte, source) in target.iter_mut().zip(value) {
        *byte = *source;
    }
    value.len()
}

/// The data page that has `key`, if the node has it: no item of a later one is before it.
#[colour]
pub(super) async fn page_of<D: BlockDevice>(
    media: &mut Media<'_, D>,
    node: &NodePointer,
    key: Key,
) -> Result<u8> {
    let Some(page) = node.index_page() else { return Ok(0) };
    let bytes = media.page(node, page).await?;
    let index = IndexPage::parse(bytes).map_err(corrupt(node.block))?;
    if index.level() != node.level || index.count() != node.data_pages() {
        return Err(corrupt(node.block)(Malformed::Field("index")));
    }
    Ok(index.page_of(&key))
}
