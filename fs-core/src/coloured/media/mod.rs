//! Verified metadata: pages, records, anchor slots, superblocks, and the barriers between them.
//!
//! **What it is.** The only room that reads and programs metadata, and the only one that compares
//! checksums: whatever leaves it was written by this filesystem for this place.
//!
//! **Rules.**
//! 1. A page is handed out only after its checksum, seeded with volume, block, generation and page
//!    number, was verified; so a page is valid only for the pointer that led to it.
//! 2. A record or anchor slot that does not verify is *torn*, an answer and not an error: it is
//!    what a power cut leaves. `Uncorrectable` reads mean the same. Any other read error is an
//!    error, so that a glitch on the bus never cuts off acknowledged records.
//! 3. Some pages are cached. Programs and erases go through here, and what they touch is
//!    forgotten.
//! 4. What must not overtake what is a [`Edge`], and every edge is one call of [`Media::barrier`].
//! 5. What kind of medium it is shows here and in `journal::images` only: a device that needs no
//!    erase is never erased, struck or strengthened; one that is read by sectors is read so; and
//!    where the program unit is a sector, small structures are padded to it.
//!
//! **After a power cut.** Nothing to do: the room keeps no state that the medium does not hold.
//!
//! **Cost.** A page: one read of 512 bytes, none if it is cached. A record: two reads, or
//! one program. RAM: the lent pages; on sector media a sector of the journal as well.

mod anchor;
mod record;

use super::colour;
use super::device::BlockDevice;
use crate::cache::{Cache, CachedPage, PagePlace};
use crate::error::{DeviceError, Error, ErrorKind, Field, Malformed, Result};
use crate::format::checksum::VolumeSeed;
use crate::format::group;
use crate::format::page::{self, PageIdentity};
use crate::format::pointer::NodePointer;
use crate::format::superblock::{self, Features, Superblock};
use crate::format::wear::PART_BLOCKS;
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, ByteOffset, Generation, Geometry, Guarantees, PAGE_BYTES};

pub use crate::error::corrupt;
pub use anchor::{SlotNo, SlotState};
pub use record::{Place, Reading};

/// Bytes of a sector: a page.
pub const SECTOR: u32 = 512;
const _: () = assert!(SECTOR as usize == PAGE_BYTES);

/// What must be durable before what. The numbers are those of `docs/design.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// 1: a record, before its operation returns and before what it frees is used again.
    Record,
    /// 3: the pages of new nodes, before the fold record that points to them.
    Nodes,
    /// 5: an anchor entry, before the blocks it retires are used again.
    Anchor,
    /// 6: an erase, before the record that claims it.
    Erase,
    /// 4 and 7: a superblock copy, or the mark of a format, before anything that makes it the only
    /// one; and the checkpoint, before the anchor entry that names it.
    Superblock,
    /// 8: file data, before the record that refers to it.
    Data,
}

/// What stands where a superblock copy should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuperblockCopy {
    /// A superblock that this version understands.
    Valid(Superblock),
    /// A superblock of another version, or with features that this one does not know.
    Unknown,
    /// The whole mark of a format in progress.
    Begun,
    /// Erased bytes, or a part of that mark.
    Blank,
    /// A superblock that is damaged.
    Damaged(Malformed),
    /// Something else.
    Foreign,
}

impl SuperblockCopy {
    fn of(bytes: &[u8; superblock::SIZE]) -> Self {
        match (Features::decode(bytes), Superblock::decode(bytes)) {
            (_, Ok(superblock)) => Self::Valid(superblock),
            (Ok(features), _) if !features.readable() => Self::Unknown,
            _ if *bytes == Superblock::formatting_marker() => Self::Begun,
            _ if Superblock::is_torn_marker(bytes) => Self::Blank,
            (_, Err(Malformed::Magic)) => Self::Foreign,
            (_, Err(rule)) => Self::Damaged(rule),
        }
    }
}

/// Parts of groups whose erases are remembered until they are logged.
const WORN_MAX: usize = 8;

/// The largest program unit that is padded to. A larger one is a sector.
pub const SMALL_UNIT_MAX: u32 = 64;

