//! Names and contents: sections 9, 13 and 14.

use std::collections::BTreeMap;

use super::bytes::{Bytes, Key, name_hash};
use super::{Damage, Volume};

/// The root directory.
pub const ROOT: u64 = 16;
/// Kinds of items.
pub const INODE: u8 = 1;
pub const DIRENT: u8 = 2;
pub const INLINE: u8 = 3;
pub const XATTR: u8 = 6;
pub const SYMLINK: u8 = 7;
pub const GROUP: u8 = 9;
pub const INTENT: u8 = 10;
pub const OWNER: u8 = 14;

/// What an inode says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inode {
    /// 1 file, 2 directory, 3 symbolic link.
    pub kind: u8,
    /// Whether there may be attributes.
    pub extras: bool,
    /// Names.
    pub links: u32,
    /// Object that owns the content; 0: none.
    pub data: u64,
    /// Bytes of content.
    pub size: u64,
    /// Bytes from here on read as zero.
    pub valid: u64,
    /// When the content changed, in nanoseconds since 1970.
    pub modified: i64,
}

impl Inode {
    fn decode(b: &mut Bytes<'_>) -> Result<Self, &'static str> {
        let cut = "an inode is cut short";
        let [kind, flags] = b.array().ok_or(cut)?;
        let links = b.u32().ok_or(cut)?;
        let (data, size) = (b.u48().ok_or(cut)?, b.u48().ok_or(cut)?);
        let valid = b.u48().ok_or(cut)?;
        let modified = i64::from_le_bytes(b.array().ok_or(cut)?);
        b.take(16).ok_or(cut)?;
        let kept = (1..=3).contains(&kind)
            && flags & !4 == 0
            && (kind != 3 || (data != 0 && valid == size))
            && links >= 1
            && (kind != 2 || (links, data, size, valid) == (1, 0, 0, 0))
            && (data != 0 || valid == 0)
            && (data == 0 || data >= 17)
            && valid <= size;
        let inode = Self { kind, extras: flags == 4, links, data, size, valid, modified };
        if kept { Ok(inode) } else { Err("an inode that breaks a rule") }
    }
}

/// A directory entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirent {
    /// What it leads to.
    pub kind: u8,
    /// The object.
    pub object: u64,
    /// The inode, if it is embedded.
    pub inode: Option<Inode>,
    /// The name.
    pub name: Vec<u8>,
}

impl Dirent {
    /// The entry in an item's value.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn decode(value: &[u8]) -> Result<Self, &'static str> {
        let cut = "a directory entry is cut short";
        let mut b = Bytes(value);
        let [flags, kind] = b.array().ok_or(cut)?;
        let object = b.u48().ok_or(cut)?;
        let inode = match flags {
            0 => None,
            1 => Some(Inode::decode(&mut b)?),
            _ => return Err("a directory entry with unknown flags"),
        };
        let name = b.0.to_vec();
        let embeds =
            inode.as_ref().is_none_or(|inode| inode.kind == kind && inode.links == 1 && kind != 2);
        let named = (1..=255).contains(&name.len())
            && !name.contains(&b'/')
            && !name.contains(&0)
            && name != b"."
            && name != b"..";
        if !(1..=3).contains(&kind) || object < 17 || !embeds || !named {
            return Err("a directory entry that breaks a rule");
        }
        Ok(Self { kind, object, inode, name })
    }
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its object.
    pub object: u64,
    /// Its inode.
    pub inode: Inode,
    /// Its content, if the items hold it; for a symbolic link the path that it leads to.
    pub content: Vec<u8>,
}

impl File {
    /// The first `most` bytes of its content, zeros included.
    #[must_use]
    pub fn head(&self, most: usize) -> Vec<u8> {
        let mut content = self.content.clone();
        content.resize(usize::try_from(self.inode.size).unwrap_or(most).min(most), 0);
        content
    }
}

/// Every path and what it leads to; the root has the empty path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files(pub BTreeMap<Vec<u8>, File>);

