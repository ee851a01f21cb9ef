//! The exact check: every block has one owner, every content one name, every rule is kept.

use std::collections::BTreeMap;
use std::fmt;

use super::bytes::{Bytes, Key};
use super::content::{EXTENT, PATCH, Patches, Run, TAIL};
use super::files::{
    DIRENT, Dirent, Files, GROUP, INLINE, INODE, INTENT, Inode, OWNER, ROOT, SYMLINK, XATTR, Xattr,
    directory, inode_item, is_owner, shown,
};
use super::state::RunState;
use super::{Damage, Medium, Refused, Superblock, Volume, find};

/// Who uses a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// An anchor block.
    Anchor,
    /// A block of the live journal.
    Journal,
    /// The block that the journal goes on in.
    Next,
    /// A spare for settling.
    Spare,
    /// A node of this level.
    Node(u8),
    /// A content.
    Content,
    /// Retired, and not yet given back.
    Leaving,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anchor => f.write_str("anchor"),
            Self::Journal => f.write_str("journal"),
            Self::Next => f.write_str("next of the journal"),
            Self::Spare => f.write_str("spare"),
            Self::Node(level) => write!(f, "node of level {level}"),
            Self::Content => f.write_str("content"),
            Self::Leaving => f.write_str("leaving"),
        }
    }
}

/// What was counted, and what is wrong.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Nodes of the tree.
    pub nodes: usize,
    /// Items, what is pending included.
    pub items: usize,
    /// Files.
    pub files: usize,
    /// Directories, the root included.
    pub directories: usize,
    /// Owner of each block that has one.
    pub owners: BTreeMap<u32, Owner>,
    /// Blocks that hold nothing, erased ones included.
    pub free: u32,
    /// Blocks among them that are erased.
    pub erased: u32,
    /// Whether the volume was put away in order.
    pub clean: bool,
    /// Every rule that is broken; nothing: the volume is right.
    pub findings: Vec<Damage>,
}

/// Checks the whole volume that `medium` holds from its first byte on.
///
/// # Errors
/// Why there is no volume to check.
pub fn check(medium: &dyn Medium) -> Result<Report, Refused> {
    let superblock = find(medium)?;
    let mut report = Report::default();
    match Volume::read(medium, &superblock) {
        Ok(volume) => report.volume(medium, &volume),
        Err(damage) => report.findings.push(damage),
    }
    Ok(report)
}

impl Report {
    /// Who has how many blocks.
    #[must_use]
    pub fn by_owner(&self) -> BTreeMap<Owner, usize> {
        let mut counts = BTreeMap::new();
        for owner in self.owners.values() {
            *counts.entry(*owner).or_default() += 1;
        }
        counts
    }

    fn find(&mut self, what: impl Into<String>) {
        self.findings.push(Damage::of(what));
    }

    fn volume(&mut self, medium: &dyn Medium, volume: &Volume) {
        self.clean = volume.replayed.clean;
        self.nodes = volume.tree.nodes.len();
        self.items = volume.tree.items.len();
        self.copies(medium, &volume.superblock);
        self.own_all(volume);
        self.space(medium, volume);
        self.names(volume);
        self.items(volume);
        self.generations(volume);
    }

    /// Both superblock copies agree, unless one was cut.
    fn copies(&mut self, medium: &dyn Medium, superblock: &Superblock) {
        for block in superblock.anchors() {
            let place = super::superblock::place(medium, superblock.offset(block), block);
            if let super::Place::Valid(other) = place {
                let same = Superblock { read_from: superblock.read_from, ..*other };
                if same != *superblock {
                    self.findings.push(Damage::at(block, "the superblock copies differ"));
                }
            }
        }
    }

    fn own(&mut self, block: u32, owner: Owner, superblock: &Superblock) {
        if owner != Owner::Anchor && !superblock.is_inside(block) {
            self.findings.push(Damage::at(block, format!("{owner}: outside of the volume")));
        } else if let Some(other) = self.owners.insert(block, owner) {
            self.findings.push(Damage::at(block, format!("two owners: {other} and {owner}")));
        }
    }

