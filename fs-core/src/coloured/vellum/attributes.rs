//! What an object has besides its inode: extended attributes, and an owner. Items of the object.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Batch, DELETE_COST, Purpose, Txn, put_cost};
use super::slots::Slot;
use super::{Vellum, touched};
use crate::api::{AttributeChange, Cookie, Limit, NameBuf, Owner, VnodeId, XattrMode};
use crate::error::{Error, Field, Malformed, Result, corrupt};
use crate::format::inode::{Inode, LINKS_MAX};
use crate::format::intent::{self, Intent};
use crate::format::key::{Key, Kind};
use crate::format::owner::{self, MODE_MAX, OwnerItem};
use crate::format::page::VALUE_MAX;
use crate::format::symlink;
use crate::format::xattr::{self, XattrView};
use crate::units::ObjectId;

/// Items that one transaction of the reaper deletes.
const REAP_MAX: usize = 8;
const OWNER_COST: usize = put_cost(owner::SIZE);
/// What it costs that a value goes that is elsewhere.
pub(super) const INTENT_COST: usize = put_cost(intent::SIZE);

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Copies the value of an attribute to `target`, unless that is empty; says its length.
    pub(super) async fn get_attribute(
        &mut self,
        vnode: VnodeId,
        name: &[u8],
        target: &mut [u8],
    ) -> Result<usize> {
        let mut bytes = [0; VALUE_MAX];
        let Slot::Taken(_, length) = self.find_attribute(vnode, name, &mut bytes).await? else {
            return Err(Error::NoAttribute);
        };
        let attribute = self.attribute(&bytes, length)?;
        if let Some((data, length)) = attribute.place() {
            return self.get_value(data, length, target).await;
        }
        let value = attribute.value;
        if !target.is_empty() {
            let target = target.get_mut(..value.len()).ok_or(Error::BufferTooSmall)?;
            target.copy_from_slice(value);
        }
        Ok(value.len())
    }

    pub(super) async fn set_attribute(
        &mut self,
        vnode: VnodeId,
        attribute: XattrView<'_>,
        mode: XattrMode,
    ) -> Result<()> {
        let XattrView { name, value, .. } = attribute;
        let large = match (name.len() > xattr::NAME_BYTES_MAX, attribute.check()) {
            (true, _) => return Err(Error::NameTooLong),
            (false, Err(Malformed::Field(Field::Value))) => true,
            (false, checked) => checked.map(|()| false).map_err(|_| Error::Invalid)?,
        };
        if value.len() > xattr::VALUE_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        self.writable()?;
        self.named(vnode)?;
        let (slot, old) = self.slot_of(vnode, name).await?;
        let (key, absent) = match (slot, mode) {
            (Slot::Taken(..), XattrMode::Create) => return Err(Error::Exists),
            (Slot::Taken(key, _), _) => (key, false),
            (_, XattrMode::Replace) => return Err(Error::NoAttribute),
            (Slot::Free(key), _) => (key, true),
            (Slot::Full, _) => return Err(Error::NamesCollide),
        };
        self.reap_some().await?;
        if large {
            return self.set_value(vnode, &attribute, (key, absent), old).await;
        }
        let bytes = xattr::HEAD.saturating_add(name.len()).saturating_add(value.len());
        let cost = put_cost(bytes).saturating_add(self.attributes_cost(vnode)?);
        let cost = cost.saturating_add(INTENT_COST);
        let mut batch = self.txn.begin(cost, Purpose::Grow).await?;
        self.put_attribute(&mut batch, key, &attribute, absent)?;
        self.destroy_value(&mut batch, old)?;
        let inode = touched(self.named(vnode)?, (self.clock)(), false);
        self.commit_attributes(batch, vnode, Inode { extras: true, ..inode }).await
    }

    pub(super) async fn remove_attribute(&mut self, vnode: VnodeId, name: &[u8]) -> Result<()> {
        self.writable()?;
        self.named(vnode)?;
        let (Slot::Taken(key, _), old) = self.slot_of(vnode, name).await? else {
            return Err(Error::NoAttribute);
        };
        self.reap_some().await?;
        let cost = DELETE_COST.saturating_add(self.attributes_cost(vnode)?);
        let cost = cost.saturating_add(INTENT_COST);
        let mut batch = self.txn.begin(cost, Purpose::Shrink).await?;
        self.txn.delete(&mut batch, key)?;
        self.destroy_value(&mut batch, old)?;
        let inode = touched(self.named(vnode)?, (self.clock)(), false);
        self.commit_attributes(batch, vnode, inode).await
    }

    /// Commits `batch` with `inode`, which leaves the content of `vnode` as it is.
    async fn commit_attributes(
        &mut self,
        mut batch: Batch,
        vnode: VnodeId,
        inode: Inode,
    ) -> Result<()> {
        self.put_attributes(&mut batch, vnode, &inode).await?;
        self.txn.commit(batch).await?;
        self.table.get_mut(vnode)?.inode = inode;
        Ok(())
    }

    /// The name of the first attribute at `at` or later, and where the next one begins.
    pub(super) async fn attribute_from(
        &mut self,
        vnode: VnodeId,
        at: Cookie,
        name: &mut NameBuf,
    ) -> Result<Option<Cookie>> {
        let object = self.table.object(vnode)?;
        if !self.node(vnode)?.inode.extras {
            return Ok(None);
        }
        let mut bytes = [0; VALUE_MAX];
        let from = Key::new(object, Kind::XATTR, at.0);
        let Some((key, length)) = self.txn.next(from, &mut bytes).await? else { return Ok(None) };
        if key.object != object || key.kind != Kind::XATTR {
            return Ok(None);
        }
        name.set(self.attribute(&bytes, length)?.name)?;
        Ok(Some(Cookie(key.offset.saturating_add(1))))
    }

    /// Where `vnode` has the attribute `name`, its value in `bytes`.
    async fn find_attribute(
        &mut self,
        vnode: VnodeId,
        name: &[u8],
        bytes: &mut [u8; VALUE_MAX],
    ) -> Result<Slot> {
        let object = self.table.object(vnode)?;
        self.find_slot(object, Kind::XATTR, name, bytes).await
    }

    /// Where `vnode` has the attribute `name`, or would; and the object that owns the value.
    async fn slot_of(&mut self, vnode: VnodeId, name: &[u8]) -> Result<(Slot, Option<ObjectId>)> {
        let mut bytes = [0; VALUE_MAX];
        let slot = self.find_attribute(vnode, name, &mut bytes).await?;
        let Slot::Taken(_, length) = slot else { return Ok((slot, None)) };
        let place = self.attribute(&bytes, length)?.place();
        Ok((slot, place.map(|(data, _)| data)))
    }

    /// Who `vnode` belongs to, if somebody has said so. No I/O for what has no attributes.
    pub(super) async fn owner_of(&mut self, vnode: VnodeId) -> Result<Option<Owner>> {
        if !self.node(vnode)?.inode.extras {
            return Ok(None);
        }
        let object = self.table.object(vnode)?;
        let mut bytes = [0; owner::SIZE];
        let Some(length) = self.txn.get(OwnerItem::key(object), &mut bytes).await? else {
            return Ok(None);
        };
        let damaged = corrupt(self.txn.state().scalars.root.block);
        let value = bytes.get(..length).ok_or(damaged(Malformed::Field(Field::Owner)))?;
        let OwnerItem { mode, user, group } = OwnerItem::from_value(value).map_err(damaged)?;
        Ok(Some(Owner { mode, user, group }))
    }

    /// Changes attributes; times and owner in one transaction, with the content that is not
    /// committed, whose commit would change the time again.
    pub(super) async fn change_attributes(
        &mut self,
        vnode: VnodeId,
        change: AttributeChange,
    ) -> Result<()> {
        let AttributeChange { size, modified, born, owner } = change;
        self.node(vnode)?;
        if owner.is_some_and(|owner| owner.mode > MODE_MAX) {
            return Err(Error::Invalid);
        }
        if let Some(size) = size {
            self.resize(vnode, size).await?;
        }
        if modified.is_none() && born.is_none() && owner.is_none() {
            return Ok(());
        }
        self.writable()?;
        self.named(vnode)?;
        self.reap_some().await?;
        self.commit_large(self.table.object(vnode)?).await?;
        let own_cost = self.attributes_cost(vnode)?.saturating_add(OWNER_COST);
        if own_cost.saturating_add(self.content_cost(vnode)?) > Txn::<D>::cost_max() {
            self.commit_content(vnode).await?;
        }
        let cost = own_cost.saturating_add(self.content_cost(vnode)?);
        let mut batch = self.txn.begin(cost, Purpose::Grow).await?;
        let mut inode = touched(self.committed_inode(vnode)?, (self.clock)(), false);
        inode.modified = modified.unwrap_or(inode.modified);
        inode.born = born.unwrap_or(inode.born);
        inode.extras |= owner.is_some();
        if let Some(owner) = owner {
            self.put_owner(&mut batch, vnode, owner)?;
        }
        self.put_content(&mut batch, vnode, &inode)?;
        self.put_attributes(&mut batch, vnode, &inode).await?;
        self.txn.commit(batch).await?;
        self.content_committed(vnode, inode)
    }

    /// Deletes attributes of `object`, whose last name is gone: so many that the work is bounded,
    /// and with the last ones the intent.
    pub(super) async fn forget(&mut self, object: ObjectId) -> Result<()> {
        let each = DELETE_COST.saturating_add(INTENT_COST);
        let cost = each.saturating_mul(REAP_MAX.saturating_add(1));
        let mut batch = self.txn.begin(cost, Purpose::Shrink).await?;
        let mut from = Key::new(object, Kind::XATTR, 0);
        let mut count = 0_usize;
        while count < REAP_MAX {
            let Some(key) = self.next_attribute(from).await? else { break };
            let value = self.value_of(key).await?;
            self.txn.delete(&mut batch, key)?;
            self.destroy_value(&mut batch, value.map(|(data, _)| data))?;
            count = count.saturating_add(1);
            from = key.next();
        }
        if count < REAP_MAX {
            self.txn.delete(&mut batch, Intent::forget_key(object))?;
        }
        self.txn.commit(batch).await
    }

    /// How many attribute items `object` has.
    pub(super) async fn count_attributes(&mut self, object: ObjectId) -> Result<u32> {
        let mut count = 0_u32;
        let mut from = Key::new(object, Kind::XATTR, 0);
        while let Some(key) = self.next_attribute(from).await? {
            count = count.saturating_add(1);
            from = key.next();
        }
        Ok(count)
    }

    /// The first attribute item at or behind `from`, of the same object.
    async fn next_attribute(&mut self, from: Key) -> Result<Option<Key>> {
        let mut from = from;
        for kind in [Kind::XATTR, Kind::OWNER] {
            from = from.max(Key::new(from.object, kind, 0));
            let found = self.txn.next(from, &mut []).await?.map(|(key, _)| key);
            if let Some(key) = found.filter(|key| key.object == from.object && key.kind == kind) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }
}

