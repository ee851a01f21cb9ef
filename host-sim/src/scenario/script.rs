//! The pen scenarios are written with.

use fs_core::error::Error;

use crate::model::{Access, Op, Slot};
use crate::rng::Rng;

/// What a call must answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Success.
    Success,
    /// Success, or this error and no change: a limit that the model does not know.
    SuccessOr(Error),
    /// This error and no change.
    Refused(Error),
}

/// A call and what it must answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The call.
    pub op: Op,
    /// Its answer.
    pub expect: Expect,
    /// The power is not cut here.
    pub quiet: bool,
}

/// Calls in their order.
#[derive(Debug, Clone)]
pub struct Script {
    lines: Vec<Line>,
    /// Seeded choices.
    pub rng: Rng,
    quiet: bool,
    limit: Option<Error>,
}

impl Script {
    /// An empty script whose choices follow `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { lines: Vec::new(), rng: Rng::new(seed), quiet: false, limit: None }
    }

    /// The calls.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Adds a call that succeeds.
    pub fn op(&mut self, op: Op) -> &mut Self {
        let expect = self.limit.map_or(Expect::Success, Expect::SuccessOr);
        self.lines.push(Line { op, expect, quiet: self.quiet });
        self
    }

    /// Adds a call that is refused.
    pub fn refused(&mut self, op: Op, error: Error) -> &mut Self {
        self.lines.push(Line { op, expect: Expect::Refused(error), quiet: self.quiet });
        self
    }

    /// Writes lines during which the power is not cut.
    pub fn quietly(&mut self, write: impl FnOnce(&mut Self)) -> &mut Self {
        let before = std::mem::replace(&mut self.quiet, true);
        write(self);
        self.quiet = before;
        self
    }

    /// Writes lines that may answer `NoSpace`.
    pub fn until_full(&mut self, write: impl FnOnce(&mut Self)) -> &mut Self {
        self.up_to(Error::NoSpace, write)
    }

    /// Writes lines that may answer `limit`.
    pub fn up_to(&mut self, limit: Error, write: impl FnOnce(&mut Self)) -> &mut Self {
        let before = self.limit.replace(limit);
        write(self);
        self.limit = before;
        self
    }

    /// Formats and mounts, uncut.
    pub fn fresh(&mut self) -> &mut Self {
        self.quietly(|script| {
            script.op(Op::Format).mount();
        })
    }

    /// Mounts for reading and writing.
    pub fn mount(&mut self) -> &mut Self {
        self.op(Op::Mount { read_only: false })
    }

    /// The power fails between two calls; then mounts again.
    pub fn reboot(&mut self) -> &mut Self {
        self.op(Op::Cut).mount()
    }

    /// Opens.
    pub fn open(&mut self, slot: Slot, path: &str, access: Access) -> &mut Self {
        self.op(Op::Open(slot, path.into(), access))
    }

    /// Closes.
    pub fn close(&mut self, slot: Slot) -> &mut Self {
        self.op(Op::Close(slot))
    }

    /// Writes at an offset.
    pub fn write(&mut self, slot: Slot, at: u64, bytes: &[u8]) -> &mut Self {
        self.op(Op::Write(slot, at, bytes.to_vec()))
    }

    /// Makes a directory.
    pub fn mkdir(&mut self, path: &str) -> &mut Self {
        self.op(Op::Mkdir(path.into()))
    }

    /// Removes an empty directory.
    pub fn rmdir(&mut self, path: &str) -> &mut Self {
        self.op(Op::Rmdir(path.into()))
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &str) -> &mut Self {
        self.op(Op::Remove(path.into()))
    }

    /// Renames.
    pub fn rename(&mut self, from: &str, to: &str) -> &mut Self {
        self.op(Op::Rename(from.into(), to.into()))
    }

    /// Replaces a whole content.
    pub fn replace(&mut self, path: &str, bytes: &[u8]) -> &mut Self {
        self.op(Op::Replace(path.into(), bytes.to_vec()))
    }

    /// Writes a file the way programs do: open with truncation, write, close.
    pub fn put(&mut self, path: &str, bytes: &[u8]) -> &mut Self {
        self.open(9, path, Access::REWRITE).write(9, 0, bytes).close(9)
    }

    /// Compares everything.
    pub fn look(&mut self) -> &mut Self {
        self.op(Op::Look)
    }

    /// Compares everything and checks the volume.
    pub fn check(&mut self) -> &mut Self {
        self.op(Op::Look).op(Op::Check)
    }

    /// `len` bytes that name what they belong to, so that a stray byte can be recognised.
    #[must_use]
    pub fn text(tag: &str, number: usize, len: usize) -> Vec<u8> {
        let unit = format!("<{tag}:{number}>");
        unit.bytes().cycle().take(len).collect()
    }
}
