//! Scenarios about contents that are more than one item: in blocks, with tails, drafts and holes.

use super::{Medium, Scenario, Script, Tuning};
use crate::model::{Access, Op};
use fs_core::error::Error;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "append-records",
        story: "records are appended and synchronised one by one: across units, blocks and reboots",
        covers: &["C1", "oracle 2"],
        medium: Medium::nor(32),
        tuning: Tuning::DEFAULT,
        write: append_records,
    },
    Scenario {
        name: "tail-coalesced",
        story: "very small appends fill the tail of a file with items until they are one again",
        covers: &["C1", "C19"],
        medium: Medium::nor(24),
        tuning: Tuning::TIGHT,
        write: tail_coalesced,
    },
    Scenario {
        name: "grow-through",
        story: "a file grows from nothing over one item to many blocks, and shrinks again",
        covers: &["C2", "C19"],
        medium: Medium::nor(40),
        tuning: Tuning::DEFAULT,
        write: grow_through,
    },
    Scenario {
        name: "overwrite-inside",
        story: "bytes inside a file are overwritten: the old or the new ones, never a mix",
        covers: &["C16", "oracle 3"],
        medium: Medium::nor(40),
        tuning: Tuning::DEFAULT,
        write: overwrite_inside,
    },
    Scenario {
        name: "patched-inside",
        story: "a few bytes here and there, synchronised one by one over reboots, until patch \
                blocks are full and give way",
        covers: &["C16", "oracle 3", "oracle 15"],
        medium: Medium::nor(40),
        tuning: Tuning::TIGHT,
        write: patched_inside,
    },
    Scenario {
        name: "patched-and-cut",
        story: "what was patched goes with what is cut off or written whole, and never comes back",
        covers: &["C2", "C16", "oracle 5"],
        medium: Medium::nor(48),
        tuning: Tuning::DEFAULT,
        write: patched_and_cut,
    },
    Scenario {
        name: "patched-and-discarded",
        story: "overwrites are given up after they were programmed, and others take their place",
        covers: &["C16", "oracle 8"],
        medium: Medium::nor(40),
        tuning: Tuning::DEFAULT,
        write: patched_and_discarded,
    },
    Scenario {
        name: "set-aside",
        story: "space that was set aside is written to, given up, written to again, and goes; on \
                a used chip, over reboots",
        covers: &["C2", "C17", "oracle 5", "oracle 15"],
        medium: Medium::nor(48),
        tuning: Tuning::DEFAULT,
        write: set_aside,
    },
    Scenario {
        name: "cut-and-regrown",
        story: "what a truncation cut off a large file never comes back",
        covers: &["C2", "C17", "oracle 5"],
        medium: Medium::nor(40),
        tuning: Tuning::TIGHT,
        write: cut_and_regrown,
    },
    Scenario {
        name: "sparse",
        story: "writes far behind the end leave holes that read as zero, also on a used chip",
        covers: &["C2", "oracle 5"],
        medium: Medium::nor(40),
        tuning: Tuning::DEFAULT,
        write: sparse,
    },
    Scenario {
        name: "two-handles-large",
        story: "two handles write one large file in turns and see one content",
        covers: &["C8"],
        medium: Medium::nor(40),
        tuning: Tuning::DEFAULT,
        write: two_handles_large,
    },
    Scenario {
        name: "rename-large-draft",
        story: "a large file is written and renamed without sync: its content is whole under one \
                name or the other",
        covers: &["C13"],
        medium: Medium::nor(48),
        tuning: Tuning::DEFAULT,
        write: rename_large_draft,
    },
    Scenario {
        name: "remove-open-large",
        story: "a large file is removed while it is written and read, and goes bit by bit",
        covers: &["C17"],
        medium: Medium::nor(40),
        tuning: Tuning::TIGHT,
        write: remove_open_large,
    },
    Scenario {
        name: "full-of-large",
        story: "large files until there is no space; removing them gives all of it back",
        covers: &["C17", "C18", "oracle 15"],
        medium: Medium::nor(40),
        tuning: Tuning::TIGHT,
        write: full_of_large,
    },
    Scenario {
        name: "replace-large",
        story: "contents of any size replace one another, whole",
        covers: &["C13", "oracle 3"],
        medium: Medium::nor(48),
        tuning: Tuning::DEFAULT,
        write: replace_large,
    },
    Scenario {
        name: "spilled-drafts",
        story: "a draft with many holes goes to the log before its commit, and a cut leaves \
                nothing of it",
        covers: &["C16", "C17"],
        medium: Medium::nor(48),
        tuning: Tuning::TIGHT,
        write: spilled_drafts,
    },
    Scenario {
        name: "large-drafts-synced",
        story: "a volume sync commits several large drafts, each whole or not at all",
        covers: &["C13", "oracle 2"],
        medium: Medium::nor(48),
        tuning: Tuning::DEFAULT,
        write: large_drafts_synced,
    },
    Scenario {
        name: "discarded-tail",
        story: "an append is given up after it was programmed, and another one takes its place",
        covers: &["C1", "oracle 8"],
        medium: Medium::nor(32),
        tuning: Tuning::DEFAULT,
        write: discarded_tail,
    },
    Scenario {
        name: "cached-content",
        story: "large contents on a chip whose cache loses and reorders what was not flushed",
        covers: &["C12", "C1"],
        medium: Medium::cached(40),
        tuning: Tuning::TIGHT,
        write: cached_content,
    },
    Scenario {
        name: "random-content",
        story: "two files are written, cut, grown, given up and replaced, as a seed says",
        covers: &["C1", "C2", "C16", "oracle 1"],
        medium: Medium::nor(63),
        tuning: Tuning::TIGHT,
        write: random_content,
    },
    Scenario {
        name: "too-large-a-draft",
        story: "overwrites in so many places that one commit cannot take them: refused, and the \
                rest of the draft is as good as before",
        covers: &["C16"],
        medium: Medium::nor(63),
        tuning: Tuning::DEFAULT,
        write: too_large_a_draft,
    },
    Scenario {
        name: "no-draft-left",
        story: "more files are written at once than there are drafts: refused until one is \
                committed, closed or given up",
        covers: &["C8"],
        medium: Medium::nor(40),
        tuning: Tuning::DEFAULT,
        write: no_draft_left,
    },
    Scenario {
        name: "card-content",
        story: "appends, overwrites and cuts of contents in units of a sector, on a card with a \
                cache",
        covers: &["C1", "C12"],
        medium: Medium::cached_card(40),
        tuning: Tuning::TIGHT,
        write: card_content,
    },
    Scenario {
        name: "cut-after-overwrites",
        story: "a file with a long name is overwritten in as many places as one commit takes, and \
                then cut within one of them: the commit still fits into one record",
        covers: &["C19"],
        medium: Medium::nor(48),
        tuning: Tuning::DEFAULT,
        write: cut_after_overwrites,
    },
    Scenario {
        name: "card-long-name",
        story: "content in sectors, of a file with a long name, after a boot: the tail and the \
                name share a record, or the tail goes into its block",
        covers: &["C19"],
        medium: Medium::card(40),
        tuning: Tuning::DEFAULT,
        write: card_long_name,
    },
];

