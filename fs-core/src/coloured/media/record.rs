//! Journal records: read whole and verified once, programmed whole.

use super::super::colour;
use super::super::device::BlockDevice;
use super::{Edge, Media};
use crate::error::{Error, Malformed, Result};
use crate::format::record::{self, HEADER_BYTES, Header, RECORD_MAX, RecordKind, RecordPlace};
use crate::mutant::{self, Mutant};
use crate::units::BlockNo;

/// Bytes of a record's header.
const HEADER: u32 = 16;
const _: () = assert!(HEADER as usize == HEADER_BYTES);

/// Where a record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The journal block.
    pub block: BlockNo,
    /// Bytes from the beginning of the block.
    pub offset: u32,
}

/// What stands at a place of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// A record that verifies.
    Record(Header),
    /// Erased bytes.
    Blank,
    /// Something else: torn, stale, or rotten.
    Torn,
}

impl<D> Media<'_, D> {
    /// The bytes that a record of `length` bytes takes up.
    pub fn padded(&self, length: usize) -> usize {
        let unit = usize::try_from(self.program_unit.max(4)).unwrap_or(4);
        length.div_ceil(unit).saturating_mul(unit)
    }
}

#[colour]
impl<D: BlockDevice> Media<'_, D> {
    /// Reads the record at `place` into `target` if it is the one that `expected` describes.
    ///
    /// The bytes that are verified are the bytes that are handed out: a cell that reads
    /// differently each time cannot pass the checksum and then change.
    ///
    /// # Errors
    /// The device's, but for `Uncorrectable`, which reads as torn.
    pub async fn read_record(
        &mut self,
        place: Place,
        expected: &RecordPlace,
        target: &mut [u8],
    ) -> Result<Reading> {
        let mut head = [0; HEADER_BYTES];
        let rest = self.block_bytes().saturating_sub(place.offset);
        if rest < HEADER {
            return Ok(Reading::Torn);
        }
        if !self.try_read(place.block, place.offset, &mut head).await? {
            return Ok(Reading::Torn);
        }
        if head.iter().all(|byte| *byte == self.erase_value) {
            return Ok(Reading::Blank);
        }
        let Ok(header) = Header::decode(&head) else { return Ok(Reading::Torn) };
        let Some(bytes) = target.get_mut(..usize::from(header.length)) else {
            return Ok(Reading::Torn);
        };
        if u32::from(header.length) > rest
            || !self.try_read(place.block, place.offset, bytes).await?
        {
            return Ok(Reading::Torn);
        }
        Ok(record::verify(bytes, expected).map_or(Reading::Torn, Reading::Record))
    }

    /// Seals the `length` first bytes of `bytes` as a record of `kind` and programs it with its
    /// padding in one operation. Gives the checksum that the next record is chained to.
    ///
    /// # Errors
    /// The device's; the place is then doubtful.
    pub async fn write_record(
        &mut self,
        place: Place,
        identity: &RecordPlace,
        kind: RecordKind,
        last: bool,
        bytes: &mut [u8],
        length: usize,
    ) -> Result<u32> {
        let padded = self.padded(length);
        let (record, padding) = bytes
            .get_mut(..padded)
            .and_then(|bytes| bytes.split_at_mut_checked(length))
            .ok_or(Error::Bug)?;
        padding.fill(0);
        let checksum = record::seal(record, kind, last, identity).map_err(|_| Error::Bug)?;
        let padded = bytes.get(..padded).ok_or(Error::Bug)?;
        self.program(place.block, place.offset, padded).await?;
        self.barrier(Edge::Record).await?;
        Ok(checksum)
    }

    /// Programs the bytes of a record over themselves, so that cells which only seemed programmed
    /// are programmed.
    ///
    /// # Errors
    /// The device's.
    pub async fn strengthen(&mut self, place: Place, record: &[u8]) -> Result<()> {
        self.program(place.block, place.offset, record).await?;
        self.barrier(Edge::Record).await
    }

    /// Fails if the record at `place`, which does not verify, is followed by one that does.
    ///
    /// A cut tears only the last record of a journal, so a successor shows that an acknowledged
    /// record has rotted. The successor is chained to the checksum of the lost record: the stored
    /// one if the damage is elsewhere, the computed one if the stored one is damaged.
    ///
    /// # Errors
    /// `Corrupt` in that case; the device's otherwise.
    pub async fn refuse_successor(
        &mut self,
        place: Place,
        lost: &RecordPlace,
        next_block: BlockNo,
        work: &mut [u8],
    ) -> Result<()> {
        let mut head = [0; HEADER_BYTES];
        let rotten = !mutant::on(Mutant::RottenTailAccepted);
        if !rotten || !self.try_read(place.block, place.offset, &mut head).await? {
            return Ok(());
        }
        let [a, b, c, d, ..] = head;
        let stored = u32::from_le_bytes([a, b, c, d]);
        let computed = self.computed_checksum(place, &head, lost, work).await?;
        let step = self.program_unit.max(4);
        let mut offset = place.offset.saturating_add(HEADER.max(self.program_unit));
        let end = self.block_bytes().min(place.offset.saturating_add(RECORD_MAX.into()));
        while offset.saturating_add(HEADER) <= end {
            let candidate = Place { block: place.block, offset };
            if self.looks_like_next(candidate, lost).await? {
                self.refuse_if_chained(candidate, place, lost, [stored, computed], work).await?;
            }
            offset = offset.saturating_add(step);
        }
        let candidate = Place { block: next_block, offset: 0 };
        self.refuse_if_chained(candidate, place, lost, [stored, computed], work).await
    }

    async fn computed_checksum(
        &mut self,
        place: Place,
        head: &[u8; HEADER_BYTES],
        lost: &RecordPlace,
        work: &mut [u8],
    ) -> Result<u32> {
        let Ok(header) = Header::decode(head) else { return Ok(0) };
        let Some(bytes) = work.get_mut(..usize::from(header.length)) else { return Ok(0) };
        if !self.try_read(place.block, place.offset, bytes).await? {
            return Ok(0);
        }
        Ok(record::checksum(bytes, lost))
    }

    async fn looks_like_next(&mut self, place: Place, lost: &RecordPlace) -> Result<bool> {
        let mut head = [0; HEADER_BYTES];
        if !self.try_read(place.block, place.offset, &mut head).await? {
            return Ok(false);
        }
        let expected = lost.sequence.next();
        Ok(Header::decode(&head).is_ok_and(|header| {
            header.session == lost.session
                && u64::from(header.sequence_low) == expected.0 & u64::from(u32::MAX)
        }))
    }

    async fn refuse_if_chained(
        &mut self,
        candidate: Place,
        place: Place,
        lost: &RecordPlace,
        previous: [u32; 2],
        work: &mut [u8],
    ) -> Result<()> {
        for previous in previous {
            let expected = RecordPlace { sequence: lost.sequence.next(), previous, ..*lost };
            let reading = self.read_record(candidate, &expected, work).await?;
            if matches!(reading, Reading::Record(_)) {
                return Err(Error::Corrupt { block: place.block, rule: Malformed::Checksum });
            }
        }
        Ok(())
    }
}
