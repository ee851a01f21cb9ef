//! Changes that are carried out together.

use super::FileId;

/// One of several changes that a volume carries out in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Op<'a> {
    /// Commits the content of an open file.
    Commit(FileId),
    /// Renames a file or link, with its uncommitted content, and replaces what has the name.
    Rename {
        /// The old path.
        from: &'a str,
        /// The new path.
        to: &'a str,
    },
    /// Removes a name of a file, or a link.
    Remove(&'a str),
}
