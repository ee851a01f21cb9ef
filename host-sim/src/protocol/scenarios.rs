//! The scenarios in which every rule holds, and must.
//!
//! `NOR` has room for most of what a few operations do; in `TIGHT` a journal block holds three
//! records, so that the chain moves on and retires all the time.

use super::mutants;
use super::scenario::{Expected, Scenario};

pub(super) const NOR: Scenario = Scenario {
    name: "",
    expected: Expected::Exhausted,
    blocks: 12,
    slots: 4,
    anchor_slots: 2,
    sector: false,
    once: false,
    image_records: 0,
    chain_max: 2,
    checkpoint_records: 1,
    actions: "p01 p11 p00 f m",
    operations: 4,
    cuts: 2,
    failures: 0,
    broken: &[],
};

pub(super) const TIGHT: Scenario = Scenario { slots: 3, actions: "p01 p00 f s", ..NOR };

pub(super) const SECTOR: Scenario = Scenario { sector: true, ..NOR };

pub(super) const IMAGES: Scenario = Scenario { image_records: 2, slots: 3, ..SECTOR };

/// Every scenario: those that must hold, then those that must be noticed.
pub(super) fn all() -> Vec<Scenario> {
    let groups = [
        settle(),
        park(),
        promise(),
        spares(),
        renewed(),
        room(),
        failures(),
        checkpoint(),
        sector(),
        images(),
        long(),
    ];
    groups.into_iter().flatten().chain(mutants::all()).collect()
}

fn settle() -> Vec<Scenario> {
    vec![
        Scenario { name: "settle/any", cuts: 3, ..NOR },
        Scenario { name: "settle/cuts", cuts: 5, operations: 2, actions: "p01", ..NOR },
        Scenario { name: "settle/fold", cuts: 4, operations: 3, actions: "p01 p00 f", ..NOR },
        Scenario { name: "settle/loop", cuts: 7, operations: 1, actions: "p01", ..NOR },
        Scenario { name: "settle/tight", operations: 6, actions: "p01 p00 f m", ..TIGHT },
        Scenario { name: "settle/far", operations: 14, cuts: 1, actions: "p01 p00 f", ..TIGHT },
    ]
}

fn park() -> Vec<Scenario> {
    vec![
        Scenario { name: "park/any", cuts: 3, actions: "p01 p11 f s", ..NOR },
        Scenario { name: "park/cuts", cuts: 5, operations: 3, actions: "p01 s", ..NOR },
        Scenario { name: "park/loop", cuts: 7, operations: 2, actions: "p01 s", ..NOR },
        Scenario { name: "park/tight", operations: 6, ..TIGHT },
        Scenario { name: "park/far", operations: 10, cuts: 1, ..TIGHT },
        Scenario { name: "park/anchors", operations: 6, anchor_slots: 3, ..TIGHT },
        Scenario { name: "park/fail", failures: 2, actions: "p01 p11 f s", ..NOR },
    ]
}

fn promise() -> Vec<Scenario> {
    vec![
        Scenario { name: "promise/any", cuts: 3, actions: "p01 p11 e s", ..NOR },
        Scenario { name: "promise/loop", cuts: 6, operations: 3, actions: "p01 e s", ..NOR },
        Scenario { name: "promise/tight", operations: 6, actions: "p01 p00 e s", ..TIGHT },
        Scenario { name: "promise/ahead", operations: 6, actions: "p01 p00 f m s", ..NOR },
        Scenario { name: "promise/fail", failures: 2, actions: "p01 p11 e s", ..NOR },
    ]
}

/// Settling without an erase: anchor slots that are known to be blank, a spare erased ahead.
fn spares() -> Vec<Scenario> {
    const SPARES: Scenario = Scenario { anchor_slots: 5, actions: "p01 r", ..NOR };
    vec![
        Scenario { name: "erased/cuts", cuts: 4, operations: 3, ..SPARES },
        Scenario { name: "erased/slots", cuts: 4, operations: 2, anchor_slots: 7, ..SPARES },
        Scenario { name: "erased/three", cuts: 4, operations: 3, anchor_slots: 3, ..SPARES },
        Scenario { name: "erased/park", cuts: 3, operations: 3, actions: "p01 r s", ..SPARES },
        Scenario {
            name: "erased/tight",
            operations: 6,
            slots: 3,
            actions: "p01 p00 r s",
            ..SPARES
        },
        Scenario {
            name: "erased/missed",
            cuts: 3,
            operations: 7,
            slots: 3,
            actions: "p01 r s",
            ..SPARES
        },
        Scenario { name: "erased/fail", failures: 2, actions: "p01 p11 r", ..SPARES },
    ]
}