fn append_records(s: &mut Script) {
    s.fresh();
    let mut at = 0;
    for n in 0..34 {
        let record = Script::text("record", n, if n % 5 == 4 { 900 } else { 70 });
        s.open(0, "/log", Access::CREATE).write(0, at, &record).op(Op::SyncFile(0));
        at += record.len() as u64;
        s.close(0);
        if n % 9 == 8 {
            s.reboot();
        }
    }
    s.check();
}

fn tail_coalesced(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/t", &Script::text("base", 0, 4090));
    });
    s.open(0, "/t", Access::WRITE);
    let mut at = 4090;
    for n in 0..32 {
        let piece = Script::text("t", n, 1 + n % 7);
        s.write(0, at, &piece).op(Op::SyncFile(0));
        at += piece.len() as u64;
        if n == 20 {
            s.op(Op::SetLen(0, at - 3)).op(Op::SyncFile(0));
            at -= 3;
        }
    }
    s.close(0).check();
}

fn grow_through(s: &mut Script) {
    s.fresh().open(0, "/g", Access::CREATE);
    for (n, len) in [100, 300, 80, 700, 3000, 5000, 9000].into_iter().enumerate() {
        let at = [0, 100, 400, 440, 1100, 4096, 9000][n];
        s.write(0, at, &Script::text("grow", n, len)).op(Op::Read(0)).op(Op::SyncFile(0));
    }
    for len in [12000, 4096, 1000, 448, 100, 0] {
        s.op(Op::SetLen(0, len)).op(Op::SyncFile(0)).op(Op::Read(0));
    }
    s.write(0, 0, b"small again").close(0).check();
}