/// A device whose metadata is verified.
pub struct Media<'m, D> {
    device: &'m mut D,
    geometry: Geometry,
    volume: VolumeSeed,
    block_log2: u8,
    program_unit: u32,
    erase_value: u8,
    /// Whether anything may be programmed over anything: then nothing is ever erased.
    rewrites: bool,
    /// Whether the device is read by whole sectors, through the page cache.
    by_sector: bool,
    /// Blocks erased so far, wrapping.
    erases: u32,
    /// Erases of parts of groups that no wear item tells of yet: those of 16 blocks, and how many.
    worn: heapless::Vec<(u32, u32), WORN_MAX>,
    /// Pages of nodes, and sectors of unknown content: these have generation 0, which no node has.
    cache: Cache<'m>,
    /// The tail image of the journal, on volumes that have them.
    image: &'m mut [u8],
}

fn failed(error: &impl DeviceError) -> Error {
    Error::Device(error.kind())
}

impl<D> Media<'_, D> {
    /// Bytes of a block.
    pub fn block_bytes(&self) -> u32 {
        1_u32.checked_shl(self.block_log2.into()).unwrap_or(u32::MAX)
    }

    /// The verified pages of the node at `pointer` that need no read. No I/O.
    pub fn cached(&self, pointer: &NodePointer) -> impl Iterator<Item = (u8, &[u8; PAGE_BYTES])> {
        self.cache.of_node(pointer.block, pointer.generation)
    }

    /// Whether anything may be programmed over anything.
    pub fn rewrites(&self) -> bool {
        self.rewrites
    }

    /// How many blocks were erased since the volume was mounted, wrapping.
    pub fn erases(&self) -> u32 {
        self.erases
    }

    /// Remembers erases; where they are in more parts than it can, the oldest are forgotten.
    fn note_worn(&mut self, first: BlockNo, count: u16) {
        let mut at = first.0;
        let end = first.plus(count.into()).0;
        while at < end {
            let part = at / PART_BLOCKS;
            let next = part.saturating_add(1).saturating_mul(PART_BLOCKS).min(end);
            let blocks = next.saturating_sub(at);
            if let Some((_, sum)) = self.worn.iter_mut().find(|(of, _)| *of == part) {
                *sum = sum.saturating_add(blocks);
            } else {
                if self.worn.is_full() {
                    self.worn.remove(0);
                }
                let _ = self.worn.push((part, blocks));
            }
            at = next;
        }
    }

    /// Erases that no wear item tells of yet, of 16 blocks of the volume and how many, which are
    /// then taken for told: those of the oldest part, or of one in the group of part `of`.
    pub fn take_worn(&mut self, of: Option<u32>) -> Option<(u32, u32)> {
        let parts = group::BLOCKS / PART_BLOCKS;
        let fits = |part: u32| of.is_none_or(|of| of / parts == part / parts);
        let index = self.worn.iter().position(|(part, _)| fits(*part))?;
        Some(self.worn.remove(index))
    }

    /// Whether the journal is written in tail images: a sector is the smallest program.
    pub fn has_images(&self) -> bool {
        self.program_unit > SMALL_UNIT_MAX
    }
}

#[colour]
impl<'m, D: BlockDevice> Media<'m, D> {
    /// A device of which nothing is known yet; `pages`, at least one, become the page cache.
    pub fn new(device: &'m mut D, pages: &'m mut [CachedPage]) -> Self {
        let geometry = device.geometry();
        Self {
            device,
            geometry,
            volume: VolumeSeed::of(&[0; 16]),
            block_log2: 12,
            program_unit: geometry.program_unit,
            erase_value: 0xFF,
            rewrites: !geometry.guarantees.contains(Guarantees::NEEDS_ERASE),
            by_sector: geometry.read_unit.max(geometry.program_unit) > SMALL_UNIT_MAX,
            erases: 0,
            worn: heapless::Vec::new(),
            cache: Cache::new(pages),
            image: &mut [],
        }
    }

    /// Uses the identity and the units of `superblock` from now on.
    pub fn adopt(&mut self, superblock: &Superblock) {
        self.volume = VolumeSeed::of(&superblock.uuid);
        self.block_log2 = superblock.block_log2;
        self.program_unit = superblock.program_unit();
        self.erase_value = superblock.erase_value;
        self.cache.forget_all();
    }

