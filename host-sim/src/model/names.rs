//! What calls do to names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fs_core::RenameMode;
use fs_core::error::Error;

use super::paths::{below, split};
use super::{Change, Model, Node, Op};

/// Longest name.
const NAME_MAX: usize = 255;
/// Longest target of a symbolic link.
const TARGET_MAX: usize = 448;
/// Links that a path leads over.
const LINKS_MAX: u32 = 16;
/// Bytes of the name of an attribute, and of its value.
const ATTRIBUTE_MAX: (usize, usize) = (127, 1 << 16);

impl Model {
    pub(super) fn change_names(&mut self, op: &Op) -> Result<(), Error> {
        match op {
            Op::Mkdir(path) => self.mkdir(path),
            Op::Rmdir(path) => self.rmdir(path),
            Op::Remove(path) => self.remove(path),
            Op::Rename(from, to) => self.rename(from, to, RenameMode::Replace),
            Op::RenameWith(from, to, mode) => self.rename(from, to, *mode),
            Op::Exchange(one, other) => self.exchange(one, other),
            Op::Link(file, name) => self.link(file, name),
            Op::Symlink(target, path) => self.symlink(target, path),
            Op::SetXattr(path, name, value) => {
                let (longest, largest) = ATTRIBUTE_MAX;
                if name.is_empty() || name.len() > longest {
                    return Err(if name.is_empty() { Error::Invalid } else { Error::NameTooLong });
                }
                if value.len() > largest {
                    return Err(Error::TooLarge);
                }
                self.set_attribute(path, &format!("attribute {name}"), Some(value))
            }
            Op::RemoveXattr(path, name) => {
                self.set_attribute(path, &format!("attribute {name}"), None)
            }
            Op::SetOwner(path, mode, user, group) => {
                let value = format!("{mode:o} {user} {group}");
                self.set_attribute(path, "owner", Some(value.as_bytes()))
            }
            Op::Transaction(changes) => self.transaction(changes),
            _ => Err(Error::NotSupported),
        }
    }

    /// Objects whose drafts a call may commit in a transaction of their own before.
    pub(super) fn committed_before(&self, op: &Op) -> BTreeSet<usize> {
        let paths: &[&String] = match op {
            Op::Link(file, _) | Op::Rename(file, _) | Op::SetOwner(file, ..) => &[file],
            Op::RenameWith(one, other, _) | Op::Exchange(one, other) => &[one, other],
            _ => &[],
        };
        let named = paths.iter().filter_map(|path| {
            let small = matches!(op, Op::Rename(..) | Op::Link(..));
            let follows = matches!(op, Op::Exchange(..) | Op::SetOwner(..));
            let followed = self.walk(path, follows).ok()?;
            let object = self.names.get(&*followed).map(|node| node.object())?;
            (!small || self.files[object].is_large()).then_some(object)
        });
        named.collect()
    }

    fn mkdir(&mut self, path: &str) -> Result<(), Error> {
        let path = self.place(path)?;
        if self.names.contains_key(&*path) {
            return Err(Error::Exists);
        }
        room_for(&path)?;
        let directory = self.add(Arc::from([]));
        self.names.insert(path.into(), Node::Directory(directory));
        Ok(())
    }

    fn rmdir(&mut self, path: &str) -> Result<(), Error> {
        let path = self.place(path)?;
        match self.node_at(&path)? {
            Node::File(_) | Node::Symlink(_) => return Err(Error::NotADirectory),
            Node::Directory(_) if self.has_entries(&path) => return Err(Error::NotEmpty),
            Node::Directory(_) => {}
        }
        self.names.remove(&*path);
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), Error> {
        let path = self.place_file(path)?;
        match self.node_at(&path)? {
            Node::Directory(_) => Err(Error::IsADirectory),
            Node::File(_) | Node::Symlink(_) => {
                self.names.remove(&*path);
                Ok(())
            }
        }
    }

