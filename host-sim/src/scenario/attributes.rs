//! Scenarios about attributes, and about several changes in one transaction.

use fs_core::error::Error;

use super::{Medium, Scenario, Script, Tuning};
use crate::model::{Access, Change, Op};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "attributes",
        story: "attributes are set, replaced and removed; they follow their file, not its name",
        covers: &["oracle 4", "oracle 7"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: attributes,
    },
    Scenario {
        name: "attributes-collide",
        story: "attributes whose names share a hash come and go in their slots",
        covers: &["C20"],
        medium: Medium::nor(20),
        tuning: Tuning::COLLIDING,
        write: attributes_collide,
    },
    Scenario {
        name: "attributes-left",
        story: "files with many attributes are removed, open or not: the rest goes bit by bit",
        covers: &["C17", "oracle 7"],
        medium: Medium::nor(24),
        tuning: Tuning::TIGHT,
        write: attributes_left,
    },
    Scenario {
        name: "attributes-large",
        story: "values larger than an item replace small ones and one another, and go with their \
                attribute or their file; a cut leaves nothing of them",
        covers: &["C13", "C17", "oracle 7"],
        medium: Medium::nor(48),
        tuning: Tuning::TIGHT,
        write: attributes_large,
    },
    Scenario {
        name: "owners",
        story: "owner and mode of files, links and directories, beside drafts and renames",
        covers: &["C13"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: owners,
    },
    Scenario {
        name: "transaction",
        story: "two settings and an index change together, or not at all",
        covers: &["oracle 3", "oracle 4", "C19"],
        medium: Medium::nor(16),
        tuning: Tuning::TIGHT,
        write: transaction,
    },
    Scenario {
        name: "transaction-refused",
        story: "a list with one change that is refused changes nothing",
        covers: &["oracle 16"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: transaction_refused,
    },
];

fn set(path: &str, name: &str, value: &[u8]) -> Op {
    Op::SetXattr(path.into(), name.into(), value.to_vec())
}

fn remove(path: &str, name: &str) -> Op {
    Op::RemoveXattr(path.into(), name.into())
}

fn attributes(s: &mut Script) {
    s.fresh().mkdir("/d").replace("/f", b"content");
    for round in 0..4 {
        let text = Script::text("attribute", round, 60 * round + 7);
        s.op(set("/f", "crc", &text))
            .op(set("/d", "crc", b"of the directory"))
            .op(set("/f", &"long".repeat(30), &[7; 300]))
            .rename("/f", "/d/g")
            .op(set("/d/g", "crc", b""))
            .op(Op::Link("/d/g".into(), "/f".into()))
            .remove("/d/g")
            .put("/f", &text)
            .op(remove("/f", "crc"))
            .refused(remove("/f", "crc"), Error::NoAttribute);
    }
    s.replace("/other", b"replaces").rename("/other", "/f").check();
}

fn attributes_large(s: &mut Script) {
    s.fresh().mkdir("/d").replace("/f", b"content");
    for (round, length) in [700, 5000, 20, 9000, 449, 3000].into_iter().enumerate() {
        s.op(set("/f", "map", &Script::text("value", round, length)));
        if round % 2 == 0 {
            s.op(set("/d", "of a directory", &Script::text("other", round, 1200)));
        } else {
            s.op(remove("/d", "of a directory"));
        }
        if round == 3 {
            s.reboot();
        }
    }
    s.op(set("/f", "second", &Script::text("second", 0, 2000)))
        .rename("/f", "/d/g")
        .replace("/f", b"replaces it")
        .rename("/f", "/d/g")
        .op(set("/d/g", "map", &Script::text("again", 0, 4200)))
        .remove("/d/g")
        .op(Op::Maintain(0))
        .rmdir("/d")
        .op(Op::Maintain(0))
        .reboot()
        .op(Op::Maintain(0))
        .check();
}

fn attributes_collide(s: &mut Script) {
    s.fresh().replace("/f", b"x");
    for n in 0..12 {
        s.op(set("/f", &format!("name{n}"), &Script::text("value", n, 9 * n)));
        if n % 3 == 2 {
            s.op(remove("/f", &format!("name{}", n - 1)));
        }
    }
    s.op(set("/f", "name1", b"again")).reboot().op(remove("/f", "name0")).check();
}

fn attributes_left(s: &mut Script) {
    s.fresh();
    for round in 0..3 {
        s.replace("/f", &Script::text("f", round, 90)).mkdir("/d");
        s.quietly(|s| {
            for n in 0..20 {
                s.op(set("/f", &format!("a{n}"), &Script::text("left", n, 30)));
            }
        });
        s.op(set("/d", "one", b"1")).op(Op::SetOwner("/f".into(), 0o600, 1, 2));
        if round == 1 {
            s.open(0, "/f", Access::READ).remove("/f").op(Op::Read(0)).close(0);
        } else {
            s.remove("/f");
        }
        s.rmdir("/d");
        if round == 2 {
            s.reboot();
        }
        s.replace("/next", b"n").remove("/next").op(Op::Maintain(1)).check();
    }
    s.op(Op::Maintain(1)).op(Op::Maintain(1)).check();
}

fn owners(s: &mut Script) {
    s.fresh().mkdir("/d").replace("/f", b"content");
    let own = |path: &str, mode| Op::SetOwner(path.into(), mode, 1000, 1 << 31);
    for round in 0..3_u16 {
        s.op(own("/f", 0o640 + round))
            .open(0, "/f", Access::WRITE)
            .write(0, 0, &Script::text("owned", round.into(), 100))
            .op(own("/f", 0o600 + round))
            .look()
            .write(0, 5, b"goes on")
            .op(own("/d", 0o755))
            .rename("/f", "/d/f")
            .close(0)
            .rename("/d", "/e")
            .op(Op::Symlink("e/f".into(), "/l".into()))
            .op(own("/l", round))
            .rename("/e/f", "/f")
            .remove("/l")
            .rename("/e", "/d");
    }
    s.check();
}

fn transaction(s: &mut Script) {
    s.fresh().mkdir("/new").replace("/a", b"a").replace("/b", b"b").replace("/index", b"0");
    for round in 0..5 {
        s.open(0, "/a", Access::WRITE)
            .open(1, "/b", Access::WRITE)
            .write(0, 0, &Script::text("A", round, 40 + 30 * round))
            .write(1, 0, &Script::text("B", round, 120))
            .put("/new/index", &Script::text("index", round, 60));
        s.op(Op::Transaction(vec![
            Change::Commit(0),
            Change::Commit(1),
            Change::Rename("/new/index".into(), "/index".into()),
        ]));
        s.write(0, 0, b"not in it").look().close(1).close(0);
    }
    s.op(Op::Link("/a".into(), "/c".into()))
        .op(Op::Transaction(
            vec![Change::Remove("/a".into()), Change::Rename("/b".into(), "/a".into())]
                .split_off(1),
        ))
        .op(Op::Transaction(vec![Change::Remove("/c".into()), Change::Remove("/index".into())]))
        .check();
}

fn transaction_refused(s: &mut Script) {
    s.fresh().mkdir("/d").replace("/a", b"a").replace("/b", b"b");
    s.open(0, "/a", Access::WRITE).write(0, 0, b"draft");
    let rename = |from: &str, to: &str| Change::Rename(from.into(), to.into());
    let remove = |path: &str| Change::Remove(path.into());
    s.refused(Op::Transaction(vec![Change::Commit(0), remove("/none")]), Error::NotFound)
        .refused(Op::Transaction(vec![Change::Commit(0), remove("/d")]), Error::IsADirectory)
        .refused(Op::Transaction(vec![rename("/b", "/c"), rename("/d", "/e")]), Error::IsADirectory)
        .refused(Op::Transaction(vec![remove("/b"), rename("/a", "/d")]), Error::IsADirectory)
        .look()
        .op(Op::Transaction(vec![Change::Commit(0), rename("/b", "/d/b")]))
        .close(0)
        .check();
}
