//! The device contract as tests: what every implementation of `BlockDevice` must do.
//!
//! Call [`blocking::check`] or [`asynchronous::check`] from a test of the driver, with a function
//! that makes a device: each rule begins with a new one. Rules whose name a panic message gives:
//!
//! 1. **geometry**: units are powers of two and divide the size; it never changes.
//! 2. **bounds**: an access that leaves the device is refused with `OutOfBounds`, also where
//!    position plus length overflows; one that ends at the end is not; an empty one is fine.
//! 3. **alignment**: programs and erases (and reads, if the device has a read unit) off their
//!    units are refused with `NotAligned`.
//! 4. **refusal**: what was refused changed nothing.
//! 5. **erase**: an erased range reads as one value, and so does each size of erase.
//! 6. **read-back**: what was programmed reads back, whole or in parts, also where it crosses
//!    pages and erase units, before and after a sync.
//! 7. **neighbours**: a program or erase leaves every other byte as it was.
//! 8. **re-programming**: with `REPROGRAM_ZERO_BITS`, equal bytes and zeros over what is
//!    programmed; without `NEEDS_ERASE`, anything over anything.
//! 9. **discard**: it answers, and leaves every other byte as it was.
#![allow(clippy::duplicate_mod, reason = "the suite is compiled once for each colour")]

/// For devices of the blocking colour.
#[path = "coloured"]
pub mod blocking {
    mod suite;
    use colour::strip as colour;
    use fs_core::blocking::device::BlockDevice;
    pub use suite::check;
}

/// For devices of the asynchronous colour.
#[path = "coloured"]
pub mod asynchronous {
    mod suite;
    use colour::keep as colour;
    use fs_core::asynchronous::device::BlockDevice;
    pub use suite::check;
}

#[cfg(test)]
mod tests;