    /// Lends the RAM for the tail image: a sector.
    pub fn lend_image(&mut self, image: &'m mut [u8]) {
        self.image = image;
    }

    /// What the device says about itself.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// What every checksum of the volume is seeded with.
    pub fn volume(&self) -> VolumeSeed {
        self.volume
    }

    /// The identity of a page of the node that `generation` wrote into `block`.
    pub fn identity(&self, block: BlockNo, generation: Generation, page: u8) -> PageIdentity {
        PageIdentity { volume: self.volume, block, generation, page }
    }

    /// The verified page number `page` of the node at `pointer`.
    ///
    /// # Errors
    /// `Corrupt` if it is not the page that the pointer means; the device's otherwise.
    pub async fn page(&mut self, pointer: &NodePointer, page: u8) -> Result<&[u8; PAGE_BYTES]> {
        let place = PagePlace { block: pointer.block, generation: pointer.generation, page };
        let index = match self.cache.find(place) {
            Some(index) => index,
            None => self.load(place).await?,
        };
        self.cache.slot(index).map(CachedPage::bytes).ok_or(Error::Bug)
    }

    /// Reads and verifies a page; gives its place in the cache.
    async fn load(&mut self, place: PagePlace) -> Result<usize> {
        let PagePlace { block, generation, page } = place;
        let offset = u32::from(page).saturating_mul(SECTOR);
        let at = self.place(block, offset);
        // A hostile pointer is damage like any other, not an access outside the device.
        if offset >= self.block_bytes() || at.plus(SECTOR.into()).0 > self.geometry.size {
            return Err(corrupt(block)(Malformed::Field(Field::Block)));
        }
        let identity = self.identity(block, generation, page);
        let index = self.cache.claim().ok_or(Error::Bug)?;
        let slot = self.cache.slot_mut(index).ok_or(Error::Bug)?;
        match self.device.read(at, slot.buffer()).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Uncorrectable => {
                return Err(corrupt(block)(Malformed::Checksum));
            }
            Err(error) => return Err(failed(&error)),
        }
        page::verify(slot.bytes(), &identity).map_err(corrupt(block))?;
        slot.hold(place);
        Ok(index)
    }

    /// Programs sealed pages, from number `page` on. One device operation.
    ///
    /// # Errors
    /// The device's; the pages then hold anything, and the block must be erased before its next
    /// use.
    pub async fn write_pages(&mut self, block: BlockNo, page: u8, bytes: &[u8]) -> Result<()> {
        self.program(block, u32::from(page).saturating_mul(SECTOR), bytes).await
    }

    /// Erases `count` blocks from `first`, on media that need it.
    ///
    /// # Errors
    /// The device's; the blocks then hold anything.
    pub async fn erase(&mut self, first: BlockNo, count: u16) -> Result<()> {
        if self.rewrites {
            return Ok(());
        }
        self.cache.forget(first, count);
        self.erases = self.erases.wrapping_add(count.into());
        if cfg!(feature = "level") {
            self.note_worn(first, count);
        }
        let bytes = u64::from(self.block_bytes()).saturating_mul(count.into());
        let erased = self.device.erase(first.offset(self.block_log2), bytes).await;
        erased.map_err(|error| failed(&error))
    }

    /// Waits until everything before `edge` is durable.
    ///
    /// # Errors
    /// The device's; what was programmed since the last barrier is then doubtful.
    pub async fn barrier(&mut self, edge: Edge) -> Result<()> {
        let skipped = match edge {
            Edge::Record => mutant::on(Mutant::FlushRecordSkipped),
            Edge::Nodes => mutant::on(Mutant::FlushNodeSkipped),
            Edge::Anchor => mutant::on(Mutant::FlushAnchorSkipped),
            Edge::Data => mutant::on(Mutant::FlushDataSkipped),
            Edge::Erase => mutant::on(Mutant::FlushEraseSkipped),
            Edge::Superblock => mutant::on(Mutant::FlushSuperblockSkipped),
        };
        if skipped {
            return Ok(());
        }
        self.device.sync().await.map_err(|error| failed(&error))
    }

    /// Reads the place of a superblock copy. One read.
    ///
    /// # Errors
    /// The device's, but for `Uncorrectable`, which reads as damaged.
    pub async fn read_superblock(&mut self, at: ByteOffset) -> Result<SuperblockCopy> {
        let length = if self.by_sector { PAGE_BYTES } else { superblock::SIZE };
        let rewrites = self.rewrites;
        let (device, buffer) = self.scratch()?;
        let target = buffer.get_mut(..length).ok_or(Error::Bug)?;
        match device.read(at, target).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Uncorrectable => {
                return Ok(SuperblockCopy::Damaged(Malformed::Checksum));
            }
            Err(error) => return Err(failed(&error)),
        }
        let bytes = buffer.first_chunk().ok_or(Error::Bug)?;
        if rewrites && *bytes == [0; superblock::SIZE] {
            return Ok(SuperblockCopy::Blank);
        }
        Ok(SuperblockCopy::of(bytes))
    }

    /// Whether `block` begins with a whole superblock. One read.
    ///
    /// # Errors
    /// The device's, but for `Uncorrectable`.
    pub async fn has_superblock(&mut self, block: BlockNo) -> Result<bool> {
        let copy = self.read_superblock(self.place(block, 0)).await?;
        Ok(matches!(copy, SuperblockCopy::Valid(_)))
    }

    /// Programs a superblock copy, or the mark of a format in progress, into an erased `block`.
    ///
    /// # Errors
    /// The device's.
    pub async fn write_superblock(
        &mut self,
        block: BlockNo,
        bytes: &[u8; superblock::SIZE],
    ) -> Result<()> {
        self.program_padded(block, 0, bytes).await
    }

    /// Programs file data into `block`, `offset` bytes from its beginning.
    ///
    /// # Errors
    /// The device's; the range then holds anything.
    pub async fn write_data(&mut self, block: BlockNo, offset: u32, bytes: &[u8]) -> Result<()> {
        self.program(block, offset, bytes).await
    }

    /// Reads file data. `at` and the length are multiples of the read unit.
    ///
    /// # Errors
    /// The device's.
    pub async fn read_data(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<()> {
        self.device.read(at, target).await.map_err(|error| failed(&error))
    }

    /// Whether `bytes` bytes at `at` are a part of one sector of a device that is read by sectors.
    pub fn is_part(&self, at: ByteOffset, bytes: usize) -> bool {
        let skip = at.0.checked_rem(SECTOR.into()).unwrap_or(0);
        let skip = usize::try_from(skip).unwrap_or(PAGE_BYTES);
        self.by_sector && bytes < PAGE_BYTES && skip.saturating_add(bytes) <= PAGE_BYTES
    }

    /// Reads file data that is a part of a sector: none if the sector is cached.
    ///
    /// # Errors
    /// The device's.
    pub async fn read_part(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<()> {
        let block = at.0.checked_shr(self.block_log2.into()).unwrap_or(0);
        let block = BlockNo(u32::try_from(block).map_err(|_| Error::Bug)?);
        let behind = at.0.saturating_sub(block.offset(self.block_log2).0);
        let offset = u32::try_from(behind).map_err(|_| Error::Bug)?;
        let read = self.read_sectors(block, offset, target).await?;
        if read { Ok(()) } else { Err(Error::Device(ErrorKind::Uncorrectable)) }
    }

    /// The device, and room for one read unit: for whoever moves file data.
    ///
    /// # Errors
    /// `Bug` if no page was lent.
    pub fn for_transfer(&mut self) -> Result<(&mut D, &mut [u8])> {
        if self.geometry.read_unit <= 1 {
            return Ok((self.device, &mut []));
        }
        let (device, unit) = self.scratch()?;
        Ok((device, unit))
    }

    /// Forgets every cached page, after a test has damaged the device.
    #[cfg(test)]
    pub(super) fn forget_for_test(&mut self) {
        self.cache.forget_all();
    }

    /// The device, to look at it and to damage it.
    #[cfg(test)]
    pub(super) fn device_for_test(&mut self) -> &mut D {
        self.device
    }

    /// Programs zeros over the place of a superblock copy, whatever is there: what is left of it
    /// when the next erase is cut is no superblock and no mark. Not where nothing is erased.
    ///
    /// # Errors
    /// The device's.
    pub async fn strike_superblock(&mut self, block: BlockNo) -> Result<()> {
        if self.rewrites {
            return Ok(());
        }
        self.program(block, 0, &[0; superblock::SIZE]).await?;
        self.barrier(Edge::Superblock).await
    }

    /// The device, and a place of the page cache to work in.
    pub(super) fn scratch(&mut self) -> Result<(&mut D, &mut [u8; PAGE_BYTES])> {
        let slot = self.cache.claim().and_then(|index| self.cache.slot_mut(index));
        Ok((self.device, slot.ok_or(Error::Bug)?.buffer()))
    }

    fn place(&self, block: BlockNo, offset: u32) -> ByteOffset {
        block.offset(self.block_log2).plus(offset.into())
    }

    async fn program(&mut self, block: BlockNo, offset: u32, bytes: &[u8]) -> Result<()> {
        self.cache.forget(block, 1);
        let at = self.place(block, offset);
        self.device.program(at, bytes).await.map_err(|error| failed(&error))
    }

    /// Programs a small structure; where a sector is the smallest program, with zeros behind it.
    async fn program_padded(&mut self, block: BlockNo, offset: u32, bytes: &[u8]) -> Result<()> {
        if !self.has_images() {
            return self.program(block, offset, bytes).await;
        }
        self.cache.forget(block, 1);
        let at = self.place(block, offset);
        let (device, sector) = self.scratch()?;
        let (start, rest) = sector.split_at_mut_checked(bytes.len()).ok_or(Error::Bug)?;
        start.copy_from_slice(bytes);
        rest.fill(0);
        device.program(at, sector).await.map_err(|error| failed(&error))
    }

    /// Reads `target`; `false` if the medium cannot give the bytes back.
    async fn try_read(&mut self, block: BlockNo, offset: u32, target: &mut [u8]) -> Result<bool> {
        if self.by_sector {
            return self.read_sectors(block, offset, target).await;
        }
        let at = self.place(block, offset);
        let read = self.device.read(at, target).await;
        readable(&read)
    }

    /// The same through the page cache, sector by sector.
    async fn read_sectors(
        &mut self,
        block: BlockNo,
        mut offset: u32,
        target: &mut [u8],
    ) -> Result<bool> {
        let mut rest = target;
        while !rest.is_empty() {
            let sector = u8::try_from(offset / SECTOR).map_err(|_| Error::Bug)?;
            let wanted = PagePlace { block, generation: Generation(0), page: sector };
            if self.cache.find(wanted).is_none() {
                let at = self.place(block, u32::from(sector).saturating_mul(SECTOR));
                let index = self.cache.claim().ok_or(Error::Bug)?;
                let slot = self.cache.slot_mut(index).ok_or(Error::Bug)?;
                let read = self.device.read(at, slot.buffer()).await;
                if !readable(&read)? {
                    return Ok(false);
                }
                slot.hold(wanted);
            }
            let slot = self.cache.find(wanted).and_then(|index| self.cache.slot(index));
            let skip = usize::try_from(offset % SECTOR).unwrap_or(0);
            let source = slot.and_then(|slot| slot.bytes().get(skip..)).ok_or(Error::Bug)?;
            let length = source.len().min(rest.len());
            let (now, later) = rest.split_at_mut_checked(length).ok_or(Error::Bug)?;
            now.copy_from_slice(source.get(..length).ok_or(Error::Bug)?);
            offset = offset.saturating_add(u32::try_from(length).unwrap_or(SECTOR));
            rest = later;
        }
        Ok(true)
    }
}

/// Whether a read gave the bytes back; an error that says nothing about them stays one.
fn readable<E: DeviceError>(read: &core::result::Result<(), E>) -> Result<bool> {
    match read {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Uncorrectable => Ok(false),
        Err(_) if mutant::on(Mutant::ErrorReadAsTorn) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}
