//! Where the attributes of an object are stored: changing them in a transaction.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::Batch;
use super::Vellum;
use super::remove::{DIRECTORY_COST, entry_cost};
use crate::api::VnodeId;
use crate::error::{Error, Result};
use crate::format::dirent::HEAD;
use crate::format::inode::{self, Inode};
use crate::memory::{Home, Node};
use crate::units::ObjectId;

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Adds to `batch` that `vnode` has the attributes `inode`, wherever they are stored.
    pub(super) async fn put_attributes(
        &mut self,
        batch: &mut Batch,
        vnode: VnodeId,
        inode: &Inode,
    ) -> Result<()> {
        let encoded: [u8; inode::SIZE] = inode.encode().map_err(|_| Error::Bug)?;
        let (key, at) = match self.node(vnode)?.home {
            Home::Entry(entry) => (entry.key(), HEAD),
            Home::Item | Home::Directory(_) => (Inode::key(self.table.object(vnode)?), 0),
            Home::Nowhere => return Ok(()),
        };
        self.txn.amend(batch, key, at, &encoded).await
    }

    /// The attributes of `object`, `stored` ones of which are given, after what is uncommitted of
    /// it was committed.
    pub(super) async fn committed_first(
        &mut self,
        object: ObjectId,
        stored: Inode,
    ) -> Result<Inode> {
        let Some(vnode) = self.table.locate(object) else { return Ok(stored) };
        self.commit_content(vnode).await?;
        Ok(self.node(vnode)?.inode)
    }
}

impl<D> Vellum<'_, D> {
    /// What [`Vellum::put_attributes`] costs.
    pub(super) fn attributes_cost(&self, vnode: VnodeId) -> Result<usize> {
        let Node { home, name, .. } = *self.node(vnode)?;
        Ok(match home {
            Home::Entry(_) => entry_cost(true, name.into()),
            Home::Item | Home::Directory(_) => DIRECTORY_COST,
            Home::Nowhere => 0,
        })
    }

    /// The attributes of `vnode`, which must have a name.
    pub(super) fn named(&self, vnode: VnodeId) -> Result<Inode> {
        let Node { home, inode, .. } = *self.node(vnode)?;
        if home == Home::Nowhere { Err(Error::NotFound) } else { Ok(inode) }
    }
}
