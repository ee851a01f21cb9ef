//! Files and directories in use, with what their filesystem keeps about each.

use super::SLOTS_MAX;
use crate::api::VnodeId;
use crate::error::{Error, ErrorKind, Result};
use crate::units::ObjectId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State<T> {
    Empty,
    Live(T),
    Dead,
}

/// Room for one vnode whose filesystem keeps a `T` about it.
#[derive(Debug)]
pub struct Slot<T> {
    state: State<T>,
    object: ObjectId,
    generation: u16,
    uses: u16,
    touched: u16,
    holds: u8,
    owes: bool,
}

impl<T> Slot<T> {
    /// A slot without a vnode.
    pub const EMPTY: Self = Self {
        state: State::Empty,
        object: ObjectId(0),
        generation: 0,
        uses: 0,
        touched: 0,
        holds: 0,
        owes: false,
    };

    const fn live(&self) -> Option<&T> {
        match &self.state {
            State::Live(value) => Some(value),
            State::Empty | State::Dead => None,
        }
    }

    const fn is_referenced(&self) -> bool {
        self.holds > 0 || self.uses > 0
    }

    /// Empties the slot; ids that named its vnode are stale from now on.
    fn empty(&mut self) -> Option<T> {
        let generation = self.generation.wrapping_add(1);
        let old = core::mem::replace(self, Self { generation, ..Self::EMPTY });
        match old.state {
            State::Live(value) => Some(value),
            State::Empty | State::Dead => None,
        }
    }

    fn empty_when_dead_and_unreferenced(&mut self) {
        if matches!(self.state, State::Dead) && !self.is_referenced() {
            self.empty();
        }
    }
}

/// The vnodes of one filesystem.
#[derive(Debug)]
pub struct Table<'m, T> {
    slots: &'m mut [Slot<T>],
    clock: u16,
}

impl<'m, T> Table<'m, T> {
    /// A table without vnodes; ids of an earlier table over the same slots are stale.
    ///
    /// Slots beyond the 256th are not used.
    pub fn new(slots: &'m mut [Slot<T>]) -> Self {
        let used = slots.len().min(SLOTS_MAX);
        let slots = slots.get_mut(..used).unwrap_or_default();
        for slot in slots.iter_mut() {
            slot.empty();
        }
        Self { slots, clock: 0 }
    }

    /// The vnode of `object` with one more hold; `None` when it is not in the table.
    ///
    /// # Errors
    /// [`Error::Bug`] when holds are not given back.
    pub fn find(&mut self, object: ObjectId) -> Result<Option<VnodeId>> {
        let Some(id) = self.locate(object) else { return Ok(None) };
        self.touch(id)?;
        self.hold(id)?;
        Ok(Some(id))
    }

    /// The vnode of `object`, not held.
    #[must_use]
    pub fn locate(&self, object: ObjectId) -> Option<VnodeId> {
        self.iter().map(|(id, _)| id).find(|id| self.object(*id) == Ok(object))
    }

    /// A new vnode for `object`, with one hold. When no slot is empty, the idle vnode that was
    /// longest not touched and for which `may_go` holds is recycled.
    ///
    /// # Errors
    /// [`Error::NoSlot`] when every vnode is in use or must stay; [`Error::Exists`] when `object`
    /// has a vnode already.
    pub fn take(
        &mut self,
        object: ObjectId,
        value: T,
        may_go: impl Fn(&T) -> bool,
    ) -> Result<VnodeId> {
        if self.locate(object).is_some() {
            return Err(Error::Exists);
        }
        let empty = self.slots.iter().position(|slot| matches!(slot.state, State::Empty));
        let index = match empty {
            Some(index) => index,
            None => usize::from(self.victim(may_go).ok_or(Error::NoSlot)?.slot),
        };
        let slot = self.slots.get_mut(index).ok_or(Error::Bug)?;
        slot.empty();
        *slot = Slot {
            state: State::Live(value),
            object,
            holds: 1,
            generation: slot.generation,
            ..Slot::EMPTY
        };
        let slot = u8::try_from(index).map_err(|_| Error::Bug)?;
        let generation = self.slots.get(index).map_or(0, |slot| slot.generation);
        let id = VnodeId { slot, generation };
        self.touch(id)?;
        Ok(id)
    }

    /// The idle vnode that was longest not touched, of those for which `may_go` holds.
    #[must_use]
    pub fn victim(&self, may_go: impl Fn(&T) -> bool) -> Option<VnodeId> {
        let idle = self.slots.iter().enumerate().filter(|(_, slot)| {
            !slot.is_referenced() && !slot.owes && slot.live().is_some_and(&may_go)
        });
        let (index, slot) = idle.max_by_key(|(_, slot)| self.clock.wrapping_sub(slot.touched))?;
        Some(VnodeId { slot: u8::try_from(index).ok()?, generation: slot.generation })
    }

