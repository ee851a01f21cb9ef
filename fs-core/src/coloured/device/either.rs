//! Two kinds of device under one type, so that two volumes share one copy of the code.

use super::super::colour;
use super::BlockDevice;
use crate::error::{DeviceError, ErrorKind};
use crate::units::{ByteOffset, Geometry};

/// One device or the other.
#[derive(Debug, Clone, Copy)]
pub enum Either<A, B> {
    /// The first kind.
    Left(A),
    /// The second kind.
    Right(B),
}

impl<A: DeviceError, B: DeviceError> DeviceError for Either<A, B> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Left(error) => error.kind(),
            Self::Right(error) => error.kind(),
        }
    }
}

#[colour]
impl<A: BlockDevice, B: BlockDevice> BlockDevice for Either<A, B> {
    type Error = Either<A::Error, B::Error>;

    fn geometry(&self) -> Geometry {
        match self {
            Self::Left(device) => device.geometry(),
            Self::Right(device) => device.geometry(),
        }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), Self::Error> {
        match self {
            Self::Left(device) => device.read(at, target).await.map_err(Either::Left),
            Self::Right(device) => device.read(at, target).await.map_err(Either::Right),
        }
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), Self::Error> {
        match self {
            Self::Left(device) => device.program(at, source).await.map_err(Either::Left),
            Self::Right(device) => device.program(at, source).await.map_err(Either::Right),
        }
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        match self {
            Self::Left(device) => device.erase(at, bytes).await.map_err(Either::Left),
            Self::Right(device) => device.erase(at, bytes).await.map_err(Either::Right),
        }
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        match self {
            Self::Left(device) => device.discard(at, bytes).await.map_err(Either::Left),
            Self::Right(device) => device.discard(at, bytes).await.map_err(Either::Right),
        }
    }

    async fn sync(&mut self) -> Result<(), Self::Error> {
        match self {
            Self::Left(device) => device.sync().await.map_err(Either::Left),
            Self::Right(device) => device.sync().await.map_err(Either::Right),
        }
    }
}
