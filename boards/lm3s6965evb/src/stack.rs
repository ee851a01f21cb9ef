//! How deep the stack went, by paint: memory below the stack pointer is filled with a pattern, and
//! what has lost it afterwards was used.

use core::arch::asm;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

const PAINT: u32 = 0x5AFE_57AC;

unsafe extern "C" {
    /// The end of what the linker placed in RAM: the stack may grow down to here.
    static mut __sheap: u32;
    /// Where the stack begins.
    static mut _stack_start: u32;
}

/// The stack pointer when the part to be measured began.
static BASE: AtomicUsize = AtomicUsize::new(0);

#[inline(always)]
fn pointer() -> usize {
    let at: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) at, options(nomem, nostack, preserves_flags)) };
    at
}

/// Runs `part`, measuring the stack from here.
#[inline(never)]
pub fn measure_from_here<T>(part: impl FnOnce() -> T) -> T {
    BASE.store(pointer(), Ordering::Relaxed);
    below(part)
}

/// Has a frame of its own, so that what the compiler inlines into it lies below the base.
#[inline(never)]
fn below<T>(part: impl FnOnce() -> T) -> T {
    part()
}

/// Paints all that is free below the caller.
#[inline(never)]
pub fn paint() {
    let mut at = (&raw mut __sheap) as usize;
    // The loop itself needs no stack, but an exception would.
    let end = pointer() - 32;
    while at < end {
        // SAFETY: between the end of the program's data and the stack pointer nothing is in use.
        unsafe { ptr::write_volatile(at as *mut u32, PAINT) };
        at += 4;
    }
}

/// Bytes of stack used below the caller of [`measure_from_here`] since the last [`paint`].
pub fn used() -> usize {
    BASE.load(Ordering::Relaxed) - lowest()
}

/// Bytes of stack used by the whole program since the last [`paint`].
pub fn used_in_all() -> usize {
    (&raw mut _stack_start) as usize - lowest()
}

fn lowest() -> usize {
    let mut at = (&raw mut __sheap) as usize;
    // SAFETY: RAM between the end of the program's data and the stack pointer.
    while at < pointer() && unsafe { ptr::read_volatile(at as *const u32) } == PAINT {
        at += 4;
    }
    at
}
