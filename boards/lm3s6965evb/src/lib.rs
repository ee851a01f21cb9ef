//! Vellum on the lm3s6965evb: a Cortex-M3 with 64 KiB of RAM, emulated by QEMU.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`chip`] | a NOR chip that lives in 48 KiB of the board's RAM |
//! | [`phase`] | one measured part of the program: instructions, stack, work of the chip |
//! | [`stack`] | how deep the stack went |
//! | `scenario` | what the program does, once for each colour |
//!
//! The two programs in `bin` run the same scenario, print one line for each phase and end QEMU with
//! status 0 only if everything held.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

pub mod chip;
pub mod phase;
pub mod stack;

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
}

/// The scenario for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use embedded_storage_async::nor_flash;
    use fs_core::asynchronous as vellum;
    use hal_adapters::asynchronous as adapters;

    mod nor;
    pub mod scenario;

    /// A chip is busy once in each operation, so that every future is suspended and resumed.
    async fn busy() {
        let mut asked = false;
        core::future::poll_fn(|context| {
            if core::mem::replace(&mut asked, true) {
                return core::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            core::task::Poll::Pending
        })
        .await;
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
