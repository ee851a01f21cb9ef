//! Flash that erases to zero, as a device that erases to ones.

use super::super::colour;
use super::BlockDevice;
use crate::error::{DeviceError, ErrorKind};
use crate::units::{ByteOffset, Geometry};

/// Bytes that are turned round at a time: the largest program unit of flash.
const PIECE: usize = 64;

/// A device whose erased bytes are zero, with every bit turned round: so they are ones.
///
/// What the device calls [`REPROGRAM_ZERO_BITS`] is true of it if its *ones* may be programmed over
/// anything: they are the zeros here. The volume on it is that of any other flash, with each bit
/// turned round, superblock included: nobody finds it without this wrapper.
///
/// [`REPROGRAM_ZERO_BITS`]: crate::units::Guarantees::REPROGRAM_ZERO_BITS
#[derive(Debug, Clone, Copy)]
pub struct Inverted<D> {
    device: D,
}

/// Why an inverted device refused or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvertedError<E> {
    /// A program leaves the device: nothing of it was done.
    OutOfBounds,
    /// A program is not of whole units: nothing of it was done.
    NotAligned,
    /// The device failed.
    Device(E),
}

impl<E: DeviceError> DeviceError for InvertedError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OutOfBounds => ErrorKind::OutOfBounds,
            Self::NotAligned => ErrorKind::NotAligned,
            Self::Device(error) => error.kind(),
        }
    }
}

impl<D> Inverted<D> {
    /// Gives the device back.
    pub fn into_inner(self) -> D {
        self.device
    }
}

#[colour]
impl<D: BlockDevice> Inverted<D> {
    /// `device`, whose erased bytes read as zero; `None` if it programs more than 64 bytes at a
    /// time.
    pub fn new(device: D) -> Option<Self> {
        let unit = device.geometry().program_unit.max(1) as usize;
        PIECE.is_multiple_of(unit).then_some(Self { device })
    }

    /// Refuses what the device would refuse only after some pieces of it.
    fn refuse(&self, at: ByteOffset, bytes: u64) -> Result<(), InvertedError<D::Error>> {
        let Geometry { size, program_unit, .. } = self.device.geometry();
        let unit = u64::from(program_unit.max(1));
        if at.0.checked_add(bytes).is_none_or(|end| end > size) {
            return Err(InvertedError::OutOfBounds);
        }
        let whole = at.0.is_multiple_of(unit) && bytes.is_multiple_of(unit);
        if whole { Ok(()) } else { Err(InvertedError::NotAligned) }
    }
}

#[colour]
impl<D: BlockDevice> BlockDevice for Inverted<D> {
    type Error = InvertedError<D::Error>;

    fn geometry(&self) -> Geometry {
        self.device.geometry()
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), Self::Error> {
        self.device.read(at, target).await.map_err(InvertedError::Device)?;
        for byte in target {
            *byte = !*byte;
        }
        Ok(())
    }

    /// A program of the device for every 64 bytes: a cut leaves the first of them done.
    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), Self::Error> {
        self.refuse(at, source.len() as u64)?;
        let mut at = at;
        let mut buffer = [0; PIECE];
        for piece in source.chunks(PIECE) {
            let (turned, _) = buffer.split_at_mut_checked(piece.len()).unwrap_or_default();
            turned.iter_mut().zip(piece).for_each(|(to, from)| *to = !from);
            self.device.program(at, turned).await.map_err(InvertedError::Device)?;
            at = at.plus(piece.len() as u64);
        }
        Ok(())
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        self.device.erase(at, bytes).await.map_err(InvertedError::Device)
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        self.device.discard(at, bytes).await.map_err(InvertedError::Device)
    }

    async fn sync(&mut self) -> Result<(), Self::Error> {
        self.device.sync().await.map_err(InvertedError::Device)
    }
}
