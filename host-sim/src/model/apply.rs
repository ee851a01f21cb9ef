//! What each call does to the reference filesystem.

use std::sync::Arc;

use fs_core::error::Error;

use super::names::room_for;
use super::{Access, CONTENT_MAX, File, Handle, LENGTH_MAX, Model, Node, Op, Slot, Transfer, Tree};

/// What a call did.
#[derive(Debug, Clone)]
pub struct Step {
    /// What the volume must answer.
    pub result: Result<(), Error>,
    /// States besides before and after that a cut during the call may leave.
    pub between: Vec<Tree>,
}

impl Model {
    /// Carries `op` out, or leaves everything as it was and says why.
    pub fn apply(&mut self, op: &Op) -> Step {
        let between = self.between(op);
        Step { result: self.run(op), between }
    }

    fn run(&mut self, op: &Op) -> Result<(), Error> {
        match op {
            Op::Open(slot, path, access) => self.open(*slot, path, *access),
            Op::Close(slot) => {
                let handle = self.handles.remove(slot).ok_or(Error::Stale)?;
                if handle.access.write {
                    self.files[handle.file].commit();
                }
                Ok(())
            }
            Op::Write(slot, at, bytes) => {
                self.not_written(*slot, *at, at + bytes.len() as u64)?;
                self.write(*slot, *at, bytes)
            }
            Op::Map(number, slot, from, length, true) => {
                self.for_writing(*slot)?;
                let file = self.handles.get(slot).ok_or(Error::Stale)?.file;
                let transfer = Transfer { file, from: *from, end: from + length, moved: false };
                self.transfers.insert(*number, transfer);
                Ok(())
            }
            Op::Transfer(number, _) => {
                if let Some(transfer) = self.transfers.get_mut(number) {
                    transfer.moved = true;
                }
                Ok(())
            }
            Op::Complete(number, _, at, bytes, ok) => match self.transfers.remove(number) {
                Some(Transfer { file, moved: true, .. }) if *ok => self.write_to(file, *at, bytes),
                _ => Ok(()),
            },
            Op::SetLen(slot, len) => {
                self.not_written(*slot, *len, u64::MAX)?;
                self.set_len(*slot, *len)
            }
            Op::SyncFile(slot) => {
                let file = self.handles.get(slot).ok_or(Error::Stale)?.file;
                self.files[file].commit();
                Ok(())
            }
            Op::Allocate(slot, ..) => {
                self.for_writing(*slot)?.commit();
                Ok(())
            }
            Op::Discard(slot) => {
                self.for_writing(*slot)?.draft = None;
                Ok(())
            }
            Op::Truncate(path, len) => self.truncate(path, *len),
            Op::Replace(path, bytes) => self.replace(path, bytes),
            Op::Sync | Op::Park => {
                self.files.iter_mut().for_each(File::commit);
                Ok(())
            }
            Op::Unmount => {
                self.files.iter_mut().for_each(File::commit);
                self.cut();
                Ok(())
            }
            Op::Cut => {
                self.cut();
                Ok(())
            }
            Op::Format => {
                *self = Self::new();
                Ok(())
            }
            Op::Read(slot) | Op::Map(_, slot, .., false) => self.content(*slot).map(|_| ()),
            Op::Maintain(_) | Op::Look | Op::Check | Op::Mount { .. } | Op::MountOrFormat => Ok(()),
            other => self.change_names(other),
        }
    }

    fn between(&self, op: &Op) -> Vec<Tree> {
        self.partial(op).iter().map(Self::committed).collect()
    }

    /// What a call that ended early may have left besides nothing and everything: volume sync is
    /// one transaction for each file, and any of them may be in. Calls on two files, or two names,
    /// may commit the files before.
    #[must_use]
    pub fn partial(&self, op: &Op) -> Vec<Self> {
        let whole = matches!(op, Op::Sync | Op::Park | Op::Unmount);
        let named = self.committed_before(op);
        let drafts: Vec<usize> = (0..self.files.len())
            .filter(|file| self.files[*file].draft.is_some() && self.named(*file))
            .filter(|file| whole || named.contains(file))
            .collect();
        let subsets = 1_u32 << drafts.len().min(6);
        (1..if whole { subsets.saturating_sub(1) } else { subsets })
            .map(|subset| {
                let mut some = self.clone();
                for (bit, file) in drafts.iter().enumerate() {
                    if subset >> bit & 1 == 1 {
                        some.files[*file].commit();
                    }
                }
                some
            })
            .collect()
    }

