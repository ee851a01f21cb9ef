//! Reading the chain from an anchor entry to its tail.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::media::{Media, Place, Reading};
use super::anchors::Found;
use super::{Base, Journal, Link, Newest};
use crate::error::{Error, Malformed, Result};
use crate::format::record::{Header, RecordKind, RecordPlace};
use crate::units::BlockNo;

/// What the next place of the journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A record; its bytes are in the buffer.
    Record {
        /// What kind of record.
        kind: RecordKind,
        /// Whether a checkpoint is complete with it.
        last: bool,
        /// Bytes of the record, header included.
        length: usize,
    },
    /// Nothing more: this is the tail.
    End,
}

impl Journal {
    /// Goes to the beginning of the chain that `found` names.
    pub fn begin(&mut self, found: &Found) {
        let entry = &found.entry;
        let base = Base {
            root: entry.root,
            spares: [entry.spare_a, entry.spare_b],
            generation: entry.generation,
        };
        let link =
            Link { block: entry.start, seed: entry.seed, sequence: entry.start_sequence, base };
        self.chain.clear();
        // The chain has room for one: it has just been emptied.
        let _ = self.chain.push(link);
        self.tag = 0;
        self.offset = 0;
        self.pair = super::images::FIRST_PAIR;
        self.previous = entry.seed;
        self.sequence = entry.start_sequence;
        self.session = entry.session;
        self.newest = None;
        (self.sealed, self.promises) = (false, false);
        self.anchors.accept(*found);
    }

    /// Notes the state at the beginning of the newest block, which its first record has told.
    pub fn note_base(&mut self, base: Base) {
        if let Some(link) = self.chain.last_mut() {
            link.base = base;
        }
    }

    /// Goes on in the named next block, which begins with `header`.
    pub(super) fn follow<D>(
        &mut self,
        place: Place,
        header: &Header,
        identity: RecordPlace,
        blocks_max: u8,
        media: &Media<'_, D>,
    ) -> Result<Step> {
        let block = place.block;
        let known = self.chain.iter().any(|link| link.block == block);
        let room = self.chain.len() <= usize::from(blocks_max);
        if header.kind != RecordKind::Header || known || !room {
            return Err(Error::Corrupt { block, rule: Malformed::Order });
        }
        // What the header says of the state follows when it is applied, see `note_base`.
        let base = self.chain.last().ok_or(Error::Bug)?.base;
        let link = Link { block, seed: self.previous, sequence: self.sequence, base };
        self.chain.push(link).map_err(|_| Error::Bug)?;
        self.tag = self.tag.wrapping_add(1);
        let padded = media.padded(header.length.into());
        self.offset = u32::try_from(padded).unwrap_or(u32::MAX);
        Ok(self.take(place, header, identity))
    }

    pub(super) fn take(&mut self, place: Place, header: &Header, identity: RecordPlace) -> Step {
        self.previous = header.checksum;
        self.sequence = self.sequence.next();
        self.sealed = header.kind == RecordKind::Seal;
        self.promises = self.sealed && header.last;
        self.newest = Some(Newest { place, length: header.length, identity });
        Step::Record { kind: header.kind, last: header.last, length: header.length.into() }
    }
}

#[colour]
impl Journal {
    /// Reads the next record into `work`; `next` is the block that the newest header names.
    ///
    /// # Errors
    /// `Corrupt` if an acknowledged record has rotted or the chain breaks its rules; the device's.
    pub async fn next<D: BlockDevice>(
        &mut self,
        media: &mut Media<'_, D>,
        next: BlockNo,
        blocks_max: u8,
        work: &mut [u8],
    ) -> Result<Step> {
        if media.has_images() {
            return self.next_in_images(media, next, blocks_max, work).await;
        }
        let block = self.chain.last().ok_or(Error::Bug)?.block;
        let place = Place { block, offset: self.offset };
        let identity = self.identity(media.volume());
        let reading = media.read_record(place, &identity, work).await?;
        if let Reading::Record(header) = reading {
            let first = matches!(header.kind, RecordKind::Header | RecordKind::Checkpoint);
            if first != (self.offset == 0) {
                return Err(Error::Corrupt { block, rule: Malformed::Order });
            }
            let padded = media.padded(header.length.into());
            self.offset = self.offset.saturating_add(u32::try_from(padded).unwrap_or(u32::MAX));
            return Ok(self.take(place, &header, identity));
        }
        if self.offset == 0 {
            return Ok(Step::End);
        }
        let place_in_next = Place { block: next, offset: 0 };
        let starts = [place_in_next];
        match media.read_record(place_in_next, &identity, work).await? {
            Reading::Record(header) => {
                return self.follow(place_in_next, &header, identity, blocks_max, media);
            }
            Reading::Torn => {
                media.refuse_successor(place_in_next, &identity, &starts, work).await?;
            }
            Reading::Blank => {}
        }
        if reading == Reading::Torn {
            media.refuse_successor(place, &identity, &starts, work).await?;
        }
        Ok(Step::End)
    }
}
