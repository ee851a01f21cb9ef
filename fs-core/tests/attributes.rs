//! Attributes and lists of changes over RAM, as a program uses them.
#![cfg(all(feature = "blocking", feature = "mutants"))]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "shared/named.rs"]
mod named;

use fs_core::blocking::Volume;
use fs_core::units::Time;
use fs_core::{
    AttributeChange, Cookie, Error, Limit, Memory, MountOptions, NameBuf, Op, OpenOptions, Owner,
    XattrMode,
};
use named::{Ram, formatted, with};
use std::collections::BTreeSet;

fn content(volume: &Volume<'_, Ram<'_>>, path: &str) -> Vec<u8> {
    let mut target = [0; 512];
    let length = volume.read_file(path, &mut target).unwrap();
    target[..length].to_vec()
}

fn value(volume: &Volume<'_, Ram<'_>>, path: &str, name: &str) -> Result<Vec<u8>, Error> {
    let mut target = [0; 512];
    let length = volume.get_xattr(path, name, &mut target)?;
    Ok(target[..length].to_vec())
}

fn attributes(volume: &Volume<'_, Ram<'_>>, path: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let (mut at, mut name) = (Cookie::START, NameBuf::new());
    while let Some(next) = volume.list_xattr(path, at, &mut name).unwrap() {
        assert!(names.insert(name.as_str().unwrap().to_owned()), "{name} is listed twice");
        at = next;
    }
    names
}

#[test]
fn attributes_are_set_read_listed_and_removed() {
    let mut bytes = formatted(32, 55);
    let any = XattrMode::Any;
    with(&mut bytes, |volume| {
        volume.replace("f", b"content").unwrap();
        volume.mkdir("d").unwrap();
        volume.symlink("f", "l").unwrap();
        assert_eq!(value(volume, "f", "crc"), Err(Error::NoAttribute));
        assert_eq!(volume.set_xattr("f", "crc", b"1", XattrMode::Replace), Err(Error::NoAttribute));
        volume.set_xattr("l", "crc", b"1", XattrMode::Create).unwrap();
        assert_eq!(volume.set_xattr("f", "crc", b"2", XattrMode::Create), Err(Error::Exists));
        volume.set_xattr("f", "crc", b"three", XattrMode::Replace).unwrap();
        volume.set_xattr("f", "a/b", b"", any).unwrap();
        volume.set_xattr("d", "of a directory", &[7; 400], any).unwrap();
        volume.set_xattr("/", "of the root", b"r", any).unwrap();
        assert_eq!(volume.get_xattr("f", "crc", &mut []), Ok(5));
        assert_eq!(volume.get_xattr("f", "crc", &mut [0; 4]), Err(Error::BufferTooSmall));
        assert_eq!(volume.set_xattr("f", "", b"", any), Err(Error::Invalid));
        assert_eq!(volume.set_xattr("f", "a\0", b"", any), Err(Error::Invalid));
        let (longest, long) = ("n".repeat(127), "n".repeat(128));
        assert_eq!(volume.set_xattr("f", &long, b"", any), Err(Error::NameTooLong));
        volume.set_xattr("f", &longest, &[1; 321], any).unwrap();
        volume.set_xattr("f", &longest, &[1; 322], any).unwrap();
        let beyond = vec![1; 65_537];
        assert_eq!(volume.set_xattr("f", "x", &beyond, any), Err(Error::TooLarge));
        assert_eq!(attributes(volume, "f").len(), 3);
    });
    with(&mut bytes, |volume| {
        assert_eq!(value(volume, "f", "crc").unwrap(), b"three");
        assert_eq!(value(volume, "/", "of the root").unwrap(), b"r");
        volume.remove_xattr("f", "crc").unwrap();
        assert_eq!(volume.remove_xattr("f", "crc"), Err(Error::NoAttribute));
        volume.rename("f", "d/g").unwrap();
        volume.rename("d", "e").unwrap();
        volume.link("e/g", "h").unwrap();
        assert_eq!(value(volume, "h", "a/b").unwrap(), b"");
        assert_eq!(value(volume, "e", "of a directory").unwrap(), [7; 400]);
        volume.set_xattr("h", "more", b"m", any).unwrap();
        volume.remove("e/g").unwrap();
        assert_eq!(content(volume, "h"), b"content");
        assert_eq!(attributes(volume, "h").len(), 3);
    });
    with(&mut bytes, |volume| {
        volume.remove("h").unwrap();
        volume.rmdir("e").unwrap();
        volume.remove("l").unwrap();
        for _ in 0..4 {
            volume.maintain(0).unwrap();
        }
        // The root, its attribute, maybe the map of free space; nothing of what is gone.
        assert!(volume.check().unwrap().items <= 3);
    });
}

