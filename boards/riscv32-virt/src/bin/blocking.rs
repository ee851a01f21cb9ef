//! The scenarios on the disk, blocking.
#![no_std]
#![no_main]

use riscv32_virt::{blocking::disk, finish, virtio::Disk};
use scenarios::memory;

#[unsafe(no_mangle)]
extern "C" fn program() -> ! {
    // SAFETY: the only ones.
    let (disk, memory) = unsafe { (Disk::power_on(), memory()) };
    finish(disk::run(disk, memory))
}
