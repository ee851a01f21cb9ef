//! Reading: which bytes of a file come from where.
//!
//! Three layers, the upper ones first: the unit in the buffer and the block that it belongs to; the
//! runs and patches of the draft; the tail, the patches and the runs that the log has. What none of
//! them has is zero, and so is everything behind the valid bytes, whatever the medium holds there.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::transfer::Transfer;
use super::super::txn::Txn;
use super::Vellum;
use super::runs::{StoredRun, Units};
use crate::api::VnodeId;
use crate::error::{Error, Field, Malformed, Result, corrupt};
use crate::extent::{Extent, ExtentList, Packer};
use crate::format::inline;
use crate::format::tail;
use crate::memory::{Draft, KnownRun, OpenBlock};
use crate::units::{BlockNo, ByteOffset, ObjectId};

/// Where bytes of a file come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// They are zero.
    Zero,
    /// They are at this place of the device.
    Device(ByteOffset),
    /// They are in the draft's buffer, from this byte on.
    Buffer(usize),
    /// They are in the tail item that begins at byte `offset`, after `skip` bytes of it.
    Tail {
        /// Where the item begins in the content.
        offset: u64,
        /// Bytes of it that come before.
        skip: usize,
    },
}

/// Bytes of a file that come from one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub source: Source,
    pub length: u64,
}

/// What the upper layers say.
enum Upper {
    Piece(Piece),
    /// Nothing before this byte: ask the log for that object.
    Below {
        end: u64,
        data: ObjectId,
        /// Whether the tail items of the object count.
        tail: bool,
    },
}

fn zero(at: u64, end: u64) -> Upper {
    Upper::Piece(Piece { source: Source::Zero, length: end.saturating_sub(at) })
}

fn on_device(units: Units, block: BlockNo, index: u64, at: u64) -> ByteOffset {
    let behind = at.saturating_sub(units.start(index));
    ByteOffset(u64::from(block.0).saturating_mul(units.block)).plus(behind)
}

/// What the open block says about byte `at`; else how far it is not concerned.
fn of_open(open: &OpenBlock, units: Units, at: u64, end: u64) -> Result<Piece, u64> {
    let start = units.start(open.index);
    let unit = start.saturating_add(units.bytes(open.units));
    let unit_end = unit.saturating_add(units.unit);
    let piece = |source, to: u64| Piece { source, length: to.min(end).saturating_sub(at) };
    if at < start {
        return Err(end.min(start));
    }
    if at < unit {
        // Without a block of its own the first units are what they were.
        return match open.block {
            BlockNo(0) => Err(end.min(unit)),
            block => Ok(piece(Source::Device(on_device(units, block, open.index, at)), unit)),
        };
    }
    if open.loaded && at < unit_end {
        let within = usize::try_from(at.saturating_sub(unit)).unwrap_or(0);
        return Ok(piece(Source::Buffer(within), unit_end));
    }
    Err(end)
}

/// What the runs of a draft say about byte `at`; else how far they are not concerned.
fn of_runs(draft: &Draft, units: Units, at: u64, end: u64) -> Result<Piece, u64> {
    let mut end = end;
    for run in &draft.runs {
        let start = units.start(run.index);
        let hole = run.block == BlockNo(0);
        let blocks = if hole { u64::from(run.units) } else { units.blocks(run.units).into() };
        let stop = start.saturating_add(units.start(blocks));
        let written = if hole { start } else { start.saturating_add(units.bytes(run.units)) };
        if at < start {
            end = end.min(start);
        } else if at < written {
            let source = Source::Device(on_device(units, run.block, run.index, at));
            return Ok(Piece { source, length: written.min(end).saturating_sub(at) });
        } else if at < stop {
            // The rest of a block that the draft has replaced.
            return Ok(Piece { source: Source::Zero, length: stop.min(end).saturating_sub(at) });
        }
    }
    Err(end)
}

