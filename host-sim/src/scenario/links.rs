//! Scenarios about links of both kinds, names that change places, and names of one hash.

use fs_core::RenameMode;
use fs_core::error::Error;

use super::{Medium, Scenario, Script, Tuning};
use crate::model::{Access, Op};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "one-hash",
        story: "names of four hashes are made, moved and removed: every slot keeps its name",
        covers: &["C20"],
        medium: Medium::nor(24),
        tuning: Tuning::COLLIDING,
        write: one_hash,
    },
    Scenario {
        name: "hard-links",
        story: "files get names, lose names, and are written by any of them",
        covers: &["oracle 3", "oracle 7"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: hard_links,
    },
    Scenario {
        name: "link-of-draft",
        story: "a file gets a name before its content is committed: the name never leads to less",
        covers: &["C13", "oracle 4"],
        medium: Medium::nor(16),
        tuning: Tuning::TIGHT,
        write: link_of_draft,
    },
    Scenario {
        name: "linked-and-open",
        story: "names of open files go one by one; the content goes with the last close",
        covers: &["C17", "oracle 7"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: linked_and_open,
    },
    Scenario {
        name: "publish",
        story: "a file is written aside, linked to its place and unlinked from aside, as mail is",
        covers: &["C13", "oracle 3"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: publish,
    },
    Scenario {
        name: "symbolic-links",
        story: "a link to one of two slots is replaced by a link to the other, and followed",
        covers: &["oracle 3"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: symbolic_links,
    },
    Scenario {
        name: "link-refusals",
        story: "links in circles, to nowhere, to directories, and over what is there",
        covers: &["oracle 16"],
        medium: Medium::nor(20),
        tuning: Tuning::DEFAULT,
        write: link_refusals,
    },
    Scenario {
        name: "swap",
        story: "two names change places, across directories, files with directories",
        covers: &["oracle 3"],
        medium: Medium::nor(20),
        tuning: Tuning::TIGHT,
        write: swap,
    },
    Scenario {
        name: "exclusive",
        story: "a rename that must not replace, by two writers of one name",
        covers: &["oracle 3", "oracle 16"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: exclusive,
    },
    Scenario {
        name: "exchange",
        story: "two files change contents, drafts and other names of theirs included",
        covers: &["oracle 4", "C13"],
        medium: Medium::nor(16),
        tuning: Tuning::DEFAULT,
        write: exchange,
    },
    Scenario {
        name: "links-fold",
        story: "many long names of few files, until the tree has folded all of them away",
        covers: &["C19", "F1", "F4"],
        medium: Medium::nor(32),
        tuning: Tuning::TIGHT,
        write: links_fold,
    },
];

fn link(s: &mut Script, file: &str, name: &str) {
    s.op(Op::Link(file.into(), name.into()));
}

fn rename(from: &str, to: &str, mode: RenameMode) -> Op {
    Op::RenameWith(from.into(), to.into(), mode)
}

fn one_hash(s: &mut Script) {
    s.fresh().mkdir("/d").quietly(|s| {
        for n in 0..14 {
            s.replace(&format!("/d/{n}"), &Script::text("slot", n, 20 + n));
        }
    });
    for n in 0..10 {
        s.remove(&format!("/d/{}", n * 5 % 14));
        if n % 3 == 0 {
            s.replace(&format!("/d/new{n}"), &Script::text("new", n, 33));
        }
        if n % 4 == 1 {
            s.rename(&format!("/d/{}", (n + 1) * 5 % 14), &format!("/moved{n}"));
            s.rename(&format!("/moved{n}"), &format!("/d/{}", (n + 1) * 5 % 14));
        }
    }
    for n in 0..6 {
        s.replace(&format!("/d/last{n}"), &Script::text("last", n, 20 * n));
    }
    s.reboot().check();
}

fn hard_links(s: &mut Script) {
    s.fresh().mkdir("/d");
    for round in 0..3 {
        s.replace("/a", &Script::text("a", round, 60 + 80 * round));
        link(s, "/a", "/d/b");
        link(s, "/d/b", "/c");
        s.replace("/c", &Script::text("c", round, 120))
            .rename("/d/b", "/d/e")
            .remove("/a")
            .rename("/c", "/d/e")
            .check()
            .replace("/f", b"replaces a name")
            .rename("/f", "/d/e")
            .put("/c", &Script::text("through", round, 90))
            .remove("/c")
            .remove("/d/e");
    }
    s.check();
}

fn link_of_draft(s: &mut Script) {
    s.fresh();
    for round in 0..4 {
        let path = format!("/{}{round}", "long".repeat(50));
        let other = format!("/{}{round}", "name".repeat(50));
        s.open(0, &path, Access::CREATE).write(
            0,
            0,
            &Script::text("draft", round, 100 * round + 40),
        );
        link(s, &path, &other);
        s.write(0, 3, b"more").look().close(0).look();
        if round % 2 == 0 {
            s.remove(&path);
        }
    }
    s.check();
}

fn linked_and_open(s: &mut Script) {
    s.fresh();
    for round in 0..3 {
        s.put("/x", &Script::text("open", round, 200));
        s.open(0, "/x", Access::WRITE);
        link(s, "/x", "/y");
        link(s, "/x", "/z");
        s.remove("/x")
            .write(0, 0, b"one less")
            .op(Op::SyncFile(0))
            .replace("/w", b"in its place")
            .rename("/w", "/y")
            .look()
            .write(0, 9, b"none left")
            .remove("/z")
            .op(Op::Read(0))
            .look()
            .close(0)
            .check()
            .remove("/y");
    }
    s.check();
}

fn publish(s: &mut Script) {
    s.fresh().mkdir("/tmp").mkdir("/new");
    for n in 0..6 {
        let (aside, place) = (format!("/tmp/{n}"), format!("/new/mail{n}"));
        s.open(0, &aside, Access::CREATE_NEW)
            .write(0, 0, &Script::text("mail", n, 50 * n + 10))
            .close(0);
        link(s, &aside, &place);
        s.remove(&aside);
        if n >= 3 {
            s.remove(&format!("/new/mail{}", n - 3));
        }
    }
    s.check();
}

fn symbolic_links(s: &mut Script) {
    s.fresh().mkdir("/a").mkdir("/b").mkdir("/etc");
    for round in 0..5 {
        let slot = if round % 2 == 0 { "a" } else { "b" };
        s.replace(&format!("/{slot}/fw"), &Script::text("fw", round, 80 * round))
            .op(Op::Symlink(format!("../{slot}/fw"), "/etc/next".into()))
            .rename("/etc/next", "/etc/now")
            .op(Op::Truncate("/etc/now".into(), 20))
            .look();
    }
    s.op(Op::Symlink("/etc".into(), "/config".into()))
        .put("/config/now", b"through two links")
        .replace("/config/new", b"made behind a link")
        .op(Op::Symlink("x".repeat(400), "/long".into()))
        .rename("/config/now", "/moved")
        .remove("/long")
        .remove("/config")
        .check();
}

fn link_refusals(s: &mut Script) {
    s.fresh().mkdir("/d").replace("/f", b"content");
    s.op(Op::Symlink("two".into(), "/one".into()))
        .op(Op::Symlink("one".into(), "/two".into()))
        .op(Op::Symlink("nowhere/x".into(), "/dangling".into()))
        .op(Op::Symlink("d".into(), "/dir".into()));
    let to = |target: &str, path: &str| Op::Symlink(target.into(), path.into());
    let link = |file: &str, name: &str| Op::Link(file.into(), name.into());
    let open = |path: &str, access| Op::Open(0, path.into(), access);
    s.refused(open("/one", Access::READ), Error::LinkLoop)
        .refused(open("/two", Access::CREATE), Error::LinkLoop)
        .refused(open("/dangling", Access::CREATE), Error::NotFound)
        .refused(open("/one", Access::CREATE_NEW), Error::Exists)
        .refused(open("/dir", Access::READ), Error::IsADirectory)
        .refused(Op::Replace("/one".into(), b"x".to_vec()), Error::LinkLoop)
        .refused(Op::Mkdir("/dangling".into()), Error::Exists)
        .refused(Op::Mkdir("/one/x".into()), Error::LinkLoop)
        .refused(Op::Rmdir("/dir".into()), Error::NotADirectory)
        .refused(Op::Remove("/f/".into()), Error::IsADirectory)
        .refused(Op::Truncate("/f/".into(), 1), Error::NotADirectory)
        .refused(to("", "/empty"), Error::Invalid)
        .refused(to(&"x".repeat(449), "/long"), Error::NameTooLong)
        .refused(to("f", "/dir"), Error::Exists)
        .refused(link("/d", "/e"), Error::IsADirectory)
        .refused(link("/f", "/dir"), Error::Exists)
        .refused(link("/none", "/e"), Error::NotFound)
        .refused(link("/f", "/f/x"), Error::NotADirectory)
        .refused(link("/f", "/e/"), Error::IsADirectory)
        .refused(Op::Exchange("/f".into(), "/d".into()), Error::IsADirectory)
        .refused(Op::Exchange("/f".into(), "/f".into()), Error::Invalid)
        .refused(rename("/f", "/none", RenameMode::Swap), Error::NotFound)
        .refused(rename("/f", "/dir", RenameMode::Exclusive), Error::Exists)
        .rename("/f", "/dir/f")
        .op(link("/one", "/three"))
        .remove("/one")
        .rename("/three", "/dir/loose")
        .check();
}

fn swap(s: &mut Script) {
    s.fresh().mkdir("/left").mkdir("/right").mkdir("/left/sub").mkdir("/right/other");
    s.replace("/left/sub/in", b"moves along");
    for round in 0..3 {
        s.replace("/left/a", &Script::text("A", round, 50 + 90 * round))
            .replace("/right/b", &Script::text("B", round, 300))
            .op(rename("/left/a", "/right/b", RenameMode::Swap))
            .open(0, "/left/a", Access::WRITE)
            .write(0, 0, b"draft of what was b")
            .op(rename("/left/a", "/right/b", RenameMode::Swap))
            .write(0, 4, b"goes on")
            .close(0)
            .op(rename("/left/sub", "/right/other", RenameMode::Swap))
            .refused(rename("/left", "/left/sub", RenameMode::Swap), Error::WouldLoop)
            .op(rename("/left/sub", "/right/b", RenameMode::Swap))
            .look()
            .op(rename("/left/sub", "/right/b", RenameMode::Swap));
    }
    link(s, "/left/a", "/linked");
    s.op(rename("/linked", "/right/b", RenameMode::Swap)).check();
}

fn exclusive(s: &mut Script) {
    s.fresh().mkdir("/in");
    for n in 0..6 {
        s.replace("/one", &Script::text("one", n, 40 * n))
            .replace("/two", &Script::text("two", n, 200))
            .op(rename("/one", &format!("/in/{n}"), RenameMode::Exclusive))
            .refused(rename("/two", &format!("/in/{n}"), RenameMode::Exclusive), Error::Exists)
            .look();
    }
    s.check();
}

fn exchange(s: &mut Script) {
    s.fresh().replace("/a", b"A").replace("/b", b"");
    link(s, "/a", "/other-name-of-a");
    for round in 0..4 {
        s.open(0, "/a", Access::WRITE)
            .write(0, 0, &Script::text("a", round, 90 * round + 9))
            .op(Op::Exchange("/b".into(), "/a".into()))
            .op(Op::Read(0))
            .write(0, 1, b"after")
            .close(0)
            .look()
            .put("/b", &Script::text("b", round, 77))
            .op(Op::Exchange("/b".into(), "/other-name-of-a".into()));
    }
    s.remove("/a").check().remove("/b").remove("/other-name-of-a").check();
}

fn links_fold(s: &mut Script) {
    let name = |n: usize| format!("/d/{n:02}-{}", "a-name-of-some-length-".repeat(8));
    s.fresh().mkdir("/d").quietly(|s| {
        for n in 0..4 {
            s.replace(&name(n), &Script::text("file", n, 100 * n));
        }
    });
    for n in 4..20 {
        let file = name(if n < 12 { n % 4 } else { n - 8 });
        link(s, &file, &name(n));
        if n >= 12 {
            s.remove(&file);
        }
    }
    s.check();
}
