//! Finding a volume on a device, and the newest state in its journal.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::journal::{Journal, Step};
use super::super::media::{Media, SECTOR, SMALL_UNIT_MAX, SuperblockCopy};
use super::super::space::Space;
use super::super::tree::Hint;
use super::log::base_of;
use super::{Buffers, Error, Held, Txn};
use crate::error::{Field, Malformed, Result, corrupt};
use crate::format::change::{Change, Changes};
use crate::format::record::{HEADER_BYTES, RecordKind};
use crate::format::superblock::Superblock;
use crate::memory::CachedPage;
use crate::mutant::{self, Mutant};
use crate::pending::State;
use crate::units::{BlockNo, ByteOffset, Generation, Geometry, Guarantees, PAGE_BYTES, Sequence};

/// What the two superblock copies of a device say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// A volume, and whether both copies are whole.
    Volume(Superblock, bool),
    /// A volume if it has an anchor entry; else a format that was begun and not finished.
    Half(Superblock),
    /// Nothing, or a format that was begun and not finished: nothing is lost by formatting.
    Blank,
    /// Something that is no volume this version can mount, and why not.
    Other(Error),
}

impl Probe {
    fn of(first: SuperblockCopy, last: SuperblockCopy) -> Self {
        use SuperblockCopy::{Begun, Blank, Damaged, Foreign, Unknown, Valid};
        match (first, last) {
            (Valid(superblock), Begun) => Self::Half(superblock),
            (Valid(superblock), last) => {
                Self::Volume(superblock, matches!(last, SuperblockCopy::Valid(_)))
            }
            (Unknown, _) => Self::Other(Error::UnknownFeatures),
            // What the last block holds was to be lost: somebody has begun to format.
            (Begun, _) | (_, Begun) | (Blank, Blank) => Self::Blank,
            (_, Valid(superblock)) => Self::Volume(superblock, false),
            (_, Unknown) => Self::Other(Error::UnknownFeatures),
            // A volume has both copies, but while one is written: this was the first one ever.
            (Damaged(_), Blank) | (Blank, Damaged(_)) => Self::Other(Error::NotFormatted),
            (Damaged(rule), _) | (_, Damaged(rule)) => Self::Other(corrupt(BlockNo(0))(rule)),
            (Foreign, _) | (_, Foreign) => Self::Other(Error::NotFormatted),
        }
    }
}

/// How much of what its entry stands on a replay has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Not even the start.
    Nothing,
    /// A part of the checkpoint it starts with.
    Checkpoint,
    /// A header, but not yet all that was logged again when the block before it was retired. The
    /// entry was written behind that: without it, items of the retired block would be missing.
    Header,
    /// Everything.
    Whole,
}

impl Extent {
    /// What it is after a record more; `None` if such a record cannot follow.
    fn with(self, kind: RecordKind, last: bool) -> Option<Self> {
        let awaited = !mutant::on(Mutant::LostRelogCounts);
        match (self, kind) {
            (Self::Nothing, RecordKind::Header) if awaited => Some(Self::Header),
            (Self::Nothing, RecordKind::Checkpoint)
            | (Self::Checkpoint, RecordKind::CheckpointMore) => {
                Some(if last { Self::Whole } else { Self::Checkpoint })
            }
            (_, RecordKind::Checkpoint | RecordKind::CheckpointMore) | (Self::Checkpoint, _) => {
                None
            }
            (Self::Nothing, RecordKind::Header) => Some(Self::Whole),
            (Self::Nothing, _) => None,
            (extent, _) => Some(extent),
        }
    }

    /// What it is after a record that lets a block leave, in the block that the chain had opened
    /// last when its entry was written: the end of what is logged again.
    fn with_leave(self) -> Self {
        if self == Self::Header { Self::Whole } else { self }
    }

    /// Whether the entry counts.
    fn counts(self) -> bool {
        let incomplete = mutant::on(Mutant::IncompleteCheckpointCounts);
        self == Self::Whole || (incomplete && self == Self::Checkpoint)
    }
}

/// Bytes of a block on a device: its erase unit, or 4 KiB if that is smaller than a block may be
/// or nothing is erased.
pub(super) fn block_bytes(geometry: &Geometry) -> Result<u32> {
    let rewrites = !geometry.guarantees.contains(Guarantees::NEEDS_ERASE);
    let small = rewrites || geometry.erase_unit < 2048;
    let bytes = if small { 4096 } else { geometry.erase_unit };
    let unit_max = if rewrites { SECTOR } else { SMALL_UNIT_MAX };
    let fits = bytes.is_power_of_two() && bytes <= 1 << 16 && geometry.program_unit <= unit_max;
    if fits { Ok(bytes) } else { Err(Error::Geometry) }
}

