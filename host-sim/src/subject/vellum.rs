//! The real filesystem, in its blocking colour.

use std::cell::RefCell;

use fs_core::api::{
    AllocateFlags, AttributeChange, Cookie, Durability, FileId, FormatOptions, MapFor,
    MountOptions, NameBuf, NodeKind, Op as Together, OpId, OpenOptions, Owner, XattrMode,
};
use fs_core::blocking::Volume;
use fs_core::blocking::device::{BlockDevice, Either, Inverted};
use fs_core::error::{DeviceError, Error, ErrorKind, Result};
use fs_core::extent::{Extent, ExtentList};
use fs_core::format::name::short_hashes;
use fs_core::memory::{Memory, Operation};
use fs_core::units::ByteOffset;

use super::{Ending, Facts, Listed, Mounted, Mounting, Space, Subject};
use crate::chip::{Nor, Way};
use crate::clock::wall;
use crate::drivers::blocking::OnWires;
use crate::model::{Access, CONTENT_MAX, Change, LENGTH_MAX, Op, SAME, Slot};
use crate::scenario::Tuning;

/// The memory every scenario fits into.
pub type Lent = Memory<2048, 5, 3>;
/// The same with more cached pages: whole trees are compared after every cut.
type Explored = Memory<2048, 5, 3, 6>;

/// The real filesystem.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vellum;

/// What volumes of the explorer are formatted with.
#[must_use]
pub fn format_options(tuning: Tuning) -> FormatOptions {
    FormatOptions {
        uuid: *b"explored volume!",
        hash_seed: if tuning.hash_bits < 55 {
            short_hashes(tuning.hash_bits)
        } else {
            *b"explored hashes!"
        },
        pending_bytes_max: tuning.pending_bytes_max,
        journal_blocks_max: tuning.journal_blocks_max,
        ..FormatOptions::default()
    }
}

/// The options that open a file as a script asks for.
#[must_use]
pub const fn open_options(access: Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    if access.read {
        options = options.read();
    }
    if access.write {
        options = options.write();
    }
    if access.create {
        options = options.create();
    }
    if access.create_new {
        options = options.create_new();
    }
    if access.truncate {
        options = options.truncate();
    }
    options
}

/// A chip, behind what its erased bytes need, or behind its wires.
type Wired<'d> = Either<Either<&'d mut Nor, Inverted<&'d mut Nor>>, OnWires>;

fn wired(device: &mut Nor) -> Result<Wired<'_>> {
    if device.spec().way != Way::Array {
        return Ok(Either::Right(OnWires::new(device)?));
    }
    Ok(Either::Left(if device.spec().erased_to_zero {
        Either::Right(Inverted::new(device).expect("small program units"))
    } else {
        Either::Left(device)
    }))
}

struct Live<'v, 'm, 'd> {
    volume: &'v Volume<'m, Wired<'d>>,
    open: RefCell<Vec<(Slot, FileId)>>,
    /// What moves data beside the volume.
    hardware: RefCell<Nor>,
    transfers: RefCell<Vec<Transfer>>,
}

/// A transfer that was planned.
struct Transfer {
    number: u8,
    op: OpId,
    from: u64,
    writes: bool,
    runs: Vec<Extent>,
    /// Why hardware has not carried it out.
    failed: Option<Error>,
}

/// Room for a content of `size` bytes, and one more; no script makes longer ones.
fn room_for(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX).min(LENGTH_MAX) + 1
}

impl Subject for Vellum {
    fn name(&self) -> String {
        "vellum".into()
    }

    fn has_anchors(&self) -> bool {
        true
    }

    /// The specification knows whole hashes only.
    fn is_specified(&self, tuning: Tuning) -> bool {
        tuning.hash_bits == 55
    }

    fn format(&self, device: &mut Nor, tuning: Tuning) -> Result<()> {
        Volume::format(&mut wired(device)?, &mut Lent::new(), &format_options(tuning))
    }

