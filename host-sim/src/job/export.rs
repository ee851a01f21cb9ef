//! Writes the imported tree to a directory of this machine and compares it with its source.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::Refusal;
use super::source::{Item, Source, What};
use crate::explore::outcome::{Fault, observe};
use crate::hostfs;
use crate::model::{ATTRIBUTE, Entry, SAME, Tree};
use crate::subject::Mounted;

/// A directory that is removed with all it holds when this is dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new empty directory for temporary files.
    ///
    /// # Errors
    /// The operating system's.
    pub fn new() -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("vellum-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where the export goes.
#[derive(Debug)]
pub enum Target {
    /// A directory that the user named.
    Named(PathBuf),
    /// One that does not outlive the job.
    Temporary(Scratch),
}

impl Target {
    /// An empty directory: `named`, which is made if it is absent, or a temporary one.
    ///
    /// # Errors
    /// If the directory is not empty or cannot be made.
    pub fn open(named: Option<&Path>) -> Result<Self, Refusal> {
        let Some(path) = named else {
            let scratch = Scratch::new().map_err(|error| {
                let place = std::env::temp_dir();
                let place = place.display();
                Refusal(format!("cannot make a directory in {place}: {error}; give --to DIR"))
            })?;
            return Ok(Self::Temporary(scratch));
        };
        let shown = path.display();
        let refused = |error| {
            Refusal(format!("cannot use {shown}: {error}; give --to a directory you can write"))
        };
        std::fs::create_dir_all(path).map_err(refused)?;
        if std::fs::read_dir(path).map_err(refused)?.next().is_some() {
            let what = format!("{shown} is not empty; give --to a new or an empty directory");
            return Err(Refusal(what));
        }
        Ok(Self::Named(path.into()))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(scratch) => scratch.path(),
        }
    }
}

/// Writes everything that came from the source to `target`, as the volume shows it now.
///
/// # Errors
/// A fault of the volume, or what the operating system refused.
pub fn export(volume: &dyn Mounted, target: &Path) -> Result<Result<(), Refusal>, Fault> {
    let tree = observe(volume, "export")?;
    Ok(write(&tree, target).map_err(|error| {
        let shown = target.display();
        let way_out = match error.kind() {
            io::ErrorKind::Unsupported => "give --to DIR where files have extended attributes",
            _ => "free some space or give --to DIR",
        };
        Refusal(format!("cannot export to {shown}: {error}; {way_out}"))
    }))
}

fn write(tree: &Tree, target: &Path) -> io::Result<()> {
    let place_of = |path: &str| target.join(path.trim_start_matches('/'));
    for (path, entry) in tree.iter().filter(|(path, _)| super::view::imported(path)) {
        let place = place_of(path);
        if let Some(first) = tree.fact(path, SAME) {
            std::fs::hard_link(place_of(&String::from_utf8_lossy(first)), place)?;
            continue;
        }
        match entry {
            Entry::Directory => std::fs::create_dir(&place)?,
            Entry::File(content) => std::fs::write(&place, content)?,
            Entry::Symlink(target) => hostfs::make_link(target.as_bytes(), &place)?,
        }
        for (what, value) in tree.facts_of(path) {
            if let Some(name) = what.strip_prefix(ATTRIBUTE) {
                hostfs::set_attribute(&place, name, value)?;
            }
        }
    }
    Ok(())
}

/// Compares `target` with the source as it was read: every name, every byte of every file, where
/// links lead, which names are of one file, every attribute; nothing else. Says how many files,
/// links and further names were compared.
///
/// # Errors
/// The first thing that differs.
pub fn compare(source: &Source, target: &Path) -> Result<u64, Fault> {
    let differs = |what: String| Err(Fault::new("export", what));
    let mut surplus = found(target).map_err(|error| Fault::new("export", error.to_string()))?;
    let mut files = 0;
    for item in &source.items {
        let place = target.join(item.path.trim_start_matches('/'));
        if !surplus.remove(&place) {
            return differs(format!("{} is missing", item.path));
        }
        match agrees(item, &place, target) {
            Ok(Ok(())) => files += u64::from(item.what != What::Directory),
            Ok(Err(what)) => return differs(format!("{} {what}", item.path)),
            Err(error) => return differs(format!("{}: {error}", item.path)),
        }
    }
    match surplus.first() {
        Some(path) => differs(format!("{} is not in the source", path.display())),
        None => Ok(files),
    }
}

