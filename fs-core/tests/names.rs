//! Names over RAM, as a program uses them: hashes that collide, links, renames of every kind.
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
use fs_core::{Error, NameBuf, NodeKind, OpenOptions, RenameMode};
use named::{Ram, formatted, with};
use std::collections::{BTreeMap, BTreeSet};

fn names(volume: &Volume<'_, Ram<'_>>, path: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = NameBuf::new();
    let mut directory = volume.read_dir(path).unwrap();
    while directory.next(&mut name).unwrap().is_some() {
        names.push(name.as_str().unwrap().to_owned());
    }
    names
}

fn content(volume: &Volume<'_, Ram<'_>>, path: &str) -> Vec<u8> {
    let mut target = [0; 512];
    let length = volume.read_file(path, &mut target).unwrap();
    target[..length].to_vec()
}

#[test]
fn names_of_one_hash_are_told_apart() {
    let mut bytes = formatted(64, 1);
    let mut model = BTreeMap::new();
    let mut seed = 5_u32;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed
    };
    for _ in 0..12 {
        with(&mut bytes, |volume| {
            for _ in 0..80 {
                let name = format!("n{}", random() % 60);
                let other = format!("n{}", random() % 60);
                match random() % 4 {
                    0 => {
                        let removed = volume.remove(&name);
                        assert_eq!(removed.is_ok(), model.remove(&name).is_some());
                    }
                    1 => match volume.rename(&name, &other) {
                        Ok(()) => {
                            let content = model.remove(&name).unwrap();
                            model.insert(other, content);
                        }
                        Err(error) => {
                            assert_eq!(error, Error::NotFound);
                            assert!(!model.contains_key(&name));
                        }
                    },
                    _ => {
                        let content = vec![random() as u8; random() as usize % 60];
                        volume.replace(&name, &content).unwrap();
                        model.insert(name, content);
                    }
                }
            }
            let listed: BTreeSet<_> = names(volume, "/").into_iter().collect();
            assert_eq!(listed.iter().collect::<Vec<_>>(), model.keys().collect::<Vec<_>>());
            for (name, wanted) in &model {
                assert_eq!(content(volume, name), *wanted, "{name}");
            }
        });
    }
}

#[test]
fn a_listing_goes_on_over_removals_among_names_of_one_hash() {
    let mut bytes = formatted(64, 0);
    with(&mut bytes, |volume| {
        for number in 0..40 {
            volume.replace(&format!("{number}"), b"x").unwrap();
        }
        let mut seen = BTreeSet::new();
        let mut name = NameBuf::new();
        let mut directory = volume.read_dir("/").unwrap();
        for step in 0.. {
            let Some(_) = directory.next(&mut name).unwrap() else { break };
            assert!(seen.insert(name.as_str().unwrap().to_owned()), "{name} is listed twice");
            if step % 3 == 0 {
                volume.remove(&format!("{step}")).unwrap();
                volume.replace(&format!("new{step}"), b"y").unwrap();
            }
        }
        assert!((0..40).all(|number| seen.contains(&format!("{number}"))), "{seen:?}");
    });
}

#[test]
fn there_is_room_for_256_names_of_one_hash() {
    let mut bytes = formatted(64, 0);
    with(&mut bytes, |volume| {
        for number in 0..256 {
            volume.replace(&format!("{number}"), b"").unwrap();
        }
        assert_eq!(volume.replace("one more", b""), Err(Error::NamesCollide));
        assert_eq!(volume.mkdir("one more"), Err(Error::NamesCollide));
        assert_eq!(volume.rename("17", "one more"), Err(Error::NamesCollide));
        assert_eq!(volume.remove("one more"), Err(Error::NotFound));
        assert_eq!(volume.stat("one more").map(|_| ()), Err(Error::NotFound));
        volume.rename("17", "18").unwrap();
        volume.remove("100").unwrap();
        volume.replace("one more", b"1").unwrap();
        volume.rename("one more", "17").unwrap();
        assert_eq!(content(volume, "17"), b"1");
        assert_eq!(names(volume, "/").len(), 255);
    });
}

