//! Folding: a node and what is pending for it become new nodes.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use super::NodeStore;
use super::merge::{Counter, Filler, Fullness, Merge, Nodes, fill};
use super::node::{data_page, delta_bytes, parse_delta};
use super::path::{Place, child_of, locate};
use crate::error::{Error, Field, Malformed, Result};
use crate::format::change::Change;
use crate::format::key::Key;
use crate::format::page::{self, DATA_PAGES_MAX, DataPageBuilder, Delta, DeltaPage};
use crate::format::pointer::{DELTA_PAGES_MAX, HEIGHT_MAX, NodePointer};
use crate::pending::State;
use crate::units::{BlockNo, Generation, Level, PAGE_BYTES};

/// Nodes that one node can become.
pub const PARTS_MAX: usize = 3;
/// Blocks that one fold takes: its parts and a new root.
pub const TAKEN_MAX: usize = PARTS_MAX + 1;
/// Blocks that one fold gives back: a node and its sibling, or a chain of nodes without items.
pub const GIVEN_MAX: usize = HEIGHT_MAX as usize;
/// Pages that a new leaf leaves free for delta pages.
const SPARED_PAGES: u8 = 1;
/// Data pages that a leaf must be allowed to have to take delta pages. Of any two neighbouring
/// pages the items would not fit into one: p data pages, a delta page and a value of 480 bytes are
/// repacked into at most `2 floor((500 p + 980) / 501) + 1` pages: `3 p` or less from here on.
const DELTA_DATA_PAGES_MIN: u8 = 3;

/// A new child of the parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointed {
    /// Its separator.
    pub key: Key,
    /// The node.
    pub pointer: NodePointer,
    /// The parent on the medium does not have this separator.
    pub fresh: bool,
}

/// A child that the parent no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpointed {
    /// Its separator.
    pub key: Key,
    /// The parent on the medium does not have this separator either.
    pub vanish: bool,
}

/// What a fold has done, once a record says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// Level of the node.
    pub level: Level,
    /// Everything pending at that level from here ...
    pub low: Key,
    /// ... to before here is in the new nodes.
    pub high: Key,
    /// What the parent gains.
    pub points: heapless::Vec<Pointed, PARTS_MAX>,
    /// What the parent loses.
    pub unpoints: heapless::Vec<Unpointed, 2>,
    /// The new root, if it changes.
    pub root: Option<NodePointer>,
    /// Blocks of the new nodes.
    pub taken: heapless::Vec<BlockNo, TAKEN_MAX>,
    /// Blocks of nodes that are no longer reached.
    pub given: heapless::Vec<BlockNo, GIVEN_MAX>,
}

impl Default for Folded {
    fn default() -> Self {
        Self::new()
    }
}

impl Folded {
    /// Nothing so far.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            level: Level(0),
            low: Key::MIN,
            high: Key::END,
            points: heapless::Vec::new(),
            unpoints: heapless::Vec::new(),
            root: None,
            taken: heapless::Vec::new(),
            given: heapless::Vec::new(),
        }
    }

    /// The fold record, without the blocks that are taken and given: at most 195 bytes.
    pub fn changes(&self) -> impl Iterator<Item = Change<'static>> + '_ {
        let level = self.level.up();
        let fold = Change::Fold { level: self.level, low: self.low, high: self.high };
        let unpoints = self.unpoints.iter();
        let unpoints =
            unpoints.map(move |gone| Change::Unpoint { vanish: gone.vanish, level, key: gone.key });
        let points = self.points.iter().map(move |new| Change::Point {
            fresh: new.fresh,
            level,
            key: new.key,
            pointer: new.pointer,
        });
        let root = self.root.map(Change::Root);
        core::iter::once(fold).chain(unpoints).chain(points).chain(root)
    }

    fn lose(&mut self, state: &State<'_>, key: Key) -> Result<()> {
        let entry = state.entry(self.level.up(), key);
        let vanish = entry.is_some_and(|entry| entry.is_new());
        self.unpoints.push(Unpointed { key, vanish }).map_err(|_| Error::Bug)
    }

    fn give(&mut self, block: BlockNo) -> Result<()> {
        self.given.push(block).map_err(|_| Error::Bug)
    }
}