fn overwrite_inside(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/o", &Script::text("first", 0, 14_000));
    });
    for (n, at) in [0, 5000, 4090, 8191, 13_990, 256, 12_288].into_iter().enumerate() {
        s.open(0, "/o", Access::WRITE)
            .write(0, at, &Script::text("over", n, 100 + 90 * n))
            .op(Op::Read(0))
            .op(Op::SyncFile(0))
            .write(0, at / 2, &Script::text("twice", n, 30))
            .write(0, at / 2 + 600, &Script::text("thrice", n, 300))
            .close(0);
        if n % 3 == 2 {
            s.reboot();
        }
    }
    s.check();
}

fn patched_inside(s: &mut Script) {
    let length = 22_000;
    s.fresh().quietly(|s| {
        s.replace("/p", &Script::text("whole", 0, length));
        // Several sessions leave a patch block in part.
        for n in 0..3 {
            s.open(0, "/p", Access::WRITE)
                .write(0, 300 + 2000 * n as u64, &Script::text("early", n, 700))
                .close(0)
                .reboot();
        }
    });
    s.open(0, "/p", Access::WRITE);
    for n in 0..26 {
        let at = (n * 7919 + 5) % (length - 400);
        s.write(0, at as u64, &Script::text("patch", n, 40 + n * 11 % 250)).op(Op::SyncFile(0));
        if n % 8 == 7 {
            s.op(Op::Read(0)).close(0).reboot().open(0, "/p", Access::WRITE);
        }
    }
    s.close(0).check();
}

fn patched_and_cut(s: &mut Script) {
    let patches = [200, 4400, 5100, 9000, 12_600];
    for (round, cut) in [4096, 5050, 9000, 0].into_iter().enumerate() {
        if round == 0 {
            s.fresh();
        }
        s.quietly(|s| {
            s.replace("/q", &Script::text("before", round, 16_000));
            s.open(0, "/q", Access::WRITE);
            for at in patches {
                s.write(0, at, b"PATCHED").op(Op::SyncFile(0));
            }
            s.close(0);
        });
        s.op(Op::Truncate("/q".into(), cut))
            .open(0, "/q", Access::WRITE)
            .write(0, 13_000, b"behind what was cut off")
            .op(Op::Read(0))
            .op(Op::SyncFile(0))
            .write(0, 100, b"patched again")
            .write(0, 8192, &Script::text("a block", round, 4096))
            .op(Op::Read(0))
            .close(0);
        if round % 2 == 1 {
            s.reboot();
        }
    }
    s.remove("/q").quietly(|s| {
        s.replace("/r", &Script::text("other", 0, 8192));
    });
    for n in 0..2 {
        s.open(0, "/r", Access::WRITE)
            .write(0, 700, b"all of its patches")
            .op(Op::SyncFile(0))
            .write(0, 0, &Script::text("a block", n, 4096))
            .op(Op::SyncFile(0))
            .close(0);
    }
    s.check();
}

