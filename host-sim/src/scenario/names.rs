//! Scenarios about names and directories.

use fs_core::error::Error;

use super::{Medium, Scenario, Script, Tuning};
use crate::model::{Access, Op};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "churn",
        story: "the same few names are created and removed again and again",
        covers: &["F1", "C10", "W10"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: churn,
    },
    Scenario {
        name: "directories",
        story: "directories are made inside each other and removed from the inside out",
        covers: &["oracle 3"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: directories,
    },
    Scenario {
        name: "directory-moves",
        story: "a directory gets another name, or goes, and the old name another directory: what a \
                path leads through is never the one that was there before",
        covers: &["oracle 3", "F1"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: directory_moves,
    },
    Scenario {
        name: "rename-across",
        story: "files and whole directories move between directories: one name, always",
        covers: &["oracle 3", "F1"],
        medium: Medium::nor(20),
        tuning: Tuning::DEFAULT,
        write: rename_across,
    },
    Scenario {
        name: "rename-replace",
        story: "a rename replaces a file, an empty directory, itself: old or new, never both",
        covers: &["oracle 3"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: rename_replace,
    },
    Scenario {
        name: "rename-over-open",
        story: "a file that is open is replaced by a rename and read on until it is closed",
        covers: &["C17", "oracle 3"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: rename_over_open,
    },
    Scenario {
        name: "long-names",
        story: "names of 255 bytes are created, renamed to others as long, and removed",
        covers: &["C19", "F4"],
        medium: Medium::nor(24),
        tuning: Tuning::DEFAULT,
        write: long_names,
    },
    Scenario {
        name: "tree-grows",
        story: "a directory grows until its leaves split and the tree gains a level",
        covers: &["F1", "C4", "C9", "C14"],
        medium: Medium::nor(40),
        tuning: Tuning::DEFAULT,
        write: tree_grows,
    },
    Scenario {
        name: "tree-collapses",
        story: "a large directory is emptied until leaves merge and the root is a leaf again",
        covers: &["F1", "C9"],
        medium: Medium::nor(40),
        tuning: Tuning::DEFAULT,
        write: collapse,
    },
    Scenario {
        name: "refusals",
        story: "what is refused leaves no trace",
        covers: &["oracle 16"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: refusals,
    },
    Scenario {
        name: "random-walk",
        story: "seeded calls of every kind over a few names",
        covers: &["oracle 1", "C4"],
        medium: Medium::nor(24),
        tuning: Tuning::TIGHT,
        write: random_walk,
    },
];

fn churn(s: &mut Script) {
    s.fresh();
    for round in 0..40 {
        let path = format!("/temporary{}", round % 3);
        s.replace(&path, &Script::text("churn", round, 16 * (round % 5))).remove(&path);
    }
    s.check();
}

fn directories(s: &mut Script) {
    s.fresh();
    for round in 0..4 {
        s.mkdir("/a")
            .mkdir("/a/b")
            .mkdir("/a/b/c")
            .replace("/a/b/c/file", &Script::text("deep", round, 77))
            .refused(Op::Rmdir("/a/b".into()), Error::NotEmpty)
            .look()
            .remove("/a/b/c/file")
            .rmdir("/a/b/c")
            .mkdir("/a/d")
            .rmdir("/a/b")
            .rmdir("/a/d")
            .rmdir("/a");
    }
    s.check();
}

fn directory_moves(s: &mut Script) {
    s.fresh();
    for n in 0..4 {
        s.mkdir("/here")
            .replace("/here/first", &Script::text("first", n, 40))
            .rename("/here", "/there")
            .refused(Op::Remove("/here/first".into()), Error::NotFound)
            .mkdir("/here")
            .replace("/here/second", &Script::text("second", n, 80))
            .look()
            .remove("/there/first")
            .rmdir("/there")
            .refused(Op::Remove("/there/first".into()), Error::NotFound)
            .remove("/here/second")
            .rmdir("/here");
    }
    s.check();
}

fn rename_across(s: &mut Script) {
    s.fresh().mkdir("/left").mkdir("/right");
    for n in 0..6 {
        s.replace(&format!("/left/f{n}"), &Script::text("move", n, 30 + 40 * n));
    }
    s.mkdir("/left/sub").replace("/left/sub/inner", b"comes along");
    for n in 0..6 {
        s.rename(&format!("/left/f{n}"), &format!("/right/g{n}"));
    }
    s.rename("/left/sub", "/right/sub")
        .rename("/right/sub", "/sub")
        .rename("/sub", "/left/sub")
        .refused(Op::Rename("/left".into(), "/left/sub/x".into()), Error::WouldLoop);
    for n in 0..6 {
        s.rename(&format!("/right/g{n}"), &format!("/left/sub/f{n}"));
    }
    s.rmdir("/right").check();
}

fn rename_replace(s: &mut Script) {
    s.fresh();
    for round in 0..5 {
        s.replace("/one", &Script::text("one", round, 100))
            .replace("/two", &Script::text("two", round, 200))
            .rename("/one", "/two")
            .rename("/two", "/two")
            .mkdir("/d1")
            .mkdir("/d2")
            .replace("/d1/in", b"x")
            .rename("/d1", "/d2")
            .refused(Op::Rename("/two".into(), "/d2".into()), Error::IsADirectory)
            .refused(Op::Rename("/d2".into(), "/two".into()), Error::NotADirectory)
            .rename("/two", "/d2/in")
            .remove("/d2/in")
            .rmdir("/d2");
    }
    s.check();
}

fn rename_over_open(s: &mut Script) {
    s.fresh();
    for round in 0..4 {
        s.put("/target", &Script::text("target", round, 150))
            .open(0, "/target", Access::WRITE)
            .put("/source", &Script::text("source", round, 80))
            .rename("/source", "/target")
            .op(Op::Read(0))
            .look()
            .write(0, 0, b"to the replaced one")
            .op(Op::Read(0))
            .close(0)
            .look();
    }
    s.check();
}

fn long_name(n: usize, letter: char) -> String {
    format!("/{n:03}{}", letter.to_string().repeat(252))
}

fn long_names(s: &mut Script) {
    s.fresh();
    for n in 0..10 {
        s.replace(&long_name(n, 'a'), &Script::text("long", n, 60));
    }
    for n in 0..10 {
        s.rename(&long_name(n, 'a'), &long_name(n + 1, 'b'));
    }
    s.refused(Op::Mkdir(format!("/{}", "x".repeat(256))), Error::NameTooLong);
    for n in 0..10 {
        s.remove(&long_name(n + 1, 'b'));
    }
    s.check();
}

fn name(n: usize) -> String {
    format!("/many/{n:04}-{}", "a-name-of-some-length-".repeat(5))
}

fn tree_grows(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.mkdir("/many");
        for n in 0..44 {
            s.replace(&name(n), &Script::text("n", n, n % 60));
        }
    });
    for n in 44..64 {
        s.replace(&name(n), &Script::text("n", n, n % 60));
    }
    s.check();
}

fn collapse(s: &mut Script) {
    s.fresh().quietly(|s| {
        s.mkdir("/many");
        for n in 0..60 {
            s.replace(&name(n), &Script::text("n", n, n % 50));
        }
    });
    for n in 0..60 {
        let n = n * 37 % 60;
        if n % 3 == 1 {
            s.remove(&name(n));
        } else {
            s.quietly(|s| {
                s.remove(&name(n));
            });
        }
    }
    s.rmdir("/many").check();
}

fn refusals(s: &mut Script) {
    s.fresh().mkdir("/d").replace("/f", b"content").replace("/d/g", b"other").op(Op::Sync);
    let missing = Error::NotFound;
    s.refused(Op::Mkdir("/d".into()), Error::Exists)
        .refused(Op::Mkdir("/f".into()), Error::Exists)
        .refused(Op::Mkdir("/no/where".into()), missing)
        .refused(Op::Mkdir("/f/below".into()), Error::NotADirectory)
        .refused(Op::Rmdir("/d".into()), Error::NotEmpty)
        .refused(Op::Rmdir("/f".into()), Error::NotADirectory)
        .refused(Op::Rmdir("/none".into()), missing)
        .refused(Op::Remove("/none".into()), missing)
        .refused(Op::Remove("/d".into()), Error::IsADirectory)
        .refused(Op::Rename("/none".into(), "/x".into()), missing)
        .refused(Op::Rename("/f".into(), "/no/x".into()), missing)
        .refused(Op::Rename("/d".into(), "/d/e".into()), Error::WouldLoop)
        .refused(Op::Open(0, "/none".into(), Access::READ), missing)
        .refused(Op::Open(0, "/f".into(), Access::CREATE_NEW), Error::Exists)
        .refused(Op::Open(0, "/d".into(), Access::READ), Error::IsADirectory)
        .refused(Op::Truncate("/none".into(), 1), missing)
        .open(0, "/f", Access::READ)
        .refused(Op::Write(0, 0, vec![1]), Error::BadAccess)
        .refused(Op::SetLen(0, 0), Error::BadAccess)
        .close(0)
        .open(0, "/f", Access::WRITE)
        .refused(Op::Write(0, (1 << 48) - 8, vec![1; 9]), Error::TooLarge)
        .close(0)
        .check();
}

fn random_walk(s: &mut Script) {
    s.fresh().mkdir("/x").mkdir("/y");
    let mut model = crate::model::Model::new();
    for line in s.lines() {
        model.apply(&line.op);
    }
    let mut written = 0;
    while written < 90 {
        let op = random_op(s, written);
        let mut trial = model.clone();
        if trial.apply(&op).result.is_ok() {
            model = trial;
            s.op(op);
            written += 1;
        }
    }
    s.check();
}

fn random_op(s: &mut Script, number: usize) -> Op {
    let paths = ["/x/a", "/x/b", "/y/a", "/y/c", "/d", "/e", "/x/sub", "/y/sub", "/x/sub/f"];
    let path = paths[s.rng.index(paths.len())].to_owned();
    let other = paths[s.rng.index(paths.len())].to_owned();
    let len = s.rng.index(449);
    let text = Script::text("walk", number, len);
    match s.rng.below(12) {
        0..=3 => Op::Replace(path, text),
        4 => Op::Mkdir(path),
        5 => Op::Rmdir(path),
        6 | 7 => Op::Remove(path),
        8..=10 => Op::Rename(path, other),
        _ => Op::Truncate(path, s.rng.below(449)),
    }
}
