//! Semihosting: words, arguments and the end of the program go through the emulator, or through a
//! debugger. The handler of panics is here too.

use crate::Console;
use crate::content::Text;
use core::arch::asm;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

const OPEN: usize = 0x01;
const WRITE: usize = 0x05;
const GET_COMMAND_LINE: usize = 0x15;
const EXIT_EXTENDED: usize = 0x20;
/// The reason "the program ended", which takes a status.
const APPLICATION_EXIT: usize = 0x20026;

/// Asks the emulator for something.
///
/// # Safety
/// `block` points to what `operation` wants.
unsafe fn call(operation: usize, block: usize) -> usize {
    let result;
    // SAFETY: as the caller promises.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("bkpt 0xab", inout("r0") operation => result, in("r1") block, options(nostack));
        // The three instructions are what is looked for: uncompressed, and on one page.
        #[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
        asm!(
            ".option push",
            ".option norvc",
            ".balign 16",
            "slli x0, x0, 0x1f",
            "ebreak",
            "srai x0, x0, 7",
            ".option pop",
            inout("a0") operation => result,
            in("a1") block,
            options(nostack)
        );
    }
    result
}

/// The emulator's standard output. A line arrives whole or not at all, whatever happens next.
#[derive(Debug)]
pub struct Output;

impl Console for Output {
    fn line(&self, text: fmt::Arguments<'_>) {
        static HANDLE: AtomicUsize = AtomicUsize::new(0);
        let mut handle = HANDLE.load(Ordering::Relaxed);
        if handle == 0 {
            let name = b":tt\0";
            let block = [name.as_ptr() as usize, 4, name.len() - 1];
            // SAFETY: a name, a mode, and the length of the name.
            handle = unsafe { call(OPEN, block.as_ptr() as usize) };
            HANDLE.store(handle, Ordering::Relaxed);
        }
        let mut line = Text::<224>::of(text);
        line.truncate(223);
        line.push(b"\n");
        let bytes = line.as_bytes();
        let block = [handle, bytes.as_ptr() as usize, bytes.len()];
        // SAFETY: a handle, bytes, and how many.
        unsafe { call(WRITE, block.as_ptr() as usize) };
    }
}

/// What the program was told to do.
#[derive(Debug)]
pub struct Arguments {
    line: [u8; 128],
}

impl Arguments {
    /// Asks the emulator.
    #[inline(never)]
    pub fn get() -> Self {
        let mut line = [0; 128];
        let block = [line.as_mut_ptr() as usize, line.len()];
        // SAFETY: room, and how much.
        unsafe { call(GET_COMMAND_LINE, block.as_ptr() as usize) };
        Self { line }
    }

    fn words(&self) -> impl Iterator<Item = &[u8]> {
        let line = self.line.split(|byte| *byte == 0).next().unwrap_or_default();
        line.split(|byte| *byte == b' ')
    }

    /// Whether `word` is among them.
    pub fn has(&self, word: &str) -> bool {
        self.words().any(|each| each == word.as_bytes())
    }

    /// The number behind `name=`.
    pub fn number(&self, name: &str) -> Option<u32> {
        let value = |word: &'_ [u8]| {
            let value = word.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            core::str::from_utf8(value).ok()?.parse().ok()
        };
        self.words().find_map(value)
    }
}

/// Does nothing for ever, at no cost.
pub fn stay() -> ! {
    loop {
        // SAFETY: the processor sleeps.
        unsafe { asm!("wfi", options(nomem, nostack)) };
    }
}

/// Says how it ended, and ends the emulation with that; with the argument `stay` (feature `stays`),
/// whoever emulates the board ends it.
pub fn finish<E: fmt::Debug>(result: Result<(), E>) -> ! {
    match result {
        Ok(()) => Output.line(format_args!("passed")),
        Err(ref error) => Output.line(format_args!("failed: {error:?}")),
    }
    #[cfg(feature = "stays")]
    if Arguments::get().has("stay") {
        stay();
    }
    let block = [APPLICATION_EXIT, usize::from(result.is_err())];
    loop {
        // SAFETY: a reason and a status.
        unsafe { call(EXIT_EXTENDED, block.as_ptr() as usize) };
    }
}

#[panic_handler]
fn panicked(info: &core::panic::PanicInfo) -> ! {
    finish(Err(format_args!("{info}")))
}
