//! Block devices of `embedded-sdmmc`, both ways, in its colour: the blocking one.
//!
//! [`Sdmmc`] makes one a device for a volume. Its trait has no flush: what it reported is taken for
//! durable, as its own FAT does. It says nothing about power cuts, so no guarantee is claimed.
//! [`Blocks`] offers a device to it, say a partition of a card beside a volume; what it wrote is
//! synced, if there is a cache.
//!
//! Its blocks are a type of their own, so every sector is copied once over 512 bytes of stack.

use crate::error::{BytesError, FlashError};
use crate::sectors::{self, SECTOR};
use core::cell::RefCell;
use embedded_sdmmc::{Block, BlockCount, BlockIdx};
use fs_core::blocking::device::BlockDevice;
use fs_core::units::{ByteOffset, Geometry, Guarantees};

/// A block device of `embedded-sdmmc` as storage for a volume.
#[derive(Debug)]
pub struct Sdmmc<B> {
    blocks: B,
    count: u32,
}

impl<B: embedded_sdmmc::BlockDevice> Sdmmc<B> {
    /// The device, of the size that it has now.
    ///
    /// # Errors
    /// Its own, if it does not tell its size.
    pub fn new(blocks: B) -> Result<Self, B::Error> {
        let count = blocks.num_blocks()?.0;
        Ok(Self { blocks, count })
    }

    /// Gives the block device back.
    pub fn into_inner(self) -> B {
        self.blocks
    }
}

impl<B: embedded_sdmmc::BlockDevice> BlockDevice for Sdmmc<B> {
    type Error = BytesError<B::Error>;

    fn geometry(&self) -> Geometry {
        sectors::geometry(self.count)
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), Self::Error> {
        let first = sectors::first(self.count, at, target.len() as u64)?;
        for (part, number) in target.chunks_exact_mut(SECTOR).zip(first..) {
            let mut block = Block::new();
            let one = core::slice::from_mut(&mut block);
            self.blocks.read(one, BlockIdx(number)).map_err(BytesError::Read)?;
            part.copy_from_slice(&block.contents);
        }
        Ok(())
    }

    fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), Self::Error> {
        let first = sectors::first(self.count, at, source.len() as u64)?;
        let mut block = Block::new();
        for (part, number) in source.chunks_exact(SECTOR).zip(first..) {
            block.contents.copy_from_slice(part);
            let one = core::slice::from_ref(&block);
            self.blocks.write(one, BlockIdx(number)).map_err(BytesError::Write)?;
        }
        Ok(())
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        let first = sectors::first(self.count, at, bytes)?;
        let ones = Block { contents: [0xFF; SECTOR] };
        let count = u32::try_from(bytes >> SECTOR.trailing_zeros()).unwrap_or(u32::MAX);
        for number in first..first.saturating_add(count) {
            let one = core::slice::from_ref(&ones);
            self.blocks.write(one, BlockIdx(number)).map_err(BytesError::Write)?;
        }
        Ok(())
    }

    fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        sectors::first(self.count, at, bytes).map(|_| ())
    }

    fn sync(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A device of sectors for `embedded-sdmmc`.
#[derive(Debug)]
pub struct Blocks<D> {
    device: RefCell<D>,
    has_cache: bool,
    count: u32,
}

impl<D: BlockDevice> Blocks<D> {
    /// The device, or `None` if it needs erases, if sectors of 512 bytes are no units of it, or if
    /// it has more of them than `u32` counts.
    pub fn new(device: D) -> Option<Self> {
        let geometry = device.geometry();
        let count = sectors::count(&geometry)?;
        let has_cache = geometry.guarantees.contains(Guarantees::VOLATILE_CACHE);
        Some(Self { device: RefCell::new(device), has_cache, count })
    }

    /// Gives the device back.
    pub fn into_inner(self) -> D {
        self.device.into_inner()
    }
}

impl<D: BlockDevice> embedded_sdmmc::BlockDevice for Blocks<D>
where
    D::Error: core::fmt::Debug,
{
    type Error = FlashError<D::Error>;

    fn read(&self, blocks: &mut [Block], first: BlockIdx) -> Result<(), Self::Error> {
        let mut at = sectors::place(self.count, first.0, blocks.len())?;
        let mut device = self.device.try_borrow_mut().map_err(|_| FlashError::InUse)?;
        for block in blocks {
            device.read(at, &mut block.contents).map_err(FlashError::Device)?;
            at = at.plus(SECTOR as u64);
        }
        Ok(())
    }

    fn write(&self, blocks: &[Block], first: BlockIdx) -> Result<(), Self::Error> {
        let mut at = sectors::place(self.count, first.0, blocks.len())?;
        let mut device = self.device.try_borrow_mut().map_err(|_| FlashError::InUse)?;
        for block in blocks {
            device.program(at, &block.contents).map_err(FlashError::Device)?;
            at = at.plus(SECTOR as u64);
        }
        if self.has_cache {
            device.sync().map_err(FlashError::Device)?;
        }
        Ok(())
    }

    fn num_blocks(&self) -> Result<BlockCount, Self::Error> {
        Ok(BlockCount(self.count))
    }
}
