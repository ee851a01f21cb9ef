//! The explorer's canary: a volume that writes everything it holds for every change.
//!
//! Three slots; a commit writes the whole tree with a sequence number and a checksum into the slot
//! after the current one. A mount takes the valid slot with the highest number, copies it to a slot
//! that is neither it nor the second newest, and erases the slots that did not verify: after that
//! nothing on the medium can change the decision. With a [`Flaw`] one of these rules is broken,
//! and the explorer must notice.

use std::cell::RefCell;
use std::sync::Arc;

use fs_core::blocking::device::BlockDevice;
use fs_core::error::{Error, ErrorKind, Result};
use fs_core::units::ByteOffset;

use super::{Ending, Facts, Listed, Mounted, Mounting, Space, Subject};
use crate::chip::Nor;
use crate::model::{Entry, Model, Op, Slot, Tree};
use crate::rng::TraceHash;
use crate::scenario::Tuning;

/// Bytes before the serialised tree: checksum, sequence number, length.
const HEADER_BYTES: usize = 24;

/// Which rule of the toy is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// A mount decides anew each time.
    NotSettled,
    /// A slot counts whatever its checksum says.
    NotVerified,
    /// There is only one slot.
    InPlace,
    /// A slot is programmed without an erase.
    NotErased,
    /// A change is written with the next one.
    OneBehind,
    /// A rename is written as a removal and a creation.
    RenameInTwoSteps,
    /// A read-only mount settles.
    WritesReadOnly,
    /// A failed commit has happened as far as RAM is concerned.
    ErrorApplied,
}

impl Flaw {
    /// Every flaw.
    pub const ALL: &'static [Self] = &[
        Self::NotSettled,
        Self::NotVerified,
        Self::InPlace,
        Self::NotErased,
        Self::OneBehind,
        Self::RenameInTwoSteps,
        Self::WritesReadOnly,
        Self::ErrorApplied,
    ];
}

/// The canary.
#[derive(Debug, Clone, Copy, Default)]
pub struct Toy {
    /// What is wrong with it.
    pub flaw: Option<Flaw>,
}

/// Where the newest tree lies.
#[derive(Debug, Clone, Copy)]
struct Current {
    slot: u64,
    sequence: u64,
}

struct Volume<'d> {
    device: RefCell<&'d mut Nor>,
    model: RefCell<Model>,
    current: RefCell<Current>,
    flaw: Option<Flaw>,
    read_only: bool,
}

impl Subject for Toy {
    fn name(&self) -> String {
        self.flaw.map_or_else(|| "toy".into(), |flaw| format!("toy with {flaw:?}"))
    }

    fn format(&self, device: &mut Nor, _: Tuning) -> Result<()> {
        for slot in [1, 2] {
            erase(device, slot)?;
        }
        self.store(device, 0, 1, &Tree::default())
    }

    fn session(
        &self,
        device: &mut Nor,
        tuning: Tuning,
        how: Mounting,
        body: &mut dyn FnMut(&dyn Mounted) -> Ending,
    ) -> Result<()> {
        let read_only = how == Mounting::ReadOnly;
        let settles = !read_only || self.flaw == Some(Flaw::WritesReadOnly);
        let (tree, current) = match self.mount(device, settles) {
            Err(Error::NotFormatted) if how == Mounting::OrFormat => {
                self.format(device, tuning)?;
                self.mount(device, settles)?
            }
            other => other?,
        };
        let volume = Volume {
            device: RefCell::new(device),
            model: RefCell::new(Model::showing(&tree)),
            current: RefCell::new(current),
            flaw: self.flaw,
            read_only,
        };
        match body(&volume) {
            Ending::Dropped => Ok(()),
            Ending::Unmounted => volume.call(&Op::Unmount),
        }
    }
}

