//! One stream of items out of nodes, pending entries and runs of blocks. No I/O: the caller
//! brings the pages, one after the other.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use super::node::data_page;
use crate::error::{Malformed, Result};
use crate::format::group::Group;
use crate::format::key::{Key, Kind, SPACE};
use crate::format::page::{DataPage, DataPageBuilder, Item, PAGE_PAYLOAD, item_bytes};
use crate::format::pointer::NodePointer;
use crate::mutant::{self, Mutant};
use crate::pending::{EntryView, State, first_group};
use crate::units::{Level, PAGE_BYTES};

/// What takes the items of the stream.
pub(super) trait Sink {
    /// Takes an item; `false` if it is full.
    fn add(&mut self, key: &Key, value: &[u8]) -> Result<bool, Malformed>;
}

/// Counts the pages that the items will fill, in the way [`Filler`] fills them.
#[derive(Debug, Default)]
pub(super) struct Counter {
    pub(super) pages: u16,
    pub(super) items: u32,
    used: usize,
}

impl Sink for Counter {
    fn add(&mut self, _: &Key, value: &[u8]) -> Result<bool, Malformed> {
        let bytes = item_bytes(value.len());
        let used = self.used.saturating_add(bytes);
        if self.items == 0 || used > PAGE_PAYLOAD {
            self.pages = self.pages.saturating_add(1);
            self.used = bytes;
        } else {
            self.used = used;
        }
        self.items = self.items.saturating_add(1);
        Ok(true)
    }
}

/// Fills one page.
pub(super) struct Filler<'a> {
    builder: DataPageBuilder<'a>,
    pub(super) first: Option<Key>,
}

impl<'a> Filler<'a> {
    pub(super) fn new(page: &'a mut [u8; PAGE_BYTES], level: Level) -> Self {
        Self { builder: DataPageBuilder::new(page, level), first: None }
    }
}

impl Sink for Filler<'_> {
    fn add(&mut self, key: &Key, value: &[u8]) -> Result<bool, Malformed> {
        if self.builder.used().saturating_add(item_bytes(value.len())) > PAGE_PAYLOAD {
            return Ok(false);
        }
        if !self.builder.push(key, value) {
            return Err(Malformed::Order);
        }
        self.first = self.first.or(Some(*key));
        Ok(true)
    }
}

/// A node and the sibling it may be joined with.
pub(super) type Nodes = heapless::Vec<NodePointer, 2>;

/// The stream, and how far it has come.
pub(super) struct Merge<'s, 'm> {
    state: &'s State<'m>,
    level: Level,
    high: Key,
    nodes: &'s Nodes,
    node: usize,
    page: u8,
    /// No item of the current page was looked at.
    entered: bool,
    /// Everything before this key is through.
    next: Key,
    /// The first key at or after `next` about which something is pending.
    over: Key,
    puts_max: u16,
    /// Pending values that went in.
    pub(super) puts: u16,
    /// Pending values and runs from here on stay pending. What is deleted is left out all the same,
    /// so that no node begins with a separator that is gone.
    pub(super) cut: Key,
}

