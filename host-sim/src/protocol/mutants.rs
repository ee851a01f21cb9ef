//! The scenarios in which a rule is broken: most must be noticed. Those in `spare/` are not, and
//! that is a result too: with all other rules kept, no cut or failure makes them matter.

use super::rules::Rule;
use super::scenario::{Expected, Scenario};
use super::scenarios::{IMAGES, NOR, SECTOR, TIGHT};

/// Few operations, many cuts.
const CUTS: Scenario = Scenario { operations: 2, cuts: 5, actions: "p01 s", ..NOR };
/// The chain moves often.
const MOVES: Scenario = Scenario { operations: 6, ..TIGHT };
/// The chain moves far enough for blocks to come back.
const FAR: Scenario = Scenario { operations: 10, cuts: 1, actions: "p01 p00 f s", ..TIGHT };
/// Device errors.
const FAILS: Scenario = Scenario { operations: 3, failures: 3, actions: "p01 p11", ..NOR };
const PARKS: Scenario = Scenario { cuts: 3, actions: "p01 p11 s", ..NOR };
const PROMISES: Scenario = Scenario { cuts: 4, actions: "p01 p11 e s", ..NOR };
const WINDOWS: Scenario = Scenario { actions: "p01 f m", ..NOR };
const LARGE: Scenario = Scenario { operations: 5, actions: "P01 P00", ..NOR };
const SECTOR_MOVES: Scenario = Scenario { slots: 3, operations: 8, actions: "p01 p00", ..SECTOR };
const BUFFERED: Scenario = Scenario { actions: "q01 q11 p01 p11", ..SECTOR };
/// C6: a lost record, a persisted one behind it, and the same block again.
const SPARES_COME_ROUND: Scenario =
    Scenario { actions: "q01 q11 p01", operations: 3, cuts: 5, ..SECTOR };
const TAILS: Scenario = Scenario { operations: 5, actions: "p01 p11", ..IMAGES };

const A: &str = "INVARIANT A";
const BRICKED: &str = "BRICKED";
const DOUBLE: &str = "DOUBLE USE";
const ERASE: &str = "program into an interrupted erase";
const LEAKED: &str = "LEAKED";
const LOST: &str = "LOST OR INVENTED";
const OVER: &str = "program over a slot not known blank";
const TWICE: &str = "a word is programmed twice";
const STRENGTHEN: &str = "re-program in an interrupted erase";

fn caught(
    name: &'static str,
    broken: &'static [Rule],
    by: &'static str,
    scenario: &Scenario,
) -> Scenario {
    Scenario { name, broken, expected: Expected::Caught(by), ..scenario.clone() }
}

fn spare(name: &'static str, broken: &'static [Rule], scenario: &Scenario) -> Scenario {
    Scenario { name, broken, ..scenario.clone() }
}

pub(super) fn all() -> Vec<Scenario> {
    [settle(), journal(), park_and_fail(), sector(), once(), not_noticed()].concat()
}

fn settle() -> Vec<Scenario> {
    let two_records = Scenario { checkpoint_records: 2, ..MOVES };
    vec![
        caught("mutant/SettleSkipped", &[Rule::SettleSkipped], A, &MOVES),
        caught("mutant/OldChainContinued", &[Rule::OldChainContinued], A, &NOR),
        caught("mutant/EntryNotStrengthened", &[Rule::EntryNotStrengthened], BRICKED, &CUTS),
        caught("mutant/DoubtNotStruck", &[Rule::DoubtNotStruck], BRICKED, &CUTS),
        caught("mutant/NewestAnchorErased", &[Rule::NewestAnchorErased], BRICKED, &CUTS),
        caught("mutant/SameAnchorBlock", &[Rule::SameAnchorBlock], STRENGTHEN, &CUTS),
        caught("mutant/SameSpareAgain", &[Rule::SameSpareAgain], DOUBLE, &CUTS),
        caught("mutant/OneEntryOnly", &[Rule::OneEntryOnly], A, &CUTS),
        caught("mutant/AnchorBeforeCheckpoint", &[Rule::AnchorBeforeCheckpoint], A, &CUTS),
        caught(
            "mutant/AnchorBeforeCheckpoint+NoFallbackEntry",
            &[Rule::AnchorBeforeCheckpoint, Rule::NoFallbackEntry],
            BRICKED,
            &MOVES,
        ),
        caught(
            "mutant/AnchorBeforeCheckpoint+IncompleteCheckpointCounts",
            &[Rule::AnchorBeforeCheckpoint, Rule::IncompleteCheckpointCounts],
            A,
            &two_records,
        ),
        caught("mutant/RootOfStartVerified", &[Rule::RootOfStartVerified], A, &MOVES),
        caught("mutant/OldChainForgotten", &[Rule::OldChainForgotten], LEAKED, &MOVES),
        caught("mutant/LeavingForgotten", &[Rule::LeavingForgotten], LEAKED, &MOVES),
    ]
}

