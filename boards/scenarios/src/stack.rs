//! How deep the stack went, by paint: memory below the stack pointer is filled with a pattern, and
//! what has lost it afterwards was used. The board's linker script says where the stack is:
//! `_stack_end` is its lowest address, `_stack_start` the one behind its highest.

use core::arch::asm;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

const PAINT: u32 = 0x5AFE_57AC;

unsafe extern "C" {
    /// Where the stack must end.
    static mut _stack_end: u32;
    /// Where the stack begins.
    static mut _stack_start: u32;
}

/// The stack pointer when the memory below was painted.
static BASE: AtomicUsize = AtomicUsize::new(0);

#[inline(always)]
fn pointer() -> usize {
    let at: usize;
    // SAFETY: reads a register.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("mov {}, sp", out(reg) at, options(nomem, nostack, preserves_flags));
        #[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
        asm!("mv {}, sp", out(reg) at, options(nomem, nostack, preserves_flags));
    }
    at
}

/// Paints all that is free below the caller, and measures from there.
#[inline(never)]
pub fn paint() {
    BASE.store(pointer(), Ordering::Relaxed);
    let mut at = (&raw mut _stack_end) as usize;
    // The loop itself needs no stack, but an exception would.
    let end = pointer() - 32;
    while at < end {
        // SAFETY: between its end and its pointer nothing of the stack is in use.
        unsafe { ptr::write_volatile(at as *mut u32, PAINT) };
        at += 4;
    }
}

/// Bytes of stack used below the caller of the last [`paint`] since then.
pub fn used() -> usize {
    BASE.load(Ordering::Relaxed) - lowest()
}

/// Bytes of stack used by the whole program since the last [`paint`].
pub fn used_in_all() -> usize {
    (&raw mut _stack_start) as usize - lowest()
}

fn lowest() -> usize {
    let mut at = (&raw mut _stack_end) as usize;
    // SAFETY: part of the stack.
    while at < pointer() && unsafe { ptr::read_volatile(at as *const u32) } == PAINT {
        at += 4;
    }
    at
}