    /// What a call that answered with an error of the device may have left: the interface says
    /// so for opening (a created file stays), closing (the handle is gone in any case), committing
    /// several files, and truncating (the new size may be uncommitted).
    #[must_use]
    pub fn after_error(&self, op: &Op) -> Vec<Self> {
        let mut left = vec![self.clone()];
        let mut done = self.clone();
        if done.apply(op).result.is_err() {
            return left;
        }
        left.extend(self.partial(op));
        match op {
            Op::Open(slot, ..) => {
                let mut created = done.clone();
                created.handles.remove(slot);
                left.push(created);
            }
            Op::Close(slot) => {
                let mut closed = self.clone();
                closed.handles.remove(slot);
                left.push(closed);
            }
            Op::Write(slot, at, bytes) => left.extend(self.prefixes(*slot, *at, bytes)),
            Op::Truncate(path, len) => {
                let mut drafted = self.clone();
                if let Ok(file) = drafted.walk(path, true).and_then(|path| drafted.file_at(&path)) {
                    let file = &mut drafted.files[file];
                    file.draft = resized(file.visible(), *len).ok();
                }
                left.push(drafted);
            }
            Op::Complete(number, ..) => {
                let mut committed = self.clone();
                if let Some(transfer) = self.transfers.get(number) {
                    committed.files[transfer.file].commit();
                }
                left.push(committed);
            }
            _ => {}
        }
        left.push(done);
        left
    }

    /// What a write leaves that ends after some of its append units.
    fn prefixes(&self, slot: Slot, at: u64, bytes: &[u8]) -> Vec<Self> {
        let end = at + bytes.len() as u64;
        let stops = (at / UNIT + 1..=end / UNIT).map(|unit| unit * UNIT).filter(|stop| *stop < end);
        let written = |stop: u64| {
            let mut model = self.clone();
            let taken = usize::try_from(stop - at).ok()?;
            model.write(slot, at, bytes.get(..taken)?).ok()?;
            Some(model)
        };
        stops.filter_map(written).collect()
    }

    fn named(&self, file: usize) -> bool {
        self.names.values().any(|node| matches!(node, Node::File(named) if *named == file))
    }

    fn open(&mut self, slot: Slot, path: &str, access: Access) -> Result<(), Error> {
        let place = if access.create { self.place_file(path)? } else { self.walk(path, true)? };
        let found = match self.names.get(&*place) {
            Some(_) if access.create_new => return Err(Error::Exists),
            Some(_) => Some(self.walk(path, true)?),
            None => None,
        };
        let file = if let Some(found) = found {
            self.file_at(&found)?
        } else {
            room_for(&place)?;
            self.add_file(&place, Arc::from([]))
        };
        if access.truncate {
            self.files[file].draft = Some(Arc::from([]));
        }
        self.handles.insert(slot, Handle { file, access });
        Ok(())
    }

    fn add_file(&mut self, path: &str, content: Arc<[u8]>) -> usize {
        let file = self.add(content);
        self.names.insert(path.into(), Node::File(file));
        file
    }

    fn for_writing(&mut self, slot: Slot) -> Result<&mut File, Error> {
        let handle = self.handles.get(&slot).ok_or(Error::Stale)?;
        if handle.access.write { Ok(&mut self.files[handle.file]) } else { Err(Error::BadAccess) }
    }

    /// Refuses where a transfer writes to any block of 4 KiB that these bytes lie in.
    fn not_written(&self, slot: Slot, from: u64, to: u64) -> Result<(), Error> {
        let file = self.handles.get(&slot).ok_or(Error::Stale)?.file;
        let concerns = |other: &Transfer| {
            let (begin, end) = (other.from / BLOCK * BLOCK, other.end.next_multiple_of(BLOCK));
            other.file == file && begin < to && from < end
        };
        if self.transfers.values().any(concerns) { Err(Error::Busy) } else { Ok(()) }
    }

    fn write(&mut self, slot: Slot, at: u64, bytes: &[u8]) -> Result<(), Error> {
        self.for_writing(slot)?;
        let file = self.handles.get(&slot).ok_or(Error::Stale)?.file;
        self.write_to(file, at, bytes)
    }

    fn write_to(&mut self, file: usize, at: u64, bytes: &[u8]) -> Result<(), Error> {
        let file = &mut self.files[file];
        let at = usize::try_from(at).map_err(|_| Error::TooLarge)?;
        let end = at.saturating_add(bytes.len());
        if end > LENGTH_MAX {
            return Err(Error::TooLarge);
        }
        let mut content = file.visible().to_vec();
        content.resize(content.len().max(end), 0);
        content[at..end].copy_from_slice(bytes);
        file.draft = Some(content.into());
        Ok(())
    }

