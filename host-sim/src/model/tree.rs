//! A whole tree at one moment, as seen from outside.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A directory.
    Directory,
    /// A file with this content.
    File(Arc<[u8]>),
    /// A symbolic link to this path.
    Symlink(Arc<str>),
}

/// The fact that a path leads to the same file as an earlier one, which is its value.
pub const SAME: &str = "same file as";

/// What the facts that are extended attributes begin with; the name follows.
pub const ATTRIBUTE: &str = "attribute ";

/// Every path and what it leads to. Paths are absolute; the root is not listed. What else is known
/// about what is at a path are facts: extended attributes, the owner, other names of the same file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tree(BTreeMap<Arc<str>, Entry>, Facts);

/// What is known about what is at a path, by the path and what the fact is called.
type Facts = BTreeMap<(Arc<str>, Arc<str>), Arc<[u8]>>;

impl Tree {
    /// Every entry in the order of its path.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        self.0.iter()
    }

    /// Adds an entry; `false` if the path was there already.
    pub fn insert(&mut self, path: Arc<str>, entry: Entry) -> bool {
        self.0.insert(path, entry).is_none()
    }

    /// Adds what is known about what is at `path`.
    pub fn add_fact(&mut self, path: &str, what: &str, value: &[u8]) {
        self.1.insert((path.into(), what.into()), value.into());
    }

    /// Facts [`SAME`] name the number of a file so far: from now on the first path of it, and the
    /// first path has none.
    pub fn number_to_path(&mut self) {
        let mut first: BTreeMap<Arc<[u8]>, Arc<str>> = BTreeMap::new();
        self.1.retain(|(path, what), value| {
            if **what != *SAME {
                return true;
            }
            let Some(path) = first.get(value) else {
                first.insert(Arc::clone(value), Arc::clone(path));
                return false;
            };
            *value = path.as_bytes().into();
            true
        });
    }

    /// What is known about what is at `path`.
    #[must_use]
    pub fn fact(&self, path: &str, what: &str) -> Option<&[u8]> {
        self.1.get(&(Arc::from(path), Arc::from(what))).map(|value| &**value)
    }

    /// All facts about what is at `path`.
    pub fn facts_of(&self, path: &str) -> impl Iterator<Item = (&Arc<str>, &Arc<[u8]>)> {
        let from = (Arc::from(path), Arc::from(""));
        let facts = self.1.range(from..).take_while(move |((other, _), _)| **other == *path);
        facts.map(|((_, what), value)| (what, value))
    }

    /// All facts, in the order of their paths.
    pub fn facts(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, &Arc<[u8]>)> {
        self.1.iter().map(|((path, what), value)| (path, what, value))
    }

    /// Everything that `other` has, too.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().map(|(path, entry)| (Arc::clone(path), entry.clone())));
        self.1.extend(other.1.iter().map(|(at, value)| (at.clone(), Arc::clone(value))));
    }

    /// This tree and one entry more.
    #[must_use]
    pub fn with(&self, path: &str, entry: Entry) -> Self {
        let mut more = self.clone();
        more.0.insert(path.into(), entry);
        more
    }

    /// This tree without one entry.
    #[must_use]
    pub fn without(&self, path: &str) -> Self {
        let mut less = self.clone();
        less.0.remove(path);
        less.1.retain(|(other, _), _| **other != *path);
        less
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What differs, seen from `self` as the expectation; at most `lines` lines.
    #[must_use]
    pub fn differences(&self, found: &Self, lines: usize) -> String {
        let mut text = Vec::new();
        for (path, entry) in &self.0 {
            match found.0.get(path) {
                None => text.push(format!("missing  {path} ({})", Shown(entry))),
                Some(other) if other != entry => {
                    text.push(format!("differs  {path}: {} is {}", Shown(entry), Shown(other)));
                }
                Some(_) => {}
            }
        }
        for (path, entry) in &found.0 {
            if !self.0.contains_key(path) {
                text.push(format!("surplus  {path} ({})", Shown(entry)));
            }
        }
        for ((path, what), value) in &self.1 {
            let (value, other) = (value.escape_ascii(), found.fact(path, what));
            match other.map(<[u8]>::escape_ascii) {
                None => text.push(format!("missing  {path}: {what} \"{value}\"")),
                Some(other) if other.to_string() != value.to_string() => {
                    text.push(format!("differs  {path}: {what} \"{value}\" is \"{other}\""));
                }
                Some(_) => {}
            }
        }
        for ((path, what), value) in &found.1 {
            if self.fact(path, what).is_none() {
                text.push(format!("surplus  {path}: {what} \"{}\"", value.escape_ascii()));
            }
        }
        let more = text.len().saturating_sub(lines);
        text.truncate(lines);
        if more > 0 {
            text.push(format!("and {more} more"));
        }
        text.join("\n")
    }
}

impl FromIterator<(Arc<str>, Entry)> for Tree {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Entry)>>(entries: I) -> Self {
        Self(entries.into_iter().collect(), BTreeMap::new())
    }
}

/// An entry in a few characters.
struct Shown<'a>(&'a Entry);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Entry::Directory => f.write_str("directory"),
            Entry::Symlink(target) => write!(f, "link to {target}"),
            Entry::File(content) => {
                write!(f, "{} bytes", content.len())?;
                let head = content.get(..content.len().min(24)).unwrap_or_default();
                if head.is_empty() { Ok(()) } else { write!(f, " \"{}\"", head.escape_ascii()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Tree};

    fn file(content: &[u8]) -> Entry {
        Entry::File(content.into())
    }

    #[test]
    fn says_what_is_missing_what_differs_and_what_is_surplus() {
        let wanted = Tree::default().with("/a", file(b"one")).with("/b", Entry::Directory);
        let found = Tree::default().with("/a", file(b"two")).with("/c", file(b""));
        assert_eq!(
            wanted.differences(&found, 9),
            "differs  /a: 3 bytes \"one\" is 3 bytes \"two\"\n\
             missing  /b (directory)\nsurplus  /c (0 bytes)"
        );
        assert_eq!(wanted.differences(&wanted, 9), "");
    }
}
