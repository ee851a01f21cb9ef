//! The native filesystem: names, attributes and content as items of one keyspace.
//!
//! **What it is.** The vnode operations on top of transactions. Every operation that changes a
//! name is one transaction; so is every commit of a file's content.
//!
//! **Rules.**
//! 1. A file's attributes lie in its directory entry: creating, reading, listing and removing
//!    touch one item. A directory has an item of its own, with the directory above.
//! 2. Content is committed by its file: until then it is a *draft* in RAM, seen by every handle,
//!    owned by no handle. `rename` commits the draft of its file in the same transaction; if that
//!    is in blocks, in one before.
//! 3. An operation looks first, then makes room, then puts its changes together, then commits;
//!    what it knows of files in use changes after the commit, with no await in between.
//! 4. Removing a file in use leaves an *intent*: its content goes after the last close, or in the
//!    sessions after a power cut.
//!
//! **After a power cut.** Every operation that returned is there; the one under way is there or
//! not, whole. Drafts are gone, and the committed content is as it was.
//!
//! **Cost.** Looking up a name: one descent of the tree. Changing a name or committing a file:
//! that, and one program; now and then what `txn` says. Removing a file in use: one transaction
//! more at its last close.

mod allocate;
mod attributes;
mod check;
mod content;
mod home;
mod intents;
#[cfg(feature = "level")]
mod level;
mod link;
mod list;
mod names;
mod offload;
mod operations;
mod patch;
mod plan;
mod remove;
mod rename;
mod replace;
mod runs;
mod slots;
mod swap;
mod value;
mod view;
mod way;
mod write;

use super::colour;
use super::device::BlockDevice;
use super::txn::{Buffers, FoundVolume, Txn};
use crate::api::{FormatOptions, MountOptions, NodeKind, VnodeId, VolumeInfo};
use crate::error::{Error, Field, Malformed, Result, corrupt};
use crate::format::directory::{self, Directory};
use crate::format::inode::{Inode, NodeType};
use crate::format::key::ROOT;
use crate::format::name::Name;
use crate::memory::{CachedPage, Draft, Home, Node};
use crate::table::{Operations, Slot, Table};
use crate::units::{BlockCount, ObjectId, Time};
use way::Way;

/// RAM that a mounted volume works in.
pub struct Lent<'m> {
    /// For transactions.
    pub buffers: Buffers<'m>,
    /// For files and directories in use.
    pub nodes: &'m mut [Slot<Node>],
    /// For uncommitted content.
    pub drafts: &'m mut [Draft],
}

/// A mounted volume.
pub struct Vellum<'m, D> {
    txn: Txn<'m, D>,
    table: Table<'m, Node>,
    drafts: &'m mut [Draft],
    operations: Operations<'m>,
    way: Way,
    clock: fn() -> Time,
    /// Whether intents may be left that nobody holds.
    intents: bool,
    /// Whether the record is being put together for a list of changes: nothing may be committed.
    listing: bool,
    /// Patch blocks chosen before this record are not written on.
    patch_floor: u64,
    #[cfg(feature = "level")]
    sweep: level::Sweep,
}

#[colour]
impl<'m, D: BlockDevice> Vellum<'m, D> {
    /// See [`Txn::is_blank`].
    ///
    /// # Errors
    /// As there.
    pub async fn is_blank(device: &mut D, pages: &mut [CachedPage]) -> Result<bool> {
        Txn::is_blank(device, pages).await
    }

    /// See [`Txn::format`].
    ///
    /// # Errors
    /// As there.
    pub async fn format(
        device: &'m mut D,
        buffers: Buffers<'m>,
        options: &FormatOptions,
    ) -> Result<()> {
        Txn::format(device, buffers, options, Time::UNKNOWN).await
    }

    /// See [`Txn::find`].
    ///
    /// # Errors
    /// As there.
    pub async fn look_at(
        device: &mut D,
        pages: &mut [CachedPage],
        arena: usize,
    ) -> Result<FoundVolume> {
        Txn::find(device, pages, arena).await
    }

    /// See [`Txn::open`].
    pub fn open(
        device: &'m mut D,
        lent: Lent<'m>,
        found: &FoundVolume,
        options: MountOptions,
    ) -> Self {
        for draft in lent.drafts.iter_mut() {
            draft.used = false;
        }
        let mut txn = Txn::open(device, lent.buffers, found, options.read_only);
        txn.set_low_latency(options.low_latency);
        let table = Table::new(lent.nodes);
        let (drafts, clock) = (lent.drafts, options.clock);
        let patch_floor = txn.journal().sequence();
        Self {
            txn,
            table,
            drafts,
            operations: Operations::new(&mut []),
            way: Way::NONE,
            clock,
            intents: true,
            listing: false,
            patch_floor,
            #[cfg(feature = "level")]
            sweep: level::Sweep::NEW,
        }
    }

    /// See [`Txn::start`].
    ///
    /// # Errors
    /// As there.
    pub async fn start(&mut self, found: &FoundVolume) -> Result<()> {
        self.txn.start(found).await?;
        self.patch_floor = self.txn.journal().sequence();
        #[cfg(feature = "level")]
        {
            let session = self.txn.journal().session().0;
            self.sweep = level::Sweep::begin(self.txn.sweep(), session, self.txn.erases());
        }
        Ok(())
    }

