//! Folding: a node and what is pending for it become new nodes.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, corrupt};
use super::NodeStore;
use super::merge::{Counter, Filler, Merge, Nodes, fill};
use super::node::data_page;
use super::path::{Place, child_of, locate};
use crate::error::{Error, Malformed, Result};
use crate::format::change::Change;
use crate::format::key::Key;
use crate::format::page::{self, DATA_PAGES_MAX, DataPageBuilder};
use crate::format::pointer::{HEIGHT_MAX, NodePointer};
use crate::pending::{State, first_group};
use crate::units::{BlockNo, Generation, Level, PAGE_BYTES};

/// Nodes that one node can become.
pub const PARTS_MAX: usize = 3;
/// Blocks that one fold takes: its parts and a new root.
pub const TAKEN_MAX: usize = PARTS_MAX + 1;
/// Blocks that one fold gives back: a node and its sibling, or a chain of nodes without items.
pub const GIVEN_MAX: usize = HEIGHT_MAX as usize;

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

impl Folded {
    fn new(level: Level, low: Key, high: Key) -> Self {
        Self {
            level,
            low,
            high,
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
        let vanish = entry.is_some_and(|entry| entry.fresh && entry.value.is_some());
        self.unpoints.push(Unpointed { key, vanish }).map_err(|_| Error::Bug)
    }

    /// `held`: the parent holds this separator, on the medium or pending.
    fn gain(
        &mut self,
        state: &State<'_>,
        key: Key,
        pointer: NodePointer,
        held: bool,
    ) -> Result<()> {
        let fresh = match state.entry(self.level.up(), key) {
            Some(entry) => entry.fresh && entry.value.is_some(),
            None => !held,
        };
        self.points.push(Pointed { key, pointer, fresh }).map_err(|_| Error::Bug)
    }

    fn give(&mut self, blocks: impl IntoIterator<Item = BlockNo>) -> Result<()> {
        blocks.into_iter().try_for_each(|block| self.given.push(block)).map_err(|_| Error::Bug)
    }
}

/// What a first pass over the stream has found.
struct Plan {
    nodes: Nodes,
    low: Key,
    high: Key,
    puts_max: u16,
    cut: Key,
    pages: u16,
    items: u32,
}

impl Plan {
    /// Nothing stays pending.
    fn is_whole(&self) -> bool {
        self.cut == self.high
    }
}

/// Rewrites the node of `level` that `key` belongs to, with what is pending for it.
///
/// `data_pages_max` is how many data pages a new node may have: 7, or less where a block has less
/// than eight pages.
///
/// # Errors
/// `Corrupt`; the device's; those of `store`; `NoSpace` if the tree would grow too high. Nothing
/// has changed then, but the blocks that were taken hold anything.
#[colour]
pub async fn fold<D: BlockDevice, S: NodeStore<D>>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    store: &mut S,
    out: &mut [u8; PAGE_BYTES],
    (level, key): (Level, Key),
    data_pages_max: u8,
) -> Result<Folded> {
    let pages_max = data_pages_max.clamp(1, DATA_PAGES_MAX);
    let (place, parent) = locate(media, state, level, key).await?;
    let mut plan = measure(media, state, &place, pages_max).await?;
    let mut folded = Folded::new(level, place.low, plan.cut);
    if level > Level(0) && plan.items == 0 {
        return Err(corrupt(place.pointer.block)(Malformed::Field("items")));
    }
    let mut held = true;
    if let Some(parent) = &parent {
        if place.low != place.separator {
            // The first child's range begins before its separator: from now on with it.
            folded.lose(state, place.separator)?;
            held = false;
        }
        let alone = place.low == parent.low && place.high == parent.high;
        if plan.is_whole() && !alone {
            if let Some(chain) = idle(media, state, &place, &plan).await? {
                if held {
                    folded.lose(state, place.separator)?;
                }
                folded.give([place.pointer.block].into_iter().chain(chain))?;
                return Ok(folded);
            }
            if held && place.high < parent.high {
                let right = child_of(media, state, parent, place.high).await?;
                if let Some(joined) = join(media, state, &plan, &right, pages_max).await? {
                    folded.lose(state, right.separator)?;
                    folded.high = joined.cut;
                    plan = joined;
                }
            }
        }
    } else if plan.is_whole() && plan.items == 1 && level > Level(0) {
        let child = child_of(media, state, &place, Key::MIN).await?;
        folded.root = Some(child.pointer);
        folded.give([place.pointer.block])?;
        return Ok(folded);
    }
    folded.give(plan.nodes.iter().map(|node| node.block))?;
    let generation = state.scalars.generation.next();
    let mut writer = Writer { media, store, out, generation, level, folded: &mut folded };
    let parts = writer.parts(state, &plan, pages_max).await?;
    match (&parent, parts.as_slice()) {
        (None, [(_, root)]) => folded.root = Some(*root),
        (None, _) => folded.root = Some(writer.root(&parts).await?),
        (Some(_), _) => {
            for (key, pointer) in &parts {
                folded.gain(state, *key, *pointer, held && *key == place.separator)?;
            }
        }
    }
    Ok(folded)
}