/// What a fold may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pages of a block.
    pub block_pages: u8,
    /// The tag of the journal block that is written now.
    pub tag: u8,
    /// Leaves written after this generation may take delta pages; `None`: no leaf may.
    pub deltas_after: Option<Generation>,
}

impl Limits {
    /// How many data pages a new node of `level` may have. Leaves that may take delta pages leave
    /// room for two.
    #[must_use]
    pub fn data_pages(&self, level: Level) -> u8 {
        let spared =
            if level == Level(0) && self.deltas_after.is_some() { SPARED_PAGES } else { 0 };
        let pages = self.block_pages.saturating_sub(1).min(DATA_PAGES_MAX);
        pages.saturating_sub(spared).max(1)
    }

    /// Whether there is room for one more delta page in a leaf, in cells that nothing was ever
    /// tried on: those of a leaf that this session has written. With few pages, those of the leaf,
    /// a delta page and one more value might need more than the nodes that a leaf can become.
    fn takes_delta(&self, leaf: &NodePointer) -> bool {
        let most = self.data_pages(Level(0));
        let pages = leaf.base_pages.saturating_add(leaf.delta_pages);
        if most < DELTA_DATA_PAGES_MIN || leaf.data_pages() > most {
            return false;
        }
        let ours = self.deltas_after.is_some_and(|before| leaf.generation > before);
        ours && pages < self.block_pages && leaf.delta_pages < DELTA_PAGES_MAX
    }
}

/// Bytes of a desk.
pub const DESK_BYTES: usize = 2 * PAGE_BYTES;

/// Where a fold puts pages together: room for two. In the first half is the page that is written
/// next; in the second one the delta page of the node that is read, or, if that has none, one more
/// page to be written.
pub struct Desk<'a> {
    bytes: &'a mut [u8; DESK_BYTES],
}

impl<'a> Desk<'a> {
    /// A desk in these bytes, whatever they hold.
    pub fn new(bytes: &'a mut [u8; DESK_BYTES]) -> Self {
        Self { bytes }
    }

    /// The page that is written next, and the other half.
    fn halves(&mut self) -> Result<(&mut [u8; PAGE_BYTES], &mut [u8; PAGE_BYTES])> {
        let (out, rest) = self.bytes.split_first_chunk_mut().ok_or(Error::Bug)?;
        Ok((out, rest.first_chunk_mut().ok_or(Error::Bug)?))
    }

    /// Where a page is put together behind one that `waits`, if one does, and the half that is left
    /// to the stream: what waits there is not touched, as no node of the stream has a delta page.
    fn room(&mut self, waits: bool) -> Result<(&mut [u8; PAGE_BYTES], &mut [u8; PAGE_BYTES])> {
        let (out, aside) = self.halves()?;
        Ok(if waits { (aside, out) } else { (out, aside) })
    }

    fn aside(&mut self) -> Result<&mut [u8; PAGE_BYTES]> {
        Ok(self.halves()?.1)
    }
}

/// What becomes of a node, found out by a first pass over the stream.
struct Plan {
    nodes: Nodes,
    low: Key,
    high: Key,
    /// How many pending values may go in; from `cut` on they stay pending.
    puts_max: u16,
    puts: u16,
    cut: Key,
    pages: u16,
    items: u32,
    /// What goes in comes before items that are there.
    inserts: bool,
    /// The separator that the parent has for the first part.
    held: Option<Key>,
    is_root: bool,
}

impl Plan {
    fn of(place: &Place) -> Self {
        Self {
            nodes: Nodes::from_iter([place.pointer]),
            low: place.low,
            high: place.high,
            puts_max: u16::MAX,
            puts: 0,
            cut: place.high,
            pages: 0,
            items: 0,
            inserts: false,
            held: None,
            is_root: false,
        }
    }

    fn block(&self) -> BlockNo {
        self.nodes.first().map_or(BlockNo(0), |node| node.block)
    }

    /// Nothing stays pending.
    fn is_whole(&self) -> bool {
        self.cut == self.high
    }
}