#[test]
fn attributes_of_one_hash_are_told_apart_and_go_with_their_file_bit_by_bit() {
    let mut bytes = formatted(64, 0);
    with(&mut bytes, |volume| {
        volume.replace("f", b"").unwrap();
        for number in 0..100 {
            let name = format!("a{number}");
            volume.set_xattr("f", &name, name.as_bytes(), XattrMode::Create).unwrap();
        }
        for number in (0..100).step_by(3) {
            volume.remove_xattr("f", &format!("a{number}")).unwrap();
        }
        assert_eq!(attributes(volume, "f").len(), 66);
        assert_eq!(value(volume, "f", "a50").unwrap(), b"a50");
        let id = volume.open("f", OpenOptions::READ).unwrap();
        volume.remove("f").unwrap();
        volume.replace("g", b"1").unwrap();
        assert_eq!(volume.stat_file(id).unwrap().links, 0);
        let held = volume.check().unwrap().items;
        volume.close(id).unwrap();
        let mut before = held;
        for _ in 0..12 {
            volume.maintain(0).unwrap();
            let now = volume.check().unwrap().items;
            assert!(before - now <= 9, "{before} {now}");
            before = now;
        }
        assert!(before <= 4, "{before}");
    });
}

#[test]
fn owner_and_times_are_kept_and_no_later_commit_changes_the_time() {
    let mut bytes = formatted(32, 55);
    let owner = Owner { mode: 0o640, user: 7, group: 1 << 30 };
    with(&mut bytes, |volume| {
        volume.mkdir("d").unwrap();
        let id = volume.open("f", OpenOptions::new().write().create()).unwrap();
        volume.write_at(id, 0, b"written").unwrap();
        volume.set_file_attributes(id, AttributeChange::modified(Time(5))).unwrap();
        volume.close(id).unwrap();
        let change = AttributeChange::owner(owner).and(AttributeChange::born(Time(3)));
        volume.set_attributes("f", change).unwrap();
        volume.set_attributes("d", AttributeChange::owner(Owner { mode: 0, ..owner })).unwrap();
        let wide = Owner { mode: 0o10000, ..owner };
        let refused = volume.set_attributes("d", AttributeChange::owner(wide));
        assert_eq!(refused, Err(Error::Invalid));
        assert_eq!(volume.set_attributes("d", AttributeChange::size(1)), Err(Error::IsADirectory));
    });
    with(&mut bytes, |volume| {
        volume.link("f", "g").unwrap();
        volume.rename("f", "h").unwrap();
        let found = volume.stat("h").unwrap();
        assert_eq!((found.modified, found.born), (Time(5), Time(3)));
        assert_eq!((found.changed, found.owner, found.size), (Time(77), Some(owner), 7));
        assert_eq!(volume.stat("d").unwrap().owner.map(|owner| owner.mode), Some(0));
        assert_eq!(volume.stat("/").unwrap().owner, None);
        let both = AttributeChange::size(2).and(AttributeChange::modified(Time(9)));
        volume.set_attributes("g", both).unwrap();
        assert_eq!(
            (content(volume, "h"), volume.stat("h").unwrap().modified),
            (b"wr".into(), Time(9))
        );
        volume.rmdir("d").unwrap();
    });
}