impl Files {
    pub(super) fn of(volume: &Volume) -> Result<Self, Damage> {
        let mut files = BTreeMap::new();
        let root = directory(volume, ROOT).map_err(Damage::of)?;
        if root.1 != ROOT {
            return Err(Damage::of("the root directory is in another one"));
        }
        files.insert(Vec::new(), File { object: ROOT, inode: root.0, content: Vec::new() });
        let mut waiting = vec![(ROOT, Vec::new())];
        let mut entered = std::collections::BTreeSet::from([ROOT]);
        while let Some((parent, path)) = waiting.pop() {
            let low = Key { object: parent, kind: DIRENT, offset: 0 };
            let high = Key { offset: u64::MAX, ..low };
            for (key, value) in volume.tree.items.range(low..=high) {
                let wrong =
                    |what: &str| Damage::of(format!("{what}: item {key} in {}", shown(&path)));
                let entry = Dirent::decode(value).map_err(wrong)?;
                if name_hash(&volume.superblock.hash_seed, &entry.name) != key.offset >> 8 {
                    return Err(wrong("an entry under the hash of another name"));
                }
                let mut full = path.clone();
                full.push(b'/');
                full.extend(&entry.name);
                if entry.kind == 2 {
                    let (inode, above) = directory(volume, entry.object).map_err(wrong)?;
                    if above != parent || !entered.insert(entry.object) {
                        return Err(wrong("a directory that is not where it says"));
                    }
                    waiting.push((entry.object, full.clone()));
                    let file = File { object: entry.object, inode, content: Vec::new() };
                    if files.insert(full, file).is_some() {
                        return Err(wrong("two entries of one name"));
                    }
                    continue;
                }
                let inode = match &entry.inode {
                    Some(inode) => inode.clone(),
                    None => inode_item(volume, entry.object).map_err(wrong)?,
                };
                let content = content(volume, &inode).map_err(wrong)?;
                let file = File { object: entry.object, inode, content };
                if files.insert(full, file).is_some() {
                    return Err(wrong("two entries of one name"));
                }
            }
        }
        Ok(Self(files))
    }
}

/// A path for people.
pub fn shown(path: &[u8]) -> String {
    if path.is_empty() { "/".into() } else { path.escape_ascii().to_string() }
}

/// An extended attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xattr {
    /// Its name.
    pub name: Vec<u8>,
    /// What was put under it, if the item holds it.
    pub value: Vec<u8>,
    /// The object that owns it else, and its length.
    pub place: Option<(u64, u64)>,
}

impl Xattr {
    /// The attribute in an item's value, if it keeps the rules.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let mut b = Bytes(value);
        let [flags, length] = b.array()?;
        let name = b.take(length.into())?.to_vec();
        let kept = flags < 2 && (1..=127).contains(&length) && !name.contains(&0);
        if !kept || value.len() > 450 {
            return None;
        }
        if flags == 0 {
            return Some(Self { name, value: b.0.to_vec(), place: None });
        }
        let place = (b.u48()?, b.u48()?);
        let right = place.0 >= 17 && (1..=1 << 16).contains(&place.1) && b.0.is_empty();
        right.then_some(Self { name, value: Vec::new(), place: Some(place) })
    }
}

/// Whether `value` is an owner.
pub fn is_owner(value: &[u8]) -> bool {
    let mut b = Bytes(value);
    value.len() == 12 && b.u16().is_some_and(|mode| mode < 4096) && b.u16() == Some(0)
}

/// Inode and parent of a directory.
pub fn directory(volume: &Volume, object: u64) -> Result<(Inode, u64), &'static str> {
    let key = Key { object, kind: INODE, offset: 0 };
    let value = volume.tree.items.get(&key).ok_or("a directory without an item")?;
    let mut b = Bytes(value);
    let inode = Inode::decode(&mut b)?;
    let (parent, reserved) = (b.u48(), b.u16());
    match (parent, reserved) {
        (Some(parent), Some(0)) if inode.kind == 2 && parent >= ROOT && b.0.is_empty() => {
            Ok((inode, parent))
        }
        _ => Err("a directory item that breaks a rule"),
    }
}

pub fn inode_item(volume: &Volume, object: u64) -> Result<Inode, &'static str> {
    let key = Key { object, kind: INODE, offset: 0 };
    let value = volume.tree.items.get(&key).ok_or("a file without an inode")?;
    let mut b = Bytes(value);
    let inode = Inode::decode(&mut b)?;
    if inode.kind == 2 || !b.0.is_empty() { Err("an inode of another kind") } else { Ok(inode) }
}

pub fn content(volume: &Volume, inode: &Inode) -> Result<Vec<u8>, &'static str> {
    let kind = if inode.kind == 3 { SYMLINK } else { INLINE };
    let key = Key { object: inode.data, kind, offset: 0 };
    let empty = Vec::new();
    let mut content = match volume.tree.items.get(&key) {
        None if inode.kind == 1 && inode.data != 0 => {
            let super::Volume { superblock, tree, data, .. } = volume;
            super::content::content_of(superblock, tree, data, inode.data, inode.valid)?
        }
        item => {
            let valid = usize::try_from(inode.valid).unwrap_or(usize::MAX);
            let stored = item.unwrap_or(&empty).get(..valid);
            stored.ok_or("content that is shorter than its file")?.to_vec()
        }
    };
    // What is not stored reads as zero; a caller that wants it asks `inode.size`.
    if inode.size <= 1 << 20 {
        content.resize(usize::try_from(inode.size).unwrap_or(0), 0);
    }
    Ok(content)
}
