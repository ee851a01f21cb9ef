//! Hostile bytes: what a fuzzer does with its input.
//!
//! **What it is.** One function for each fuzz target of `fuzz/`, here so that ordinary tests can
//! call them too. [`image`] starts from a volume as it comes into being, changes it as the input
//! says, puts the checksums right again, and demands what holds for every image there is.
//!
//! **Rules.**
//! 1. Whatever the bytes: no panic, no loop. A call that needs more than [`CALLS_MAX`] calls of
//!    the device fails.
//! 2. What the second reader finds nothing wrong with, the filesystem mounts, checks and shows in
//!    the same way.
//! 3. A mount for reading writes nothing.
//! 4. Equal input does equal things.
//!
//! **Cost.** Some hundred microseconds for an image.

mod bases;
mod bounded;
mod mutate;
mod structures;

use fs_core::blocking::Volume;
use fs_core::{Error, MountOptions, NameBuf, NodeKind, OpenOptions, Result};

use crate::clock::wall;
use crate::model::{Entry, Tree};
use crate::stranger;
use crate::subject::Lent;
use bounded::Bounded;
pub use mutate::mutated;

pub use bounded::CALLS_MAX;
pub use structures::{page, record};

/// Names that a walk looks at before it gives up: more than any base can hold.
const NAMES_MAX: usize = 4096;
/// Bytes of a file that are read.
const READ_MAX: usize = 4096;

/// Changes an image as `data` says, and uses it in every way.
///
/// # Panics
/// If a rule of this room is broken.
pub fn image(data: &[u8]) {
    let bytes = mutated(data);
    let report = stranger::check(&bytes);
    let right = report.is_ok_and(|report| report.findings.is_empty());
    let seen = look(&bytes);
    if right {
        let seen = seen.unwrap_or_else(|error| panic!("refused a right image: {error:?}"));
        assert_eq!(seen, stranger_tree(&bytes), "two readers see different trees");
    }
    let mut device = Bounded::new(bytes);
    let used = work(&mut device, data);
    if right {
        let fits = match stranger::find(&device.bytes) {
            Ok(superblock) if superblock.ro_compat != 0 => used == Err(Error::ReadOnly),
            _ => matches!(used, Ok(()) | Err(Error::NoSpace)),
        };
        assert!(fits, "a right image: {used:?}");
        let report = stranger::check(&device.bytes);
        let findings = report.map(|report| report.findings);
        assert_eq!(findings, Ok(Vec::new()), "wrong after it was used");
    }
    let _ = look(&device.bytes);
}

/// Mounts for reading, lists and reads everything, checks.
fn look(bytes: &[u8]) -> Result<Tree> {
    let mut device = Bounded::new(bytes.to_vec());
    let mut memory = Lent::new();
    let options = MountOptions { read_only: true, clock: wall, ..MountOptions::default() };
    let tree = {
        let volume = Volume::mount(&mut device, &mut memory, options)?;
        let tree = walk(&volume);
        let checked = volume.check();
        let _ = volume.info();
        checked.and(tree)
    };
    assert!(device.bytes == bytes, "a mount for reading wrote");
    tree
}

/// Everything that can be listed, with contents; the first error after everything was tried.
fn walk(volume: &Volume<'_, Bounded>) -> Result<Tree> {
    let mut tree = Tree::default();
    let mut first = Ok(());
    let mut waiting = vec![String::new()];
    let mut names = 0;
    while let Some(directory) = waiting.pop() {
        let shown = if directory.is_empty() { "/" } else { &directory };
        let mut name = NameBuf::new();
        let mut listing = match volume.read_dir(shown) {
            Ok(listing) => listing,
            Err(error) => {
                first = first.and(Err(error));
                continue;
            }
        };
        let mut below = Vec::new();
        loop {
            match listing.next(&mut name) {
                Ok(Some(entry)) => below.push((name.to_string(), entry.kind)),
                Ok(None) => break,
                Err(error) => {
                    first = first.and(Err(error));
                    break;
                }
            }
            names += 1;
            if names > NAMES_MAX {
                return first.and(Err(Error::TooLarge));
            }
        }
        drop(listing);
        for (name, kind) in below {
            let path = format!("{directory}/{name}");
            match entry(volume, &path, kind) {
                Ok(found) => {
                    if found == Entry::Directory {
                        waiting.push(path.clone());
                    }
                    tree.insert(path.as_str().into(), found);
                }
                Err(error) => first = first.and(Err(error)),
            }
        }
    }
    first.map(|()| tree)
}

