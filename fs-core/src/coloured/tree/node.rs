//! One node: its pages, and the search in them.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use crate::error::{Malformed, Result};
use crate::format::key::Key;
use crate::format::page::{DataPage, IndexPage, Item};
use crate::format::pointer::NodePointer;

/// Which item next to a bound is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The last one before the bound.
    Before,
    /// The first one at the bound or after it.
    At,
}

/// An item that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) key: Key,
    /// Bytes of its value.
    pub(super) length: usize,
    /// The page that holds it.
    pub(super) page: u8,
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

/// Finds the item of `node` next to `bound`, and copies as much of its value as `target` takes.
/// Page `near` is looked at first: when it has the answer, the index page is not read.
#[colour]
pub(super) async fn seek<D: BlockDevice>(
    media: &mut Media<'_, D>,
    node: &NodePointer,
    bound: Key,
    side: Side,
    near: Option<u8>,
    target: &mut [u8],
) -> Result<Option<Spot>> {
    if let Some(page) = near {
        let data = data_page(media, node, page).await?;
        let (before, at) = neighbours(&data, bound);
        let last = page.saturating_add(1) >= node.data_pages();
        let found = match side {
            Side::Before => before.filter(|_| at.is_some() || last),
            Side::At => at.filter(|_| before.is_some() || page == 0),
        };
        if let Some(item) = found {
            return Ok(Some(copy(&item, page, target)));
        }
    }
    let mut page = page_of(media, node, bound, side).await?;
    while page < node.data_pages() {
        let data = data_page(media, node, page).await?;
        let (before, at) = neighbours(&data, bound);
        match side {
            Side::Before => return Ok(before.map(|item| copy(&item, page, target))),
            Side::At => {
                if let Some(item) = at {
                    return Ok(Some(copy(&item, page, target)));
                }
            }
        }
        page = page.saturating_add(1);
    }
    Ok(None)
}

/// The items of a page on both sides of `bound`.
fn neighbours<'a>(data: &DataPage<'a>, bound: Key) -> (Option<Item<'a>>, Option<Item<'a>>) {
    let before = data.items().take_while(|item| item.key < bound).last();
    (before, data.items().find(|item| item.key >= bound))
}

fn copy(item: &Item<'_>, page: u8, target: &mut [u8]) -> Spot {
    for (byte, source) in target.iter_mut().zip(item.value) {
        *byte = *source;
    }
    Spot { key: item.key, length: item.value.len(), page }
}

/// The page in which the search for an item next to `bound` begins.
#[colour]
async fn page_of<D: BlockDevice>(
    media: &mut Media<'_, D>,
    node: &NodePointer,
    bound: Key,
    side: Side,
) -> Result<u8> {
    let Some(page) = node.index_page() else { return Ok(0) };
    let bytes = media.page(node, page).await?;
    let index = IndexPage::parse(bytes).map_err(corrupt(node.block))?;
    if index.level() != node.level || index.count() != node.data_pages() {
        return Err(corrupt(node.block)(Malformed::Field("index")));
    }
    let page = index.page_of(&bound);
    let begins = side == Side::Before && index.first_key(page) == Some(bound);
    Ok(if begins { page.saturating_sub(1) } else { page })
}