#[test]
fn a_file_lives_as_long_as_it_has_a_name() {
    let mut bytes = formatted(32, 55);
    with(&mut bytes, |volume| {
        volume.mkdir("d").unwrap();
        volume.replace("a", b"one").unwrap();
        volume.link("a", "d/b").unwrap();
        volume.link("d/b", "c").unwrap();
        assert_eq!(volume.link("a", "c"), Err(Error::Exists));
        assert_eq!(volume.link("d", "e"), Err(Error::IsADirectory));
        assert_eq!(volume.link("none", "e"), Err(Error::NotFound));
        assert_eq!(volume.stat("a").unwrap().links, 3);
        assert_eq!(volume.stat("a").unwrap().object, volume.stat("d/b").unwrap().object);
    });
    with(&mut bytes, |volume| {
        volume.replace("c", b"two").unwrap();
        assert_eq!(content(volume, "a"), b"two");
        volume.remove("a").unwrap();
        volume.rename("c", "a").unwrap();
        assert_eq!(volume.stat("d/b").unwrap().links, 2);
        volume.remove("d/b").unwrap();
        assert_eq!(volume.stat("a").unwrap().links, 1);
        assert_eq!(content(volume, "a"), b"two");
        volume.remove("a").unwrap();
        volume.rmdir("d").unwrap();
        assert_eq!(volume.check().unwrap().items, 1);
    });
}

#[test]
fn two_names_of_one_file_both_survive_a_rename() {
    let mut bytes = formatted(32, 55);
    with(&mut bytes, |volume| {
        volume.replace("a", b"x").unwrap();
        volume.link("a", "b").unwrap();
        volume.rename("a", "b").unwrap();
        assert_eq!(volume.stat("a").unwrap().links, 2);
        assert_eq!(volume.rename_with("a", "b", RenameMode::Exclusive), Err(Error::Exists));
        volume.replace("c", b"y").unwrap();
        volume.rename("c", "b").unwrap();
        assert_eq!((volume.stat("a").unwrap().links, volume.stat("b").unwrap().links), (1, 1));
        assert_eq!((content(volume, "a"), content(volume, "b")), (b"x".into(), b"y".into()));
    });
}

#[test]
fn open_files_go_on_over_links_and_removals() {
    let mut bytes = formatted(32, 55);
    with(&mut bytes, |volume| {
        let id = volume.open("a", OpenOptions::new().read().write().create()).unwrap();
        volume.write_at(id, 0, b"draft").unwrap();
        volume.link("a", "b").unwrap();
        assert_eq!(content(volume, "b"), b"draft");
        volume.write_at(id, 5, b" two").unwrap();
        volume.remove("a").unwrap();
        volume.sync_file(id).unwrap();
        assert_eq!(content(volume, "b"), b"draft two");
        assert_eq!(volume.stat_file(id).unwrap().links, 1);
        volume.write_at(id, 0, b"D").unwrap();
        volume.remove("b").unwrap();
        assert_eq!(volume.stat_file(id).unwrap().links, 0);
        let mut target = [0; 16];
        assert_eq!(volume.read_at(id, 0, &mut target), Ok(9));
        assert_eq!(&target[..9], b"Draft two");
        volume.check().unwrap();
        volume.close(id).unwrap();
        assert_eq!(volume.check().unwrap().items, 1);
    });
}

#[test]
fn a_long_draft_and_long_names_are_linked_although_one_record_cannot_hold_them() {
    let mut bytes = formatted(32, 55);
    let name = |letter: &str| letter.repeat(255);
    with(&mut bytes, |volume| {
        let id = volume.open(&name("a"), OpenOptions::new().write().create()).unwrap();
        volume.write_at(id, 0, &[7; 448]).unwrap();
        volume.link(&name("a"), &name("b")).unwrap();
    });
    with(&mut bytes, |volume| assert_eq!(content(volume, &name("b")), [7; 448]));
}

