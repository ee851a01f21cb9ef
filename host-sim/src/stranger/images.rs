//! Sector volumes: in which sector the next record stands. Sections 6 and 10.

use super::Damage;
use super::bytes::Bytes;
use super::journal::{Chain, HEADER, Kind, Record, plausible};

const SECTOR: u64 = 512;

/// The newest image of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Images {
    /// The sector where it begins, and the other one of its pair.
    pair: [u64; 2],
    /// Bytes of it that were read; 0 before the first record.
    used: u64,
}

/// Where a record may stand, and which image is the newest if it is there.
struct Candidate {
    at: u64,
    pair: [u64; 2],
    within: u64,
}

impl Images {
    /// Nothing of the block was read.
    pub const FIRST: Self = Self { pair: [0, 1], used: 0 };

    /// The pair when the newest image stays as it is, the lower sector first.
    fn next_pair(&self) -> [u64; 2] {
        let [own, other] = self.pair;
        match self.used {
            0 => self.pair,
            used => [other, (own + used.div_ceil(SECTOR)).max(other + 1)],
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let [own, other] = self.pair;
        let [low, high] = self.next_pair();
        let at = |pair: [u64; 2], within| Candidate { at: pair[0] * SECTOR + within, pair, within };
        let mut all = Vec::new();
        if !self.used.is_multiple_of(SECTOR) {
            all.push(at([own, other], self.used));
            if self.used < SECTOR {
                all.push(at([other, own], self.used));
            }
        }
        all.extend([at([low, high], 0), at([high, low], 0)]);
        all
    }
}

impl Chain<'_> {
    /// The next record of a sector volume, whose newest block is `block`.
    pub(super) fn next_in_images(&mut self, block: u32) -> Result<Option<Record>, Damage> {
        let begins = self.records.is_empty();
        for Candidate { at, pair, within } in self.images.candidates() {
            let record = self.verify(block, at, self.sequence, self.previous)?;
            if let Some(record) = record {
                if matches!(record.kind, Kind::Header | Kind::Checkpoint) != begins {
                    return Err(Damage::at(block, "a first record that is not, or the reverse"));
                }
                self.images = Images { pair, used: within + self.padded(record.length) };
                return Ok(Some(self.take(record)));
            }
        }
        if begins {
            return Ok(None);
        }
        let next = self.state.scalars.next;
        for pair in [[0, 1], [1, 0]] {
            let at = pair[0] * SECTOR;
            if let Some(record) = self.verify(next, at, self.sequence, self.previous)? {
                self.images = Images { pair, used: self.padded(record.length) };
                return self.follow(record).map(Some);
            }
        }
        self.refuse_lost_image(block, next)?;
        Ok(None)
    }

    fn padded(&self, length: usize) -> u64 {
        (length as u64).next_multiple_of(self.superblock.padding())
    }

    /// Something behind the record that is missing would show that it had been acknowledged.
    fn refuse_lost_image(&self, block: u32, next: u32) -> Result<(), Damage> {
        let in_next = [0, 1, 2].map(|sector| (next, sector * SECTOR));
        for (_, at) in in_next {
            self.refuse_successor(next, at, &in_next)?;
            self.refuse_later_image(next, at)?;
        }
        if self.records.last().is_some_and(|record| record.kind == Kind::Seal) {
            return Ok(());
        }
        let [low, high] = self.images.next_pair();
        let own = [low, high, high + 1, high + 2].map(|sector| (block, sector * SECTOR));
        let starts: Vec<_> = own.into_iter().chain(in_next).collect();
        for Candidate { at, .. } in self.images.candidates() {
            self.refuse_successor(block, at, &starts)?;
        }
        for sector in low..self.superblock.block_bytes() / SECTOR {
            self.refuse_later_image(block, sector * SECTOR)?;
        }
        Ok(())
    }

    /// An image whose second record is chained to its first shows that the one before is lost.
    fn refuse_later_image(&self, block: u32, at: u64) -> Result<(), Damage> {
        let Some(bytes) = self.bytes(block, at) else { return Ok(()) };
        let mut fields = Bytes(&bytes);
        let (checksum, number) = (fields.u32(), Bytes(&bytes[8..HEADER]).u32());
        let (Some(checksum), Some(number)) = (checksum, number) else { return Ok(()) };
        let ahead = u64::from(number).wrapping_sub(self.sequence) & 0xFFFF_FFFF;
        let sequence = self.sequence + ahead;
        let first = plausible(&bytes, sequence, self.entry.session);
        let Some((length, kind, _)) = first else { return Ok(()) };
        if !(1..1 << 16).contains(&ahead) || matches!(kind, Kind::Checkpoint | Kind::More) {
            return Ok(());
        }
        match self.verify(block, at + self.padded(length), sequence + 1, checksum) {
            Ok(None) => Ok(()),
            _ => Err(Damage::at(block, format!("an image before byte {at} is lost"))),
        }
    }
}
