//! Named workloads, each a function that writes a script of calls.
//!
//! **What it is.** A scenario says on which chip it runs, how the volume is formatted, and which
//! calls follow one another. The explorer runs it once uncut and then cuts it everywhere; error
//! injection, bit rot and the mutant hunt use the same scripts.
//!
//! **Rules.**
//! 1. A scenario is a pure function of the seed: the same seed gives the same script.
//! 2. Lines written inside [`Script::quietly`] prepare; the power is cut only in the others.
//! 3. Every answer is predicted by the model. Where a volume may be full, a line may also answer
//!    `NoSpace`, and then must have changed nothing.

mod attributes;
mod chips;
mod content;
mod files;
mod links;
mod media;
mod names;
mod offload;
mod script;
mod sectors;
mod space;

use std::sync::OnceLock;

use crate::chip::{Kind, Way};
use fs_core::error::Error;
pub use script::{Expect, Line, Script};

/// How large the chip is and how it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Medium {
    /// The technology.
    pub kind: Kind,
    /// Pieces of 4 KiB; of 2 KiB for internal flash.
    pub blocks: u32,
    /// Programs and erases are durable, and in order, only after a sync.
    pub cache: bool,
    /// Bytes of the smallest erase of NOR flash.
    pub erase_unit: u32,
    /// Erased bytes are zero.
    pub erased_to_zero: bool,
    /// How its host reaches it.
    pub way: Way,
}

impl Medium {
    /// A serial NOR flash of so many blocks.
    #[must_use]
    pub const fn nor(blocks: u32) -> Self {
        Self {
            kind: Kind::Nor,
            blocks,
            cache: false,
            erase_unit: 4096,
            erased_to_zero: false,
            way: Way::Array,
        }
    }

    /// A serial NOR flash of so many blocks that is erased in blocks of `erase_unit` bytes.
    #[must_use]
    pub const fn big_block(blocks: u32, erase_unit: u32) -> Self {
        Self { erase_unit, ..Self::nor(blocks * (erase_unit / 4096)) }
    }

    /// A card of so many blocks that answers when its data is durable.
    #[must_use]
    pub const fn card(blocks: u32) -> Self {
        Self { kind: Kind::Card, ..Self::nor(blocks) }
    }

    /// A card with a cache that loses and reorders.
    #[must_use]
    pub const fn cached_card(blocks: u32) -> Self {
        Self { cache: true, ..Self::card(blocks) }
    }

    /// One of [`ON_WIRES`] with so many blocks.
    #[must_use]
    pub fn on_wires(name: &str, blocks: u32) -> Option<Self> {
        match name {
            "spi-nor" => Some(Self { way: Way::Wires, ..Self::nor(blocks) }),
            "sd-card" => Some(Self { way: Way::Wires, ..Self::cached_card(blocks) }),
            "sd-shared" => Some(Self { way: Way::SharedWires, ..Self::cached_card(blocks) }),
            _ => None,
        }
    }

    /// FRAM of so many blocks.
    #[must_use]
    pub const fn fram(blocks: u32) -> Self {
        Self { kind: Kind::Fram, ..Self::nor(blocks) }
    }

    /// Internal flash of so many pages.
    #[must_use]
    pub const fn internal(blocks: u32) -> Self {
        Self { kind: Kind::Internal, ..Self::nor(blocks) }
    }

    /// Internal flash of so many pages whose erased bytes are zero.
    #[must_use]
    pub const fn erased_to_zero(blocks: u32) -> Self {
        Self { erased_to_zero: true, ..Self::internal(blocks) }
    }

    /// The same behind a cache that loses and reorders.
    #[must_use]
    pub const fn cached(blocks: u32) -> Self {
        Self { cache: true, ..Self::nor(blocks) }
    }
}

/// The parameters of a format that matter to a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Bytes of changes kept in RAM.
    pub pending_bytes_max: u16,
    /// Blocks the live journal may span.
    pub journal_blocks_max: u8,
    /// Bits of the hash of names: fewer than 55 let names share it.
    pub hash_bits: u8,
}

impl Tuning {
    /// What a volume gets that asks for nothing.
    pub const DEFAULT: Self =
        Self { pending_bytes_max: 2048, journal_blocks_max: 4, hash_bits: 55 };
    /// Little RAM and a short journal: folds and retires all the time.
    pub const TIGHT: Self =
        Self { pending_bytes_max: 1536, journal_blocks_max: 2, ..Self::DEFAULT };
    /// Names have one of four hashes.
    pub const COLLIDING: Self = Self { hash_bits: 2, ..Self::TIGHT };
}

/// A named workload.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does and what must hold.
    pub story: &'static str,
    /// Items of the design's risk list that it covers.
    pub covers: &'static [&'static str],
    /// The chip.
    pub medium: Medium,
    /// The format.
    pub tuning: Tuning,
    /// Writes the script.
    pub write: fn(&mut Script),
}

impl Scenario {
    /// Its script for `seed`.
    #[must_use]
    pub fn script(&self, seed: u64) -> Script {
        let mut script = Script::new(seed);
        (self.write)(&mut script);
        script
    }

    /// Whether its volume may be full at any time.
    #[must_use]
    pub fn may_fill(&self, seed: u64) -> bool {
        self.script(seed)
            .lines()
            .iter()
            .any(|line| line.expect == Expect::SuccessOr(Error::NoSpace))
    }

