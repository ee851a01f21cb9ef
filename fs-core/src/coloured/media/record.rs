//! Journal records: read whole and verified once, programmed whole.

use super::super::colour;
use super::super::device::BlockDevice;
use super::{Edge, Media, SECTOR};
use crate::error::{DeviceError, Error, ErrorKind, Malformed, Result};
use crate::format::record::{self, HEADER_BYTES, Header, RECORD_MAX, RecordKind, RecordPlace};
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, PAGE_BYTES, Sequence};

/// Bytes of a record's header.
const HEADER: u32 = 16;
const _: () = assert!(HEADER as usize == HEADER_BYTES);

/// Records that a chain never has: a number so far ahead is no number of this chain.
const LATER_MAX: u32 = 1 << 16;

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
        let unit = usize::try_from(self.record_unit()).unwrap_or(4);
        length.div_ceil(unit).saturating_mul(unit)
    }

    /// What records are padded to. An image is padded as a whole.
    fn record_unit(&self) -> u32 {
        if self.has_images() { 4 } else { self.program_unit.max(4) }
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
    /// padding in one operation. Gives the checksum that the next record is chained to. The record
    /// is durable then, but for a checkpoint's in an erased block: that is made so together with
    /// the superblock copy before the entry that names it.
    ///
    /// On sector volumes the place is the sector of an image, and the record goes behind the
    /// `kept` bytes that the image has already.
    ///
    /// # Errors
    /// The device's; the place is then doubtful.
    pub async fn write_record(
        &mut self,
        (place, kept): (Place, u32),
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
        if self.has_images() {
            self.program_image(place, kept, bytes, padded).await?;
        } else {
            let padded = bytes.get(..padded).ok_or(Error::Bug)?;
            self.program(place.block, place.offset, padded).await?;
        }
        // Where nothing is erased no superblock copy comes between, and an image replaces another.
        if self.rewrites() || !kind.is_checkpoint() {
            self.barrier(Edge::Record).await?;
        }
        Ok(checksum)
    }

    /// Programs an image: the `padded` first bytes of `bytes` behind what it has already, or, if
    /// they are more than a sector, they alone.
    async fn program_image(
        &mut self,
        place: Place,
        kept: u32,
        bytes: &mut [u8],
        padded: usize,
    ) -> Result<()> {
        if padded > PAGE_BYTES {
            let whole = padded.next_multiple_of(PAGE_BYTES);
            let image = bytes.get_mut(..whole).ok_or(Error::Bug)?;
            image.get_mut(padded..).ok_or(Error::Bug)?.fill(0);
            return self.program(place.block, place.offset, image).await;
        }
        let kept = usize::try_from(kept).unwrap_or(PAGE_BYTES);
        let rest = self.image.get_mut(kept..).ok_or(Error::Bug)?;
        let (record, behind) = rest.split_at_mut_checked(padded).ok_or(Error::Bug)?;
        record.copy_from_slice(bytes.get(..padded).ok_or(Error::Bug)?);
        behind.fill(0);
        self.cache.forget(place.block, 1);
        let at = self.place(place.block, place.offset);
        let programmed = self.device.program(at, self.image).await;
        programmed.map_err(|error| Error::Device(error.kind()))
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

    /// Whether the bytes at `place` read as erased.
    ///
    /// # Errors
    /// The device's, but for `Uncorrectable`.
    pub async fn is_blank(&mut self, place: Place, length: usize) -> Result<bool> {
        let mut bytes = [0; HEADER_BYTES];
        let bytes = bytes.get_mut(..length).ok_or(Error::Bug)?;
        let read = self.try_read(place.block, place.offset, bytes).await?;
        Ok(read && bytes.iter().all(|byte| *byte == self.erase_value))
    }

    /// Fails if the record at `place`, which does not verify, is followed by one that does.
    ///
    /// A cut tears only the last record of a journal, so a successor shows that an acknowledged
    /// record has rotted. The successor is chained to the checksum of the lost record: the stored
    /// one if the damage is elsewhere, the computed one if the stored one is damaged. It stands
    /// close behind, or at one of `starts`.
    ///
    /// # Errors
    /// `Corrupt` in that case; the device's otherwise.
    pub async fn refuse_successor(
        &mut self,
        place: Place,
        lost: &RecordPlace,
        starts: &[Place],
        work: &mut [u8],
    ) -> Result<()> {
        let Some(previous) = self.lost_checksums(place, lost, work).await? else { return Ok(()) };
        let end = self.block_bytes().min(place.offset.saturating_add(RECORD_MAX.into()));
        let mut offset = place.offset.saturating_add(HEADER.max(self.record_unit()));
        while let Some(found) = self.next_header(place.block, offset, end, lost).await? {
            let candidate = Place { block: place.block, offset: found };
            self.refuse_if_chained(candidate, place, lost, previous, work).await?;
            offset = found.saturating_add(self.record_unit());
        }
        for candidate in starts {
            self.refuse_if_chained(*candidate, place, lost, previous, work).await?;
        }
        Ok(())
    }

    /// Fails if the record at `candidate` is chained to the one that is missing at `place`.
    ///
    /// # Errors
    /// `Corrupt` in that case; the device's otherwise.
    pub async fn refuse_chained(
        &mut self,
        candidate: Place,
        place: Place,
        lost: &RecordPlace,
        work: &mut [u8],
    ) -> Result<()> {
        match self.lost_checksums(place, lost, work).await? {
            Some(previous) => self.refuse_if_chained(candidate, place, lost, previous, work).await,
            None => Ok(()),
        }
    }

    /// The checksums that a record behind the lost one at `place` may be chained to: the stored one
    /// and the computed one. `None` if its header cannot be read.
    async fn lost_checksums(
        &mut self,
        place: Place,
        lost: &RecordPlace,
        work: &mut [u8],
    ) -> Result<Option<[u32; 2]>> {
        let mut head = [0; HEADER_BYTES];
        let rotten = !mutant::on(Mutant::RottenTailAccepted);
        if !rotten || !self.try_read(place.block, place.offset, &mut head).await? {
            return Ok(None);
        }
        let [a, b, c, d, ..] = head;
        let stored = u32::from_le_bytes([a, b, c, d]);
        let computed = self.computed_checksum(place, &head, lost, work).await?;
        Ok(Some([stored, computed]))
    }

    /// Fails if an image at `place` goes on behind the record that is `missing`.
    ///
    /// An image is written only when the one before is durable, so such an image shows that an
    /// acknowledged one is lost, even if nothing of it can be read. What its first record is
    /// chained to cannot be known then, so it is the second one that has to verify. Checkpoints do
    /// not count: a settling that was cut and repeated may have left a part of an earlier one, with
    /// higher numbers.
    ///
    /// # Errors
    /// `Corrupt` in that case; the device's otherwise.
    pub async fn refuse_later_image(
        &mut self,
        place: Place,
        missing: &RecordPlace,
        work: &mut [u8],
    ) -> Result<()> {
        let mut head = [0; HEADER_BYTES];
        if !self.try_read(place.block, place.offset, &mut head).await? {
            return Ok(());
        }
        let Ok(header) = Header::decode(&head) else { return Ok(()) };
        let ahead = header.ahead_of(missing.sequence);
        let later = (1..LATER_MAX).contains(&ahead) && header.session == missing.session;
        if !later || header.kind.is_checkpoint() {
            return Ok(());
        }
        let padded = u32::try_from(self.padded(header.length.into())).map_err(|_| Error::Bug)?;
        let second = Place { offset: place.offset.saturating_add(padded), ..place };
        let sequence = Sequence(missing.sequence.0.saturating_add(ahead.into())).next();
        let expected = RecordPlace { sequence, previous: header.checksum, ..*missing };
        match self.read_record(second, &expected, work).await? {
            Reading::Record(_) => {
                Err(Error::Corrupt { block: place.block, rule: Malformed::Order })
            }
            _ => Ok(()),
        }
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
    /// the lost one. Reads a page at a time into a place of the page cache.
    ///
    /// # Errors
    /// The device's, but for `Uncorrectable`.
    pub async fn next_header(
        &mut self,
        block: BlockNo,
        from: u32,
        end: u32,
        lost: &RecordPlace,
    ) -> Result<Option<u32>> {
        let step = self.record_unit();
        let mut offset = from;
        while offset.saturating_add(HEADER) <= end {
            if self.by_sector {
                let mut head = [0; HEADER_BYTES];
                if self.try_read(block, offset, &mut head).await? && follows(&head, lost) {
                    return Ok(Some(offset));
                }
                offset = offset.saturating_add(step);
                continue;
            }
            let at = self.place(block, offset);
            let bytes = end.saturating_sub(offset).min(SECTOR);
            let (device, buffer) = self.scratch()?;
            let window = buffer.get_mut(..bytes as usize).ok_or(Error::Bug)?;
            match device.read(at, window).await {
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
            let images = self.has_images();
            if matches!(reading, Reading::Record(header) if !images || !header.kind.is_checkpoint())
            {
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