/// The first key in `from..high` about which something is pending, or the end key.
fn pending_from(state: &State<'_>, level: Level, from: Key, high: Key) -> Key {
    let entry = state.ceiling(level, from).map_or(Key::END, |entry| entry.key);
    let touched = state.touched_group(first_group(from));
    let group = touched.filter(|_| level == Level(0)).map_or(Key::END, Group::key);
    let first = entry.min(group);
    if first < high { first } else { Key::END }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drained {
    /// The sink is full.
    Full,
    /// The page has no more items.
    Page,
}

impl<'s, 'm> Merge<'s, 'm> {
    /// What `nodes`, which are for `low..high`, and at most `puts_max` pending values make.
    pub(super) fn new(
        state: &'s State<'m>,
        nodes: &'s Nodes,
        level: Level,
        low: Key,
        high: Key,
        puts_max: u16,
    ) -> Self {
        Self {
            state,
            level,
            high,
            nodes,
            node: 0,
            page: 0,
            entered: true,
            next: low,
            over: pending_from(state, level, low, high),
            puts_max,
            puts: 0,
            cut: high,
        }
    }

    fn position(&self) -> Option<(NodePointer, u8)> {
        self.nodes.get(self.node).map(|node| (*node, self.page))
    }

    /// Goes on to the next page, or to what is pending behind the last one.
    fn advance(&mut self) -> bool {
        let Some((node, page)) = self.position() else { return false };
        self.entered = true;
        self.page = page.saturating_add(1);
        if self.page >= node.data_pages() {
            self.node = self.node.saturating_add(1);
            self.page = 0;
        }
        true
    }

    fn drain(
        &mut self,
        page: Option<&DataPage<'_>>,
        sink: &mut dyn Sink,
    ) -> Result<Drained, Malformed> {
        let mut items = page.map(DataPage::items);
        let mut item: Option<Item<'_>> = None;
        loop {
            if let (None, Some(items)) = (item, items.as_mut()) {
                let Some(found) = items.next() else { return Ok(Drained::Page) };
                if found.key < self.next {
                    if self.entered {
                        return Err(Malformed::Order);
                    }
                    continue;
                }
                item = Some(found);
            }
            self.entered = false;
            let key = item.map_or(Key::END, |item| item.key).min(self.over);
            if key == Key::END {
                return Ok(Drained::Page);
            }
            if key >= self.high {
                return Err(Malformed::Order);
            }
            let base = item.filter(|item| item.key == key).map(|item| item.value);
            let sent = if key == self.over {
                self.send_pending(key, base, sink)?
            } else {
                base.map_or(Ok(true), |value| sink.add(&key, value))?
            };
            if !sent {
                return Ok(Drained::Full);
            }
            if base.is_some() {
                item = None;
            }
            self.next = key.next();
            if key == self.over {
                self.over = pending_from(self.state, self.level, self.next, self.high);
            }
        }
    }

    /// Sends what stands under `key` now, if anything, when something is pending for it.
    fn send_pending(
        &mut self,
        key: Key,
        base: Option<&[u8]>,
        sink: &mut dyn Sink,
    ) -> Result<bool, Malformed> {
        let entry = self.state.entry(self.level, key);
        let of_group = self.level == Level(0) && (key.object, key.kind) == (SPACE, Kind::GROUP);
        let touched = of_group && self.state.touched_group(key.offset) == Some(key.offset);
        let put = match entry {
            Some(EntryView { value, .. }) => value.is_some(),
            None => touched && base.is_none(),
        };
        if put && self.puts >= self.puts_max {
            self.cut = self.cut.min(key);
        }
        let live = key < self.cut;
        let forgets = self.level == Level(0) && mutant::on(Mutant::TombstoneDropped);
        let value = match entry {
            Some(EntryView { value: None, .. }) if !forgets => None,
            Some(EntryView { value: Some(value), .. }) if live => Some(value),
            _ => base,
        };
        let added = match value {
            _ if live && touched => self.send_group(key, value, sink)?,
            Some(value) => sink.add(&key, value)?,
            None => return Ok(true),
        };
        if added && put && live {
            self.puts = self.puts.saturating_add(1);
        }
        Ok(added)
    }

    /// Sends a group item that says what the runs say. Apart, for its need of stack.
    #[inline(never)]
    fn send_group(
        &self,
        key: Key,
        value: Option<&[u8]>,
        sink: &mut dyn Sink,
    ) -> Result<bool, Malformed> {
        let mut item = value.map_or(Ok(Group::FREE), Group::from_value)?;
        self.state.patch_group(key.offset, &mut item);
        sink.add(&key, &item.encode())
    }
}

/// Sends items until the sink is full (`true`) or there are no more.
#[colour]
pub(super) async fn fill<D: BlockDevice>(
    media: &mut Media<'_, D>,
    merge: &mut Merge<'_, '_>,
    sink: &mut dyn Sink,
) -> Result<bool> {
    loop {
        let drained = if let Some((node, page)) = merge.position() {
            let data = data_page(media, &node, page).await?;
            merge.drain(Some(&data), sink).map_err(corrupt(node.block))?
        } else {
            let block = merge.state.scalars.root.block;
            merge.drain(None, sink).map_err(corrupt(block))?
        };
        if drained == Drained::Full {
            return Ok(true);
        }
        if !merge.advance() {
            return Ok(false);
        }
    }
}