    fn session(
        &self,
        device: &mut Nor,
        tuning: Tuning,
        how: Mounting,
        body: &mut dyn FnMut(&dyn Mounted) -> Ending,
    ) -> Result<()> {
        let hardware = RefCell::new(device.clone());
        let mut operations = [Operation::EMPTY; 3];
        let (mut device, mut memory) = (wired(device)?, Explored::new());
        let read_only = how == Mounting::ReadOnly;
        let options = MountOptions { read_only, clock: wall, ..MountOptions::default() };
        let volume = if how == Mounting::OrFormat {
            Volume::mount_or_format(&mut device, &mut memory, options, &format_options(tuning))?
        } else {
            Volume::mount(&mut device, &mut memory, options)?
        };
        let volume = volume.with_operations(&mut operations);
        let (open, transfers) = (RefCell::default(), RefCell::default());
        match body(&Live { volume: &volume, open, hardware, transfers }) {
            Ending::Dropped => Ok(()),
            Ending::Unmounted => volume.unmount(),
        }
    }
}

impl Live<'_, '_, '_> {
    fn id(&self, slot: Slot) -> Result<FileId> {
        let open = self.open.borrow();
        open.iter().find(|(other, _)| *other == slot).map(|(_, id)| *id).ok_or(Error::Stale)
    }

    fn write(&self, slot: Slot, at: u64, mut bytes: &[u8]) -> Result<()> {
        let (id, mut at) = (self.id(slot)?, at);
        while !bytes.is_empty() {
            let taken = self.volume.write_at(id, at, bytes)?;
            if taken == 0 {
                return Err(Error::Bug);
            }
            at += taken as u64;
            bytes = bytes.get(taken..).unwrap_or_default();
        }
        Ok(())
    }
}

impl Live<'_, '_, '_> {
    fn map(&self, number: u8, slot: Slot, (from, length): (u64, u64), writes: bool) -> Result<()> {
        let id = self.id(slot)?;
        let what = if writes { MapFor::Write } else { MapFor::Read };
        let mut slots = [Extent::zero(ByteOffset(0), 0); 2];
        let mut list = ExtentList::new(&mut slots);
        let (mut op, mut covered, mut runs) = (None, 0, Vec::new());
        let mapped = loop {
            let range = (from + covered, length - covered);
            match self.volume.map(id, range, what, op, &mut list) {
                Ok(mapping) => {
                    runs.extend_from_slice(list.as_slice());
                    op = op.or(mapping.op);
                    covered += mapping.covered;
                    match mapping.more {
                        _ if covered == length => break Ok(()),
                        true => {}
                        false => break Err(Error::NoSpace),
                    }
                }
                Err(error) => break Err(error),
            }
        };
        if let (Err(error), Some(op)) = (mapped, op) {
            // All or nothing: what was planned is given up, which changes nothing.
            let given_up = self.volume.complete(op, 0, Err(error), Durability::Deferred);
            return mapped.and(given_up.map(|_| ()));
        }
        mapped?;
        let op = op.ok_or(Error::Bug)?;
        let transfer = Transfer { number, op, from, writes, runs, failed: None };
        self.transfers.borrow_mut().push(transfer);
        Ok(())
    }

    /// Moves the bytes of a transfer, if it was planned, and remembers if that failed.
    fn transfer(&self, number: u8, bytes: &[u8]) -> Result<()> {
        let mut transfers = self.transfers.borrow_mut();
        let found = transfers.iter_mut().find(|transfer| transfer.number == number);
        let Some(transfer) = found else { return Ok(()) };
        let moved = self.moved(transfer, bytes);
        transfer.failed = transfer.failed.or(moved.err());
        moved
    }

    /// Moves the bytes of a transfer as hardware does: in append units, and not in the order of the
    /// runs.
    fn moved(&self, transfer: &Transfer, bytes: &[u8]) -> Result<()> {
        let Transfer { from, writes, runs, .. } = transfer;
        let mut hardware = self.hardware.borrow_mut();
        let unit = hardware.geometry().program_unit.max(256) as usize;
        let mut device = wired(&mut hardware)?;
        for run in runs.iter().rev() {
            let start = usize::try_from(run.logical.0 - from).map_err(|_| Error::Bug)?;
            let length = usize::try_from(run.length).map_err(|_| Error::Bug)?;
            let end = (start + length).min(bytes.len());
            let wanted = bytes.get(start..end).unwrap_or_default();
            let mut piece = wanted.to_vec();
            if !writes {
                piece.fill(0);
                device.read(run.physical, &mut piece).map_err(|error| error.kind())?;
                if piece != wanted {
                    return Err(Error::Bug);
                }
                continue;
            }
            piece.resize(piece.len().next_multiple_of(unit), 0);
            for (number, bytes) in piece.chunks(unit).enumerate() {
                let at = run.physical.plus((number * unit) as u64);
                device.program(at, bytes).map_err(|error| error.kind())?;
            }
        }
        Ok(())
    }

    /// Ends a transfer, if it was planned.
    fn complete(&self, number: u8, done: usize, ok: bool) -> Result<()> {
        let transfers = self.transfers.borrow();
        let found = transfers.iter().find(|transfer| transfer.number == number);
        let Some(&Transfer { op, failed, .. }) = found else { return Ok(()) };
        let status = if ok { Ok(()) } else { Err(Error::Device(ErrorKind::Transport)) };
        let status = failed.map_or(status, Err);
        self.volume.complete(op, done as u64, status, Durability::Deferred)?;
        drop(transfers);
        self.transfers.borrow_mut().retain(|transfer| transfer.number != number);
        Ok(())
    }
}

