//! Values of attributes that are too large for their item: contents of objects of their own.
//!
//! Such a value is written like the content of a file without a name, and switched in by the item
//! of its attribute, in the record that commits it. Whatever takes the item away leaves an intent,
//! and the value goes bit by bit.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::{Batch, Purpose, put_cost};
use super::attributes::INTENT_COST;
use super::plan::Changes;
use super::replace::IDS_COST;
use super::{Vellum, touched};
use crate::api::VnodeId;
use crate::error::{Error, Field, Malformed, Result};
use crate::format::inode::{Inode, NodeType};
use crate::format::intent::{Intent, IntentKind};
use crate::format::key::{Key, Kind};
use crate::format::page::VALUE_MAX;
use crate::format::xattr::{self, XattrView};
use crate::memory::{Home, Node};
use crate::mutant::{self, Mutant};
use crate::units::{ObjectId, Time};

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Copies the value that `data` owns to `target`, unless that is empty; says its length.
    pub(super) async fn get_value(
        &mut self,
        data: ObjectId,
        length: u64,
        target: &mut [u8],
    ) -> Result<usize> {
        let count = usize::try_from(length).map_err(|_| Error::Bug)?;
        if target.is_empty() {
            return Ok(count);
        }
        let target = target.get_mut(..count).ok_or(Error::BufferTooSmall)?;
        // A vnode that an operation left which was dropped.
        if let Some(left) = self.table.locate(data) {
            let wrong = self.malformed(Malformed::Field(Field::Value));
            if self.node(left)?.home != Home::Nowhere || self.table.recycle(left).is_err() {
                return Err(wrong);
            }
        }
        let inode = Inode::new(NodeType::File, Time::UNKNOWN);
        let inode = Inode { data, size: length, valid: length, ..inode };
        let node = Node::new(Home::Nowhere, inode, 0);
        let vnode = self.take_slot(data, node).await?;
        let read = self.read_at(vnode, 0, target).await;
        self.table.put(vnode);
        self.table.recycle(vnode)?;
        read
    }

    /// Sets the attribute at `key`, which is new if so it says, to a value of its own; `old` owned
    /// the one it had.
    pub(super) async fn set_value(
        &mut self,
        vnode: VnodeId,
        attribute: &XattrView<'_>,
        at: (Key, bool),
        old: Option<ObjectId>,
    ) -> Result<()> {
        let value = self.nameless().await?;
        let mut set = self.fill(value, attribute.value).await;
        if set.is_ok() {
            set = self.commit_value(vnode, value, attribute, at, old).await;
        }
        self.table.put(value);
        if set.is_ok() {
            self.table.recycle(value)?;
        }
        set
    }

    async fn commit_value(
        &mut self,
        vnode: VnodeId,
        value: VnodeId,
        attribute: &XattrView<'_>,
        (key, absent): (Key, bool),
        old: Option<ObjectId>,
    ) -> Result<()> {
        let counted = self.prepare(value).await?;
        let bytes = xattr::HEAD.saturating_add(attribute.name.len()).saturating_add(xattr::PLACE);
        let cost = counted.cost.saturating_add(put_cost(bytes)).saturating_add(INTENT_COST);
        let cost = cost.saturating_add(IDS_COST).saturating_add(self.attributes_cost(vnode)?);
        let mut batch = self.txn.begin_runs(cost, counted.runs, Purpose::Grow).await?;
        let object = self.table.object(value)?;
        let content = self.committed_inode(value)?;
        let place = xattr::place_of(content.data, content.valid);
        let item = XattrView { value: &place, elsewhere: true, ..*attribute };
        self.put_attribute(&mut batch, key, &item, absent)?;
        self.destroy_value(&mut batch, old)?;
        let mut changes = Changes::into_batch(&mut batch);
        self.plan_content(&mut changes, value).await?;
        let next = self.txn.next_object().0.max(object.0.saturating_add(1));
        changes.ids(&mut self.txn, ObjectId(next))?;
        let inode = touched(self.named(vnode)?, (self.clock)(), false);
        let inode = Inode { extras: true, ..inode };
        self.put_attributes(&mut batch, vnode, &inode).await?;
        self.txn.commit(batch).await?;
        self.table.get_mut(vnode)?.inode = inode;
        self.table.paid(value);
        self.content_committed(value, content)
    }

    /// The object that owns the value of the attribute at `key`, and its length, if there is one.
    pub(super) async fn value_of(&mut self, key: Key) -> Result<Option<(ObjectId, u64)>> {
        if key.kind != Kind::XATTR {
            return Ok(None);
        }
        let mut bytes = [0; VALUE_MAX];
        let length = self.txn.get(key, &mut bytes).await?.ok_or(Error::Bug)?;
        Ok(self.attribute(&bytes, length)?.place())
    }
}

impl<D: BlockDevice> Vellum<'_, D> {
    /// Adds that the value that `old` owns is to go.
    pub(super) fn destroy_value(&mut self, batch: &mut Batch, old: Option<ObjectId>) -> Result<()> {
        let Some(data) = old.filter(|_| !mutant::on(Mutant::OldValueLeft)) else { return Ok(()) };
        let intent = Intent { kind: IntentKind::Destroy, from: 0, to: 0 };
        let value = intent.encode().map_err(|_| Error::Bug)?;
        self.intents = true;
        self.txn.put(batch, Intent::key(data), &value, true)
    }
}
