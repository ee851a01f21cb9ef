//! The sectors of a card, and what a cut leaves of those that were under way.

use std::collections::{BTreeMap, BTreeSet};

use crate::rng::Rng;

type Sector = [u8; 512];

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
    pub fn read(&self, number: u32) -> Option<Sector> {
        if self.unreadable.contains(&number) {
            return None;
        }
        Some(self.sectors.get(&number).copied().unwrap_or([0; 512]))
    }

    pub fn spoil(&mut self, number: u32) {
        self.unreadable.insert(number);
    }

    pub fn announce(&mut self, sectors: std::ops::Range<u32>) {
        self.announced = sectors;
    }

    /// Accepts a sector that is durable at `safe_at`, or at a later [`Store::settle`].
    pub fn write(&mut self, number: u32, block: &Sector, safe_at: Option<u64>) {
        self.pending.push(Pending { number, before: self.read(number), safe_at });
        self.put(number, Some(block));
        if self.announced.start == number {
            self.announced.start += 1;
        }
    }

    pub fn erase(&mut self, number: u32, safe_at: u64) {
        if self.sectors.contains_key(&number) || self.unreadable.contains(&number) {
            self.write(number, &[0; 512], Some(safe_at));
        }
    }

    /// Everything accepted so far is durable at `at`.
    pub fn settle(&mut self, at: u64) {
        self.announced = 0..0;
        for pending in &mut self.pending {
            pending.safe_at.get_or_insert(at);
        }
    }

    /// Forgets what is durable by now.
    pub fn age(&mut self, now: u64) {
        self.pending.retain(|pending| pending.safe_at.is_none_or(|at| at > now));
    }

    /// The power goes: what is not durable is torn, the last first.
    pub fn cut(&mut self, now: u64, seed: u64) {
        self.age(now);
        let mut rng = Rng::new(seed ^ 0x5D);
        for number in std::mem::take(&mut self.announced) {
            if rng.below(2) == 0 {
                self.put(number, Some(&[0; 512]));
            }
        }
        while let Some(Pending { number, before, .. }) = self.pending.pop() {
            let after = self.read(number);
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
