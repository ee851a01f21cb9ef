//! The tree with what is pending over it: sections 8 and 12.

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::{Bytes, Crc, Key};
use super::files::GROUP;
use super::state::State;
use super::superblock::Superblock;
use super::{Damage, Medium};

const PAGE: usize = 512;

/// Where a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pointer {
    /// Its block.
    pub block: u32,
    /// Its generation.
    pub generation: u64,
    /// Its pages, the index page included.
    pub base_pages: u8,
    /// Pages behind them; the last one says what has changed.
    pub delta_pages: u8,
    /// Its distance from the leaves.
    pub level: u8,
    /// Nothing in its range is free.
    pub full: bool,
}

impl Pointer {
    pub(super) fn decode(b: &mut Bytes<'_>) -> Result<Self, &'static str> {
        let cut = "a pointer is cut short";
        let (block, generation) = (b.u32().ok_or(cut)?, b.u48().ok_or(cut)?);
        let [base_pages, delta_pages, level] = b.array().ok_or(cut)?;
        let (full, level) = (level & 0x80 != 0, level & 0x7F);
        let pages = base_pages == 1 || (3..=8).contains(&base_pages);
        if block == 0 || generation == 0 || !pages || level > 7 {
            return Err("a pointer that breaks a rule");
        }
        if delta_pages > if level == 0 { 4 } else { 0 } {
            return Err("a pointer that breaks a rule");
        }
        Ok(Self { block, generation, base_pages, delta_pages, level, full })
    }

    pub(super) fn encode(&self) -> [u8; 13] {
        let mut bytes = [0; 13];
        bytes[..4].copy_from_slice(&self.block.to_le_bytes());
        bytes[4..10].copy_from_slice(&self.generation.to_le_bytes()[..6]);
        bytes[10] = self.base_pages;
        bytes[11] = self.delta_pages;
        bytes[12] = self.level | if self.full { 0x80 } else { 0 };
        bytes
    }
}

/// A node and the range of keys it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it is.
    pub pointer: Pointer,
    /// First key of its range.
    pub low: Key,
    /// The key after its range.
    pub high: Key,
    /// Its items as they are on the medium.
    pub items: usize,
}

/// Every node, and every item as the newest state has it.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// The nodes, from the root down, in the order of their keys.
    pub nodes: Vec<Node>,
    /// The items.
    pub items: BTreeMap<Key, Vec<u8>>,
}

impl Tree {
    pub(super) fn read(
        medium: &dyn Medium,
        superblock: &Superblock,
        state: &State,
    ) -> Result<Self, Damage> {
        let mut tree = Self::default();
        let mut seen = BTreeSet::new();
        let mut row = vec![(state.scalars.root, Key::MIN, Key::MIN, Key::END)];
        for level in (0..=state.scalars.root.level).rev() {
            let mut below = Vec::new();
            for (pointer, separator, low, high) in row {
                if !seen.insert(pointer.block) {
                    return Err(Damage::at(pointer.block, "two pointers lead to this node"));
                }
                let items = node(medium, superblock, &pointer)?;
                if pointer.full && !is_full(&items, level, separator, high) {
                    return Err(Damage::at(pointer.block, "a node that is not full"));
                }
                if items.iter().any(|(key, _)| *key < separator) {
                    return Err(Damage::at(pointer.block, "an item before the separator"));
                }
                tree.nodes.push(Node { pointer, low, high, items: items.len() });
                let items = overlaid(items, state, level, low, high, pointer.block)?;
                if level == 0 {
                    tree.items.extend(items);
                } else {
                    below.extend(children(&items, &pointer, low, high)?);
                }
            }
            row = below;
        }
        let above = state.entries.range((state.scalars.root.level + 1, Key::MIN)..).next();
        match above {
            Some(((level, key), _)) => {
                Err(Damage::of(format!("a pointer is pending at level {level} for {key}")))
            }
            None => Ok(tree),
        }
    }
}

/// Whether a node is as full as its pointer says: about the keys from its separator on.
fn is_full(items: &[(Key, Vec<u8>)], level: u8, low: Key, high: Key) -> bool {
    let of_groups = |key: &Key| key.object == 1 && key.kind == GROUP;
    let starts = items.first().is_some_and(|(key, _)| *key == low);
    let whole = items.iter().all(|(key, value)| {
        let leaf = || value.len() >= 32 && value[..32].iter().all(|byte| *byte == 0xFF);
        let inner = || Pointer::decode(&mut Bytes(value)).is_ok_and(|child| child.full);
        of_groups(key) && if level == 0 { leaf() } else { inner() }
    });
    let ends = items.iter().map(|(key, _)| key.offset + 1);
    let starts_next = items.iter().skip(1).map(|(key, _)| key.offset).chain([high.offset]);
    starts && whole && (level > 0 || of_groups(&high) && ends.eq(starts_next))
}