/// Erased blocks in place of those that sessions inherit.
fn renewed() -> Vec<Scenario> {
    const RENEWED: Scenario = Scenario { anchor_slots: 5, actions: "p01 m R", ..NOR };
    vec![
        Scenario { name: "renewed/spare", cuts: 3, operations: 4, ..RENEWED },
        Scenario { name: "renewed/next", cuts: 3, actions: "p01 m N", ..RENEWED },
        Scenario { name: "renewed/both", operations: 5, actions: "p01 m R N f", ..RENEWED },
        Scenario { name: "renewed/park", operations: 5, actions: "p01 m R N s", ..RENEWED },
        Scenario { name: "renewed/loop", cuts: 5, operations: 3, actions: "m R", ..RENEWED },
        Scenario {
            name: "renewed/tight",
            operations: 6,
            slots: 5,
            actions: "p01 p00 m R N",
            ..RENEWED
        },
        Scenario { name: "renewed/fail", failures: 2, actions: "p01 m R N", ..RENEWED },
    ]
}

fn room() -> Vec<Scenario> {
    vec![
        Scenario { name: "room/any", operations: 5, actions: "p01 P11 p00 f", ..NOR },
        Scenario { name: "room/cuts", cuts: 3, actions: "P01 p11 s", ..NOR },
        Scenario {
            name: "room/fail",
            operations: 7,
            cuts: 1,
            failures: 1,
            actions: "P01 p00 f s",
            ..NOR
        },
    ]
}

fn failures() -> Vec<Scenario> {
    vec![
        Scenario { name: "fail/any", failures: 2, actions: "p01 p11 f", ..NOR },
        Scenario { name: "fail/row", cuts: 1, failures: 4, actions: "p01 p11 f", ..NOR },
        Scenario {
            name: "fail/cuts",
            operations: 3,
            cuts: 3,
            failures: 3,
            actions: "p01 p11",
            ..NOR
        },
        Scenario { name: "fail/tight", operations: 5, failures: 1, ..TIGHT },
        Scenario {
            name: "fail/far",
            operations: 8,
            cuts: 1,
            failures: 2,
            actions: "p01 p00 f",
            ..TIGHT
        },
    ]
}

fn checkpoint() -> Vec<Scenario> {
    vec![
        Scenario { name: "checkpoint/three", checkpoint_records: 3, actions: "p01 p11 f", ..NOR },
        Scenario { name: "checkpoint/tight", checkpoint_records: 2, operations: 6, ..TIGHT },
        Scenario {
            name: "checkpoint/fail",
            checkpoint_records: 3,
            failures: 1,
            actions: "p01 p11 f s",
            ..NOR
        },
    ]
}

fn sector() -> Vec<Scenario> {
    vec![
        Scenario { name: "sector/any", cuts: 3, ..SECTOR },
        Scenario { name: "sector/buffer", cuts: 3, actions: "q01 q11 p01 p11 f", ..SECTOR },
        Scenario {
            name: "sector/fail",
            operations: 5,
            failures: 1,
            actions: "p01 p11 f s",
            checkpoint_records: 2,
            ..SECTOR
        },
        Scenario {
            name: "sector/tight",
            operations: 6,
            slots: 3,
            actions: "p01 p00 f s",
            ..SECTOR
        },
    ]
}

fn images() -> Vec<Scenario> {
    vec![
        Scenario { name: "images/any", operations: 5, cuts: 3, actions: "p01 p11 f s", ..IMAGES },
        Scenario { name: "images/far", operations: 9, actions: "p01 p00 f", ..IMAGES },
        Scenario {
            name: "images/three",
            operations: 5,
            slots: 4,
            image_records: 3,
            failures: 1,
            actions: "p01 p00 f s",
            checkpoint_records: 3,
            ..IMAGES
        },
    ]
}

/// The same with more of everything: minutes, and gigabytes.
fn long() -> Vec<Scenario> {
    vec![
        Scenario { name: "long/settle-any", cuts: 4, ..NOR },
        Scenario { name: "long/settle-cuts", cuts: 7, operations: 3, actions: "p01 p00 f", ..NOR },
        Scenario { name: "long/settle-tight", operations: 7, cuts: 3, ..TIGHT },
        Scenario { name: "long/park-any", cuts: 4, operations: 5, actions: "p01 p11 f s", ..NOR },
        Scenario {
            name: "long/room-any",
            operations: 6,
            failures: 1,
            actions: "p01 P11 p00 f s",
            ..NOR
        },
        Scenario { name: "long/fail-any", cuts: 3, failures: 3, operations: 4, ..NOR },
        Scenario { name: "long/fail-tight", operations: 6, failures: 2, ..TIGHT },
        Scenario {
            name: "long/checkpoint-any",
            checkpoint_records: 3,
            cuts: 3,
            failures: 1,
            actions: "p01 p11 f s",
            ..NOR
        },
        Scenario {
            name: "long/sector-any",
            operations: 5,
            cuts: 3,
            failures: 1,
            actions: "p01 p11 f s",
            ..SECTOR
        },
        Scenario {
            name: "long/images-any",
            operations: 7,
            cuts: 3,
            failures: 1,
            actions: "p01 p00 f s",
            ..IMAGES
        },
        Scenario {
            name: "long/erased-far",
            operations: 9,
            cuts: 1,
            failures: 1,
            anchor_slots: 5,
            slots: 3,
            actions: "p01 p00 r s",
            ..NOR
        },
    ]
}
