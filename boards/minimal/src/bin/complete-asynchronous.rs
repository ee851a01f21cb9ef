//! The complete set in the asynchronous colour.
#![no_std]
#![no_main]

use fs_core::Memory;
use minimal::asynchronous::{complete, device::Device, wait};

/// Where the linker begins to follow calls.
#[unsafe(no_mangle)]
pub extern "C" fn start(memory: &mut Memory) -> bool {
    wait(complete::run(&mut Device, memory)).is_ok()
}
