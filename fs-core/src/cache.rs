//! Verified pages that are kept in lent RAM.
//!
//! **What it is.** A few pages with the place that each is of. `media` fills it; whoever asks again
//! saves a read of the device. The page that was longest not asked for goes first.
//!
//! **Rules.** A slot has a place only after its bytes were verified for it, and loses it before
//! they change. What is programmed or erased is forgotten.
//!
//! **Cost.** 536 bytes a page. Asking compares the place with that of each slot.

use crate::units::{BlockNo, Generation, PAGE_BYTES};

/// Which page of which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagePlace {
    /// The block of the node.
    pub block: BlockNo,
    /// Which write of that block.
    pub generation: Generation,
    /// Number of the page in its node.
    pub page: u8,
}

/// Room for one page.
#[derive(Debug, Clone)]
pub struct CachedPage {
    place: Option<PagePlace>,
    touched: u16,
    bytes: [u8; PAGE_BYTES],
}

impl CachedPage {
    /// Room without a page.
    pub const EMPTY: Self = Self { place: None, touched: 0, bytes: [0; PAGE_BYTES] };

    /// The room as a buffer. It holds no page from now on.
    pub fn buffer(&mut self) -> &mut [u8; PAGE_BYTES] {
        self.place = None;
        &mut self.bytes
    }

    /// Says that the bytes in the buffer are the page of that place.
    pub fn hold(&mut self, place: PagePlace) {
        self.place = Some(place);
    }

    /// What is in the room.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; PAGE_BYTES] {
        &self.bytes
    }
}

/// The pages there is room for.
#[derive(Debug)]
pub struct Cache<'m> {
    slots: &'m mut [CachedPage],
    clock: u16,
}

impl<'m> Cache<'m> {
    /// An empty cache; it is of no use without a slot.
    pub fn new(slots: &'m mut [CachedPage]) -> Self {
        let mut cache = Self { slots, clock: 0 };
        cache.forget_all();
        cache
    }

    /// The slot that holds that page.
    pub fn find(&mut self, place: PagePlace) -> Option<usize> {
        let index = self.slots.iter().position(|slot| slot.place == Some(place))?;
        self.touch(index);
        Some(index)
    }

    /// A slot for another page: an empty one, or that of the page longest not asked for.
    pub fn claim(&mut self) -> Option<usize> {
        let clock = self.clock;
        let age = |slot: &CachedPage| match slot.place {
            None => u16::MAX,
            Some(_) => clock.wrapping_sub(slot.touched),
        };
        let oldest = self.slots.iter().enumerate().max_by_key(|(_, slot)| age(slot));
        let index = oldest.map(|(index, _)| index)?;
        self.touch(index);
        Some(index)
    }

    /// A slot by its number.
    #[must_use]
    pub fn slot(&self, index: usize) -> Option<&CachedPage> {
        self.slots.get(index)
    }

    /// A slot by its number, to fill it.
    pub fn slot_mut(&mut self, index: usize) -> Option<&mut CachedPage> {
        self.slots.get_mut(index)
    }

    /// The pages of one node that are here.
    pub fn of_node(
        &self,
        block: BlockNo,
        generation: Generation,
    ) -> impl Iterator<Item = (u8, &[u8; PAGE_BYTES])> {
        self.slots.iter().filter_map(move |slot| {
            let place = slot.place?;
            let is_it = place.block == block && place.generation == generation;
            is_it.then_some((place.page, &slot.bytes))
        })
    }

    /// Forgets the pages of `count` blocks from `first` on.
    pub fn forget(&mut self, first: BlockNo, count: u16) {
        let end = first.plus(count.into());
        for slot in self.slots.iter_mut() {
            slot.place = slot.place.filter(|place| !(first..end).contains(&place.block));
        }
    }

    /// Forgets everything.
    pub fn forget_all(&mut self) {
        for slot in self.slots.iter_mut() {
            slot.place = None;
        }
    }

    fn touch(&mut self, index: usize) {
        self.clock = self.clock.wrapping_add(1);
        if let Some(slot) = self.slots.get_mut(index) {
            slot.touched = self.clock;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, CachedPage, PagePlace};
    use crate::units::{BlockNo, Generation};

    fn place(block: u32, page: u8) -> PagePlace {
        PagePlace { block: BlockNo(block), generation: Generation(1), page }
    }

    fn fill(cache: &mut Cache<'_>, place: PagePlace, byte: u8) {
        let index = cache.claim().unwrap();
        let slot = cache.slot_mut(index).unwrap();
        slot.buffer().fill(byte);
        slot.hold(place);
    }

    fn has(cache: &mut Cache<'_>, place: PagePlace) -> Option<u8> {
        let index = cache.find(place)?;
        Some(cache.slot(index).unwrap().bytes()[0])
    }

    #[test]
    fn the_page_that_was_longest_not_asked_for_makes_room() {
        let mut slots = [CachedPage::EMPTY, CachedPage::EMPTY];
        let mut cache = Cache::new(&mut slots);
        fill(&mut cache, place(5, 0), 10);
        fill(&mut cache, place(5, 1), 11);
        assert_eq!(has(&mut cache, place(5, 0)), Some(10));
        fill(&mut cache, place(6, 0), 12);
        assert_eq!(has(&mut cache, place(5, 1)), None);
        assert_eq!(has(&mut cache, place(5, 0)), Some(10));
        assert_eq!(cache.of_node(BlockNo(6), Generation(1)).count(), 1);
        assert_eq!(cache.of_node(BlockNo(6), Generation(2)).count(), 0);
    }

    #[test]
    fn what_is_programmed_or_erased_is_forgotten() {
        let mut slots = [CachedPage::EMPTY, CachedPage::EMPTY];
        let mut cache = Cache::new(&mut slots);
        fill(&mut cache, place(5, 0), 10);
        fill(&mut cache, place(7, 0), 11);
        cache.forget(BlockNo(5), 2);
        assert_eq!((has(&mut cache, place(5, 0)), has(&mut cache, place(7, 0))), (None, Some(11)));
        cache.forget_all();
        assert_eq!(has(&mut cache, place(7, 0)), None);
    }

    #[test]
    fn a_slot_that_is_being_filled_holds_no_page() {
        let mut slots = [CachedPage::EMPTY];
        let mut cache = Cache::new(&mut slots);
        fill(&mut cache, place(5, 0), 10);
        cache.slot_mut(0).unwrap().buffer();
        assert_eq!(has(&mut cache, place(5, 0)), None);
    }
}