#[test]
fn limits_are_told() {
    let mut bytes = formatted(32, 55);
    with(&mut bytes, |volume| {
        let limit = |limit| volume.limit("/", limit).unwrap();
        assert_eq!((limit(Limit::NameBytes), limit(Limit::CaseSensitive)), (Some(255), Some(1)));
        assert_eq!(
            (limit(Limit::TargetBytes), limit(Limit::XattrBytes)),
            (Some(448), Some(65_536))
        );
        assert_eq!(limit(Limit::AllocationBytes), Some(4096));
    });
}

#[test]
fn a_list_is_carried_out_whole_or_not_at_all() {
    let mut bytes = formatted(32, 55);
    with(&mut bytes, |volume| {
        for name in ["a", "b", "c", "d"] {
            volume.replace(name, name.as_bytes()).unwrap();
        }
        volume.mkdir("dir").unwrap();
        volume.link("d", "dir/other").unwrap();
        let write = OpenOptions::new().read().write();
        let one = volume.open("a", write).unwrap();
        let two = volume.open("b", write).unwrap();
        volume.write_at(one, 1, b"+").unwrap();
        volume.write_at(two, 1, b"+").unwrap();
        let rename = |from, to| Op::Rename { from, to };
        for (ops, error) in [
            (&[Op::Commit(one), Op::Remove("none")][..], Error::NotFound),
            (&[Op::Commit(one), Op::Remove("a")], Error::Invalid),
            (&[Op::Commit(one), Op::Commit(one)], Error::Invalid),
            (&[Op::Remove("c"), rename("b", "c")], Error::Invalid),
            (&[rename("a", "x"), rename("b", "x")], Error::Invalid),
            (&[Op::Remove("d"), Op::Remove("dir/other")], Error::Invalid),
            (&[rename("dir", "x")], Error::IsADirectory),
            (&[rename("a", "dir")], Error::IsADirectory),
            (&[Op::Remove("c"); 12], Error::TooManyChanges),
        ] {
            assert_eq!(volume.commit(ops), Err(error), "{ops:?}");
        }
        assert_eq!((content(volume, "a"), content(volume, "c")), (b"a+".into(), b"c".into()));
        volume.check().unwrap();
        volume
            .commit(&[
                Op::Commit(one),
                rename("b", "dir/b"),
                rename("c", "d"),
                Op::Remove("dir/other"),
            ])
            .unwrap_err();
        volume.commit(&[Op::Commit(one), rename("b", "dir/b"), rename("c", "d")]).unwrap();
        volume.write_at(two, 2, b"+").unwrap();
        volume.close(two).unwrap();
        volume.commit(&[]).unwrap();
        volume.commit(&[Op::Commit(one), Op::Remove("a"), rename("d", "d")]).unwrap();
        volume.close(one).unwrap();
    });
    with(&mut bytes, |volume| {
        assert_eq!(volume.stat("a").map(|_| ()), Err(Error::NotFound));
        assert_eq!((content(volume, "dir/b"), content(volume, "d")), (b"b++".into(), b"c".into()));
        assert_eq!(
            (content(volume, "dir/other"), volume.stat("dir/other").unwrap().links),
            (b"d".into(), 1)
        );
    });
}

/// With all slots in use, looking up the second name of a list committed a draft to make room for
/// a directory, over the record that was being put together.
#[test]
fn a_list_commits_nothing_else_on_the_way() {
    let mut bytes = formatted(32, 55);
    let mut device = Ram::new(&mut bytes);
    let mut memory = Memory::<2048, 3, 2>::new();
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    volume.mkdir("d").unwrap();
    volume.mkdir("e").unwrap();
    for name in ["x", "d/y", "e/z"] {
        volume.replace(name, b"old").unwrap();
    }
    for name in ["x", "d/y"] {
        let file = volume.open_file(name, OpenOptions::new().write()).unwrap();
        volume.write_at(file.id(), 0, b"new").unwrap();
    }
    let moved = Op::Rename { from: "e/z", to: "d/w" };
    match volume.commit(&[Op::Remove("x"), moved, Op::Remove("d/y")]) {
        Ok(()) => assert!(volume.stat("x").is_err() && volume.stat("e/z").is_err()),
        Err(error) => {
            assert_eq!(error, Error::NoSlot);
            assert!(volume.stat("x").is_ok() && volume.stat("e/z").is_ok());
        }
    }
    volume.sync().unwrap();
    volume.check().unwrap();
}

