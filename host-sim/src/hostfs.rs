//! What this machine knows of its files beside their content: that two names lead to the same
//! file, where a link leads, extended attributes.
//!
//! Only attributes that every user may set are looked at: those whose name begins with `user.`.
//! Where a system or a filesystem has none of all that, a file has one name and no attributes.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::Path;

/// The number of a file and of what it lies on.
pub type Identity = (u64, u64);

/// Who a file is that has several names.
#[cfg(unix)]
#[must_use]
pub fn identity(metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let several = metadata.is_file() && metadata.nlink() > 1;
    several.then(|| (metadata.dev(), metadata.ino()))
}

/// Who a file is that has several names.
#[cfg(not(unix))]
#[must_use]
pub fn identity(_: &Metadata) -> Option<Identity> {
    None
}

/// Makes a symbolic link at `place` that leads to `target`.
///
/// # Errors
/// The operating system's.
#[cfg(unix)]
pub fn make_link(target: &[u8], place: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), place)
}

/// Makes a symbolic link at `place` that leads to `target`.
///
/// # Errors
/// Always: this system has none.
#[cfg(not(unix))]
pub fn make_link(_: &[u8], _: &Path) -> io::Result<()> {
    Err(io::Error::other("this system has no symbolic links"))
}

/// The attributes of a file or directory, by their names. Names that are not UTF-8 are left out.
///
/// # Errors
/// The operating system's.
pub fn attributes(path: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let names = match list(path) {
        Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(Vec::new()),
        names => names?,
    };
    let mut found = Vec::new();
    for name in names.into_iter().filter(|name| name.starts_with("user.")) {
        // It may have gone meanwhile.
        if let Some(value) = get(path, &name)? {
            found.push((name, value));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(unix)]
fn list(path: &Path) -> io::Result<Vec<String>> {
    Ok(xattr::list(path)?.filter_map(|name| name.into_string().ok()).collect())
}

#[cfg(unix)]
fn get(path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
    xattr::get(path, name)
}

/// Sets an attribute of a file or directory.
///
/// # Errors
/// The operating system's.
#[cfg(unix)]
pub fn set_attribute(path: &Path, name: &str, value: &[u8]) -> io::Result<()> {
    xattr::set(path, name, value)
}

#[cfg(not(unix))]
fn list(_: &Path) -> io::Result<Vec<String>> {
    Ok(Vec::new())
}

#[cfg(not(unix))]
fn get(_: &Path, _: &str) -> io::Result<Option<Vec<u8>>> {
    Ok(None)
}

/// Sets an attribute of a file or directory.
///
/// # Errors
/// Always: this system has none.
#[cfg(not(unix))]
pub fn set_attribute(_: &Path, _: &str, _: &[u8]) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}