    fn own_all(&mut self, volume: &Volume) {
        let superblock = &volume.superblock;
        let state = &volume.replayed.state;
        for block in superblock.anchors() {
            self.own(block, Owner::Anchor, superblock);
        }
        for block in &volume.replayed.chain {
            self.own(*block, Owner::Journal, superblock);
        }
        self.own(state.scalars.next, Owner::Next, superblock);
        for block in state.scalars.spares {
            self.own(block, Owner::Spare, superblock);
        }
        for node in &volume.tree.nodes {
            self.own(node.pointer.block, Owner::Node(node.pointer.level), superblock);
        }
        for (key, value) in volume.tree.items.iter().filter(|(key, _)| key.kind == EXTENT) {
            if let Some(run) = Run::decode(superblock, key, value) {
                for block in run.block..run.block + run.blocks {
                    self.own(block, Owner::Content, superblock);
                }
            }
        }
        for (key, value) in volume.tree.items.iter().filter(|(key, _)| key.kind == PATCH) {
            if let Some(patches) = Patches::decode(superblock, key, value) {
                for block in patches.blocks {
                    self.own(block, Owner::Content, superblock);
                }
            }
        }
        for (block, run) in &state.blocks {
            // From the older of two entries the chain still has the block that is leaving it.
            if *run == RunState::Leaving && self.owners.get(block) != Some(&Owner::Journal) {
                self.own(*block, Owner::Leaving, superblock);
            }
        }
    }

    /// What the runs and the map say of each block, against its owner.
    fn space(&mut self, medium: &dyn Medium, volume: &Volume) {
        let superblock = &volume.superblock;
        let mut groups: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        for (key, value) in &volume.tree.items {
            if key.object == 1 && key.kind == GROUP {
                self.group(volume, key, value, &mut groups);
            }
        }
        let mut states = BTreeMap::new();
        for block in 0..superblock.block_count {
            let state = state_of(volume, &groups, block);
            let owner = self.owners.get(&block).copied();
            let in_use = matches!(state, RunState::Used | RunState::Leaving);
            match owner {
                Some(Owner::Anchor) if in_use || state == RunState::Erased => {
                    self.findings.push(Damage::at(block, "an anchor block in the map"));
                }
                None if in_use => {
                    self.findings.push(Damage::at(block, "in use, and nothing leads to it"));
                }
                Some(owner) if !in_use && owner != Owner::Anchor => {
                    self.findings.push(Damage::at(block, format!("{owner}, and called free")));
                }
                None => {
                    states.insert(block, state);
                }
                Some(_) => {}
            }
        }
        self.free = u32::try_from(states.len()).unwrap_or(u32::MAX);
        let erased = states.iter().filter(|(_, state)| **state == RunState::Erased);
        let mut blocks = Vec::new();
        blocks.extend(erased.map(|(block, _)| *block));
        self.erased = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
        self.blank(medium, superblock, &blocks);
        let counted = volume.replayed.state.scalars.free;
        if counted != self.free {
            let free = self.free;
            self.find(format!("{counted} free blocks counted, {free} are"));
        }
    }

    /// A group item: its bitmaps agree with themselves.
    fn group(
        &mut self,
        volume: &Volume,
        key: &Key,
        value: &[u8],
        groups: &mut BTreeMap<u32, Vec<u8>>,
    ) {
        let count = volume.superblock.block_count.div_ceil(256);
        let number = u32::try_from(key.offset).ok().filter(|number| *number < count);
        let both = value.iter().take(32).zip(value.iter().skip(32)).any(|(a, b)| a & b != 0);
        match number {
            Some(number) if value.len() == 96 && !both => {
                let beyond = |index: u32| {
                    let block = number * 256 + index;
                    let (byte, bit) = (index as usize / 8, index % 8);
                    block >= volume.superblock.block_count
                        && (value[byte] | value[32 + byte]) >> bit & 1 == 1
                };
                if (0..256).any(beyond) {
                    self.find(format!("group {number} has a block behind the volume"));
                }
                groups.insert(number, value.to_vec());
            }
            _ => self.find(format!("a group item that breaks a rule: {key}")),
        }
    }

    /// What is called erased is blank. Nobody relies on the reverse.
    fn blank(&mut self, medium: &dyn Medium, superblock: &Superblock, blocks: &[u32]) {
        let length = usize::try_from(superblock.block_bytes()).unwrap_or(0);
        let mut bytes = vec![0; length];
        for block in blocks {
            let read = medium.read(superblock.offset(*block), &mut bytes);
            if !read || bytes.iter().any(|byte| *byte != superblock.erase_value) {
                self.findings.push(Damage::at(*block, "called erased, and is not blank"));
            }
        }
    }

