//! Vellum on QEMU's 32-bit RISC-V machine `virt`, with a virtio disk.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`start`] | from the first instruction to Rust, and traps |
//! | [`interrupt`] | the disk's interrupt, which wakes a task of an executor |
//! | [`virtio`] | a virtio disk: its registers, its queue of one request |
//! | `disk` | that as a device, and the scenarios on it, once for each colour |
//!
//! The programs in `bin` run the scenarios that all boards share, and end QEMU with status 0 only
//! if everything held.
#![no_std]
#![allow(clippy::duplicate_mod, reason = "each coloured file is compiled once for each colour")]

pub mod interrupt;
pub mod start;
pub mod virtio;

pub use scenarios::semihosting::finish;

/// The programs that wait.
#[path = "coloured"]
pub mod blocking {
    use colour::strip as colour;
    use fs_core::blocking as vellum;
    use scenarios::blocking as shared;

    pub mod disk;

    /// Waits until the disk is idle.
    fn idle(disk: &crate::virtio::Disk) {
        while !disk.is_idle() {
            disk.sleep();
        }
    }
}

/// The programs for executors.
#[path = "coloured"]
pub mod asynchronous {
    use colour::keep as colour;
    use fs_core::asynchronous as vellum;
    use scenarios::asynchronous as shared;

    pub mod disk;

    /// Waits until the disk is idle. Without its interrupt there is one future and no executor that
    /// it could wake: then it is suspended once, and sleeps.
    async fn idle(disk: &crate::virtio::Disk) {
        if crate::interrupt::is_on() {
            return crate::interrupt::idle(disk).await;
        }
        shared::busy().await;
        while !disk.is_idle() {
            disk.sleep();
        }
    }
}
