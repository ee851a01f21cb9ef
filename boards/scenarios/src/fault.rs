//! What a Cortex-M does about a fault: it says so, and the emulation ends.

use crate::semihosting::finish;

/// A stack that was too small ends here too, so what is printed needs a new one.
#[cortex_m_rt::exception(trampoline = false)]
unsafe fn HardFault() -> ! {
    // SAFETY: nothing of the program runs again.
    unsafe {
        core::arch::asm!(
            "ldr r0, =_stack_start",
            "mov sp, r0",
            "bl {ended}",
            ended = sym faulted,
            options(noreturn)
        )
    }
}

extern "C" fn faulted() -> ! {
    finish(Err("a fault; perhaps the stack was too small"))
}
