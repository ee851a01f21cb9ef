//! Power cuts that the board makes itself, on a medium that plays along.

use super::vellum::device::BlockDevice;
use super::{calls, complete};
use crate::content::config;
use crate::{Console, Failure, Scale, expect};
use fs_core::{Memory, Result};

const CONFIG: &str = "/etc/config";

/// The power of the medium.
pub trait Power {
    /// Lets the power go after `operations` more programs and erases; the one that is cut is done
    /// by half.
    fn cut_after(&self, operations: u32);

    /// Power is back, and stays. Gives whether it was gone.
    fn restore(&self) -> bool;
}

/// Cuts the power after 0, 1, 2 .. programs and erases of a rewrite, mount and unmount included.
/// Each time the configuration is the old or the new one, and, where there is room for the code
/// that checks them, the rules hold.
///
/// # Errors
/// What went wrong first.
#[inline(never)]
pub fn run<D: BlockDevice, const CHECK: bool>(
    console: &dyn Console,
    power: &dyn Power,
    device: &mut D,
    memory: &mut Memory,
    scale: Scale,
    cuts: u32,
) -> core::result::Result<(), Failure> {
    let first = scale.rewrites + 1;
    let mut number = first;
    for cut in 0..cuts {
        power.cut_after(cut);
        let rewritten = rewrite(device, memory, &config(number + 1));
        let was_cut = power.restore();
        if let (Err(error), false) = (rewritten, was_cut) {
            console.line(format_args!("cut {cut} was never reached, and the rewrite failed"));
            return Err(error.into());
        }
        let volume = complete(calls::mount(device, memory))?;
        if CHECK {
            complete(calls::check(&volume))?;
        }
        let found = complete(calls::config_of(&volume, CONFIG))?;
        if found == Some(number + 1) {
            number += 1;
        } else {
            expect(found == Some(number), "config, old or new")?;
            expect(rewritten.is_err(), "what returned is durable")?;
        }
        complete(volume.unmount())?;
    }
    expect(number > first, "some rewrites come through")
}

fn rewrite<D: BlockDevice>(device: &mut D, memory: &mut Memory, text: &[u8]) -> Result<()> {
    let volume = complete(calls::mount(device, memory))?;
    complete(calls::replace(&volume, CONFIG, text))?;
    complete(volume.unmount())
}
