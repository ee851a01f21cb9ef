//! From the first instruction to Rust: a stack, cleared data, and a place for traps to go.

use scenarios::semihosting::finish;

core::arch::global_asm!(
    r#"
.section .text.start, "ax"
.globl start
start:
    csrr t0, mhartid
    bnez t0, 3f
    la   sp, _stack_start
    la   t0, trap
    csrw mtvec, t0
    la   t0, _bss_start
    la   t1, _bss_end
1:  bgeu t0, t1, 2f
    sw   zero, 0(t0)
    addi t0, t0, 4
    j    1b
2:  call program
3:  wfi
    j    3b
.balign 4
.globl trap
trap:
    la   sp, _stack_start
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    call trapped
"#
);

#[unsafe(no_mangle)]
extern "C" fn trapped(cause: usize, at: usize, value: usize) -> ! {
    finish(Err(format_args!("trap {cause:#x} at {at:#x}, {value:#x}")))
}
