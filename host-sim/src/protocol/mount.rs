//! What a mounted volume knows: the state that replay rebuilds, and how records change it.

use super::content::{
    BLOCKS_MAX, Block, BlockState, Body, Entry, Items, KEYS, Kind, Place, Pointer, Record, Scalars,
};
use super::scenario::Scenario;

/// A block of the chain and the checksum its first record is chained to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Link {
    pub block: Block,
    pub seed: u64,
    pub root: Pointer,
}

/// The RAM state. A pending change carries the journal block that last logged it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Mount {
    /// Sequence and place of the newest anchor entry.
    pub newest: u8,
    pub newest_at: Place,
    pub first: bool,
    pub session: u8,
    /// The next slot of each anchor block, when it is known to be blank.
    pub blank_slot: [Option<u8>; 2],
    pub chain: Vec<Link>,
    /// Where the next record goes in the last block of the chain, and what it is chained to.
    pub slot: u8,
    pub checksum: u64,
    pub scalars: Scalars,
    pub items: [Option<(u8, Block)>; KEYS],
    pub runs: [Option<(BlockState, Block)>; BLOCKS_MAX],
    pub tree_items: Items,
    pub tree_blocks: [BlockState; BLOCKS_MAX],
    /// Leaving blocks, each with the sequence of the entry that retired it.
    pub leaving: Vec<(Block, u8)>,
    /// Chosen by an operation in flight.
    pub pinned: Option<Block>,
    /// The last record is a seal, and one that promises that the next block is erased.
    pub sealed: bool,
    pub promises: bool,
    /// Where that is withdrawn before anything happens to the next block.
    pub mark: Option<Place>,
    /// The named next block is erased, and nothing was tried on it since.
    pub erased_next: bool,
    /// A journal or anchor write did not return `Ok`.
    pub doubtful: bool,
    /// Records of the tail sector, and the pair of sectors it alternates between: the one that
    /// holds it comes first.
    pub image: Vec<Record>,
    pub pair: [u8; 2],
}

impl Mount {
    /// The state before the first record of the chain that `entry` names.
    pub fn at_start_of(entry: &Entry, newest_at: Place) -> Self {
        let link = Link { block: entry.start, seed: entry.seed, root: entry.root };
        let nowhere = Scalars {
            next: Block::MAX,
            spares: [Block::MAX; 2],
            spare_erased: false,
            root: entry.root,
        };
        Self {
            newest: entry.sequence,
            newest_at,
            first: entry.first,
            session: entry.session,
            blank_slot: [None; 2],
            chain: vec![link],
            slot: 0,
            checksum: entry.seed,
            scalars: nowhere,
            items: [None; KEYS],
            runs: [None; BLOCKS_MAX],
            tree_items: [0; KEYS],
            tree_blocks: [BlockState::Free; BLOCKS_MAX],
            leaving: Vec::new(),
            pinned: None,
            sealed: false,
            promises: false,
            mark: None,
            erased_next: false,
            doubtful: false,
            image: Vec::new(),
            pair: [0, 1],
        }
    }

    /// What a program sees.
    pub fn shown(&self) -> Items {
        let mut shown = self.tree_items;
        for (value, pending) in shown.iter_mut().zip(&self.items) {
            *value = pending.map_or(*value, |(value, _)| value);
        }
        shown
    }

    pub fn state_of(&self, block: Block) -> BlockState {
        let block = usize::from(block);
        self.runs[block].map_or(self.tree_blocks[block], |(state, _)| state)
    }

    /// The state of every block, as a node would store it: leaving is used.
    pub fn blocks(&self) -> [BlockState; BLOCKS_MAX] {
        let mut blocks = self.tree_blocks;
        for (state, pending) in blocks.iter_mut().zip(&self.runs) {
            match pending {
                Some((BlockState::Leaving, _)) => *state = BlockState::Used,
                Some((pending, _)) => *state = *pending,
                None => {}
            }
        }
        blocks
    }

    pub fn tail(&self) -> Block {
        self.chain[self.chain.len() - 1].block
    }

    /// Every block that has a role but the anchors, in the order chain, next, root, spares.
    pub fn roles(&self) -> Vec<Block> {
        let mut roles: Vec<Block> = self.chain.iter().map(|link| link.block).collect();
        roles.extend([self.scalars.next, self.scalars.root.block]);
        roles.extend(self.scalars.spares);
        roles
    }

    /// The change that `body`, logged in `block`, makes: the same at run time and in replay.
    pub fn apply(&mut self, body: &Body, block: Block) {
        if let Some(root) = body.fold {
            self.items = [None; KEYS];
            for run in &mut self.runs {
                run.take_if(|(state, _)| *state != BlockState::Leaving);
            }
            self.scalars.root = root;
        }
        for (key, value) in &body.items {
            self.items[usize::from(*key)] = Some((*value, block));
        }
        for (run, state) in &body.runs {
            self.runs[usize::from(*run)] = Some((*state, block));
            if *state != BlockState::Leaving {
                self.leaving.retain(|(leaving, _)| leaving != run);
            }
        }
        if let Some(scalars) = body.scalars {
            self.scalars = scalars;
        }
        self.sealed = matches!(body.kind, Kind::Seal { .. });
        self.promises = body.kind == Kind::Seal { promises: true };
    }

    /// Blocks that a record may give now: retired by an entry that has a durable successor.
    pub fn releasable(&self) -> Vec<(Block, BlockState)> {
        let ripe = self.leaving.iter().filter(|(_, retired_by)| *retired_by < self.newest);
        ripe.map(|(block, _)| (*block, BlockState::Free)).collect()
    }

    /// Calls every leaving block retired by entry `sequence`.
    pub fn date_leaving(&mut self, sequence: u8) {
        let blocks = (0..).zip(&self.runs);
        let leaving = blocks.filter(|(_, run)| matches!(run, Some((BlockState::Leaving, _))));
        self.leaving = leaving.map(|(block, _)| (block, sequence)).collect();
    }

    /// Takes note of the image that now stands in sector `slot` of the tail block. A full one is
    /// frozen: the other sector of the pair and the next one are the new pair.
    pub fn landed(&mut self, scenario: &Scenario, slot: u8, image: Vec<Record>) {
        let other = if self.pair[0] == slot { self.pair[1] } else { self.pair[0] };
        if image.len() < usize::from(scenario.image_records) {
            self.pair = [slot, other];
            self.image = image;
        } else {
            self.pair = [other, slot.max(other) + 1];
            self.image = Vec::new();
        }
    }
}