impl<D> Vellum<'_, D> {
    /// The attribute in the first `length` of `bytes`.
    pub(super) fn attribute<'b>(&self, bytes: &'b [u8], length: usize) -> Result<XattrView<'b>> {
        let value = bytes.get(..length).ok_or(Error::Bug)?;
        XattrView::decode(value).map_err(corrupt(self.txn.state().scalars.root.block))
    }

    pub(super) fn put_attribute(
        &mut self,
        batch: &mut Batch,
        key: Key,
        attribute: &XattrView<'_>,
        absent: bool,
    ) -> Result<()> {
        let mut bytes = [0; VALUE_MAX];
        let length = attribute.encode(&mut bytes).map_err(|_| Error::Bug)?;
        self.txn.put(batch, key, bytes.get(..length).ok_or(Error::Bug)?, absent)
    }

    fn put_owner(&mut self, batch: &mut Batch, vnode: VnodeId, owner: Owner) -> Result<()> {
        let Owner { mode, user, group } = owner;
        let value = OwnerItem { mode, user, group }.encode().map_err(|_| Error::Bug)?;
        // Whether there is one already is not looked up: it is not called new.
        self.txn.put(batch, OwnerItem::key(self.table.object(vnode)?), &value, false)
    }

    pub(super) fn limit(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Links => LINKS_MAX.into(),
            Limit::NameBytes => self.txn.superblock().name_max.into(),
            Limit::TargetBytes => symlink::BYTES_MAX as u64,
            Limit::SizeBits => 49,
            Limit::XattrBytes => xattr::VALUE_BYTES_MAX as u64,
            Limit::AllocationBytes => self.txn.superblock().block_bytes().into(),
            Limit::CaseSensitive | Limit::CasePreserving => 1,
        }
    }
}
