//! The scenarios on the disk, asynchronous.
#![no_std]
#![no_main]

use riscv32_virt::{asynchronous::disk, finish, virtio::Disk};
use scenarios::memory;

#[unsafe(no_mangle)]
extern "C" fn program() -> ! {
    // SAFETY: the only ones.
    let (disk, memory) = unsafe { (Disk::power_on(), memory()) };
    finish(disk::run(disk, memory))
}
