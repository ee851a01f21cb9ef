//! Content of files: drafted, resized, committed in one transaction.
//!
//! A draft is *inline*, up to 448 bytes in its buffer, or in blocks: see `write.rs`. Which of the
//! two the committed content is does not matter to who reads it.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Batch, DELETE_COST, Purpose, put_cost};
use super::plan::Changes;
use super::{Vellum, touched};
use crate::api::VnodeId;
use crate::error::{Error, Field, Malformed, Result, corrupt};
use crate::format::inline::{self, BYTES_MAX};
use crate::format::inode::{Inode, NodeType};
use crate::format::key::Kind;
use crate::memory::{Draft, Home, LastBlock, Node, OpenBlock, Stored};
use crate::mutant::{self, Mutant};
use crate::units::{BlockNo, ObjectId};

/// Sizes are 48 bits wide on the medium.
pub(super) const SIZE_MAX: u64 = (1 << 48) - 1;

impl<D> Vellum<'_, D> {
    /// The draft of `vnode`, if it has one.
    pub(super) fn draft_of(&self, vnode: VnodeId) -> Result<Option<&Draft>> {
        let Some(number) = self.node(vnode)?.draft else { return Ok(None) };
        self.drafts.get(usize::from(number)).map(Some).ok_or(Error::Bug)
    }

    pub(super) fn draft_mut(&mut self, vnode: VnodeId) -> Result<&mut Draft> {
        let number = self.node(vnode)?.draft.ok_or(Error::Bug)?;
        self.drafts.get_mut(usize::from(number)).ok_or(Error::Bug)
    }

    /// Abandons the draft of `vnode`, if it has one: its blocks are free again.
    pub(super) fn drop_draft(&mut self, vnode: VnodeId) -> Result<()> {
        let Some(number) = self.node(vnode)?.draft else { return Ok(()) };
        self.drop_spare(vnode)?;
        self.drop_patches(vnode, false)?;
        self.cut_out(vnode, 0, u64::MAX)?;
        let draft = self.drafts.get_mut(usize::from(number)).ok_or(Error::Bug)?;
        if let Some(OpenBlock { block, fresh: true, .. }) = draft.open.take() {
            self.txn.unpin(block, 1);
        }
        draft.used = false;
        self.table.get_mut(vnode)?.draft = None;
        Ok(())
    }

    /// Bytes of content of `vnode`, those of the draft if there is one.
    pub(super) fn size_of(&self, vnode: VnodeId) -> Result<u64> {
        let size = self.draft_of(vnode)?.map(|draft| draft.size);
        Ok(size.unwrap_or(self.node(vnode)?.inode.size))
    }

    /// Bytes of content of `vnode` that count, those of the draft if there is one.
    pub(super) fn valid_of(&self, vnode: VnodeId) -> Result<u64> {
        let valid = self.draft_of(vnode)?.map(|draft| draft.valid);
        Ok(valid.unwrap_or(self.node(vnode)?.inode.valid))
    }

    /// The attributes that `vnode` has once its draft is committed.
    pub(super) fn committed_inode(&self, vnode: VnodeId) -> Result<Inode> {
        let inode = self.node(vnode)?.inode;
        let Some(draft) = self.draft_of(vnode)? else { return Ok(inode) };
        let mut inode = touched(inode, (self.clock)(), true);
        inode.size = draft.size;
        inode.valid = draft.valid;
        inode.data = self.target_data(vnode)?.0;
        Ok(inode)
    }

    /// What committing the draft of `vnode` costs, which is inline, as the content was before: the
    /// content, or that there is none any more.
    pub(super) fn content_cost(&self, vnode: VnodeId) -> Result<usize> {
        let draft = self.draft_of(vnode)?;
        Ok(draft.map_or(0, |draft| put_cost(draft.content().len()).max(DELETE_COST)))
    }

    /// Adds the content of `vnode`'s draft to `batch`, which is inline, as the content was before;
    /// `inode` is what it will have.
    pub(super) fn put_content(
        &mut self,
        batch: &mut Batch,
        vnode: VnodeId,
        inode: &Inode,
    ) -> Result<()> {
        let Node { inode: old, draft, .. } = *self.node(vnode)?;
        let Some(number) = draft else { return Ok(()) };
        let draft = self.drafts.get(usize::from(number)).ok_or(Error::Bug)?;
        let absent = old.valid == 0;
        match (draft.valid, absent) {
            (0, true) => Ok(()),
            (0, false) => self.txn.delete(batch, inline::key(old.data)),
            _ => self.txn.put(batch, inline::key(inode.data), draft.content(), absent),
        }
    }

    /// What was added by `put_content` is durable.
    pub(super) fn content_committed(&mut self, vnode: VnodeId, inode: Inode) -> Result<()> {
        let last = self.last_of(vnode)?;
        let unpatched = self.unpatched_after(vnode, &inode)?;
        if self.node(vnode)?.draft.is_some() {
            self.drop_patches(vnode, true)?;
        }
        self.drop_draft(vnode)?;
        let node = self.table.get_mut(vnode)?;
        node.inode = inode;
        node.last = last;
        node.forget_runs();
        node.unpatched = unpatched;
        Ok(())
    }

    /// What is known of the patches of `vnode`'s content when it is `inode`.
    fn unpatched_after(&self, vnode: VnodeId, inode: &Inode) -> Result<(u32, u32)> {
        let node = self.node(vnode)?;
        let draft = self.draft_of(vnode)?;
        let new = draft.is_some_and(|draft| draft.replaced || draft.stored != Stored::Runs);
        let same = draft.is_none_or(|draft| draft.patches.is_empty());
        Ok(match node.unpatched {
            _ if new => (0, u32::MAX),
            known if same && inode.data == node.inode.data => known,
            _ => (0, 0),
        })
    }

    /// The block that the next draft may write on in.
    fn last_of(&self, vnode: VnodeId) -> Result<Option<LastBlock>> {
        let before = self.node(vnode)?.last;
        let Some(draft) = self.draft_of(vnode)? else { return Ok(before) };
        let units = self.units();
        let inode = self.node(vnode)?.inode;
        let patched = draft.runs.is_empty()
            && !draft.replaced
            && !draft.inline
            && draft.valid == inode.valid
            && draft.base == inode.valid;
        let Some(open) = draft.open.filter(|open| !patched || open.block != BlockNo(0)) else {
            // Nothing of it has changed if nothing was written.
            return Ok(before.filter(|_| draft.low == u64::MAX && !draft.replaced || patched));
        };
        let at_end = open.index == units.index(draft.valid)
            && open.units == units.unit_of(draft.valid)
            && !open.torn
            && open.units > 0
            && open.block != BlockNo(0);
        let units = u16::try_from(open.units).unwrap_or(0);
        Ok(at_end.then_some(LastBlock { block: open.block, units }))
    }

    /// Whether the draft of `vnode` and what is committed are both inline, or nothing.
    pub(super) fn is_simple(&self, vnode: VnodeId) -> Result<bool> {
        let draft = self.draft_of(vnode)?;
        Ok(draft.is_none_or(|draft| draft.inline && draft.stored != Stored::Runs))
    }

    /// Cuts the draft, which is in blocks, to `size` bytes. No I/O.
    fn cut(&mut self, vnode: VnodeId, size: u64) -> Result<()> {
        let units = self.units();
        let inode = self.node(vnode)?.inode;
        let open = self.draft_of(vnode)?.ok_or(Error::Bug)?.open;
        if let Some(open) = open {
            let unit = units.start(open.index).saturating_add(units.bytes(open.units));
            if size < unit || (size == unit && !open.fresh && !open.grown) {
                self.close_open(vnode)?;
            } else if open.loaded {
                let within = usize::try_from(size.saturating_sub(unit)).unwrap_or(usize::MAX);
                let end = usize::try_from(units.unit).unwrap_or(0);
                let draft = self.draft_mut(vnode)?;
                let rest = draft.bytes.get_mut(within..end);
                if let Some(rest) = rest.filter(|_| !mutant::on(Mutant::GapNotZeroed)) {
                    rest.fill(0);
                    draft.open = Some(OpenBlock { dirty: true, ..open });
                }
            }
        }
        self.cut_out(vnode, units.index_after(size), u64::MAX)?;
        self.cut_patches(vnode, size)?;
        let draft = self.draft_mut(vnode)?;
        for run in &mut draft.runs {
            let start = units.start(run.index);
            let most = size.saturating_sub(start).div_ceil(units.unit);
            if run.block != BlockNo(0) {
                run.units = run.units.min(u32::try_from(most).unwrap_or(u32::MAX));
            }
        }
        draft.base = draft.base.min(size);
        draft.persists = false;
        draft.low = draft.low.min(size).min(inode.valid);
        (draft.valid, draft.size) = (size, size);
        Ok(())
    }

    /// Makes the draft that of an empty content. No I/O.
    fn empty(&mut self, vnode: VnodeId) -> Result<()> {
        self.drop_spare(vnode)?;
        self.draft_mut(vnode)?.valid = 0;
        self.drop_patches(vnode, false)?;
        self.cut_out(vnode, 0, u64::MAX)?;
        let draft = self.draft_mut(vnode)?;
        let open = draft.open.take();
        let was_announced = core::mem::take(&mut draft.announced);
        *draft = Draft {
            used: true,
            stored: draft.stored,
            replaced: draft.stored == Stored::Runs,
            low: 0,
            ..Draft::EMPTY
        };
        if let Some(OpenBlock { block, fresh: true, .. }) = open {
            self.txn.unpin(block, 1);
        }
        self.intents |= was_announced;
        Ok(())
    }
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Gives `vnode` a draft that shows its committed content, unless it has one.
    pub(super) async fn make_draft(&mut self, vnode: VnodeId) -> Result<()> {
        self.file(vnode)?;
        self.writable()?;
        if self.node(vnode)?.draft.is_some() {
            return self.drop_spare(vnode);
        }
        if self.drafts.iter().all(|draft| draft.used) {
            self.commit_unused().await?;
        }
        let owed = self.drafts_owed(vnode);
        let mut unused = self.drafts.iter().enumerate().filter(|(_, draft)| !draft.used);
        let (free, _) = unused.nth(owed).ok_or(Error::NoDraft)?;
        let inode = self.node(vnode)?.inode;
        let stored = self.stored(&inode).await?;
        if stored == Stored::Inline {
            self.load_inline(free, &inode).await?;
        }
        let draft = self.drafts.get_mut(free).ok_or(Error::Bug)?;
        // Runs of an empty content were set aside for it.
        let inline = stored != Stored::Runs;
        let bytes = draft.bytes;
        *draft = Draft {
            used: true,
            inline,
            stored,
            replaced: inline && stored == Stored::Runs,
            size: inode.size,
            valid: inode.valid,
            base: if inline { 0 } else { inode.valid },
            data: if inline { ObjectId(0) } else { inode.data },
            bytes,
            ..Draft::EMPTY
        };
        self.table.get_mut(vnode)?.draft = Some(u8::try_from(free).map_err(|_| Error::Bug)?);
        Ok(())
    }

    /// What the log has of a content.
    pub(super) async fn stored(&mut self, inode: &Inode) -> Result<Stored> {
        if inode.data == ObjectId(0) {
            return Ok(Stored::Nothing);
        }
        if inode.kind == NodeType::Symlink {
            return Ok(Stored::Inline);
        }
        let found = self.txn.next(inline::key(inode.data), &mut []).await?;
        Ok(match found.filter(|(key, _)| key.object == inode.data) {
            Some((key, _)) if key.kind == Kind::INLINE => Stored::Inline,
            Some((key, _)) if key.kind <= Kind::TAIL => Stored::Runs,
            _ if inode.valid > 0 => Stored::Runs,
            _ => Stored::Nothing,
        })
    }

    /// Copies an inline content to the buffer of draft `number`.
    async fn load_inline(&mut self, number: usize, inode: &Inode) -> Result<()> {
        let damaged = corrupt(self.txn.state().scalars.root.block);
        let Self { txn, drafts, .. } = self;
        let draft = drafts.get_mut(number).ok_or(Error::Bug)?;
        let found = txn.get(inline::key(inode.data), &mut draft.bytes).await?;
        let length = found.filter(|length| *length <= BYTES_MAX);
        if length.is_none_or(|length| length as u64 != inode.valid) {
            return Err(damaged(Malformed::Field(Field::Valid)));
        }
        Ok(())
    }

    pub(super) async fn write_at(
        &mut self,
        vnode: VnodeId,
        offset: u64,
        source: &[u8],
    ) -> Result<usize> {
        self.file(vnode)?;
        self.writable()?;
        let end = offset.checked_add(source.len() as u64).filter(|end| *end <= SIZE_MAX);
        let end = end.ok_or(Error::TooLarge)?;
        // Space is asked for now, so that committing cannot fail for lack of it.
        self.require_space().await?;
        if source.is_empty() {
            return Ok(0);
        }
        self.not_written(vnode, offset, end)?;
        self.make_draft(vnode).await?;
        let draft = self.draft_mut(vnode)?;
        if draft.inline && end <= BYTES_MAX as u64 {
            return draft.write_inline(offset, source).ok_or(Error::Bug);
        }
        if draft.inline {
            self.leave_inline(vnode).await?;
        }
        self.write_blocks(vnode, offset, source).await
    }

    /// Writes as far as it gets: an error after the first step ends the write there.
    async fn write_blocks(&mut self, vnode: VnodeId, offset: u64, source: &[u8]) -> Result<usize> {
        let mut done = 0_usize;
        while let Some(rest) = source.get(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(done as u64);
            if at > self.valid_of(vnode)? {
                self.bridge(vnode, at).await?;
            }
            match self.write_step(vnode, at, rest).await {
                Ok(taken) => done = done.saturating_add(taken),
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// Moves an inline draft to blocks.
    pub(super) async fn leave_inline(&mut self, vnode: VnodeId) -> Result<()> {
        self.drop_spare(vnode)?;
        let units = self.units();
        let valid = self.valid_of(vnode)?;
        let mut open = OpenBlock {
            index: 0,
            block: BlockNo(0),
            units: 0,
            loaded: true,
            dirty: true,
            torn: false,
            fresh: false,
            grown: false,
        };
        let mut first = 0;
        if valid >= units.unit {
            let block = self.take_block(BlockNo(0)).await?;
            let number = usize::from(self.node(vnode)?.draft.ok_or(Error::Bug)?);
            let Self { txn, drafts, .. } = self;
            let draft = drafts.get_mut(number).ok_or(Error::Bug)?;
            draft.spare = block;
            first = usize::try_from(units.unit).map_err(|_| Error::Bug)?;
            txn.write_data(block, 0, draft.bytes.get(..first).ok_or(Error::Bug)?).await?;
            (open.block, open.units, open.fresh, open.grown) = (block, 1, true, true);
        }
        let draft = self.draft_mut(vnode)?;
        let length = usize::try_from(valid).map_err(|_| Error::Bug)?;
        draft.bytes.copy_within(first..length, 0);
        draft.bytes.get_mut(length.saturating_sub(first)..).unwrap_or_default().fill(0);
        (draft.inline, draft.replaced, draft.base, draft.low) = (false, true, 0, 0);
        (draft.data, draft.announced, draft.spare) = (ObjectId(0), false, BlockNo(0));
        draft.open = (valid > 0).then_some(open);
        Ok(())
    }

    /// Cuts the content to `size` bytes, or lengthens it with zeros: drafted, like a write.
    pub(super) async fn resize(&mut self, vnode: VnodeId, size: u64) -> Result<()> {
        self.file(vnode)?;
        if size > SIZE_MAX {
            return Err(Error::TooLarge);
        }
        if size > self.size_of(vnode)? {
            self.require_space().await?;
        } else {
            // Else a file that is cut and written again and again would fill the volume with what
            // it had.
            self.reap_some().await?;
        }
        self.not_written(vnode, size, SIZE_MAX)?;
        self.make_draft(vnode).await?;
        let draft = self.draft_mut(vnode)?;
        if draft.inline {
            draft.size = size;
            draft.valid = draft.valid.min(size);
            draft.low = 0;
            return Ok(());
        }
        if size >= draft.valid {
            draft.size = size;
            return Ok(());
        }
        if size == 0 {
            return self.empty(vnode);
        }
        self.before_cut(vnode, size).await?;
        self.cut(vnode, size)
    }

    /// Commits the draft of `vnode`: one transaction, old or new. A file whose name is gone has
    /// nothing to commit to: its draft stays until its last close.
    pub(super) async fn commit_content(&mut self, vnode: VnodeId) -> Result<()> {
        let Node { home, draft, .. } = *self.node(vnode)?;
        if home == Home::Nowhere || draft.is_none() {
            return Ok(());
        }
        self.writable()?;
        let counted = self.prepare(vnode).await?;
        let cost = counted.cost.saturating_add(self.attributes_cost(vnode)?);
        let mut batch = self.txn.begin_runs(cost, counted.runs, Purpose::Shrink).await?;
        let inode = self.committed_inode(vnode)?;
        self.plan_content(&mut Changes::into_batch(&mut batch), vnode).await?;
        self.put_attributes(&mut batch, vnode, &inode).await?;
        self.txn.commit(batch).await?;
        self.content_committed(vnode, inode)
    }

    /// Makes everything durable that the commit of `vnode`'s draft refers to, and counts what the
    /// commit costs beside the attributes.
    pub(super) async fn prepare(&mut self, vnode: VnodeId) -> Result<Changes<'static>> {
        if !self.draft_of(vnode)?.is_none_or(|draft| draft.inline) {
            self.finish(vnode).await?;
            self.txn.settle_data().await?;
        }
        let mut counted = Changes::counted();
        self.plan_content(&mut counted, vnode).await?;
        if !self.fits_record(vnode, &counted)? {
            // A tail beside many runs or a long name: it takes the rest of its block instead.
            self.shut(vnode).await?;
            self.txn.settle_data().await?;
            counted = Changes::counted();
            self.plan_content(&mut counted, vnode).await?;
        }
        Ok(counted)
    }

    /// Commits the draft of `object` if it is not of a kind that other transactions can take along.
    pub(super) async fn commit_large(&mut self, object: ObjectId) -> Result<()> {
        let Some(vnode) = self.table.locate(object) else { return Ok(()) };
        if self.is_simple(vnode)? || mutant::on(Mutant::RenameWithoutDraft) {
            return Ok(());
        }
        self.commit_content(vnode).await
    }

    /// Commits the draft of one file that nobody has open, if there is one: its last handle was
    /// dropped without a close.
    pub(super) async fn commit_unused(&mut self) -> Result<bool> {
        let unused = self.table.iter().find(|(vnode, node)| {
            let uncommitted = node.draft.is_some() && node.home != Home::Nowhere;
            uncommitted && self.table.uses(*vnode) == Ok(0)
        });
        let Some((vnode, _)) = unused else { return Ok(false) };
        self.commit_content(vnode).await?;
        Ok(true)
    }

    /// Commits every draft, one transaction each.
    pub(super) async fn commit_all(&mut self) -> Result<()> {
        while let Some(vnode) = self.next_uncommitted() {
            self.commit_content(vnode).await?;
        }
        self.txn.sync().await
    }
}

impl<D> Vellum<'_, D> {
    fn next_uncommitted(&self) -> Option<VnodeId> {
        let mut nodes = self.table.iter();
        nodes.find_map(|(vnode, node)| {
            (node.draft.is_some() && node.home != Home::Nowhere).then_some(vnode)
        })
    }
}
