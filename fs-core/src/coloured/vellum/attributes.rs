//! What an object has besides its inode: extended attributes, and an owner. Items of the object.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{DELETE_COST, Purpose};
use super::Vellum;
use crate::error::Result;
use crate::format::intent::Intent;
use crate::format::key::{Key, Kind};
use crate::units::ObjectId;

/// Items that one transaction of the reaper deletes.
const REAP_MAX: usize = 8;

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Deletes attributes of `object`, whose last name is gone: so many that the work is bounded,
    /// and with the last ones the intent.
    pub(super) async fn forget(&mut self, object: ObjectId) -> Result<()> {
        let cost = DELETE_COST.saturating_mul(REAP_MAX.saturating_add(1));
        let mut batch = self.txn.begin(cost, Purpose::Shrink).await?;
        let mut from = Key::new(object, Kind::XATTR, 0);
        let mut count = 0_usize;
        while count < REAP_MAX {
            let Some(key) = self.next_attribute(from).await? else { break };
            self.txn.delete(&mut batch, key)?;
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