impl Mounted for Live<'_, '_, '_> {
    fn call(&self, op: &Op) -> Result<()> {
        let volume = self.volume;
        match op {
            Op::Open(slot, path, access) => {
                let id = volume.open(path, open_options(*access))?;
                self.open.borrow_mut().push((*slot, id));
                Ok(())
            }
            Op::Close(slot) => {
                let id = self.id(*slot)?;
                self.open.borrow_mut().retain(|(other, _)| other != slot);
                volume.close(id)
            }
            Op::Write(slot, at, bytes) => self.write(*slot, *at, bytes),
            Op::Map(number, slot, from, length, writes) => {
                self.map(*number, *slot, (*from, *length), *writes)
            }
            Op::Transfer(number, bytes) => self.transfer(*number, bytes),
            Op::Complete(number, _, _, bytes, ok) => self.complete(*number, bytes.len(), *ok),
            Op::SetLen(slot, len) => volume.set_len(self.id(*slot)?, *len),
            Op::SyncFile(slot) => volume.sync_file(self.id(*slot)?),
            Op::Allocate(slot, from, length, persist) => {
                let none = AllocateFlags::empty();
                let flags = if *persist { AllocateFlags::PERSIST } else { none };
                volume.allocate(self.id(*slot)?, *from, *length, flags).map(|_| ())
            }
            Op::Discard(slot) => volume.discard(self.id(*slot)?),
            Op::Sync => volume.sync(),
            Op::Park => volume.park(),
            Op::Mkdir(path) => volume.mkdir(path),
            Op::Rmdir(path) => volume.rmdir(path),
            Op::Remove(path) => volume.remove(path),
            Op::Rename(from, to) => volume.rename(from, to),
            Op::RenameWith(from, to, mode) => volume.rename_with(from, to, *mode),
            Op::Exchange(one, other) => volume.exchange(one, other),
            Op::Link(file, name) => volume.link(file, name),
            Op::Symlink(target, path) => volume.symlink(target, path),
            Op::SetXattr(path, name, value) => volume.set_xattr(path, name, value, XattrMode::Any),
            Op::RemoveXattr(path, name) => volume.remove_xattr(path, name),
            Op::SetOwner(path, mode, user, group) => {
                let owner = Owner { mode: *mode, user: *user, group: *group };
                volume.set_attributes(path, AttributeChange::owner(owner))
            }
            Op::Transaction(changes) => {
                let ids = changes.iter().map(|change| match change {
                    Change::Commit(slot) => self.id(*slot).map(Together::Commit),
                    Change::Rename(from, to) => Ok(Together::Rename { from, to }),
                    Change::Remove(path) => Ok(Together::Remove(path)),
                });
                volume.commit(&ids.collect::<Result<Vec<_>>>()?)
            }
            Op::Truncate(path, len) => volume.truncate(path, *len),
            Op::Replace(path, bytes) => volume.replace(path, bytes),
            Op::Maintain(budget) => volume.maintain(*budget).map(|_| ()),
            _ => Err(Error::NotSupported),
        }
    }

    fn read(&self, slot: Slot) -> Result<Vec<u8>> {
        let id = self.id(slot)?;
        let size = self.volume.stat_file(id)?.size;
        let mut content = vec![0; room_for(size)];
        let mut done = 0;
        loop {
            match self.volume.read_at(id, done as u64, &mut content[done..])? {
                0 => break,
                read => done += read,
            }
        }
        content.truncate(done);
        Ok(content)
    }

    fn list(&self, directory: &str) -> Result<Vec<Listed>> {
        let mut entries = Vec::new();
        let mut name = NameBuf::new();
        let mut listing = self.volume.read_dir(directory)?;
        while let Some(entry) = listing.next(&mut name)? {
            entries.push(Listed {
                name: String::from_utf8_lossy(name.as_bytes()).into_owned(),
                directory: entry.kind == NodeKind::Directory,
                link: entry.kind == NodeKind::Symlink,
                size: entry.size,
            });
        }
        Ok(entries)
    }

    fn facts(&self, path: &str, listed: &Listed) -> Result<Facts> {
        let mut facts = Facts::default();
        let found = self.volume.symlink_stat(path)?;
        if found.links > 1 {
            facts.facts.push((SAME.into(), found.object.0.to_string().into()));
        }
        if listed.link {
            let mut target = vec![0; CONTENT_MAX];
            let length = self.volume.read_link(path, &mut target)?;
            target.truncate(length);
            facts.target = String::from_utf8_lossy(&target).into_owned();
            return Ok(facts);
        }
        if let Some(Owner { mode, user, group }) = found.owner {
            facts.facts.push(("owner".into(), format!("{mode:o} {user} {group}").into()));
        }
        let (mut at, mut name) = (Cookie::START, NameBuf::new());
        while let Some(next) = self.volume.list_xattr(path, at, &mut name)? {
            let mut value = vec![0; LENGTH_MAX];
            let text = String::from_utf8_lossy(name.as_bytes()).into_owned();
            let length = self.volume.get_xattr(path, &text, &mut value)?;
            value.truncate(length);
            facts.facts.push((format!("attribute {text}"), value));
            at = next;
        }
        Ok(facts)
    }

    fn content(&self, path: &str) -> Result<Vec<u8>> {
        let size = self.volume.stat(path)?.size;
        let mut content = vec![0; room_for(size)];
        let read = self.volume.read_file(path, &mut content)?;
        content.truncate(read);
        Ok(content)
    }

    fn status(&self, path: &str) -> Result<Listed> {
        let found = self.volume.symlink_stat(path)?;
        Ok(Listed {
            name: path.rsplit('/').next().unwrap_or_default().into(),
            directory: found.kind == NodeKind::Directory,
            link: found.kind == NodeKind::Symlink,
            size: found.size,
        })
    }

    fn check(&self) -> Result<Space> {
        let report = self.volume.check()?;
        Ok(Space { used: report.blocks_used, free: report.blocks_free })
    }
}