/// Rewrites the node of `level` that `key` belongs to, with what is pending for it, and says in
/// `folded`, which must be new, what has become of it.
///
/// # Errors
/// `Corrupt`; the device's; those of `store`; `NoSpace` if the tree would grow too high. Nothing
/// has changed then, but the blocks that were taken hold anything, and so does the page behind the
/// last one of a node that may take delta pages.
#[colour]
pub async fn fold<D: BlockDevice, S: NodeStore<D>>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    store: &mut S,
    desk: &mut Desk<'_>,
    (level, key): (Level, Key),
    limits: Limits,
    folded: &mut Folded,
) -> Result<()> {
    folded.level = level;
    let mut plan = Plan::of(&Place::root(state));
    if survey(media, state, desk, key, limits, &mut plan, folded).await? {
        let generation = state.scalars.generation.next();
        let alone = plan.nodes.iter().all(|node| node.delta_pages == 0);
        let pairs = alone && media.has_images();
        let mut writer = Writer { media, store, desk, generation, folded, pairs, waits: false };
        writer.parts(state, &plan, limits.data_pages(level)).await?;
    }
    Ok(())
}

/// Plans a fold; `false`: nothing is left to be written. Functions of their own keep what a fold
/// needs for planning off the stack while it writes.
#[colour]
#[inline(never)]
async fn survey<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    desk: &mut Desk<'_>,
    key: Key,
    limits: Limits,
    plan: &mut Plan,
    folded: &mut Folded,
) -> Result<bool> {
    let level = folded.level;
    let pages_max = limits.data_pages(level);
    let mut parent = Place::root(state);
    let mut place = parent;
    let is_root = parent.pointer.level == level;
    if !is_root {
        locate(media, state, level.up(), key, &mut parent).await?;
        place = parent;
        child_of(media, state, key, &mut place).await?;
    }
    if level == Level(0) && add_delta(media, state, desk, &place, limits, folded).await? {
        return Ok(false);
    }
    *plan = Plan::of(&place);
    measure(media, state, desk.aside()?, level, pages_max, plan).await?;
    (folded.low, folded.high) = (plan.low, plan.cut);
    if level > Level(0) && plan.items == 0 {
        return Err(corrupt(place.pointer.block)(Malformed::Field(Field::Items)));
    }
    folded.give(place.pointer.block)?;
    if is_root {
        plan.is_root = true;
        if plan.is_whole() && plan.items == 1 && level > Level(0) {
            child_of(media, state, Key::MIN, &mut place).await?;
            folded.root = Some(place.pointer);
            return Ok(false);
        }
        return Ok(true);
    }
    if place.low == place.separator {
        plan.held = Some(place.separator);
    } else {
        // The first child's range begins before its separator: from now on with it.
        folded.lose(state, place.separator)?;
    }
    let alone = place.low == parent.low && place.high == parent.high;
    if alone || !plan.is_whole() {
        return Ok(true);
    }
    if is_idle(media, state, &mut place, plan, folded).await? {
        if let Some(held) = plan.held {
            folded.lose(state, held)?;
        }
        return Ok(false);
    }
    if plan.held.is_some() && plan.high < parent.high {
        join(media, state, desk.aside()?, &mut parent, plan, pages_max, folded).await?;
    }
    Ok(true)
}

/// Adds a delta page to the leaf at `place`, if it takes one more and all that has become of its
/// items fits into it: one page instead of a node, and no block.
#[colour]
#[inline(never)]
async fn add_delta<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    desk: &mut Desk<'_>,
    place: &Place,
    limits: Limits,
    folded: &mut Folded,
) -> Result<bool> {
    let Place { mut pointer, low, high, separator } = *place;
    let news = state.range(Level(0), low, high).next().is_some();
    let fits = low == separator && limits.takes_delta(&pointer);
    if !news || !fits || place.has_runs(state) {
        return Ok(false);
    }
    let (out, aside) = desk.halves()?;
    if let Some(bytes) = delta_bytes(media, &pointer).await? {
        *aside = *bytes;
    }
    let older = parse_delta(pointer.delta_page().map(|_| &*aside), &pointer)?;
    if !put_delta(&older, state, place, out) {
        return Ok(false);
    }
    pointer.delta_pages = pointer.delta_pages.saturating_add(1);
    let page = pointer.delta_page().ok_or(Error::Bug)?;
    page::seal(out, &media.identity(pointer.block, pointer.generation, page));
    media.write_pages(pointer.block, page, out).await?;
    (folded.low, folded.high) = (low, high);
    if state.scalars.root.level == Level(0) {
        folded.root = Some(pointer);
        return Ok(true);
    }
    let entry = state.entry(Level(1), low);
    let fresh = entry.is_some_and(|entry| entry.is_new());
    folded.points.push(Pointed { key: low, pointer, fresh }).map_err(|_| Error::Bug)?;
    Ok(true)
}

