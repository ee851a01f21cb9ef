//! The sectors of a card, and what a cut leaves of those that were under way.

use std::collections::{BTreeMap, BTreeSet};

use crate::rng::Rng;

pub(super) type Sector = [u8; 512];

/// What holds the sectors of a card.
pub(super) trait Sectors: std::fmt::Debug + Send {
    /// A sector, or `None` if it cannot be read.
    fn read(&mut self, number: u32) -> Option<Sector>;

    /// Sectors that may be erased until the run under way has ended.
    fn announce(&mut self, sectors: std::ops::Range<u32>);

    /// Accepts a sector that is durable at `safe_at`, or at a later [`Sectors::settle`]. False if
    /// that failed.
    fn write(&mut self, number: u32, block: &Sector, safe_at: Option<u64>) -> bool;

    /// Erases a sector. False if that failed.
    fn erase(&mut self, number: u32, safe_at: u64) -> bool;

    /// Everything accepted so far is durable at `at`.
    fn settle(&mut self, at: u64);

    /// Forgets what is durable by now.
    fn age(&mut self, now: u64);

    /// The power goes: what is not durable is torn.
    fn cut(&mut self, now: u64, seed: u64);

    /// Makes a sector unreadable until it is written again.
    fn spoil(&mut self, _number: u32) {}
}

/// A write that a cut may still undo.
#[derive(Debug)]
struct Pending {
    number: u32,
    before: Option<Sector>,
    /// When it is durable, if that is known.
    safe_at: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    sectors: BTreeMap<u32, Sector>,
    unreadable: BTreeSet<u32>,
    pending: Vec<Pending>,
    /// Sectors announced for the run under way.
    announced: std::ops::Range<u32>,
}

impl Store {
    fn get(&self, number: u32) -> Option<Sector> {
        if self.unreadable.contains(&number) {
            return None;
        }
        Some(self.sectors.get(&number).copied().unwrap_or([0; 512]))
    }

    fn put(&mut self, number: u32, content: Option<&Sector>) {
        match content {
            Some(content) => {
                self.unreadable.remove(&number);
                self.sectors.insert(number, *content);
            }
            None => {
                self.unreadable.insert(number);
            }
        }
    }
}

impl Sectors for Store {
    fn read(&mut self, number: u32) -> Option<Sector> {
        self.get(number)
    }

    fn spoil(&mut self, number: u32) {
        self.unreadable.insert(number);
    }

    fn announce(&mut self, sectors: std::ops::Range<u32>) {
        self.announced = sectors;
    }

    fn write(&mut self, number: u32, block: &Sector, safe_at: Option<u64>) -> bool {
        self.pending.push(Pending { number, before: self.get(number), safe_at });
        self.put(number, Some(block));
        if self.announced.start == number {
            self.announced.start += 1;
        }
        true
    }

    fn erase(&mut self, number: u32, safe_at: u64) -> bool {
        let holds = self.sectors.contains_key(&number) || self.unreadable.contains(&number);
        !holds || self.write(number, &[0; 512], Some(safe_at))
    }

    fn settle(&mut self, at: u64) {
        self.announced = 0..0;
        for pending in &mut self.pending {
            pending.safe_at.get_or_insert(at);
        }
    }

    fn age(&mut self, now: u64) {
        self.pending.retain(|pending| pending.safe_at.is_none_or(|at| at > now));
    }

    /// The last first.
    fn cut(&mut self, now: u64, seed: u64) {
        self.age(now);
        let mut rng = Rng::new(seed ^ 0x5D);
        for number in std::mem::take(&mut self.announced) {
            if rng.below(2) == 0 {
                self.put(number, Some(&[0; 512]));
            }
        }
        while let Some(Pending { number, before, .. }) = self.pending.pop() {
            let after = self.get(number);
            let torn = match (rng.below(6), before, after) {
                (0 | 1, ..) => before,
                (2, Some(mut torn), Some(after)) => {
                    let done = rng.index(512);
                    torn[..done].copy_from_slice(&after[..done]);
                    Some(torn)
                }
                (3, ..) => None,
                (4, ..) => {
                    let mut torn = [0; 512];
                    rng.fill(&mut torn);
                    Some(torn)
                }
                _ => after,
            };
            self.put(number, torn.as_ref());
        }
    }
}