/// The items of a node with the pending entries of its level and range over them.
fn overlaid(
    items: Vec<(Key, Vec<u8>)>,
    state: &State,
    level: u8,
    low: Key,
    high: Key,
    block: u32,
) -> Result<BTreeMap<Key, Vec<u8>>, Damage> {
    if items.iter().any(|(key, _)| *key < low || *key >= high) {
        return Err(Damage::at(block, "an item outside of the range of its node"));
    }
    let mut merged: BTreeMap<_, _> = items.into_iter().collect();
    for ((_, key), value) in state.entries.range((level, low)..(level, high)) {
        match value {
            Some(value) => merged.insert(*key, value.clone()),
            None => merged.remove(key),
        };
    }
    Ok(merged)
}

/// A child, its separator, and its range.
type Child = (Pointer, Key, Key, Key);

fn children(
    items: &BTreeMap<Key, Vec<u8>>,
    parent: &Pointer,
    low: Key,
    high: Key,
) -> Result<Vec<Child>, Damage> {
    let damage = |what: &str| Damage::at(parent.block, what);
    if items.is_empty() {
        return Err(damage("a node without children"));
    }
    let ends = items.keys().skip(1).copied().chain([high]);
    let mut children = Vec::new();
    // What comes before the first separator is the first child's.
    let begins = std::iter::once(low).chain(items.keys().skip(1).copied());
    for (((key, value), begin), end) in items.iter().zip(begins).zip(ends) {
        let pointer = Pointer::decode(&mut Bytes(value)).map_err(damage)?;
        if pointer.level + 1 != parent.level {
            return Err(damage("a pointer to a node of another level"));
        }
        children.push((pointer, *key, begin, end));
    }
    Ok(children)
}

/// What a page of a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    /// Items.
    Data,
    /// First keys of the data pages.
    Index,
    /// What has become of items since.
    Delta,
}

/// One page of a node, its checksum and header verified: item count, payload, kind.
pub(super) fn page(
    medium: &dyn Medium,
    superblock: &Superblock,
    pointer: &Pointer,
    number: u8,
) -> Result<(u16, Vec<u8>, PageKind), Damage> {
    let damage = |what: String| Damage::at(pointer.block, what);
    let inside = superblock.is_inside(pointer.block)
        && u64::from(pointer.base_pages + pointer.delta_pages) * PAGE as u64
            <= superblock.block_bytes();
    let mut bytes = [0; PAGE];
    let at = superblock.offset(pointer.block) + PAGE as u64 * u64::from(number);
    if !inside || !medium.read(at, &mut bytes) {
        return Err(damage("a node outside of the volume".into()));
    }
    let cut = || damage("a page is cut short".into());
    let mut b = Bytes(&bytes);
    let stored = b.u32().ok_or_else(cut)?;
    let sum = Crc::new().u32(superblock.seed()).u32(pointer.block).u64(pointer.generation);
    if stored != sum.bytes(&[number]).bytes(b.0).sum() {
        let generation = pointer.generation;
        let what = format!("page {number} is not the one of generation {generation}: checksum");
        return Err(damage(what));
    }
    let (items, used) = (b.u16().ok_or_else(cut)?, b.u16().ok_or_else(cut)?);
    let [level, kind] = b.array().ok_or_else(cut)?;
    let reserved = b.u16().ok_or_else(cut)?;
    let payload = b.0.get(..used.into()).ok_or_else(cut)?;
    let padded = b.0.iter().skip(used.into()).all(|byte| *byte == 0);
    let kind = match kind {
        1 => Some(PageKind::Data),
        2 => Some(PageKind::Index),
        3 => Some(PageKind::Delta),
        _ => None,
    };
    match kind {
        Some(kind) if level == pointer.level && reserved == 0 && padded => {
            Ok((items, payload.to_vec(), kind))
        }
        _ => Err(damage(format!("page {number} breaks a rule of its header"))),
    }
}