    fn rename(&mut self, from: &str, to: &str, mode: RenameMode) -> Result<(), Error> {
        let (from, to) = (&*self.place(from)?, &*self.place(to)?);
        let node = self.node_at(from)?;
        room_for(to)?;
        let target = self.names.get(to).copied();
        match (mode, target) {
            (RenameMode::Exclusive, Some(_)) => return Err(Error::Exists),
            (RenameMode::Swap, None) => return Err(Error::NotFound),
            (_, Some(target)) if target.object() == node.object() => return Ok(()),
            (RenameMode::Swap, Some(_)) => return self.swap(from, to),
            _ => {}
        }
        match (node, target) {
            (Node::Directory(_), Some(Node::File(_) | Node::Symlink(_))) => {
                return Err(Error::NotADirectory);
            }
            (Node::File(_) | Node::Symlink(_), Some(Node::Directory(_))) => {
                return Err(Error::IsADirectory);
            }
            (Node::Directory(_), Some(Node::Directory(_))) if self.has_entries(to) => {
                return Err(Error::NotEmpty);
            }
            _ => {}
        }
        if below(to, from) {
            return Err(Error::WouldLoop);
        }
        self.files[node.object()].commit();
        let moved = self.take(from);
        self.names.remove(to);
        self.put(to, moved);
        Ok(())
    }

    fn swap(&mut self, one: &str, other: &str) -> Result<(), Error> {
        if below(other, one) || below(one, other) {
            return Err(Error::WouldLoop);
        }
        for path in [one, other] {
            let node = self.node_at(path)?;
            self.files[node.object()].commit();
        }
        let (first, second) = (self.take(one), self.take(other));
        self.put(other, first);
        self.put(one, second);
        Ok(())
    }

    /// Takes `path` and everything below it out; the paths are those behind it.
    fn take(&mut self, path: &str) -> BTreeMap<String, Node> {
        let all: Vec<Arc<str>> =
            self.names.keys().filter(|own| ***own == *path || below(own, path)).cloned().collect();
        let taken = all.iter().filter_map(|own| {
            let node = self.names.remove(own)?;
            Some((own[path.len()..].to_owned(), node))
        });
        taken.collect()
    }

    fn put(&mut self, path: &str, taken: BTreeMap<String, Node>) {
        for (behind, node) in taken {
            self.names.insert(format!("{path}{behind}").into(), node);
        }
    }

    fn exchange(&mut self, one: &str, other: &str) -> Result<(), Error> {
        let first = self.file_at(&self.walk(one, true)?)?;
        let second = self.file_at(&self.walk(other, true)?)?;
        if first == second {
            return Err(Error::Invalid);
        }
        self.files[first].commit();
        self.files[second].commit();
        let content = Arc::clone(&self.files[first].content);
        self.files[first].content = Arc::clone(&self.files[second].content);
        self.files[second].content = content;
        Ok(())
    }

    fn link(&mut self, file: &str, name: &str) -> Result<(), Error> {
        let node = self.node_at(&self.walk(file, false)?)?;
        let name = self.place_file(name)?;
        room_for(&name)?;
        if matches!(node, Node::Directory(_)) {
            return Err(Error::IsADirectory);
        }
        if self.names.contains_key(&*name) {
            return Err(Error::Exists);
        }
        self.files[node.object()].commit();
        self.names.insert(name.into(), node);
        Ok(())
    }

    fn symlink(&mut self, target: &str, path: &str) -> Result<(), Error> {
        let path = self.place_file(path)?;
        match target.len() {
            0 => return Err(Error::Invalid),
            length if length > TARGET_MAX => return Err(Error::NameTooLong),
            _ => {}
        }
        room_for(&path)?;
        if self.names.contains_key(&*path) {
            return Err(Error::Exists);
        }
        let link = self.add(target.as_bytes().into());
        self.names.insert(path.into(), Node::Symlink(link));
        Ok(())
    }

    fn set_attribute(&mut self, path: &str, what: &str, value: Option<&[u8]>) -> Result<(), Error> {
        let path = self.walk(path, true)?;
        // The root is in no list, so what it has is not seen either.
        let Some(node) = self.names.get(&*path) else { return Err(Error::NotSupported) };
        if what == "owner" {
            self.files[node.object()].commit();
        }
        let attributes = &mut self.files[node.object()].attributes;
        match value {
            Some(value) => {
                attributes.insert(what.into(), value.into());
                Ok(())
            }
            None => attributes.remove(what).map(|_| ()).ok_or(Error::NoAttribute),
        }
    }

