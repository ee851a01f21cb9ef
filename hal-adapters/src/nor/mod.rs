//! What a serial NOR flash and its host say to each other, as bytes: no bus, no time, no state.
//!
//! **What it is.** Opcodes and frames, the status registers, SFDP (JESD216 to JESD216B), a table of
//! chips without it, and [`Chip`]: what a driver must know, put together from all that. The driver
//! that moves these bytes is `blocking::nor::SpiNor` and `asynchronous::nor::SpiNor`; the chip of
//! the simulator is written against the same datasheets, with its own tables.
//!
//! **Rules.**
//! 1. Everything here is a pure function of bytes, without panics, whatever a chip says.
//! 2. What a chip says of itself is believed only inside bounds: sizes that fit, times of seconds,
//!    as many tables as fit. The rest is an [`SfdpError`] with a name.
//! 3. A quirk names the chips that it is for and where it is written down, or says "as recalled".
//!
//! **What is read.** Of the basic table: size, address bytes, erases, page, times, deep power-down,
//! reset, the flag status register. The table of opcodes with four bytes of address. A map of
//! sectors is looked at only to refuse chips whose erases differ from place to place.
//!
//! **Sources.** JESD216B by way of two readers of it ([`sfdp`]'s text names them), datasheets as
//! named at each quirk. Tables in the tests are those of chips on sale, as QEMU's models of them
//! give them. **No real chip has been tried with this code.**

pub mod command;
pub mod sfdp;

mod chip;
mod error;
mod known;
mod status;

pub use chip::{Addressing, Chip, Id};
pub use error::SpiNorError;
pub use known::known;
pub use sfdp::SfdpError;
pub use status::{Complaint, Complaints, Status};
