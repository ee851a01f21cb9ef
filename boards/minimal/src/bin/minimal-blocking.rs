//! The minimal set in the blocking colour.
#![no_std]
#![no_main]

use fs_core::Memory;
use minimal::blocking::{device::Device, program};

/// Where the linker begins to follow calls.
#[unsafe(no_mangle)]
pub extern "C" fn start(memory: &mut Memory) -> bool {
    program::run(&mut Device, memory).is_ok()
}