    /// All or nothing. No two changes concern the same name or file.
    fn transaction(&mut self, changes: &[Change]) -> Result<(), Error> {
        let mut all = self.clone();
        for change in changes {
            match change {
                Change::Commit(slot) => {
                    let file = all.handles.get(slot).ok_or(Error::Stale)?.file;
                    all.files[file].commit();
                }
                Change::Rename(from, to) => {
                    if matches!(all.node_at(&all.place(from)?)?, Node::Directory(_)) {
                        return Err(Error::IsADirectory);
                    }
                    all.rename(from, to, RenameMode::Replace)?;
                }
                Change::Remove(path) => all.remove(path)?,
            }
        }
        *self = all;
        Ok(())
    }

    fn has_entries(&self, directory: &str) -> bool {
        self.names.keys().any(|path| below(path, directory))
    }

    fn node_at(&self, path: &str) -> Result<Node, Error> {
        self.names.get(path).copied().ok_or(Error::NotFound)
    }

    pub(super) fn file_at(&self, path: &str) -> Result<usize, Error> {
        match self.names.get(path) {
            None if path.is_empty() => Err(Error::IsADirectory),
            Some(Node::Directory(_)) => Err(Error::IsADirectory),
            Some(Node::File(file)) => Ok(*file),
            Some(Node::Symlink(_)) => Err(Error::LinkLoop),
            None => Err(Error::NotFound),
        }
    }

    /// The path without links on the way, for an entry to make or to remove.
    fn place(&self, path: &str) -> Result<String, Error> {
        let (directory, name) = split(path.trim_end_matches('/'));
        let directory = self.walk(directory, true)?;
        match self.names.get(&*directory) {
            Some(Node::File(_) | Node::Symlink(_)) => Err(Error::NotADirectory),
            Some(Node::Directory(_)) | None => Ok(format!("{directory}/{name}")),
        }
    }

    pub(super) fn place_file(&self, path: &str) -> Result<String, Error> {
        if path.ends_with('/') { Err(Error::IsADirectory) } else { self.place(path) }
    }

    /// The path, without links on the way, of what `path` leads to; the root is empty.
    pub(super) fn walk(&self, path: &str, last: bool) -> Result<String, Error> {
        let mut at = String::new();
        let mut left = path.to_owned();
        let mut links = 0;
        while !left.is_empty() {
            let (name, rest) =
                left.split_once('/').map_or((&*left, ""), |(name, _)| (name, &left[name.len()..]));
            if matches!(name, "" | ".") {
                left = rest.trim_start_matches('/').to_owned();
                continue;
            }
            if !matches!(self.names.get(&*at), None | Some(Node::Directory(_))) {
                return Err(Error::NotADirectory);
            }
            if name == ".." {
                at.truncate(split(&at).0.len());
                left = rest.to_owned();
                continue;
            }
            if name.len() > NAME_MAX {
                return Err(Error::NameTooLong);
            }
            let full = format!("{at}/{name}");
            match self.node_at(&full)? {
                Node::Symlink(link) if last || !rest.is_empty() => {
                    links += 1;
                    let target = String::from_utf8_lossy(&self.files[link].content).into_owned();
                    if links > LINKS_MAX {
                        return Err(Error::LinkLoop);
                    }
                    if target.starts_with('/') {
                        at.clear();
                    }
                    left = format!("{target}{rest}");
                }
                Node::File(_) if !rest.is_empty() => return Err(Error::NotADirectory),
                _ => {
                    at = full;
                    left = rest.to_owned();
                }
            }
        }
        Ok(at)
    }
}

/// An entry may be called `path`, whose directory exists.
pub(super) fn room_for(path: &str) -> Result<(), Error> {
    if split(path).1.len() > NAME_MAX { Err(Error::NameTooLong) } else { Ok(()) }
}
