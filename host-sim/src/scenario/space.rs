//! Scenarios about space, the journal and wear.

use super::{Medium, Scenario, Script, Tuning};
use crate::model::{Access, Op};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "journal-wraps",
        story: "small commits until journal blocks retire and anchors are rewritten many times",
        covers: &["C3", "C4", "C9", "F3"],
        medium: Medium::nor(20),
        tuning: Tuning::TIGHT,
        write: journal_wraps,
    },
    Scenario {
        name: "anchors-fill",
        story: "so many retirements that an anchor block is full and must be erased",
        covers: &["C3", "F3"],
        medium: Medium::nor(20),
        tuning: Tuning::TIGHT,
        write: anchors_fill,
    },
    Scenario {
        name: "cold-and-hot",
        story: "one hot name while others lie still: their items are logged again, not lost",
        covers: &["C4", "F1", "C9"],
        medium: Medium::nor(20),
        tuning: Tuning::TIGHT,
        write: cold_and_hot,
    },
    Scenario {
        name: "full-disk",
        story: "files until there is no space: refused cleanly, and everything can be removed",
        covers: &["C18", "oracle 15"],
        medium: Medium::nor(16),
        tuning: Tuning::TIGHT,
        write: full_disk,
    },
    Scenario {
        name: "full-and-rewritten",
        story: "on a full disk files are replaced, removed and created again",
        covers: &["C18", "C17"],
        medium: Medium::nor(20),
        tuning: Tuning::DEFAULT,
        write: full_and_rewritten,
    },
    Scenario {
        name: "smallest-volume",
        story: "a little of everything on sixteen blocks",
        covers: &["C18"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: smallest,
    },
    Scenario {
        name: "smallest-wraps",
        story: "journal blocks retire on sixteen blocks, which hold a few small files for ever",
        covers: &["C18", "oracle 15"],
        medium: Medium::nor(16),
        tuning: Tuning::TIGHT,
        write: smallest_wraps,
    },
    Scenario {
        name: "maintain",
        story: "blocks are erased ahead between the calls, and windows opened and used up",
        covers: &["C10", "C11"],
        medium: Medium::nor(32),
        tuning: Tuning::TIGHT,
        write: maintain,
    },
    Scenario {
        name: "reserve",
        story: "erased blocks are kept from call to call, and over clean and unclean stops",
        covers: &["C10", "C11"],
        medium: Medium::nor(48),
        tuning: Tuning::TIGHT,
        write: reserve,
    },
    Scenario {
        name: "chunks-ahead",
        story: "the same where 16 blocks are erased with one command",
        covers: &["C10", "C11"],
        medium: Medium::nor(144),
        tuning: Tuning::TIGHT,
        write: chunks_ahead,
    },
    Scenario {
        name: "level",
        story: "cold chunks are moved to worn ones, between calls and in their ends",
        covers: &["C10", "C11", "F2", "oracle 13"],
        medium: Medium::nor(192),
        tuning: Tuning::DEFAULT,
        write: level,
    },
    Scenario {
        name: "renewed",
        story: "sessions inherit the blocks of the journal, and put erased ones in their place",
        covers: &["C4", "oracle 13"],
        medium: Medium::nor(128),
        tuning: Tuning::DEFAULT,
        write: renewed,
    },
    Scenario {
        name: "renewed-in-doubt",
        story: "a cut leaves it open which block is the spare one",
        covers: &["C4"],
        medium: Medium::nor(128),
        tuning: Tuning::DEFAULT,
        write: renewed_in_doubt,
    },
    Scenario {
        name: "cached-journal",
        story: "commits on a chip whose cache loses and reorders what was not flushed",
        covers: &["C12", "C6"],
        medium: Medium::cached(16),
        tuning: Tuning::TIGHT,
        write: cached_journal,
    },
    Scenario {
        name: "cached-tree",
        story: "folds and retirements on a chip whose cache loses and reorders",
        covers: &["C12", "C9"],
        medium: Medium::cached(32),
        tuning: Tuning::TIGHT,
        write: cached_tree,
    },
    Scenario {
        name: "cached-boots",
        story: "boots on such a chip: a superblock copy must not be lost while its entry is kept",
        covers: &["C12", "C7"],
        medium: Medium::cached(16),
        tuning: Tuning::TIGHT,
        write: cached_boots,
    },
    Scenario {
        name: "cached-maintain",
        story: "blocks are erased ahead on such a chip: what is called erased is",
        covers: &["C12", "C10"],
        medium: Medium::cached(32),
        tuning: Tuning::TIGHT,
        write: maintain,
    },
    Scenario {
        name: "spilled-aside",
        story: "a draft that goes to the log early, in and before space that was set aside to \
                stay: given up, committed, cut",
        covers: &["C16", "C17"],
        medium: Medium::nor(96),
        tuning: Tuning::TIGHT,
        write: spilled_aside,
    },
];

