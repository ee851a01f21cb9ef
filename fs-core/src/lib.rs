//! Vellum: a filesystem for microcontrollers that own their storage.
//!
//! Calls go one way, from the rooms at the bottom of this list to those above them:
//!
//! | room | rule |
//! | --- | --- |
//! | [`units`], [`error`] | numbers and failures have types |
//! | [`extent`] | a file's data is a list of runs |
//! | [`api`] | the plain types that callers see |
//! | [`table`] | files in use and open files, in fixed tables |
//! | [`cache`] | verified pages in lent RAM |
//! | `device` | the only way to storage |
//! | [`format`] | bytes belong to `format`: no I/O, no state |
//! | `transfer` | movement belongs to `transfer` |
//! | `media` | verified pages belong to `media` |
//! | `journal` | order belongs to `journal` |
//! | [`pending`] | what is committed but not yet in the tree |
//! | `tree` | keys belong to `tree` |
//! | `space` | free and erased blocks belong to `space` |
//! | `txn` | atomicity belongs to `txn` |
//! | `vnode` | the contract between filesystems and programs |
//! | `lock` | who may use the state now |
//! | `vellum` | names belong to `vellum`, the native filesystem |
//! | `vfs` | paths and handles belong to `vfs` |
//! | `volume` | the front door: one type that joins `vellum` and `vfs` |
//!
//! Rooms that touch the device are written once and exist twice: in [`blocking`] every operation
//! is an ordinary function, in `asynchronous` (feature `async`) every operation is an `async fn`.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

#[cfg(test)]
extern crate std;

/// The program in the README, which compiles and runs with the tests.
#[cfg(all(doctest, feature = "blocking"))]
#[doc = include_str!("../../README.md")]
struct Readme;

pub mod api;
pub mod cache;
pub mod error;
pub mod extent;
pub mod format;
pub mod memory;
pub mod mutant;
pub mod pending;
pub mod table;
pub mod units;

pub use api::{
    AllocateFlags, AttributeChange, Attributes, CheckReport, Cookie, DirEntry, Durability, FileId,
    FormatOptions, Limit, MapFor, Mapping, MountOptions, NameBuf, NodeKind, Op, OpId, OpenOptions,
    Owner, RenameMode, VolumeInfo, XattrMode,
};
pub use error::{Error, Result};
pub use memory::Memory;

/// The stack for programs that wait: every operation is an ordinary function.
#[cfg(feature = "blocking")]
#[path = "coloured"]
pub mod blocking {
    use colour::{keep as only_blocking, omit as only_async, strip as colour};
    use embedded_io as io;

    pub mod device;
    pub mod journal;
    pub mod lock;
    pub mod media;
    pub mod space;
    pub mod transfer;
    pub mod tree;
    pub mod txn;
    pub mod vellum;
    pub mod vfs;
    pub mod vnode;
    pub mod volume;

    pub use vfs::{File, ReadDir};
    pub use volume::Volume;
}

/// The stack for executors: every operation that touches the device is an `async fn`.
#[cfg(feature = "async")]
#[path = "coloured"]
pub mod asynchronous {
    use colour::{keep as colour, keep as only_async, omit as only_blocking};
    use embedded_io_async as io;

    pub mod device;
    pub mod journal;
    pub mod lock;
    pub mod media;
    pub mod space;
    pub mod transfer;
    pub mod tree;
    pub mod txn;
    pub mod vellum;
    pub mod vfs;
    pub mod vnode;
    pub mod volume;

    pub use vfs::{File, ReadDir};
    pub use volume::Volume;
}
