//! The scenarios on the chip and the card, blocking.
#![no_std]
#![no_main]

use scenarios::{memory, second_memory};
use sifive_u::{blocking::media, finish, spi::Controllers};

#[unsafe(no_mangle)]
extern "C" fn program() -> ! {
    // SAFETY: the only ones.
    let (controllers, memory, second) =
        unsafe { (Controllers::power_on(), memory(), second_memory()) };
    finish(media::run(controllers, memory, second))
}