/// Whether this version can write to such a device: to flash only if zeros, and equal bytes, may
/// be programmed over what is there.
pub(super) fn is_supported(geometry: &Geometry) -> Result<()> {
    let flash = geometry.guarantees.contains(Guarantees::NEEDS_ERASE);
    let again = geometry.guarantees.contains(Guarantees::REPROGRAM_ZERO_BITS);
    if !flash || again { Ok(()) } else { Err(Error::NotSupported) }
}

/// A volume on a device, as its superblock tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundVolume {
    superblock: Superblock,
    /// Whether one superblock copy is missing: perhaps the format was cut, and there is no volume.
    half: bool,
    /// Whether both superblock copies are whole.
    whole: bool,
}

#[colour]
impl<'m, D: BlockDevice> Txn<'m, D> {
    /// Whether `device` holds nothing that formatting would lose. Two reads.
    ///
    /// # Errors
    /// `Geometry` if no volume can be on such a device; the device's.
    pub async fn is_blank(device: &mut D, pages: &mut [CachedPage]) -> Result<bool> {
        Ok(Self::probe(&mut Media::new(device, pages)).await? == Probe::Blank)
    }

    /// Reads both superblock copies. Not inlined: what it keeps on the stack is gone before the
    /// deepest call of a mount.
    #[inline(never)]
    async fn probe(media: &mut Media<'_, D>) -> Result<Probe> {
        let geometry = media.geometry();
        let block = u64::from(block_bytes(&geometry)?);
        let count = geometry.size.checked_div(block).unwrap_or(0);
        let last = count.checked_sub(1).ok_or(Error::Geometry)?.saturating_mul(block);
        let first = media.read_superblock(ByteOffset(0)).await?;
        let probe = Probe::of(first, media.read_superblock(ByteOffset(last)).await?);
        let Probe::Half(superblock) = probe else { return Ok(probe) };
        media.adopt(&superblock);
        let found = Journal::new(superblock.anchors()).find_entry(media, None).await?;
        let begun = found.is_none_or(|found| !found.is_in_first());
        Ok(if begun { Probe::Blank } else { probe })
    }

    /// Finds the volume on `device`, for a program that lends `arena` bytes. Two reads. Not
    /// inlined: what it keeps on the stack is gone before the deepest call of a mount.
    ///
    /// # Errors
    /// `NotFormatted`, `UnknownFeatures`, `Geometry`, `TooBig`, `Corrupt`, or the device's.
    #[inline(never)]
    pub async fn find(
        device: &mut D,
        pages: &mut [CachedPage],
        arena: usize,
    ) -> Result<FoundVolume> {
        let mut media = Media::new(device, pages);
        let (superblock, half, whole) = match Self::probe(&mut media).await? {
            Probe::Volume(superblock, whole) => (superblock, false, whole),
            Probe::Half(superblock) => (superblock, true, false),
            Probe::Blank => return Err(Error::NotFormatted),
            Probe::Other(error) => return Err(error),
        };
        refuse(&superblock, &media.geometry(), arena)?;
        Ok(FoundVolume { superblock, half, whole })
    }

    /// The volume that was found, of whose state nothing is known yet. No I/O. It cannot fail, so
    /// that it is put together where it stays: a volume is large to be copied on the stack.
    pub fn open(
        device: &'m mut D,
        buffers: Buffers<'m>,
        found: &FoundVolume,
        read_only: bool,
    ) -> Self {
        let mut txn = Self::assemble(device, buffers, &found.superblock);
        let guarantees = txn.media.geometry().guarantees;
        let fixed = guarantees.contains(Guarantees::READ_ONLY) || found.superblock.ro_compat != 0;
        txn.read_only = read_only || fixed;
        txn
    }

