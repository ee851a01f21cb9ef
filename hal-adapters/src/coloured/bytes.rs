//! Any `Storage` as a `BlockDevice`: bytes that need no erase.
//!
//! **For** FRAM, MRAM and EEPROM whose driver implements `Storage` of `embedded-storage`.
//! **Not for** flash behind a driver that reads, erases and writes a page to change a byte: a cut
//! in between takes bytes along that nobody was writing, and the filesystem is told that this does
//! not happen.
//!
//! **What the storage sees.** Reads and writes of any length inside its capacity. `Storage` never
//! waits, so in the asynchronous colour neither does this adapter.

use super::colour;
use super::device::BlockDevice;
use crate::error::BytesError;
use embedded_storage::Storage;
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};

/// The value that an erase writes.
const ERASED: [u8; 64] = [0xFF; 64];

/// A storage of bytes for a volume.
#[derive(Debug)]
pub struct ByteDevice<S> {
    storage: S,
}

impl<S> ByteDevice<S> {
    /// A storage whose writes harm nothing but the bytes they are for, and are durable when they
    /// return.
    pub const fn new(storage: S) -> Self {
        Self { storage }
    }

    /// Gives the storage back.
    pub fn into_inner(self) -> S {
        self.storage
    }
}

impl<S: Storage> ByteDevice<S> {
    /// Bytes of an erase unit: what the capacity is rounded down to.
    pub const ERASE_UNIT: u32 = 64;

    fn size(&self) -> u32 {
        let capacity = u32::try_from(self.storage.capacity()).unwrap_or(0);
        capacity & !Self::ERASE_UNIT.wrapping_sub(1)
    }

    fn range(&self, at: ByteOffset, bytes: u64) -> Result<u32, BytesError<S::Error>> {
        let end = at.0.checked_add(bytes).filter(|end| *end <= u64::from(self.size()));
        let start = end.and_then(|_| u32::try_from(at.0).ok());
        start.ok_or(BytesError::OutOfBounds)
    }
}

#[colour]
#[allow(clippy::unused_async, reason = "the storage never waits")]
impl<S: Storage> BlockDevice for ByteDevice<S>
where
    S::Error: core::fmt::Debug,
{
    type Error = BytesError<S::Error>;

    fn geometry(&self) -> Geometry {
        Geometry {
            size: u64::from(self.size()),
            read_unit: 1,
            program_unit: 1,
            erase_unit: Self::ERASE_UNIT,
            erase_sizes: EraseSizes::NONE,
            dma_alignment: 1,
            guarantees: Guarantees::POWERSAFE_NEIGHBOURS,
        }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), Self::Error> {
        let from = self.range(at, target.len() as u64)?;
        self.storage.read(from, target).map_err(BytesError::Read)
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), Self::Error> {
        let from = self.range(at, source.len() as u64)?;
        self.storage.write(from, source).map_err(BytesError::Write)
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        let mut from = self.range(at, bytes)?;
        let unit = u64::from(Self::ERASE_UNIT);
        if !at.0.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(BytesError::NotAligned);
        }
        let end = u64::from(from).saturating_add(bytes);
        while u64::from(from) < end {
            self.storage.write(from, &ERASED).map_err(BytesError::Write)?;
            from = from.saturating_add(Self::ERASE_UNIT);
        }
        Ok(())
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        self.range(at, bytes).map(|_| ())
    }

    async fn sync(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test, not firmware")]
#[allow(clippy::unit_arg, reason = "in the blocking colour a test has run when it is finished")]
mod tests {
    use super::super::finish;
    use super::{BlockDevice, ByteDevice, ByteOffset, Storage, colour};
    use embedded_storage::ReadStorage;
    use fs_core::error::{DeviceError, ErrorKind};
    use std::vec;
    use std::vec::Vec;

    struct Fram(Vec<u8>);

    impl ReadStorage for Fram {
        type Error = ();

        fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), ()> {
            let start = offset as usize;
            bytes.copy_from_slice(self.0.get(start..start + bytes.len()).ok_or(())?);
            Ok(())
        }

        fn capacity(&self) -> usize {
            self.0.len()
        }
    }

    impl Storage for Fram {
        fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), ()> {
            let start = offset as usize;
            self.0.get_mut(start..start + bytes.len()).ok_or(())?.copy_from_slice(bytes);
            Ok(())
        }
    }

    #[colour]
    async fn works() {
        let mut device = ByteDevice::new(Fram(vec![0; 1000]));
        assert_eq!(device.geometry().size, 960);
        assert_eq!(device.program(ByteOffset(7), b"over").await, Ok(()));
        assert_eq!(device.program(ByteOffset(8), b"new!").await, Ok(()));
        let mut found = [0; 6];
        assert_eq!(device.read(ByteOffset(6), &mut found).await, Ok(()));
        assert_eq!(&found, b"\0onew!");
        assert_eq!(device.erase(ByteOffset(64), 128).await, Ok(()));
        assert_eq!(device.into_inner().0.get(63..65), Some(&[0, 0xFF][..]));
    }

    #[colour]
    async fn refuses() {
        let mut device = ByteDevice::new(Fram(vec![0; 1000]));
        let kind =
            |result: Result<(), _>| result.map_err(|error: super::BytesError<()>| error.kind());
        let behind = device.program(ByteOffset(959), b"12").await;
        assert_eq!(kind(behind), Err(ErrorKind::OutOfBounds));
        let odd = device.erase(ByteOffset(1), 64).await;
        assert_eq!(kind(odd), Err(ErrorKind::NotAligned));
    }

    #[test]
    fn bytes_replace_what_was_there() {
        finish(works());
    }

    #[test]
    fn what_leaves_the_storage_or_its_units_is_refused() {
        finish(refuses());
    }
}