/// Puts together what `older` and the pending set say about the items of a leaf; `false` if that
/// is too much for a page, or if so much is gone that the leaf might be left without items.
fn put_delta(
    older: &DeltaPage<'_>,
    state: &State<'_>,
    place: &Place,
    out: &mut [u8; PAGE_BYTES],
) -> bool {
    let mut builder = DataPageBuilder::delta(out);
    let mut older = older.items().peekable();
    let pending = state.range(Level(0), place.low, place.high);
    let mut pending = pending.map(|entry| Delta { key: entry.key, value: entry.value }).peekable();
    let mut gone = 0;
    loop {
        let old = older.peek().map_or(Key::END, |delta| delta.key);
        let new = pending.peek().map_or(Key::END, |delta| delta.key);
        let from_old = older.next_if(|delta| delta.key <= new);
        let from_new = pending.next_if(|delta| delta.key <= old);
        let Some(delta) = from_new.or(from_old) else { return true };
        gone = u8::saturating_add(gone, u8::from(delta.value.is_none()));
        // Each data page has an item at least.
        if gone >= place.pointer.data_pages() || !builder.push_delta(&delta) {
            return false;
        }
    }
}

/// Sends the stream of a plan through a counter.
#[colour]
#[inline(never)]
async fn count<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    aside: &mut [u8; PAGE_BYTES],
    level: Level,
    plan: &mut Plan,
) -> Result<()> {
    let mut merge = Merge::new(state, &plan.nodes, level, plan.low, plan.high, plan.puts_max);
    let mut counter = Counter::default();
    fill(media, &mut merge, aside, &mut counter).await?;
    (plan.cut, plan.puts) = (merge.cut, merge.puts);
    (plan.pages, plan.items, plan.inserts) = (counter.pages, counter.items, merge.inserts);
    Ok(())
}

/// How much of what is pending goes into the parts that a node can become: all of it, but for a
/// very full arena.
#[colour]
async fn measure<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    aside: &mut [u8; PAGE_BYTES],
    level: Level,
    pages_max: u8,
    plan: &mut Plan,
) -> Result<()> {
    let parts_pages = usize::from(pages_max).saturating_mul(PARTS_MAX);
    loop {
        count(media, state, aside, level, plan).await?;
        if usize::from(plan.pages) <= parts_pages {
            return Ok(());
        }
        // Half as many next time: one value always fits beside the pages of one node.
        plan.puts_max = plan.puts >> 1;
        if plan.puts_max == 0 {
            return Err(corrupt(plan.block())(Malformed::Field(Field::BasePages)));
        }
    }
}

/// Plans to make one node of this one and its right sibling, if it is small and both fit. `right`
/// is the parent at first, then that sibling.
#[colour]
#[inline(never)]
async fn join<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    aside: &mut [u8; PAGE_BYTES],
    right: &mut Place,
    plan: &mut Plan,
    pages_max: u8,
    folded: &mut Folded,
) -> Result<()> {
    let limit = u16::from(pages_max);
    if plan.pages > limit.checked_div(3).unwrap_or(0).max(1) {
        return Ok(());
    }
    child_of(media, state, plan.high, right).await?;
    // Packed together, two nodes can need one page less than each by itself.
    let together = plan.pages.saturating_add(right.pointer.data_pages().into());
    // An inner sibling that is to be folded anyway may turn out to lead to nothing.
    let level = folded.level;
    let waits = level > Level(0) && state.range(level, right.low, right.high).next().is_some();
    if waits || together > limit.saturating_add(1) {
        return Ok(());
    }
    let alone = (plan.high, plan.cut, plan.pages, plan.items);
    plan.nodes.push(right.pointer).map_err(|_| Error::Bug)?;
    plan.high = right.high;
    count(media, state, aside, level, plan).await?;
    if plan.is_whole() && plan.pages <= limit {
        folded.high = plan.cut;
        folded.give(right.pointer.block)?;
        return folded.lose(state, right.separator);
    }
    plan.nodes.pop();
    (plan.high, plan.cut, plan.pages, plan.items) = alone;
    Ok(())
}

