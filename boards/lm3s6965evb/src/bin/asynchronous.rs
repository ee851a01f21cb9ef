//! The scenario in the asynchronous colour, on the smallest executor there is.
#![no_std]
#![no_main]

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use lm3s6965evb::{asynchronous::scenario, chip::Chip, finish, stack};

#[entry]
fn main() -> ! {
    // SAFETY: the only one.
    let chip = unsafe { Chip::power_on() };
    let future = scenario::run(chip);
    hprintln!("ram future={}", size_of_val(&future));
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    // What the future holds between polls lies above this point and is printed above.
    let result = stack::measure_from_here(|| {
        loop {
            if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
                break result;
            }
        }
    });
    finish(result)
}
