//! `host-sim image` as a program: what it does, what it refuses, and with which exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// An empty directory of this test.
fn place(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image").join(name);
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).expect("a directory");
    place
}

fn image(directory: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_host-sim");
    let mut command = Command::new(program);
    command.current_dir(directory).arg("image").args(arguments);
    command.output().expect("the program starts")
}

/// Runs a command that succeeds, and gives what it prints.
fn done(directory: &Path, arguments: &[&str]) -> String {
    let output = image(directory, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// Runs a command that fails, and gives what it complains about.
fn refused(directory: &Path, arguments: &[&str], code: i32) -> String {
    let output = image(directory, arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    assert!(errors.starts_with("error: "), "{arguments:?}: {errors}");
    errors
}

fn write(path: &Path, content: &[u8]) {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).expect("a directory");
    }
    std::fs::write(path, content).expect("a file");
}

/// A volume with `/a`, `/sub/b` and `/sub/deep/c`.
fn filled(directory: &Path) {
    write(&directory.join("source/a"), b"first\n");
    write(&directory.join("source/sub/b"), &[7; 448]);
    write(&directory.join("source/sub/deep/c"), b"");
    let make = ["mkfs", "v.img", "--size", "128K", "--label", "test", "--from", "source"];
    done(directory, &make);
}

/// Images of cards could be neither made nor opened: every file was taken for flash.
#[test]
fn the_image_of_a_card_is_made_changed_and_checked() {
    let place = place("card");
    write(&place.join("source/a"), b"first\n");
    write(&place.join("source/sub/b"), &[7; 5000]);
    let make = ["mkfs", "c.img", "--size", "1M", "--program-unit", "512", "--from", "source"];
    done(&place, &make);
    write(&place.join("more"), &[9; 700]);
    done(&place, &["put", "c.img", "more", "/sub/"]);
    done(&place, &["check", "c.img"]);
    done(&place, &["get", "c.img", "/", "copy"]);
    let found = std::fs::read(place.join("copy/sub/b")).expect("a file");
    assert_eq!(found, [7; 5000]);
    let info: Value = serde_json::from_str(&done(&place, &["info", "--json", "c.img"])).unwrap();
    assert_eq!(info["program_unit"], 512);
}

#[test]
fn a_tree_goes_in_and_comes_out_as_it_was() {
    let place = place("round");
    filled(&place);
    assert_eq!(done(&place, &["ls", "v.img"]), "a\nsub/\n");
    assert_eq!(done(&place, &["ls", "-R", "v.img"]), "a\nsub/\nsub/b\nsub/deep/\nsub/deep/c\n");
    assert_eq!(done(&place, &["cat", "v.img", "/a"]), "first\n");
    done(&place, &["get", "v.img", "/", "copy"]);
    for name in ["a", "sub/b", "sub/deep/c"] {
        let [copy, source] = ["copy", "source"].map(|base| place.join(base).join(name));
        assert_eq!(std::fs::read(copy).expect("copied"), std::fs::read(source).expect("source"));
    }
    done(&place, &["get", "v.img", "/sub/b"]);
    assert_eq!(std::fs::read(place.join("b")).expect("copied"), [7; 448]);
    let listing: Value = serde_json::from_str(&done(&place, &["ls", "--json", "v.img", "sub"]))
        .expect("one JSON array");
    assert_eq!(listing[0]["path"], "/sub/b");
    assert_eq!(listing[0]["size"], 448);
    assert_eq!(listing[1]["kind"], "directory");
}

#[cfg(unix)]
#[test]
fn further_names_links_and_attributes_go_in_and_come_out() {
    use host_sim::hostfs::{attributes, set_attribute};
    use std::os::unix::fs::MetadataExt;
    let place = place("adorned");
    let source = place.join("source");
    write(&source.join("a"), b"first\n");
    write(&source.join("sub/b"), &[7; 9000]);
    std::fs::hard_link(source.join("sub/b"), source.join("sub/z")).expect("a name");
    std::os::unix::fs::symlink("sub/b", source.join("link")).expect("a link");
    let set = |path: &str, name: &str, value: &[u8]| {
        set_attribute(&source.join(path), name, value).is_ok()
    };
    let kept = set("sub/b", "user.note", b"value") && set("sub", "user.empty", b"");
    let too_long = set("a", &format!("user.{}", "long".repeat(31)), &[1; 450]);
    let make = ["mkfs", "v.img", "--size", "128K", "--from", "source"];
    let output = image(&place, &make);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert_eq!(errors.contains("long: longer than a volume keeps"), too_long, "{errors}");
    done(&place, &["check", "v.img"]);
    done(&place, &["get", "v.img", "/", "out"]);
    let out = place.join("out");
    let inode = |path: &str| std::fs::symlink_metadata(out.join(path)).expect(path).ino();
    assert_eq!(inode("sub/b"), inode("sub/z"));
    assert_eq!(std::fs::read(out.join("sub/z")).expect("a file"), [7; 9000]);
    assert_eq!(std::fs::read_link(out.join("link")).expect("a link"), Path::new("sub/b"));
    for path in ["sub/b", "sub"].into_iter().filter(|_| kept) {
        let found = attributes(&out.join(path)).expect(path);
        assert!(!found.is_empty(), "{path}");
        assert_eq!(found, attributes(&source.join(path)).expect(path), "{path}");
    }

    // Once more over what is there, on both sides.
    done(&place, &["put", "v.img", "source/a", "source/sub", "/"]);
    done(&place, &["get", "v.img", "/", "out"]);
    assert_eq!(inode("sub/b"), inode("sub/z"));
    done(&place, &["check", "v.img"]);
}

#[test]
fn names_are_added_moved_and_removed() {
    let place = place("names");
    filled(&place);
    write(&place.join("new"), b"new content");
    done(&place, &["put", "v.img", "new", "/sub"]);
    done(&place, &["put", "v.img", "new", "source/a", "/sub/deep"]);
    assert!(refused(&place, &["put", "v.img", "new", "new", "/a"], 2).contains("/a"));
    done(&place, &["mv", "v.img", "/a", "/sub"]);
    done(&place, &["mv", "v.img", "/sub/new", "/renamed"]);
    done(&place, &["mkdir", "-p", "v.img", "/x/y", "/x"]);
    assert!(refused(&place, &["mkdir", "v.img", "/x"], 1).contains("/x"));
    assert!(refused(&place, &["rm", "v.img", "/sub"], 1).contains("-r"));
    assert!(refused(&place, &["rm", "v.img", "/absent"], 1).contains("/absent"));
    done(&place, &["rm", "-r", "v.img", "/sub/deep", "/renamed"]);
    assert_eq!(done(&place, &["ls", "-R", "v.img"]), "sub/\nsub/a\nsub/b\nx/\nx/y/\n");
    assert!(done(&place, &["check", "v.img"]).contains("everything is right"));
}

#[test]
fn what_only_reads_never_writes_and_what_fails_leaves_the_file_as_it_was() {
    let place = place("reads");
    filled(&place);
    let file = place.join("v.img");
    let before = std::fs::read(&file).expect("the image");
    let mut permissions = std::fs::metadata(&file).expect("the image").permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions).expect("permissions");
    let reading: [&[&str]; 6] = [
        &["ls", "-l", "v.img"],
        &["cat", "v.img", "/a"],
        &["check", "v.img"],
        &["dump", "v.img"],
        &["info", "v.img"],
        &["get", "v.img", "/", "out"],
    ];
    for arguments in reading {
        done(&place, arguments);
    }
    // More than fits: nothing of it stays.
    for number in 0..90 {
        write(&place.join(format!("many/{number}")), &[1; 448]);
    }
    assert!(refused(&place, &["put", "v.img", "many", "/"], 1).contains("full"));
    assert_eq!(std::fs::read(&file).expect("the image"), before);
    let left: Vec<_> = std::fs::read_dir(&place).expect("listing").flatten().collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().contains(".tmp")));
}

