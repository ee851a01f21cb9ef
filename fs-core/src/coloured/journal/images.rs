//! Tail images: the journal where the smallest program is a sector.
//!
//! A cut may tear the sector that is being programmed. So the records of a sector are never
//! programmed over themselves: they alternate between a *pair* of sectors. Each *image* has all
//! records of the one before and one more, and goes to the sector that does not hold that one. When
//! a record does not fit any more, the image stays as it is for ever, and the other sector and the
//! next one that was never used are the new pair. A record longer than a sector is an image of its
//! own: it begins in the higher sector of a new pair, goes on behind it, and stays.
//!
//! Reading needs no count of anything: a record verifies only behind the one before it, wherever it
//! stands. So the next one is looked for behind the last one, at the same place in the other
//! sector (a longer image), at the start of both sectors of the new pair, and at the start of both
//! first sectors of the named next block.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, Place, Reading, SECTOR};
use super::{Journal, Step};
use crate::error::{Error, Malformed, Result};
use crate::format::record::{HEADER_BYTES, Header, RECORD_MAX, RecordKind, RecordPlace};
use crate::mutant::{self, Mutant};
use crate::units::BlockNo;

/// The pair of a block that nothing was written to.
pub(super) const FIRST_PAIR: [u8; 2] = [0, 1];

/// Where a record goes, and what holds then.
pub(super) struct Image {
    sector: u8,
    /// Bytes of the image that stand before the record.
    pub kept: u32,
    /// The pair afterwards.
    pub pair: [u8; 2],
    /// Bytes of its image afterwards; 0 if the pair is a new one.
    pub used: u32,
}

impl Image {
    /// Bytes from the beginning of the block.
    pub fn offset(&self) -> u32 {
        sector_at(self.sector)
    }
}

fn sector_at(sector: u8) -> u32 {
    u32::from(sector).saturating_mul(SECTOR)
}

/// Sectors that `bytes` take up.
fn sectors(bytes: u32) -> u8 {
    u8::try_from(bytes.div_ceil(SECTOR)).unwrap_or(u8::MAX)
}

impl Journal {
    /// The image that a record of `length` bytes goes to; `None` if the block has no room for it.
    pub(super) fn image_for<D>(&self, media: &Media<'_, D>, length: usize) -> Option<Image> {
        let padded = u32::try_from(media.padded(length)).ok()?;
        let [own, other] = self.pair;
        let used = self.offset.saturating_add(padded);
        if self.offset > 0 && used <= SECTOR {
            if mutant::on(Mutant::TailInPlace) {
                return Some(Image { sector: own, kept: self.offset, pair: self.pair, used });
            }
            return Some(Image { sector: other, kept: self.offset, pair: [other, own], used });
        }
        let pair @ [low, high] = self.next_pair();
        let end = high.saturating_add(sectors(padded));
        if sector_at(end) > media.block_bytes() {
            return None;
        }
        Some(if padded <= SECTOR {
            Image { sector: low, kept: 0, pair, used: padded }
        } else {
            Image { sector: high, kept: 0, pair: [low, end], used: 0 }
        })
    }

    /// The pair that is used when the image of this one stays as it is, the lower sector first.
    fn next_pair(&self) -> [u8; 2] {
        if self.offset == 0 {
            return self.pair;
        }
        let [own, other] = self.pair;
        let beyond = own.saturating_add(sectors(self.offset)).max(other.saturating_add(1));
        [if mutant::on(Mutant::FrozenImageReused) { own } else { other }, beyond]
    }

    /// Where the next record of this block may stand: a sector, the bytes of it before the record,
    /// and the pair if it is there. A place without a meaning lies behind the block.
    fn image_candidates(&self) -> [(u32, [u8; 2], u32); 4] {
        let nowhere = (u32::MAX, self.pair, 0);
        let [own, other] = self.pair;
        let within = self.offset;
        let partly = !within.is_multiple_of(SECTOR);
        let longer = partly && within < SECTOR && !mutant::on(Mutant::OneImageRead);
        let [low, high] = self.next_pair();
        [
            if partly { (sector_at(own), [own, other], within) } else { nowhere },
            if longer { (sector_at(other), [other, own], within) } else { nowhere },
            (sector_at(low), [low, high], 0),
            (sector_at(high), [high, low], 0),
        ]
    }

    fn begins_block(&self) -> bool {
        self.chain.last().is_none_or(|link| link.sequence == self.sequence)
    }
}

