//! The smallest images with the filesystem in them: no board, no driver, no printing. They are
//! linked to weigh its code, and never run. The minimal set formats, mounts, and works with files
//! and directories; the complete set uses every operation.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

/// The program for those that wait.
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use fs_core::blocking as vellum;

    pub mod complete;
    pub mod device;
    pub mod program;

    fn busy() {}
}

/// The program for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use fs_core::asynchronous as vellum;

    pub mod complete;
    pub mod device;
    pub mod program;

    /// Every operation waits once: the code that suspends and resumes is not optimised away.
    async fn busy() {
        let mut asked = false;
        core::future::poll_fn(|_| match core::mem::replace(&mut asked, true) {
            true => core::task::Poll::Ready(()),
            false => core::task::Poll::Pending,
        })
        .await;
    }

    /// The smallest executor there is.
    pub fn wait<T>(future: impl Future<Output = T>) -> T {
        let mut future = core::pin::pin!(future);
        let mut context = core::task::Context::from_waker(core::task::Waker::noop());
        loop {
            if let core::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
                return result;
            }
        }
    }
}

// SAFETY: the linker gives each an address, and the image never runs.
unsafe extern "C" {
    safe fn device_read(at: u64, target: *mut u8, bytes: usize) -> bool;
    safe fn device_program(at: u64, source: *const u8, bytes: usize) -> bool;
    safe fn device_erase(at: u64, bytes: u64) -> bool;
    safe fn device_sync() -> bool;
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
