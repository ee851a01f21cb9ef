//! Contents in blocks: section 14.

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::{Bytes, Key};
use super::{Damage, Medium, Superblock, Tree};

/// Kinds of items.
pub const EXTENT: u8 = 4;
pub const TAIL: u8 = 5;
pub const PATCH: u8 = 13;

/// Append units of a region.
const REGION: u64 = 256;

/// Where the patched units of a region are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patches {
    /// The patch blocks.
    pub blocks: Vec<u32>,
    /// Each live unit of the region, with its block and the byte in that.
    pub units: BTreeMap<u8, (u32, u64)>,
}

impl Patches {
    /// What a patch item says, if it keeps the rules.
    pub fn decode(superblock: &Superblock, key: &Key, value: &[u8]) -> Option<Self> {
        let unit = 1_u64 << superblock.append_unit_log2;
        let slots = superblock.block_bytes() / unit;
        let mut b = Bytes(value);
        b.u64()?;
        let mut patches = Self { blocks: Vec::new(), units: BTreeMap::new() };
        while !b.0.is_empty() {
            let (block, tried) = (b.u32()?, u64::from(b.u8()?) + 1);
            let live = b.take(usize::try_from(slots.div_ceil(8)).ok()?)?;
            let held = b.take(usize::try_from(slots).ok()?)?;
            if block == 0 || block >= superblock.block_count - 1 || patches.blocks.contains(&block)
            {
                return None;
            }
            patches.blocks.push(block);
            for (byte, bits) in live.iter().enumerate() {
                for bit in (0..8).filter(|bit| bits >> bit & 1 == 1) {
                    let slot = byte as u64 * 8 + bit;
                    let unit_of = *held.get(usize::try_from(slot).ok()?)?;
                    if slot >= tried
                        || patches.units.insert(unit_of, (block, slot * unit)).is_some()
                    {
                        return None;
                    }
                }
            }
            if tried > slots {
                return None;
            }
        }
        let most = usize::try_from((80 / slots).clamp(1, 8)).ok()?;
        let kept = slots <= REGION
            && (1..=most).contains(&patches.blocks.len())
            && key.offset.is_multiple_of(REGION * unit)
            && key.object >= 17;
        kept.then_some(patches)
    }
}

/// A run of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Its first block on the device.
    pub block: u32,
    /// Blocks, the last one in part or whole.
    pub blocks: u32,
    /// Bytes.
    pub bytes: u64,
    /// Whether it reads as zero.
    pub unwritten: bool,
}

impl Run {
    /// The run that an extent item says, if it keeps the rules.
    pub fn decode(superblock: &Superblock, key: &Key, value: &[u8]) -> Option<Self> {
        let mut b = Bytes(value);
        let (address, length, flags) = (b.number(5)?, b.u32()?, b.u8()?);
        let unit = 1_u64 << superblock.append_unit_log2;
        let block_bytes = superblock.block_bytes();
        let (start, bytes) = (address * unit, u64::from(length) * unit);
        let block = u32::try_from(start / block_bytes).ok()?;
        let blocks = u32::try_from(bytes.div_ceil(block_bytes)).ok()?;
        let inside = block > 0 && block.checked_add(blocks)? < superblock.block_count;
        let kept = b.0.is_empty()
            && length > 0
            && flags < 2
            && blocks < 1 << 16
            && start.is_multiple_of(block_bytes)
            && key.offset.is_multiple_of(block_bytes)
            && key.object >= 17;
        (kept && inside).then_some(Self { block, blocks, bytes, unwritten: flags == 1 })
    }
}

/// The bytes of every block that a run or a patch is in.
pub type Data = BTreeMap<u32, Vec<u8>>;

/// Reads what all runs and patches of the tree have.
pub fn data_of(medium: &dyn Medium, superblock: &Superblock, tree: &Tree) -> Result<Data, Damage> {
    let mut data = Data::new();
    let mut blocks = BTreeSet::new();
    for (key, value) in tree.items.iter().filter(|(key, _)| key.kind == EXTENT) {
        let wrong = || Damage::of(format!("extent {key} breaks a rule"));
        let run = Run::decode(superblock, key, value).ok_or_else(wrong)?;
        for block in run.block..run.block + run.blocks {
            blocks.insert(block);
        }
    }
    for (key, value) in tree.items.iter().filter(|(key, _)| key.kind == PATCH) {
        let wrong = || Damage::of(format!("patches {key} break a rule"));
        let patches = Patches::decode(superblock, key, value).ok_or_else(wrong)?;
        blocks.extend(patches.blocks);
    }
    for block in blocks {
        let mut bytes = vec![0; usize::try_from(superblock.block_bytes()).unwrap_or(0)];
        if !medium.read(superblock.offset(block), &mut bytes) {
            return Err(Damage::at(block, "outside of the medium"));
        }
        data.insert(block, bytes);
    }
    Ok(data)
}

/// The longest content that is looked at: all of it is put together in memory, holes too, and what
/// claims to be longer is rather damage.
const VALID_MAX: u64 = 1 << 33;

/// Bytes 0 to `valid` of the content of `object`, which is in blocks.
pub fn content_of(
    superblock: &Superblock,
    tree: &Tree,
    data: &Data,
    object: u64,
    valid: u64,
) -> Result<Vec<u8>, &'static str> {
    let length = usize::try_from(valid).ok().filter(|_| valid <= VALID_MAX);
    let mut content = vec![0; length.ok_or("more content than this reader looks at")?];
    let mut put = |offset: u64, bytes: &[u8]| {
        let Ok(offset) = usize::try_from(offset) else { return };
        let Some(target) = content.get_mut(offset..) else { return };
        for (target, byte) in target.iter_mut().zip(bytes) {
            *target = *byte;
        }
    };
    let range = |kind| {
        let low = Key { object, kind, offset: 0 };
        low..=Key { offset: u64::MAX, ..low }
    };
    let mut end = 0;
    for (key, value) in tree.items.range(range(EXTENT)) {
        let run = Run::decode(superblock, key, value).ok_or("an extent that breaks a rule")?;
        if key.offset < end {
            return Err("extents over one another");
        }
        end = key.offset + u64::from(run.blocks) * superblock.block_bytes();
        let mut left = run.bytes;
        for number in (0..run.blocks).filter(|_| !run.unwritten) {
            let bytes = data.get(&(run.block + number)).ok_or("a block that was not read")?;
            let count = usize::try_from(left.min(superblock.block_bytes())).unwrap_or(0);
            put(key.offset + u64::from(number) * superblock.block_bytes(), &bytes[..count]);
            left -= count as u64;
        }
    }
    let unit = 1_u64 << superblock.append_unit_log2;
    for (key, value) in tree.items.range(range(PATCH)) {
        let patches = Patches::decode(superblock, key, value).ok_or("patches that break a rule")?;
        for (held, (block, at)) in patches.units {
            let bytes = data.get(&block).ok_or("a block that was not read")?;
            let at = usize::try_from(at).unwrap_or(0);
            let bytes = bytes.get(at..at + usize::try_from(unit).unwrap_or(0));
            put(key.offset + u64::from(held) * unit, bytes.ok_or("a slot outside of its block")?);
        }
    }
    let mut at = None;
    let mut count = 0;
    for (key, value) in tree.items.range(range(TAIL)) {
        count += 1;
        if at.is_some_and(|at| at != key.offset) || count > 8 {
            return Err("tail items that do not lie side by side");
        }
        at = Some(key.offset + value.len() as u64);
        put(key.offset, value);
    }
    if at.is_some_and(|at| at != valid) {
        return Err("a tail that ends elsewhere than its content");
    }
    Ok(content)
}