    /// Every name leads somewhere, and everything has a name.
    fn names(&mut self, volume: &Volume) {
        let files = match volume.files() {
            Ok(files) => files,
            Err(damage) => return self.findings.push(damage),
        };
        let next = volume.replayed.state.scalars.next_object;
        let mut contents: BTreeMap<(u8, u64), (Vec<u8>, u64)> = self.values(volume);
        let mut objects: BTreeMap<u64, _> = BTreeMap::new();
        let mut directories = BTreeMap::new();
        for (path, file) in &files.0 {
            let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            if name.len() > usize::from(volume.superblock.name_max) {
                self.find(format!("{}: a name that is too long", shown(path)));
            }
            if file.object >= next || file.inode.data >= next {
                self.find(format!("{}: an object that was never made", shown(path)));
            }
            if file.inode.kind == 2 {
                self.directories += 1;
                if directories.insert(file.object, path).is_some() {
                    self.find(format!("{}: a directory with another name", shown(path)));
                }
                continue;
            }
            let names = objects.entry(file.object).or_insert((file, 0_u32));
            names.1 += 1;
            if names.1 > 1 {
                continue;
            }
            self.files += 1;
            let data = file.inode.data;
            if data == 0 {
                continue;
            }
            let own = (path.clone(), file.inode.valid);
            if let Some((other, _)) = contents.insert((file.inode.kind, data), own) {
                let (one, other) = (shown(path), shown(&other));
                self.find(format!("{one} and {other} have the same content object {data}"));
            }
        }
        for (object, (file, names)) in &objects {
            if file.inode.links != *names {
                let links = file.inode.links;
                self.find(format!("object {object} has {names} names and counts {links}"));
            }
            if directories.contains_key(object) {
                self.find(format!("object {object} is a directory, and not"));
            }
        }
        self.attributes(volume, &files);
        for (key, value) in &volume.tree.items {
            let orphan = match key.kind {
                INODE => {
                    !directories.contains_key(&key.object) && !objects.contains_key(&key.object)
                }
                DIRENT => !directories.contains_key(&key.object),
                INLINE | EXTENT | TAIL | PATCH | SYMLINK => {
                    let valid = |kind| contents.get(&(kind, key.object)).map(|(_, valid)| *valid);
                    is_nobodys(volume, key, value, valid(if key.kind == SYMLINK { 3 } else { 1 }))
                }
                _ => false,
            };
            if orphan {
                self.find(format!("item {key} has no name that leads to it"));
            }
        }
    }

    /// Values of attributes that are contents of their own, with what has them and their length.
    fn values(&mut self, volume: &Volume) -> BTreeMap<(u8, u64), (Vec<u8>, u64)> {
        let next = volume.replayed.state.scalars.next_object;
        let mut values = BTreeMap::new();
        for (key, value) in volume.tree.items.iter().filter(|(key, _)| key.kind == XATTR) {
            let Some((data, valid)) = Xattr::decode(value).and_then(|own| own.place) else {
                continue;
            };
            let own = (key.to_string().into_bytes(), valid);
            if data >= next || values.insert((1, data), own).is_some() {
                self.find(format!("attribute {key} of a value that is not its own"));
            }
            let (extras, links, modified) = (false, 1, 0);
            let inode = Inode { kind: 1, extras, links, data, size: valid, valid, modified };
            if let Err(what) = super::files::content(volume, &inode) {
                self.find(format!("value of {key}: {what}"));
            }
        }
        values
    }

    /// Attributes belong to something that has a name and says so, or to an intent.
    fn attributes(&mut self, volume: &Volume, files: &Files) {
        let mut owners = std::collections::BTreeSet::new();
        for file in files.0.values().filter(|file| file.inode.extras) {
            owners.insert(file.object);
        }
        let kinds = |key: &&Key| matches!(key.kind, XATTR | OWNER);
        for key in volume.tree.items.keys().filter(kinds) {
            let intent = Key { object: 2, kind: INTENT, offset: key.object | 1 << 63 };
            if !owners.contains(&key.object) && !volume.tree.items.contains_key(&intent) {
                self.find(format!("attribute {key} of nothing that has a name"));
            }
        }
        for (key, value) in volume.tree.items.iter().filter(|(key, _)| key.kind == XATTR) {
            let hash = |own: Xattr| super::name_hash(&volume.superblock.hash_seed, &own.name);
            if Xattr::decode(value).map(hash) != Some(key.offset >> 8) {
                self.find(format!("attribute {key} under the hash of another name"));
            }
        }
    }

