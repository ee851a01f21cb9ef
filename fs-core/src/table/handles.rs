//! Open files. Shared by the path layer and by handles that are dropped while it is locked.

use super::SLOTS_MAX;
use crate::api::{Access, FileId, VnodeId};
use crate::error::{Error, Result};
use core::cell::Cell;

/// What an open file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handle {
    /// The file; the handle owns one use of it.
    pub vnode: VnodeId,
    /// What it may be used for.
    pub access: Access,
    /// Whether every write goes to the end.
    pub appends: bool,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Empty,
    Open(Handle),
    /// Its owner is gone; the use of the vnode is still to be given back.
    Dropped(Handle),
}

/// Room for one open file.
#[derive(Debug, Clone, Copy)]
pub struct HandleSlot {
    generation: u16,
    state: State,
}

impl HandleSlot {
    /// A slot without an open file.
    pub const EMPTY: Self = Self { generation: 0, state: State::Empty };

    /// The same slot in another state; to leave `Open` makes ids stale.
    const fn then(self, state: State) -> Self {
        let generation = match self.state {
            State::Open(_) => self.generation.wrapping_add(1),
            State::Empty | State::Dropped(_) => self.generation,
        };
        Self { generation, state }
    }
}

/// The open files of one path layer. Needs no exclusive access: nothing here waits or fails half.
#[derive(Debug)]
pub struct Handles<'m> {
    slots: &'m [Cell<HandleSlot>],
}

impl<'m> Handles<'m> {
    /// A table without open files; ids of an earlier table over the same slots are stale.
    ///
    /// Slots beyond the 256th are not used.
    pub fn new(slots: &'m mut [HandleSlot]) -> Self {
        let used = slots.len().min(SLOTS_MAX);
        let slots = Cell::from_mut(slots.get_mut(..used).unwrap_or_default()).as_slice_of_cells();
        for slot in slots {
            slot.set(slot.get().then(State::Empty));
        }
        Self { slots }
    }

    /// Whether [`Self::insert`] has room.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.slots.iter().any(|slot| matches!(slot.get().state, State::Empty))
    }

    /// An id for an open file.
    ///
    /// # Errors
    /// [`Error::NoSlot`].
    pub fn insert(&self, handle: Handle) -> Result<FileId> {
        let mut slots = self.slots.iter().zip(0_u8..=u8::MAX);
        let empty = slots.find(|(slot, _)| matches!(slot.get().state, State::Empty));
        let (slot, index) = empty.ok_or(Error::NoSlot)?;
        let new = slot.get().then(State::Open(handle));
        slot.set(new);
        Ok(FileId { slot: index, generation: new.generation })
    }

    /// The open file behind an id.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn get(&self, id: FileId) -> Result<Handle> {
        self.open(id).map(|(_, handle)| handle)
    }

    /// Forgets an open file: its ids are stale, its slot is empty, its use is the caller's.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn remove(&self, id: FileId) -> Result<Handle> {
        let (slot, handle) = self.open(id)?;
        slot.set(slot.get().then(State::Empty));
        Ok(handle)
    }

    /// Says that the owner of an open file is gone. Ignores a stale id.
    pub fn mark_dropped(&self, id: FileId) {
        if let Ok((slot, handle)) = self.open(id) {
            slot.set(slot.get().then(State::Dropped(handle)));
        }
    }

    /// Forgets one dropped file, whose use is now the caller's.
    #[must_use]
    pub fn take_dropped(&self) -> Option<Handle> {
        self.slots.iter().find_map(|slot| match slot.get().state {
            State::Dropped(handle) => {
                slot.set(slot.get().then(State::Empty));
                Some(handle)
            }
            State::Empty | State::Open(_) => None,
        })
    }

    fn open(&self, id: FileId) -> Result<(&Cell<HandleSlot>, Handle)> {
        let slot = self.slots.get(usize::from(id.slot)).ok_or(Error::Stale)?;
        match slot.get() {
            HandleSlot { generation, state: State::Open(handle) }
                if generation == id.generation =>
            {
                Ok((slot, handle))
            }
            _ => Err(Error::Stale),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Handle, HandleSlot, Handles};
    use crate::api::{Access, VnodeId};
    use crate::error::Error;

    fn handle(slot: u8) -> Handle {
        let vnode = VnodeId { slot, generation: 0 };
        Handle { vnode, access: Access::READ, appends: false }
    }

    #[test]
    fn an_id_is_stale_after_close_and_in_a_new_table() {
        let mut slots = [HandleSlot::EMPTY; 1];
        let handles = Handles::new(&mut slots);
        let old = handles.insert(handle(1)).unwrap();
        assert_eq!((handles.insert(handle(2)), handles.has_room()), (Err(Error::NoSlot), false));
        assert_eq!(handles.remove(old), Ok(handle(1)));
        let new = handles.insert(handle(2)).unwrap();
        assert_eq!((handles.get(old), handles.get(new)), (Err(Error::Stale), Ok(handle(2))));
        assert_eq!(handles.remove(old), Err(Error::Stale));
        assert_eq!(Handles::new(&mut slots).get(new), Err(Error::Stale));
    }

    #[test]
    fn a_dropped_file_keeps_its_slot_until_it_is_taken() {
        let mut slots = [HandleSlot::EMPTY; 2];
        let handles = Handles::new(&mut slots);
        let id = handles.insert(handle(1)).unwrap();
        handles.insert(handle(2)).unwrap();
        handles.mark_dropped(id);
        handles.mark_dropped(id);
        assert_eq!((handles.get(id), handles.has_room()), (Err(Error::Stale), false));
        assert_eq!((handles.take_dropped(), handles.take_dropped()), (Some(handle(1)), None));
        assert!(handles.has_room());
    }
}
