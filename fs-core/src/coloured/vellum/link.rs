//! More names of one file, and names that lead to paths.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Purpose, Txn};
use super::remove::{INODE_COST, content_key, entry_cost};
use super::{Vellum, touched};
use crate::api::{NameBuf, VnodeId};
use crate::error::{Error, Field, Malformed, Result, corrupt};
use crate::format::dirent::DirentView;
use crate::format::inode::{Inode, LINKS_MAX, NodeType};
use crate::format::key::Key;
use crate::format::name::Name;
use crate::format::page::VALUE_MAX;
use crate::format::symlink;
use crate::memory::Home;
use crate::mutant::{self, Mutant};

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Gives a file or link one more name. Its attributes move to an item of their own with the
    /// second one, and stay there.
    pub(super) async fn add_link(
        &mut self,
        file: VnodeId,
        directory: VnodeId,
        name: &[u8],
    ) -> Result<()> {
        let parent = self.directory(directory)?;
        let name = self.checked(name)?;
        self.writable()?;
        let inode = self.named(file)?;
        if inode.kind == NodeType::Directory {
            return Err(Error::IsADirectory);
        }
        let Err(key) = self.find(parent, name).await? else { return Err(Error::Exists) };
        if inode.links == LINKS_MAX {
            return Err(Error::TooManyNames);
        }
        self.reap_some().await?;
        self.commit_large(self.table.object(file)?).await?;
        let mut old = NameBuf::new();
        let old_cost = match self.node(file)?.home {
            Home::Entry(entry) => {
                self.name_at(entry.key(), &mut old).await?;
                entry_cost(false, old.as_bytes().len())
            }
            Home::Item | Home::Directory(_) | Home::Nowhere => 0,
        };
        let new_cost = entry_cost(false, name.as_bytes().len()).saturating_add(INODE_COST);
        let names_cost = old_cost.saturating_add(new_cost);
        if names_cost.saturating_add(self.content_cost(file)?) > Txn::<D>::cost_max() {
            self.commit_content(file).await?;
        }
        let cost = names_cost.saturating_add(self.content_cost(file)?);
        self.commit_link(file, (key, name), &old, cost).await
    }

    async fn commit_link(
        &mut self,
        file: VnodeId,
        (key, name): (Key, Name<'_>),
        old: &NameBuf,
        cost: usize,
    ) -> Result<()> {
        let mut batch = self.txn.begin(cost, Purpose::Grow).await?;
        let object = self.table.object(file)?;
        let inode = touched(self.committed_inode(file)?, (self.clock)(), false);
        let inode = Inode { links: inode.links.saturating_add(1), ..inode };
        let kind = inode.kind;
        let view = DirentView { object, kind, inode: None, name };
        let home = self.node(file)?.home;
        if let Home::Entry(entry) = home {
            let name = Name::new(old.as_bytes()).map_err(|_| Error::Bug)?;
            self.put_entry(&mut batch, entry.key(), &DirentView { name, ..view }, false)?;
        }
        self.put_entry(&mut batch, key, &view, true)?;
        if mutant::on(Mutant::LinkInTwoRecords) {
            self.txn.commit(batch).await?;
            batch = self.txn.begin(cost, Purpose::Grow).await?;
        }
        self.put_inode(&mut batch, object, &inode, home != Home::Item)?;
        self.put_content(&mut batch, file, &inode)?;
        self.txn.commit(batch).await?;
        self.content_committed(file, inode)?;
        self.table.get_mut(file)?.home = Home::Item;
        Ok(())
    }

    /// The name in the entry `key`.
    async fn name_at(&mut self, key: Key, name: &mut NameBuf) -> Result<()> {
        let mut bytes = [0; VALUE_MAX];
        let length = self.txn.get(key, &mut bytes).await?.ok_or(Error::Bug)?;
        name.set(self.decode(&bytes, length)?.name.as_bytes())
    }

    /// Makes a link `name` to `target`. Its vnode is held.
    pub(super) async fn make_link(
        &mut self,
        directory: VnodeId,
        name: &[u8],
        target: &[u8],
    ) -> Result<VnodeId> {
        if target.len() > symlink::BYTES_MAX {
            return Err(Error::NameTooLong);
        }
        if !symlink::is_target(target) {
            return Err(Error::Invalid);
        }
        self.make(directory, name, NodeType::Symlink, target).await
    }

    /// Copies the target of a link, as far as there is room; says its length.
    pub(super) async fn read_link(&mut self, link: VnodeId, target: &mut [u8]) -> Result<usize> {
        let inode = self.node(link)?.inode;
        if inode.kind != NodeType::Symlink {
            return Err(Error::Invalid);
        }
        let damaged = corrupt(self.txn.state().scalars.root.block);
        match self.txn.get(content_key(&inode), target).await? {
            Some(length) if length as u64 == inode.valid => Ok(length),
            _ => Err(damaged(Malformed::Field(Field::Target))),
        }
    }
}
