//! Runs in lent memory, and the way they get there.

use super::Extent;
use crate::units::ByteOffset;

/// The runs of a range of a file, in order.
#[derive(Debug)]
pub struct ExtentList<'m> {
    slots: &'m mut [Extent],
    count: usize,
}

/// What became of an extent that was given to a [`Packer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Packed {
    /// It is in the list, and more may come.
    Packed,
    /// It is in the list as far as it was asked for, and nothing more is wanted.
    PackedLast,
    /// It is not in the list: no room, out of order, or not in the range.
    Refused,
}

impl<'m> ExtentList<'m> {
    /// A list without runs; holds as many as `slots`.
    pub const fn new(slots: &'m mut [Extent]) -> Self {
        Self { slots, count: 0 }
    }

    /// The runs.
    #[must_use]
    pub fn as_slice(&self) -> &[Extent] {
        self.slots.get(..self.count).unwrap_or_default()
    }

    /// Forgets all runs.
    pub const fn clear(&mut self) {
        self.count = 0;
    }

    /// The run that holds `at`.
    #[must_use]
    pub fn find(&self, at: ByteOffset) -> Option<&Extent> {
        let index = self.as_slice().partition_point(|extent| extent.end() <= at);
        self.as_slice().get(index).filter(|extent| extent.logical <= at)
    }

    /// Where the last run ends in the file.
    #[must_use]
    pub fn end(&self) -> Option<ByteOffset> {
        self.as_slice().last().map(Extent::end)
    }

    fn last_mut(&mut self) -> Option<&mut Extent> {
        self.slots.get_mut(self.count.checked_sub(1)?)
    }

    fn push(&mut self, extent: Extent) -> bool {
        let Some(slot) = self.slots.get_mut(self.count) else { return false };
        *slot = extent;
        self.count = self.count.saturating_add(1);
        true
    }
}

/// Fills a list with the runs of one range; what lies outside the range is cut off.
#[derive(Debug)]
pub struct Packer<'p, 'm> {
    list: &'p mut ExtentList<'m>,
    from: ByteOffset,
    length: u64,
}

impl<'p, 'm> Packer<'p, 'm> {
    /// A packer that adds the runs of `length` bytes from `from` to `list`.
    pub const fn new(list: &'p mut ExtentList<'m>, from: ByteOffset, length: u64) -> Self {
        Self { list, from, length }
    }

    /// Adds a run, in ascending logical order, and joins it with its neighbour where it can.
    ///
    /// A filesystem goes on after [`Packed::Packed`], and stops after the two other answers.
    pub fn pack(&mut self, extent: Extent) -> Packed {
        if !extent.is_sound() {
            return Packed::Refused;
        }
        let Some(wanted) = extent.clipped(self.from, self.length) else { return Packed::Refused };
        if self.list.end().is_some_and(|end| wanted.logical < end) {
            return Packed::Refused;
        }
        let joined = self.list.last_mut().and_then(|last| {
            *last = last.joined(&wanted)?;
            Some(())
        });
        if joined.is_none() && !self.list.push(wanted) {
            return Packed::Refused;
        }
        if wanted.end() == self.from.plus(self.length) {
            Packed::PackedLast
        } else {
            Packed::Packed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Extent, ExtentList, Packed, Packer};
    use crate::extent::ExtentKind;
    use crate::units::ByteOffset;

    const NONE: Extent = Extent::zero(ByteOffset(0), 0);

    fn data(logical: u64, physical: u64, length: u64) -> Extent {
        Extent::data(ByteOffset(logical), ByteOffset(physical), length)
    }

    fn zero(logical: u64, length: u64) -> Extent {
        Extent::zero(ByteOffset(logical), length)
    }

    #[test]
    fn joins_neighbours_and_answers_when_the_range_is_complete() {
        let mut slots = [NONE; 3];
        let mut list = ExtentList::new(&mut slots);
        let mut packer = Packer::new(&mut list, ByteOffset(50), 350);
        assert_eq!(packer.pack(data(0, 1000, 100)), Packed::Packed);
        assert_eq!(packer.pack(data(100, 1100, 100)), Packed::Packed);
        assert_eq!(packer.pack(zero(200, 50)), Packed::Packed);
        assert_eq!(packer.pack(zero(250, 50)), Packed::Packed);
        assert_eq!(packer.pack(data(300, 1200, 200)), Packed::PackedLast);
        assert_eq!(list.as_slice(), [data(50, 1050, 150), zero(200, 100), data(300, 1200, 100)]);
        assert_eq!(list.find(ByteOffset(199)), Some(&data(50, 1050, 150)));
        assert_eq!(list.find(ByteOffset(200)), Some(&zero(200, 100)));
        assert_eq!((list.find(ByteOffset(49)), list.find(ByteOffset(400))), (None, None));
    }

    #[test]
    fn keeps_runs_apart_that_differ() {
        let mut slots = [NONE; 4];
        let mut list = ExtentList::new(&mut slots);
        let mut packer = Packer::new(&mut list, ByteOffset(0), 1000);
        let unwritten = Extent { kind: ExtentKind::Unwritten, ..data(10, 110, 10) };
        let fresh = Extent { fresh: true, ..data(20, 120, 10) };
        for extent in [data(0, 100, 10), unwritten, fresh, data(30, 131, 10)] {
            assert_eq!(packer.pack(extent), Packed::Packed);
        }
        assert_eq!(list.as_slice().len(), 4);
    }

    #[test]
    fn refuses_what_does_not_fit_and_stays_as_it_was() {
        let mut slots = [NONE; 1];
        let mut list = ExtentList::new(&mut slots);
        let mut packer = Packer::new(&mut list, ByteOffset(0), u64::MAX);
        assert_eq!(packer.pack(data(100, 0, 10)), Packed::Packed);
        for bad in [
            data(200, 100, 10),
            data(105, 5, 10),
            data(50, 0, 10),
            data(110, 10, 0),
            data(110, u64::MAX, 10),
            data(u64::MAX, 10, 10),
        ] {
            assert_eq!(packer.pack(bad), Packed::Refused, "{bad:?}");
        }
        assert_eq!(packer.pack(data(110, 10, 5)), Packed::Packed);
        assert_eq!(list.as_slice(), [data(100, 0, 15)]);
        let mut packer = Packer::new(&mut list, ByteOffset(500), 10);
        assert_eq!(packer.pack(data(120, 0, 10)), Packed::Refused);
        assert_eq!(packer.pack(data(510, 0, 10)), Packed::Refused);
    }
}
