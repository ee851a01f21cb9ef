//! What each call does to the reference filesystem.

use std::sync::Arc;

use fs_core::error::Error;

use super::paths::{below, split};
use super::{Access, CONTENT_MAX, File, Handle, LENGTH_MAX, Model, Node, Op, Slot, Tree};

/// Longest name.
const NAME_MAX: usize = 255;

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
            Op::Write(slot, at, bytes) => self.write(*slot, *at, bytes),
            Op::SetLen(slot, len) => self.set_len(*slot, *len),
            Op::SyncFile(slot) => {
                let file = self.handles.get(slot).ok_or(Error::Stale)?.file;
                self.files[file].commit();
                Ok(())
            }
            Op::Discard(slot) => {
                self.for_writing(*slot)?.draft = None;
                Ok(())
            }
            Op::Mkdir(path) => self.mkdir(path),
            Op::Rmdir(path) => self.rmdir(path),
            Op::Remove(path) => self.remove(path),
            Op::Rename(from, to) => self.rename(from, to),
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
            Op::Read(slot) => self.content(*slot).map(|_| ()),
            Op::Maintain(_) | Op::Look | Op::Check | Op::Mount { .. } | Op::MountOrFormat => Ok(()),
        }
    }

    fn between(&self, op: &Op) -> Vec<Tree> {
        self.partial(op).iter().map(Self::committed).collect()
    }

    /// What a call that ended early may have left besides nothing and everything: volume sync is
    /// one transaction for each file, and any of them may be in.
    #[must_use]
    pub fn partial(&self, op: &Op) -> Vec<Self> {
        if !matches!(op, Op::Sync | Op::Park | Op::Unmount) {
            return Vec::new();
        }
        let drafts: Vec<usize> = (0..self.files.len())
            .filter(|file| self.files[*file].draft.is_some() && self.named(*file))
            .collect();
        let subsets = 1_u32 << drafts.len().min(6);
        (1..subsets.saturating_sub(1))
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
            Op::Truncate(path, len) => {
                let mut drafted = self.clone();
                if let Ok(file) = drafted.file_at(path) {
                    let file = &mut drafted.files[file];
                    file.draft = resized(file.visible(), *len).ok();
                }
                left.push(drafted);
            }
            _ => {}
        }
        left.push(done);
        left
    }

    fn named(&self, file: usize) -> bool {
        self.names.values().any(|node| matches!(node, Node::File(named) if *named == file))
    }

    fn open(&mut self, slot: Slot, path: &str, access: Access) -> Result<(), Error> {
        let found = match self.names.get(path) {
            Some(Node::Directory) => return Err(Error::IsADirectory),
            Some(Node::File(_)) if access.create_new => return Err(Error::Exists),
            Some(Node::File(file)) => Some(*file),
            None => None,
        };
        let file = match found {
            Some(file) => file,
            None if access.create => {
                self.room_for(path)?;
                self.add_file(path, Arc::from([]))
            }
            None => {
                self.parent_of(path)?;
                return Err(Error::NotFound);
            }
        };
        if access.truncate {
            self.files[file].draft = Some(Arc::from([]));
        }
        self.handles.insert(slot, Handle { file, access });
        Ok(())
    }

    fn add_file(&mut self, path: &str, content: Arc<[u8]>) -> usize {
        self.files.push(File { content, draft: None });
        let file = self.files.len() - 1;
        self.names.insert(path.into(), Node::File(file));
        file
    }

    fn for_writing(&mut self, slot: Slot) -> Result<&mut File, Error> {
        let handle = self.handles.get(&slot).ok_or(Error::Stale)?;
        if handle.access.write { Ok(&mut self.files[handle.file]) } else { Err(Error::BadAccess) }
    }

    fn write(&mut self, slot: Slot, at: u64, bytes: &[u8]) -> Result<(), Error> {
        let file = self.for_writing(slot)?;
        let at = usize::try_from(at).map_err(|_| Error::TooLarge)?;
        let end = at.saturating_add(bytes.len());
        if end > CONTENT_MAX {
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
        let file = self.file_at(path)?;
        let file = &mut self.files[file];
        file.content = resized(file.visible(), len)?;
        file.draft = None;
        Ok(())
    }

    fn replace(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > CONTENT_MAX {
            return Err(Error::TooLarge);
        }
        match self.names.get(path) {
            Some(Node::Directory) => return Err(Error::IsADirectory),
            Some(Node::File(file)) => {
                self.files[*file] = File { content: bytes.into(), draft: None };
            }
            None => {
                self.room_for(path)?;
                self.add_file(path, bytes.into());
            }
        }
        Ok(())
    }

    fn mkdir(&mut self, path: &str) -> Result<(), Error> {
        if self.names.contains_key(path) {
            return Err(Error::Exists);
        }
        self.room_for(path)?;
        self.names.insert(path.into(), Node::Directory);
        Ok(())
    }

    fn rmdir(&mut self, path: &str) -> Result<(), Error> {
        match self.node_at(path)? {
            Node::File(_) => return Err(Error::NotADirectory),
            Node::Directory if self.has_entries(path) => return Err(Error::NotEmpty),
            Node::Directory => {}
        }
        self.names.remove(path);
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), Error> {
        self.file_at(path)?;
        self.names.remove(path);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let node = self.node_at(from)?.clone();
        self.room_for(to)?;
        if from == to {
            return Ok(());
        }
        if below(to, from) {
            return Err(Error::WouldLoop);
        }
        match (&node, self.names.get(to)) {
            (Node::Directory, Some(Node::File(_))) => return Err(Error::NotADirectory),
            (Node::File(_), Some(Node::Directory)) => return Err(Error::IsADirectory),
            (Node::Directory, Some(Node::Directory)) if self.has_entries(to) => {
                return Err(Error::NotEmpty);
            }
            _ => {}
        }
        if let Node::File(file) = node {
            self.files[file].commit();
        }
        let moved: Vec<Arc<str>> =
            self.names.keys().filter(|path| below(path, from)).cloned().collect();
        for path in moved {
            if let Some(node) = self.names.remove(&path) {
                self.names.insert(format!("{to}{}", &path[from.len()..]).into(), node);
            }
        }
        self.names.remove(from);
        self.names.insert(to.into(), node);
        Ok(())
    }

    fn has_entries(&self, directory: &str) -> bool {
        self.names.keys().any(|path| below(path, directory))
    }

    fn node_at(&self, path: &str) -> Result<&Node, Error> {
        match self.names.get(path) {
            Some(node) => Ok(node),
            None => self.parent_of(path).and(Err(Error::NotFound)),
        }
    }

    fn file_at(&self, path: &str) -> Result<usize, Error> {
        match self.node_at(path)? {
            Node::Directory => Err(Error::IsADirectory),
            Node::File(file) => Ok(*file),
        }
    }

    /// The directory that would hold `path` exists.
    fn parent_of(&self, path: &str) -> Result<(), Error> {
        match split(path).0 {
            "" => Ok(()),
            parent => match self.names.get(parent) {
                Some(Node::Directory) => Ok(()),
                Some(Node::File(_)) => Err(Error::NotADirectory),
                None => Err(Error::NotFound),
            },
        }
    }

    /// An entry may be called `path`.
    fn room_for(&self, path: &str) -> Result<(), Error> {
        self.parent_of(path)?;
        if split(path).1.len() > NAME_MAX { Err(Error::NameTooLong) } else { Ok(()) }
    }
}

impl File {
    fn commit(&mut self) {
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