#[colour]
impl Journal {
    /// Reads the next record into `work`; see `Journal::next`.
    pub(super) async fn next_in_images<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        next: BlockNo,
        blocks_max: u8,
        work: &mut [u8],
    ) -> Result<Step> {
        let block = self.chain.last().ok_or(Error::Bug)?.block;
        let identity = self.identity(media.volume());
        let begins = self.begins_block();
        for (start, pair, within) in self.image_candidates() {
            let place = Place { block, offset: start.saturating_add(within) };
            let reading = media.read_record(place, &identity, work).await?;
            let Reading::Record(header) = reading else { continue };
            let first = matches!(header.kind, RecordKind::Header | RecordKind::Checkpoint);
            if first != begins {
                return Err(Error::Corrupt { block, rule: Malformed::Order });
            }
            self.pair = pair;
            self.offset = within.saturating_add(padded(media, &header));
            return Ok(self.take(place, &header, identity));
        }
        if begins {
            return Ok(Step::End);
        }
        for pair @ [sector, _] in [FIRST_PAIR, [1, 0]] {
            let place = Place { block: next, offset: sector_at(sector) };
            if let Reading::Record(header) = media.read_record(place, &identity, work).await? {
                let step = self.follow(place, &header, identity, blocks_max, media)?;
                self.pair = pair;
                return Ok(step);
            }
        }
        self.refuse_lost_image(media, &identity, next, work).await?;
        Ok(Step::End)
    }

    /// Fails if the record that is missing was acknowledged: something follows it. Behind a seal
    /// there is only the next block. What may follow is looked for sector by sector, so that each
    /// is read once.
    async fn refuse_lost_image<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        identity: &RecordPlace,
        next: BlockNo,
        work: &mut [u8],
    ) -> Result<()> {
        let block = self.chain.last().ok_or(Error::Bug)?.block;
        let lost = self.lost_places(block, next, media.block_bytes());
        let end = u32::from(IN_NEXT).saturating_mul(SECTOR);
        lost.refuse(media, identity, (next, 0, end), 0, work).await?;
        if self.sealed {
            return Ok(());
        }
        let [own, other] = self.pair;
        let later = sector_at(self.next_pair()[0]);
        let from = sector_at(own.min(other)).min(later);
        lost.refuse(media, identity, (block, from, media.block_bytes()), later, work).await
    }

    /// Where the next record is missing.
    fn lost_places(&self, block: BlockNo, next: BlockNo, end: u32) -> Lost {
        let mut lost = Lost { next, places: heapless::Vec::new(), starts: [u32::MAX; 4] };
        // What follows a header that is alone in its image may be a large record.
        for sector in 0..IN_NEXT {
            let _ = lost.places.push(Place { block: next, offset: sector_at(sector) });
        }
        if self.sealed {
            return lost;
        }
        let [low, high] = self.next_pair();
        // Behind an image that begins in one of the pair: it may be as long as two sectors.
        let after = |more| sector_at(high.saturating_add(more));
        lost.starts = [sector_at(low), after(0), after(1), after(2)];
        for (start, _, within) in self.image_candidates() {
            let offset = start.saturating_add(within);
            if offset < end {
                let _ = lost.places.push(Place { block, offset });
            }
        }
        lost
    }
}

/// Sectors of the named next block in which its first record may begin, or what follows it.
const IN_NEXT: u8 = 3;
/// Bytes of a record's header.
const HEADER: u32 = 16;
const _: () = assert!(HEADER as usize == HEADER_BYTES);
/// How far behind the beginning of a record that is missing the header of its successor is looked
/// for.
const REACH: u32 = 1024;
const _: () = assert!(REACH + HEADER == RECORD_MAX as u32);
/// Where a header can end that begins in the sector before: as many bytes behind its beginning.
const OVERLAP: u32 = HEADER - 4;

/// Where a record is missing, and where else than close behind it its successor may stand.
struct Lost {
    next: BlockNo,
    places: heapless::Vec<Place, 7>,
    /// Bytes from the beginning of the block that is not the next one.
    starts: [u32; 4],
}

impl Lost {
    /// Whether what follows the record that is missing at `place` may stand at `found`.
    fn may_follow(&self, place: Place, found: Place) -> bool {
        let behind = found.offset.saturating_sub(place.offset);
        let close = found.block == place.block && (HEADER..=REACH).contains(&behind);
        let in_next = found.block == self.next
            && found.offset.is_multiple_of(SECTOR)
            && found.offset < sector_at(IN_NEXT);
        close || in_next || place.block != self.next && self.starts.contains(&found.offset)
    }
}

#[colour]
impl Lost {
    /// Looks through the sectors of `block` that begin from `from` on and before `end`, and a
    /// record's length behind, for what follows the missing record; and for images that go on
    /// behind it, from `later` on.
    async fn refuse<D: BlockDevice>(
        &self,
        media: &mut Media<'_, D>,
        identity: &RecordPlace,
        (block, from, end): (BlockNo, u32, u32),
        later: u32,
        work: &mut [u8],
    ) -> Result<()> {
        let own = self.places.iter().filter(|place| place.block == block);
        let windows = own.map(|place| place.offset.saturating_add(RECORD_MAX.into()));
        let reach = windows.max().unwrap_or(0).min(media.block_bytes()).max(end);
        let mut sector = from;
        while sector < reach {
            if (later..end).contains(&sector) {
                let place = Place { block, offset: sector };
                media.refuse_later_image(place, identity, work).await?;
            }
            let mut offset = sector;
            sector = sector.saturating_add(SECTOR);
            // A header may begin in this sector and end in the next one.
            let behind = sector.saturating_add(OVERLAP).min(reach);
            while let Some(found) = media.next_header(block, offset, behind, identity).await? {
                let candidate = Place { block, offset: found };
                for place in self.places.iter().filter(|place| self.may_follow(**place, candidate))
                {
                    media.refuse_chained(candidate, *place, identity, work).await?;
                }
                offset = found.saturating_add(4);
            }
        }
        Ok(())
    }
}

fn padded<D>(media: &Media<'_, D>, header: &Header) -> u32 {
    u32::try_from(media.padded(header.length.into())).unwrap_or(u32::MAX)
}
