//! The quick set, a test for each group.

use super::rules::Rule;
use super::{play, scenarios};
use fs_core::mutant::Mutant;

fn every(group: &str) {
    let all = scenarios::all().into_iter();
    let played: Vec<bool> =
        all.filter(|scenario| scenario.name.starts_with(group)).map(|it| play(&it)).collect();
    assert!(!played.is_empty(), "no scenario in {group}");
    assert!(played.into_iter().all(|fine| fine), "see the traces above");
}

#[test]
fn settling_survives_every_cut() {
    every("settle/");
}

#[test]
fn a_seal_ends_a_session_and_a_clean_mount_goes_on() {
    every("park/");
}

#[test]
fn a_seal_says_whether_the_next_block_is_erased_until_that_is_withdrawn() {
    every("promise/");
}

#[test]
fn settling_goes_without_an_erase_where_that_is_safe() {
    every("erased/");
}

#[test]
fn blocks_that_sessions_inherit_can_be_renewed() {
    every("renewed/");
}

#[test]
fn records_that_do_not_fit_leave_the_rest_of_a_block() {
    every("room/");
}

#[test]
fn errors_and_dropped_futures_are_settled_from_ram() {
    every("fail/");
}

#[test]
fn a_checkpoint_of_several_records_counts_whole() {
    every("checkpoint/");
}

#[test]
fn sectors_behind_a_cache_need_only_the_barriers() {
    every("sector/");
}

#[test]
fn tail_images_take_turns_in_a_pair_of_sectors() {
    every("images/");
}

#[test]
fn every_broken_rule_is_noticed() {
    every("mutant/");
}

#[test]
fn words_that_are_programmed_once_survive_neither_with_the_rules_nor_without() {
    every("once/");
}

#[test]
fn rules_that_others_cover_stay_unnoticed() {
    every("spare/");
}

#[test]
fn rules_have_the_names_of_the_mutants_of_the_core() {
    for scenario in scenarios::all() {
        for rule in scenario.broken.iter().filter(|rule| !Rule::MODEL_ONLY.contains(rule)) {
            let name = format!("{rule:?}");
            assert!(Mutant::ALL.iter().any(|mutant| mutant.name() == name), "{name}");
        }
    }
}
