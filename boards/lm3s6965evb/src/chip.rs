//! A NOR chip that lives in the board's RAM, behind `embedded-storage`'s traits: programs clear
//! bits, only an erase sets them, and an access a real chip would refuse is refused.
//!
//! Erase units are 2 KiB: 32 KiB then hold 16 of them, the fewest that a volume can have.
//!
//! **Power cuts.** After [`cut_after`] the chip does some operations, then half of one, then
//! nothing, until [`restore_power`].

use core::sync::atomic::{AtomicU32, Ordering};
use embedded_storage::nor_flash::NorFlashErrorKind;
use scenarios::work;

/// Bytes of one erase unit.
pub const ERASE_UNIT: usize = 2048;

unsafe extern "C" {
    static mut _chip_start: u8;
    static mut _chip_end: u8;
}

/// The chip. Its content lasts as long as the emulation, so a new `Chip` is the old one after a
/// power cut.
pub struct Chip {
    cells: &'static mut [u8],
}

impl Chip {
    /// Powers the chip on.
    ///
    /// # Safety
    /// Only one may exist at a time.
    pub unsafe fn power_on() -> Self {
        let start = &raw mut _chip_start;
        let bytes = (&raw mut _chip_end) as usize - start as usize;
        // SAFETY: the linker places nothing else there, and the caller makes only one.
        Self { cells: unsafe { core::slice::from_raw_parts_mut(start, bytes) } }
    }

    /// Bytes of the chip.
    pub fn capacity(&self) -> usize {
        self.cells.len()
    }

    /// Copies cells to `target`.
    pub fn read(&mut self, at: u32, target: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        if POWER.load(Ordering::Relaxed) == 0 {
            return Err(NorFlashErrorKind::Other);
        }
        work::has_read(target.len());
        target.copy_from_slice(self.part(at, target.len())?);
        Ok(())
    }

    /// Clears the bits that are zero in `source`.
    pub fn program(&mut self, at: u32, source: &[u8]) -> Result<(), NorFlashErrorKind> {
        work::has_programmed(source.len());
        let share = spend()?;
        let cells = self.part(at, source.len())?;
        cells
            .iter_mut()
            .zip(source)
            .take(share.of(source.len()))
            .for_each(|(cell, byte)| *cell &= byte);
        share.outcome()
    }

    /// Sets all bits of some erase units.
    pub fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        let (from, to) = (from as usize, to as usize);
        if !from.is_multiple_of(ERASE_UNIT) || !to.is_multiple_of(ERASE_UNIT) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        let cells = self.cells.get_mut(from..to).ok_or(NorFlashErrorKind::OutOfBounds)?;
        work::has_erased((cells.len() / ERASE_UNIT) as u32);
        let share = spend()?;
        let erased = share.of(cells.len());
        cells[..erased].fill(0xFF);
        share.outcome()
    }

    fn part(&mut self, at: u32, bytes: usize) -> Result<&mut [u8], NorFlashErrorKind> {
        let cells = self.cells.get_mut(at as usize..).and_then(|rest| rest.get_mut(..bytes));
        cells.ok_or(NorFlashErrorKind::OutOfBounds)
    }
}

/// Programs and erases until the power goes; the one that meets 1 is done by half.
static POWER: AtomicU32 = AtomicU32::new(FOR_EVER);

const FOR_EVER: u32 = u32::MAX;

/// Lets the power go after `operations` more programs and erases.
pub fn cut_after(operations: u32) {
    POWER.store(operations.saturating_add(1), Ordering::Relaxed);
}

/// Power is back, and stays. Gives whether it was gone.
pub fn restore_power() -> bool {
    let gone = POWER.load(Ordering::Relaxed) == 0;
    POWER.store(FOR_EVER, Ordering::Relaxed);
    gone
}

/// How much of an operation is done.
#[derive(Clone, Copy, PartialEq)]
enum Share {
    All,
    Half,
}

impl Share {
    fn of(self, bytes: usize) -> usize {
        match self {
            Self::All => bytes,
            Self::Half => bytes / 2,
        }
    }

    fn outcome(self) -> Result<(), NorFlashErrorKind> {
        if self == Self::All { Ok(()) } else { Err(NorFlashErrorKind::Other) }
    }
}

fn spend() -> Result<Share, NorFlashErrorKind> {
    let left = POWER.load(Ordering::Relaxed);
    match left {
        0 => return Err(NorFlashErrorKind::Other),
        FOR_EVER => return Ok(Share::All),
        _ => POWER.store(left - 1, Ordering::Relaxed),
    }
    Ok(if left == 1 { Share::Half } else { Share::All })
}
