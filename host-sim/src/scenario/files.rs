//! Scenarios about the content of files.

use super::{Medium, Scenario, Script, Tuning};
use crate::model::{Access, Op};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "config-replace",
        story: "a configuration is written to a temporary file, closed and renamed over the old \
                one: always one whole version",
        covers: &["C13", "oracle 3"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: config_replace,
    },
    Scenario {
        name: "rewrite-in-place",
        story: "open with truncation, write, close: the old content or the new one, never empty",
        covers: &["C13", "oracle 3"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: rewrite_in_place,
    },
    Scenario {
        name: "rename-with-draft",
        story: "a file is written and renamed without sync: the rename commits what was written",
        covers: &["C13"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: rename_with_draft,
    },
    Scenario {
        name: "event-log",
        story: "small event files are created, and the oldest removed, in a ring",
        covers: &["C10", "F1"],
        medium: Medium::nor(24),
        tuning: Tuning::DEFAULT,
        write: event_log,
    },
    Scenario {
        name: "two-handles",
        story: "two handles of one file show one content; a sync through one commits both",
        covers: &["C8"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: two_handles,
    },
    Scenario {
        name: "remove-open-file",
        story: "a removed file lives until its last close, and a cut takes it",
        covers: &["C17"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: remove_open,
    },
    Scenario {
        name: "truncate-extend",
        story: "what a truncation cut off never comes back when the file grows again",
        covers: &["C2", "oracle 5"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: truncate_extend,
    },
    Scenario {
        name: "sync-of-drafts",
        story: "a volume sync commits several drafts, each whole or not at all",
        covers: &["C13", "oracle 2"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: sync_of_drafts,
    },
    Scenario {
        name: "discard",
        story: "a draft that is given up leaves no trace",
        covers: &["oracle 8"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: discard,
    },
    Scenario {
        name: "whole-files",
        story: "contents are replaced whole by path, from empty to the largest",
        covers: &["C19", "oracle 3"],
        medium: Medium::nor(20),
        tuning: Tuning::TIGHT,
        write: whole_files,
    },
];

fn config_replace(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.put("/config", &Script::text("config", 0, 200));
    });
    for version in 1..7 {
        let text = Script::text("config", version, 120 + 50 * version);
        s.put("/config.tmp", &text).rename("/config.tmp", "/config");
    }
    s.check();
}

fn rewrite_in_place(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.put("/settings", &Script::text("settings", 0, 64));
    });
    for version in 1..10 {
        s.put("/settings", &Script::text("settings", version, 300 - 20 * version));
    }
    s.check();
}

fn rename_with_draft(s: &mut Script) {
    s.fresh().mkdir("/etc");
    for version in 0..5 {
        let text = Script::text("draft", version, 90 + 70 * version);
        s.open(0, "/new", Access::REWRITE)
            .write(0, 0, &text)
            .rename("/new", "/etc/old")
            .look()
            .write(0, 3, b"after the rename")
            .op(Op::SyncFile(0))
            .close(0);
    }
    s.check();
}

fn event_log(s: &mut Script) {
    s.fresh().mkdir("/log");
    for event in 0..30 {
        let text = Script::text("event", event, 24 + 13 * (event % 7));
        s.put(&format!("/log/event{event:04}"), &text);
        if event >= 8 {
            s.remove(&format!("/log/event{:04}", event - 8));
        }
    }
    s.check();
}

fn two_handles(s: &mut Script) {
    s.fresh().replace("/shared", b"one content");
    for round in 0..4 {
        let text = Script::text("two", round, 40);
        s.open(0, "/shared", Access::WRITE)
            .open(1, "/shared", Access::WRITE)
            .write(0, 0, &text)
            .op(Op::Read(1))
            .write(1, 30, &text)
            .op(Op::Read(0))
            .op(Op::SyncFile(1))
            .write(0, 5, b"again")
            .close(0)
            .op(Op::Read(1))
            .close(1);
    }
    s.check();
}

fn remove_open(s: &mut Script) {
    s.fresh();
    for round in 0..4 {
        let text = Script::text("gone", round, 200);
        s.put("/victim", &text)
            .open(0, "/victim", Access::WRITE)
            .remove("/victim")
            .op(Op::Read(0))
            .write(0, 100, b"written after the removal")
            .op(Op::Read(0))
            .look()
            .put("/victim", b"another file of that name")
            .op(Op::Read(0))
            .close(0)
            .remove("/victim");
    }
    s.put("/victim", b"left open").open(0, "/victim", Access::READ).remove("/victim");
    s.reboot().check();
}

fn truncate_extend(s: &mut Script) {
    s.fresh();
    let secret = Script::text("SECRET", 0, 440);
    s.put("/f", &secret)
        .op(Op::Truncate("/f".into(), 50))
        .op(Op::Truncate("/f".into(), 300))
        .open(0, "/f", Access::WRITE)
        .op(Op::Read(0))
        .op(Op::SetLen(0, 10))
        .op(Op::SetLen(0, 200))
        .op(Op::Read(0))
        .op(Op::SyncFile(0))
        .write(0, 400, b"far")
        .op(Op::Read(0))
        .close(0)
        .op(Op::Truncate("/f".into(), 0))
        .op(Op::Truncate("/f".into(), 448))
        .op(Op::Truncate("/f".into(), 900))
        .open(0, "/f", Access::WRITE)
        .write(0, 440, b"last one")
        .write(0, 448, b"beyond what one item holds")
        .op(Op::Read(0))
        .close(0)
        .op(Op::Truncate("/f".into(), 445))
        .op(Op::Truncate("/f".into(), 448))
        .put("/f", b"")
        .check();
}

fn sync_of_drafts(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.replace("/a", b"old a").replace("/b", b"old b");
    });
    for round in 0..5 {
        s.open(0, "/a", Access::WRITE)
            .open(1, "/b", Access::WRITE)
            .write(0, 0, &Script::text("a", round, 100))
            .write(1, 0, &Script::text("b", round, 300))
            .op(Op::Sync)
            .look()
            .op(Op::SetLen(0, 7))
            .op(Op::Sync)
            .close(0)
            .close(1);
    }
    s.check();
}

fn discard(s: &mut Script) {
    s.fresh();
    for round in 0..4 {
        s.put("/kept", &Script::text("kept", round, 60))
            .open(0, "/kept", Access::REWRITE)
            .write(0, 0, &Script::text("DISCARDED", round, 300))
            .look()
            .op(Op::Discard(0))
            .op(Op::Read(0))
            .close(0);
    }
    s.open(0, "/kept", Access::WRITE).write(0, 0, b"lost by the cut").reboot().check();
}

fn whole_files(s: &mut Script) {
    s.fresh();
    for round in 0..24 {
        let len = [0, 1, 448, 37, 447, 200, 0, 448][round % 8];
        s.replace(&format!("/whole{}", round % 5), &Script::text("whole", round, len));
    }
    s.check();
}