/// Whether a node leads to no item, and nothing is pending that could change that. If so, the
/// nodes below it are given.
#[colour]
#[inline(never)]
async fn is_idle<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    place: &mut Place,
    plan: &Plan,
    folded: &mut Folded,
) -> Result<bool> {
    if place.pointer.level == Level(0) {
        return Ok(plan.items == 0);
    }
    let below = |level| state.range(Level(level), place.low, place.high).next().is_some();
    if plan.items != 1 || place.has_runs(state) || (0..place.pointer.level.0).any(below) {
        return Ok(false);
    }
    let given = folded.given.len();
    child_of(media, state, plan.low, place).await?;
    let mut pointer = place.pointer;
    loop {
        folded.give(pointer.block)?;
        let data = data_page(media, &pointer, 0).await?;
        let alone = pointer.data_pages() == 1 && pointer.delta_pages == 0;
        let items = if alone { data.count() } else { u16::MAX };
        if pointer.level == Level(0) && items == 0 {
            return Ok(true);
        }
        if pointer.level == Level(0) || items != 1 {
            folded.given.truncate(given);
            return Ok(false);
        }
        let only = data.items().next().ok_or(Error::Bug)?;
        pointer = only.pointer().map_err(corrupt(pointer.block))?;
    }
}

/// Writes nodes.
struct Writer<'a, 'm, 'd, D, S> {
    media: &'a mut Media<'m, D>,
    store: &'a mut S,
    desk: &'a mut Desk<'d>,
    generation: Generation,
    folded: &'a mut Folded,
    /// Whether two pages are programmed at once: two sectors cost what one costs.
    pairs: bool,
    /// Whether the page in the first half waits for the one behind it.
    waits: bool,
}

