//! What may be seen after a cut, and what was wrong with what was seen.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use fs_core::error::Error;

use crate::model::{Entry, Tree};
use crate::rng::TraceHash;
use crate::subject::Mounted;

/// The states a mount may show.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// Any of these trees.
    pub trees: Vec<Arc<Tree>>,
    /// Or no volume at all: a format was under way.
    pub blank: bool,
    /// The caller asked for a format, and will ask again: until then the old volume may come and
    /// go.
    pub again: bool,
}

impl Allowed {
    /// Exactly this state.
    #[must_use]
    pub fn only(tree: Arc<Tree>) -> Self {
        Self { trees: vec![tree], ..Self::default() }
    }

    /// One of these states; equal ones count once.
    #[must_use]
    pub fn any(trees: impl IntoIterator<Item = Tree>) -> Self {
        // By their hash: after a failed call there are hundreds, nearly all of them alike.
        let mut seen = HashSet::new();
        let fresh = trees.into_iter().filter(|tree| seen.insert(tree.clone()));
        let trees = fresh.map(Arc::new).collect();
        Self { trees, ..Self::default() }
    }

    /// One more state.
    pub fn add(&mut self, tree: Tree) {
        if !self.trees.iter().any(|other| **other == tree) {
            self.trees.push(Arc::new(tree));
        }
    }

    /// The allowed tree that equals `found`.
    #[must_use]
    pub fn find(&self, found: &Tree) -> Option<Arc<Tree>> {
        self.trees.iter().find(|tree| ***tree == *found).map(Arc::clone)
    }

    /// How `found` differs from each allowed tree.
    #[must_use]
    pub fn differences(&self, found: &Tree) -> String {
        let mut text = Vec::new();
        for (number, tree) in self.trees.iter().enumerate() {
            text.push(format!("compared with allowed state {number}:"));
            text.extend(tree.differences(found, 6).lines().map(|line| format!("  {line}")));
        }
        text.join("\n")
    }

    /// Equal for equal sets.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = TraceHash::default();
        hash.number(u64::from(self.blank) + 2 * u64::from(self.again));
        for tree in &self.trees {
            for (path, entry) in tree.iter() {
                hash.bytes(path.as_bytes());
                match entry {
                    Entry::Directory => {}
                    Entry::File(content) => hash.bytes(content),
                    Entry::Symlink(target) => hash.bytes(target.as_bytes()),
                }
            }
            for (path, what, value) in tree.facts() {
                for bytes in [path.as_bytes(), what.as_bytes(), value] {
                    hash.bytes(bytes);
                }
            }
            hash.number(7);
        }
        hash.value()
    }
}

/// What was wrong: while doing what, and how it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What the volume was doing.
    pub during: String,
    /// How it showed.
    pub what: String,
}

impl Fault {
    /// A fault seen during `during`.
    pub fn new(during: impl Into<String>, what: impl Into<String>) -> Self {
        Self { during: during.into(), what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.during, self.what)
    }
}

/// The whole tree as the volume shows it now.
///
/// # Errors
/// What failed or did not agree with itself.
pub fn observe(volume: &dyn Mounted, during: &str) -> Result<Tree, Fault> {
    let failed = |path: &str, error: Error| Fault::new(during, format!("{path}: {error:?}"));
    let mut tree = Tree::default();
    let mut waiting = vec![String::new()];
    while let Some(directory) = waiting.pop() {
        let shown = if directory.is_empty() { "/" } else { &directory };
        for entry in volume.list(shown).map_err(|error| failed(shown, error))? {
            let path = format!("{directory}/{}", entry.name);
            let facts = volume.facts(&path, &entry).map_err(|error| failed(&path, error))?;
            let node = if entry.directory {
                waiting.push(path.clone());
                Entry::Directory
            } else if entry.link {
                Entry::Symlink(facts.target.as_str().into())
            } else {
                let content = volume.content(&path).map_err(|error| failed(&path, error))?;
                if content.len() as u64 != entry.size {
                    let sizes = format!("{path}: {} listed, {} read", entry.size, content.len());
                    return Err(Fault::new(during, sizes));
                }
                Entry::File(content.into())
            };
            if !tree.insert(path.as_str().into(), node) {
                return Err(Fault::new(during, format!("{path} is listed twice")));
            }
            for (what, value) in facts.facts {
                tree.add_fact(&path, &what, &value);
            }
        }
    }
    tree.number_to_path();
    Ok(tree)
}
