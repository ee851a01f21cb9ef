//! A switch that breaks one rule of a driver at a time, so that tests can show that they notice.
//!
//! As in `fs_core::mutant`: without the feature `mutants` (every firmware) [`on`] is the constant
//! `false` and the broken branch is not compiled. With it, one rule of the whole process can be
//! switched off.

macro_rules! mutants {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A rule of a driver that can be switched off.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Mutant { $($(#[$doc])* $name,)* }

        impl Mutant {
            /// Every mutant.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name, as the simulator's command line takes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

mutants! {
    /// A sync leaves the run of sectors open that a CMD25 began.
    SdRunLeftOpen,
    /// The end of a run is sent and not waited for; the next request waits.
    SdEndNotAwaited,
    /// A single sector is sent and not waited for; the next request waits.
    SdWriteNotAwaited,
    /// A card that did not accept a block is taken for one that did.
    SdRejectionIgnored,
    /// A program or an erase is begun and not waited for, by a sync neither; the next request
    /// waits.
    NorEndNotAwaited,
    /// Nobody looks whether the write enable was taken.
    NorEnableNotSeen,
    /// A program goes on over the border of its page.
    NorPageCrossed,
}

#[cfg(feature = "mutants")]
mod switch {
    use super::Mutant;
    use core::sync::atomic::{AtomicU8, Ordering};

    const NONE: u8 = u8::MAX;
    static ACTIVE: AtomicU8 = AtomicU8::new(NONE);

    /// Whether `rule` is switched off.
    #[must_use]
    pub fn on(rule: Mutant) -> bool {
        ACTIVE.load(Ordering::Relaxed) == rule as u8
    }

    /// Switches `rule` off and every other one on, for the whole process.
    pub fn set(rule: Option<Mutant>) {
        ACTIVE.store(rule.map_or(NONE, |rule| rule as u8), Ordering::Relaxed);
    }
}

#[cfg(feature = "mutants")]
pub use switch::{on, set};

/// Whether `rule` is switched off: never, without the feature `mutants`.
#[cfg(not(feature = "mutants"))]
#[must_use]
#[inline]
pub const fn on(_rule: Mutant) -> bool {
    false
}