fn entry(volume: &Volume<'_, Bounded>, path: &str, kind: NodeKind) -> Result<Entry> {
    let found = volume.symlink_stat(path)?;
    if kind == NodeKind::Directory {
        return Ok(Entry::Directory);
    }
    if kind == NodeKind::Symlink {
        let mut target = [0; 448];
        let length = volume.read_link(path, &mut target)?;
        let _ = volume.stat(path);
        return Ok(link(target.get(..length).unwrap_or_default()));
    }
    let id = volume.open(path, OpenOptions::READ)?;
    let mut content = vec![0; READ_MAX];
    let read = volume.read_at(id, 0, &mut content);
    let past = volume.read_at(id, found.size.saturating_sub(3), &mut [0; 8]);
    volume.close(id)?;
    content.truncate(read?);
    past?;
    Ok(Entry::File(content.into()))
}

/// A link as an entry of its own kind: no file of a base begins so.
fn link(target: &[u8]) -> Entry {
    Entry::File([b"link to ", target].concat().into())
}

fn stranger_tree(bytes: &Vec<u8>) -> Tree {
    let files = stranger::find(bytes)
        .ok()
        .and_then(|superblock| stranger::Volume::read(bytes, &superblock).ok())
        .and_then(|volume| volume.files().ok())
        .unwrap_or_default();
    let named = files.0.into_iter().filter(|(path, _)| !path.is_empty());
    named
        .map(|(path, file)| {
            let content = file.head(READ_MAX);
            let entry = match file.inode.kind {
                2 => Entry::Directory,
                3 => link(&content),
                _ => Entry::File(content.into()),
            };
            let mut name = NameBuf::new();
            let parts = path.split(|byte| *byte == b'/').skip(1).map(|part| {
                let _ = name.set(part);
                format!("/{name}")
            });
            (parts.collect::<String>().as_str().into(), entry)
        })
        .collect()
}

/// Mounts for writing and makes some calls, chosen by `data`.
fn work(device: &mut Bounded, data: &[u8]) -> Result<()> {
    let mut memory = Lent::new();
    let options = MountOptions { clock: wall, ..MountOptions::default() };
    let volume = Volume::mount(device, &mut memory, options)?;
    let mut first = Ok(());
    let mut note = |result: Result<()>| {
        let expected = [Error::NotFound, Error::Exists, Error::NotEmpty, Error::IsADirectory];
        if let Err(error) = result
            && !expected.contains(&error)
            && first.is_ok()
        {
            first = Err(error);
        }
    };
    let content = vec![data.first().copied().unwrap_or(1); 300];
    note(volume.replace("/fuzz", &content));
    note(volume.mkdir("/made"));
    note(volume.rename("/fuzz", "/made/fuzz"));
    let paths = walk(&volume);
    note(paths.as_ref().map(|_| ()).map_err(|error| *error));
    let paths = paths.unwrap_or_default();
    let chosen = data.iter().rev().take(6).map(|byte| usize::from(*byte));
    for (number, index) in chosen.enumerate() {
        let Some((path, entry)) = paths.iter().nth(index % paths.len().max(1)) else { break };
        note(match (number % 4, entry) {
            (0, Entry::File(_)) => volume.remove(path),
            (0, Entry::Directory) => volume.rmdir(path),
            (1, _) if !path.contains("\\x") => {
                volume.rename(path, &format!("/moved{number}")).or_else(loops)
            }
            (2, Entry::File(_)) => volume.replace(path, &content),
            (_, Entry::File(_)) => volume.truncate(path, 100),
            _ => volume.maintain(1).map(|_| ()),
        });
    }
    for number in 0..12 {
        note(volume.replace(&format!("/made/{number}"), &content));
    }
    note(volume.check().map(|_| ()));
    note(volume.unmount());
    first
}

/// The root of a right volume can be anybody's parent.
const fn loops(error: Error) -> Result<()> {
    match error {
        Error::WouldLoop | Error::TooDeep => Ok(()),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{image, page, record};
    use crate::rng::Rng;

    #[test]
    fn thousands_of_damaged_images_do_no_harm() {
        for seed in 0..1500 {
            let mut data = vec![0; 8 + Rng::new(seed).index(120)];
            Rng::new(seed + 7).fill(&mut data);
            image(&data);
        }
    }

    #[test]
    fn images_that_are_not_changed_are_right() {
        for base in 0..super::bases::COUNT {
            image(&[u8::try_from(base).expect("few")]);
        }
    }

    #[test]
    fn any_bytes_as_structures_do_no_harm() {
        for seed in 0..20_000 {
            let mut data = vec![0; Rng::new(seed).index(600)];
            Rng::new(seed + 7).fill(&mut data);
            record(&data);
            page(&data);
        }
    }
}
