//! A device that counts what is asked of it.

use super::colour;
use super::vellum::device::BlockDevice;
use crate::work;
use fs_core::units::{ByteOffset, Geometry};

/// A device whose operations count.
#[derive(Debug)]
pub struct Metered<D>(pub D);

#[colour]
impl<D: BlockDevice> BlockDevice for Metered<D> {
    type Error = D::Error;

    fn geometry(&self) -> Geometry {
        self.0.geometry()
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), D::Error> {
        work::has_read(target.len());
        self.0.read(at, target).await
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), D::Error> {
        work::has_programmed(source.len());
        self.0.program(at, source).await
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), D::Error> {
        work::has_erased((bytes / u64::from(self.0.geometry().erase_unit)) as u32);
        self.0.erase(at, bytes).await
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), D::Error> {
        self.0.discard(at, bytes).await
    }

    async fn sync(&mut self) -> Result<(), D::Error> {
        self.0.sync().await
    }
}