#[test]
fn links_are_followed_where_content_is_meant_and_not_where_names_are() {
    let mut bytes = formatted(32, 55);
    with(&mut bytes, |volume| {
        volume.mkdir("d").unwrap();
        volume.mkdir("d/e").unwrap();
        volume.replace("d/f", b"file").unwrap();
        volume.symlink("d", "dir").unwrap();
        volume.symlink("f", "d/file").unwrap();
        volume.symlink("../../dir/f", "d/e/up").unwrap();
        volume.symlink("/d/e/up", "abs").unwrap();
        volume.symlink("x", "no").unwrap();
        for path in ["dir/f", "d/file", "dir/file", "d/e/up", "abs", "dir/e/up", "dir//e/./up"] {
            assert_eq!(content(volume, path), b"file", "{path}");
        }
        let mut target = [0; 5];
        assert_eq!(volume.read_link("abs", &mut target), Ok(7));
        assert_eq!(&target, b"/d/e/");
        assert_eq!(volume.read_link("d/f", &mut target), Err(Error::Invalid));
        assert_eq!(volume.stat("dir").unwrap().kind, NodeKind::Directory);
        let link = volume.symlink_stat("dir").unwrap();
        assert_eq!((link.kind, link.size, link.links), (NodeKind::Symlink, 1, 1));
        assert_eq!(volume.symlink_stat("dir/").unwrap().kind, NodeKind::Directory);
        assert_eq!(names(volume, "dir").len(), 3);
        assert_eq!(volume.stat("no").map(|_| ()), Err(Error::NotFound));
        assert_eq!(volume.symlink_stat("no").unwrap().size, 1);
        let create = OpenOptions::new().write().create();
        assert_eq!(volume.open("no", create).map(|_| ()), Err(Error::NotFound));
        assert_eq!(
            volume.open("abs", OpenOptions::new().write().create_new()).map(|_| ()),
            Err(Error::Exists)
        );
        assert_eq!(volume.mkdir("no"), Err(Error::Exists));
        assert_eq!(volume.rmdir("dir"), Err(Error::NotADirectory));
        volume.replace("abs", b"through").unwrap();
        assert_eq!(content(volume, "d/f"), b"through");
        volume.truncate("d/file", 2).unwrap();
        let id = volume.open("abs", create).unwrap();
        volume.write_at(id, 2, b"!").unwrap();
        volume.close(id).unwrap();
        assert_eq!(content(volume, "d/f"), b"th!");
        volume.rename("abs", "moved").unwrap();
        volume.link("moved", "again").unwrap();
        assert_eq!(volume.symlink_stat("again").unwrap().links, 2);
        volume.remove("moved").unwrap();
        assert_eq!(content(volume, "again"), b"th!");
        volume.remove("again").unwrap();
        assert_eq!(content(volume, "d/f"), b"th!");
    });
}

#[test]
fn links_that_lead_in_circles_end() {
    let mut bytes = formatted(64, 55);
    with(&mut bytes, |volume| {
        volume.symlink("b", "a").unwrap();
        volume.symlink("a", "b").unwrap();
        volume.symlink("self/x", "self").unwrap();
        for path in ["a", "b/c", "self"] {
            assert_eq!(volume.stat(path).map(|_| ()), Err(Error::LinkLoop), "{path}");
        }
        volume.replace("0", b"end").unwrap();
        for number in 0..17 {
            volume.symlink(&format!("{number}"), &format!("{}", number + 1)).unwrap();
        }
        assert_eq!(content(volume, "16"), b"end");
        assert_eq!(volume.stat("17").map(|_| ()), Err(Error::LinkLoop));
        assert_eq!(volume.symlink("", "x"), Err(Error::Invalid));
        assert_eq!(volume.symlink("a\0b", "x"), Err(Error::Invalid));
        assert_eq!(volume.symlink(&"x".repeat(449), "x"), Err(Error::NameTooLong));
        volume.symlink(&"y".repeat(448), "x").unwrap();
        assert_eq!(volume.stat("x").map(|_| ()), Err(Error::NameTooLong));
        let long = format!("{}0", "./".repeat(223));
        volume.symlink(&long, "long").unwrap();
        assert_eq!(content(volume, "long"), b"end");
    });
}

