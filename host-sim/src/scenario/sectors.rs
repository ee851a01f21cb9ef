//! Scenarios about media that need no erase, and about internal flash.

use super::{Medium, Scenario, Script, Tuning};
use crate::model::{Access, Op};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "tail-images",
        story: "small commits on a card, many to a sector: the images of the tail alternate, fill \
                up and stay, across journal blocks",
        covers: &["C5", "C4"],
        medium: Medium::cached_card(20),
        tuning: Tuning::TIGHT,
        write: tail_images,
    },
    Scenario {
        name: "large-records",
        story: "records longer than a sector between records that share one: a large one never \
                begins in a sector of the pair that still counts",
        covers: &["C5"],
        medium: Medium::card(24),
        tuning: Tuning::DEFAULT,
        write: large_records,
    },
    Scenario {
        name: "card-full-block",
        story: "everything that is pending is logged again and fills a block of eight sectors; \
                the next record opens another one at once",
        covers: &["C4", "C5"],
        medium: Medium::cached_card(24),
        tuning: Tuning::DEFAULT,
        write: full_block,
    },
    Scenario {
        name: "card-anchors",
        story: "so many retirements that the one entry of each anchor block is programmed over \
                again and again",
        covers: &["C3", "F3"],
        medium: Medium::cached_card(20),
        tuning: Tuning::TIGHT,
        write: anchors,
    },
    Scenario {
        name: "card-settle-loop",
        story: "a card loses its power after every mount, and what its cache held with it",
        covers: &["C6", "C7", "C12"],
        medium: Medium::cached_card(16),
        tuning: Tuning::DEFAULT,
        write: settle_loop,
    },
    Scenario {
        name: "card-park",
        story: "parked, written again, parked and taken away: nothing is ever behind a seal",
        covers: &["C7"],
        medium: Medium::cached_card(16),
        tuning: Tuning::TIGHT,
        write: park,
    },
    Scenario {
        name: "card-format-over-old",
        story: "a card is formatted over a volume whose entries nothing erases",
        covers: &["C6", "oracle 5"],
        medium: Medium::cached_card(24),
        tuning: Tuning::DEFAULT,
        write: format_over_old,
    },
    Scenario {
        name: "card-format-parked",
        story: "a card is formatted over a volume of one session, cut and formatted again: the \
                new volume is of another session",
        covers: &["C6"],
        medium: Medium::card(16),
        tuning: Tuning::DEFAULT,
        write: format_parked,
    },
    Scenario {
        name: "card-format-over-moved",
        story: "a card is formatted over a volume whose journal and root lie far behind the first \
                blocks: nothing of it may be taken for the new one",
        covers: &["C6", "oracle 5"],
        medium: Medium::cached_card(32),
        tuning: Tuning::TIGHT,
        write: format_over_moved,
    },
    Scenario {
        name: "card-format-twice",
        story: "the format of a card is followed by another before anything is written",
        covers: &["C6"],
        medium: Medium::card(16),
        tuning: Tuning::DEFAULT,
        write: format_twice,
    },
    Scenario {
        name: "card-full-disk",
        story: "a card until there is no space, then everything is removed",
        covers: &["C18"],
        medium: Medium::cached_card(16),
        tuning: Tuning::TIGHT,
        write: full_disk,
    },
    Scenario {
        name: "card-tree",
        story: "nodes go over what earlier nodes left, with nothing erased between",
        covers: &["C9", "C12", "C14"],
        medium: Medium::cached_card(32),
        tuning: Tuning::TIGHT,
        write: tree,
    },
    Scenario {
        name: "fram-log",
        story: "counters and events on FRAM, byte by byte, over what was there before",
        covers: &["C5", "C6"],
        medium: Medium::fram(16),
        tuning: Tuning::TIGHT,
        write: fram_log,
    },
    Scenario {
        name: "internal-settings",
        story: "settings on 32 pages of internal flash, words of 8 bytes",
        covers: &["C18", "F3"],
        medium: Medium::internal(32),
        tuning: Tuning::DEFAULT,
        write: internal_settings,
    },
    Scenario {
        name: "internal-smallest",
        story: "a few small files for ever on 20 pages of internal flash, 40 KiB",
        covers: &["C18"],
        medium: Medium::internal(20),
        tuning: Tuning::TIGHT,
        write: internal_smallest,
    },
];

fn tail_images(s: &mut Script) {
    s.fresh();
    for n in 0..60 {
        s.replace(&format!("/t{}", n % 3), &Script::text("tail", n, 4 + n % 40));
        if n % 20 == 19 {
            s.reboot();
        }
    }
    s.check();
}

fn large_records(s: &mut Script) {
    s.fresh();
    for n in 0..24 {
        let len = [10, 448, 440, 30, 430, 20, 448, 0][n % 8];
        s.replace(&format!("/large{}", n % 5), &Script::text("large", n, len));
    }
    s.reboot();
    for n in 0..6 {
        s.replace("/last", &Script::text("last", n, 440));
    }
    s.check();
}

