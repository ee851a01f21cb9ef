//! Two names that change places, and two files that change contents: one transaction each.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::Purpose;
use super::content::SIZE_MAX;
use super::rename::{Plan, moved_cost};
use super::{Vellum, touched};
use crate::api::VnodeId;
use crate::error::{Error, Result};
use crate::format::inode::Inode;
use crate::format::name::Name;
use crate::mutant::{self, Mutant};
use crate::units::ObjectId;

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Swaps what two names lead to. What is uncommitted in files of theirs is committed before.
    pub(super) async fn swap_entries(
        &mut self,
        plan: &Plan,
        old: Name<'_>,
        new: Name<'_>,
    ) -> Result<()> {
        let Some((target, _)) = plan.target else { return Ok(()) };
        let source = plan.source;
        self.refuse_loop(&source, plan.to).await?;
        self.refuse_loop(&target, plan.from).await?;
        let stored = [plan.stored, plan.target.map_or(plan.stored, |(_, inode)| inode)];
        let mut inodes = stored;
        for (inode, object) in inodes.iter_mut().zip([source.object, target.object]) {
            *inode = self.committed_first(object, *inode).await?;
        }
        self.reap_some().await?;
        let cost = moved_cost(&source, new).saturating_add(moved_cost(&target, old));
        let mut batch = self.txn.begin(cost, Purpose::Grow).await?;
        let now = (self.clock)();
        let [first, second] = inodes.map(|inode| touched(inode, now, false));
        self.put_renamed(&mut batch, &source, (target.key, false), plan.to, &first, new)?;
        if mutant::on(Mutant::SwapInTwoRecords) {
            self.txn.commit(batch).await?;
            batch = self.txn.begin(cost, Purpose::Grow).await?;
        }
        self.put_renamed(&mut batch, &target, (source.key, false), plan.from, &second, old)?;
        self.txn.commit(batch).await?;
        self.moved(&source, (target.key, new), plan.to, first)?;
        self.moved(&target, (source.key, old), plan.from, second)
    }
    /// Swaps the contents of two files. What is uncommitted in them is committed before.
    pub(super) async fn swap_contents(&mut self, one: VnodeId, other: VnodeId) -> Result<()> {
        self.file(one)?;
        self.file(other)?;
        self.writable()?;
        if one == other {
            return Err(Error::Invalid);
        }
        for vnode in [one, other] {
            self.named(vnode)?;
            self.not_written(vnode, 0, SIZE_MAX)?;
            self.commit_content(vnode).await?;
        }
        self.reap_some().await?;
        let cost = self.attributes_cost(one)?.saturating_add(self.attributes_cost(other)?);
        let mut batch = self.txn.begin(cost, Purpose::Grow).await?;
        let now = (self.clock)();
        let (first, second) = (self.owning(one)?, self.owning(other)?);
        let pair = [(one, first, second), (other, second, first)];
        let pair = pair.map(|(vnode, own, content)| {
            let Inode { data, size, valid, .. } = content;
            (vnode, touched(Inode { data, size, valid, ..own }, now, true))
        });
        for (vnode, inode) in &pair {
            self.put_attributes(&mut batch, *vnode, inode).await?;
        }
        self.txn.commit(batch).await?;
        for (vnode, inode) in pair {
            self.content_committed(vnode, inode)?;
            self.table.get_mut(vnode)?.last = None;
        }
        Ok(())
    }
}

impl<D> Vellum<'_, D> {
    /// The attributes of a file, with the object that will own its content if it has none yet: it
    /// goes along, so that no two files ever have the same.
    fn owning(&self, vnode: VnodeId) -> Result<Inode> {
        let inode = self.node(vnode)?.inode;
        let data = if inode.data == ObjectId(0) { self.table.object(vnode)? } else { inode.data };
        Ok(Inode { data, ..inode })
    }
}
