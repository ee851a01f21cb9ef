//! The table of risks in `docs/testing.md` and the scenarios say the same.

use std::collections::BTreeMap;

use host_sim::scenario::Scenario;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/testing.md");

#[test]
fn a_scenario_that_the_table_names_exists_and_covers_that_risk() {
    for (item, named) in table() {
        for name in named {
            let scenario = Scenario::named(&name);
            let scenario = scenario.unwrap_or_else(|| panic!("{item}: no scenario `{name}`"));
            assert!(scenario.covers.contains(&item.as_str()), "`{name}` does not cover {item}");
        }
    }
}

#[test]
fn every_risk_that_a_scenario_covers_is_in_the_table() {
    let table = table();
    for scenario in Scenario::all() {
        for item in scenario.covers.iter().filter(|item| is_risk(item)) {
            let named = table.get(*item).unwrap_or_else(|| panic!("no row for {item}"));
            assert!(!named.is_empty(), "{item}: covered by `{}`, says the code", scenario.name);
        }
    }
}

/// Items, each with the scenarios that its row names.
fn table() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(DOCUMENT).expect("docs/testing.md");
    let (_, chapter) = text.split_once("\n## Risks").expect("the chapter on risks");
    let rows = chapter.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, item, _, tests, _] = cells[..] else { return None };
        is_risk(item).then(|| (item.to_owned(), scenarios(tests)))
    });
    let table: BTreeMap<_, _> = rows.collect();
    assert!(table.len() >= 30, "{table:?}");
    table
}

/// `C` or `F` and a number.
fn is_risk(item: &str) -> bool {
    let number = item.strip_prefix(['C', 'F']);
    number.is_some_and(|number| !number.is_empty() && number.parse::<u8>().is_ok())
}

/// The scenarios among the words in code: rooms have no hyphen, and what is no scenario has a
/// capital, a slash or a dot.
fn scenarios(cell: &str) -> Vec<String> {
    let words = cell.split('`').skip(1).step_by(2);
    let rooms = ["pending", "tree", "vfs", "check"];
    let names = words.filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
    names.filter(|name| !rooms.contains(name)).map(str::to_owned).collect()
}