#[test]
fn values_of_any_size_replace_one_another_and_leave_nothing() {
    let mut bytes = formatted(128, 56);
    let any = XattrMode::Any;
    let text = |seed: u8, length: usize| -> Vec<u8> {
        (0_u8..=255).cycle().map(|byte| byte ^ seed).take(length).collect()
    };
    let free = |volume: &Volume<'_, Ram<'_>>| {
        for _ in 0..40 {
            volume.maintain(0).unwrap();
        }
        volume.check().unwrap();
        volume.info().unwrap().free.0
    };
    let get = |volume: &Volume<'_, Ram<'_>>, path: &str, name: &str| {
        let length = volume.get_xattr(path, name, &mut []).unwrap();
        let mut target = vec![0; length];
        assert_eq!(volume.get_xattr(path, name, &mut target), Ok(length));
        target
    };
    let before = with(&mut bytes, |volume| {
        volume.replace("/f", b"content").unwrap();
        volume.set_xattr("/f", "a", b"small", any).unwrap();
        free(volume)
    });
    with(&mut bytes, |volume| {
        for (seed, length) in (1..).zip([5000, 100, 449, 65_536, 448, 700, 30_000, 1]) {
            volume.set_xattr("/f", "a", &text(seed, length), any).unwrap();
            assert!(get(volume, "/f", "a") == text(seed, length), "{length} bytes");
            assert_eq!(volume.get_xattr("/f", "a", &mut vec![0; length - 1]).is_err(), length > 1);
            volume.check().unwrap();
        }
        volume.set_xattr("/f", "b", &text(9, 10_000), XattrMode::Create).unwrap();
        let again = volume.set_xattr("/f", "b", &text(9, 10_000), XattrMode::Create);
        assert_eq!(again, Err(Error::Exists));
        let absent = volume.set_xattr("/f", "c", &text(9, 10_000), XattrMode::Replace);
        assert_eq!(absent, Err(Error::NoAttribute));
        assert_eq!(attributes(volume, "/f").len(), 2);
    });
    with(&mut bytes, |volume| {
        assert!(get(volume, "/f", "b") == text(9, 10_000));
        volume.link("/f", "/g").unwrap();
        volume.remove("/f").unwrap();
        assert!(get(volume, "/g", "b") == text(9, 10_000));
        volume.remove_xattr("/g", "b").unwrap();
        // What the journal and the tree have taken meanwhile.
        assert!(free(volume) + 6 >= before);
        for name in 0..20 {
            volume.set_xattr("/g", &format!("n{name}"), &text(name, 3000), any).unwrap();
        }
        volume.remove("/g").unwrap();
        // What the journal and the tree have taken meanwhile.
        assert!(free(volume) + 6 >= before);
    });
}

#[test]
fn a_value_that_does_not_fit_leaves_the_old_one() {
    let mut bytes = formatted(32, 57);
    with(&mut bytes, |volume| {
        volume.replace("/f", b"content").unwrap();
        volume.set_xattr("/f", "a", b"old", XattrMode::Any).unwrap();
        let large = vec![7; 65_536];
        let mut set = 0;
        while volume.set_xattr("/f", &format!("n{set}"), &large, XattrMode::Any).is_ok() {
            set += 1;
        }
        assert_eq!(volume.set_xattr("/f", "a", &large, XattrMode::Any), Err(Error::NoSpace));
        assert_eq!(value(volume, "/f", "a").unwrap(), b"old");
        volume.check().unwrap();
        for name in 0..set {
            volume.remove_xattr("/f", &format!("n{name}")).unwrap();
        }
        volume.set_xattr("/f", "a", &[3; 9000], XattrMode::Any).unwrap();
        volume.check().unwrap();
    });
}