impl Toy {
    fn mount(self, device: &mut Nor, settles: bool) -> Result<(Tree, Current)> {
        let mut valid = Vec::new();
        let mut garbage = Vec::new();
        for slot in 0..3 {
            match self.load(device, slot)? {
                Some((sequence, tree)) => valid.push((sequence, slot, tree)),
                None => garbage.push(slot),
            }
        }
        valid.sort_by_key(|(sequence, slot, _)| (*sequence, *slot));
        let second = valid.len().checked_sub(2).and_then(|index| valid.get(index)).map(|v| v.1);
        let Some((sequence, slot, tree)) = valid.pop() else { return Err(Error::NotFormatted) };
        if !settles || matches!(self.flaw, Some(Flaw::NotSettled | Flaw::InPlace)) {
            return Ok((tree, Current { slot, sequence }));
        }
        let target =
            (0..3).find(|other| *other != slot && Some(*other) != second).ok_or(Error::Bug)?;
        self.store(device, target, sequence + 3, &tree)?;
        for other in garbage.into_iter().filter(|other| *other != target) {
            erase(device, other)?;
        }
        Ok((tree, Current { slot: target, sequence: sequence + 3 }))
    }

    fn load(self, device: &mut Nor, slot: u64) -> Result<Option<(u64, Tree)>> {
        let (at, room) = place(device, slot);
        let mut header = [0; HEADER_BYTES];
        read(device, at, &mut header)?;
        let word = |index: usize| {
            let bytes = header[8 * index..8 * index + 8].try_into();
            u64::from_le_bytes(bytes.unwrap_or_default())
        };
        let length = match usize::try_from(word(2)) {
            Ok(length) if length as u64 <= room - HEADER_BYTES as u64 => length,
            _ => return Ok(None),
        };
        let mut body = vec![0; length];
        read(device, at.plus(HEADER_BYTES as u64), &mut body)?;
        if word(0) != checksum(word(1), &body) && self.flaw != Some(Flaw::NotVerified) {
            return Ok(None);
        }
        Ok(decode(&body).map(|tree| (word(1), tree)))
    }

    fn store(self, device: &mut Nor, slot: u64, sequence: u64, tree: &Tree) -> Result<()> {
        let body = encode(tree);
        let mut bytes = checksum(sequence, &body).to_le_bytes().to_vec();
        bytes.extend(sequence.to_le_bytes());
        bytes.extend((body.len() as u64).to_le_bytes());
        bytes.extend(body);
        let (at, room) = place(device, slot);
        if bytes.len() as u64 > room {
            return Err(Error::NoSpace);
        }
        if self.flaw != Some(Flaw::NotErased) {
            erase(device, slot)?;
        }
        device.program(at, &bytes).map_err(failed)?;
        device.sync().map_err(failed)
    }
}

impl Volume<'_> {
    fn commit(&self, tree: &Tree) -> Result<()> {
        let current = *self.current.borrow();
        let slot = if self.flaw == Some(Flaw::InPlace) { 0 } else { (current.slot + 1) % 3 };
        let next = Current { slot, sequence: current.sequence + 1 };
        let toy = Toy { flaw: self.flaw };
        toy.store(&mut self.device.borrow_mut(), next.slot, next.sequence, tree)?;
        *self.current.borrow_mut() = next;
        Ok(())
    }
}

