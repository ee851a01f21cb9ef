//! The image in the asynchronous colour, on the smallest executor there is.
#![no_std]
#![no_main]

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use fs_core::Memory;
use minimal::asynchronous::{device::Device, program};

/// Where the linker begins to follow calls.
#[unsafe(no_mangle)]
pub extern "C" fn start(memory: &mut Memory) -> bool {
    let mut device = Device;
    let mut future = pin!(program::run(&mut device, memory));
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result.is_ok();
        }
    }
}
