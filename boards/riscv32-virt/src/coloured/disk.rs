//! The disk as a device, and the scenarios on it.

use super::shared::choice;
use super::shared::metered::Metered;
use super::vellum::device::BlockDevice;
use super::{colour, idle};
use crate::virtio::{CHUNK, Disk, Kind, SECTOR};
use fs_core::Memory;
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};
use scenarios::Failure;
use scenarios::semihosting::Arguments;

/// This colour's own type: `BlockDevice` is one trait for each.
pub struct VirtioDisk(pub Disk);

#[colour]
impl VirtioDisk {
    /// Waits until the disk is idle: also for a request that somebody has given up.
    async fn idle(&mut self) {
        idle(&self.0).await;
    }

    /// Carries out one request about the data that is shared.
    async fn request(&mut self, kind: Kind, sector: u64, bytes: usize) -> Result<(), ErrorKind> {
        self.0.begin(kind, sector, bytes);
        self.idle().await;
        if self.0.is_done() { Ok(()) } else { Err(ErrorKind::Medium) }
    }

    /// The first sector of a range of whole ones inside the disk.
    fn sector(&self, at: ByteOffset, bytes: u64) -> Result<u64, ErrorKind> {
        let unit = SECTOR as u64;
        if !at.0.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(ErrorKind::NotAligned);
        }
        let end = at.0.checked_add(bytes).filter(|end| *end <= self.0.bytes());
        end.map(|_| at.0 / unit).ok_or(ErrorKind::OutOfBounds)
    }
}

#[colour]
impl BlockDevice for VirtioDisk {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        // The host's file system and its device decide; QEMU hands a sector on whole.
        let mut guarantees = Guarantees::POWERSAFE_NEIGHBOURS;
        guarantees.set(Guarantees::VOLATILE_CACHE, self.0.has_cache());
        guarantees.set(Guarantees::READ_ONLY, self.0.is_read_only());
        Geometry {
            size: self.0.bytes(),
            read_unit: SECTOR as u32,
            program_unit: SECTOR as u32,
            erase_unit: SECTOR as u32,
            erase_sizes: EraseSizes::NONE,
            dma_alignment: 1,
            guarantees,
        }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        let mut sector = self.sector(at, target.len() as u64)?;
        self.idle().await;
        for part in target.chunks_mut(CHUNK) {
            self.request(Kind::Read, sector, part.len()).await?;
            part.copy_from_slice(&self.0.data()[..part.len()]);
            sector += (part.len() / SECTOR) as u64;
        }
        Ok(())
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        let mut sector = self.sector(at, source.len() as u64)?;
        self.idle().await;
        for part in source.chunks(CHUNK) {
            self.0.data()[..part.len()].copy_from_slice(part);
            self.request(Kind::Write, sector, part.len()).await?;
            sector += (part.len() / SECTOR) as u64;
        }
        Ok(())
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        let mut sector = self.sector(at, bytes)?;
        let end = sector + bytes / SECTOR as u64;
        self.idle().await;
        self.0.data().fill(0xFF);
        while sector < end {
            let part = (end - sector).min((CHUNK / SECTOR) as u64);
            self.request(Kind::Write, sector, part as usize * SECTOR).await?;
            sector += part;
        }
        Ok(())
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        self.sector(at, bytes).map(|_| ())
    }

    async fn sync(&mut self) -> Result<(), ErrorKind> {
        self.idle().await;
        if self.0.has_cache() { self.request(Kind::Flush, 0, 0).await } else { Ok(()) }
    }
}

/// Runs what the arguments say: `tour`, `live rounds=N` or `survey`.
///
/// # Errors
/// What went wrong first.
pub fn run(disk: Option<Disk>, memory: &mut Memory) -> Result<(), Failure> {
    let mut device = Metered(VirtioDisk(disk.ok_or(Failure::Device)?));
    choice::run(&Arguments::get(), &mut device, memory, *b"riscv32-virtdisk")
}
