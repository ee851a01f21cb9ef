//! Scenarios about flash of another kind: large erase blocks, and erased bytes that are zero.

use super::{Medium, Scenario, Script, Tuning};
use crate::model::{Access, Op};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "big-blocks",
        story: "blocks of 64 KiB: journal blocks of hundreds of records are opened, logged again \
                and retired",
        covers: &["C3", "C4", "C9"],
        medium: Medium::big_block(16, 0x1_0000),
        tuning: Tuning::TIGHT,
        write: big_blocks,
    },
    Scenario {
        name: "big-anchors",
        story: "blocks of 8 KiB: so many unclean stops that settling finds the 120 slots of an \
                anchor block full and erases it",
        covers: &["C3", "C7", "F3"],
        medium: Medium::big_block(16, 0x2000),
        tuning: Tuning::DEFAULT,
        write: big_anchors,
    },
    Scenario {
        name: "big-block-files",
        story: "files in blocks of 32 KiB grow, are overwritten inside, cut and removed",
        covers: &["C1", "C2"],
        medium: Medium::big_block(24, 0x8000),
        tuning: Tuning::DEFAULT,
        write: big_block_files,
    },
    Scenario {
        name: "erased-to-zero",
        story: "internal flash whose erased bytes are zero: settings, a log, a file in blocks",
        covers: &["C1", "C7"],
        medium: Medium::erased_to_zero(40),
        tuning: Tuning::TIGHT,
        write: erased_to_zero,
    },
];

fn big_blocks(s: &mut Script) {
    s.fresh();
    // A block holds some 130 of these records; the chain has two.
    for n in 0..430 {
        let path = format!("/turn{}", n % 3);
        if (127..131).contains(&(n % 140)) {
            s.replace(&path, &Script::text("big", n, 430));
        } else {
            s.quietly(|s| {
                s.replace(&path, &Script::text("big", n, 430));
            });
        }
    }
    s.reboot().replace("/turn1", b"after all").op(Op::Park).check();
}

fn big_anchors(s: &mut Script) {
    s.fresh().replace("/kept", b"through many boots");
    s.quietly(|s| {
        for _ in 0..58 {
            s.reboot();
        }
    });
    s.reboot().reboot().replace("/kept", b"changed at last").reboot().check();
}

fn big_block_files(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/large", &Script::text("old", 1, 40_000));
    });
    s.open(0, "/large", Access::WRITE)
        .write(0, 40_000, &Script::text("more", 2, 300))
        .op(Op::SyncFile(0))
        .write(0, 33_000, &Script::text("in", 3, 200))
        .op(Op::SyncFile(0))
        .write(0, 100, &Script::text("in", 4, 700))
        .op(Op::SyncFile(0))
        .op(Op::SetLen(0, 32_768))
        .op(Op::Close(0));
    s.replace("/large", &Script::text("new", 5, 9_000)).reboot();
    s.remove("/large").reboot().check();
}

fn erased_to_zero(s: &mut Script) {
    s.fresh();
    for n in 0..12 {
        s.replace("/settings", &Script::text("setting", n, 60 + 30 * n));
        s.open(0, "/log", Access::CREATE)
            .write(0, 90 * n as u64, &Script::text("line", n, 90))
            .op(Op::Close(0));
        if n % 4 == 3 {
            s.reboot();
        }
    }
    s.op(Op::Park).replace("/large", &Script::text("large", 1, 5_000)).reboot();
    s.op(Op::Unmount).mount().check();
}
