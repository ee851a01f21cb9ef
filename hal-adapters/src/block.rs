//! Block devices of `block-device-driver`, both ways, in its colour: the asynchronous one.
//!
//! [`Driver`] makes one a device for a volume. Its trait has no flush: what it reported is taken
//! for durable. It says nothing about power cuts, so no guarantee is claimed. [`Blocks`] offers a
//! device to users of the trait; what they wrote is synced, if there is a cache.

use crate::error::{BytesError, FlashError};
use crate::sectors::{self, SECTOR};
use aligned::{A1, Aligned};
use block_device_driver::{blocks_to_slice, blocks_to_slice_mut};
use fs_core::asynchronous::device::BlockDevice;
use fs_core::units::{ByteOffset, Geometry, Guarantees};

/// A block device of `block-device-driver` as storage for a volume. A sector is copied once, into a
/// buffer with the alignment that the driver wants.
pub struct Driver<B: block_device_driver::BlockDevice<SECTOR>> {
    inner: B,
    count: u32,
    buffer: Aligned<B::Align, [u8; SECTOR]>,
}

impl<B: block_device_driver::BlockDevice<SECTOR>> core::fmt::Debug for Driver<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Driver").field("count", &self.count).finish_non_exhaustive()
    }
}

impl<B: block_device_driver::BlockDevice<SECTOR>> Driver<B> {
    /// The device, of the size that it has now, as far as `u32` counts its sectors.
    ///
    /// # Errors
    /// Its own, if it does not tell its size.
    pub async fn new(mut driver: B) -> Result<Self, B::Error> {
        let size = driver.size().await?;
        let count = u32::try_from(size >> SECTOR.trailing_zeros()).unwrap_or(u32::MAX);
        Ok(Self { inner: driver, count, buffer: Aligned([0; SECTOR]) })
    }

    /// Gives the driver back.
    pub fn into_inner(self) -> B {
        self.inner
    }
}

impl<B: block_device_driver::BlockDevice<SECTOR>> BlockDevice for Driver<B> {
    type Error = BytesError<B::Error>;

    fn geometry(&self) -> Geometry {
        sectors::geometry(self.count)
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), Self::Error> {
        let first = sectors::first(self.count, at, target.len() as u64)?;
        for (part, number) in target.chunks_exact_mut(SECTOR).zip(first..) {
            let one = core::slice::from_mut(&mut self.buffer);
            self.inner.read(number, one).await.map_err(BytesError::Read)?;
            part.copy_from_slice(&*self.buffer);
        }
        Ok(())
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), Self::Error> {
        let first = sectors::first(self.count, at, source.len() as u64)?;
        for (part, number) in source.chunks_exact(SECTOR).zip(first..) {
            self.buffer.copy_from_slice(part);
            let one = core::slice::from_ref(&self.buffer);
            self.inner.write(number, one).await.map_err(BytesError::Write)?;
        }
        Ok(())
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        let first = sectors::first(self.count, at, bytes)?;
        let count = u32::try_from(bytes >> SECTOR.trailing_zeros()).unwrap_or(u32::MAX);
        self.buffer.fill(0xFF);
        for number in first..first.saturating_add(count) {
            let one = core::slice::from_ref(&self.buffer);
            self.inner.write(number, one).await.map_err(BytesError::Write)?;
        }
        Ok(())
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        sectors::first(self.count, at, bytes).map(|_| ())
    }

    async fn sync(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A device of sectors for users of `block-device-driver`, without a copy.
#[derive(Debug)]
pub struct Blocks<D> {
    device: D,
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
        Some(Self { device, has_cache, count })
    }

    /// Gives the device back.
    pub fn into_inner(self) -> D {
        self.device
    }
}

impl<D: BlockDevice> block_device_driver::BlockDevice<SECTOR> for Blocks<D>
where
    D::Error: core::fmt::Debug,
{
    type Error = FlashError<D::Error>;
    type Align = A1;

    async fn read(
        &mut self,
        first: u32,
        blocks: &mut [Aligned<A1, [u8; SECTOR]>],
    ) -> Result<(), Self::Error> {
        let at = sectors::place(self.count, first, blocks.len())?;
        self.device.read(at, blocks_to_slice_mut(blocks)).await.map_err(FlashError::Device)
    }

    async fn write(
        &mut self,
        first: u32,
        blocks: &[Aligned<A1, [u8; SECTOR]>],
    ) -> Result<(), Self::Error> {
        let at = sectors::place(self.count, first, blocks.len())?;
        self.device.program(at, blocks_to_slice(blocks)).await.map_err(FlashError::Device)?;
        if self.has_cache {
            self.device.sync().await.map_err(FlashError::Device)?;
        }
        Ok(())
    }

    async fn size(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from(self.count).saturating_mul(SECTOR as u64))
    }
}
