//! `docs/benchmarks.md` has a row for every workload, and says which code it is about.

use host_sim::bench::{ALL, Medium, run};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md");

#[test]
fn every_workload_has_a_row_with_figures_or_a_reason() {
    let text = std::fs::read_to_string(DOCUMENT).expect("docs/benchmarks.md");
    assert!(text.contains("Measured on top of commit "), "no commit is named");
    for medium in &Medium::ALL {
        let heading = format!("## {}\n", medium.heading);
        let (_, chapter) = text.split_once(&heading).expect(&heading);
        let chapter = chapter.split("\n## ").next().unwrap_or_default();
        for workload in ALL.iter().filter(|own| own.against(medium).is_some()) {
            let row =
                chapter.lines().find(|line| line.starts_with(&format!("| {} |", workload.name)));
            let row = row.unwrap_or_else(|| panic!("{}: no row {}", medium.name, workload.name));
            assert_eq!(row.split('|').count(), 16, "{row}");
            assert!(row.contains("**not** run: ") || row.contains(" KiB | "), "{row}");
        }
    }
    for chapter in ["## Growth", "## Wear"] {
        assert!(text.contains(chapter), "{chapter}");
    }
}

#[test]
fn a_workload_compares_what_it_reads_and_counts_what_the_chip_does() {
    let workload = ALL.iter().find(|workload| workload.name.starts_with("W10 "));
    for medium in &Medium::ALL {
        let row = run(workload.expect("W10"), medium.spec, medium.low_latency);
        let ran = row.result.expect("it runs");
        assert_eq!(ran.calls_ns.len(), 800, "{}", medium.name);
        assert_eq!(ran.user_bytes, 200 * 256, "{}", medium.name);
        assert_eq!(ran.total_ns, ran.calls_ns.iter().sum::<u64>(), "{}", medium.name);
        assert_eq!(ran.total_ns, ran.counters.busy_ns, "{}", medium.name);
        assert!(ran.counters.program_bytes > ran.user_bytes && ran.percentile(100) > 0);
    }
}