/// Whether what is at `place` is what the item says, or what is different.
fn agrees(item: &Item, place: &Path, target: &Path) -> io::Result<Result<(), &'static str>> {
    let kind = place.symlink_metadata()?;
    let right = match &item.what {
        What::Directory if !kind.is_dir() => Err("is not a directory"),
        What::File(_) if !kind.is_file() => Err("is not a file"),
        What::File(content) if std::fs::read(place)? != *content => Err("has another content"),
        What::Link(_) if !kind.is_symlink() => Err("is not a symbolic link"),
        What::Link(path) if std::fs::read_link(place)? != Path::new(path) => {
            Err("is a link to elsewhere")
        }
        What::Name(first) => {
            let first = target.join(first.trim_start_matches('/')).symlink_metadata()?;
            let same = hostfs::identity(&first) == hostfs::identity(&kind);
            if same && hostfs::identity(&kind).is_some() {
                return Ok(Ok(()));
            }
            Err("is not a name of the same file")
        }
        _ => Ok(()),
    };
    // Links and further names have no attributes of their own.
    let own = matches!(item.what, What::Directory | What::File(_));
    if right.is_ok() && own && hostfs::attributes(place)? != item.attributes {
        return Ok(Err("has other attributes"));
    }
    Ok(right)
}

/// Everything below a directory.
fn found(target: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut all = BTreeSet::new();
    let mut waiting = vec![target.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                waiting.push(entry.path());
            }
            all.insert(entry.path());
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{Scratch, Target, compare, write};
    use crate::job::source::{Item, Source, What};
    use crate::model::{ATTRIBUTE, Entry, SAME, Tree};

    fn item(path: &str, content: Option<&[u8]>) -> Item {
        let what = content.map_or(What::Directory, |content| What::File(content.to_vec()));
        Item::new(path.into(), what)
    }

    #[cfg(unix)]
    #[test]
    fn notices_other_links_names_and_attributes() {
        let mut tree = Tree::default();
        for (path, entry) in [
            ("/import", Entry::Directory),
            ("/import/a", Entry::File(b"one".as_slice().into())),
            ("/import/b", Entry::File(b"one".as_slice().into())),
            ("/import/link", Entry::Symlink("a".into())),
        ] {
            tree = tree.with(path, entry);
        }
        tree.add_fact("/import/b", SAME, b"/import/a");
        tree.add_fact("/import/a", &format!("{ATTRIBUTE}user.note"), b"value");
        let scratch = Scratch::new().expect("a temporary directory");
        write(&tree, scratch.path()).expect("written");
        let mut source = Source::default();
        source.items = vec![
            item("/import", None),
            item("/import/a", Some(b"one")),
            Item::new("/import/b".into(), What::Name("/import/a".into())),
            Item::new("/import/link".into(), What::Link("a".into())),
        ];
        let note = ("user.note".to_owned(), b"value".to_vec());
        let other = ("user.note".to_owned(), b"other".to_vec());
        assert!(compare(&source, scratch.path()).is_err(), "an attribute more");
        source.items[1].attributes = vec![other];
        assert!(compare(&source, scratch.path()).is_err(), "another attribute");
        source.items[1].attributes = vec![note];
        assert_eq!(compare(&source, scratch.path()), Ok(3));
        source.items[3].what = What::Link("b".into());
        assert!(compare(&source, scratch.path()).is_err(), "another target");
        source.items[3].what = What::Link("a".into());
        let b = scratch.path().join("import/b");
        std::fs::remove_file(&b).expect("removed");
        std::fs::write(&b, b"one").expect("a file");
        assert!(compare(&source, scratch.path()).is_err(), "a file of its own");
    }

    #[test]
    fn notices_what_is_missing_different_or_surplus() {
        let file = |content: &[u8]| Entry::File(content.into());
        let tree = Tree::default()
            .with("/import", Entry::Directory)
            .with("/import/a", file(b"one"))
            .with("/work", Entry::Directory);
        let scratch = Scratch::new().expect("a temporary directory");
        write(&tree, scratch.path()).expect("written");
        let mut source = Source::default();
        source.items = vec![item("/import", None), item("/import/a", Some(b"one"))];
        assert_eq!(compare(&source, scratch.path()), Ok(1));
        source.items[1].what = What::File(b"two".to_vec());
        assert!(compare(&source, scratch.path()).is_err(), "another content");
        source.items.pop();
        assert!(compare(&source, scratch.path()).is_err(), "surplus");
        source.items.push(item("/import/b", Some(b"")));
        assert!(compare(&source, scratch.path()).is_err(), "missing");
    }

    #[test]
    fn a_target_must_be_empty_and_a_temporary_one_goes() {
        let target = Target::open(None).expect("a temporary directory");
        let path = target.path().to_path_buf();
        assert!(Target::open(Some(&path)).is_ok(), "empty");
        std::fs::write(path.join("file"), b"").expect("a file");
        let refused = Target::open(Some(&path)).expect_err("not empty");
        assert!(refused.0.contains("empty directory"), "{}", refused.0);
        drop(target);
        assert!(!path.exists());
    }
}
