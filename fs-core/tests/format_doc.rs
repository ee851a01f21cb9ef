//! `docs/format.md` and the code say the same, table for table, in both directions.
#![allow(clippy::expect_used, reason = "a test, not firmware")]

use std::fs;
use std::path::{Path, PathBuf};

const SPECIFICATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/format.md");
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/format");

/// What the first column of a table is called when the table tells how bytes are laid out, or what
/// numbers in them mean. Other tables of the specification explain; the code does not repeat them.
const LAYOUT: &[&str] = &["offset", "object", "kind"];

#[test]
fn every_table_of_the_code_stands_in_the_specification() {
    let specified = tables(&specification(), "|");
    for (path, table) in tables_of_the_code() {
        assert!(specified.contains(&table), "not in docs/format.md: {}\n{table}", path.display());
    }
}

#[test]
fn every_layout_table_of_the_specification_stands_in_the_code() {
    let coded = tables_of_the_code();
    let specified = tables(&specification(), "|").into_iter().filter(|table| is_layout(table));
    for table in specified {
        assert!(coded.iter().any(|(_, of_code)| *of_code == table), "not in the code:\n{table}");
    }
}

#[test]
fn every_structure_has_a_table_and_no_table_stands_twice() {
    let coded = tables_of_the_code();
    let mut structures: Vec<_> = coded.iter().filter_map(|(path, _)| path.file_stem()).collect();
    structures.dedup();
    let structures: Vec<_> = structures.iter().map(|name| name.to_string_lossy()).collect();
    let expected = [
        "anchor",
        "change",
        "directory",
        "dirent",
        "extent",
        "group",
        "inode",
        "intent",
        "key",
        "owner",
        "page",
        "patch",
        "pointer",
        "record",
        "scalars",
        "superblock",
        "xattr",
    ];
    assert_eq!(structures, expected);
    let specified: Vec<_> =
        tables(&specification(), "|").into_iter().filter(|table| is_layout(table)).collect();
    assert_eq!(specified.len(), coded.len());
}

#[test]
fn a_difference_is_seen() {
    let text = "words\n| offset | size |\n| -: | -: |\n| 0 | 4 |\n\n| word |\n| - |\nwords\n";
    let found = tables(text, "|");
    assert_eq!(found, ["| offset | size |\n| -: | -: |\n| 0 | 4 |", "| word |\n| - |"]);
    assert!(found.first().is_some_and(|table| is_layout(table)));
    assert!(!found.last().is_some_and(|table| is_layout(table)));
    let code = "//! | offset | size |\n//! | -: | -: |\n//! | 0 | 8 |\nuse a;\n";
    let coded = tables(code, "//! |");
    assert_eq!(coded, ["| offset | size |\n| -: | -: |\n| 0 | 8 |"]);
    assert_ne!(coded.first(), found.first());
}

fn specification() -> String {
    fs::read_to_string(SPECIFICATION).expect("docs/format.md")
}

/// The tables in the head comments of the room `format`, file by file.
fn tables_of_the_code() -> Vec<(PathBuf, String)> {
    let mut paths: Vec<_> = fs::read_dir(Path::new(SOURCES))
        .expect("src/format")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let code = fs::read_to_string(&path).expect("a source file");
        found.extend(tables(&code, "//! |").into_iter().map(|table| (path.clone(), table)));
    }
    found
}

/// The tables of `text`: neighbouring lines that begin with `mark`, which ends in a bar.
fn tables(text: &str, mark: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let Some(row) = line.strip_prefix(mark) else {
            inside = false;
            continue;
        };
        match found.last_mut().filter(|_| inside) {
            Some(table) => table.extend(["\n|", row]),
            None => found.push(format!("|{row}")),
        }
        inside = true;
    }
    found
}

fn is_layout(table: &str) -> bool {
    let first = table.split('|').nth(1).map(str::trim);
    first.is_some_and(|first| LAYOUT.contains(&first))
}
