//! The tree that is imported: a directory of this machine, and a generated one if that gave
//! too few files.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::Refusal;
use crate::hostfs::{self, Identity};
use crate::image::BLOCK_BYTES;
use crate::model::{CONTENT_MAX, LENGTH_MAX};
use crate::rng::Rng;

/// Where the directory of this machine lies on the volume.
pub const IMPORT: &str = "/import";
/// Where the generated tree lies on the volume.
pub const GENERATED: &str = "/generated";

/// With fewer files than this, a tree is generated as well.
const FILES_MIN: usize = 200;
/// Files of a generated tree.
const GENERATED_FILES: usize = 300;
const NAME_MAX: usize = 255;
/// Deepest directory the volume takes, with the one that everything is imported into.
const DEPTH_MAX: usize = 60;
/// Directories that are left out with all they hold.
const LEFT_OUT: &[&str] = &["target", ".git"];

/// Something with a name in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its path on the volume.
    pub path: String,
    /// What the name leads to.
    pub what: What,
    /// Extended attributes, by name.
    pub attributes: Vec<(String, Vec<u8>)>,
}

/// What a name of the source leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A directory.
    Directory,
    /// A file with this content.
    File(Vec<u8>),
    /// A symbolic link to this path.
    Link(String),
    /// The file that this earlier path leads to.
    Name(String),
}

impl Item {
    /// Without attributes.
    #[must_use]
    pub const fn new(path: String, what: What) -> Self {
        Self { path, what, attributes: Vec::new() }
    }
}

/// Why a file was not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// More content than the job keeps a model of.
    TooLarge,
    /// A symbolic link to a path that the volume does not take.
    Target,
    /// An extended attribute that the volume does not take.
    Attribute,
    /// Neither file nor directory nor symbolic link.
    Special,
    /// A name longer than the volume takes.
    NameTooLong,
    /// A name that is not UTF-8.
    NotText,
    /// A directory deeper than the volume takes.
    TooDeep,
    /// The file could not be read.
    Unreadable,
    /// The chip is too small for it.
    NoRoom,
    /// A directory that is never imported.
    LeftOut,
}

impl Skip {
    /// Every reason, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::TooLarge,
        Self::Target,
        Self::Attribute,
        Self::Special,
        Self::NameTooLong,
        Self::NotText,
        Self::TooDeep,
        Self::Unreadable,
        Self::NoRoom,
        Self::LeftOut,
    ];
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "larger than {LENGTH_MAX} bytes"),
            Self::Target => write!(f, "symbolic link to more than {CONTENT_MAX} bytes"),
            Self::Attribute => write!(f, "attribute of more than {CONTENT_MAX} bytes"),
            Self::Special => f.write_str("neither file nor directory"),
            Self::NameTooLong => write!(f, "name longer than {NAME_MAX} bytes"),
            Self::NotText => f.write_str("name is not UTF-8"),
            Self::TooDeep => write!(f, "nested deeper than {DEPTH_MAX}"),
            Self::Unreadable => f.write_str("not readable"),
            Self::NoRoom => f.write_str("no room on this chip"),
            Self::LeftOut => f.write_str("named target or .git"),
        }
    }
}

/// Everything to import, directories before what they hold.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The directory of this machine.
    pub directory: PathBuf,
    /// What is imported.
    pub items: Vec<Item>,
    /// What is not, and why.
    pub skipped: Vec<(PathBuf, Skip)>,
    /// How many of the files were generated.
    pub generated: usize,
    /// Bytes on the volume that are left for imports.
    room: usize,
    /// The first path of files that have several names.
    first: BTreeMap<Identity, String>,
}

