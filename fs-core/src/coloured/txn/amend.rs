//! A change of a few bytes of an item, put together where the record is.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::tree;
use super::{Batch, Error, RECORD_BYTES, Txn};
use crate::error::{Field, Malformed, Result, corrupt};
use crate::format::change::{Change, Changes, PUT_HEAD, put_head};
use crate::format::key::Key;
use crate::format::record::HEADER_BYTES;
use crate::units::Level;

#[colour]
impl<D: BlockDevice> Txn<'_, D> {
    /// Adds to `batch` that the item `key`, which exists and which the batch does not change yet,
    /// has `patch` at byte `at` of its value and is else as it was. Needs no buffer: the value is
    /// read to where the record is.
    ///
    /// # Errors
    /// `Bug` if the batch is full; `Corrupt` if there is no such item; the device's.
    pub async fn amend(
        &mut self,
        batch: &mut Batch,
        key: Key,
        at: usize,
        patch: &[u8],
    ) -> Result<()> {
        self.unwatch(key);
        let fresh = self.state.entry(Level(0), key).is_some_and(|entry| entry.fresh);
        let rest = self.work.get_mut(batch.length..RECORD_BYTES).ok_or(Error::Bug)?;
        let (head, value) = rest.split_at_mut_checked(PUT_HEAD).ok_or(Error::Bug)?;
        let damaged = corrupt(self.state.scalars.root.block);
        let length = tree::get(&mut self.media, &self.state, &mut self.hint, key, value).await?;
        let length = length.ok_or(damaged(Malformed::Field(Field::Item)))?;
        let value = value.get_mut(..length).ok_or(Error::Bug)?;
        let place = value.get_mut(at..).and_then(|rest| rest.get_mut(..patch.len()));
        place.ok_or(damaged(Malformed::Truncated))?.copy_from_slice(patch);
        head.copy_from_slice(&put_head(fresh, key, length).map_err(|_| Error::Bug)?);
        batch.length = batch.length.saturating_add(PUT_HEAD).saturating_add(length);
        Ok(())
    }
}

impl<D> Txn<'_, D> {
    /// Whether `batch` changes the item `key`.
    pub fn changes(&self, batch: &Batch, key: Key) -> bool {
        let changes = self.work.get(HEADER_BYTES..batch.length).unwrap_or_default();
        Changes::new(changes).flatten().any(|change| match change {
            Change::Put { key: other, .. } | Change::Delete { key: other, .. } => other == key,
            _ => false,
        })
    }

    /// What the changes of one transaction may cost.
    #[must_use]
    pub const fn cost_max() -> usize {
        RECORD_BYTES.saturating_sub(HEADER_BYTES)
    }
}
