//! Fixed tables in lent memory: which files are in use, and by which handles.
//!
//! **What it is.** Three tables without I/O, the same in both colours. [`Table`] belongs to a
//! filesystem: one slot for each file or directory in use (a vnode). [`Operations`] belongs to it,
//! too: one slot for each transfer that hardware carries out. [`Handles`] belongs to the path
//! layer: one slot for each open file.
//!
//! **Rules.**
//! 1. An id names one use of a slot. Whoever comes with an older generation is told `Stale`.
//! 2. A vnode with holds or uses is never recycled.
//! 3. A *hold* lasts for one operation, a *use* for one open file; every one is given back once.
//! 4. A vnode that lost its last use, or whose name was removed, *owes* one `inactive`.
//! 5. A dead vnode answers with an error and keeps its slot until the last use is gone.
//!
//! **States** of a vnode slot:
//!
//! ```text
//!            take                    kill
//!   empty -----------> live ------------------> dead
//!     ^                  |  (no holds or uses)    |
//!     |                  |  -------------------+  |
//!     |  recycle, take   |                     |  |  last disengage or put
//!     +------------------+---------------------+--+
//! ```
//!
//! **After a power cut** nothing of this exists; `new` makes every older id stale.
//!
//! **Cost.** A search is one pass over the slots. Generations are 16 bits wide: a stale id would
//! be taken for a good one only if kept while its slot was reused exactly 65,536 times.

mod handles;
mod operations;
mod vnodes;

pub use handles::{Handle, HandleSlot, Handles};
pub use operations::{OP_RUNS, OpRun, Operation, Operations};
pub use vnodes::{Slot, Table};

/// Slots of any table: what a one-byte index can name.
const SLOTS_MAX: usize = 256;