#[test]
fn a_slash_at_the_end_asks_for_a_directory() {
    let mut bytes = formatted(32, 55);
    with(&mut bytes, |volume| {
        volume.mkdir("d/").unwrap();
        volume.replace("f", b"x").unwrap();
        volume.symlink("f/", "l").unwrap();
        assert_eq!(volume.stat("d/").unwrap().kind, NodeKind::Directory);
        for path in ["f/", "f/.", "l", "l/", "f/x", "f/.."] {
            assert_eq!(volume.stat(path).map(|_| ()), Err(Error::NotADirectory), "{path}");
        }
        assert_eq!(volume.remove("f/"), Err(Error::IsADirectory));
        assert_eq!(volume.replace("g/", b""), Err(Error::IsADirectory));
        assert_eq!(volume.link("f", "g/"), Err(Error::IsADirectory));
        assert_eq!(volume.symlink("f", "g/"), Err(Error::IsADirectory));
        assert_eq!(volume.rename("f/", "g"), Err(Error::NotADirectory));
        assert_eq!(volume.rename("f", "g/"), Err(Error::NotADirectory));
        volume.rename("d/", "e/").unwrap();
        volume.rmdir("e/").unwrap();
    });
}

#[test]
fn a_rename_can_refuse_to_replace_and_can_swap() {
    let mut bytes = formatted(32, 55);
    with(&mut bytes, |volume| {
        volume.mkdir("d").unwrap();
        volume.mkdir("d/in").unwrap();
        volume.mkdir("e").unwrap();
        volume.replace("a", b"A").unwrap();
        volume.replace("d/b", b"B").unwrap();
        let exclusive = |from, to| volume.rename_with(from, to, RenameMode::Exclusive);
        let swap = |from, to| volume.rename_with(from, to, RenameMode::Swap);
        assert_eq!(exclusive("a", "d/b"), Err(Error::Exists));
        assert_eq!(exclusive("a", "a"), Err(Error::Exists));
        exclusive("a", "c").unwrap();
        assert_eq!(swap("c", "none"), Err(Error::NotFound));
        let id = volume.open("c", OpenOptions::new().read().write()).unwrap();
        volume.write_at(id, 1, b"+").unwrap();
        swap("c", "d/b").unwrap();
        assert_eq!((content(volume, "c"), content(volume, "d/b")), (b"B".into(), b"A+".into()));
        volume.write_at(id, 2, b"+").unwrap();
        volume.close(id).unwrap();
        assert_eq!(content(volume, "d/b"), b"A++");
        swap("c", "e").unwrap();
        assert_eq!(volume.stat("c").unwrap().kind, NodeKind::Directory);
        assert_eq!(content(volume, "e"), b"B");
        assert_eq!(swap("d", "d/in"), Err(Error::WouldLoop));
        assert_eq!(swap("d/in", "d"), Err(Error::WouldLoop));
        swap("c", "d/in").unwrap();
        volume.replace("d/in/x", b"").unwrap();
        assert_eq!(volume.stat("d/in/../b").unwrap().size, 3);
        swap("d/in", "c").unwrap();
        assert_eq!(names(volume, "c"), ["x"]);
        volume.link("c/x", "y").unwrap();
        swap("y", "c/x").unwrap();
        swap("y", "e").unwrap();
        assert_eq!((volume.stat("e").unwrap().links, content(volume, "y")), (2, b"B".into()));
    });
}

#[test]
fn two_files_change_contents() {
    let mut bytes = formatted(32, 55);
    with(&mut bytes, |volume| {
        volume.replace("a", b"A").unwrap();
        volume.replace("b", b"").unwrap();
        volume.link("a", "aa").unwrap();
        let id = volume.open("a", OpenOptions::new().read().write()).unwrap();
        volume.write_at(id, 1, b"a").unwrap();
        volume.exchange("a", "b").unwrap();
        assert_eq!((content(volume, "aa"), content(volume, "b")), (vec![], b"Aa".into()));
        volume.write_at(id, 0, b"new").unwrap();
        volume.sync_file(id).unwrap();
        assert_eq!((content(volume, "aa"), content(volume, "b")), (b"new".into(), b"Aa".into()));
        volume.check().unwrap();
        volume.exchange("b", "aa").unwrap();
        volume.close(id).unwrap();
        assert_eq!((content(volume, "a"), content(volume, "b")), (b"Aa".into(), b"new".into()));
        volume.mkdir("d").unwrap();
        assert_eq!(volume.exchange("a", "aa"), Err(Error::Invalid));
        assert_eq!(volume.exchange("a", "d"), Err(Error::IsADirectory));
        assert_eq!(volume.exchange("a", "none"), Err(Error::NotFound));
        volume.remove("b").unwrap();
        assert_eq!(content(volume, "a"), b"Aa");
    });
}