/// Every item of a node.
fn node(
    medium: &dyn Medium,
    superblock: &Superblock,
    pointer: &Pointer,
) -> Result<Vec<(Key, Vec<u8>)>, Damage> {
    let damage = |what: &str| Damage::at(pointer.block, what);
    let data_pages = if pointer.base_pages == 1 { 1 } else { pointer.base_pages - 1 };
    let mut all: Vec<(Key, Vec<u8>)> = Vec::new();
    let mut firsts = Vec::new();
    for number in 0..data_pages {
        let (count, payload, kind) = page(medium, superblock, pointer, number)?;
        if kind != PageKind::Data {
            return Err(damage("another page where data should be"));
        }
        let items = items(&payload, count, pointer.level).map_err(damage)?;
        firsts.extend(items.first().map(|(key, _)| *key));
        all.extend(items);
    }
    if all.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(damage("items that are not in their order"));
    }
    if firsts.len() != usize::from(data_pages) && (pointer.level > 0 || data_pages > 1) {
        return Err(damage("an empty data page"));
    }
    if data_pages > 1 {
        let (count, payload, kind) = page(medium, superblock, pointer, data_pages)?;
        let mut b = Bytes(&payload);
        let keys: Vec<_> = std::iter::from_fn(|| Key::decode(&mut b)).collect();
        let is_index = kind == PageKind::Index;
        if !is_index || usize::from(count) != keys.len() || keys != firsts || !b.0.is_empty() {
            return Err(damage("an index that is not that of its pages"));
        }
    }
    if pointer.delta_pages == 0 {
        return Ok(all);
    }
    let number = pointer.base_pages + pointer.delta_pages - 1;
    let (count, payload, kind) = page(medium, superblock, pointer, number)?;
    if kind != PageKind::Delta || count == 0 {
        return Err(damage("no delta page where one should be"));
    }
    let changes = changes(&payload, count).map_err(damage)?;
    let mut all: BTreeMap<_, _> = all.into_iter().collect();
    for (key, value) in changes {
        match value {
            Some(value) => all.insert(key, value),
            None => all.remove(&key),
        };
    }
    Ok(all.into_iter().collect())
}

/// A key and what has become of its item: its value, or none.
type Change = (Key, Option<Vec<u8>>);

/// What a delta page says, in the order of the keys.
fn changes(payload: &[u8], count: u16) -> Result<Vec<Change>, &'static str> {
    let cut = "a change is cut short";
    let mut b = Bytes(payload);
    let mut changes: Vec<Change> = Vec::new();
    for _ in 0..count {
        let key = Key::decode(&mut b).ok_or(cut)?;
        let length = b.u16().ok_or(cut)?;
        let value = match length {
            u16::MAX => None,
            length => Some(b.take(length.into()).ok_or(cut)?.to_vec()),
        };
        let ascends = changes.last().is_none_or(|(last, _)| *last < key);
        if key == Key::END || !ascends || (value.is_some() && length > 463) {
            return Err("a change that breaks a rule");
        }
        changes.push((key, value));
    }
    if b.0.is_empty() { Ok(changes) } else { Err("bytes behind the last change") }
}

fn items(payload: &[u8], count: u16, level: u8) -> Result<Vec<(Key, Vec<u8>)>, &'static str> {
    let cut = "an item is cut short";
    let mut b = Bytes(payload);
    let mut items = Vec::new();
    for _ in 0..count {
        let key = Key::decode(&mut b).ok_or(cut)?;
        let length = b.u16().ok_or(cut)?;
        let value = b.take(length.into()).ok_or(cut)?.to_vec();
        if key == Key::END || length > 463 || (level > 0 && length != 13) {
            return Err("an item that breaks a rule");
        }
        if level > 0 && Pointer::decode(&mut Bytes(&value))?.level + 1 != level {
            return Err("a pointer to a node of another level");
        }
        items.push((key, value));
    }
    if b.0.is_empty() { Ok(items) } else { Err("bytes behind the last item") }
}

#[cfg(test)]
mod tests {
    use super::{Pointer, children};
    use crate::stranger::bytes::Key;
    use std::collections::BTreeMap;

    /// The first child of an inner node had lost all its items and was gone. A life of 20,000 calls
    /// ended with such a node, and it was taken for one with a gap.
    #[test]
    fn keys_before_the_first_separator_are_the_first_child_s() {
        let pointer = |level| Pointer {
            block: 9,
            generation: 1,
            base_pages: 1,
            delta_pages: 0,
            level,
            full: false,
        };
        let key = |object| Key { object, kind: 2, offset: 0 };
        let items =
            BTreeMap::from([20, 30].map(|object| (key(object), pointer(0).encode().to_vec())));
        let found = children(&items, &pointer(1), key(5), key(40)).expect("children");
        let ranges: Vec<_> = found.iter().map(|(_, own, low, high)| (*own, *low, *high)).collect();
        let [first, second] = [(key(20), key(5), key(30)), (key(30), key(30), key(40))];
        assert_eq!(ranges, [first, second]);
        assert!(children(&BTreeMap::new(), &pointer(1), key(5), key(40)).is_err());
    }
}
