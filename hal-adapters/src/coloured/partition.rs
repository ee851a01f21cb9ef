//! The partitions of a device: an MBR, or a GPT with its copy.
//!
//! **What it is.** [`read`] fills a list that the caller lends; [`open`] makes a device of one of
//! them. What the bytes mean is in [`crate::partition`].
//!
//! **Rules.**
//! 1. Every entry of a GPT is covered by a checksum that was verified in the same pass in which the
//!    entry was read.
//! 2. A partition lies inside the device, and shares no sector with another one, but for the one
//!    that holds the logical ones of an MBR.
//! 3. The copy of a GPT counts when the first one is not whole; an MBR counts only where it does
//!    not say that there is a GPT.
//!
//! **Cost.** A sector of RAM. An MBR is one read, and one for each logical partition; a GPT 34 as a
//! rule, and as many again for its copy; at most about a thousand.

use super::colour;
use super::device::{BlockDevice, Partition};
use crate::partition::{Entry, Header, LOGICAL_MAX, Logical, MBR_ENTRIES, Mbr, SECTOR, Scheme};
use crate::partition::{TableError, crc32, decode_entry};
use fs_core::units::ByteOffset;

/// Reads the partition table of `device` into `list`: what kind of table it is, and how many
/// partitions it has.
///
/// # Errors
/// `NoTable`, `BadGpt`, `TooMany`, `Unsupported`, or the device's. The list then holds anything.
#[colour]
pub async fn read<D: BlockDevice>(
    device: &mut D,
    list: &mut [Entry],
) -> Result<(Scheme, usize), TableError<D::Error>> {
    let geometry = device.geometry();
    let sectors = geometry.size >> SECTOR.trailing_zeros();
    if sectors < 2 || geometry.read_unit as usize > SECTOR {
        return Err(TableError::Unsupported);
    }
    let mut sector = [0; SECTOR];
    load(device, 0, &mut sector).await?;
    let mbr = Mbr::decode(&sector, sectors);
    if let Some(mbr) = mbr.filter(|mbr| !mbr.is_protective()) {
        let mut found = 0_usize;
        for entry in mbr.entries() {
            *list.get_mut(found).ok_or(TableError::TooMany)? = *entry;
            found = found.saturating_add(1);
        }
        let Some(extended) = mbr.extended() else { return Ok((Scheme::Mbr, found)) };
        return logical(device, extended, &mut sector, list, found).await;
    }
    let copies = [(1, Scheme::Gpt), (sectors.saturating_sub(1), Scheme::GptBackup)];
    let mut has_header = false;
    for (at, scheme) in copies {
        load(device, at, &mut sector).await?;
        let Some(header) = Header::decode(&sector, at, sectors) else { continue };
        has_header = true;
        if let Some(found) = entries(device, &header, &mut sector, list).await? {
            return Ok((scheme, found));
        }
    }
    Err(if has_header || mbr.is_some() { TableError::BadGpt } else { TableError::NoTable })
}

/// The logical partitions in `extended`, behind the `found` entries that the list has already.
#[colour]
async fn logical<D: BlockDevice>(
    device: &mut D,
    extended: &Entry,
    sector: &mut [u8; SECTOR],
    list: &mut [Entry],
    found: usize,
) -> Result<(Scheme, usize), TableError<D::Error>> {
    let (primary, mut found) = (found, found);
    let mut at = extended.first;
    for number in (MBR_ENTRIES..).take(LOGICAL_MAX) {
        load(device, at, sector).await?;
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let Some(Logical { entry, next }) = Logical::decode(sector, at, extended, number) else {
            return Ok((Scheme::MbrCut, found));
        };
        if let Some(entry) = entry {
            let earlier = list.get(primary..found).unwrap_or_default();
            if earlier.iter().any(|other| other.overlaps(&entry)) {
                return Ok((Scheme::MbrCut, found));
            }
            *list.get_mut(found).ok_or(TableError::TooMany)? = entry;
            found = found.saturating_add(1);
        }
        match next {
            Some(next) => at = next,
            None => return Ok((Scheme::Mbr, found)),
        }
    }
    Ok((Scheme::MbrCut, found))
}

/// The entries of a GPT, or `None` if they are not whole or say what cannot be.
#[colour]
async fn entries<D: BlockDevice>(
    device: &mut D,
    header: &Header,
    sector: &mut [u8; SECTOR],
    list: &mut [Entry],
) -> Result<Option<usize>, TableError<D::Error>> {
    let mut crc = 0;
    let mut left = header.bytes();
    let mut number = 0_u32;
    let mut found = 0_usize;
    // Told only when the checksum is right.
    let mut is_possible = true;
    let mut fits = true;
    for at in 0..header.sectors() {
        load(device, header.entries_at.saturating_add(at), sector).await?;
        let used = usize::try_from(left).unwrap_or(SECTOR).min(SECTOR);
        let bytes = sector.get(..used).unwrap_or_default();
        crc = crc32(crc, bytes);
        left = left.saturating_sub(used as u64);
        for bytes in bytes.chunks(header.entry_bytes as usize) {
            match decode_entry(bytes, number, header.usable) {
                Ok(None) => {}
                Ok(Some(entry)) => {
                    let earlier = list.get(..found).unwrap_or_default();
                    is_possible &= !earlier.iter().any(|other| other.overlaps(&entry));
                    if let Some(slot) = list.get_mut(found) {
                        *slot = entry;
                        found = found.saturating_add(1);
                    } else {
                        fits = false;
                    }
                }
                Err(()) => is_possible = false,
            }
            number = number.saturating_add(1);
        }
    }
    if crc != header.entries_checksum || !is_possible {
        return Ok(None);
    }
    if fits { Ok(Some(found)) } else { Err(TableError::TooMany) }
}

#[colour]
async fn load<D: BlockDevice>(
    device: &mut D,
    at: u64,
    sector: &mut [u8; SECTOR],
) -> Result<(), TableError<D::Error>> {
    let place = ByteOffset(at.saturating_mul(SECTOR as u64));
    device.read(place, sector).await.map_err(TableError::Device)
}

/// One partition as a device; `None` if it does not begin and end at an erase unit of `device`.
#[colour]
pub fn open<D: BlockDevice>(device: D, entry: &Entry) -> Option<Partition<D>> {
    let (start, bytes) = entry.bytes()?;
    Partition::new(device, ByteOffset(start), bytes)
}

#[cfg(test)]
mod tests;