#[colour]
async fn count<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    nodes: Nodes,
    (level, low, high): (Level, Key, Key),
    puts_max: u16,
) -> Result<(Plan, u16)> {
    let mut merge = Merge::new(state, &nodes, level, low, high, puts_max);
    let mut counter = Counter::default();
    fill(media, &mut merge, &mut counter).await?;
    let (cut, puts) = (merge.cut, merge.puts);
    let plan = Plan { nodes, low, high, puts_max, cut, pages: counter.pages, items: counter.items };
    Ok((plan, puts))
}

/// How much of what is pending goes into the parts that a node can become: all of it, but for a
/// very full arena.
#[colour]
async fn measure<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    place: &Place,
    pages_max: u8,
) -> Result<Plan> {
    let parts_pages = usize::from(pages_max).saturating_mul(PARTS_MAX);
    let range = (place.pointer.level, place.low, place.high);
    let mut puts_max = u16::MAX;
    loop {
        let nodes = Nodes::from_iter([place.pointer]);
        let (plan, puts) = count(media, state, nodes, range, puts_max).await?;
        if usize::from(plan.pages) <= parts_pages {
            return Ok(plan);
        }
        // Half as many next time: one value always fits beside the pages of one node.
        puts_max = puts >> 1;
        if puts_max == 0 {
            return Err(corrupt(place.pointer.block)(Malformed::Field("base_pages")));
        }
    }
}

/// The plan to make one node of this one and its right sibling, if it is small and both fit.
#[colour]
async fn join<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    plan: &Plan,
    right: &Place,
    pages_max: u8,
) -> Result<Option<Plan>> {
    let limit = u16::from(pages_max);
    let small = plan.pages <= limit.checked_div(3).unwrap_or(0).max(1);
    // Packed together, two nodes can need one page less than each by itself.
    let together = plan.pages.saturating_add(right.pointer.data_pages().into());
    // An inner sibling that is to be folded anyway may turn out to lead to nothing.
    let level = right.pointer.level;
    let mut pending = state.range(level, right.low, right.high);
    let waits = level > Level(0) && pending.next().is_some();
    if !small || waits || together > limit.saturating_add(1) {
        return Ok(None);
    }
    let mut nodes = plan.nodes.clone();
    nodes.push(right.pointer).map_err(|_| Error::Bug)?;
    let range = (level, plan.low, right.high);
    let (joined, _) = count(media, state, nodes, range, u16::MAX).await?;
    Ok(Some(joined).filter(|joined| joined.is_whole() && joined.pages <= limit))
}

/// The nodes below a node that leads to no item and for which nothing is pending; `None` if an
/// item is there or may be there.
#[colour]
async fn idle<D: BlockDevice>(
    media: &mut Media<'_, D>,
    state: &State<'_>,
    place: &Place,
    plan: &Plan,
) -> Result<Option<heapless::Vec<BlockNo, GIVEN_MAX>>> {
    let mut chain = heapless::Vec::new();
    if place.pointer.level == Level(0) {
        return Ok((plan.items == 0).then_some(chain));
    }
    let touched = state.touched_group(first_group(place.low));
    let runs = touched.is_some_and(|group| group < first_group(place.high));
    let below = |level| state.range(Level(level), place.low, place.high).next().is_some();
    if plan.items != 1 || runs || (0..place.pointer.level.0).any(below) {
        return Ok(None);
    }
    let mut pointer = child_of(media, state, place, place.low).await?.pointer;
    loop {
        chain.push(pointer.block).map_err(|_| Error::Bug)?;
        let data = data_page(media, &pointer, 0).await?;
        if pointer.level == Level(0) {
            return Ok((data.count() == 0 && pointer.data_pages() == 1).then_some(chain));
        }
        match data.items().next().filter(|_| data.count() == 1 && pointer.data_pages() == 1) {
            Some(only) => pointer = only.pointer().map_err(corrupt(pointer.block))?,
            None => return Ok(None),
        }
    }
}

