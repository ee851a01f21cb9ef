//! The naive reference filesystem that every volume is compared with.
//!
//! **What it is.** A map from paths to contents, the open handles, and for each file the content
//! that is written but not yet committed (its draft). No blocks, no limits but the ones the
//! interface documents.
//!
//! **Rules.**
//! 1. [`Model::apply`] answers a call as the volume must: the same success or the same error.
//! 2. A write happens at its commit: [`Model::committed`] changes at `sync`, `close`, `rename` of
//!    that file, or at a call that is durable by itself.
//! 3. A call in flight leaves the state before it, the state after it, or, where the interface
//!    says it is several transactions, one of the states [`Step::between`].
//! 4. A power cut keeps exactly the committed tree: [`Model::cut`].

mod apply;
mod names;
mod paths;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use fs_core::RenameMode;
use fs_core::error::Error;

pub use apply::Step;
pub use tree::{ATTRIBUTE, Entry, SAME, Tree};

/// Bytes of the largest content that is one item, and goes with the name in one transaction.
pub const CONTENT_MAX: usize = 448;
/// Bytes that scripts make a file long.
pub const LENGTH_MAX: usize = 1 << 20;

/// A handle as a script names it: not the volume's `FileId`.
pub type Slot = u8;

/// How a script opens a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of open")]
pub struct Access {
    /// Reading is allowed.
    pub read: bool,
    /// Writing is allowed.
    pub write: bool,
    /// A missing file is created.
    pub create: bool,
    /// An existing file is refused.
    pub create_new: bool,
    /// The content is drafted to be empty.
    pub truncate: bool,
}

impl Access {
    /// Reading only.
    pub const READ: Self =
        Self { read: true, write: false, create: false, create_new: false, truncate: false };
    /// Reading and writing an existing file.
    pub const WRITE: Self = Self { write: true, ..Self::READ };
    /// Reading and writing, creating if missing.
    pub const CREATE: Self = Self { create: true, ..Self::WRITE };
    /// Reading and writing a file that must not exist.
    pub const CREATE_NEW: Self = Self { create_new: true, ..Self::CREATE };
    /// Reading and writing from an empty content.
    pub const REWRITE: Self = Self { truncate: true, ..Self::CREATE };
}

/// One call of the interface, or something that happens to the volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Opens a file.
    Open(Slot, String, Access),
    /// Commits and closes.
    Close(Slot),
    /// Drafts bytes at an offset.
    Write(Slot, u64, Vec<u8>),
    /// Drafts a new length.
    SetLen(Slot, u64),
    /// Commits the draft of one file.
    SyncFile(Slot),
    /// Commits the draft of one file and sets space aside for a range, to stay or not.
    Allocate(Slot, u64, u64, bool),
    /// Plans a transfer, by a number of its own, of so many bytes from an offset on: to write, or
    /// to read.
    Map(u8, Slot, u64, u64, bool),
    /// Hardware moves the bytes of a transfer: programs them, or reads and compares.
    Transfer(u8, Vec<u8>),
    /// Ends a transfer to write at an offset: these bytes were carried out, or it failed.
    Complete(u8, Slot, u64, Vec<u8>, bool),
    /// Gives the draft up.
    Discard(Slot),
    /// Reads everything and compares.
    Read(Slot),
    /// Commits every draft.
    Sync,
    /// Commits every draft and leaves a seal.
    Park,
    /// Makes a directory.
    Mkdir(String),
    /// Removes an empty directory.
    Rmdir(String),
    /// Removes a file.
    Remove(String),
    /// Gives an entry another name, replacing what has it.
    Rename(String, String),
    /// Gives an entry another name, in another way than by replacing what has it.
    RenameWith(String, String, RenameMode),
    /// Swaps the contents of two files.
    Exchange(String, String),
    /// Gives a file, the first path, one more name.
    Link(String, String),
    /// Makes a symbolic link to the first path at the second.
    Symlink(String, String),
    /// Sets an extended attribute.
    SetXattr(String, String, Vec<u8>),
    /// Removes an extended attribute.
    RemoveXattr(String, String),
    /// Sets mode, user and group.
    SetOwner(String, u16, u32, u32),
    /// Several changes in one transaction.
    Transaction(Vec<Change>),
    /// Commits a new length.
    Truncate(String, u64),
    /// Commits a whole content.
    Replace(String, Vec<u8>),
    /// Does up to that many units of background work.
    Maintain(u32),
    /// Compares the whole visible tree.
    Look,
    /// Runs the volume's own check.
    Check,
    /// Mounts.
    Mount {
        /// Nothing may be written.
        read_only: bool,
    },
    /// Mounts, and formats first if there is no volume.
    MountOrFormat,
    /// Commits every draft, leaves a seal and unmounts.
    Unmount,
    /// The power fails between two calls: RAM is lost.
    Cut,
    /// Formats.
    Format,
}