fn patched_and_discarded(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/d", &Script::text("kept", 0, 20_000));
    });
    s.open(0, "/d", Access::WRITE);
    for n in 0..6 {
        let at = 500 + 3000 * n as u64;
        s.write(0, at, &Script::text("DISCARDED", n, 120))
            .write(0, at + 1000, &Script::text("DISCARDED TOO", n, 90))
            .op(Op::Discard(0))
            .write(0, at, &Script::text("second", n, 100))
            .write(0, 18_000, &Script::text("counter", n, 8))
            .op(Op::SyncFile(0));
    }
    s.op(Op::Read(0)).close(0).reboot().check();
}

fn set_aside(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/old", &Script::text("OLD", 0, 60_000)).remove("/old").op(Op::Maintain(0));
        s.op(Op::Maintain(0)).op(Op::Maintain(0));
    });
    s.open(0, "/p", Access::CREATE)
        .op(Op::Allocate(0, 0, 24_000, true))
        .write(0, 0, &Script::text("first", 0, 3000))
        .op(Op::SyncFile(0))
        .write(0, 3000, &Script::text("GIVEN UP", 0, 6000))
        .op(Op::Discard(0))
        .write(0, 3000, &Script::text("second", 0, 1500))
        .op(Op::SyncFile(0))
        .write(0, 17_000, &Script::text("behind a gap", 0, 700))
        .op(Op::Read(0))
        .close(0)
        .reboot();
    s.open(0, "/p", Access::WRITE)
        .write(0, 8192, &Script::text("in the gap", 0, 900))
        .op(Op::SyncFile(0))
        .op(Op::SetLen(0, 23_000))
        .op(Op::Read(0))
        .write(0, 20_600, b"across the sessions")
        .close(0)
        .look();
    s.open(1, "/q", Access::CREATE)
        .write(1, 0, b"small")
        .op(Op::Allocate(1, 0, 20_000, false))
        .write(1, 5, &Script::text("grows", 0, 5000))
        .op(Op::SyncFile(1))
        .write(1, 5005, &Script::text("drafted", 0, 4000))
        .mkdir("/d")
        .close(1)
        .mkdir("/e")
        .op(Op::Truncate("/q".into(), 4000))
        .mkdir("/f")
        .reboot();
    s.op(Op::Truncate("/p".into(), 9000)).remove("/q").mkdir("/g").mkdir("/h").check();
}

fn cut_and_regrown(s: &mut Script) {
    let secret = |n| Script::text("SECRET", n, 13_000);
    s.fresh();
    for (n, (cut, at)) in
        [(50, 200), (4096, 9000), (5000, 5000), (300, 8200), (0, 12_300)].into_iter().enumerate()
    {
        s.quietly(|s| {
            s.replace("/c", &secret(n));
        });
        s.op(Op::Truncate("/c".into(), cut))
            .op(Op::Truncate("/c".into(), 12_500))
            .open(0, "/c", Access::WRITE)
            .op(Op::Read(0))
            .write(0, at, b"behind what was cut off")
            .op(Op::Read(0))
            .close(0)
            .open(0, "/c", Access::WRITE)
            .op(Op::SetLen(0, cut + 7))
            .op(Op::SetLen(0, 11_000))
            .write(0, at + 700, b"in one draft")
            .op(Op::Read(0))
            .close(0);
        if n % 2 == 1 {
            s.reboot();
        }
    }
    s.check();
}

fn sparse(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/old", &Script::text("OLD", 0, 30_000)).op(Op::Remove("/old".into()));
    });
    s.open(0, "/s", Access::CREATE);
    for (n, at) in [9000, 700, 20_000, 4000, 24_576, 16_384].into_iter().enumerate() {
        s.write(0, at, &Script::text("sparse", n, 300)).op(Op::Read(0)).op(Op::SyncFile(0));
    }
    s.close(0).reboot();
    s.open(0, "/s", Access::WRITE)
        .op(Op::SetLen(0, 40_000))
        .write(0, 39_000, b"the end")
        .op(Op::Read(0))
        .close(0)
        .check();
}

