//! From paths to vnodes.

use super::super::colour;
use super::super::vnode::Filesystem;
use crate::api::VnodeId;
use crate::error::{Error, Result};

/// The names of a path, without those that mean nothing.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty() && *name != ".")
}

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

/// What `path` leads to, with a hold.
#[colour]
pub(super) async fn walk<F: Filesystem>(filesystem: &mut F, path: &str) -> Result<VnodeId> {
    let mut at = filesystem.root().await?;
    // A path is finite, and so is the walk: how deep directories nest is the filesystem's rule.
    for name in names(path) {
        let next = match name {
            ".." => filesystem.parent(at).await,
            name => filesystem.lookup(at, name.as_bytes()).await,
        };
        filesystem.put(at);
        at = next?;
    }
    Ok(at)
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
    Ok((walk(filesystem, head).await?, name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{Error, names, split};
    use std::vec::Vec;

    #[test]
    fn names_that_mean_nothing_are_passed_over() {
        let all = |path| names(path).collect::<Vec<_>>();
        assert_eq!(all("//a/./b/../c/"), ["a", "b", "..", "c"]);
        assert!(all("/").is_empty() && all("").is_empty() && all("././").is_empty());
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
