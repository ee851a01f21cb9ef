//! A switch that breaks one safety rule at a time, so that the explorer can show it notices.
//!
//! Without the feature `mutants` (every firmware) [`on`] is the constant `false` and the broken
//! branch is not compiled. With it, one rule of the whole process can be switched off.

macro_rules! mutants {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A safety rule that can be switched off.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Mutant { $($(#[$doc])* $name,)* }

        impl Mutant {
            /// Every mutant, in the order of the list.
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
    /// Mounting after an unclean stop skips settling and appends to the old chain.
    SettleSkipped,
    /// Settling does not re-program the newest anchor entry.
    EntryNotStrengthened,
    /// Settling does not strike doubtful anchor slots.
    DoubtNotStruck,
    /// Settling leaves a slot that reads as an entry above the newest one.
    ValidDoubtKept,
    /// A sealed journal is continued beside a doubtful anchor slot.
    CleanDoubtNotStruck,
    /// Settling first erases the anchor block that holds the newest entry.
    NewestAnchorErased,
    /// Anchor entries are ranked by sequence alone, not by session first.
    EntriesRankedBySequence,
    /// Settling writes only one anchor entry.
    OneEntryOnly,
    /// The anchor entry is written before the checkpoint it names.
    AnchorBeforeCheckpoint,
    /// An anchor entry counts although its chain does not verify.
    NoFallbackEntry,
    /// An entry counts although what it retired is not found logged again.
    LostRelogCounts,
    /// A retired journal block is free at once.
    QuarantineSkipped,
    /// A retired journal block is not logged as leaving.
    LeaveNotLogged,
    /// Settling after a lone first entry writes over the checkpoint it stands on.
    SameSpareAgain,
    /// A checkpoint counts although its last record is missing.
    IncompleteCheckpointCounts,
    /// An entry goes behind the newest one, whatever may have been tried there.
    AnchorSlotReused,
    /// The first slot of an anchor block is not struck before the block is erased.
    AnchorNotStruck,
    /// A spare counts as erased though a settling may have used it since.
    SpareMarkNotLookedAt,
    /// The first spare is called erased before it is.
    SpareClaimedEarly,
    /// A clean mount behind a settling that was cut goes on to call the first spare erased.
    SpareClaimKept,
    /// A block that takes the place of a spare, or of the journal's next one, is called erased
    /// until then.
    RenewedNotAnnounced,
    /// A record that rotted is taken for the end of the journal.
    RottenTailAccepted,
    /// A failed read is taken for a torn record or slot.
    ErrorReadAsTorn,
    /// A block stays in the window after it was taken.
    TakenBlockOffered,
    /// Live items of a retired journal block are not logged again.
    RelogSkipped,
    /// A block freed by a fold is reused before the fold record is durable.
    ReuseBeforeDurable,
    /// A run is programmed while the medium still calls it erased.
    WindowNotAnnounced,
    /// A run is called erased before the erase has happened.
    ErasedClaimedEarly,
    /// A run of the reserve may be taken, or erased, by whoever searches.
    ReserveNotHeld,
    /// What is left of a window is called erased at the end, whether or not it is.
    DirtyWindowClaimed,
    /// A seal goes on saying that the next block is erased while that is written.
    PromiseNotWithdrawn,
    /// The named next journal block is not erased before use.
    JournalBlockNotErased,
    /// A dirty block is programmed without an erase.
    NodeBlockNotErased,
    /// Record checksums are not verified.
    RecordChecksumSkipped,
    /// Page checksums are not verified.
    PageChecksumSkipped,
    /// Page checksums are not bound to block and generation.
    PageIdentitySkipped,
    /// Record checksums are not chained to the record before.
    ChainSkipped,
    /// After a failed or dropped append the journal is simply continued.
    DoubtfulTailContinued,
    /// State is changed before the record that says so is durable.
    AppliedBeforeDurable,
    /// A rename logs its two halves as two records.
    RenameInTwoRecords,
    /// A rename leaves the uncommitted content of its file uncommitted.
    RenameWithoutDraft,
    /// A removal frees the inline content in a second record.
    RemoveInTwoRecords,
    /// A seal is trusted without being programmed again.
    SealNotStrengthened,
    /// After a clean stop the journal goes on in the block that holds the seal.
    SealBlockContinued,
    /// The block chosen for a node is not pinned against the journal.
    PinSkipped,
    /// A leaf of an earlier session takes a delta page.
    DeltaBehindTorn,
    /// A fold forgets that deletions must reach the tree.
    TombstoneDropped,
    /// A directory with entries may be removed.
    NotEmptySkipped,
    /// No flush between node pages and the fold record (edge 3).
    FlushNodeSkipped,
    /// No flush after a record (edge 1).
    FlushRecordSkipped,
    /// No flush after an anchor entry (edge 5).
    FlushAnchorSkipped,
    /// A tail image is programmed over the one before.
    TailInPlace,
    /// The first image of a new pair goes to the sector of the frozen one.
    FrozenImageReused,
    /// Only one sector of a pair is read.
    OneImageRead,
    /// No flush between an erase and the record that claims it (edge 6b).
    FlushEraseSkipped,
    /// No flush between checkpoint, superblock copy and the entry behind them (edges 4 and 7).
    FlushSuperblockSkipped,
    /// A new name of a hash takes the first slot, whoever has it.
    SlotTakenTwice,
    /// A second name logs its entry and the count of names as two records.
    LinkInTwoRecords,
    /// A directory is found by a name that it does not have any more.
    WayNotForgotten,
    /// The way to a leaf is taken for known though a fold has changed it.
    ShapeNotNoted,
    /// One name less of a file does not lower the count of its names.
    LinksNotCounted,
    /// The attributes of an object whose last name goes are forgotten.
    AttributesLeft,
    /// Names that change places are logged as two records.
    SwapInTwoRecords,
    /// A format on media without an erase keeps the old volume's newest entry in one block only.
    OldEntryLost,
    /// No flush between file data and the record that refers to it (edge 8).
    FlushDataSkipped,
    /// A block that holds uncommitted data is not pinned.
    DataPinSkipped,
    /// Blocks that a transfer reads from are used again before it has ended.
    ReadNotHeld,
    /// What a transfer writes to may be written or cut off meanwhile.
    TransferOverwritten,
    /// What was not transferred counts, too.
    WholeRangeCompleted,
    /// A block for data is programmed without an erase.
    DataBlockNotErased,
    /// Data is programmed behind a program that failed or was dropped.
    TornUnitContinued,
    /// Bytes behind the valid ones of a unit are not zeroed when the file grows over them.
    GapNotZeroed,
    /// What a truncation cut off is left where it is when the file grows again.
    CutOffKept,
    /// A commit that replaces runs does not give their blocks back.
    ReplacedRunKept,
    /// Data is programmed into the block that an earlier session left in part.
    ForeignBlockContinued,
    /// A block that a draft wrote on in is written on in again after the draft was given up.
    DiscardedBlockContinued,
    /// A spilled draft is not announced by an intent.
    SpillNotAnnounced,
    /// What was patched in a block is left when the block is written whole.
    PatchOutlivesBlock,
    /// A patch block is not given back when its last unit goes.
    DeadPatchBlockKept,
    /// A slot of a patch block that an earlier session may have tried is programmed.
    ForeignSlotUsed,
    /// A slot that was tried by a draft that was given up is programmed again.
    AbandonedSlotReused,
    /// A block that was set aside is programmed without an erase.
    UnwrittenNotErased,
    /// A value of an attribute that is elsewhere is left when its attribute goes.
    OldValueLeft,
    /// Others may take what is held for cold data.
    TargetNotHeld,
    /// Cold data is moved to blocks that were not erased.
    TargetNotErased,
    /// The blocks that a run was moved from are not given back.
    MovedRunKept,
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