impl Op {
    /// Whether this ends a mount.
    #[must_use]
    pub const fn ends_mount(&self) -> bool {
        matches!(self, Self::Unmount | Self::Cut)
    }
}

/// One change of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Commits the draft of an open file.
    Commit(Slot),
    /// Renames a file.
    Rename(String, String),
    /// Removes a name of a file.
    Remove(String),
}

/// What a name leads to, and the number of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    Directory(usize),
    File(usize),
    Symlink(usize),
}

impl Node {
    const fn object(self) -> usize {
        match self {
            Self::Directory(object) | Self::File(object) | Self::Symlink(object) => object,
        }
    }
}

/// What is known about an object. A symbolic link's content is its target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct File {
    content: Arc<[u8]>,
    draft: Option<Arc<[u8]>>,
    /// Extended attributes, and the owner, by what they are called in a [`Tree`].
    attributes: BTreeMap<Arc<str>, Arc<[u8]>>,
}

impl File {
    fn visible(&self) -> &Arc<[u8]> {
        self.draft.as_ref().unwrap_or(&self.content)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Handle {
    file: usize,
    access: Access,
}

/// The reference filesystem.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Model {
    names: BTreeMap<Arc<str>, Node>,
    files: Vec<File>,
    handles: BTreeMap<Slot, Handle>,
    /// Transfers that write.
    transfers: BTreeMap<u8, Transfer>,
}

/// A transfer that writes to a file, from one byte to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Transfer {
    file: usize,
    from: u64,
    end: u64,
    /// Whether hardware has carried it out.
    moved: bool,
}

impl Model {
    /// A freshly formatted volume.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A volume just mounted that shows `tree`.
    #[must_use]
    pub fn showing(tree: &Tree) -> Self {
        let mut model = Self::new();
        for (path, entry) in tree.iter() {
            let first = tree.fact(path, SAME).and_then(|first| std::str::from_utf8(first).ok());
            if let Some(node) = first.and_then(|first| model.names.get(first)).copied() {
                model.names.insert(Arc::clone(path), node);
                continue;
            }
            let (content, node): (_, fn(usize) -> Node) = match entry {
                Entry::Directory => (Arc::from([]), Node::Directory),
                Entry::File(content) => (Arc::clone(content), Node::File),
                Entry::Symlink(target) => (target.as_bytes().into(), Node::Symlink),
            };
            let object = model.add(content);
            for (what, value) in tree.facts_of(path).filter(|(what, _)| ***what != *SAME) {
                model.files[object].attributes.insert(Arc::clone(what), Arc::clone(value));
            }
            model.names.insert(Arc::clone(path), node(object));
        }
        model
    }

    /// What a mount after a power cut shows.
    #[must_use]
    pub fn committed(&self) -> Tree {
        self.tree(|file| &file.content)
    }

    /// What calls show now: drafts included.
    #[must_use]
    pub fn visible(&self) -> Tree {
        self.tree(File::visible)
    }

    /// What a read of the whole file through `slot` gives.
    ///
    /// # Errors
    /// [`Error::Stale`] if the slot is not open, [`Error::BadAccess`] if not for reading.
    pub fn content(&self, slot: Slot) -> Result<Arc<[u8]>, Error> {
        let handle = self.handles.get(&slot).ok_or(Error::Stale)?;
        if handle.access.read {
            Ok(Arc::clone(self.files[handle.file].visible()))
        } else {
            Err(Error::BadAccess)
        }
    }

    /// Forgets what RAM held: handles, drafts and files without a name.
    pub fn cut(&mut self) {
        self.handles.clear();
        self.transfers.clear();
        for file in &mut self.files {
            file.draft = None;
        }
    }

    fn tree<'a>(&'a self, content: impl Fn(&'a File) -> &'a Arc<[u8]>) -> Tree {
        let mut tree = Tree::default();
        let mut first: BTreeMap<usize, &Arc<str>> = BTreeMap::new();
        for (path, node) in &self.names {
            let file = &self.files[node.object()];
            let entry = match node {
                Node::Directory(_) => Entry::Directory,
                Node::File(_) => Entry::File(Arc::clone(content(file))),
                Node::Symlink(_) => {
                    Entry::Symlink(String::from_utf8_lossy(&file.content).as_ref().into())
                }
            };
            tree.insert(Arc::clone(path), entry);
            for (what, value) in &file.attributes {
                tree.add_fact(path, what, value);
            }
            match first.get(&node.object()) {
                Some(first) => tree.add_fact(path, SAME, first.as_bytes()),
                None => drop(first.insert(node.object(), path)),
            }
        }
        tree
    }

    fn add(&mut self, content: Arc<[u8]>) -> usize {
        self.files.push(File { content, draft: None, attributes: BTreeMap::new() });
        self.files.len() - 1
    }
}
