//! A file as a `NorFlash`: for crates that keep their data in flash of their own, say a store of
//! keys or a queue, and are to live in a volume beside other files.
//!
//! **What it is.** The content of one open file, [`FileFlash::new`] holds it against the size that
//! is asked for and fills what is missing with ones, as an erase leaves them. A write replaces the
//! bytes that are there, erased or not. It does not only clear bits, so this is no
//! `MultiwriteNorFlash`: whoever writes twice to one place without an erase between finds the bytes
//! of the second write.
//!
//! **After a power cut.** What a write or an erase reported is durable, as `NorFlash` demands: each
//! ends with a commit of the file. So all of it is there or nothing, which no chip promises, but
//! for one that overwrites so many blocks that the filesystem asks for a commit in between: of
//! that, a beginning may be there.
//!
//! **Cost.** That of `write_at` and `sync_file` for each write. An erase writes ones, and takes as
//! much space as it has bytes for as long as the old content is there.
//!
//! A `Storage` of bytes is made of it by `RmwNorFlashStorage` of `embedded-storage`. That reads and
//! writes whole erase units; whoever can, writes to the file itself.

use super::colour;
use super::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use super::vfs::Vfs;
use super::vnode::Filesystem;
use crate::error::FileError;
use fs_core::Error;
use fs_core::api::FileId;

/// Bytes that are written at once.
pub const PIECE: usize = 512;

/// What an erase leaves.
const ERASED: [u8; PIECE] = [0xFF; PIECE];

/// An open file as flash with these units.
#[derive(Debug)]
pub struct FileFlash<'v, 'm, F, const WRITE: usize, const ERASE: usize> {
    vfs: &'v Vfs<'m, F>,
    file: FileId,
    size: u32,
}

impl<F, const WRITE: usize, const ERASE: usize> FileFlash<'_, '_, F, WRITE, ERASE> {
    const UNITS_ARE_SOUND: () = {
        assert!(WRITE > 0 && ERASE > 0, "a unit of nothing");
        assert!(ERASE.is_multiple_of(WRITE), "an erase unit is made of write units");
    };

    /// The file, which is still open.
    #[must_use]
    pub const fn file(&self) -> FileId {
        self.file
    }

    /// Refuses a range that is not inside or not made of whole `units`. Gives its end.
    fn range(&self, at: u32, bytes: usize, units: usize) -> Result<u32, FileError> {
        let end = u32::try_from(bytes).ok().and_then(|bytes| at.checked_add(bytes));
        let end = end.filter(|end| *end <= self.size).ok_or(FileError::OutOfBounds)?;
        if !(at as usize).is_multiple_of(units) || !bytes.is_multiple_of(units) {
            return Err(FileError::NotAligned);
        }
        Ok(end)
    }
}

#[colour]
impl<'v, 'm, F: Filesystem, const WRITE: usize, const ERASE: usize>
    FileFlash<'v, 'm, F, WRITE, ERASE>
{
    /// The file `file`, open for reading and writing, as flash of `size` bytes. A shorter one is
    /// filled up with ones first, durably; a longer one is used up to there.
    ///
    /// # Errors
    /// `NotAligned` if `size` is not made of erase units; those of `write_at` and `sync_file`:
    /// the file may have become longer then.
    pub async fn new(vfs: &'v Vfs<'m, F>, file: FileId, size: u32) -> Result<Self, FileError> {
        const { Self::UNITS_ARE_SOUND };
        if !(size as usize).is_multiple_of(ERASE) {
            return Err(FileError::NotAligned);
        }
        let mut flash = Self { vfs, file, size };
        let held = vfs.stat_file(file).await.map_err(FileError::File)?.size;
        let held = u32::try_from(held).unwrap_or(u32::MAX);
        if held < size {
            flash.fill(held, size).await?;
        }
        Ok(flash)
    }

    /// Writes ones from byte `at` up to `end`, and commits them.
    async fn fill(&mut self, at: u32, end: u32) -> Result<(), FileError> {
        let mut at = at;
        while at < end {
            let ones = ERASED.get(..piece(at, end)).unwrap_or_default();
            at = at.saturating_add(self.put(at, ones).await?);
        }
        self.commit().await
    }

    /// Writes some bytes, and says how many. What waits for its commit is committed before, if the
    /// filesystem has no room for more of it.
    async fn put(&mut self, at: u32, bytes: &[u8]) -> Result<u32, FileError> {
        let mut written = self.vfs.write_at(self.file, at.into(), bytes).await;
        if written == Err(Error::DraftTooBig) {
            self.commit().await?;
            written = self.vfs.write_at(self.file, at.into(), bytes).await;
        }
        let written = written.map_err(FileError::File)?;
        u32::try_from(written).map_err(|_| FileError::OutOfBounds)
    }

    async fn commit(&mut self) -> Result<(), FileError> {
        self.vfs.sync_file(self.file).await.map_err(FileError::File)
    }
}

/// Bytes from `at` up to the next multiple of a piece, or up to `end`.
fn piece(at: u32, end: u32) -> usize {
    let within = PIECE.saturating_sub(at as usize % PIECE);
    within.min(end.saturating_sub(at) as usize)
}

#[colour]
impl<F: Filesystem, const WRITE: usize, const ERASE: usize> ErrorType
    for FileFlash<'_, '_, F, WRITE, ERASE>
{
    type Error = FileError;
}

