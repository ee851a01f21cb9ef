//! The documents hold together: links lead somewhere, the README names two commands and no more,
//! and the numbered lists that the code refers to are complete.
#![cfg(feature = "blocking")]
#![allow(clippy::expect_used, reason = "a test, not firmware")]

use fs_core::blocking::Volume;
use fs_core::blocking::device::RamDevice;
use fs_core::{FormatOptions, Memory, MountOptions};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const COMMANDS: [&str; 2] =
    ["cargo run --release -p host-sim", "cargo test --workspace --all-features"];
const COLUMNS_MAX: usize = 110;

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for path in documents() {
        let folder = path.parent().expect("a document lies in a folder");
        for link in links(&read(&path)) {
            let target = link.split_once('#').map_or(link.as_str(), |(file, _)| file);
            let outside = link.starts_with("https://") || link.starts_with("http://");
            if !outside && !target.is_empty() && !folder.join(target).exists() {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn the_readme_names_two_commands() {
    let named = commands(&read(&Path::new(ROOT).join("README.md")));
    assert_eq!(named, COMMANDS);
}

#[test]
fn as_many_files_fit_as_the_readme_says() {
    let readme = read(&Path::new(ROOT).join("README.md"));
    let row = readme.lines().find(|line| line.starts_with("| room |")).expect("the row on room");
    for (blocks, said) in [(16, 7), (64, 160), (256, 800)] {
        assert!(row.contains(&format!("{said} ")), "{row}");
        let fit = files_that_fit(blocks);
        assert!(fit >= said, "{fit} files fit on {blocks} blocks, not {said}");
    }
}

/// Files of 400 bytes that a new volume takes.
fn files_that_fit(blocks: usize) -> usize {
    let mut bytes = vec![0xFF; blocks.saturating_mul(4096)];
    let (mut device, mut memory) = (RamDevice::new(&mut bytes), Memory::<2048>::new());
    let (options, format) = (MountOptions::default(), FormatOptions::default());
    let volume = Volume::mount_or_format(&mut device, &mut memory, options, &format);
    let volume = volume.expect("a volume");
    let full = |number: &usize| volume.replace(&format!("file{number}"), &[7; 400]);
    (0..10_000).take_while(|number| full(number).is_ok()).count()
}

#[test]
fn documents_are_ascii_and_their_lines_fit() {
    let mut faults = Vec::new();
    for path in documents() {
        for (number, line) in read(&path).lines().enumerate() {
            let number = number.saturating_add(1);
            let table = line.trim_start().starts_with('|');
            if !line.is_ascii() {
                faults.push(format!("{}:{number}: not ASCII", path.display()));
            }
            if !table && line.len() > COLUMNS_MAX {
                faults.push(format!("{}:{number}: {} columns", path.display(), line.len()));
            }
            if line.ends_with(' ') {
                faults.push(format!("{}:{number}: blanks at the end", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_mutant_that_the_design_names_exists() {
    let code = read(&Path::new(ROOT).join("fs-core/src/mutant.rs"));
    let known: BTreeSet<&str> =
        code.lines().filter_map(|line| line.trim().strip_suffix(',')).collect();
    let design = read(&Path::new(ROOT).join("docs/design.md"));
    let (_, edges) = design.split_once("## Barrier edges").expect("the chapter on barrier edges");
    let (edges, _) = edges.split_once("\n## ").expect("a chapter behind it");
    let named: Vec<&str> = edges
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.starts_with(char::is_uppercase) && !word.contains(':'))
        .collect();
    assert!(named.len() >= 6, "{named:?}");
    for name in named {
        assert!(known.contains(name), "docs/design.md names `{name}`, fs-core/src/mutant.rs not");
    }
}

#[test]
fn the_template_has_a_place_for_every_step_of_porting() {
    let root = Path::new(ROOT);
    let text = read(&root.join("docs/porting.md"));
    let steps: BTreeSet<(u32, String)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## ")?.split_once(". "))
        .filter_map(|(number, title)| Some((number.parse().ok()?, title.to_owned())))
        .collect();
    let mut places = BTreeSet::new();
    for file in ["Cargo.toml", ".cargo/config.toml", "memory.x", "src/main.rs"] {
        let text = read(&root.join("boards/template").join(file));
        for place in text.lines().filter_map(|line| line.split_once("TODO(")) {
            let (number, title) = place.1.split_once("): ").expect("a number and the step's title");
            places.insert((number.parse().expect("a number"), title.to_owned()));
        }
    }
    assert!(steps.len() >= 10 && steps.iter().map(|step| step.0).eq(1..=10), "{steps:?}");
    assert_eq!(places, steps);
}

#[test]
fn a_fault_is_seen() {
    let text = "see [a](b.md), [c](https://d/e) and [f](g/h.md#i)\n```sh\n[not](one)\n```\n";
    assert_eq!(links(text), ["b.md", "https://d/e", "g/h.md#i"]);
    let text = "run `cargo one`:\n\n```sh\ncargo two\n```\n\nneeds cargo, or `cargo`.\n";
    assert_eq!(commands(text), ["cargo one", "cargo two"]);
}

/// The README and everything in `docs`.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    let docs = fs::read_dir(root.join("docs")).expect("docs").flatten().map(|entry| entry.path());
    let docs = docs.filter(|path| path.extension().is_some_and(|ext| ext == "md"));
    let mut paths: Vec<PathBuf> = docs.chain([root.join("README.md")]).collect();
    paths.sort();
    assert!(paths.len() >= 4, "{paths:?}");
    paths
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a document")
}

/// The lines of `text`, each with whether it is inside a fence.
fn fenced(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut inside = false;
    text.lines().filter_map(move |line| {
        if line.starts_with("```") {
            inside = !inside;
            return None;
        }
        Some((inside, line))
    })
}

/// Targets of inline links.
fn links(text: &str) -> Vec<String> {
    let prose = fenced(text).filter(|(inside, _)| !inside);
    let after = prose.flat_map(|(_, line)| line.split("](").skip(1));
    after.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// Everything that is written as a command for cargo, in code of either form.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (inside, line) in fenced(text) {
        if inside {
            found.extend(Some(line).filter(|line| line.starts_with("cargo ")));
        } else {
            let code = line.split('`').skip(1).step_by(2);
            found.extend(code.filter(|code| code.starts_with("cargo ")));
        }
    }
    found.into_iter().map(str::to_owned).collect()
}