impl<D> Vellum<'_, D> {
    /// What RAM says about the bytes from `at` to `end` of a file whose content is in blocks.
    fn upper(&self, vnode: VnodeId, at: u64, end: u64) -> Result<Upper> {
        let inode = self.node(vnode)?.inode;
        let Some(draft) = self.draft_of(vnode)? else {
            let end = end.min(inode.valid.max(at));
            return Ok(if at < inode.valid {
                Upper::Below { end, data: inode.data, tail: true }
            } else {
                zero(at, end.max(at))
            });
        };
        let units = self.units();
        let end = end.min(draft.valid);
        let open = draft.open.as_ref().map_or(Err(end), |open| of_open(open, units, at, end));
        let end = match open {
            Ok(piece) => return Ok(Upper::Piece(piece)),
            Err(end) => end,
        };
        let end = match of_runs(draft, units, at, end) {
            Ok(piece) => return Ok(Upper::Piece(piece)),
            Err(end) => end,
        };
        let end = match self.of_patches(vnode, at, end)? {
            Ok(piece) => return Ok(Upper::Piece(piece)),
            Err(end) => end,
        };
        if at >= draft.base || draft.data == ObjectId(0) {
            return Ok(zero(at, end));
        }
        let end = end.min(draft.base);
        // What went to the log early has the bytes of the tail in a run.
        let early = draft.base > inode.valid;
        let tail = !draft.replaced && !early && at < inode.valid;
        Ok(Upper::Below { end, data: draft.data, tail })
    }

    /// A run that was looked up before and holds block `index`.
    pub(super) fn known(&self, vnode: VnodeId, index: u64) -> Option<StoredRun> {
        let units = self.units();
        let index = u32::try_from(index).ok()?;
        let node = self.node(vnode).ok()?;
        let holds = |run: &&KnownRun| {
            let behind = index.checked_sub(run.index);
            behind.is_some_and(|behind| behind < units.blocks(run.units))
        };
        let run = node.runs.iter().find(holds)?;
        Some(StoredRun {
            index: run.index.into(),
            block: run.block,
            units: run.units,
            unwritten: false,
            blocks: units.blocks(run.units),
        })
    }

    fn remember(&mut self, vnode: VnodeId, run: &StoredRun) {
        let (Ok(index), false) = (u32::try_from(run.index), run.unwritten) else { return };
        let Ok(node) = self.table.get_mut(vnode) else { return };
        let [newest, older] = &mut node.runs;
        *older = *newest;
        *newest = KnownRun { index, block: run.block, units: run.units };
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Where the bytes from `at` on come from, of a file whose content is in blocks: one piece, not
    /// beyond `end`, which is above `at` and not above the size.
    pub(super) async fn piece(&mut self, vnode: VnodeId, at: u64, end: u64) -> Result<Piece> {
        let (valid, end) = (self.valid_of(vnode)?, end);
        if at >= valid {
            return Ok(Piece { source: Source::Zero, length: end.saturating_sub(at) });
        }
        let (end, data, tail) = match self.upper(vnode, at, end.min(valid))? {
            Upper::Piece(piece) => return Ok(piece),
            Upper::Below { end, data, tail } => (end, data, tail),
        };
        let mut end = end;
        if tail {
            let start = self.units().unit_start(self.node(vnode)?.inode.valid);
            if at < start {
                end = end.min(start);
            } else if let Some(piece) = self.tail_piece(data, at, end).await? {
                return Ok(piece);
            }
        }
        self.run_piece(vnode, data, at, end).await
    }

    async fn tail_piece(&mut self, data: ObjectId, at: u64, end: u64) -> Result<Option<Piece>> {
        let found = self.txn.floor(tail::key(data, at), &mut []).await?;
        let Some((key, length)) = found else { return Ok(None) };
        let stop = key.offset.saturating_add(length as u64);
        if at >= stop {
            return Ok(None);
        }
        let skip = usize::try_from(at.saturating_sub(key.offset)).map_err(|_| Error::Bug)?;
        let source = Source::Tail { offset: key.offset, skip };
        Ok(Some(Piece { source, length: stop.min(end).saturating_sub(at) }))
    }

    async fn run_piece(
        &mut self,
        vnode: VnodeId,
        data: ObjectId,
        at: u64,
        end: u64,
    ) -> Result<Piece> {
        let end = match self.patched(vnode, data, at, end).await? {
            Ok(piece) => return Ok(piece),
            Err(end) => end,
        };
        let units = self.units();
        let index = units.index(at);
        let known = self.known(vnode, index);
        let run = match known {
            Some(run) => Some(run),
            None => self.run_at(data, index).await?,
        };
        let Some(run) = run else {
            let next = self.run_from(data, index).await?;
            let stop = next.map_or(end, |next| units.start(next.index).min(end));
            return Ok(Piece { source: Source::Zero, length: stop.saturating_sub(at) });
        };
        if known.is_none() {
            self.remember(vnode, &run);
        }
        let written = units.start(run.index).saturating_add(units.bytes(run.units));
        if at >= written || run.unwritten {
            let stop = units.start(run.end()).min(end);
            return Ok(Piece { source: Source::Zero, length: stop.saturating_sub(at) });
        }
        let source = Source::Device(on_device(units, run.block, run.index, at));
        Ok(Piece { source, length: written.min(end).saturating_sub(at) })
    }

    /// Fills `target` from a piece that is at least as long.
    pub(super) async fn fetch(
        &mut self,
        vnode: VnodeId,
        source: Source,
        target: &mut [u8],
    ) -> Result<()> {
        let Source::Buffer(from) = source else {
            let data = self.node(vnode)?.inode.data;
            return fetch_from(&mut self.txn, data, source, target).await;
        };
        let draft = self.draft_of(vnode)?.ok_or(Error::Bug)?;
        let bytes = draft.bytes.get(from..).and_then(|rest| rest.get(..target.len()));
        target.copy_from_slice(bytes.ok_or(Error::Bug)?);
        Ok(())
    }

    pub(super) async fn read_at(
        &mut self,
        vnode: VnodeId,
        offset: u64,
        target: &mut [u8],
    ) -> Result<usize> {
        self.file(vnode)?;
        let size = self.size_of(vnode)?;
        let rest = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = rest.min(target.len());
        let target = target.get_mut(..count).ok_or(Error::Bug)?;
        if self.read_inline(vnode, offset, target).await? {
            return Ok(count);
        }
        let mut done = 0_usize;
        while let Some(rest) = target.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(done as u64);
            let end = at.saturating_add(rest.len() as u64);
            let piece = self.piece(vnode, at, end).await?;
            let length = usize::try_from(piece.length).unwrap_or(usize::MAX).min(rest.len());
            if length == 0 {
                return Err(Error::Bug);
            }
            let part = rest.get_mut(..length).ok_or(Error::Bug)?;
            self.fetch(vnode, piece.source, part).await?;
            done = done.saturating_add(length);
        }
        Ok(count)
    }

    /// Fills `target` if the content is one item or one buffer; else `false`.
    async fn read_inline(
        &mut self,
        vnode: VnodeId,
        offset: u64,
        target: &mut [u8],
    ) -> Result<bool> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Some(draft) = self.draft_of(vnode)? {
            if draft.inline {
                target.fill(0);
                let content = draft.content().get(from..).unwrap_or_default();
                for (byte, valid) in target.iter_mut().zip(content) {
                    *byte = *valid;
                }
            }
            return Ok(draft.inline);
        }
        let inode = self.node(vnode)?.inode;
        if inode.valid > inline::BYTES_MAX as u64 {
            return Ok(false);
        }
        if inode.valid == 0 {
            target.fill(0);
            return Ok(true);
        }
        target.fill(0);
        let valid = usize::try_from(inode.valid).map_err(|_| Error::Bug)?;
        let part = valid.saturating_sub(from).min(target.len());
        let target = target.get_mut(..part).ok_or(Error::Bug)?;
        let found = self.txn.get_part(inline::key(inode.data), from, target).await?;
        match found {
            None => Ok(false),
            Some(length) if length == valid => Ok(true),
            Some(_) => {
                Err(corrupt(self.txn.state().scalars.root.block)(Malformed::Field(Field::Valid)))
            }
        }
    }
}

