//! The minimal set in the asynchronous colour.
#![no_std]
#![no_main]

use fs_core::Memory;
use minimal::asynchronous::{device::Device, program, wait};

/// Where the linker begins to follow calls.
#[unsafe(no_mangle)]
pub extern "C" fn start(memory: &mut Memory) -> bool {
    wait(program::run(&mut Device, memory)).is_ok()
}
