//! The flash that the program runs from: read where it lies, changed by the boot ROM.
//!
//! **What it is.** The chip hangs on the processor's QSPI and is seen in its address space (XIP).
//! To change it, that window is closed, so everything that runs meanwhile is in RAM or in the ROM:
//! one function, which closes the window, lets the ROM do one erase or program one page, and opens
//! it again as it was after a reset, by the second stage of the boot (a copy of it in RAM).
//!
//! **Rules.**
//! 1. While the window is closed no interrupt runs, and the bytes to program are in RAM.
//! 2. A page is programmed at once, or a part of it and ones for the rest: those change nothing.
//! 3. What was programmed or erased is read back: the chip itself never says that it failed.
//! 4. The other core must not run from flash, nor a DMA channel read it. It is in reset unless the
//!    program starts it.
//!
//! **Cost.** 548 bytes of RAM, and 64 of code in RAM. Interrupts are off for an erase of 4 KiB (45
//! ms, at most 400 by the datasheet of the W25Q16JV) or 64 KiB (150 ms, at most 2 s), or for a page
//! (0.4 ms, at most 3).

use crate::rom::{Plain, Rom};
use core::mem::transmute;
use core::ptr;

/// Bytes that are programmed at once at most, from a multiple of them on.
pub const PAGE: usize = 256;
/// Bytes of the smallest erase.
pub const SECTOR: u32 = 4096;
/// Bytes of the largest erase, and its command.
const BLOCK: u32 = 65_536;
const ERASE_BLOCK: u8 = 0xD8;

/// Where the window is.
const WINDOW: u32 = 0x1000_0000;
/// Words of the second stage, which lies at the start of the chip.
const BOOT2_WORDS: usize = 64;

unsafe extern "C" {
    static _volume_start: u8;
    static _volume_end: u8;
}

/// The part of the flash that the linker script keeps for the volume.
pub struct Xip {
    job: Job,
    /// Of the part, in bytes from the start of the chip.
    start: u32,
    bytes: u32,
}

/// One change, all of which is in RAM.
struct Job {
    rom: Rom,
    boot2: [u32; BOOT2_WORDS],
    /// In bytes from the start of the chip.
    at: u32,
    /// To erase; nothing means that the page is programmed.
    erase: u32,
    page: [u8; PAGE],
}

/// The chip does not hold what it was told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotDone;

impl Xip {
    /// Finds the ROM's functions, and copies the second stage.
    ///
    /// # Safety
    /// Only one may exist, and nothing else changes the flash.
    pub unsafe fn take() -> Self {
        let start = (&raw const _volume_start) as u32;
        let end = (&raw const _volume_end) as u32;
        let mut boot2 = [0; BOOT2_WORDS];
        // SAFETY: the start of the flash, which is there.
        unsafe { copy(WINDOW, boot2.as_mut_ptr().cast(), size_of_val(&boot2)) };
        let job = Job { rom: Rom::find(), boot2, at: 0, erase: 0, page: [0xFF; PAGE] };
        Self { job, start: start - WINDOW, bytes: end - start }
    }

    /// Bytes of the part.
    pub fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Fills `target` from `at`, which must lie in the part with all of it.
    pub fn read(&self, at: u32, target: &mut [u8]) {
        // SAFETY: flash, as the caller has made sure.
        unsafe { copy(WINDOW + self.start + at, target.as_mut_ptr(), target.len()) };
    }

    /// Programs `source` at `at`: inside one page.
    ///
    /// # Errors
    /// If the chip holds something else afterwards.
    pub fn program(&mut self, at: u32, source: &[u8]) -> Result<(), NotDone> {
        let skip = at as usize % PAGE;
        let place = self.job.page.get_mut(skip..).and_then(|rest| rest.get_mut(..source.len()));
        place.ok_or(NotDone)?.copy_from_slice(source);
        self.job.at = self.start + at - skip as u32;
        self.job.erase = 0;
        self.carry_out();
        self.job.page.fill(0xFF);
        let is_done = (at..).zip(source).all(|(at, byte)| self.byte(at) == *byte);
        if is_done { Ok(()) } else { Err(NotDone) }
    }

    /// Erases from `from` to before `to`, multiples of a sector.
    ///
    /// # Errors
    /// If the chip holds something else afterwards.
    pub fn erase(&mut self, from: u32, to: u32) -> Result<(), NotDone> {
        let mut at = from;
        while at < to {
            let is_block = (self.start + at).is_multiple_of(BLOCK) && to - at >= BLOCK;
            let part = if is_block { BLOCK } else { SECTOR };
            self.job.at = self.start + at;
            self.job.erase = part;
            self.carry_out();
            if !(at..at + part).step_by(4).all(|at| self.word(at) == u32::MAX) {
                return Err(NotDone);
            }
            at += part;
        }
        Ok(())
    }

    fn carry_out(&self) {
        // SAFETY: the ROM's own functions and the second stage, with no interrupt.
        cortex_m::interrupt::free(|_| unsafe { carry_out(&self.job) });
    }

    fn byte(&self, at: u32) -> u8 {
        // SAFETY: flash, inside the part.
        unsafe { ptr::read_volatile((WINDOW + self.start + at) as *const u8) }
    }

    fn word(&self, at: u32) -> u32 {
        // SAFETY: flash, inside the part, a multiple of four.
        unsafe { ptr::read_volatile((WINDOW + self.start + at) as *const u32) }
    }
}

/// Copies out of the flash.
///
/// # Safety
/// `bytes` from `from` are flash, and as many from `to` may be written.
unsafe fn copy(from: u32, to: *mut u8, bytes: usize) {
    // SAFETY: as the caller promises; RAM and flash do not overlap.
    unsafe { ptr::copy_nonoverlapping(from as *const u8, to, bytes) };
}

/// Does one job with the window closed. It calls nothing that lies in flash, so it has no loop that
/// could become a call of `memcpy`, and nothing that could panic.
///
/// # Safety
/// Interrupts are off, `job` is in RAM and asks for nothing outside of the volume.
#[inline(never)]
#[unsafe(link_section = ".data.in_ram")]
unsafe extern "C" fn carry_out(job: &Job) {
    // SAFETY: in the order of the datasheet, 2.8.3.1.3. The second stage returns to whoever has
    // called it, unless that is the ROM.
    unsafe {
        let open = transmute::<usize, Plain>(job.boot2.as_ptr() as usize | 1);
        (job.rom.connect_internal_flash)();
        (job.rom.flash_exit_xip)();
        if job.erase > 0 {
            (job.rom.flash_range_erase)(job.at, job.erase as usize, BLOCK, ERASE_BLOCK);
        } else {
            (job.rom.flash_range_program)(job.at, job.page.as_ptr(), PAGE);
        }
        (job.rom.flash_flush_cache)();
        open();
    }
}
