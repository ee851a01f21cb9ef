//! The main job, as a program and as a function: exit status, figures, and that it can fail.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use host_sim::job::{Chip, Options, run};
use serde_json::Value;

/// A directory of this test that holds a source tree.
fn place(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(place.join("source/nested/deeper")).expect("directories");
    let files: [(&str, usize); 6] = [
        ("empty", 0),
        ("one", 1),
        ("nested/most", 448),
        ("nested/deeper/some", 77),
        ("large", 9_000),
        ("too large", (1 << 20) + 1),
    ];
    for (name, length) in files {
        std::fs::write(place.join("source").join(name), vec![b'v'; length]).expect("a file");
    }
    place
}

/// Gives the source tree of a test further names, links and attributes; says how many attributes:
/// a filesystem without them is no reason to fail.
#[cfg(unix)]
fn adorn(source: &Path) -> u64 {
    use host_sim::hostfs::set_attribute;
    std::fs::hard_link(source.join("large"), source.join("nested/large too")).expect("a name");
    std::fs::hard_link(source.join("one"), source.join("nested/deeper/one too")).expect("a name");
    std::os::unix::fs::symlink("nested/most", source.join("link")).expect("a link");
    std::os::unix::fs::symlink("/nowhere at all", source.join("nested/dangling")).expect("a link");
    let notes = [
        ("large", "user.note", vec![0, 255, 10]),
        ("large", "user.empty", vec![]),
        ("nested", "user.of a directory", vec![b'd'; 400]),
        ("one", "user.too long", vec![b'x'; 460]),
    ];
    let set = |(path, name, value): &(&str, &str, Vec<u8>)| {
        set_attribute(&source.join(path), name, value).is_ok()
    };
    let done: Vec<bool> = notes.iter().map(set).collect();
    assert!(done.iter().all(|one| *one == done[0]), "attributes of some files only: {done:?}");
    if done[0] { 3 } else { 0 }
}

fn job(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_host-sim");
    Command::new(program).args(arguments).output().expect("the program starts")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of this test")
}

fn number(json: &Value, pointer: &str) -> u64 {
    json.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} in {json}"))
}

fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object on stdout, and nothing else")
}

#[test]
fn a_job_holds_exports_the_tree_and_gives_every_figure() {
    let place = place("holds");
    let (from, to, image) = (place.join("source"), place.join("out"), place.join("chip.img"));
    let output = job(&[
        "--chip",
        "small:64",
        "--time",
        "2",
        "--json",
        "--seed",
        "7",
        "--from",
        text(&from),
        "--to",
        text(&to),
        "--image",
        text(&image),
    ]);
    let errors = String::from_utf8_lossy(&output.stderr);
    let json = parsed(&output);
    assert_eq!(output.status.code(), Some(0), "{errors} {json:#}");
    assert_eq!(json["held"], Value::Bool(true));
    for promise in json["promises"].as_array().expect("promises") {
        assert_eq!(promise["verdict"], "held", "{promise}");
        assert!(number(promise, "/checks") > 0, "{promise}");
    }
    for figure in [
        "/cuts/states",
        "/cuts/distinct_images",
        "/cuts/mounts",
        "/cuts/longest_recovery_calls",
        "/device/reads",
        "/device/program_pages",
        "/device/erases_4k",
        "/device/syncs",
        "/device/busy_ns",
        "/worst_call/ns",
        "/wear/max",
        "/ram_bytes/lent",
        "/ram_bytes/open_file",
        "/source/generated",
    ] {
        assert!(number(&json, figure) > 0, "{figure} in {json:#}");
    }
    assert_eq!(number(&json, "/source/skipped/larger than 1048576 bytes"), 1);
    assert!(json["classes"].as_array().is_some_and(|classes| classes.len() > 10));
    assert_eq!(std::fs::metadata(&image).expect("an image").len(), 64 * 4096);
    for name in ["empty", "one", "large", "nested/most", "nested/deeper/some"] {
        let exported = std::fs::read(to.join("import").join(name)).expect("exported");
        assert_eq!(exported, std::fs::read(from.join(name)).expect("source"), "{name}");
    }
    assert!(!to.join("import/too large").exists());
}