#[colour]
impl<F: Filesystem, const WRITE: usize, const ERASE: usize> ReadNorFlash
    for FileFlash<'_, '_, F, WRITE, ERASE>
{
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FileError> {
        self.range(offset, bytes.len(), 1)?;
        let mut at = u64::from(offset);
        let mut rest = bytes;
        while !rest.is_empty() {
            let read = self.vfs.read_at(self.file, at, rest).await.map_err(FileError::File)?;
            // Somebody else has made the file shorter.
            rest = rest.get_mut(read..).filter(|_| read > 0).ok_or(FileError::OutOfBounds)?;
            at = at.saturating_add(read as u64);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.size as usize
    }
}

#[colour]
impl<F: Filesystem, const WRITE: usize, const ERASE: usize> NorFlash
    for FileFlash<'_, '_, F, WRITE, ERASE>
{
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FileError> {
        let bytes = to.checked_sub(from).ok_or(FileError::OutOfBounds)?;
        let end = self.range(from, bytes as usize, ERASE)?;
        self.fill(from, end).await
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FileError> {
        let end = self.range(offset, bytes.len(), WRITE)?;
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let first = rest.get(..piece(at, end)).unwrap_or_default();
            let written = self.put(at, first).await?;
            at = at.saturating_add(written);
            rest = rest.get(written as usize..).unwrap_or_default();
        }
        self.commit().await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test, not firmware")]
#[allow(clippy::unit_arg, reason = "in the blocking colour a test has run when it is finished")]
mod tests {
    use super::super::device::RamDevice;
    use super::super::finish;
    use super::super::vellum::Vellum;
    use super::super::volume::Volume;
    use super::{FileFlash, NorFlash, ReadNorFlash, colour};
    use crate::error::FileError;
    use fs_core::api::{FileId, OpenOptions};
    use fs_core::{FormatOptions, Memory, MountOptions};
    use std::vec;

    const SIZE: u32 = 64 * 1024;
    const UNIT: u32 = 4096;
    const UNITS: u32 = SIZE / UNIT;
    type Ram = Memory<2048, 8, 3>;
    type Flash<'v, 'm, 'd> = FileFlash<'v, 'm, Vellum<'m, RamDevice<'d>>, 4, 4096>;

    #[colour]
    async fn mounted<'m, 'd>(
        device: &'m mut RamDevice<'d>,
        memory: &'m mut Ram,
    ) -> Volume<'m, RamDevice<'d>> {
        let (options, format) = (MountOptions::default(), FormatOptions::default());
        Volume::mount_or_format(device, memory, options, &format).await.unwrap()
    }

    #[colour]
    async fn opened(volume: &Volume<'_, RamDevice<'_>>) -> FileId {
        let options = OpenOptions::new().read().write().create();
        volume.open("/keys", options).await.unwrap()
    }

    /// What each unit holds.
    fn mark(unit: u32) -> [u8; 8] {
        [u8::try_from(unit).unwrap(); 8]
    }

    #[colour]
    async fn keeps() {
        let (mut bytes, mut memory) = (vec![0xFF; 256 * 4096], Ram::new());
        let mut device = RamDevice::new(&mut bytes);
        let volume = mounted(&mut device, &mut memory).await;
        let mut flash = Flash::new(&volume, opened(&volume).await, SIZE).await.unwrap();
        assert_eq!(flash.capacity(), SIZE as usize);
        let mut found = [0; 32];
        flash.read(SIZE - 32, &mut found).await.unwrap();
        assert_eq!(found, [0xFF; 32]);
        for unit in 0..UNITS {
            flash.write(unit * UNIT + 508, &mark(unit)).await.unwrap();
        }
        // Neither closed nor unmounted: as if the power went.
        drop(volume);
        let volume = mounted(&mut device, &mut memory).await;
        let mut flash = Flash::new(&volume, opened(&volume).await, SIZE).await.unwrap();
        flash.erase(UNIT, 3 * UNIT).await.unwrap();
        for unit in 0..UNITS {
            let mut found = [0; 8];
            flash.read(unit * UNIT + 508, &mut found).await.unwrap();
            let erased = (1..3).contains(&unit);
            assert_eq!(found, if erased { [0xFF; 8] } else { mark(unit) }, "unit {unit}");
        }
        flash.erase(0, SIZE).await.unwrap();
        let mut all = vec![0; SIZE as usize];
        flash.read(0, &mut all).await.unwrap();
        assert!(all.iter().all(|byte| *byte == 0xFF));
    }

    #[colour]
    async fn refuses() {
        let (mut bytes, mut memory) = (vec![0xFF; 256 * 4096], Ram::new());
        let mut device = RamDevice::new(&mut bytes);
        let volume = mounted(&mut device, &mut memory).await;
        let file = opened(&volume).await;
        let odd = Flash::new(&volume, file, SIZE - 1).await.map(|_| ());
        assert_eq!(odd, Err(FileError::NotAligned));
        let mut flash = Flash::new(&volume, file, SIZE).await.unwrap();
        assert_eq!(flash.write(SIZE - 4, &[0; 8]).await, Err(FileError::OutOfBounds));
        assert_eq!(flash.write(2, &[0; 4]).await, Err(FileError::NotAligned));
        assert_eq!(flash.write(0, &[0; 3]).await, Err(FileError::NotAligned));
        assert_eq!(flash.erase(0, 4095).await, Err(FileError::NotAligned));
        assert_eq!(flash.erase(UNIT, 0).await, Err(FileError::OutOfBounds));
        assert_eq!(flash.read(SIZE, &mut [0]).await, Err(FileError::OutOfBounds));
        volume.set_len(file, 10).await.unwrap();
        assert_eq!(flash.read(8, &mut [0; 4]).await, Err(FileError::OutOfBounds));
    }

    #[test]
    fn what_was_written_and_erased_is_there_after_another_mount() {
        finish(keeps());
    }

    #[test]
    fn what_leaves_the_file_or_its_units_is_refused() {
        finish(refuses());
    }
}