type Parts = heapless::Vec<(Key, NodePointer), PARTS_MAX>;

/// Writes nodes.
struct Writer<'a, 'm, D, S> {
    media: &'a mut Media<'m, D>,
    store: &'a mut S,
    out: &'a mut [u8; PAGE_BYTES],
    generation: Generation,
    level: Level,
    folded: &'a mut Folded,
}

#[colour]
impl<D: BlockDevice, S: NodeStore<D>> Writer<'_, '_, D, S> {
    /// Writes the nodes of a plan, all of about the same size, with their separators.
    async fn parts(&mut self, state: &State<'_>, plan: &Plan, pages_max: u8) -> Result<Parts> {
        let pages = plan.pages.max(1);
        let count = pages.div_ceil(u16::from(pages_max).max(1));
        let (each, more) = (pages.checked_div(count), pages.checked_rem(count));
        let mut merge =
            Merge::new(state, &plan.nodes, self.level, plan.low, plan.high, plan.puts_max);
        let mut parts = Parts::new();
        for part in 0..count {
            let extra = more.is_some_and(|more| part < more);
            let pages = each.unwrap_or(0).saturating_add(u16::from(extra));
            let pages = u8::try_from(pages).map_err(|_| Error::Bug)?;
            let (first, pointer) = self.node(&mut merge, pages).await?;
            let key = if part == 0 { plan.low } else { first.ok_or(Error::Bug)? };
            parts.push((key, pointer)).map_err(|_| Error::Bug)?;
        }
        Ok(parts)
    }

    async fn node(
        &mut self,
        merge: &mut Merge<'_, '_>,
        pages: u8,
    ) -> Result<(Option<Key>, NodePointer)> {
        let block = self.take().await?;
        let mut keys = heapless::Vec::<Key, { DATA_PAGES_MAX as usize }>::new();
        for page in 0..pages {
            let mut filler = Filler::new(self.out, self.level);
            fill(self.media, merge, &mut filler).await?;
            if let Some(first) = filler.first {
                keys.push(first).map_err(|_| Error::Bug)?;
            }
            self.write(block, page).await?;
        }
        if pages > 1 {
            page::write_index(self.out, self.level, &keys).map_err(|_| Error::Bug)?;
            self.write(block, pages).await?;
        }
        Ok((keys.first().copied(), self.pointer(block, pages, self.level)))
    }

    /// Writes a node above the parts of the old root.
    async fn root(&mut self, parts: &Parts) -> Result<NodePointer> {
        let level = self.level.up();
        if level.0 >= HEIGHT_MAX {
            return Err(Error::NoSpace);
        }
        let block = self.take().await?;
        let mut builder = DataPageBuilder::new(self.out, level);
        for (key, pointer) in parts {
            let value = pointer.encode().map_err(|_| Error::Bug)?;
            if !builder.push(key, &value) {
                return Err(Error::Bug);
            }
        }
        self.write(block, 0).await?;
        Ok(self.pointer(block, 1, level))
    }

    async fn take(&mut self) -> Result<BlockNo> {
        let block = self.store.take(self.media).await?;
        self.folded.taken.push(block).map_err(|_| Error::Bug)?;
        Ok(block)
    }

    async fn write(&mut self, block: BlockNo, page: u8) -> Result<()> {
        page::seal(self.out, &self.media.identity(block, self.generation, page));
        self.media.write_page(block, page, self.out).await
    }

    fn pointer(&self, block: BlockNo, data_pages: u8, level: Level) -> NodePointer {
        let base_pages = NodePointer::base_pages_for(data_pages);
        NodePointer { block, generation: self.generation, base_pages, level }
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
    media.write_page(block, 0, out).await?;
    Ok(NodePointer { block, generation, base_pages: 1, level: Level(0) })
}
