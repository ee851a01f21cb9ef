//! The disk's interrupt, for programs with an executor: a task that waits for the disk is woken by
//! it, and others run meanwhile. Programs without one leave interrupts off, and sleep.
//!
//! **Rules.**
//! 1. The handler knows nothing of requests: it takes note of the interrupt, and wakes whoever
//!    waits. Whether the request is over says the queue.
//! 2. A task leaves its waker before it looks at the queue for the last time, so that no interrupt
//!    can come between the two and be lost.

use crate::virtio::Disk;
use core::future::poll_fn;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::task::Poll;
use embassy_sync::waitqueue::AtomicWaker;
// Its critical sections, which wakers and the executor need, are all that is used of it.
use riscv as _;

core::arch::global_asm!(
    r#"
.balign 4
.globl trap_or_interrupt
trap_or_interrupt:
    addi sp, sp, -64
    sw   ra, 0(sp)
    sw   t0, 4(sp)
    sw   t1, 8(sp)
    sw   t2, 12(sp)
    sw   t3, 16(sp)
    sw   t4, 20(sp)
    sw   t5, 24(sp)
    sw   t6, 28(sp)
    sw   a0, 32(sp)
    sw   a1, 36(sp)
    sw   a2, 40(sp)
    sw   a3, 44(sp)
    sw   a4, 48(sp)
    sw   a5, 52(sp)
    sw   a6, 56(sp)
    sw   a7, 60(sp)
    csrr t0, mcause
    bltz t0, 1f
    j    trap
1:  call interrupted
    lw   ra, 0(sp)
    lw   t0, 4(sp)
    lw   t1, 8(sp)
    lw   t2, 12(sp)
    lw   t3, 16(sp)
    lw   t4, 20(sp)
    lw   t5, 24(sp)
    lw   t6, 28(sp)
    lw   a0, 32(sp)
    lw   a1, 36(sp)
    lw   a2, 40(sp)
    lw   a3, 44(sp)
    lw   a4, 48(sp)
    lw   a5, 52(sp)
    lw   a6, 56(sp)
    lw   a7, 60(sp)
    addi sp, sp, 64
    mret
"#
);

unsafe extern "C" {
    fn trap_or_interrupt();
}

static IS_ON: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU32 = AtomicU32::new(0);
static WAITING: AtomicWaker = AtomicWaker::new();

/// Lets the disk interrupt the program.
///
/// # Safety
/// Is called once, after the disk is ready, by a program with an executor.
pub unsafe fn turn_on() {
    IS_ON.store(true, Ordering::Relaxed);
    let handler = trap_or_interrupt as *const () as usize;
    // SAFETY: the handler above, which is aligned and keeps all registers; bit 3 is the switch for
    // interrupts, and only the disk's is let through.
    unsafe {
        core::arch::asm!(
            "csrw mtvec, {}",
            "csrsi mstatus, 8",
            in(reg) handler,
            options(nostack)
        );
    }
}

/// Whether the disk interrupts the program.
pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// How often it has.
pub fn count() -> u32 {
    COUNT.load(Ordering::Relaxed)
}

/// Waits until the disk is idle, without the processor.
pub async fn idle(disk: &Disk) {
    poll_fn(|context| {
        WAITING.register(context.waker());
        if disk.is_idle() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[unsafe(no_mangle)]
extern "C" fn interrupted() {
    Disk::take_note();
    COUNT.store(COUNT.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    WAITING.wake();
}