fn two_handles_large(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/shared", &Script::text("one", 0, 6000));
    });
    for round in 0..3 {
        let text = Script::text("two", round, 700);
        s.open(0, "/shared", Access::WRITE)
            .open(1, "/shared", Access::WRITE)
            .write(0, 6000, &text)
            .op(Op::Read(1))
            .write(1, 100, &text)
            .op(Op::Read(0))
            .op(Op::SyncFile(1))
            .write(0, 6500, &text)
            .write(1, 7000, &text)
            .close(0)
            .op(Op::Read(1))
            .close(1);
    }
    s.check();
}

fn rename_large_draft(s: &mut Script) {
    s.fresh().mkdir("/d");
    for version in 0..4 {
        let text = Script::text("draft", version, 3000 + 2500 * version);
        s.open(0, "/new", Access::REWRITE)
            .write(0, 0, &text)
            .rename("/new", "/d/old")
            .look()
            .write(0, 10, b"after the rename")
            .op(Op::SyncFile(0))
            .close(0);
    }
    s.check();
}

fn remove_open_large(s: &mut Script) {
    s.fresh();
    for round in 0..3 {
        s.replace("/victim", &Script::text("gone", round, 9000))
            .open(0, "/victim", Access::WRITE)
            .write(0, 9000, &Script::text("more", round, 3000))
            .remove("/victim")
            .op(Op::Read(0))
            .write(0, 5000, b"written after the removal")
            .op(Op::Read(0))
            .replace("/victim", &Script::text("other", round, 600))
            .op(Op::Read(0))
            .close(0)
            .remove("/victim");
    }
    s.replace("/victim", &Script::text("left", 9, 9000));
    s.open(0, "/victim", Access::READ).remove("/victim").reboot().check();
}

fn full_of_large(s: &mut Script) {
    let path = |n: usize| format!("/fill{n:02}");
    s.fresh().quietly(|s| {
        s.until_full(|s| {
            for n in 0..5 {
                s.replace(&path(n), &Script::text("full", n, 20_000));
            }
        });
    });
    s.until_full(|s| {
        for n in 5..9 {
            s.replace(&path(n), &Script::text("full", n, 9000));
        }
    });
    s.check();
    for n in 0..9 {
        s.op(Op::Remove(path(n)));
    }
    s.check();
    for n in 0..4 {
        s.replace("/after", &Script::text("room", n, 14_000));
    }
    s.check();
}

fn replace_large(s: &mut Script) {
    s.fresh();
    for (n, len) in [9000, 400, 12_000, 449, 0, 4096, 20_000, 256, 8192].into_iter().enumerate() {
        s.replace(&format!("/r{}", n % 2), &Script::text("replace", n, len));
    }
    s.reboot().check();
}

fn spilled_drafts(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/log", &Script::text("log", 0, 1000));
    });
    // No two of them lie side by side in the file, so each is a run of its own.
    let pieces = |s: &mut Script, from: usize, to: usize| {
        for n in from..to {
            s.write(0, 1000 + 8192 * n as u64, &Script::text("spill", n, 700));
        }
    };
    s.open(0, "/log", Access::WRITE).quietly(|s| pieces(s, 0, 5));
    pieces(s, 5, 9);
    s.op(Op::Read(0)).op(Op::Check).op(Op::Discard(0)).op(Op::Read(0)).op(Op::Check);
    s.quietly(|s| pieces(s, 0, 9));
    s.op(Op::SyncFile(0)).close(0).check();
    s.open(0, "/log", Access::REWRITE).quietly(|s| pieces(s, 0, 5));
    pieces(s, 5, 9);
    s.reboot().check();
}