    /// The scenario of that name. Behind an `@` stands another medium to play it on.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let mut moved = everywhere().iter();
        Self::all().find(|own| own.name == name).or_else(|| moved.find(|own| own.name == name))
    }

    /// Every scenario that was written for NOR flash, on another medium of [`OTHER_MEDIA`].
    pub fn on(medium: &str) -> impl Iterator<Item = &'static Self> {
        let ends = format!("@{medium}");
        everywhere().iter().filter(move |scenario| scenario.name.ends_with(&ends))
    }

    /// Every scenario, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        [
            files::ALL,
            content::ALL,
            names::ALL,
            links::ALL,
            offload::ALL,
            attributes::ALL,
            space::ALL,
            media::ALL,
            sectors::ALL,
            chips::ALL,
        ]
        .into_iter()
        .flatten()
    }
}

/// Media that scenarios can be moved to, by the name behind the `@`.
pub const OTHER_MEDIA: [&str; 12] = [
    "card",
    "cached-card",
    "fram",
    "internal",
    "nor-8k",
    "nor-16k",
    "nor-32k",
    "nor-64k",
    "erased-to-zero",
    "spi-nor",
    "sd-card",
    "sd-shared",
];

/// Those of [`OTHER_MEDIA`] that are reached through a driver of `hal-adapters` and a chip of
/// [`crate::wire`].
pub const ON_WIRES: [&str; 3] = ["spi-nor", "sd-card", "sd-shared"];

/// Scenarios written for NOR flash, on other media.
fn everywhere() -> &'static [Scenario] {
    static MOVED: OnceLock<Vec<Scenario>> = OnceLock::new();
    MOVED.get_or_init(|| {
        let of_nor = Scenario::all().filter(|scenario| {
            scenario.medium.kind == Kind::Nor && scenario.medium.erase_unit == 4096
        });
        let moved = of_nor.flat_map(|scenario| {
            // Their ranges are of blocks of 4 KiB.
            // And hardware that moves data goes another way to the cells than wires.
            let fits = |to: &&str| {
                let blocks = to.starts_with("nor-") && offload::is_of_blocks(scenario);
                !(blocks || ON_WIRES.contains(to) && offload::is_of_hardware(scenario))
            };
            OTHER_MEDIA.into_iter().filter(fits).map(|to| {
                let Medium { blocks, cache, .. } = scenario.medium;
                let medium = match to {
                    "card" => Medium::card(blocks),
                    "cached-card" => Medium::cached_card(blocks),
                    "fram" => Medium::fram(blocks),
                    "nor-8k" => Medium::big_block(blocks, 0x2000),
                    "nor-16k" => Medium::big_block(blocks, 0x4000),
                    "nor-32k" => Medium::big_block(blocks, 0x8000),
                    "nor-64k" => Medium::big_block(blocks, 0x1_0000),
                    "erased-to-zero" => Medium::erased_to_zero(2 * blocks),
                    // Half the bytes in a block: twice the blocks.
                    _ => Medium::internal(2 * blocks),
                };
                let kept = to == "card" || medium.kind == Kind::Nor;
                let medium = Medium { cache: medium.cache || cache && kept, ..medium };
                let medium = Medium::on_wires(to, blocks).unwrap_or(medium);
                let name = String::leak(format!("{}@{to}", scenario.name));
                Scenario { name, medium, ..*scenario }
            })
        });
        moved.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{Expect, Scenario};
    use crate::image::Op;
    use crate::model::Model;
    use std::collections::BTreeSet;

    #[test]
    fn there_are_at_least_twenty_scenarios_with_names_of_their_own() {
        let names: BTreeSet<_> = Scenario::all().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), Scenario::all().count());
        assert!(names.len() >= 20, "{}", names.len());
    }

    #[test]
    fn limits_that_a_scenario_is_about_are_met() {
        for name in ["too-large-a-draft", "no-draft-left", "full-of-large", "full-disk"] {
            let scenario = Scenario::named(name).expect("a scenario");
            let recording = crate::explore::play::record(&crate::subject::Vellum, scenario, 1);
            assert!(recording.expect("an uncut run").refused > 0, "{name}");
        }
    }

    /// What large blocks are about happens where the power is cut.
    #[test]
    fn big_blocks_are_opened_and_retired_in_lines_that_are_not_quiet() {
        let scenario = Scenario::named("big-blocks").expect("a scenario");
        let recording = crate::explore::play::record(&crate::subject::Vellum, scenario, 1);
        let recording = recording.expect("an uncut run");
        let block = recording.spec.block_bytes();
        let [mut opened, mut entries] = [0; 2];
        for (index, op) in recording.log.iter().enumerate() {
            let loud = recording.call_at(index).is_some_and(|call| !call.quiet);
            let Op::Program { at, bytes } = op else { continue };
            let anchor = *at < block || *at >= recording.start.size() - block;
            let begins = at.is_multiple_of(block) && !anchor;
            let header = bytes.get(6).is_some_and(|kind| matches!(kind, 2 | 3));
            opened += usize::from(loud && begins && header);
            let written = bytes.len() == 64 && bytes.iter().any(|byte| *byte != 0);
            entries += usize::from(loud && anchor && at % block >= 512 && written);
        }
        assert!(opened >= 1 && entries >= 3, "{opened} blocks, {entries} entries");
    }

    #[test]
    fn the_model_accepts_every_line_it_is_meant_to() {
        for scenario in Scenario::all() {
            let mut model = Model::new();
            for (number, line) in scenario.script(1).lines().iter().enumerate() {
                let result = model.apply(&line.op).result;
                let right = match line.expect {
                    Expect::Success | Expect::SuccessOr(_) => result.is_ok(),
                    Expect::Refused(error) => result == Err(error),
                };
                assert!(right, "{}: line {number} {:?}: {result:?}", scenario.name, line.op);
            }
        }
    }
}
