//! Vellum on the lm3s6965evb: a Cortex-M3 with 64 KiB of RAM, emulated by QEMU.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`chip`] | a NOR chip that lives in 32 KiB of the board's RAM |
//! | [`phase`] | one measured part of the program: instructions, stack, work of the chip |
//! | [`stack`] | how deep the stack went |
//! | `scenario` | what the program does, once for each colour |
//!
//! The two programs in `bin` run the same scenario, print one line for each phase and end QEMU with
//! status 0 only if everything held.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

use core::mem::MaybeUninit;
use fs_core::Memory;

pub mod chip;
pub mod phase;
pub mod stack;

/// What the program lends the filesystem. Made when the program starts: as the initial value of a
/// static it would take as much flash as it takes RAM.
///
/// # Safety
/// Is called once.
#[inline(never)]
pub unsafe fn memory() -> &'static mut Memory {
    static mut MEMORY: MaybeUninit<Memory> = MaybeUninit::uninit();
    // SAFETY: nothing else refers to it, because this is called once.
    let memory = unsafe { &mut *(&raw mut MEMORY) };
    memory.write(Memory::new())
}

/// The scenario for programs that wait.
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use embedded_storage::nor_flash;
    use fs_core::blocking as vellum;
    use hal_adapters::blocking as adapters;

    mod nor;
    pub mod scenario;

    /// A chip is never busy for a program that waits anyway.
    fn busy() {}

    /// What waits is complete when it returns.
    fn complete<T>(result: T) -> T {
        result
    }
}

/// The scenario for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use core::future::poll_fn;
    use core::pin::Pin;
    use core::task::{Context, Poll, Waker};
    use embedded_storage_async::nor_flash;
    use fs_core::asynchronous as vellum;
    use hal_adapters::asynchronous as adapters;

    mod nor;
    pub mod scenario;

    /// A chip is busy once in each operation, so that every future is suspended and resumed.
    async fn busy() {
        let mut asked = false;
        poll_fn(|context| {
            if core::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// The smallest executor there is: polls one future until it is complete.
    #[inline(never)]
    fn complete<F: Future>(mut future: F) -> F::Output {
        crate::phase::met_future(size_of::<F>());
        // SAFETY: it is not moved any more. `pin!` would move it once, to a second place.
        let mut future = unsafe { Pin::new_unchecked(&mut future) };
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
        }
    }
}

/// Prints the result and ends the emulation with it.
pub fn finish<E: core::fmt::Debug>(result: Result<(), E>) -> ! {
    use cortex_m_semihosting::{debug, hprintln};
    match result {
        Ok(()) => {
            hprintln!("passed");
            debug::exit(debug::EXIT_SUCCESS);
        }
        Err(error) => {
            hprintln!("failed: {:?}", error);
            debug::exit(debug::EXIT_FAILURE);
        }
    }
    loop {}
}

#[panic_handler]
fn panicked(info: &core::panic::PanicInfo) -> ! {
    finish(Err(format_args!("{info}")))
}

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
