//! The rules of the protocol that a scenario can break, to show that the model notices.

/// A rule that is broken. Those that [`fs_core::mutant::Mutant`] knows have the same name there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rule {
    SettleSkipped,
    EntryNotStrengthened,
    DoubtNotStruck,
    NewestAnchorErased,
    EntriesRankedBySequence,
    OneEntryOnly,
    AnchorBeforeCheckpoint,
    NoFallbackEntry,
    QuarantineSkipped,
    RelogSkipped,
    ReuseBeforeDurable,
    WindowNotAnnounced,
    ErasedClaimedEarly,
    JournalBlockNotErased,
    NodeBlockNotErased,
    SessionSeedSkipped,
    ChainSkipped,
    DoubtfulTailContinued,
    AppliedBeforeDurable,
    SealNotStrengthened,
    SealBlockContinued,
    PromiseNotWithdrawn,
    PinSkipped,
    LeaveNotLogged,
    SameSpareAgain,
    IncompleteCheckpointCounts,
    LostRelogCounts,
    AnchorSlotReused,
    FlushNodeSkipped,
    FlushRecordSkipped,
    FlushCheckpointSkipped,
    FlushAnchorSkipped,
    /// The fold record is written before the new node.
    RecordBeforeNode,
    /// A clean mount goes on without striking the doubtful anchor slots.
    CleanDoubtNotStruck,
    /// A clean mount strikes only the anchor block that does not hold the newest entry.
    CleanStrikesOtherOnly,
    /// A clean mount does not re-program the newest entry.
    CleanEntryNotStrengthened,
    /// A clean mount gives the blocks that the newest entry retired.
    CleanLeavingGiven,
    /// A settle continues the old chain in its named next block.
    OldChainContinued,
    /// All anchor entries go to one block.
    SameAnchorBlock,
    /// After a lone first entry a settle names its new pair as if there had been none.
    FirstFlagIgnored,
    /// An entry counts only if the root of its start, not of its end, verifies.
    RootOfStartVerified,
    /// The reader looks into the next block only at the end of a block.
    NextBlockNotTried,
    /// A retired block is logged as leaving after the anchor entry.
    LeaveAfterEntry,
    /// A settle forgets the old chain's blocks.
    OldChainForgotten,
    /// A settle forgets the blocks that were leaving before it.
    LeavingForgotten,
    /// A settle frees the old chain's blocks in its checkpoint.
    OldChainFreed,
    /// A failed append is settled from the medium.
    DoubtSettledFromMedium,
    /// Entries that read valid though their program failed are not struck.
    ValidDoubtKept,
    /// A failed erase of an anchor block does not make the session doubtful.
    AnchorEraseNotDoubtful,
    /// The tail sector is programmed again in place.
    TailInPlace,
    /// The reader of tail images looks at one sector, not at a pair.
    OneImageRead,
    /// The re-log record is not flushed before the anchor entry.
    FlushRelogSkipped,
    /// The promise of a seal is not withdrawn again where it does not stand today.
    PromiseWithdrawnOnce,
    /// The promise of a seal counts without a look at whether it was withdrawn.
    PromiseNotLookedAt,
    /// The first slot of an anchor block is not struck before the block is erased.
    AnchorNotStruck,
    /// What the log says of the first spare counts without a look at the slot behind the entry.
    SpareMarkNotLookedAt,
    /// The first spare is called erased before it is.
    SpareClaimedEarly,
    /// A clean mount behind a settle that was cut goes on to call the first spare erased.
    SpareClaimKept,
    /// A block that takes the place of a spare, or of the journal's next one, is called erased
    /// until then.
    RenewedNotAnnounced,
}

impl Rule {
    /// Rules only the model can break.
    #[cfg(test)]
    pub const MODEL_ONLY: &[Self] = &[
        Self::RecordBeforeNode,
        Self::CleanStrikesOtherOnly,
        Self::CleanEntryNotStrengthened,
        Self::CleanLeavingGiven,
        Self::OldChainContinued,
        Self::SameAnchorBlock,
        Self::FirstFlagIgnored,
        Self::RootOfStartVerified,
        Self::NextBlockNotTried,
        Self::LeaveAfterEntry,
        Self::OldChainForgotten,
        Self::LeavingForgotten,
        Self::OldChainFreed,
        Self::DoubtSettledFromMedium,
        Self::AnchorEraseNotDoubtful,
        Self::TailInPlace,
        Self::OneImageRead,
        Self::SessionSeedSkipped,
        Self::FlushRelogSkipped,
        Self::FlushCheckpointSkipped,
        Self::PromiseWithdrawnOnce,
        Self::PromiseNotLookedAt,
    ];
}
