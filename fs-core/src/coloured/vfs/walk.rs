//! From paths to vnodes.

use super::super::colour;
use super::super::vnode::Filesystem;
use crate::api::{NodeKind, VnodeId};
use crate::error::{Error, Result};

/// A path without its last name, and that name; `None` for the root.
fn split(path: &str) -> Result<Option<(&str, &str)>> {
    let mut rest = path;
    loop {
        let (head, name) = rest.rsplit_once('/').unwrap_or(("", rest));
        match name {
            ".." => return Err(Error::Invalid),
            "" | "." if head.is_empty() => return Ok(None),
            "" | "." => rest = head,
            name => return Ok(Some((head, name))),
        }
    }
}

/// Links that one path may lead over.
const LINKS_MAX: u8 = 16;
/// Room for what is left of the targets of links.
const TARGET_MAX: usize = 448;

/// What is still to be walked: what is left of links that were met, then what is left of the path.
struct Way<'p> {
    path: &'p [u8],
    /// Ends at the end of the buffer.
    targets: [u8; TARGET_MAX],
    from: usize,
    links: u8,
}

/// Where a name of a [`Way`] is.
enum Step<'p> {
    InPath(&'p [u8]),
    InTargets(usize, usize),
}

/// The first name of `path`, without the slashes before it, and the rest.
fn cut(path: &[u8]) -> (&[u8], &[u8]) {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    let (_, path) = path.split_at_checked(start).unwrap_or_default();
    let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
    path.split_at_checked(end).unwrap_or_default()
}

impl<'p> Way<'p> {
    const fn new(path: &'p str) -> Self {
        Self { path: path.as_bytes(), targets: [0; TARGET_MAX], from: TARGET_MAX, links: 0 }
    }

    fn left(&self) -> &[u8] {
        self.targets.get(self.from..).unwrap_or_default()
    }

    /// Takes the next name that means something.
    fn next(&mut self) -> Option<Step<'p>> {
        loop {
            let in_targets = !self.left().is_empty();
            let path = self.path;
            let (name, rest) = cut(if in_targets { self.left() } else { path });
            let (count, rest) = (name.len(), rest.len());
            let means = !matches!(name, b"" | b".");
            let ends = name.is_empty() && !in_targets;
            let step = if in_targets {
                let end = TARGET_MAX.saturating_sub(rest);
                self.from = end;
                Step::InTargets(end.saturating_sub(count), end)
            } else {
                let (head, tail) = path.split_at_checked(path.len().saturating_sub(rest))?;
                self.path = tail;
                Step::InPath(head.get(head.len().saturating_sub(count)..).unwrap_or_default())
            };
            if means {
                return Some(step);
            }
            if ends {
                return None;
            }
        }
    }

    fn name<'n>(&'n self, step: &Step<'n>) -> &'n [u8] {
        match *step {
            Step::InPath(name) => name,
            Step::InTargets(start, end) => self.targets.get(start..end).unwrap_or_default(),
        }
    }

    /// Whether nothing follows, not even a slash.
    const fn is_done(&self) -> bool {
        self.from == TARGET_MAX && self.path.is_empty()
    }

    /// Goes on with a target of `length` bytes at the start of the buffer; says whether it begins
    /// at the root.
    fn follow(&mut self, length: usize) -> Result<bool> {
        self.links = self.links.saturating_add(1);
        if self.links > LINKS_MAX {
            return Err(Error::LinkLoop);
        }
        if length > self.from {
            return Err(Error::NameTooLong);
        }
        let absolute = self.targets.first() == Some(&b'/');
        self.from = self.from.saturating_sub(length);
        self.targets.copy_within(..length, self.from);
        Ok(absolute)
    }
}

/// What `path` leads to, with a hold. Links on the way are followed; `last` says whether one at its
/// end is, too. A slash at the end asks for a directory, and follows.
#[colour]
pub(super) async fn walk<F: Filesystem>(
    filesystem: &mut F,
    path: &str,
    last: bool,
) -> Result<VnodeId> {
    let mut at = filesystem.root().await?;
    let mut way = Way::new(path);
    // A path is finite, links are counted, and so is the walk: how deep directories nest is the
    // filesystem's rule.
    while let Some(step) = way.next() {
        match enter(filesystem, at, &step, &mut way, last).await {
            Ok(None) => {}
            Ok(Some(next)) => {
                filesystem.put(at);
                at = next;
            }
            Err(error) => {
                filesystem.put(at);
                return Err(error);
            }
        }
    }
    Ok(at)
}

