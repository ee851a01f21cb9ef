//! Files between a volume and this machine.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use fs_core::units::{ObjectId, Time};
use fs_core::{Cookie, Error, NameBuf, NodeKind, OpenOptions, XattrMode};

use super::volume::{clean, walk};
use super::{Failure, Item, Mounted, Progress, Result};
use crate::hostfs::{self, Identity, make_link};

const BUFFER: usize = 1 << 14;
/// Bytes of the longest value of an extended attribute.
const ATTRIBUTE_BYTES: usize = 1 << 16;

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Symbolic links.
    pub links: u64,
    /// Further names of files.
    pub names: u64,
    /// Extended attributes.
    pub attributes: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// What was left out, and why.
    pub left_out: Vec<(PathBuf, String)>,
}

/// Copies the file or directory `path` of the volume to `target` of this machine.
///
/// # Errors
/// The filesystem's and the host's. What was copied before stays.
pub fn get(
    volume: &Mounted<'_>,
    path: &str,
    target: &Path,
    progress: Progress<'_>,
) -> Result<Copied> {
    let items = walk(volume, path, usize::MAX)?;
    let all = items.iter().map(|item| item.attributes.size).sum();
    let top = items.first().map_or(0, |item| item.path.len());
    let into = target.is_dir() && items.first().is_some_and(|item| !item.path.is_empty());
    let base = match items.first() {
        Some(first) if into => target.join(first.name()),
        _ => target.to_path_buf(),
    };
    let mut copied = Copied::default();
    let mut first: BTreeMap<ObjectId, PathBuf> = BTreeMap::new();
    for item in &items {
        let below = item.path[top..].trim_start_matches('/');
        let place = if below.is_empty() { base.clone() } else { base.join(below) };
        match item.attributes.kind {
            NodeKind::Directory => {
                let made = std::fs::create_dir_all(&place);
                made.map_err(|error| Failure::host(&place, "make", &error))?;
                copied.directories += 1;
                get_attributes(volume, item, &place, &mut copied)?;
            }
            NodeKind::File if named_again(item, &place, &first, &mut copied) => {}
            NodeKind::File => {
                let mut file =
                    File::create(&place).map_err(|error| Failure::host(&place, "write", &error))?;
                copied.bytes += read_to(volume, item, &mut file, &place)?;
                copied.files += 1;
                get_attributes(volume, item, &place, &mut copied)?;
                stamp(&file, item.attributes.modified);
                if item.attributes.links > 1 {
                    first.entry(item.attributes.object).or_insert(place);
                }
            }
            NodeKind::Symlink => {
                let target = link_target(volume, &item.path)?;
                match make_link(&target, &place) {
                    Ok(()) => copied.links += 1,
                    Err(error) => copied.left_out.push((place, format!("link: {error}"))),
                }
            }
        }
        progress(copied.bytes, all);
    }
    Ok(copied)
}

/// Makes `place` one more name of a file that was copied before; `false` if it was not, or if
/// this machine refuses: then it becomes a file of its own.
fn named_again(
    item: &Item,
    place: &Path,
    first: &BTreeMap<ObjectId, PathBuf>,
    copied: &mut Copied,
) -> bool {
    let Some(first) = first.get(&item.attributes.object) else { return false };
    if place.is_file() || place.is_symlink() {
        let _ = std::fs::remove_file(place);
    }
    match std::fs::hard_link(first, place) {
        Ok(()) => copied.names += 1,
        Err(error) => {
            let what = format!("further name of {}: {error}", first.display());
            copied.left_out.push((place.to_path_buf(), what));
            return false;
        }
    }
    true
}

/// Gives `place` the extended attributes of `item`.
fn get_attributes(
    volume: &Mounted<'_>,
    item: &Item,
    place: &Path,
    copied: &mut Copied,
) -> Result<()> {
    let path = if item.path.is_empty() { "/" } else { &item.path };
    let failed = |error| Failure::of(path, error);
    let (mut at, mut name) = (Cookie::START, NameBuf::new());
    while let Some(next) = volume.list_xattr(path, at, &mut name).map_err(failed)? {
        at = next;
        let Some(name) = name.as_str() else {
            let what = format!("attribute \"{name}\": not UTF-8");
            copied.left_out.push((place.to_path_buf(), what));
            continue;
        };
        let mut value = vec![0; ATTRIBUTE_BYTES];
        let length = volume.get_xattr(path, name, &mut value).map_err(failed)?;
        value.truncate(length);
        match hostfs::set_attribute(place, name, &value) {
            Ok(()) => copied.attributes += 1,
            Err(error) => {
                let what = format!("attribute {name}: {error}");
                copied.left_out.push((place.to_path_buf(), what));
            }
        }
    }
    Ok(())
}

