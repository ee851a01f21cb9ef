//! Scenarios of transfers that hardware carries out beside the volume.

use super::{Medium, Scenario, Script, Tuning};
use crate::model::{Access, Op};
use fs_core::error::Error;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "recorded",
        story: "a recording by two buffers: one transfer under way while the other is completed",
        covers: &["C15", "oracle 5"],
        medium: Medium::nor(40),
        tuning: Tuning::TIGHT,
        write: recorded,
    },
    Scenario {
        name: "transferred-over",
        story: "the middle of a file by transfers that end in any order, in part, and not at all",
        covers: &["C15", "oracle 4"],
        medium: Medium::nor(40),
        tuning: Tuning::TIGHT,
        write: transferred_over,
    },
    Scenario {
        name: "read-while-replaced",
        story: "a transfer reads a content that is replaced and removed meanwhile, on a small chip",
        covers: &["C9", "oracle 4"],
        medium: Medium::nor(24),
        tuning: Tuning::TIGHT,
        write: read_while_replaced,
    },
];

const BLOCK: u64 = 4096;

/// Whether a scenario maps ranges of a file that are blocks of 4 KiB, so that others do not fit.
pub(super) fn is_of_blocks(scenario: &Scenario) -> bool {
    matches!(scenario.name, "recorded" | "transferred-over")
}

/// Whether hardware moves data beside the volume.
pub(super) fn is_of_hardware(scenario: &Scenario) -> bool {
    ALL.iter().any(|own| own.name == scenario.name)
}

fn map(script: &mut Script, number: u8, from: u64, length: u64) {
    script.op(Op::Map(number, 0, from, length, true));
}

/// Hardware carries a transfer out, and it is completed.
fn carry_out(script: &mut Script, number: u8, from: u64, bytes: &[u8]) {
    script.op(Op::Transfer(number, bytes.to_vec()));
    script.op(Op::Complete(number, 0, from, bytes.to_vec(), true));
}

fn recorded(script: &mut Script) {
    script.fresh().open(0, "take", Access::CREATE);
    let place = |number: u8| u64::from(number) * 2 * BLOCK;
    map(script, 0, 0, 2 * BLOCK);
    for number in 0..3_u8 {
        let length = if number == 2 { 1000 } else { 2 * BLOCK };
        map(script, (number + 1) % 2, place(number + 1), length);
        let piece = Script::text("r", number.into(), 2 * 4096);
        carry_out(script, number % 2, place(number), &piece);
        script.op(Op::SyncFile(0)).op(Op::Read(0));
    }
    let last = Script::text("r", 3, 1000);
    carry_out(script, 1, place(3), &last);
    script.close(0).check();
}

fn transferred_over(script: &mut Script) {
    script.fresh().quietly(|script| {
        script.open(0, "f", Access::CREATE).write(0, 0, &Script::text("old", 1, 20_000));
        script.op(Op::SyncFile(0));
    });
    let piece = |number, length| Script::text("new", number, length);
    map(script, 1, BLOCK, BLOCK);
    map(script, 2, 2 * BLOCK, 2 * BLOCK);
    map(script, 3, 5 * BLOCK, 3000);
    script.refused(Op::Write(0, 2 * BLOCK + 7, vec![1]), Error::Busy);
    script.refused(Op::SetLen(0, BLOCK), Error::Busy);
    script.op(Op::Transfer(1, piece(1, 4096))).op(Op::Transfer(2, piece(2, 8192)));
    carry_out(script, 3, 5 * BLOCK, &piece(3, 3000));
    script.op(Op::Sync).op(Op::Read(0));
    // Of the second only the first block was carried out.
    script.op(Op::Complete(2, 0, 2 * BLOCK, piece(2, 4096), true)).op(Op::Read(0));
    script.op(Op::Complete(1, 0, BLOCK, piece(1, 4096), false));
    script.op(Op::SyncFile(0)).op(Op::Read(0)).close(0).check();
}

fn read_while_replaced(script: &mut Script) {
    let content = Script::text("f", 1, 3 * 4096);
    script.fresh().quietly(|script| {
        script.put("f", &content).open(0, "f", Access::READ);
        script.op(Op::Map(1, 0, 0, 3 * BLOCK, false));
        script.close(0);
    });
    for number in 0..8 {
        script.replace("f", &Script::text("g", number, 9000));
        script.op(Op::Transfer(1, content.clone()));
    }
    script.remove("f").op(Op::Transfer(1, content.clone()));
    script.op(Op::Complete(1, 0, 0, Vec::new(), false));
    for number in 0..3 {
        script.replace("g", &Script::text("h", number, 9000));
    }
    script.check();
}
