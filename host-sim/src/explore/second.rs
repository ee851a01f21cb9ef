//! The second reader's word on what a cut, its recovery and a probe have left.

use super::outcome::{Allowed, Fault};
use crate::image::Image;
use crate::model::{Entry, Tree};
use crate::stranger::{Files, Volume, check, find};

/// The reader of the specification finds every block owned once, and one of the allowed trees.
///
/// # Errors
/// What it found instead.
pub(super) fn agrees(image: &Image, allowed: &Allowed) -> Result<(), Fault> {
    let during = "the second reader";
    let report = check(image).map_err(|refused| Fault::new(during, format!("{refused:?}")))?;
    if let Some(finding) = report.findings.first() {
        return Err(Fault::new(during, finding.to_string()));
    }
    let superblock = find(image).map_err(|refused| Fault::new(during, format!("{refused:?}")))?;
    let files = Volume::read(image, &superblock).and_then(|volume| volume.files());
    let files = files.map_err(|damage| Fault::new(during, damage.to_string()))?;
    if allowed.trees.iter().any(|tree| shows(&files, tree)) {
        return Ok(());
    }
    let found = files.0.keys().map(|path| String::from_utf8_lossy(path).into_owned());
    let found = found.collect::<Vec<_>>().join(" ");
    Err(Fault::new(during, format!("another tree than the filesystem, with {found}")))
}

/// Whether names, kinds and contents are those of `tree`; the root is one more.
fn shows(files: &Files, tree: &Tree) -> bool {
    files.0.len() == tree.len() + 1
        && tree.iter().all(|(path, entry)| {
            let Some(found) = files.0.get(path.as_bytes()) else { return false };
            match entry {
                Entry::Directory => found.inode.kind == 2,
                Entry::Symlink(to) => found.inode.kind == 3 && found.content == to.as_bytes(),
                Entry::File(content) => found.inode.kind == 1 && found.content == **content,
            }
        })
}