    /// Empties the slot of an idle vnode and hands back what was kept about it. Pays its debt.
    ///
    /// # Errors
    /// [`Error::Busy`] when it is held or used, [`Error::Stale`].
    pub fn recycle(&mut self, id: VnodeId) -> Result<T> {
        let slot = self.slot_mut(id)?;
        if slot.is_referenced() {
            return Err(Error::Busy);
        }
        slot.empty().ok_or(Error::Stale)
    }

    /// What is kept about a vnode.
    ///
    /// # Errors
    /// [`Error::Stale`]; for a dead vnode [`Error::Device`] with [`ErrorKind::Removed`].
    pub fn get(&self, id: VnodeId) -> Result<&T> {
        self.slot(id)?.live().ok_or(Error::Device(ErrorKind::Removed))
    }

    /// What is kept about a vnode, to change it.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn get_mut(&mut self, id: VnodeId) -> Result<&mut T> {
        match &mut self.slot_mut(id)?.state {
            State::Live(value) => Ok(value),
            State::Empty | State::Dead => Err(Error::Device(ErrorKind::Removed)),
        }
    }

    /// The object behind a vnode, dead or alive.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn object(&self, id: VnodeId) -> Result<ObjectId> {
        Ok(self.slot(id)?.object)
    }

    /// How many open files use a vnode.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn uses(&self, id: VnodeId) -> Result<u16> {
        Ok(self.slot(id)?.uses)
    }

    /// Keeps a vnode in the table until `put`, for one operation.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Bug`] when holds are not given back.
    pub fn hold(&mut self, id: VnodeId) -> Result<()> {
        let slot = self.slot_mut(id)?;
        slot.holds = slot.holds.checked_add(1).ok_or(Error::Bug)?;
        Ok(())
    }

    /// Gives one hold back. A stale id is ignored: its vnode was killed meanwhile.
    pub fn put(&mut self, id: VnodeId) {
        if let Ok(slot) = self.slot_mut(id) {
            slot.holds = slot.holds.saturating_sub(1);
            slot.empty_when_dead_and_unreferenced();
        }
    }

    /// Keeps a vnode in the table until `disengage`, for one open file.
    ///
    /// # Errors
    /// As [`Self::get`]; [`Error::NoSlot`] at 65,535 uses.
    pub fn engage(&mut self, id: VnodeId) -> Result<()> {
        self.get(id)?;
        let slot = self.slot_mut(id)?;
        slot.uses = slot.uses.checked_add(1).ok_or(Error::NoSlot)?;
        Ok(())
    }

    /// Gives one use back; after the last one the vnode owes an `inactive`. Ignores a stale id.
    pub fn disengage(&mut self, id: VnodeId) {
        if let Ok(slot) = self.slot_mut(id) {
            let last = slot.uses == 1;
            slot.uses = slot.uses.saturating_sub(1);
            slot.owes |= last && slot.live().is_some();
            slot.empty_when_dead_and_unreferenced();
        }
    }

    /// Makes a vnode owe an `inactive` although nobody may have used it: its name is gone.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn owe(&mut self, id: VnodeId) -> Result<()> {
        self.get(id)?;
        self.slot_mut(id)?.owes = true;
        Ok(())
    }

    /// The first vnode in slot `from` or later that is idle and owes an `inactive`.
    #[must_use]
    pub fn owed(&self, from: u8) -> Option<VnodeId> {
        let mut slots = self.slots.iter().enumerate().skip(usize::from(from));
        let (index, slot) = slots.find(|(_, slot)| slot.owes && !slot.is_referenced())?;
        Some(VnodeId { slot: u8::try_from(index).ok()?, generation: slot.generation })
    }

    /// Says that `inactive` has done its work for this vnode.
    pub fn paid(&mut self, id: VnodeId) {
        if let Ok(slot) = self.slot_mut(id) {
            slot.owes = false;
        }
    }

    /// Makes a vnode dead: operations on it fail from now on. Hands back what was kept about it.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn kill(&mut self, id: VnodeId) -> Result<Option<T>> {
        let slot = self.slot_mut(id)?;
        slot.owes = false;
        let old = core::mem::replace(&mut slot.state, State::Dead);
        slot.empty_when_dead_and_unreferenced();
        match old {
            State::Live(value) => Ok(Some(value)),
            State::Empty | State::Dead => Ok(None),
        }
    }

    /// Takes every hold back, and says how many there were. Holds last for one operation: what is
    /// left when the next one begins belongs to an operation whose future was dropped.
    pub fn abandon(&mut self) -> u32 {
        let mut left = 0_u32;
        for slot in self.slots.iter_mut() {
            left = left.saturating_add(u32::from(slot.holds));
            slot.holds = 0;
            slot.empty_when_dead_and_unreferenced();
        }
        left
    }

    /// Every live vnode, with what is kept about it.
    pub fn iter(&self) -> impl Iterator<Item = (VnodeId, &T)> {
        self.slots.iter().zip(0_u8..=u8::MAX).filter_map(|(slot, index)| {
            Some((VnodeId { slot: index, generation: slot.generation }, slot.live()?))
        })
    }

    fn slot(&self, id: VnodeId) -> Result<&Slot<T>> {
        let slot = self.slots.get(usize::from(id.slot)).ok_or(Error::Stale)?;
        let is_it = slot.generation == id.generation && !matches!(slot.state, State::Empty);
        is_it.then_some(slot).ok_or(Error::Stale)
    }

    fn slot_mut(&mut self, id: VnodeId) -> Result<&mut Slot<T>> {
        self.slot(id)?;
        self.slots.get_mut(usize::from(id.slot)).ok_or(Error::Stale)
    }

    fn touch(&mut self, id: VnodeId) -> Result<()> {
        self.clock = self.clock.wrapping_add(1);
        let now = self.clock;
        self.slot_mut(id)?.touched = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Slot, Table};
    use crate::error::{Error, ErrorKind};
    use crate::units::ObjectId;

    const ANY: fn(&char) -> bool = |_| true;

    #[test]
    fn recycles_the_idle_vnode_that_was_longest_not_touched() {
        let mut slots = [Slot::EMPTY; 3];
        let mut table = Table::new(&mut slots);
        let [a, b, c] = [1, 2, 3].map(|object| table.take(ObjectId(object), 'x', ANY).unwrap());
        table.put(a);
        table.put(c);
        assert_eq!(table.find(ObjectId(1)), Ok(Some(a)));
        table.put(a);
        let d = table.take(ObjectId(4), 'd', ANY).unwrap();
        assert_eq!((d.slot, table.get(c)), (c.slot, Err(Error::Stale)));
        assert_eq!(table.take(ObjectId(5), 'e', |_| false), Err(Error::NoSlot));
        assert_eq!(table.get(b), Ok(&'x'));
    }

    #[test]
    fn an_id_is_stale_after_its_slot_was_reused_and_in_a_new_table() {
        let mut slots = [Slot::EMPTY; 1];
        let mut table = Table::new(&mut slots);
        let old = table.take(ObjectId(1), 'a', ANY).unwrap();
        assert_eq!(table.take(ObjectId(1), 'a', ANY), Err(Error::Exists));
        table.put(old);
        let new = table.take(ObjectId(2), 'b', ANY).unwrap();
        assert_eq!((table.get(old), table.get(new)), (Err(Error::Stale), Ok(&'b')));
        assert_eq!(table.hold(old), Err(Error::Stale));
        let table = Table::new(&mut slots);
        assert_eq!(table.get(new), Err(Error::Stale));
    }

    #[test]
    fn the_last_use_and_a_lost_name_owe_an_inactive_once_nobody_holds_the_vnode() {
        let mut slots = [Slot::EMPTY; 2];
        let mut table = Table::new(&mut slots);
        let id = table.take(ObjectId(1), 'a', ANY).unwrap();
        let other = table.take(ObjectId(2), 'b', ANY).unwrap();
        table.put(other);
        assert_eq!(table.owed(0), None);
        table.engage(id).unwrap();
        table.disengage(id);
        assert_eq!(table.owed(0), None, "still held");
        table.put(id);
        assert_eq!((table.owed(0), table.owed(1)), (Some(id), None));
        assert_eq!(table.victim(|kept| *kept == 'a'), None, "it owes");
        table.paid(id);
        assert_eq!(table.owed(0), None);
        table.owe(other).unwrap();
        assert_eq!(table.owed(0), Some(other));
        assert_eq!(table.recycle(other), Ok('b'));
        assert_eq!(table.owed(0), None);
    }

    #[test]
    fn a_dead_vnode_answers_with_an_error_and_keeps_its_slot_until_the_last_use() {
        let mut slots = [Slot::EMPTY; 1];
        let mut table = Table::new(&mut slots);
        let id = table.take(ObjectId(1), 'a', ANY).unwrap();
        table.engage(id).unwrap();
        table.put(id);
        assert_eq!(table.kill(id), Ok(Some('a')));
        let gone = Error::Device(ErrorKind::Removed);
        assert_eq!(table.get(id), Err(gone));
        assert_eq!(table.engage(id), Err(gone));
        assert_eq!(table.locate(ObjectId(1)), None);
        assert_eq!(table.take(ObjectId(1), 'b', ANY), Err(Error::NoSlot));
        table.disengage(id);
        assert_eq!(table.get(id), Err(Error::Stale));
        assert!(table.take(ObjectId(1), 'b', ANY).is_ok());
    }

    #[test]
    fn abandoned_holds_come_back_and_uses_stay() {
        let mut slots = [Slot::EMPTY; 2];
        let mut table = Table::new(&mut slots);
        let used = table.take(ObjectId(1), 'a', ANY).unwrap();
        let dead = table.take(ObjectId(2), 'b', ANY).unwrap();
        table.engage(used).unwrap();
        assert_eq!(table.recycle(used), Err(Error::Busy));
        table.kill(dead).unwrap();
        assert_eq!(table.abandon(), 2);
        assert_eq!((table.uses(used), table.object(dead)), (Ok(1), Err(Error::Stale)));
        assert_eq!(table.recycle(used), Err(Error::Busy));
        assert_eq!(table.iter().count(), 1);
    }
}
