//! Every vnode operation has a row in `docs/vnode.md`, and what the row names exists.
#![allow(clippy::expect_used, reason = "a test, not firmware")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const CONTRACT: &str = "fs-core/src/coloured/vnode/filesystem.rs";

/// Every operation of XNU's `vnode_if.h`, in the order of its groups.
const OPERATIONS: &[&str] = &[
    "lookup",
    "create",
    "whiteout",
    "mknod",
    "open",
    "close",
    "access",
    "getattr",
    "setattr",
    "read",
    "write",
    "ioctl",
    "select",
    "exchange",
    "revoke",
    "mmap_check",
    "mmap",
    "mnomap",
    "fsync",
    "remove",
    "link",
    "rename",
    "renamex",
    "mkdir",
    "rmdir",
    "symlink",
    "readdir",
    "readdirattr",
    "getattrlistbulk",
    "readlink",
    "inactive",
    "reclaim",
    "pathconf",
    "advlock",
    "allocate",
    "pagein",
    "pageout",
    "searchfs",
    "copyfile",
    "clonefile",
    "getxattr",
    "setxattr",
    "removexattr",
    "listxattr",
    "blktooff",
    "offtoblk",
    "blockmap",
    "strategy",
    "bwrite",
    "kqfilt_add",
    "kqfilt_remove",
    "setlabel",
    "getnamedstream",
    "makenamedstream",
    "removenamedstream",
    "monitor",
    "verify",
    "compound_open",
    "compound_remove",
    "compound_rename",
    "compound_mkdir",
    "compound_rmdir",
];

#[test]
fn every_vnode_operation_has_a_row_and_its_method_exists() {
    let contract = read(CONTRACT);
    let rows = rows(&read("docs/vnode.md"));
    let named: BTreeSet<&str> = rows.keys().map(String::as_str).collect();
    assert_eq!(named, OPERATIONS.iter().copied().collect());
    for (operation, (method, meaning)) in &rows {
        assert!(!meaning.is_empty(), "{operation}: no meaning");
        let Some(method) = method.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else {
            assert_eq!(method, "-", "{operation}: neither a method nor none");
            continue;
        };
        assert!(contract.contains(&format!("fn {method}(")), "{operation}: no method {method}");
    }
}

#[test]
fn every_method_of_the_contract_has_a_row() {
    let rows = rows(&read("docs/vnode.md"));
    let methods: BTreeSet<String> =
        rows.values().map(|(method, _)| method.trim_matches('`').to_owned()).collect();
    // What XNU does without an operation of a filesystem.
    let own = [
        "put", "abandon", "owed", "kind", "root", "parent", "sync", "discard", "replace",
        "rewrite", "tidy", "map", "complete",
    ];
    let contract = read(CONTRACT);
    let names = contract.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("async ");
        line.strip_prefix("fn ")?.split_once('(').map(|(name, _)| name.to_owned())
    });
    for name in names {
        assert!(own.contains(&name.as_str()) || methods.contains(&name), "{name} has no row");
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(format!("{ROOT}/{path}")).expect("a file of this project")
}

/// Operation, method and meaning of each row.
fn rows(document: &str) -> BTreeMap<String, (String, String)> {
    let table = document.lines().filter(|line| line.starts_with("| `"));
    let rows = table.filter_map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let operation = cells.next()?.trim_matches('`').to_owned();
        Some((operation, (cells.next()?.to_owned(), cells.next()?.to_owned())))
    });
    rows.collect()
}