fn full_block(s: &mut Script) {
    s.fresh().quietly(|s| {
        for n in 0..3 {
            s.replace(&format!("/cold{n}"), &Script::text("cold", n, 440));
        }
    });
    for n in 0..30 {
        s.replace("/hot", &Script::text("hot", n, 90 + 7 * n));
        if n % 9 == 8 {
            s.replace(&format!("/cold{}", n % 3), &Script::text("warm", n, 448));
        }
    }
    s.check();
}

fn anchors(s: &mut Script) {
    s.fresh();
    for n in 0..40 {
        s.replace("/filling", &Script::text("fill", n, 440));
    }
    s.reboot().check();
}

fn settle_loop(s: &mut Script) {
    s.fresh().replace("/kept", b"through many boots");
    for n in 0..6 {
        s.reboot();
        if n % 3 == 2 {
            s.open(0, "/kept", Access::WRITE).write(0, 0, b"lost").reboot();
        }
    }
    s.replace("/kept", b"changed at last").reboot().check();
}

fn park(s: &mut Script) {
    s.fresh();
    for n in 0..8 {
        s.replace(&format!("/p{}", n % 3), &Script::text("park", n, 50 * n)).op(Op::Park);
        match n % 4 {
            1 => {
                s.reboot();
            }
            3 => {
                s.op(Op::Unmount).op(Op::Mount { read_only: true }).look().op(Op::Cut).mount();
            }
            _ => {}
        }
    }
    s.check();
}

fn format_over_old(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.mkdir("/old");
        for n in 0..30 {
            s.replace(&format!("/old/{}", n % 8), &Script::text("OLD", n, 300));
        }
        s.op(Op::Cut).mount();
    });
    s.op(Op::Cut).op(Op::Format).mount().look();
    for n in 0..6 {
        s.replace(&format!("/new{n}"), &Script::text("new", n, 60));
    }
    s.reboot().check();
}

fn format_parked(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.mkdir("/old");
        for n in 0..8 {
            s.replace(&format!("/old/{n}"), &Script::text("OLD", n, 100));
        }
        s.op(Op::Unmount);
    });
    s.op(Op::Format).mount().look().replace("/new", b"new").reboot().check();
}

fn format_over_moved(s: &mut Script) {
    let path = |n: usize| format!("/old/{n}");
    s.fresh().quietly(|s| {
        s.mkdir("/old");
        for n in 0..60 {
            s.replace(&path(n % 20), &Script::text("OLD", n, 300));
        }
        s.until_full(|s| {
            for n in 20..60 {
                s.replace(&path(n), &Script::text("OLD", n, 4096));
            }
        });
    });
    s.op(Op::Cut).mount().op(Op::Cut).op(Op::Format).mount().look();
    s.replace("/new", b"new").reboot().check();
}

fn format_twice(s: &mut Script) {
    s.fresh().replace("/first", b"volume").op(Op::Unmount);
    s.op(Op::Format).op(Op::Format).mount().look();
    s.replace("/second", b"volume").reboot().check();
}

fn full_disk(s: &mut Script) {
    let path = |n: usize| format!("/fill{n:03}");
    s.fresh().until_full(|s| {
        for n in 0..28 {
            s.replace(&path(n), &Script::text("full", n, 448));
        }
    });
    s.check();
    for n in 0..28 {
        s.op(Op::Remove(path(n)));
    }
    s.replace("/after", &Script::text("room", 0, 448)).check();
}

fn tree(s: &mut Script) {
    s.fresh().quietly(|s| {
        for n in 0..24 {
            s.replace(&format!("/t{n:03}"), &Script::text("t", n, 200));
        }
    });
    for n in 0..24 {
        s.replace(&format!("/t{:03}", n * 7 % 24), &Script::text("u", n, 330));
        if n % 3 == 0 {
            s.remove(&format!("/t{:03}", n * 7 % 24));
        }
    }
    s.check();
}

fn fram_log(s: &mut Script) {
    s.fresh().mkdir("/log");
    for n in 0..40 {
        s.replace("/counter", n.to_string().as_bytes());
        if n % 4 == 0 {
            s.put(&format!("/log/{:02}", n / 4 % 5), &Script::text("event", n, 60 + n));
        }
        if n % 15 == 14 {
            s.reboot();
        }
    }
    s.check();
}

fn internal_settings(s: &mut Script) {
    s.fresh();
    for n in 0..30 {
        s.put("/settings.new", &Script::text("set", n, 90 + 5 * n));
        s.rename("/settings.new", "/settings");
        s.replace(&format!("/state{}", n % 4), &Script::text("state", n, 30));
        if n % 10 == 9 {
            s.reboot();
        }
    }
    s.check();
}

fn internal_smallest(s: &mut Script) {
    s.fresh();
    for n in 0..40 {
        let len = [200, 40, 300, 100, 0][n % 5];
        s.replace(&format!("/small{}", n % 3), &Script::text("least", n, len));
    }
    s.op(Op::Unmount).mount().check();
}
