//! One measured part of the program.

use crate::work::Work;
use crate::{Console, stack};
use core::arch::asm;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of the largest future met in this phase.
static FUTURE: AtomicUsize = AtomicUsize::new(0);

/// Tells the phase that a future of `bytes` is about to run.
pub fn met_future(bytes: usize) {
    FUTURE.store(FUTURE.load(Ordering::Relaxed).max(bytes), Ordering::Relaxed);
}

/// A phase that has begun.
#[must_use]
pub struct Phase {
    name: &'static str,
    work: Work,
}

impl Phase {
    /// Begins a phase: from here on instructions count, on clean paint.
    #[inline(never)]
    pub fn begin(name: &'static str) -> Self {
        stack::paint();
        FUTURE.store(0, Ordering::Relaxed);
        let work = Work::now();
        phase_begin();
        Self { name, work }
    }

    /// Ends it and prints what it took; the plugin writes the instructions elsewhere.
    #[inline(never)]
    pub fn end(self, console: &dyn Console) {
        phase_end();
        let (used, in_all) = (stack::used(), stack::used_in_all());
        let work = Work::now().since(self.work);
        let future = FUTURE.load(Ordering::Relaxed);
        console.line(format_args!(
            concat!(
                "phase {}: stack={} stack_in_all={} future={} ",
                "reads={} bytes_read={} programs={} bytes_programmed={} erases={}"
            ),
            self.name,
            used,
            in_all,
            future,
            work.reads,
            work.bytes_read,
            work.programs,
            work.bytes_programmed,
            work.erases
        ));
    }
}

// The plugin looks for these two addresses, so the functions must exist, and must differ: the
// linker would give two equal functions one address.

/// Where a phase begins.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn phase_begin() {
    // SAFETY: does nothing.
    unsafe { asm!("nop") };
}

/// Where a phase ends.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn phase_end() {
    // SAFETY: does nothing.
    unsafe { asm!("nop", "nop") };
}
