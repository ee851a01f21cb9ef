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
}

/// Every path and what it leads to. Paths are absolute; the root is not listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tree(BTreeMap<Arc<str>, Entry>);

impl Tree {
    /// Every entry in the order of its path.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        self.0.iter()
    }

    /// Adds an entry; `false` if the path was there already.
    pub fn insert(&mut self, path: Arc<str>, entry: Entry) -> bool {
        self.0.insert(path, entry).is_none()
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
        Self(entries.into_iter().collect())
    }
}

/// An entry in a few characters.
struct Shown<'a>(&'a Entry);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Entry::Directory => f.write_str("directory"),
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