    /// Finds the newest state of a volume that was opened and, unless it is for reading only,
    /// makes it the only one. A volume that was parked costs its journal's reads and one program.
    ///
    /// # Errors
    /// `NotFormatted`, `TooBig`, `Corrupt`, or the device's. Nothing has been written then, or a
    /// settling was begun that the next mount repeats.
    pub async fn start(&mut self, found: &FoundVolume) -> Result<()> {
        match self.replay_newest().await {
            // The one entry of a format that was cut read well, and does not any more.
            Err(Error::Corrupt { .. }) if found.half => return Err(Error::NotFormatted),
            replayed => replayed?,
        }
        self.sweep = self.state.scalars.sweep;
        self.unclean = !self.journal.is_sealed();
        if !mutant::on(Mutant::DeltaBehindTorn) {
            self.deltas_after = self.state.scalars.generation;
        }
        if self.read_only {
            return Ok(());
        }
        is_supported(&self.media.geometry())?;
        self.make_certain().await?;
        if found.whole && self.media.rewrites() {
            self.journal.note_copies();
        }
        Ok(())
    }

    /// A volume of which only the superblock is known; [`refuse`] has let it pass.
    pub(super) fn assemble(
        device: &'m mut D,
        buffers: Buffers<'m>,
        superblock: &Superblock,
    ) -> Self {
        let Buffers { arena, runs, work, pages } = buffers;
        let mut media = Media::new(device, pages);
        media.adopt(superblock);
        let pending = superblock.pending_bytes_max;
        let (arena, rest) = arena.split_at_mut_checked(pending.into()).unwrap_or_default();
        media.lend_image(rest.get_mut(..image_bytes(superblock)).unwrap_or_default());
        let mut state = State::new(arena, pending, runs);
        state.bound_blocks(superblock.block_count);
        Self {
            media,
            state,
            journal: Journal::new(superblock.anchors()),
            space: Space::new(superblock.block_count.0),
            work,
            superblock: *superblock,
            hint: Hint::NONE,
            held: Held::All,
            deltas_after: Generation(0),
            erased_next: None,
            erases_before: 0,
            records_before: 0,
            erases_logged: 0,
            sweep: 0,
            #[cfg(feature = "level")]
            cleaning: super::clean::Cleaning::default(),
            nothing_dirty: u32::MAX,
            chunkless: u32::MAX,
            chunkless_at: 0,
            watched: None,
            doubtful: false,
            read_only: false,
            unclean: false,
        }
    }

    /// Removes the doubt of an unclean stop, or of the seal that says there was none.
    async fn make_certain(&mut self) -> Result<()> {
        if mutant::on(Mutant::SettleSkipped) {
            return Ok(());
        }
        // From the older of two entries, the newer one having decayed, the chain may be as long as
        // one can be: then nothing can be opened behind the seal.
        let room = self.journal.chain().len() <= usize::from(self.superblock.journal_blocks_max);
        let sealed = self.journal.is_sealed() && room;
        if sealed && self.journal.strengthen_seal(&mut self.media, &mut self.work[..]).await? {
            let unmarked = self.journal.resolve_sealed(&mut self.media).await?;
            if !unmarked && !mutant::on(Mutant::SpareClaimKept) {
                // A settling may have used the spare. The mark says so for as long as the newest
                // entry is the newest; from then on the scalars of the next block do.
                self.state.scalars.spare_erased = false;
            }
            if self.journal.keeps_promise(&mut self.media).await? {
                self.erased_next = Some(self.state.scalars.next);
            }
            return Ok(());
        }
        self.settle().await
    }

    /// Replays from the most trusted anchor entry that counts.
    #[inline(never)]
    async fn replay_newest(&mut self) -> Result<()> {
        let mut limit = None;
        let mut failure = corrupt(BlockNo(0))(Malformed::Field(Field::Anchor));
        let mut newest = Sequence(0);
        while let Some(found) = self.journal.find_entry(&mut self.media, limit).await? {
            // What older ones lead to is not the newest state, and not whole any more.
            if found.entry.sequence.next() < newest {
                break;
            }
            newest = newest.max(found.entry.sequence);
            let checked = self.refuse_blocks_outside(&[found.entry.start]);
            let counts = match checked {
                Ok(()) => {
                    self.journal.begin(&found);
                    self.state.reset();
                    self.replay().await?
                }
                Err(error) => Err(error),
            };
            match counts {
                Ok(()) => return Ok(()),
                Err(error) => failure = error,
            }
            if mutant::on(Mutant::NoFallbackEntry) {
                break;
            }
            limit = Some(found.rank());
        }
        Err(failure)
    }

