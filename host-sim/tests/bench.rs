//! `docs/benchmarks.md` has a row for every workload, and says which code it is about.

use host_sim::bench::{ALL, run};
use host_sim::chip::Spec;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md");

#[test]
fn every_workload_has_a_row_with_figures_or_a_reason() {
    let text = std::fs::read_to_string(DOCUMENT).expect("docs/benchmarks.md");
    assert!(text.contains("Measured on top of commit "), "no commit is named");
    for workload in ALL {
        let row = text.lines().find(|line| line.starts_with(&format!("| {} |", workload.name)));
        let row = row.unwrap_or_else(|| panic!("no row for {}", workload.name));
        let cells = row.split('|').count();
        assert!(cells == 13, "{row}");
        assert!(row.contains("**not** run: ") || row.contains(" KiB | "), "{row}");
    }
    for chapter in ["## Growth", "## Wear"] {
        assert!(text.contains(chapter), "{chapter}");
    }
}

#[test]
fn a_workload_compares_what_it_reads_and_counts_what_the_chip_does() {
    let workload = ALL.iter().find(|workload| workload.name.starts_with("W10 "));
    let row = run(workload.expect("W10"), Spec::W25Q128JV, false);
    let ran = row.result.expect("it runs");
    assert_eq!(ran.calls_ns.len(), 800);
    assert_eq!(ran.user_bytes, 200 * 256);
    assert_eq!(ran.total_ns, ran.calls_ns.iter().sum::<u64>());
    assert!(ran.counters.program_bytes > ran.user_bytes && ran.percentile(100) > 0);
}