fn journal_wraps(s: &mut Script) {
    s.fresh();
    for n in 0..70 {
        let len = [400, 40, 448, 200, 0][n % 5];
        s.replace(&format!("/small{}", n % 4), &Script::text("wrap", n, len));
    }
    s.check();
}

fn anchors_fill(s: &mut Script) {
    s.fresh().quietly(|s| {
        for n in 0..400 {
            s.replace("/filling", &Script::text("fill", n, 440));
        }
    });
    for n in 400..560 {
        if n % 4 == 0 {
            s.replace("/filling", &Script::text("fill", n, 440));
        } else {
            s.quietly(|s| {
                s.replace("/filling", &Script::text("fill", n, 440));
            });
        }
    }
    s.check();
}

fn cold_and_hot(s: &mut Script) {
    s.fresh().quietly(|s| {
        for n in 0..12 {
            s.replace(&format!("/cold{n:02}"), &Script::text("cold", n, 60));
        }
    });
    for n in 0..50 {
        s.replace("/hot", &Script::text("hot", n, 350 + n));
        if n % 10 == 9 {
            s.reboot();
        }
    }
    s.check();
}

fn full_disk(s: &mut Script) {
    let path = |n: usize| format!("/fill{n:03}");
    s.fresh().until_full(|s| {
        for n in 0..30 {
            s.replace(&path(n), &Script::text("full", n, 448));
        }
    });
    s.check();
    for n in 0..30 {
        s.op(Op::Remove(path(n)));
    }
    s.check();
    for n in 0..6 {
        s.replace("/after", &Script::text("room", n, 448));
    }
    s.check();
}

fn full_and_rewritten(s: &mut Script) {
    let path = |n: usize| format!("/r{n:03}");
    s.fresh().quietly(|s| {
        s.until_full(|s| {
            for n in 0..40 {
                s.replace(&path(n), &Script::text("first", n, 430));
            }
        });
    });
    s.until_full(|s| {
        for n in 0..39 {
            s.op(Op::Remove(path(n)));
            s.replace(&path(n + 1), &Script::text("second", n, 440));
        }
    });
    s.check();
}

fn smallest(s: &mut Script) {
    s.fresh().mkdir("/d");
    for n in 0..8 {
        s.put(&format!("/d/f{}", n % 3), &Script::text("small", n, 60 * n))
            .rename(&format!("/d/f{}", n % 3), &format!("/g{}", n % 2))
            .replace("/state", &Script::text("state", n, 33));
    }
    s.reboot().remove("/g0").remove("/state").check().op(Op::Unmount).mount().check();
}

fn smallest_wraps(s: &mut Script) {
    s.fresh();
    for n in 0..40 {
        let len = [400, 40, 448, 200, 0][n % 5];
        s.replace(&format!("/small{}", n % 3), &Script::text("least", n, len));
    }
    s.check();
}

fn maintain(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.mkdir("/m");
        for n in 0..12 {
            s.replace(&format!("/m/{n}"), &Script::text("m", n, 90));
        }
    });
    for n in 0..12 {
        s.op(Op::Maintain(2));
        for k in 0..3 {
            let n = (n * 3 + k) % 12;
            s.replace(&format!("/m/{n}"), &Script::text("again", n, 200));
        }
        if n % 6 == 5 {
            s.reboot();
        }
    }
    s.op(Op::Maintain(50)).check();
}

fn reserve(s: &mut Script) {
    s.fresh();
    for n in 0..10 {
        s.replace(&format!("/large{}", n % 3), &Script::text("large", n, 3000 + 900 * n));
        s.replace(&format!("/small{}", n % 4), &Script::text("small", n, 400));
        match n % 5 {
            1 => s.op(Op::Park),
            2 => s.op(Op::Unmount).mount(),
            4 => s.reboot(),
            _ => s,
        };
    }
    s.check();
}

