//! One stream of items out of nodes, pending entries and runs of blocks. No I/O: the caller
//! brings the pages, one after the other, and the delta page of each node beside them.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use super::node::{data_page, delta_bytes, parse_delta};
use crate::error::{Malformed, Result};
use crate::format::group::Group;
use crate::format::key::{Key, Kind, SPACE};
use crate::format::page::{DataPage, DataPageBuilder, DeltaPage, Item, PAGE_PAYLOAD, item_bytes};
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

/// Whether the items of a node make it one that is full, as a pointer says it: group items without
/// a free block and without a gap, or pointers to such nodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fullness {
    pub(super) full: bool,
    /// The key that comes next, if it is a leaf.
    pub(super) next: Option<Key>,
}

impl Fullness {
    pub(super) const UNKNOWN: Self = Self { full: true, next: None };

    fn note(&mut self, level: Level, key: &Key, value: &[u8]) {
        let of_groups = (key.object, key.kind) == (SPACE, Kind::GROUP);
        self.full &= of_groups
            && if level == Level(0) {
                Group::is_full(value) && self.next.is_none_or(|next| next == *key)
            } else {
                NodePointer::from_value(value).is_ok_and(|child| child.full)
            };
        self.next = (level == Level(0)).then_some(key.next());
    }
}

/// Fills one page.
pub(super) struct Filler<'a> {
    builder: DataPageBuilder<'a>,
    level: Level,
    pub(super) first: Option<Key>,
    pub(super) fullness: Fullness,
}

impl<'a> Filler<'a> {
    pub(super) fn new(page: &'a mut [u8; PAGE_BYTES], level: Level, fullness: Fullness) -> Self {
        Self { builder: DataPageBuilder::new(page, level), level, first: None, fullness }
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
        self.fullness.note(self.level, key, value);
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
    /// Data pages, and behind them what only the delta page has.
    page: u8,
    /// The node whose delta page is at hand.
    at_hand: usize,
    /// No item of the current page was looked at.
    entered: bool,
    /// Everything before this key is through.
    next: Key,
    /// The first key at or after `next` about which something is pending.
    over: Key,
    puts_max: u16,
    /// Pending values that went in.
    pub(super) puts: u16,
    /// Items of the nodes follow them.
    pub(super) inserts: bool,
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
            at_hand: usize::MAX,
            entered: true,
            next: low,
            over: pending_from(state, level, low, high),
            puts_max,
            puts: 0,
            inserts: false,
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
        let pages = node.data_pages().saturating_add(u8::from(node.delta_pages > 0));
        if self.page >= pages {
            self.node = self.node.saturating_add(1);
            self.page = 0;
        }
        true
    }

    /// Sends the items of `page` with what `delta` and the pending set say about them; without a
    /// page, what they say beyond the last one.
    fn drain(
        &mut self,
        page: Option<&DataPage<'_>>,
        delta: &DeltaPage<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Drained, Malformed> {
        let is_last = self.node >= self.nodes.len();
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
            let newer = delta.from(self.next);
            let of_node = item.map_or(Key::END, |item| item.key);
            let of_node = newer.map_or(of_node, |newer| newer.key.min(of_node));
            let key = of_node.min(self.over);
            // What is pending behind a node goes out with the next one, or in the end.
            if key == Key::END || (of_node == Key::END && !is_last) {
                return Ok(Drained::Page);
            }
            if key >= self.high {
                return Err(Malformed::Order);
            }
            let of_page = item.filter(|item| item.key == key).map(|item| item.value);
            let newer = newer.filter(|newer| newer.key == key);
            let base = newer.map_or(of_page, |newer| newer.value);
            let sent = if key == self.over {
                self.send_pending(key, base, sink)?
            } else {
                self.inserts |= self.puts > 0;
                base.map_or(Ok(true), |value| sink.add(&key, value))?
            };
            if !sent {
                return Ok(Drained::Full);
            }
            if of_page.is_some() {
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

/// Sends items until the sink is full (`true`) or there are no more. `aside` has the delta page of
/// the node that the stream is in, and is left to `merge` until it ends.
#[colour]
pub(super) async fn fill<D: BlockDevice>(
    media: &mut Media<'_, D>,
    merge: &mut Merge<'_, '_>,
    aside: &mut [u8; PAGE_BYTES],
    sink: &mut dyn Sink,
) -> Result<bool> {
    loop {
        let drained = if let Some((node, page)) = merge.position() {
            if merge.at_hand != merge.node {
                if let Some(bytes) = delta_bytes(media, &node).await? {
                    *aside = *bytes;
                }
                merge.at_hand = merge.node;
            }
            let bytes = node.delta_page().map(|_| &*aside);
            let delta = parse_delta(bytes, &node)?;
            let wrong = corrupt(node.block);
            if page < node.data_pages() {
                let data = data_page(media, &node, page).await?;
                merge.drain(Some(&data), &delta, sink).map_err(wrong)?
            } else {
                merge.drain(None, &delta, sink).map_err(wrong)?
            }
        } else {
            let block = merge.state.scalars.root.block;
            merge.drain(None, &DeltaPage::NONE, sink).map_err(corrupt(block))?
        };
        if drained == Drained::Full {
            return Ok(true);
        }
        if !merge.advance() {
            return Ok(false);
        }
    }
}