/// Words that are programmed once: the rules break the medium, and without them the volume breaks.
fn once() -> Vec<Scenario> {
    let cuts = Scenario { once: true, ..CUTS };
    let parks = Scenario { once: true, cuts: 0, ..PARKS };
    let puts = Scenario { once: true, actions: "p01", ..CUTS };
    // On such words nothing at all is struck then.
    let none: &[Rule] = &[Rule::EntryNotStrengthened, Rule::DoubtNotStruck];
    vec![
        caught("once/settle", &[], TWICE, &cuts),
        caught("once/park", &[], TWICE, &parks),
        caught("once/left-in-doubt", none, BRICKED, &puts),
    ]
}

fn journal() -> Vec<Scenario> {
    let roomy = Scenario { slots: 4, operations: 7, actions: "p01 p00", ..MOVES };
    let come_back = Scenario { operations: 9, cuts: 0, actions: "p01 p00 f", ..NOR };
    let crowded = Scenario { blocks: 11, operations: 14, actions: "p01 p00", ..FAR };
    let folds = Scenario { actions: "p01 p00 f m", ..NOR };
    vec![
        caught("mutant/QuarantineSkipped", &[Rule::QuarantineSkipped], A, &come_back),
        caught("mutant/RelogSkipped", &[Rule::RelogSkipped], A, &MOVES),
        caught("mutant/LeaveNotLogged", &[Rule::LeaveNotLogged], LEAKED, &roomy),
        caught("mutant/LeaveAfterEntry", &[Rule::LeaveAfterEntry], BRICKED, &roomy),
        caught("mutant/ReuseBeforeDurable", &[Rule::ReuseBeforeDurable], BRICKED, &MOVES),
        caught("mutant/RecordBeforeNode", &[Rule::RecordBeforeNode], BRICKED, &MOVES),
        caught("mutant/WindowNotAnnounced", &[Rule::WindowNotAnnounced], OVER, &WINDOWS),
        caught("mutant/ErasedClaimedEarly", &[Rule::ErasedClaimedEarly], ERASE, &WINDOWS),
        caught("mutant/JournalBlockNotErased", &[Rule::JournalBlockNotErased], OVER, &MOVES),
        caught("mutant/NodeBlockNotErased", &[Rule::NodeBlockNotErased], OVER, &MOVES),
        caught("mutant/PinSkipped", &[Rule::PinSkipped], DOUBLE, &folds),
        caught("mutant/NextBlockNotTried", &[Rule::NextBlockNotTried], A, &LARGE),
        caught("mutant/ChainSkipped", &[Rule::ChainSkipped], A, &crowded),
    ]
}

fn park_and_fail() -> Vec<Scenario> {
    let anchors = Scenario { anchor_slots: 4, ..MOVES };
    let spares = Scenario { operations: 3, cuts: 3, anchor_slots: 5, actions: "p01 r", ..NOR };
    let missed_seal = Scenario { operations: 7, slots: 3, actions: "p01 r s", ..spares };
    let one_failure = Scenario { failures: 1, ..FAILS };
    let renewed = Scenario { operations: 5, cuts: 3, actions: "p01 m R f", ..spares };
    let torn_mark = Scenario { operations: 5, cuts: 3, actions: "p01 e s", ..NOR };
    let tight_fails = Scenario { operations: 7, failures: 1, actions: "p01 p00 s", ..TIGHT };
    vec![
        caught("mutant/SealNotStrengthened", &[Rule::SealNotStrengthened], A, &PARKS),
        caught("mutant/SealBlockContinued", &[Rule::SealBlockContinued], OVER, &PARKS),
        caught("mutant/PromiseNotWithdrawn", &[Rule::PromiseNotWithdrawn], OVER, &PROMISES),
        caught("mutant/PromiseWithdrawnOnce", &[Rule::PromiseWithdrawnOnce], OVER, &torn_mark),
        caught("mutant/PromiseNotLookedAt", &[Rule::PromiseNotLookedAt], OVER, &PROMISES),
        caught("mutant/AnchorNotStruck", &[Rule::AnchorNotStruck], OVER, &anchors),
        caught("mutant/SpareMarkNotLookedAt", &[Rule::SpareMarkNotLookedAt], OVER, &spares),
        caught("mutant/SpareClaimedEarly", &[Rule::SpareClaimedEarly], ERASE, &spares),
        caught("mutant/SpareClaimKept", &[Rule::SpareClaimKept], OVER, &missed_seal),
        caught("mutant/RenewedNotAnnounced", &[Rule::RenewedNotAnnounced], OVER, &renewed),
        caught("mutant/CleanDoubtNotStruck", &[Rule::CleanDoubtNotStruck], LOST, &PARKS),
        caught("mutant/AnchorSlotReused", &[Rule::AnchorSlotReused], OVER, &anchors),
        caught("mutant/ValidDoubtKept/fail", &[Rule::ValidDoubtKept], BRICKED, &FAILS),
        caught("mutant/ValidDoubtKept/settle", &[Rule::ValidDoubtKept], BRICKED, &CUTS),
        caught("mutant/DoubtfulTailContinued", &[Rule::DoubtfulTailContinued], LOST, &one_failure),
        caught(
            "mutant/DoubtSettledFromMedium",
            &[Rule::DoubtSettledFromMedium],
            "WRONG",
            &one_failure,
        ),
        caught("mutant/AppliedBeforeDurable", &[Rule::AppliedBeforeDurable], "CHANGED", &FAILS),
        caught("mutant/AnchorEraseNotDoubtful", &[Rule::AnchorEraseNotDoubtful], A, &tight_fails),
    ]
}