#[test]
fn a_volume_behind_something_else_is_found_by_its_offset() {
    let place = place("offset");
    write(&place.join("whole.bin"), &vec![0x5A; 96 * 1024]);
    assert!(refused(&place, &["mkfs", "whole.bin"], 1).contains("--force"));
    done(&place, &["mkfs", "whole.bin", "--offset", "96K", "--size", "64K"]);
    write(&place.join("new"), b"behind");
    done(&place, &["put", "whole.bin", "--offset", "0x18000", "new", "/"]);
    assert_eq!(done(&place, &["cat", "whole.bin", "/new", "--offset", "98304"]), "behind");
    assert!(refused(&place, &["ls", "whole.bin"], 3).contains("--offset 98304"));
    let bytes = std::fs::read(place.join("whole.bin")).expect("the image");
    assert_eq!((bytes.len(), bytes[96 * 1024 - 1]), (160 * 1024, 0x5A));
    assert!(bytes[..96 * 1024].iter().all(|byte| *byte == 0x5A));
}

#[test]
fn what_is_no_volume_is_named() {
    let place = place("foreign");
    filled(&place);
    let good = std::fs::read(place.join("v.img")).expect("the image");
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        write(&place.join("x.img"), &bytes);
    };
    let mut fat = vec![0; 65536];
    fat[82..90].copy_from_slice(b"FAT32   ");
    fat[510..512].copy_from_slice(&[0x55, 0xAA]);
    with(&|bytes| *bytes = fat.clone());
    assert!(refused(&place, &["ls", "x.img"], 3).contains("FAT32"));
    with(&|bytes| bytes[..65536].fill(0x33));
    with(&|bytes| {
        bytes.fill(0xFF);
        bytes[8..16].copy_from_slice(b"littlefs");
    });
    assert!(refused(&place, &["check", "x.img"], 3).contains("littlefs"));
    with(&|bytes| bytes.fill(0xFF));
    assert!(refused(&place, &["info", "x.img"], 3).contains("mkfs"));
    with(&|bytes| bytes.truncate(100_000));
    assert!(refused(&place, &["ls", "x.img"], 5).contains("131072"));
    with(&|bytes| bytes[100] ^= 1);
    done(&place, &["ls", "x.img"]);
    with(&|bytes| {
        bytes[100] ^= 1;
        let last = bytes.len() - 4096;
        bytes[last + 100] ^= 1;
    });
    assert!(refused(&place, &["ls", "x.img"], 5).contains("checksum"));
    assert!(refused(&place, &["ls", "absent.img"], 6).contains("absent.img"));
    assert!(refused(&place, &["ls", "source"], 2).contains("directory"));
}

