//! Blocks that are shared until they are written.

use std::sync::Arc;

use super::BLOCK_BYTES;

/// What a block holds; `None` is blank.
type Block = Option<Arc<[u8; BLOCK_BYTES]>>;

/// Blocks of a chunk, which is shared as a whole.
const CHUNK: usize = 256;

/// The blocks of a chip. A clone costs a reference count for each chunk of 256 blocks that is not
/// blank, a first write after it a copy of the chunk's list and of the block.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    chunks: Vec<Option<Arc<[Block]>>>,
    count: u32,
    /// What blank bytes read as.
    fill: u8,
}

impl Blocks {
    pub fn blank(count: u32, fill: u8) -> Self {
        Self { chunks: vec![None; (count as usize).div_ceil(CHUNK)], count, fill }
    }

    pub const fn count(&self) -> u32 {
        self.count
    }

    pub const fn fill(&self) -> u8 {
        self.fill
    }

    /// The block `number`, if it is not blank.
    pub fn get(&self, number: u32) -> Option<&Arc<[u8; BLOCK_BYTES]>> {
        let (chunk, within) = self.place(number);
        self.chunks[chunk].as_ref().and_then(|chunk| chunk[within].as_ref())
    }

    /// The block `number`, to be changed.
    pub fn get_mut(&mut self, number: u32) -> &mut [u8; BLOCK_BYTES] {
        let fill = self.fill;
        let block = self.slot(number).get_or_insert_with(|| Arc::new([fill; BLOCK_BYTES]));
        Arc::make_mut(block)
    }

    /// Makes the block `number` blank.
    pub fn clear(&mut self, number: u32) {
        if self.get(number).is_some() {
            *self.slot(number) = None;
        }
    }

    /// Whether both hold the very same block, or none.
    pub fn shares(&self, other: &Self, number: u32) -> bool {
        match (self.get(number), other.get(number)) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// The blocks whose content is not that of a blank one, in ascending order.
    pub fn written(&self) -> impl Iterator<Item = (u32, &[u8; BLOCK_BYTES])> {
        let chunks = self.chunks.iter().enumerate();
        let held = chunks.filter_map(|(chunk, blocks)| Some((chunk, blocks.as_ref()?)));
        let each = held.flat_map(|(chunk, blocks)| {
            let number = move |within| u32::try_from(chunk * CHUNK + within).unwrap_or(u32::MAX);
            let blocks = blocks.iter().enumerate();
            blocks.filter_map(move |(within, block)| Some((number(within), &**block.as_ref()?)))
        });
        each.filter(|(_, block)| !self.is_blank(&block[..]))
    }

    /// Whether `bytes` are what a blank block holds.
    pub fn is_blank(&self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| *byte == self.fill)
    }

    fn place(&self, number: u32) -> (usize, usize) {
        assert!(number < self.count, "a block of the image");
        (number as usize / CHUNK, number as usize % CHUNK)
    }

    fn slot(&mut self, number: u32) -> &mut Block {
        let (chunk, within) = self.place(number);
        let length = (self.count as usize - chunk * CHUNK).min(CHUNK);
        let blocks = self.chunks[chunk].get_or_insert_with(|| (0..length).map(|_| None).collect());
        &mut Arc::make_mut(blocks)[within]
    }
}
