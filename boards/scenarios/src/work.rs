//! What the device did.

use core::sync::atomic::{AtomicU32, Ordering};

static READS: AtomicU32 = AtomicU32::new(0);
static BYTES_READ: AtomicU32 = AtomicU32::new(0);
static PROGRAMS: AtomicU32 = AtomicU32::new(0);
static BYTES_PROGRAMMED: AtomicU32 = AtomicU32::new(0);
static ERASES: AtomicU32 = AtomicU32::new(0);

/// A read was asked for.
pub fn has_read(bytes: usize) {
    count(&READS, 1);
    count(&BYTES_READ, bytes as u32);
}

/// A program was asked for.
pub fn has_programmed(bytes: usize) {
    count(&PROGRAMS, 1);
    count(&BYTES_PROGRAMMED, bytes as u32);
}

/// An erase of some units was asked for.
pub fn has_erased(units: u32) {
    count(&ERASES, units);
}

// One core and no interrupts: a load and a store are enough, and every processor has them.
fn count(counter: &AtomicU32, more: u32) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

/// What was done.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Work {
    pub reads: u32,
    pub bytes_read: u32,
    pub programs: u32,
    pub bytes_programmed: u32,
    pub erases: u32,
}

impl Work {
    /// What was done since the start of the program.
    pub fn now() -> Self {
        let now = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        Self {
            reads: now(&READS),
            bytes_read: now(&BYTES_READ),
            programs: now(&PROGRAMS),
            bytes_programmed: now(&BYTES_PROGRAMMED),
            erases: now(&ERASES),
        }
    }

    /// What was done after `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            reads: self.reads.wrapping_sub(earlier.reads),
            bytes_read: self.bytes_read.wrapping_sub(earlier.bytes_read),
            programs: self.programs.wrapping_sub(earlier.programs),
            bytes_programmed: self.bytes_programmed.wrapping_sub(earlier.bytes_programmed),
            erases: self.erases.wrapping_sub(earlier.erases),
        }
    }
}