fn large_drafts_synced(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/a", &Script::text("a", 0, 3000)).replace("/b", b"old b");
    });
    for round in 0..3 {
        s.open(0, "/a", Access::WRITE)
            .open(1, "/b", Access::WRITE)
            .write(0, 2000, &Script::text("a", round, 2000))
            .write(1, 0, &Script::text("b", round, 1500))
            .write(0, 4000, &Script::text("c", round, 2000))
            .write(1, 1500, &Script::text("d", round, 5000))
            .op(Op::Sync)
            .look()
            .op(Op::SetLen(0, 700))
            .op(Op::Sync)
            .close(0)
            .close(1);
    }
    s.check();
}

fn discarded_tail(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.put("/t", &Script::text("kept", 0, 1000));
    });
    for round in 0..4 {
        s.open(0, "/t", Access::WRITE)
            .write(0, 1000, &Script::text("DISCARDED", round, 1500))
            .op(Op::Discard(0))
            .write(0, 1000, &Script::text("second", round, 900))
            .op(Op::SyncFile(0))
            .op(Op::SetLen(0, 1000))
            .close(0);
    }
    s.check();
}

fn cached_content(s: &mut Script) {
    s.fresh();
    for n in 0..5 {
        s.replace("/c", &Script::text("cached", n, 3000 + 1500 * n))
            .open(0, "/log", Access::CREATE)
            .write(0, 400 * n as u64, &Script::text("log", n, 400))
            .close(0)
            .open(0, "/c", Access::WRITE)
            .write(0, 1000, &Script::text("over", n, 200))
            .close(0);
        if n % 2 == 1 {
            s.reboot();
        }
    }
    s.op(Op::Truncate("/c".into(), 2000)).op(Op::Park).check();
}

/// A block of the smallest kind: a write that does not cross one happens or does not.
const PIECE: u64 = 2048;

fn random_content(s: &mut Script) {
    s.fresh().quietly(|s| {
        for n in 0..24 {
            s.replace(&format!("/p{n:02}"), &Script::text("p", n, 3900));
        }
        for n in (0..24).filter(|n| n % 4 < 2) {
            s.remove(&format!("/p{n:02}"));
        }
    });
    let paths = ["/x", "/y"];
    s.open(0, "/x", Access::CREATE).open(1, "/y", Access::CREATE);
    for n in 0..60 {
        let which = s.rng.index(2);
        let slot = u8::try_from(which).unwrap_or(0);
        let at = [0, 700, 2000, 4096, 6000, 9000, 12_000][s.rng.index(7)] + s.rng.below(300);
        match s.rng.below(16) {
            0 => s.op(Op::SetLen(slot, at)),
            1 => s.op(Op::SetLen(slot, at / 4)),
            2 => s.op(Op::Discard(slot)),
            3 => {
                s.replace(paths[which], &Script::text("whole", n, usize::try_from(at).unwrap_or(0)))
            }
            4 => s.op(Op::Sync),
            5 => s.op(Op::Read(slot)),
            6 => s.close(slot).open(slot, paths[which], Access::WRITE),
            7 if n % 3 == 0 => {
                s.reboot().open(0, "/x", Access::CREATE).open(1, "/y", Access::CREATE)
            }
            8 | 9 => s.op(Op::SyncFile(slot)),
            _ => {
                let most = PIECE - at % PIECE;
                let len = [20, 300, PIECE][s.rng.index(3)].min(most);
                let text = Script::text("r", n, usize::try_from(len).unwrap_or(0));
                s.up_to(Error::DraftTooBig, |s| {
                    s.write(slot, at, &text);
                })
            }
        };
    }
    s.op(Op::Read(0)).op(Op::Read(1)).check().op(Op::Sync).check();
}

