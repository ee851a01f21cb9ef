//! Files between a volume and this machine.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use fs_core::units::Time;
use fs_core::{Error, NodeKind, OpenOptions};

use super::volume::{clean, walk};
use super::{Failure, Item, Mounted, Progress, Result};

const BUFFER: usize = 1 << 14;

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Symbolic links.
    pub links: u64,
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
    for item in &items {
        let below = item.path[top..].trim_start_matches('/');
        let place = if below.is_empty() { base.clone() } else { base.join(below) };
        match item.attributes.kind {
            NodeKind::Directory => {
                let made = std::fs::create_dir_all(&place);
                made.map_err(|error| Failure::host(&place, "make", &error))?;
                copied.directories += 1;
            }
            NodeKind::File => {
                let mut file =
                    File::create(&place).map_err(|error| Failure::host(&place, "write", &error))?;
                copied.bytes += read_to(volume, item, &mut file, &place)?;
                copied.files += 1;
                stamp(&file, item.attributes.modified);
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

#[cfg(unix)]
fn make_link(target: &[u8], place: &Path) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), place)
}

#[cfg(not(unix))]
fn make_link(_: &[u8], _: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("this system has no symbolic links"))
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
            }
            What::File(_) => {
                let file = File::open(&from);
                let mut file = file.map_err(|error| Failure::host(&from, "read", &error))?;
                copied.bytes += write_from(volume, &to, &mut file, &from)?;
                copied.files += 1;
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
    /// Where it leads to.
    Link(String),
}

/// Everything to copy, directories before what they hold.
fn sources(source: &Path, target: &str, copied: &mut Copied) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut waiting = vec![(source.to_path_buf(), target.to_owned())];
    while let Some((from, to)) = waiting.pop() {
        let host = |error| Failure::host(&from, "read", &error);
        // What the user names may be a link to it; a link below is a link.
        let linked = from != source && from.is_symlink();
        let metadata = if linked { from.symlink_metadata() } else { from.metadata() };
        let metadata = metadata.map_err(host)?;
        if metadata.is_file() {
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
