//! The crash explorer.
//!
//! **What it is.** A scenario is played once on a recording chip. Then the power is cut during
//! every command of the chip, in every tearing mode, and again during the recovery from that, and
//! once more; each image that results is mounted, compared, used and mounted again.
//!
//! **Rules** (the oracle numbers are those of `docs/testing.md`).
//! 1. A mount shows the state after the last completed call, or with the call in flight applied
//!    whole (oracles 1 to 3, 8). Content is compared byte for byte, and chips hold secrets before
//!    they are formatted (5).
//! 2. A read-only mount writes nothing (6). Once a mount for writing has decided, every later
//!    mount shows the same, whatever unstable cells read (6, 9).
//! 3. The volume's own check is clean (7), and no rule of the chip is broken (11, 12).
//! 4. A file can be created, written, read and removed afterwards (15); a call that needs more
//!    device calls than [`play::DEVICE_CALLS_MAX`] fails (14).
//! 5. A recovery erases no more than a spare and the anchor blocks, and no other block is erased
//!    out of proportion: see `wear` (13).
//! 6. A panic is a failure like any other.
//! 7. On a medium that is reached through a driver and its wires, the rules of the wires count as
//!    those of the chip do, and the reader of the specification is asked after each probe.
//! 8. Everything follows from the seed. A failure prints the command that repeats it.
//!
//! **Cost.** A post-cut image shares its blocks with the run it was cut from; equal images under
//! equal expectations are probed once.

mod bytes;
mod combined;
pub mod cutter;
pub mod disturbed;
mod engine;
mod json;
pub mod outcome;
mod panics;
pub mod play;
pub mod probe;
pub mod replay;
mod report;
mod rot;
mod second;
pub mod suite;
mod wear;

pub use engine::{Fan, Focus, Options, Progress, cores, run};
pub(crate) use engine::{call_at, choose, guarded, lock, start_of, variants};
pub use report::{Failure, Report, Row};
