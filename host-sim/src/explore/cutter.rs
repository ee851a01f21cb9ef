//! Builds the image that a cut at any log entry leaves.

use crate::chip::Spec;
use crate::fault::TearMode;
use crate::image::{Image, Op};
use fs_core::units::Guarantees;

/// A chip's content as its log goes by.
#[derive(Debug, Clone)]
pub struct Cutter {
    spec: Spec,
    image: Image,
    /// With a cache: what is durable, and what the cache holds beyond it.
    cache: Option<(Image, Vec<Op>)>,
}

impl Cutter {
    /// The content before the first entry.
    #[must_use]
    pub fn new(spec: Spec, mut start: Image) -> Self {
        spec.prepare(&mut start);
        let cached = spec.guarantees.contains(Guarantees::VOLATILE_CACHE);
        let cache = cached.then(|| (start.clone(), Vec::new()));
        Self { spec, image: start, cache }
    }

    /// The next entry happens.
    pub fn advance(&mut self, op: &Op) {
        match (&mut self.cache, op) {
            (Some((durable, waiting)), Op::LoseCache { tear, seed }) => {
                durable.lose_cache(waiting, *tear, *seed);
                waiting.clear();
                self.image = durable.clone();
            }
            (Some((durable, waiting)), Op::Sync) => {
                *durable = self.image.clone();
                waiting.clear();
            }
            (Some((durable, _)), Op::PowerOn) => {
                self.image.power_on();
                *durable = self.image.clone();
            }
            (Some((_, waiting)), op) => {
                let _ = self.image.apply(op);
                waiting.push(op.clone());
            }
            (None, op) => {
                let _ = self.image.apply(op);
            }
        }
    }

    /// The content after a power cut during `op`, the next entry. The power is still off, and
    /// power-ons are counted from here.
    #[must_use]
    pub fn torn(&self, op: &Op, tear: TearMode, seed: u64) -> Image {
        let mut image;
        if let Some((durable, waiting)) = &self.cache {
            image = durable.clone();
            let mut waiting = waiting.clone();
            if *op != Op::Sync {
                waiting.push(op.clone());
            }
            image.lose_cache(&waiting, tear, seed);
        } else {
            image = self.image.clone();
            image.apply_torn(op, tear, seed);
        }
        image.count_from_here();
        image
    }

    /// The content now, as reads see it.
    #[must_use]
    pub const fn image(&self) -> &Image {
        &self.image
    }

    /// How many cuts differ during `op`: each mode, and with a cache each mode with two seeds.
    #[must_use]
    pub fn tears(&self, op: &Op) -> Vec<TearMode> {
        self.spec.tears(op).to_vec()
    }

    /// Whether a cache loses what was not synced.
    #[must_use]
    pub const fn is_cached(&self) -> bool {
        self.cache.is_some()
    }
}
