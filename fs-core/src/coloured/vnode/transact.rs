//! Several changes as one.

use super::super::colour;
use super::Filesystem;
use crate::api::VnodeId;
use crate::error::Result;

/// One change of a list.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// Commits the content of a file.
    Commit(VnodeId),
    /// Gives a file or link another name, replacing what has it.
    Rename {
        /// The directory of the old name.
        from: VnodeId,
        /// The old name.
        old: &'a [u8],
        /// The directory of the new name.
        to: VnodeId,
        /// The new name.
        new: &'a [u8],
    },
    /// Removes a name of a file, or a link.
    Remove {
        /// The directory.
        directory: VnodeId,
        /// The name.
        name: &'a [u8],
    },
}

/// What a filesystem offers that carries out several changes as one: all are weighed, then a list
/// is begun, then all are added to it, then it is committed. Nothing else may be done in between
/// but walking; whoever gives up drops the list.
#[colour]
#[allow(async_fn_in_trait, reason = "one core, no executor that moves futures between threads")]
#[allow(clippy::missing_errors_doc, reason = "each text has its line of errors")]
pub trait Transact: Filesystem {
    /// A list under way.
    type List;

    /// What `step` costs. Changes nothing.
    ///
    /// - **Holds:** the vnodes of the step.
    /// - **Errors:** those of the same operation alone; `IsADirectory` for a directory to rename.
    async fn weigh(&mut self, step: &Step<'_>) -> Result<usize>;

    /// Begins a list of changes that cost so much together.
    ///
    /// - **Errors:** `TooManyChanges`, `NoSpace`, `ReadOnly`.
    async fn begin(&mut self, cost: usize) -> Result<Self::List>;

    /// Adds `step` to `list`.
    ///
    /// - **Holds:** the vnodes of the step.
    /// - **Errors:** as for `weigh`; `Invalid` if an earlier one concerns the same name or file,
    ///   `TooManyChanges`.
    async fn add(&mut self, list: &mut Self::List, step: &Step<'_>) -> Result<()>;

    /// Commits `list`.
    ///
    /// - **Leaves:** all of its changes, durable; a cut meanwhile leaves all or none.
    /// - **Errors:** none of its own.
    async fn commit(&mut self, list: Self::List) -> Result<()>;
}
