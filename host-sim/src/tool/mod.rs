//! Volumes in files: what `host-sim image` does.
//!
//! **What it is.** A file holds what a flash chip holds, byte for byte, perhaps behind something
//! else ([`Flash`] knows the offset). Reading and changing files goes through `fs-core`, as it
//! does on a device; `check`, `dump` and `info` go through [`crate::stranger`], which knows the
//! specification alone.
//!
//! **Rules.**
//! 1. What only reads opens the file for reading only.
//! 2. What changes a volume works on blocks in memory. At the end the file is copied, the copy
//!    changed, made durable and renamed over the original: a cut leaves the old file or the new.
//! 3. Every refusal says what is there, and what to do where that can be known.
//! 4. Exit codes have one meaning each: [`Failure`].
//!
//! **Cost.** The blocks that change, in memory; a copy of the file on disk while it is saved.

mod copy;
mod dump;
mod flash;
mod foreign;
mod make;
mod volume;

use std::fmt;
use std::path::Path;

use fs_core::error::Error;

use crate::stranger::{Damage, Refused};

pub use copy::{Copied, get, link_target, put, read_to, write_from};
pub use dump::{Part, dump, hex};
pub use flash::Flash;
pub use foreign::recognise;
pub use make::{Make, make};
pub use volume::{Item, Mounted, date, mounted, walk};

/// Why a command ended without having done its work; the number is the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// 1: the volume refuses what was asked for, or a check found something.
    Refused(String),
    /// 2: the command was called in a way that cannot work.
    Usage(String),
    /// 3: there is no Vellum volume.
    NoVolume(String),
    /// 4: a volume of a newer version, or with features that are not known here.
    Unknown(String),
    /// 5: the volume is damaged.
    Damaged(String),
    /// 6: a file of this machine cannot be read or written.
    Host(String),
}

/// The result of a command.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// The exit code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::NoVolume(_) => 3,
            Self::Unknown(_) => 4,
            Self::Damaged(_) => 5,
            Self::Host(_) => 6,
        }
    }

    /// A file of this machine could not be used.
    #[must_use]
    pub fn host(path: &Path, what: &str, error: &std::io::Error) -> Self {
        Self::Host(format!("cannot {what} {}: {error}", path.display()))
    }

    /// What the filesystem answered about `what`.
    #[must_use]
    pub fn of(what: &str, error: Error) -> Self {
        match error {
            Error::Corrupt { block, rule } => {
                Self::Damaged(format!("{what}: damaged at block {}: {rule:?}", block.0))
            }
            Error::UnknownFeatures => {
                Self::Unknown(format!("{what}: uses features that this version does not know"))
            }
            Error::NotFormatted => Self::NoVolume(format!("{what}: no volume")),
            Error::TooLarge => Self::Refused(format!("{what}: larger than a file can be")),
            Error::NoSpace => Self::Refused(format!("{what}: the volume is full")),
            Error::Bug => Self::Damaged(format!("{what}: the filesystem broke a rule of its own")),
            error => Self::Refused(format!("{what}: {error}")),
        }
    }

    /// Why there is no volume in `flash`.
    #[must_use]
    pub fn no_volume(flash: &Flash, refused: Refused) -> Self {
        let shown = flash.path().display();
        match refused {
            Refused::Blank => Self::NoVolume(format!("{shown}: {}", flash.nothing())),
            Refused::Begun => Self::NoVolume(format!(
                "{shown}: a format was begun and not finished; `host-sim image mkfs` repeats it"
            )),
            Refused::Version(version) => Self::Unknown(format!(
                "{shown}: a Vellum volume of format version {version}; this program knows version 1"
            )),
            Refused::Features(bits) => Self::Unknown(format!(
                "{shown}: uses features that this program does not know (incompat {bits:#x})"
            )),
            Refused::Short { needs, has } => Self::Damaged(format!(
                "{shown}: the volume has {needs} bytes, but only {has} are here: the image is cut \
                 short, or --size is wrong"
            )),
            Refused::Damaged(Damage { block, what }) => {
                let block = block.map_or_else(String::new, |block| format!(" at block {block}"));
                Self::Damaged(format!("{shown}: a Vellum volume, damaged{block}: {what}"))
            }
            Refused::Foreign => Self::NoVolume(format!("{shown}: {}", flash.what_else())),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text)
            | Self::Usage(text)
            | Self::NoVolume(text)
            | Self::Unknown(text)
            | Self::Damaged(text)
            | Self::Host(text) => f.write_str(text),
        }
    }
}

/// How far something is: bytes done, bytes in all.
pub type Progress<'a> = &'a dyn Fn(u64, u64);
