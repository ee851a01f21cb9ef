//! A part of a device that is a device itself.

use super::super::colour;
use super::BlockDevice;
use crate::error::{DeviceError, ErrorKind};
use crate::units::{ByteOffset, Geometry};

/// The `size` bytes of a device from `start`.
#[derive(Debug)]
pub struct Partition<D> {
    device: D,
    start: ByteOffset,
    size: u64,
}

/// Why a partition refused or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionError<E> {
    /// The access leaves the partition.
    OutOfBounds,
    /// The device failed.
    Device(E),
}

impl<E: DeviceError> DeviceError for PartitionError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OutOfBounds => ErrorKind::OutOfBounds,
            Self::Device(error) => error.kind(),
        }
    }
}

impl<D> Partition<D> {
    /// Gives the device back.
    pub fn into_inner(self) -> D {
        self.device
    }

    fn place<E>(&self, at: ByteOffset, bytes: u64) -> Result<ByteOffset, PartitionError<E>> {
        let end = at.0.checked_add(bytes).filter(|end| *end <= self.size);
        end.map(|_| self.start.plus(at.0)).ok_or(PartitionError::OutOfBounds)
    }
}

#[colour]
impl<D: BlockDevice> Partition<D> {
    /// The `size` bytes of `device` from `start`, or `None` if they leave the device or do not
    /// begin and end at an erase unit.
    pub fn new(device: D, start: ByteOffset, size: u64) -> Option<Self> {
        let geometry = device.geometry();
        let unit = u64::from(geometry.erase_unit.max(geometry.program_unit).max(1));
        let inside = start.0.checked_add(size).is_some_and(|end| end <= geometry.size);
        let aligned = start.0.is_multiple_of(unit) && size.is_multiple_of(unit);
        (inside && aligned).then_some(Self { device, start, size })
    }
}

#[colour]
impl<D: BlockDevice> BlockDevice for Partition<D> {
    type Error = PartitionError<D::Error>;

    fn geometry(&self) -> Geometry {
        Geometry { size: self.size, ..self.device.geometry() }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), Self::Error> {
        let at = self.place(at, target.len() as u64)?;
        self.device.read(at, target).await.map_err(PartitionError::Device)
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), Self::Error> {
        let at = self.place(at, source.len() as u64)?;
        self.device.program(at, source).await.map_err(PartitionError::Device)
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        let at = self.place(at, bytes)?;
        self.device.erase(at, bytes).await.map_err(PartitionError::Device)
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        let at = self.place(at, bytes)?;
        self.device.discard(at, bytes).await.map_err(PartitionError::Device)
    }

    async fn sync(&mut self) -> Result<(), Self::Error> {
        self.device.sync().await.map_err(PartitionError::Device)
    }
}