fn chunks_ahead(s: &mut Script) {
    s.fresh().quietly(|s| {
        for n in 0..12 {
            s.replace(&format!("/cold{n}"), &Script::text("cold", n, 430));
        }
    });
    for n in 0..6 {
        s.replace("/hot", &Script::text("hot", n, 9000 + 4000 * n));
        if n % 2 == 1 {
            s.op(Op::Unmount).mount();
        }
    }
    s.reboot().replace("/last", &Script::text("last", 0, 5000)).check();
}

fn level(s: &mut Script) {
    let hot = |s: &mut Script, n: usize| {
        s.replace("/hot", &Script::text("hot", n, 24_000));
    };
    s.fresh().quietly(|s| {
        for n in 0..4 {
            s.replace(&format!("/cold{n}"), &Script::text("cold", n, 62_000 + 3000 * n));
        }
        for n in 0..110 {
            hot(s, n);
        }
        // The session after these begins with a move that is due.
        for n in 0..14 {
            s.reboot();
            hot(s, 110 + n);
        }
        s.reboot();
        for n in 0..7 {
            hot(s, 200 + n);
        }
    });
    for n in 7..12 {
        hot(s, 200 + n);
        if n == 8 {
            s.replace("/cold0", &Script::text("warm", 0, 5000));
        }
    }
    s.op(Op::Maintain(3)).replace("/hot", b"at rest").check();
}

fn renewed(s: &mut Script) {
    let small = |s: &mut Script, n: usize| {
        s.replace(&format!("/r{}", n % 5), &Script::text("renewed", n, 300 + 40 * n));
    };
    s.fresh().quietly(|s| {
        for n in 0..12 {
            small(s, n);
        }
        s.op(Op::Maintain(2));
    });
    for session in 0..3 {
        s.reboot();
        for n in 0..8 {
            small(s, 12 + 8 * session + n);
        }
    }
    s.op(Op::Maintain(2)).replace("/r0", b"at rest").check();
}

fn renewed_in_doubt(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/kept", b"in every one of them").op(Op::Maintain(2)).reboot();
    });
    s.replace("/during", b"a block of the reserve is the spare one").check();
}

fn cached_journal(s: &mut Script) {
    s.fresh();
    for n in 0..24 {
        s.replace(&format!("/c{}", n % 3), &Script::text("cached", n, 150 + 10 * n));
        if n % 8 == 7 {
            s.reboot();
        }
    }
    s.put("/last", b"closed").op(Op::Park).rename("/last", "/renamed").check();
}

fn cached_tree(s: &mut Script) {
    s.fresh().quietly(|s| {
        for n in 0..20 {
            s.replace(&format!("/t{n:03}"), &Script::text("t", n, 120));
        }
    });
    for n in 0..14 {
        s.replace(&format!("/t{:03}", n * 7 % 20), &Script::text("u", n, 300));
        s.remove(&format!("/t{:03}", n * 7 % 20));
    }
    s.check();
}

fn cached_boots(s: &mut Script) {
    s.fresh().replace("/kept", b"through many boots");
    s.reboot().reboot().check();
}

fn spilled_aside(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/old", &Script::text("OLD", 0, 60_000)).remove("/old").op(Op::Maintain(0));
        s.replace("/log", &Script::text("log", 0, 1000));
    });
    let pieces = |s: &mut Script, from: usize, to: usize| {
        for n in from..to {
            s.write(0, 1000 + 8192 * n as u64, &Script::text("spill", n, 700));
        }
    };
    s.open(0, "/log", Access::WRITE).quietly(|s| {
        s.op(Op::Allocate(0, 0, 28_000, true)).op(Op::Allocate(0, 200_000, 12_000, true));
        pieces(s, 0, 9);
    });
    pieces(s, 9, 11);
    s.quietly(|s| pieces(s, 11, 17));
    // The second time that it goes to the log.
    pieces(s, 17, 20);
    s.op(Op::Read(0)).op(Op::Check).op(Op::Discard(0)).op(Op::Read(0)).op(Op::Check);
    s.mkdir("/d").mkdir("/e").op(Op::Check);
    s.quietly(|s| pieces(s, 0, 20));
    s.op(Op::SyncFile(0)).op(Op::Read(0)).close(0).check();
    s.open(0, "/log", Access::WRITE)
        .write(0, 201_000, &Script::text("set aside", 0, 5000))
        .op(Op::SyncFile(0))
        .op(Op::SetLen(0, 210_000))
        .op(Op::Read(0))
        .close(0)
        .reboot();
    s.op(Op::Truncate("/log".into(), 9000)).mkdir("/f").mkdir("/g").check();
}