impl Source {
    /// Reads `directory`, which may fill up to `room` bytes of the volume.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn read(directory: &Path, room: usize, seed: u64) -> Result<Self, Refusal> {
        let listing = std::fs::read_dir(directory).and_then(Iterator::collect);
        let entries: Vec<_> = listing.map_err(|error| {
            let shown = directory.display();
            Refusal(format!("cannot read {shown}: {error}; give --from a readable directory"))
        })?;
        let mut source = Self { directory: directory.into(), room, ..Self::default() };
        source.add_directory(IMPORT.into());
        source.add_entries(entries, IMPORT, 1);
        if source.files() < FILES_MIN {
            source.generate(seed);
        }
        Ok(source)
    }

    /// How many files are imported.
    #[must_use]
    pub fn files(&self) -> usize {
        self.count(|what| matches!(what, What::File(_)))
    }

    /// How many directories are imported.
    #[must_use]
    pub fn directories(&self) -> usize {
        self.count(|what| *what == What::Directory)
    }

    /// How many symbolic links are imported.
    #[must_use]
    pub fn links(&self) -> usize {
        self.count(|what| matches!(what, What::Link(_)))
    }

    /// How many further names of files are imported.
    #[must_use]
    pub fn names(&self) -> usize {
        self.count(|what| matches!(what, What::Name(_)))
    }

    /// How many extended attributes are imported.
    #[must_use]
    pub fn attributes(&self) -> usize {
        self.items.iter().map(|item| item.attributes.len()).sum()
    }

    fn count(&self, is: impl Fn(&What) -> bool) -> usize {
        self.items.iter().filter(|item| is(&item.what)).count()
    }

    /// Bytes of content that are imported.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let length = |item: &Item| if let What::File(bytes) = &item.what { bytes.len() } else { 0 };
        self.items.iter().map(length).sum()
    }

    /// How many were skipped for this reason.
    #[must_use]
    pub fn skipped_for(&self, reason: Skip) -> usize {
        self.skipped.iter().filter(|(_, why)| *why == reason).count()
    }

    fn add_entries(&mut self, mut entries: Vec<std::fs::DirEntry>, parent: &str, depth: usize) {
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            if let Err(reason) = self.add_entry(&entry, parent, depth) {
                self.skipped.push((entry.path(), reason));
            }
        }
    }

    fn add_entry(
        &mut self,
        entry: &std::fs::DirEntry,
        parent: &str,
        depth: usize,
    ) -> Result<(), Skip> {
        let name = entry.file_name();
        let kind = entry.file_type().map_err(|_| Skip::Unreadable)?;
        if name.len() > NAME_MAX {
            return Err(Skip::NameTooLong);
        }
        let name = name.to_str().ok_or(Skip::NotText)?;
        let path = format!("{parent}/{name}");
        if kind.is_symlink() {
            self.add_link(entry, path)
        } else if kind.is_dir() {
            self.add_nested(entry, name, &path, depth)
        } else if kind.is_file() {
            self.add_file(entry, path)
        } else {
            Err(Skip::Special)
        }
    }

    fn add_nested(
        &mut self,
        entry: &std::fs::DirEntry,
        name: &str,
        path: &str,
        depth: usize,
    ) -> Result<(), Skip> {
        if LEFT_OUT.contains(&name) {
            return Err(Skip::LeftOut);
        }
        if depth >= DEPTH_MAX {
            return Err(Skip::TooDeep);
        }
        let listing = std::fs::read_dir(entry.path()).and_then(Iterator::collect);
        let entries: Vec<_> = listing.map_err(|_| Skip::Unreadable)?;
        if !self.add_directory(path.into()) {
            return Err(Skip::NoRoom);
        }
        self.add_attributes(&entry.path());
        self.add_entries(entries, path, depth + 1);
        Ok(())
    }

    fn add_link(&mut self, entry: &std::fs::DirEntry, path: String) -> Result<(), Skip> {
        let target = std::fs::read_link(entry.path()).map_err(|_| Skip::Unreadable)?;
        let target = target.to_str().ok_or(Skip::NotText)?;
        if target.len() > CONTENT_MAX {
            return Err(Skip::Target);
        }
        self.add(path, target.len(), What::Link(target.to_owned()))
    }

    fn add_file(&mut self, entry: &std::fs::DirEntry, path: String) -> Result<(), Skip> {
        let metadata = entry.metadata().map_err(|_| Skip::Unreadable)?;
        let identity = hostfs::identity(&metadata);
        if let Some(first) = identity.and_then(|identity| self.first.get(&identity).cloned()) {
            return self.add(path, 0, What::Name(first));
        }
        if metadata.len() > LENGTH_MAX as u64 {
            return Err(Skip::TooLarge);
        }
        let content = std::fs::read(entry.path()).map_err(|_| Skip::Unreadable)?;
        if content.len() > LENGTH_MAX {
            return Err(Skip::TooLarge);
        }
        self.add(path.clone(), content.len(), What::File(content))?;
        if let Some(identity) = identity {
            self.first.insert(identity, path);
        }
        self.add_attributes(&entry.path());
        Ok(())
    }

    fn add_directory(&mut self, path: String) -> bool {
        self.add(path, 0, What::Directory).is_ok()
    }

    fn add(&mut self, path: String, bytes: usize, what: What) -> Result<(), Skip> {
        if !self.take_room(&path, bytes) {
            return Err(Skip::NoRoom);
        }
        self.items.push(Item::new(path, what));
        Ok(())
    }

    /// Adds the attributes of `place` to the last item.
    fn add_attributes(&mut self, place: &Path) {
        let Ok(found) = hostfs::attributes(place) else {
            self.skipped.push((place.into(), Skip::Unreadable));
            return;
        };
        for (name, value) in found {
            let too_long = name.len() > NAME_MAX || name.len() + value.len() > CONTENT_MAX;
            if too_long {
                self.skipped.push((place.into(), Skip::Attribute));
            } else if !self.take_room(&name, value.len()) {
                self.skipped.push((place.into(), Skip::NoRoom));
            } else if let Some(item) = self.items.last_mut() {
                item.attributes.push((name, value));
            }
        }
    }

    /// An entry and its content are two items of the tree, with about 100 bytes around them; what
    /// is longer fills blocks, the last of them in part.
    fn take_room(&mut self, path: &str, content: usize) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        let content = if content > CONTENT_MAX {
            content.next_multiple_of(BLOCK_BYTES) + BLOCK_BYTES
        } else {
            content
        };
        let needed = name.len() + content + 100;
        let rest = self.room.checked_sub(needed);
        self.room = rest.unwrap_or(self.room);
        rest.is_some()
    }

    /// A tree of small files as a device would keep them.
    fn generate(&mut self, seed: u64) {
        const KINDS: &[&str] = &["network", "sensors", "users", "schedule", "calibration"];
        let mut rng = Rng::new(seed ^ 0x6E6E_7265_7461);
        if !self.add_directory(GENERATED.into()) {
            return;
        }
        let mut homes = vec![String::from(GENERATED)];
        for number in 0..GENERATED_FILES {
            if number % 12 == 0 {
                let kind = KINDS[rng.index(KINDS.len())];
                let path = format!("{}/{kind}-{number:03}", homes[rng.index(homes.len())]);
                if path.matches('/').count() < 6 && self.add_directory(path.clone()) {
                    homes.push(path);
                }
            }
            let path = format!("{}/item-{number:03}.conf", homes[rng.index(homes.len())]);
            let content = config(&mut rng, number);
            if self.add(path, content.len(), What::File(content)).is_err() {
                return;
            }
            self.generated += 1;
        }
    }
}