    /// Replays the chain. The inner result tells whether its entry counts.
    async fn replay(&mut self) -> Result<Result<()>> {
        let start = self.journal.chain().first().ok_or(Error::Bug)?.block;
        let unusable = |rule| Ok(Err(corrupt(start)(rule)));
        let longest = self.superblock.journal_blocks_max;
        let mut extent = Extent::Nothing;
        loop {
            let next = self.state.scalars.next;
            let work = &mut self.work[..];
            let step = self.journal.next(&mut self.media, next, longest, work).await?;
            let Step::Record { kind, last, length } = step else { break };
            let Some(reached) = extent.with(kind, last) else {
                return unusable(Malformed::Truncated);
            };
            let leaves = self.apply_read(length)?;
            let newest = self.journal.chain().len() >= usize::from(longest);
            extent = if leaves && newest { reached.with_leave() } else { reached };
            if matches!(kind, RecordKind::Checkpoint | RecordKind::Header) {
                self.journal.note_base(base_of(&self.state.scalars));
            }
        }
        if !extent.counts() {
            return unusable(Malformed::Truncated);
        }
        let root = self.state.scalars.root;
        match self.media.page(&root, 0).await {
            Ok(_) => Ok(Ok(())),
            Err(error @ Error::Corrupt { .. }) => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }

    /// Applies a record that was read: what it says is checked, for anything can be on a medium.
    /// Tells whether it lets a block leave.
    fn apply_read(&mut self, length: usize) -> Result<bool> {
        let block = self.journal.chain().last().ok_or(Error::Bug)?.block;
        let tag = self.journal.tag();
        let changes = self.work.get(HEADER_BYTES..length);
        let mut leaves = false;
        for change in Changes::new(changes.ok_or(Error::Bug)?) {
            leaves |= matches!(change, Ok(Change::Leave(_)));
            let applied = change.and_then(|change| self.state.apply(&change, tag));
            applied.map_err(corrupt(block))?;
        }
        let scalars = &self.state.scalars;
        let (a, b) = (scalars.spare_a, scalars.spare_b);
        self.refuse_blocks_outside(&[scalars.next, a, b, scalars.root.block])?;
        Ok(leaves)
    }

    fn refuse_blocks_outside(&self, blocks: &[BlockNo]) -> Result<()> {
        let last = self.superblock.block_count.0.saturating_sub(1);
        for block in blocks {
            if block.0 == 0 || block.0 >= last {
                return Err(corrupt(*block)(Malformed::Field(Field::Block)));
            }
        }
        Ok(())
    }
}

/// Bytes of the arena that hold the newest sector of the journal: where a sector is the smallest
/// program.
fn image_bytes(superblock: &Superblock) -> usize {
    if superblock.program_unit() > SMALL_UNIT_MAX { PAGE_BYTES } else { 0 }
}

/// Refuses a volume that this version, this device or this arena cannot hold.
pub(super) fn refuse(superblock: &Superblock, geometry: &Geometry, arena: usize) -> Result<()> {
    refuse_unknown(superblock)?;
    refuse_geometry(superblock, geometry)?;
    let needs = usize::from(superblock.pending_bytes_max).saturating_add(image_bytes(superblock));
    if needs > arena {
        return Err(Error::TooBig { needs: u16::try_from(needs).unwrap_or(u16::MAX) });
    }
    Ok(())
}

fn refuse_unknown(superblock: &Superblock) -> Result<()> {
    let chain = usize::from(superblock.journal_blocks_max).saturating_add(1);
    if chain > super::super::journal::CHAIN_MAX {
        return Err(Error::UnknownFeatures);
    }
    Ok(())
}

fn refuse_geometry(superblock: &Superblock, geometry: &Geometry) -> Result<()> {
    let block = 1_u64.checked_shl(superblock.block_log2.into()).unwrap_or(0);
    let bytes = block.saturating_mul(superblock.block_count.0.into());
    let unit = superblock.program_unit();
    let program = geometry.program_unit.max(1);
    let erase = u64::from(geometry.erase_unit.max(1));
    let rewrites = !geometry.guarantees.contains(Guarantees::NEEDS_ERASE);
    let sectors = unit > SMALL_UNIT_MAX;
    let fits = bytes <= geometry.size
        && unit.is_multiple_of(program)
        && (rewrites || block.is_multiple_of(erase) && !sectors)
        && (geometry.read_unit <= 1 || sectors && geometry.read_unit <= SECTOR);
    if fits { Ok(()) } else { Err(Error::Geometry) }
}