    /// Keys and values that no name leads to.
    fn items(&mut self, volume: &Volume) {
        for (key, value) in &volume.tree.items {
            let right = match key.kind {
                INODE => {
                    let known = directory(volume, key.object).is_ok()
                        || inode_item(volume, key.object).is_ok();
                    key.offset == 0 && key.object >= ROOT && known
                }
                SYMLINK => {
                    let target = (1..=448).contains(&value.len()) && !value.contains(&0);
                    key.offset == 0 && key.object >= 17 && target
                }
                XATTR => key.object >= ROOT && Xattr::decode(value).is_some(),
                OWNER => key.offset == 0 && key.object >= ROOT && is_owner(value),
                DIRENT => key.object >= ROOT && Dirent::decode(value).is_ok(),
                INLINE => key.offset == 0 && key.object >= 17 && (1..=448).contains(&value.len()),
                EXTENT => Run::decode(&volume.superblock, key, value).is_some(),
                PATCH => Patches::decode(&volume.superblock, key, value).is_some(),
                TAIL => key.object >= 17 && (1..=448).contains(&value.len()),
                GROUP => key.object == 1,
                INTENT => key.object == 2 && is_intent(key, value),
                kind => kind >= 128,
            };
            if !right {
                self.find(format!("item {key} breaks a rule of its kind"));
            }
        }
    }

    fn generations(&mut self, volume: &Volume) {
        let most = volume.replayed.state.scalars.generation;
        for node in &volume.tree.nodes {
            let Superblock { block_count, .. } = volume.superblock;
            if node.pointer.generation > most && node.pointer.block < block_count {
                let what = "a node of a generation that is not yet counted";
                self.findings.push(Damage::at(node.pointer.block, what));
            }
        }
    }
}

fn state_of(volume: &Volume, groups: &BTreeMap<u32, Vec<u8>>, block: u32) -> RunState {
    if let Some(state) = volume.replayed.state.blocks.get(&block) {
        return *state;
    }
    let Some(group) = groups.get(&(block / 256)) else { return RunState::Free };
    let (byte, bit) = ((block % 256 / 8) as usize, block % 8);
    if group[byte] >> bit & 1 == 1 {
        RunState::Used
    } else if group[32 + byte] >> bit & 1 == 1 {
        RunState::Erased
    } else {
        RunState::Free
    }
}

/// Whether a written run goes on behind the block that holds the last of `valid` bytes.
fn is_behind(volume: &Volume, key: &Key, value: &[u8], valid: u64) -> bool {
    let block_bytes = volume.superblock.block_bytes();
    let run = Run::decode(&volume.superblock, key, value).filter(|run| !run.unwritten);
    let end = |run: Run| key.offset.saturating_add(u64::from(run.blocks) * block_bytes);
    run.is_some_and(|run| end(run) > valid.next_multiple_of(block_bytes))
}

/// Whether an item of a content, or the target of a link, has not one owner: what names it, with so
/// many bytes of content, or an intent to destroy it. One to trim it is none.
fn is_nobodys(volume: &Volume, key: &Key, value: &[u8], valid: Option<u64>) -> bool {
    let intent = Key { object: 2, kind: INTENT, offset: key.object };
    let intent = volume.tree.items.get(&intent).map(|value| value.first() == Some(&1));
    let is_owned = valid.is_some() != (intent == Some(true));
    let is_whole = valid.is_none_or(|valid| valid == value.len() as u64);
    match key.kind {
        INLINE => !is_owned || !is_whole,
        EXTENT => {
            let behind = valid.is_some_and(|valid| is_behind(volume, key, value, valid));
            !is_owned || behind && intent.is_none()
        }
        SYMLINK => valid.is_none() || !is_whole,
        _ => !is_owned,
    }
}

fn is_intent(key: &Key, value: &[u8]) -> bool {
    let mut b = Bytes(value);
    let (kind, reserved) = (b.u8(), b.number(3));
    let (from, to) = (b.u48(), b.u48());
    let whole = reserved == Some(0) && to.is_some() && to >= from && b.0.is_empty();
    let of_kind = match kind {
        Some(1 | 2) => key.offset >> 63 == 0,
        Some(3) => key.offset >> 63 == 1 && to == Some(0),
        _ => false,
    };
    whole && of_kind
}