/// Lines of names and numbers, up to the longest content.
pub fn config(rng: &mut Rng, number: usize) -> Vec<u8> {
    let wanted = 20 + rng.index(CONTENT_MAX - 20 + 1);
    let mut text = format!("[item {number}]\n");
    while text.len() < wanted {
        let (key, value) = (rng.index(100), rng.below(1 << 32));
        text += format!("key{key:02} = {value}\n").as_str();
    }
    text.truncate(wanted);
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{GENERATED, GENERATED_FILES, LENGTH_MAX, Skip, Source, What};
    use crate::job::export::Scratch;
    use std::collections::BTreeSet;

    #[test]
    fn imports_what_fits_and_says_why_it_leaves_the_rest_out() {
        let scratch = Scratch::new().expect("a temporary directory");
        let root = scratch.path();
        std::fs::create_dir_all(root.join("sub/target")).expect("directories");
        std::fs::write(root.join("sub/small"), b"fits").expect("a file");
        std::fs::write(root.join("large"), vec![b'x'; LENGTH_MAX + 1]).expect("a file");
        std::fs::write(root.join("long"), vec![b'x'; 449]).expect("a file");
        std::fs::write(root.join("exact"), [b'x'; 448]).expect("a file");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("exact", root.join("link")).expect("a link");
            std::os::unix::fs::symlink("x".repeat(449), root.join("link2")).expect("a link");
            std::fs::hard_link(root.join("exact"), root.join("name")).expect("a name");
        }
        let source = Source::read(root, 1 << 20, 1).expect("readable");
        let files = source.items.iter().filter(|item| matches!(item.what, What::File(_)));
        let paths: Vec<_> = files.take(3).map(|item| item.path.as_str()).collect();
        assert_eq!(paths, ["/import/exact", "/import/long", "/import/sub/small"]);
        assert_eq!(source.skipped_for(Skip::TooLarge), 1);
        assert_eq!(source.skipped_for(Skip::LeftOut), 1);
        #[cfg(unix)]
        {
            let what = |path: &str| {
                let mut items = source.items.iter();
                items.find(|item| item.path == path).map(|item| item.what.clone())
            };
            assert_eq!(source.skipped_for(Skip::Target), 1);
            assert_eq!(what("/import/link"), Some(What::Link("exact".into())));
            assert_eq!(what("/import/name"), Some(What::Name("/import/exact".into())));
        }
        assert_eq!(source.generated, GENERATED_FILES);
        assert_eq!(source.files(), 3 + GENERATED_FILES);
    }

    #[test]
    fn a_generated_tree_follows_its_seed_and_its_room() {
        let scratch = Scratch::new().expect("a temporary directory");
        let read = |room, seed| Source::read(scratch.path(), room, seed).expect("readable");
        assert_eq!(read(1 << 20, 5).items, read(1 << 20, 5).items);
        assert_ne!(read(1 << 20, 5).items, read(1 << 20, 6).items);
        let small = read(8000, 5);
        assert!(small.generated < GENERATED_FILES && small.generated > 5, "{}", small.generated);
        let names: BTreeSet<_> = small.items.iter().map(|item| &item.path).collect();
        assert_eq!(names.len(), small.items.len());
        assert!(names.iter().any(|name| name.starts_with(GENERATED)));
    }
}
