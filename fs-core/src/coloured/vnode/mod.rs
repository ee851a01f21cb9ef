//! THE CONTRACT between filesystems and whatever uses them: operations on vnodes.
//!
//! **What it is.** [`Filesystem`], in the vocabulary of XNU's `vnode_if.h`, for one core without
//! a heap. Whoever implements it keeps its vnodes in a [`Table`]. Whoever calls it has it for
//! itself (`&mut`): the lock is the caller's, so no operation here locks anything.
//!
//! **Rules.**
//! 1. A [`VnodeId`] that an operation returns carries one *hold*; its caller gives it back with
//!    `put`. Vnodes passed in are held or open, and stay so.
//! 2. A *use* is taken by `open` and given back by `close`, exactly once each.
//! 3. Neither `put` nor `close` waits or fails, so whoever is interrupted can always clean up.
//!    What is left to do with a vnode that nobody uses is a debt: `owed` names it, `inactive`
//!    pays it.
//! 4. Holds do not outlive the operation of the caller: `abandon` takes back those of a caller
//!    whose future was dropped.
//! 5. Operations that change names take a directory and a name, never the victim's vnode: the
//!    filesystem finds the victim itself, so it is never another one and costs no slot.
//! 6. An operation that fails leaves everything as it was, unless its text says otherwise.
//! 7. A dropped future leaves the state before or after its operation.
//! 8. What a filesystem does not offer answers [`Error::NotSupported`]; a vnode that is gone
//!    answers [`Error::Stale`] or, after `revoke`, [`Error::Device`].
//!
//! Each operation says: **Holds** (what the caller keeps in use meanwhile), **Leaves** (what is
//! true afterwards, also across a power cut) and its errors. Every operation that touches the
//! medium can fail with [`Error::Device`], [`Error::Corrupt`] and [`Error::Bug`] besides.
//!
//! **After a power cut** vnodes are gone. What was acknowledged by an operation whose text says
//! *durable* is there.
//!
//! **Cost** is each filesystem's to publish.
//!
//! [`Error::Bug`]: crate::error::Error::Bug
//! [`Error::Corrupt`]: crate::error::Error::Corrupt
//! [`Error::Device`]: crate::error::Error::Device
//! [`Error::NotSupported`]: crate::error::Error::NotSupported
//! [`Error::Stale`]: crate::error::Error::Stale
//! [`VnodeId`]: crate::api::VnodeId

mod filesystem;
mod transact;

pub use crate::table::{Slot, Table};
pub use filesystem::Filesystem;
pub use transact::{Step, Transact};