/// Writes the whole content of a file of the volume to `target`.
///
/// # Errors
/// The filesystem's and the host's.
pub fn read_to(
    volume: &Mounted<'_>,
    item: &Item,
    target: &mut dyn Write,
    shown: &Path,
) -> Result<u64> {
    let failed = |error| Failure::of(&item.path, error);
    let file = volume.open(&item.path, OpenOptions::READ).map_err(failed)?;
    let mut buffer = vec![0; BUFFER];
    let mut done = 0;
    loop {
        let read = volume.read_at(file, done, &mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        let written = target.write_all(&buffer[..read]);
        written.map_err(|error| Failure::host(shown, "write", &error))?;
        done += read as u64;
    }
    volume.close(file).map_err(failed)?;
    Ok(done)
}

/// The path that a link of the volume leads to.
///
/// # Errors
/// The filesystem's.
pub fn link_target(volume: &Mounted<'_>, path: &str) -> Result<Vec<u8>> {
    let mut target = vec![0; 448];
    let length = volume.read_link(path, &mut target);
    target.truncate(length.map_err(|error| Failure::of(path, error))?);
    Ok(target)
}

fn stamp(file: &File, time: Time) {
    let since = u64::try_from(time.0).ok().filter(|_| time != Time::UNKNOWN);
    if let Some(since) = since {
        // A target that keeps no times is no reason to fail.
        let _ = file.set_modified(UNIX_EPOCH + Duration::from_nanos(since));
    }
}

/// Copies the file or directory `source` of this machine to `path` of the volume; with `content`
/// what lies in the directory, not itself.
///
/// # Errors
/// The filesystem's and the host's; the volume in the file is then as it was.
pub fn put(
    volume: &Mounted<'_>,
    source: &Path,
    path: &str,
    content: bool,
    progress: Progress<'_>,
) -> Result<Copied> {
    let mut target = clean(path);
    if !content && is_directory(volume, &target)? {
        let name = source.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| {
            Failure::Usage(format!("{} has no name to copy it under", source.display()))
        })?;
        target = format!("{target}/{name}");
    }
    let mut copied = Copied::default();
    let sources = sources(source, &target, &mut copied)?;
    let size = |source: &Source| if let What::File(size) = source.what { size } else { 0 };
    let all = sources.iter().map(size).sum();
    for Source { from, to, what } in sources {
        match what {
            What::Directory => {
                if !is_directory(volume, &to)? {
                    volume.mkdir(&to).map_err(|error| Failure::of(&to, error))?;
                }
                copied.directories += 1;
                put_attributes(volume, &from, &to, &mut copied)?;
            }
            What::Name(first) => {
                match volume.remove(&to) {
                    Ok(()) | Err(Error::NotFound) => {}
                    Err(error) => return Err(Failure::of(&to, error)),
                }
                volume.link(&first, &to).map_err(|error| Failure::of(&to, error))?;
                copied.names += 1;
            }
            What::File(_) => {
                let file = File::open(&from);
                let mut file = file.map_err(|error| Failure::host(&from, "read", &error))?;
                copied.bytes += write_from(volume, &to, &mut file, &from)?;
                copied.files += 1;
                put_attributes(volume, &from, &to, &mut copied)?;
            }
            What::Link(target) => {
                volume.symlink(&target, &to).map_err(|error| Failure::of(&to, error))?;
                copied.links += 1;
            }
        }
        progress(copied.bytes, all);
    }
    Ok(copied)
}

