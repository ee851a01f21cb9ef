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
use crate::format::record::{Header, RecordKind, RecordPlace};
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
    /// there is only the next block.
    async fn refuse_lost_image<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        identity: &RecordPlace,
        next: BlockNo,
        work: &mut [u8],
    ) -> Result<()> {
        // What follows a header that is alone in its image may be a large record.
        let in_next = [0, 1, 2].map(|sector| Place { block: next, offset: sector_at(sector) });
        for place in in_next {
            media.refuse_successor(place, identity, &in_next, work).await?;
            media.refuse_later_image(place, identity, work).await?;
        }
        if self.sealed {
            return Ok(());
        }
        let block = self.chain.last().ok_or(Error::Bug)?.block;
        let [low, high] = self.next_pair();
        // Behind an image that begins in one of the pair: it may be as long as two sectors.
        let after = [0, 1, 2].map(|more| high.saturating_add(more));
        let [next_a, next_b, _] = in_next;
        let [b, c, d] = after.map(|sector| Place { block, offset: sector_at(sector) });
        let starts = [Place { block, offset: sector_at(low) }, b, c, d, next_a, next_b];
        for (start, _, within) in self.image_candidates() {
            let offset = start.saturating_add(within);
            if offset < media.block_bytes() {
                let place = Place { block, offset };
                media.refuse_successor(place, identity, &starts, work).await?;
            }
        }
        let mut place = Place { block, offset: sector_at(low) };
        while place.offset < media.block_bytes() {
            media.refuse_later_image(place, identity, work).await?;
            place.offset = place.offset.saturating_add(SECTOR);
        }
        Ok(())
    }
}

fn padded<D>(media: &Media<'_, D>, header: &Header) -> u32 {
    u32::try_from(media.padded(header.length.into())).unwrap_or(u32::MAX)
}
