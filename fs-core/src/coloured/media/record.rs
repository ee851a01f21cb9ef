//! Journal records: read whole and verified once, programmed whole.

use super::super::colour;
use super::super::device::BlockDevice;
use super::{Edge, Media};
use crate::error::{DeviceError, Error, ErrorKind, Malformed, Result};
use crate::format::record::{self, HEADER_BYTES, Header, RECORD_MAX, RecordKind, RecordPlace};
use crate::mutant::{self, Mutant};
use crate::units::BlockNo;

/// Bytes of a record's header.
const HEADER: u32 = 16;
const _: () = assert!(HEADER as usize == HEADER_BYTES);
/// Bytes of a page.
const PAGE: u32 = 512;

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
        let end = self.block_bytes().min(place.offset.saturating_add(RECORD_MAX.into()));
        let mut offset = place.offset.saturating_add(HEADER.max(self.program_unit));
        while let Some(found) = self.next_header(place.block, offset, end, lost).await? {
            let candidate = Place { block: place.block, offset: found };
            self.refuse_if_chained(candidate, place, lost, [stored, computed], work).await?;
            offset = found.saturating_add(self.program_unit.max(4));
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

    /// Where, from `from` on and before `end`, something begins that could be the record behind
    /// the lost one. Reads a page at a time into the page cache's place.
    async fn next_header(
        &mut self,
        block: BlockNo,
        from: u32,
        end: u32,
        lost: &RecordPlace,
    ) -> Result<Option<u32>> {
        let step = self.program_unit.max(4);
        let mut offset = from;
        while offset.saturating_add(HEADER) <= end {
            self.cached = None;
            let at = self.place(block, offset);
            let bytes = end.saturating_sub(offset).min(PAGE);
            let window = self.page.get_mut(..bytes as usize).ok_or(Error::Bug)?;
            match self.device.read(at, window).await {
                Ok(()) => {}
                // Nothing that can be read is there: no record either.
                Err(error) if error.kind() == ErrorKind::Uncorrectable => window.fill(0),
                Err(error) => return Err(Error::Device(error.kind())),
            }
            let reach = bytes.saturating_sub(HEADER);
            for behind in (0..=reach).step_by(step as usize) {
                let head = window.get(behind as usize..).and_then(|rest| rest.first_chunk());
                if head.is_some_and(|head| follows(head, lost)) {
                    return Ok(Some(offset.saturating_add(behind)));
                }
            }
            // The next window begins where no header has been looked for yet.
            offset = offset
                .saturating_add(reach.next_multiple_of(step))
                .max(offset.saturating_add(step));
        }
        Ok(None)
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

/// Whether a header has the number and the session of the record behind `lost`.
fn follows(head: &[u8; HEADER_BYTES], lost: &RecordPlace) -> bool {
    Header::decode(head).is_ok_and(|header| {
        header.session == lost.session
            && u64::from(header.sequence_low) == lost.sequence.next().0 & u64::from(u32::MAX)
    })
}
