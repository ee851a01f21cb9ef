//! What the two crates of block devices have in common: sectors of 512 bytes, counted in `u32`.

use crate::error::{BytesError, FlashError};
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};

/// Bytes of a sector.
pub const SECTOR: usize = 512;
const SECTOR_BYTES: u64 = SECTOR as u64;
const SECTOR_UNIT: u32 = 512;

/// A device of which only the number of its sectors is known. Nothing is claimed of it: the traits
/// do not say what a power cut leaves.
pub fn geometry(count: u32) -> Geometry {
    Geometry {
        size: u64::from(count).saturating_mul(SECTOR_BYTES),
        read_unit: SECTOR_UNIT,
        program_unit: SECTOR_UNIT,
        erase_unit: SECTOR_UNIT,
        erase_sizes: EraseSizes::NONE,
        dma_alignment: 1,
        guarantees: Guarantees::empty(),
    }
}

/// The first sector of a range, if it is made of whole ones inside the device.
pub fn first<E>(count: u32, at: ByteOffset, bytes: u64) -> Result<u32, BytesError<E>> {
    let size = u64::from(count).saturating_mul(SECTOR_BYTES);
    if at.0.checked_add(bytes).is_none_or(|end| end > size) {
        return Err(BytesError::OutOfBounds);
    }
    if !at.0.is_multiple_of(SECTOR_BYTES) || !bytes.is_multiple_of(SECTOR_BYTES) {
        return Err(BytesError::NotAligned);
    }
    u32::try_from(at.0 >> SECTOR.trailing_zeros()).map_err(|_| BytesError::OutOfBounds)
}

/// How many sectors a device offers, if they can be read and written one by one.
pub fn count(geometry: &Geometry) -> Option<u32> {
    let fits = |unit: u32| unit != 0 && SECTOR_UNIT.is_multiple_of(unit);
    let needs_erase = geometry.guarantees.contains(Guarantees::NEEDS_ERASE);
    let fit = fits(geometry.read_unit) && fits(geometry.program_unit) && !needs_erase;
    let count = u32::try_from(geometry.size >> SECTOR.trailing_zeros()).ok();
    count.filter(|_| fit)
}

/// Where `blocks` sectors from `first` on are, if they are inside.
pub fn place<E>(count: u32, first: u32, blocks: usize) -> Result<ByteOffset, FlashError<E>> {
    let end = u32::try_from(blocks).ok().and_then(|blocks| first.checked_add(blocks));
    if end.is_none_or(|end| end > count) {
        return Err(FlashError::OutOfBounds);
    }
    Ok(ByteOffset(u64::from(first).saturating_mul(SECTOR_BYTES)))
}