    /// Size, free space and identity. No I/O.
    pub fn info(&self) -> VolumeInfo {
        let superblock = self.txn.superblock();
        let scalars = &self.txn.state().scalars;
        VolumeInfo {
            blocks: superblock.block_count,
            free: BlockCount(self.txn.free_blocks()),
            block_bytes: superblock.block_bytes(),
            generation: scalars.generation,
            session: self.txn.journal().session(),
            erases: self.txn.erases(),
            pending_bytes: u16::try_from(self.txn.state().bytes_used()).unwrap_or(u16::MAX),
            name_max: superblock.name_max,
            read_only: self.txn.is_read_only(),
            uuid: superblock.uuid,
            label: superblock.label,
        }
    }

    /// Erases ahead, up to `budget` runs of blocks, and then moves cold data to worn blocks; gives
    /// how many times it did either. Each is one erase, and a move 16 blocks copied at most.
    ///
    /// # Errors
    /// `ReadOnly`, or the device's.
    pub async fn maintain(&mut self, budget: u32) -> Result<u32> {
        self.reap_some().await?;
        let done = self.txn.maintain(budget).await?;
        #[cfg(feature = "level")]
        let mut done = done;
        #[cfg(feature = "level")]
        while done < budget && self.level_now().await? {
            done = done.saturating_add(1);
        }
        Ok(done)
    }

    /// Commits all drafts and closes the journal, so that the next mount need not settle.
    ///
    /// # Errors
    /// Those of committing; nothing is closed then.
    pub async fn park(&mut self) -> Result<()> {
        self.commit_all().await?;
        self.txn.park().await
    }

    /// The vnode of the directory `object`, with a hold.
    async fn hold_directory(&mut self, object: ObjectId) -> Result<VnodeId> {
        if let Some(vnode) = self.table.find(object)? {
            return Ok(vnode);
        }
        let Directory { inode, parent } = self.read_directory(object).await?;
        let node = Node::new(Home::Directory(parent), inode, 0);
        self.take_slot(object, node).await
    }

    /// A vnode for `object`, with a hold. Commits what a file that nobody has open left
    /// uncommitted, when only its slot is left.
    pub(super) async fn take_slot(&mut self, object: ObjectId, node: Node) -> Result<VnodeId> {
        match self.table.take(object, node, may_go) {
            Err(Error::NoSlot) if !self.listing && self.commit_unused().await? => {
                self.table.take(object, node, may_go)
            }
            taken => taken,
        }
    }

    async fn read_directory(&mut self, object: ObjectId) -> Result<Directory> {
        let mut bytes = [0; directory::SIZE];
        let damaged = corrupt(self.txn.state().scalars.root.block);
        match self.txn.get(Directory::key(object), &mut bytes).await? {
            Some(length) if length == bytes.len() => Directory::decode(&bytes).map_err(damaged),
            _ => Err(damaged(Malformed::Field(Field::Directory))),
        }
    }

    /// How many directories are above `object`, and whether `other` is it or one of them.
    ///
    /// # Errors
    /// `TooDeep` if the way up does not end at the root within the depth that a volume has.
    async fn way_up(&mut self, object: ObjectId, other: ObjectId) -> Result<(u8, bool)> {
        let mut at = object;
        let mut met = at == other;
        for depth in 0..=crate::format::superblock::DEPTH_MAX {
            if at == ROOT {
                return Ok((depth, met));
            }
            at = self.read_directory(at).await?.parent;
            met = met || at == other;
        }
        Err(Error::TooDeep)
    }
}

impl<D> Vellum<'_, D> {
    fn node(&self, vnode: VnodeId) -> Result<&Node> {
        self.table.get(vnode)
    }

    /// The object of `vnode`, which must be a directory.
    fn directory(&self, vnode: VnodeId) -> Result<ObjectId> {
        match self.node(vnode)?.inode.kind {
            NodeType::Directory if self.node(vnode)?.home == Home::Nowhere => Err(Error::NotFound),
            NodeType::Directory => self.table.object(vnode),
            NodeType::File | NodeType::Symlink => Err(Error::NotADirectory),
        }
    }

    /// Refuses what is no file.
    fn file(&self, vnode: VnodeId) -> Result<()> {
        match self.node(vnode)?.inode.kind {
            NodeType::Directory => Err(Error::IsADirectory),
            NodeType::Symlink => Err(Error::LinkLoop),
            NodeType::File => Ok(()),
        }
    }

    fn checked<'n>(&self, name: &'n [u8]) -> Result<Name<'n>> {
        if name.len() > usize::from(self.txn.superblock().name_max) {
            return Err(Error::NameTooLong);
        }
        Name::new(name).map_err(|_| Error::Invalid)
    }

    fn writable(&self) -> Result<()> {
        if self.txn.is_read_only() { Err(Error::ReadOnly) } else { Ok(()) }
    }
}

/// Whether a vnode that nobody uses may leave its slot: not with a draft.
fn may_go(node: &Node) -> bool {
    node.draft.is_none()
}

const fn kind_of(kind: NodeType) -> NodeKind {
    match kind {
        NodeType::File => NodeKind::File,
        NodeType::Directory => NodeKind::Directory,
        NodeType::Symlink => NodeKind::Symlink,
    }
}

/// A change of `inode` at `now`: its content too, or only its name.
const fn touched(mut inode: Inode, now: Time, content: bool) -> Inode {
    inode.changed = now;
    if content {
        inode.modified = now;
    }
    inode
}
