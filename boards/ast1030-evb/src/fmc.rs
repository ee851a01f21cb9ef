//! The board's flash memory controller in its user mode, where it is a plain SPI: what is written
//! to the window of the chip is sent, what is read from it was received.
//!
//! | what | where |
//! | --- | --- |
//! | controller | 0x7E62_0000; `CONF` +0x00, `CE_CTRL` +0x04, `CTRL0` +0x10 for chip select 0 |
//! | window of the chip | 0x8000_0000 |
//!
//! (As QEMU's `aspeed_smc` has it.)
//!
//! The controller is told that addresses have four bytes, although user mode has no addresses: QEMU
//! counts them to find the dummy byte of a fast read.
//!
//! **Power cuts.** Before each program and erase it asks [`power`], and gives the chip only a part
//! of the one that is cut.

use core::ptr;
use embedded_hal::spi::Operation;
use scenarios::power::{self, Kind, Share};

const CONFIGURATION: usize = 0x7E62_0000;
const WRITES_TO_CHIP_0: u32 = 1 << 16;
const ADDRESSING: usize = 0x7E62_0004;
const FOUR_BYTES_ON_CHIP_0: u32 = 1 << 0;
const CONTROL: usize = 0x7E62_0010;
const USER_MODE: u32 = 3;
const DESELECTED: u32 = 1 << 2;
const WINDOW: usize = 0x8000_0000;

/// The controller with one chip on it.
#[derive(Debug)]
pub struct Fmc(());

impl Fmc {
    /// Lets the controller write to its chip, which is not selected.
    ///
    /// # Safety
    /// Is called once.
    pub unsafe fn power_on() -> Self {
        write(CONFIGURATION, read(CONFIGURATION) | WRITES_TO_CHIP_0);
        write(ADDRESSING, read(ADDRESSING) | FOUR_BYTES_ON_CHIP_0);
        write(CONTROL, USER_MODE | DESELECTED);
        Self(())
    }

    /// Carries out one transaction.
    pub fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) {
        let head = operations.first();
        let opcode = head.and_then(|first| match first {
            Operation::Write(bytes) => bytes.first(),
            _ => None,
        });
        let kind = opcode.map_or(Kind::Other, |opcode| Kind::of(*opcode));
        if kind != Kind::Other
            && let Some(share) = power::spend()
        {
            cut(share, kind, operations);
        }
        select();
        operations.iter_mut().for_each(exchange);
        deselect();
    }
}

/// The last thing that the chip is told: a program of fewer bytes, an erase or none.
fn cut(share: Share, kind: Kind, operations: &mut [Operation<'_, u8>]) -> ! {
    match (kind, operations) {
        (Kind::Program, [Operation::Write(head), Operation::Write(data)]) => {
            let part = share.of(data.len());
            if part > 0 {
                select();
                head.iter().chain(&data[..part]).for_each(|byte| send(*byte));
                deselect();
            }
        }
        (Kind::Erase, [Operation::Write(head)]) if share.is_half() => {
            select();
            head.iter().for_each(|byte| send(*byte));
            deselect();
        }
        _ => {}
    }
    share.gone("flash");
}

fn exchange(operation: &mut Operation<'_, u8>) {
    match operation {
        Operation::Write(bytes) => bytes.iter().for_each(|byte| send(*byte)),
        Operation::Read(bytes) => bytes.iter_mut().for_each(|byte| *byte = receive()),
        // The controller does one or the other: what is sent has no answer.
        Operation::Transfer(answer, bytes) => {
            bytes.iter().for_each(|byte| send(*byte));
            answer.fill(0xFF);
        }
        Operation::TransferInPlace(bytes) => {
            bytes.iter_mut().for_each(|byte| send(core::mem::replace(byte, 0xFF)));
        }
        Operation::DelayNs(_) => {}
    }
}

fn select() {
    write(CONTROL, USER_MODE);
}

fn deselect() {
    write(CONTROL, USER_MODE | DESELECTED);
}

fn send(byte: u8) {
    // SAFETY: the window of the chip, in user mode.
    unsafe { ptr::write_volatile(WINDOW as *mut u8, byte) };
}

fn receive() -> u8 {
    // SAFETY: the window of the chip, in user mode.
    unsafe { ptr::read_volatile(WINDOW as *const u8) }
}

fn write(at: usize, value: u32) {
    // SAFETY: a register of this board, as the table above says.
    unsafe { ptr::write_volatile(at as *mut u32, value) };
}

fn read(at: usize) -> u32 {
    // SAFETY: a register of this board, as the table above says.
    unsafe { ptr::read_volatile(at as *const u32) }
}