/// Fills `target` from a piece that is not in the draft's own buffer.
#[colour]
pub(super) async fn fetch_from<D: BlockDevice>(
    txn: &mut Txn<'_, D>,
    data: ObjectId,
    source: Source,
    target: &mut [u8],
) -> Result<()> {
    match source {
        Source::Zero => target.fill(0),
        Source::Device(at) => move_data(txn, at, target).await?,
        Source::Buffer(_) => return Err(Error::Bug),
        Source::Tail { offset, skip } => {
            let length = txn.get_part(tail::key(data, offset), skip, target).await?;
            let damaged = corrupt(txn.state().scalars.root.block);
            if length.is_none_or(|length| length < skip.saturating_add(target.len())) {
                return Err(damaged(Malformed::Field(Field::Tail)));
            }
        }
    }
    Ok(())
}

/// Reads from the device straight into `target`.
#[colour]
async fn move_data<D: BlockDevice>(
    txn: &mut Txn<'_, D>,
    at: ByteOffset,
    target: &mut [u8],
) -> Result<()> {
    if txn.read_part(at, target).await? {
        return Ok(());
    }
    let mut slots = [Extent::zero(ByteOffset(0), 0)];
    let mut runs = ExtentList::new(&mut slots);
    let length = target.len() as u64;
    let run = Extent::data(ByteOffset(0), at, length);
    let _ = Packer::new(&mut runs, ByteOffset(0), length).pack(run);
    let (device, unit) = txn.for_transfer()?;
    let moved = Transfer::new(unit).read(device, &runs, ByteOffset(0), target).await;
    if moved? == target.len() { Ok(()) } else { Err(Error::Bug) }
}