    fn set_len(&mut self, slot: Slot, len: u64) -> Result<(), Error> {
        let file = self.for_writing(slot)?;
        file.draft = Some(resized(file.visible(), len)?);
        Ok(())
    }

    fn truncate(&mut self, path: &str, len: u64) -> Result<(), Error> {
        let file = self.file_at(&self.walk(path, true)?)?;
        let file = &mut self.files[file];
        file.content = resized(file.visible(), len)?;
        file.draft = None;
        Ok(())
    }

    fn replace(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let place = self.place_file(path)?;
        if self.names.contains_key(&*place) {
            let file = self.file_at(&self.walk(path, true)?)?;
            self.files[file].content = bytes.into();
            self.files[file].draft = None;
        } else {
            room_for(&place)?;
            self.add_file(&place, bytes.into());
        }
        Ok(())
    }
}

/// Places in a file at which a write that ends early may end: they are between append units.
const UNIT: u64 = 256;
/// Bytes of the blocks that transfers write to.
const BLOCK: u64 = 4096;

impl File {
    /// Whether the content, committed or not, is more than one item holds.
    pub(super) fn is_large(&self) -> bool {
        self.content.len().max(self.visible().len()) > CONTENT_MAX
    }

    pub(super) fn commit(&mut self) {
        if let Some(draft) = self.draft.take() {
            self.content = draft;
        }
    }
}

fn resized(content: &[u8], len: u64) -> Result<Arc<[u8]>, Error> {
    let len = usize::try_from(len).map_err(|_| Error::TooLarge)?;
    if len > LENGTH_MAX {
        return Err(Error::TooLarge);
    }
    let mut content = content.to_vec();
    content.resize(len, 0);
    Ok(content.into())
}

#[cfg(test)]
mod tests {
    use super::super::{Access, Entry, Model, Op};
    use fs_core::error::Error;

    fn run(model: &mut Model, ops: &[Op]) {
        for op in ops {
            assert_eq!(model.apply(op).result, Ok(()), "{op:?}");
        }
    }

    fn file(content: &[u8]) -> Entry {
        Entry::File(content.into())
    }

    #[test]
    fn a_write_is_kept_by_a_cut_only_after_its_commit() {
        let mut model = Model::new();
        run(
            &mut model,
            &[
                Op::Open(0, "/a".into(), Access::CREATE),
                Op::Write(0, 0, b"old".to_vec()),
                Op::SyncFile(0),
                Op::Write(0, 1, b"EW".to_vec()),
            ],
        );
        assert_eq!(model.visible().iter().next().map(|(_, e)| e.clone()), Some(file(b"oEW")));
        run(&mut model, &[Op::Cut]);
        assert_eq!(model.visible().iter().next().map(|(_, e)| e.clone()), Some(file(b"old")));
    }

    #[test]
    fn a_volume_sync_in_flight_may_have_committed_any_of_the_drafts() {
        let mut model = Model::new();
        run(
            &mut model,
            &[
                Op::Open(0, "/a".into(), Access::CREATE),
                Op::Open(1, "/b".into(), Access::CREATE),
                Op::Write(0, 0, b"A".to_vec()),
                Op::Write(1, 0, b"B".to_vec()),
            ],
        );
        assert_eq!(model.clone().apply(&Op::Sync).between.len(), 2);
        assert_eq!(model.apply(&Op::SyncFile(0)).between.len(), 0);
    }

    #[test]
    fn a_renamed_directory_takes_its_entries_along_and_cannot_enter_itself() {
        let mut model = Model::new();
        run(
            &mut model,
            &[
                Op::Mkdir("/a".into()),
                Op::Mkdir("/ab".into()),
                Op::Replace("/a/x".into(), b"1".to_vec()),
                Op::Rename("/a".into(), "/ab/c".into()),
            ],
        );
        let paths: Vec<_> = model.visible().iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(paths, ["/ab", "/ab/c", "/ab/c/x"]);
        let looped = model.apply(&Op::Rename("/ab".into(), "/ab/c/d".into())).result;
        assert_eq!(looped, Err(Error::WouldLoop));
        assert_eq!(model.apply(&Op::Rmdir("/ab/c".into())).result, Err(Error::NotEmpty));
    }
}
