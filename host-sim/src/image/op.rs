//! What happened to a chip, so that it can happen to another.

use std::sync::Arc;

use crate::fault::TearMode;

/// One command of a chip that changes it. An operation on a device is one or several: a program
/// is cut at pages, an erase into the erases the chip offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A program inside one page.
    Program {
        /// Where it begins.
        at: u64,
        /// What is programmed.
        bytes: Arc<[u8]>,
    },
    /// One erase.
    Erase {
        /// Where it begins.
        at: u64,
        /// How long it is.
        bytes: u64,
    },
    /// A flush.
    Sync,
    /// A command that was interrupted, and how.
    Torn {
        /// The command.
        op: Box<Op>,
        /// How it was interrupted.
        tear: TearMode,
        /// Seed of the details.
        seed: u64,
    },
    /// A range whose command was carried out, but nobody saw the answer.
    Suspect {
        /// Where it begins.
        at: u64,
        /// How long it is.
        bytes: u64,
    },
    /// Damage that an interrupted command did to its neighbours (F5).
    Neighbours {
        /// Where the command began.
        at: u64,
        /// How long it was.
        bytes: u64,
        /// Seed of the details.
        seed: u64,
    },
    /// A volatile cache lost its power: what it had taken since the last sync is done in part.
    LoseCache {
        /// How the command in progress was interrupted.
        tear: TearMode,
        /// Seed of the details.
        seed: u64,
    },
    /// A range that a host announced for the writes that follow: until they are durable, a card
    /// may erase any sector of it.
    MayErase {
        /// Where it begins.
        at: u64,
        /// How long it is.
        bytes: u64,
    },
    /// The power was switched off and on.
    PowerOn,
}

impl Op {
    /// A program command.
    #[must_use]
    pub fn program(at: u64, bytes: &[u8]) -> Self {
        Self::Program { at, bytes: bytes.into() }
    }

    /// The range it changes: first byte and length. Nothing for a sync.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        match self {
            Self::Program { at, bytes } => (*at, bytes.len() as u64),
            Self::Erase { at, bytes }
            | Self::Suspect { at, bytes }
            | Self::MayErase { at, bytes }
            | Self::Neighbours { at, bytes, .. } => (*at, *bytes),
            Self::Torn { op, .. } => op.range(),
            Self::Sync | Self::LoseCache { .. } | Self::PowerOn => (0, 0),
        }
    }

    /// This command, interrupted.
    #[must_use]
    pub fn torn(self, tear: TearMode, seed: u64) -> Self {
        Self::Torn { op: Box::new(self), tear, seed }
    }
}