fn sector() -> Vec<Scenario> {
    let two_records = Scenario { checkpoint_records: 2, ..SECTOR };
    vec![
        caught("mutant/SettleSkipped/sector", &[Rule::SettleSkipped], LOST, &BUFFERED),
        caught("mutant/SessionSeedSkipped", &[Rule::SessionSeedSkipped], LOST, &SPARES_COME_ROUND),
        caught("mutant/FlushNodeSkipped", &[Rule::FlushNodeSkipped], BRICKED, &SECTOR),
        caught("mutant/FlushRecordSkipped", &[Rule::FlushRecordSkipped], LOST, &SECTOR),
        caught(
            "mutant/FlushCheckpointSkipped+NoFallbackEntry",
            &[Rule::FlushCheckpointSkipped, Rule::NoFallbackEntry],
            BRICKED,
            &SECTOR,
        ),
        caught(
            "mutant/FlushCheckpointSkipped+IncompleteCheckpointCounts",
            &[Rule::FlushCheckpointSkipped, Rule::IncompleteCheckpointCounts],
            LOST,
            &two_records,
        ),
        caught("mutant/FlushAnchorSkipped", &[Rule::FlushAnchorSkipped], BRICKED, &SECTOR_MOVES),
        caught(
            "mutant/FlushRelogSkipped+LostRelogCounts",
            &[Rule::FlushRelogSkipped, Rule::LostRelogCounts],
            LEAKED,
            &SECTOR_MOVES,
        ),
        caught("mutant/TailInPlace", &[Rule::TailInPlace], BRICKED, &TAILS),
        caught("mutant/OneImageRead", &[Rule::OneImageRead], LOST, &TAILS),
    ]
}

fn not_noticed() -> Vec<Scenario> {
    let two_records = Scenario { checkpoint_records: 2, ..MOVES };
    let park_fails = Scenario { operations: 3, failures: 2, actions: "p01 p11 f s", ..NOR };
    vec![
        spare("spare/EntriesRankedBySequence", &[Rule::EntriesRankedBySequence], &CUTS),
        spare("spare/FirstFlagIgnored", &[Rule::FirstFlagIgnored], &CUTS),
        spare("spare/FirstFlagIgnored/fail", &[Rule::FirstFlagIgnored], &FAILS),
        spare("spare/NoFallbackEntry", &[Rule::NoFallbackEntry], &MOVES),
        spare("spare/NoFallbackEntry/cuts", &[Rule::NoFallbackEntry], &CUTS),
        spare("spare/NoFallbackEntry/fail", &[Rule::NoFallbackEntry], &park_fails),
        spare("spare/NoFallbackEntry/sector", &[Rule::NoFallbackEntry], &SECTOR),
        spare(
            "spare/IncompleteCheckpointCounts",
            &[Rule::IncompleteCheckpointCounts],
            &two_records,
        ),
        spare("spare/FlushCheckpointSkipped", &[Rule::FlushCheckpointSkipped], &SECTOR),
        spare("spare/LostRelogCounts", &[Rule::LostRelogCounts], &MOVES),
        spare("spare/LostRelogCounts/sector", &[Rule::LostRelogCounts], &SECTOR_MOVES),
        spare("spare/FlushRelogSkipped", &[Rule::FlushRelogSkipped], &SECTOR_MOVES),
        spare("spare/CleanLeavingGiven", &[Rule::CleanLeavingGiven], &MOVES),
        spare("spare/OldChainFreed", &[Rule::OldChainFreed], &MOVES),
        spare("spare/CleanStrikesOtherOnly", &[Rule::CleanStrikesOtherOnly], &park_fails),
        spare(
            "spare/CleanStrikesOtherOnly+CleanEntryNotStrengthened",
            &[Rule::CleanStrikesOtherOnly, Rule::CleanEntryNotStrengthened],
            &park_fails,
        ),
        spare("spare/SessionSeedSkipped/nor", &[Rule::SessionSeedSkipped], &CUTS),
    ]
}