impl Mounted for Volume<'_> {
    fn call(&self, op: &Op) -> Result<()> {
        let before = self.model.borrow().clone();
        let mut after = before.clone();
        after.apply(op).result?;
        let (old, new) = (before.committed(), after.committed());
        if old != new {
            if self.read_only {
                return Err(Error::ReadOnly);
            }
            if let (Op::Rename(from, _), Some(Flaw::RenameInTwoSteps)) = (op, self.flaw) {
                self.commit(&old.without(from))?;
            }
            let written = if self.flaw == Some(Flaw::OneBehind) { &old } else { &new };
            let result = self.commit(written);
            if result.is_err() && self.flaw == Some(Flaw::ErrorApplied) {
                *self.model.borrow_mut() = after;
                return result;
            }
            result?;
        }
        *self.model.borrow_mut() = after;
        Ok(())
    }

    fn read(&self, slot: Slot) -> Result<Vec<u8>> {
        self.model.borrow().content(slot).map(|content| content.to_vec())
    }

    fn list(&self, directory: &str) -> Result<Vec<Listed>> {
        let tree = self.model.borrow().visible();
        let prefix = format!("{}/", directory.trim_end_matches('/'));
        let inside = tree.iter().filter_map(|(path, entry)| {
            let name = path.strip_prefix(&prefix)?;
            (!name.contains('/')).then(|| listed(name, entry))
        });
        Ok(inside.collect())
    }

    fn facts(&self, _: &str, _: &Listed) -> Result<Facts> {
        Ok(Facts::default())
    }

    fn content(&self, path: &str) -> Result<Vec<u8>> {
        match self.model.borrow().visible().iter().find(|(other, _)| ***other == *path) {
            Some((_, Entry::File(content))) => Ok(content.to_vec()),
            Some((_, Entry::Directory)) => Err(Error::IsADirectory),
            Some((_, Entry::Symlink(_))) => Err(Error::LinkLoop),
            None => Err(Error::NotFound),
        }
    }

    fn status(&self, path: &str) -> Result<Listed> {
        let tree = self.model.borrow().visible();
        let found = tree.iter().find(|(other, _)| ***other == *path);
        let (_, entry) = found.ok_or(Error::NotFound)?;
        Ok(listed(path.rsplit('/').next().unwrap_or_default(), entry))
    }

    fn check(&self) -> Result<Space> {
        Ok(Space { used: 0, free: 0 })
    }
}

fn listed(name: &str, entry: &Entry) -> Listed {
    let (directory, size) = match entry {
        Entry::Directory => (true, 0),
        Entry::File(content) => (false, content.len() as u64),
        Entry::Symlink(target) => (false, target.len() as u64),
    };
    let link = matches!(entry, Entry::Symlink(_));
    Listed { name: name.into(), directory, link, size }
}

fn failed(error: ErrorKind) -> Error {
    Error::Device(error)
}

/// Where a slot begins, and its bytes.
fn place(device: &Nor, slot: u64) -> (ByteOffset, u64) {
    let geometry = device.geometry();
    let unit = u64::from(geometry.erase_unit);
    let bytes = geometry.size / 3 / unit * unit;
    (ByteOffset(slot * bytes), bytes)
}

fn erase(device: &mut Nor, slot: u64) -> Result<()> {
    let (at, bytes) = place(device, slot);
    device.erase(at, bytes).map_err(failed)
}

/// A slot whose data cannot be read back is as good as garbage.
fn read(device: &mut Nor, at: ByteOffset, target: &mut [u8]) -> Result<()> {
    match device.read(at, target).map_err(failed) {
        Err(Error::Device(ErrorKind::Uncorrectable)) => {
            target.fill(0xFF);
            Ok(())
        }
        other => other,
    }
}

fn checksum(sequence: u64, body: &[u8]) -> u64 {
    let mut hash = TraceHash::default();
    hash.number(sequence);
    hash.bytes(body);
    hash.value()
}

fn encode(tree: &Tree) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, entry) in tree.iter() {
        let content: &[u8] = match entry {
            Entry::Directory | Entry::Symlink(_) => &[],
            Entry::File(content) => content,
        };
        bytes.push(u8::from(*entry != Entry::Directory));
        for part in [path.as_bytes(), content] {
            bytes.extend(u16::try_from(part.len()).unwrap_or_default().to_le_bytes());
            bytes.extend(part);
        }
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Option<Tree> {
    let mut tree = Tree::default();
    while let Some((kind, rest)) = bytes.split_first() {
        let (path, rest) = part(rest)?;
        let (content, rest) = part(rest)?;
        let entry = if *kind == 0 { Entry::Directory } else { Entry::File(content.into()) };
        tree.insert(Arc::from(std::str::from_utf8(path).ok()?), entry);
        bytes = rest;
    }
    Some(tree)
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))
}
