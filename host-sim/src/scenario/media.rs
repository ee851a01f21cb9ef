//! Scenarios about mounting, stopping and formatting.

use super::{Medium, Scenario, Script, Tuning};
use crate::model::{Access, Op};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "reboot-loop",
        story: "mount, one call, power off, many times",
        covers: &["C7", "C11", "C6", "F3"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: reboot_loop,
    },
    Scenario {
        name: "settle-loop",
        story: "the power fails after every mount before anything is written",
        covers: &["C3", "C7"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: settle_loop,
    },
    Scenario {
        name: "clean-stop",
        story: "unmounted and parked volumes come back without settling, whole",
        covers: &["C7"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: clean_stop,
    },
    Scenario {
        name: "park-and-go-on",
        story: "a parked volume is written again in the same mount",
        covers: &["C7"],
        medium: Medium::nor(16),
        tuning: Tuning::TIGHT,
        write: park_and_go_on,
    },
    Scenario {
        name: "read-only-between",
        story: "read-only mounts between the others see the same and write nothing",
        covers: &["C7", "oracle 6"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: read_only_between,
    },
    Scenario {
        name: "format-over-old",
        story: "a volume is formatted over another one; the old one never shines through",
        covers: &["C6", "oracle 5"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: format_over_old,
    },
    Scenario {
        name: "mount-or-format",
        story: "a blank chip is formatted by the first mount, cut anywhere",
        covers: &["oracle 15"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: mount_or_format,
    },
    Scenario {
        name: "anchors-run-out",
        story: "so many unclean stops that settling finds the anchor blocks full and erases them",
        covers: &["C3", "C7", "F3"],
        medium: Medium::internal(20),
        tuning: Tuning::DEFAULT,
        write: anchors_run_out,
    },
    Scenario {
        name: "seal-in-doubt",
        story: "a seal that is seen by one mount and not by the next: what a mount acknowledges \
                behind it stays, though an entry of the settling between comes and goes",
        covers: &["C7"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: seal_in_doubt,
    },
    Scenario {
        name: "entry-in-doubt",
        story: "the entries of a settling are read differently by each of the mounts after it",
        covers: &["C3", "C7"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: entry_in_doubt,
    },
    Scenario {
        name: "long-checkpoint",
        story: "so much is pending at a boot that its checkpoint takes two records",
        covers: &["C3", "C4"],
        medium: Medium::nor(16),
        tuning: Tuning::TIGHT,
        write: long_checkpoint,
    },
];

fn reboot_loop(s: &mut Script) {
    s.fresh();
    for n in 0..14 {
        s.replace(&format!("/boot{}", n % 3), &Script::text("boot", n, 50)).reboot();
    }
    s.check();
}

fn settle_loop(s: &mut Script) {
    s.fresh().replace("/kept", b"through many boots");
    for _ in 0..10 {
        s.reboot();
    }
    s.replace("/kept", b"changed at last").reboot().check();
}

fn anchors_run_out(s: &mut Script) {
    s.fresh().replace("/kept", b"through many boots");
    s.quietly(|s| {
        for _ in 0..10 {
            s.reboot();
        }
    });
    s.reboot().reboot().replace("/kept", b"changed at last").reboot().check();
}

fn clean_stop(s: &mut Script) {
    s.fresh();
    for n in 0..8 {
        s.replace(&format!("/clean{}", n % 3), &Script::text("clean", n, 40 * n));
        s.op(Op::Unmount).mount().look();
    }
    s.open(0, "/clean0", Access::WRITE)
        .write(0, 0, b"a draft that the unmount commits")
        .op(Op::Unmount)
        .mount()
        .check();
}

fn park_and_go_on(s: &mut Script) {
    s.fresh();
    for n in 0..10 {
        s.replace(&format!("/p{}", n % 4), &Script::text("park", n, 44 * n)).op(Op::Park);
        if n % 3 == 2 {
            s.op(Op::Park).reboot();
        }
    }
    s.open(0, "/p0", Access::WRITE)
        .write(0, 0, b"drafted while parked")
        .op(Op::Park)
        .remove("/p1")
        .op(Op::Park)
        .reboot()
        .check();
}

fn read_only_between(s: &mut Script) {
    s.fresh();
    for n in 0..5 {
        s.replace("/seen", &Script::text("seen", n, 90))
            .op(if n % 2 == 0 { Op::Cut } else { Op::Unmount })
            .op(Op::Mount { read_only: true })
            .look()
            .op(Op::Cut)
            .op(Op::Mount { read_only: true })
            .check()
            .op(Op::Cut)
            .mount();
    }
    s.check();
}

fn format_over_old(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.mkdir("/old");
        for n in 0..8 {
            s.replace(&format!("/old/{n}"), &Script::text("OLD", n, 100));
        }
        s.op(Op::Unmount);
    });
    s.op(Op::Format).mount().look();
    for n in 0..6 {
        s.replace(&format!("/new{n}"), &Script::text("new", n, 60));
    }
    s.reboot().check();
}

fn mount_or_format(s: &mut Script) {
    s.op(Op::MountOrFormat).replace("/first", b"first").op(Op::Cut);
    s.op(Op::MountOrFormat).look().replace("/second", b"second").op(Op::Unmount);
    s.op(Op::MountOrFormat).check();
}

fn seal_in_doubt(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/kept", b"before the seal");
    });
    for n in 0..6 {
        s.op(Op::Park).quietly(|s| {
            s.reboot().replace("/kept", b"behind the seal").reboot();
            s.replace("/kept", &Script::text("kept", n, 30));
        });
    }
    s.check();
}

fn entry_in_doubt(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/kept", b"in every one of them");
    });
    for _ in 0..3 {
        s.reboot();
    }
    s.check();
}

fn long_checkpoint(s: &mut Script) {
    s.fresh();
    for round in 0..3 {
        // Names lie in the order of their hashes: a part of a checkpoint is no earlier state.
        for n in 0..6 {
            s.replace(&format!("/a-name-of-some-length-{}", 6 * round + n), b"");
        }
        s.reboot().look();
    }
    s.check();
}