#[cfg(unix)]
#[test]
fn names_links_and_attributes_come_out_as_they_went_in() {
    use std::os::unix::fs::MetadataExt;
    let place = place("adorned");
    let (from, to) = (place.join("source"), place.join("out"));
    let attributes = adorn(&from);
    let chip = ["--chip", "small:64", "--time", "2", "--json", "--seed", "5"];
    let output = job(&[&chip[..], &["--from", text(&from), "--to", text(&to)]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    let json = parsed(&output);
    assert_eq!(output.status.code(), Some(0), "{errors} {json:#}");
    let counts =
        ["links", "names", "attributes"].map(|what| number(&json, &format!("/source/{what}")));
    assert_eq!(counts, [2, 2, attributes], "{json:#}");
    let import = to.join("import");
    let inode = |path: &str| std::fs::symlink_metadata(import.join(path)).expect(path).ino();
    assert_eq!(inode("large"), inode("nested/large too"));
    assert_eq!(inode("one"), inode("nested/deeper/one too"));
    assert_ne!(inode("one"), inode("large"));
    let target = |path: &str| std::fs::read_link(import.join(path)).expect(path);
    assert_eq!(target("link"), Path::new("nested/most"));
    assert_eq!(target("nested/dangling"), Path::new("/nowhere at all"));
    if attributes > 0 {
        assert_eq!(number(&json, "/source/skipped/attribute of more than 448 bytes"), 1);
        for path in ["large", "nested"] {
            let of = |root: &Path| host_sim::hostfs::attributes(&root.join(path)).expect(path);
            assert_eq!(of(&import), of(&from), "{path}");
            assert!(!of(&import).is_empty(), "{path}");
        }
    }
}

#[test]
fn everything_but_the_cuts_follows_from_the_seed() {
    let place = place("seed");
    let figures = |seed| {
        let options = Options {
            seed,
            time: Duration::ZERO,
            chip: Chip::Small(64),
            from: place.join("source"),
            to: None,
            image: None,
            replay: None,
        };
        let outcome = run(&options, &|_| ()).expect("usable options");
        let mut json = outcome.json();
        assert!(outcome.held(), "{json:#}");
        json["cuts"].take();
        (outcome.image.hash(), json)
    };
    assert_eq!(figures(3), figures(3));
    assert_ne!(figures(3).0, figures(4).0);
}

#[test]
fn a_rule_that_is_broken_fails_the_job_and_its_line_repeats_it() {
    let place = place("broken");
    let from = place.join("source");
    let chip = ["--chip", "small:64", "--from", text(&from), "--json"];
    let broken = ["--mutant", "SettleSkipped"];
    let output = job(&[chip.as_slice(), &broken, &["--time", "60"]].concat());
    let json = parsed(&output);
    assert_eq!(output.status.code(), Some(1), "{json:#}");
    assert_eq!(json["held"], Value::Bool(false));
    let line = json.pointer("/failures/0/replay").and_then(Value::as_str).expect("a replay line");
    let arguments = line.split_once(" -- ").expect("arguments").1;
    let arguments: Vec<_> = arguments.split(' ').collect();
    assert!(arguments.contains(&"--replay"), "{line}");
    let again = job(&[arguments.as_slice(), &broken].concat());
    assert_eq!(again.status.code(), Some(1), "{line}");
    let sound = job(&arguments);
    assert_eq!(sound.status.code(), Some(0), "{}", String::from_utf8_lossy(&sound.stdout));
}

#[test]
fn what_cannot_work_is_refused_with_a_way_out() {
    let place = place("refused");
    let (from, absent) = (place.join("source"), place.join("absent"));
    let unmade = absent.join("chip.img");
    let table: [(&[&str], &str); 6] = [
        (&["--from", text(&absent)], "--from"),
        (&["--from", text(&from), "--to", text(&from)], "empty directory"),
        (&["--from", text(&from), "--image", text(&unmade)], "--image"),
        (&["--chip", "small:3"], "32 to 65536"),
        (&["--chip", "floppy"], "small:BLOCKS"),
        (&["--replay", "17"], "WINDOW/ENTRY"),
    ];
    for (arguments, way_out) in table {
        let output = job(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(way_out), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