fn too_large_a_draft(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/o", &Script::text("first", 0, 90_000));
    });
    s.open(0, "/o", Access::WRITE);
    for round in 0..2 {
        s.quietly(|s| {
            for n in 0..5 {
                s.write(0, 8192 * n + 100, &Script::text("over", round, 900));
            }
        });
        s.up_to(Error::DraftTooBig, |s| {
            for n in 5..11 {
                s.write(0, 8192 * n + 100, &Script::text("over", round, 900));
            }
        });
        s.op(Op::Read(0)).op(Op::Check).op(Op::SyncFile(0)).look();
    }
    s.close(0).check();
}

fn no_draft_left(s: &mut Script) {
    let path = |n: u8| format!("/n{n}");
    s.fresh();
    for n in 0..4 {
        s.open(n, &path(n), Access::CREATE);
    }
    for round in 0..3 {
        for n in 0..3 {
            s.write(n, 0, &Script::text("draft", round, 600 + 900 * usize::from(n)));
        }
        let text = Script::text("late", round, 700);
        s.up_to(Error::NoDraft, |s| {
            s.write(3, 0, &text);
        });
        match round {
            0 => s.op(Op::SyncFile(1)),
            1 => s.op(Op::Discard(1)),
            _ => s.close(1).open(1, &path(1), Access::WRITE),
        };
        s.write(3, 500, &text).op(Op::Sync).look();
    }
    s.check();
}

fn card_content(s: &mut Script) {
    s.fresh();
    for n in 0..4 {
        let text = |len| Script::text("card", n, len);
        s.replace("/c", &text(2500 + 2000 * n))
            .open(0, "/log", Access::CREATE)
            .write(0, 700 * n as u64, &text(700))
            .op(Op::SyncFile(0))
            .write(0, 700 * n as u64 + 700, &text(90))
            .close(0)
            .open(0, "/c", Access::WRITE)
            .write(0, 1000, &text(200))
            .op(Op::SetLen(0, 2200))
            .write(0, 4000, &text(700))
            .op(Op::Read(0))
            .close(0);
        if n % 2 == 1 {
            s.reboot();
        }
    }
    s.op(Op::Truncate("/c".into(), 600)).op(Op::Park).check();
}

fn cut_after_overwrites(s: &mut Script) {
    let path = format!("/{}", "n".repeat(250));
    s.fresh().quietly(|s| {
        s.replace(&path, &Script::text("first", 0, 60_000)).open(0, &path, Access::WRITE);
        let mut at = 60_000;
        for n in 0..7 {
            let piece = Script::text("tail", n, 5);
            s.write(0, at, &piece).op(Op::SyncFile(0));
            at += 5;
        }
    });
    for round in 0..2 {
        s.quietly(|s| {
            s.up_to(Error::DraftTooBig, |s| {
                for n in 0..6 {
                    s.write(0, 8192 * n + 300, &Script::text("over", round, 900));
                }
            });
        });
        s.op(Op::SetLen(0, 24_576 + 400)).op(Op::Read(0)).op(Op::SyncFile(0)).look();
        s.quietly(|s| {
            s.op(Op::SetLen(0, 0)).op(Op::SyncFile(0));
            for n in 0..15 {
                s.write(0, 4000 * n, &Script::text("again", round, 4000));
            }
            s.op(Op::SyncFile(0));
        });
    }
    s.close(0).check();
}

fn card_long_name(s: &mut Script) {
    let path = format!("/{}", "n".repeat(250));
    s.fresh().replace(&path, &Script::text("first", 0, 9000)).reboot();
    s.open(0, &path, Access::WRITE);
    for n in 0..4 {
        s.write(0, 9000 + 700 * n, &Script::text("more", 0, 700)).op(Op::SyncFile(0));
        s.write(0, 1000 * n, &Script::text("over", 1, 90)).op(Op::Read(0)).op(Op::SyncFile(0));
    }
    s.op(Op::SetLen(0, 5000)).write(0, 9000, b"behind a gap").op(Op::SyncFile(0));
    s.close(0).check();
}
