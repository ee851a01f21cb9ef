//! Intents: content without a name, which goes when nobody uses it any more.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{DELETE_COST, Purpose};
use super::Vellum;
use crate::api::VnodeId;
use crate::error::{Error, Malformed, Result, corrupt};
use crate::format::inline;
use crate::format::intent::{self, Intent, IntentKind};
use crate::format::key::{INTENTS, Key, Kind};
use crate::format::page::VALUE_MAX;
use crate::memory::Home;
use crate::units::ObjectId;

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Carries out one intent that nobody holds back, if there is one: at most one transaction.
    /// Called before an operation changes something, so that what a cut left goes bit by bit.
    pub(super) async fn reap_some(&mut self) -> Result<()> {
        if !self.intents || self.txn.is_read_only() {
            return Ok(());
        }
        let mut from = Key::new(INTENTS, Kind::INTENT, 0);
        let mut bytes = [0; VALUE_MAX];
        let mut held = false;
        while let Some((key, length)) = self.txn.next(from, &mut bytes).await? {
            if key.object != INTENTS || key.kind != Kind::INTENT {
                break;
            }
            let damaged = corrupt(self.txn.state().scalars.root.block);
            let value = bytes.get(..length).ok_or(Error::Bug)?;
            let intent = Intent::from_value(value).map_err(&damaged)?;
            if length != intent::SIZE {
                return Err(damaged(Malformed::Field("intent")));
            }
            let object = Intent::object(key.offset);
            match intent.kind {
                IntentKind::Forget if !self.is_open(object) => return self.forget(object).await,
                IntentKind::Destroy if !self.is_in_use(object) => {
                    return self.destroy(object).await;
                }
                IntentKind::Forget | IntentKind::Destroy => {}
            }
            held = true;
            from = key.next();
        }
        self.intents = held;
        Ok(())
    }

    /// Deletes the content `data` and the intent to do so.
    async fn destroy(&mut self, data: ObjectId) -> Result<()> {
        let mut bytes = [0; VALUE_MAX];
        let exists = self.txn.get(inline::key(data), &mut bytes).await?.is_some();
        let mut batch = self.txn.begin(DELETE_COST + DELETE_COST, Purpose::Shrink).await?;
        if exists {
            self.txn.delete(&mut batch, inline::key(data))?;
        }
        self.txn.delete(&mut batch, Intent::key(data))?;
        self.txn.commit(batch).await
    }

    /// Does what the last close of `vnode` left to do.
    pub(super) async fn last_closed(&mut self, vnode: VnodeId) -> Result<()> {
        if self.node(vnode)?.home == Home::Nowhere {
            let inode = self.node(vnode)?.inode;
            let mut bytes = [0; VALUE_MAX];
            let intent = Intent::key(inode.data);
            if inode.valid > 0 && self.txn.get(intent, &mut bytes).await?.is_some() {
                self.destroy(inode.data).await?;
            }
            self.drop_draft(vnode)?;
            self.table.recycle(vnode)?;
            return Ok(());
        }
        self.table.paid(vnode);
        Ok(())
    }
}

impl<D> Vellum<'_, D> {
    /// Whether `object` has a vnode that somebody uses.
    fn is_open(&self, object: ObjectId) -> bool {
        let vnode = self.table.locate(object);
        vnode.is_some_and(|vnode| self.table.uses(vnode).is_ok_and(|uses| uses > 0))
    }

    fn is_in_use(&self, data: ObjectId) -> bool {
        self.table.iter().any(|(vnode, node)| {
            let used = self.table.uses(vnode).is_ok_and(|uses| uses > 0);
            node.inode.data == data && (used || node.home != Home::Nowhere)
        })
    }
}