/// What the next name leads to, with a hold; `None` if it is a link whose target goes on from here.
#[colour]
async fn enter<F: Filesystem>(
    filesystem: &mut F,
    at: VnodeId,
    step: &Step<'_>,
    way: &mut Way<'_>,
    last: bool,
) -> Result<Option<VnodeId>> {
    let next = match way.name(step) {
        b".." => filesystem.parent(at).await?,
        name => filesystem.lookup(at, name).await?,
    };
    match filesystem.kind(next)? {
        NodeKind::Symlink if last || !way.is_done() => {}
        NodeKind::File if !way.is_done() => {
            filesystem.put(next);
            return Err(Error::NotADirectory);
        }
        _ => return Ok(Some(next)),
    }
    let free = way.targets.get_mut(..way.from).unwrap_or_default();
    let read = filesystem.readlink(next, free).await;
    filesystem.put(next);
    Ok(if way.follow(read?)? { Some(filesystem.root().await?) } else { None })
}

/// The directory of the last name of `path`, with a hold, and that name. For the root, which has
/// no name, the error `at_root`.
#[colour]
pub(super) async fn place<'p, F: Filesystem>(
    filesystem: &mut F,
    path: &'p str,
    at_root: Error,
) -> Result<(VnodeId, &'p [u8])> {
    let (head, name) = split(path)?.ok_or(at_root)?;
    Ok((walk(filesystem, head, true).await?, name.as_bytes()))
}

/// As [`place`] for a file or link, whose path may not end in a slash.
#[colour]
pub(super) async fn place_file<'p, F: Filesystem>(
    filesystem: &mut F,
    path: &'p str,
) -> Result<(VnodeId, &'p [u8])> {
    if asks_for_directory(path) {
        return Err(Error::IsADirectory);
    }
    place(filesystem, path, Error::IsADirectory).await
}

/// Whether `path` ends in a slash.
pub(super) fn asks_for_directory(path: &str) -> bool {
    path.ends_with('/') || path.ends_with("/.")
}

#[cfg(test)]
mod tests {
    use super::{Error, LINKS_MAX, TARGET_MAX, Way, split};
    use std::string::String;
    use std::vec::Vec;

    fn names(way: &mut Way<'_>) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(step) = way.next() {
            names.push(String::from_utf8(way.name(&step).to_vec()).unwrap());
        }
        names
    }

    #[test]
    fn names_that_mean_nothing_are_passed_over() {
        let all = |path| names(&mut Way::new(path));
        assert_eq!(all("//a/./b/../c/"), ["a", "b", "..", "c"]);
        assert!(all("/").is_empty() && all("").is_empty() && all("././").is_empty());
    }

    #[test]
    fn the_target_of_a_link_comes_before_the_rest_of_the_path() {
        let mut way = Way::new("l/x/");
        assert!(way.next().is_some() && !way.is_done());
        way.targets[..6].copy_from_slice(b"/m/n//");
        assert_eq!(way.follow(6), Ok(true));
        assert!(way.next().is_some());
        way.targets[..2].copy_from_slice(b"o.");
        assert_eq!(way.follow(2), Ok(false));
        assert_eq!(names(&mut way), ["o.", "n", "x"]);
        assert!(way.is_done());
    }

    #[test]
    fn links_are_counted_and_their_targets_fit() {
        let mut way = Way::new("l");
        assert_eq!(way.follow(TARGET_MAX - 1), Ok(false));
        assert_eq!(way.follow(2), Err(Error::NameTooLong));
        let mut way = Way::new("l");
        for _ in 0..LINKS_MAX {
            assert_eq!(way.follow(1), Ok(false));
        }
        assert_eq!(way.follow(1), Err(Error::LinkLoop));
    }

    #[test]
    fn the_last_name_is_cut_off() {
        assert_eq!(split("a"), Ok(Some(("", "a"))));
        assert_eq!(split("/a"), Ok(Some(("", "a"))));
        assert_eq!(split("a/../b/./"), Ok(Some(("a/..", "b"))));
        assert_eq!((split(""), split("/"), split("//./")), (Ok(None), Ok(None), Ok(None)));
        assert_eq!((split(".."), split("a/../.")), (Err(Error::Invalid), Err(Error::Invalid)));
    }
}