/// Gives `to` the extended attributes of `from`; those that a volume cannot keep are left out.
fn put_attributes(volume: &Mounted<'_>, from: &Path, to: &str, copied: &mut Copied) -> Result<()> {
    let found = hostfs::attributes(from);
    for (name, value) in found.map_err(|error| Failure::host(from, "read", &error))? {
        match volume.set_xattr(to, &name, &value, XattrMode::Any) {
            Ok(()) => copied.attributes += 1,
            Err(Error::TooLarge | Error::NameTooLong) => {
                let what = format!("attribute {name}: longer than a volume keeps");
                copied.left_out.push((from.to_path_buf(), what));
            }
            Err(error) => return Err(Failure::of(to, error)),
        }
    }
    Ok(())
}

fn is_directory(volume: &Mounted<'_>, path: &str) -> Result<bool> {
    if path.is_empty() {
        return Ok(true);
    }
    match volume.stat(path) {
        Ok(found) => Ok(found.kind == NodeKind::Directory),
        Err(Error::NotFound) => Ok(false),
        Err(error) => Err(Failure::of(path, error)),
    }
}

/// Replaces the content of a file of the volume with everything that `source` gives.
///
/// # Errors
/// The filesystem's and the host's.
pub fn write_from(
    volume: &Mounted<'_>,
    path: &str,
    source: &mut dyn Read,
    shown: &Path,
) -> Result<u64> {
    let failed = |error| Failure::of(path, error);
    let options = OpenOptions::new().write().create().truncate();
    let file = volume.open(path, options).map_err(failed)?;
    let mut buffer = vec![0; BUFFER];
    let mut done = 0;
    loop {
        let read = source.read(&mut buffer);
        let read = read.map_err(|error| Failure::host(shown, "read", &error))?;
        let mut rest = &buffer[..read];
        if rest.is_empty() {
            break;
        }
        while !rest.is_empty() {
            let taken = volume.write_at(file, done, rest).map_err(failed)?;
            done += taken as u64;
            rest = rest.get(taken.max(1)..).unwrap_or_default();
        }
    }
    volume.close(file).map_err(failed)?;
    Ok(done)
}

/// A file, directory or link of this machine, and where it goes.
struct Source {
    from: PathBuf,
    to: String,
    what: What,
}

enum What {
    Directory,
    /// Bytes of content.
    File(u64),
    /// One more name of the file at this path of the volume.
    Name(String),
    /// Where it leads to.
    Link(String),
}

/// Everything to copy, directories before what they hold.
fn sources(source: &Path, target: &str, copied: &mut Copied) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut first: BTreeMap<Identity, String> = BTreeMap::new();
    let mut waiting = vec![(source.to_path_buf(), target.to_owned())];
    while let Some((from, to)) = waiting.pop() {
        let host = |error| Failure::host(&from, "read", &error);
        // What the user names may be a link to it; a link below is a link.
        let linked = from != source && from.is_symlink();
        let metadata = if linked { from.symlink_metadata() } else { from.metadata() };
        let metadata = metadata.map_err(host)?;
        let identity = hostfs::identity(&metadata);
        let known = identity.and_then(|identity| first.get(&identity).cloned());
        if let Some(known) = known {
            found.push(Source { from, to, what: What::Name(known) });
        } else if metadata.is_file() {
            if let Some(identity) = identity {
                first.insert(identity, to.clone());
            }
            found.push(Source { from, to, what: What::File(metadata.len()) });
        } else if metadata.is_dir() {
            let mut entries: Vec<_> =
                std::fs::read_dir(&from).and_then(Iterator::collect).map_err(host)?;
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
            for entry in entries {
                match entry.file_name().to_str() {
                    Some(name) => waiting.push((entry.path(), format!("{to}/{name}"))),
                    None => copied.left_out.push((entry.path(), "name is not UTF-8".into())),
                }
            }
            if !to.is_empty() {
                found.push(Source { from, to, what: What::Directory });
            }
        } else if linked {
            match std::fs::read_link(&from).ok().as_deref().and_then(Path::to_str) {
                Some(target) => {
                    let what = What::Link(target.to_owned());
                    found.push(Source { from, to, what });
                }
                None => copied.left_out.push((from, "a link that is not UTF-8".into())),
            }
        } else {
            copied.left_out.push((from, "neither file nor directory".into()));
        }
    }
    Ok(found)
}