#[colour]
impl<D: BlockDevice, S: NodeStore<D>> Writer<'_, '_, '_, D, S> {
    /// Writes the nodes of a plan, and what the parent gains. They are all of about the same size,
    /// or full but for the last one where items only come behind the others: what counts upwards
    /// would else leave half-empty nodes behind it.
    #[inline(never)]
    async fn parts(&mut self, state: &State<'_>, plan: &Plan, pages_max: u8) -> Result<()> {
        let pages = plan.pages.max(1);
        let count = pages.div_ceil(u16::from(pages_max).max(1));
        let (each, more) = (pages.checked_div(count), pages.checked_rem(count));
        let mut rest = pages;
        let level = self.folded.level;
        let mut merge = Merge::new(state, &plan.nodes, level, plan.low, plan.high, plan.puts_max);
        // Where the part before ends, if it is a leaf of group items.
        let mut reached = None;
        for part in 0..count {
            let extra = more.is_some_and(|more| part < more);
            let even = each.unwrap_or(0).saturating_add(u16::from(extra));
            let pages = if plan.inserts { even } else { rest.min(pages_max.into()) };
            rest = rest.saturating_sub(pages);
            let pages = u8::try_from(pages).map_err(|_| Error::Bug)?;
            let (first, mut pointer, next) = self.node(&mut merge, pages).await?;
            let key = if part == 0 { plan.low } else { first.ok_or(Error::Bug)? };
            // It reaches from where its range begins to where that ends: at the next part.
            pointer.full &= first == Some(key);
            if let Some(before) = self.folded.points.last_mut() {
                before.pointer.full &= level > Level(0) || reached == Some(key);
            }
            reached = next;
            let fresh = match state.entry(level.up(), key) {
                Some(entry) => entry.is_new(),
                None => plan.held != Some(key),
            };
            let new = Pointed { key, pointer, fresh };
            self.folded.points.push(new).map_err(|_| Error::Bug)?;
        }
        if let Some(last) = self.folded.points.last_mut() {
            let ends = level > Level(0) || reached == Some(plan.high);
            last.pointer.full &= ends && plan.is_whole();
        }
        if plan.is_root {
            let root = match self.folded.points.as_slice() {
                [only] => only.pointer,
                _ => self.root().await?,
            };
            self.folded.points.clear();
            self.folded.root = Some(root);
        }
        Ok(())
    }

    #[inline(never)]
    async fn node(
        &mut self,
        merge: &mut Merge<'_, '_>,
        pages: u8,
    ) -> Result<(Option<Key>, NodePointer, Option<Key>)> {
        let block = self.take().await?;
        let level = self.folded.level;
        let mut keys = heapless::Vec::<Key, { DATA_PAGES_MAX as usize }>::new();
        let mut fullness = Fullness::UNKNOWN;
        for page in 0..pages {
            let (target, other) = self.desk.room(self.waits)?;
            let mut filler = Filler::new(target, level, fullness);
            fill(self.media, merge, other, &mut filler).await?;
            fullness = filler.fullness;
            if let Some(first) = filler.first {
                keys.push(first).map_err(|_| Error::Bug)?;
            }
            self.write(block, page, pages == 1).await?;
        }
        if pages > 1 {
            page::write_index(self.desk.room(self.waits)?.0, level, &keys)
                .map_err(|_| Error::Bug)?;
            self.write(block, pages, true).await?;
        }
        let mut pointer = self.pointer(block, pages, level);
        pointer.full = fullness.full;
        Ok((keys.first().copied(), pointer, fullness.next))
    }

    /// Writes a node above the parts of the old root.
    async fn root(&mut self) -> Result<NodePointer> {
        let level = self.folded.level.up();
        if level.0 >= HEIGHT_MAX {
            return Err(Error::NoSpace);
        }
        let block = self.take().await?;
        let (target, _) = self.desk.room(self.waits)?;
        let mut builder = DataPageBuilder::new(target, level);
        for Pointed { key, pointer, .. } in &self.folded.points {
            let value = pointer.encode().map_err(|_| Error::Bug)?;
            if !builder.push(key, &value) {
                return Err(Error::Bug);
            }
        }
        self.write(block, 0, true).await?;
        Ok(self.pointer(block, 1, level))
    }

    async fn take(&mut self) -> Result<BlockNo> {
        let block = self.store.take(self.media).await?;
        self.folded.taken.push(block).map_err(|_| Error::Bug)?;
        Ok(block)
    }

    /// Seals the page that was put together and programs it, with the one that waits for it if one
    /// does. Unless it is the last one of its node, it may be left to wait for the next one.
    async fn write(&mut self, block: BlockNo, page: u8, last: bool) -> Result<()> {
        let identity = self.media.identity(block, self.generation, page);
        page::seal(self.desk.room(self.waits)?.0, &identity);
        let waited = core::mem::take(&mut self.waits);
        if self.pairs && !waited && !last {
            self.waits = true;
            return Ok(());
        }
        let length = if waited { DESK_BYTES } else { PAGE_BYTES };
        let bytes = self.desk.bytes.get(..length).ok_or(Error::Bug)?;
        self.media.write_pages(block, page.saturating_sub(u8::from(waited)), bytes).await
    }

    fn pointer(&self, block: BlockNo, data_pages: u8, level: Level) -> NodePointer {
        let base_pages = NodePointer::base_pages_for(data_pages);
        let generation = self.generation;
        NodePointer { block, generation, base_pages, delta_pages: 0, level, full: false }
    }
}

/// Writes the root of an empty tree into an erased block.
///
/// # Errors
/// The device's.
#[colour]
pub async fn plant<D: BlockDevice>(
    media: &mut Media<'_, D>,
    block: BlockNo,
    generation: Generation,
    out: &mut [u8; PAGE_BYTES],
) -> Result<NodePointer> {
    let _ = DataPageBuilder::new(out, Level(0));
    page::seal(out, &media.identity(block, generation, 0));
    media.write_pages(block, 0, out).await?;
    Ok(NodePointer { block, generation, ..NodePointer::NONE })
}