#[test]
fn a_volume_of_another_version_or_with_unknown_features_is_refused() {
    let place = place("features");
    filled(&place);
    let good = std::fs::read(place.join("v.img")).expect("the image");
    for (at, value, text) in [(56, 0x80, "0x80"), (12, 9, "version 9")] {
        let mut bytes = good.clone();
        for begin in [0, bytes.len() - 4096] {
            bytes[begin + at] = value;
            let sum = host_sim::stranger::Crc::new().bytes(&bytes[begin + 12..begin + 256]).sum();
            bytes[begin + 8..begin + 12].copy_from_slice(&sum.to_le_bytes());
        }
        write(&place.join("x.img"), &bytes);
        for command in ["ls", "info", "check", "dump"] {
            assert!(refused(&place, &[command, "x.img"], 4).contains(text), "{command}");
        }
    }
}

#[test]
fn the_check_names_the_block_that_is_damaged() {
    let place = place("damage");
    filled(&place);
    let json: Value = serde_json::from_str(&done(&place, &["check", "--json", "v.img"]))
        .expect("one JSON object");
    assert_eq!(json["held"], true);
    assert_eq!(json["files"], 3);
    // The root node of a new volume is in block 3.
    let mut bytes = std::fs::read(place.join("v.img")).expect("the image");
    bytes[3 * 4096 + 30] ^= 0x10;
    write(&place.join("x.img"), &bytes);
    let output = image(&place, &["check", "x.img"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("WRONG: block 3: "), "{text}");
    assert!(refused(&place, &["ls", "x.img"], 5).contains("block 3"));
}

#[test]
fn the_dump_shows_every_structure_and_the_help_shows_examples() {
    let place = place("dump");
    filled(&place);
    let text = done(&place, &["dump", "v.img"]);
    for part in ["superblock\n", "anchors\n", "journal\n", "pending\n", "tree\n", "space\n"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let items = done(&place, &["dump", "v.img", "--part", "items"]);
    assert!(items.contains("\"a\", 6 bytes") && !items.contains("journal\n"), "{items}");
    for command in ["--help", "mkfs", "ls", "put", "check"] {
        let arguments = if command == "--help" { vec![command] } else { vec![command, "--help"] };
        let help = done(&place, &arguments);
        assert!(help.contains("Usage: "), "{help}");
    }
    assert!(done(&place, &["--help"]).contains("host-sim image put"));
}

#[test]
fn the_same_seed_makes_the_same_volume_and_others_have_identities_of_their_own() {
    let place = place("seed");
    for (name, seed) in [("a", Some("7")), ("b", Some("7")), ("c", None), ("d", None)] {
        let mut arguments = vec!["mkfs", name, "--chip", "w25q80dv"];
        arguments.extend(seed.iter().flat_map(|seed| ["--seed", seed]));
        done(&place, &arguments);
    }
    let read = |name: &str| std::fs::read(place.join(name)).expect("the image");
    assert!(read("a") == read("b") && read("a") != read("c") && read("c") != read("d"));
    assert_eq!(read("a").len(), 1 << 20);
}
