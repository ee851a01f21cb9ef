//! The checker: whether every structure of the volume keeps its rules, with bounded RAM.
//!
//! It never repairs: a volume that was not damaged from outside needs no repair. Whether every
//! block has one owner, and every content one name, is told without a table of them: each side is
//! summed up as a count and a sum of hashes, which do not depend on the order.

use super::super::colour;
use super::super::device::BlockDevice;
use super::super::txn::Place;
use super::Vellum;
use super::remove::content_key;
use crate::api::CheckReport;
use crate::error::{Error, Finding, Malformed, Result, corrupt};
use crate::format::change::RunState;
use crate::format::directory::{self, Directory};
use crate::format::dirent;
use crate::format::group;
use crate::format::inline;
use crate::format::inode::{Inode, NodeType};
use crate::format::intent::{Intent, IntentKind};
use crate::format::key::{INTENTS, Key, Kind, ROOT, SPACE};
use crate::format::name;
use crate::format::owner::OwnerItem;
use crate::format::page::VALUE_MAX;
use crate::format::symlink;
use crate::format::tail;
use crate::format::xattr::XattrView;
use crate::units::{BlockNo, Level, ObjectId};

/// A count and a sum of hashes: equal for equal sets, whatever their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Fingerprint {
    count: u32,
    sum: u64,
}

impl Fingerprint {
    fn add(&mut self, number: u64) {
        self.add_times(number, 1);
    }

    fn add_times(&mut self, number: u64, times: u32) {
        // Any mixing does: nobody chooses the numbers.
        let mut hash = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        self.count = self.count.saturating_add(times);
        self.sum = self.sum.wrapping_add((hash ^ (hash >> 31)).wrapping_mul(times.into()));
    }
}

/// What the items say about one another.
#[derive(Debug, Default)]
struct Census {
    report: CheckReport,
    /// Contents that directory entries and intents own, and contents that are there.
    owned: Fingerprint,
    stored: Fingerprint,
    /// Directories that entries lead to, and directories that are there.
    named: Fingerprint,
    present: Fingerprint,
    /// Entries that lead to an inode of its own, and the links that such inodes count.
    linked: Fingerprint,
    links: Fingerprint,
    /// Attributes of objects that say that they have some, and attributes that are there.
    attributed: Fingerprint,
    attributes: Fingerprint,
    /// Blocks of nodes and of runs.
    blocks: Fingerprint,
    /// The content whose items are gone through, and where its last run ended.
    content: ObjectId,
    end: u64,
}

/// An object and what it is, as one number.
fn mark(object: ObjectId, kind: u8) -> u64 {
    object.0 | u64::from(kind) << 48
}

#[colour]
impl<D: BlockDevice> Vellum<'_, D> {
    /// Checks the whole volume. Reads every node about as often as the tree is high, and the map
    /// of free space.
    ///
    /// # Errors
    /// `Corrupt` with the first rule that is broken; the device's.
    pub async fn check(&mut self) -> Result<CheckReport> {
        let mut census = Census::default();
        self.check_nodes(&mut census).await?;
        self.check_items(&mut census).await?;
        if census.owned != census.stored {
            return Err(self.broken(Finding::ContentNames));
        }
        if census.named != census.present {
            return Err(self.broken(Finding::DirectoryNames));
        }
        if census.linked != census.links {
            return Err(self.broken(Finding::LinkCount));
        }
        if census.attributed != census.attributes {
            return Err(self.broken(Finding::AttributeOwners));
        }
        self.check_space(&mut census).await?;
        Ok(census.report)
    }

    /// Every node of every level: ranges without gaps.
    async fn check_nodes(&mut self, census: &mut Census) -> Result<()> {
        for level in 0..=self.txn.state().scalars.root.level.0 {
            let mut from = Key::MIN;
            while let Some(place) = self.txn.next_node(Level(level), from).await? {
                let Place { low, high, pointer, .. } = place;
                if low != from || high <= low {
                    return Err(corrupt(pointer.block)(Malformed::Order));
                }
                census.blocks.add(pointer.block.0.into());
                census.report.nodes = census.report.nodes.saturating_add(1);
                from = high;
                if high == Key::END {
                    break;
                }
            }
            if from != Key::END {
                return Err(self.broken(Finding::TreeGap));
            }
        }
        Ok(())
    }

    async fn check_items(&mut self, census: &mut Census) -> Result<()> {
        let mut bytes = [0; VALUE_MAX];
        let mut from = Key::MIN;
        while let Some((key, length)) = self.txn.next(from, &mut bytes).await? {
            let value = bytes.get(..length).ok_or(Error::Bug)?;
            census.report.items = census.report.items.saturating_add(1);
            match key.kind {
                Kind::DIRENT => self.check_entry(census, key, value).await?,
                Kind::INODE if length == directory::SIZE => {
                    self.check_directory(census, key, value).await?;
                }
                Kind::INODE => self.check_inode(census, key, value).await?,
                Kind::INLINE | Kind::EXTENT | Kind::TAIL => {
                    self.check_content(census, key, value)?;
                }
                Kind::PATCH => self.check_patches(census, key, value)?,
                Kind::SYMLINK if key.offset == 0 && symlink::is_target(value) => {
                    census.stored.add(mark(key.object, Kind::SYMLINK.0));
                }
                Kind::XATTR => {
                    if let Some((data, length)) = self.check_attribute(census, key, value)? {
                        self.check_value(census, data, length).await?;
                    }
                }
                Kind::OWNER if key.offset == 0 => {
                    OwnerItem::from_value(value).map_err(|rule| self.malformed(rule))?;
                    census.attributes.add(key.object.0);
                }
                Kind::INTENT if key.object == INTENTS => {
                    let item = Intent::from_item(key, value);
                    let (object, intent) = item.map_err(|rule| self.malformed(rule))?;
                    self.check_intent(census, intent.kind, object).await?;
                }
                Kind::GROUP if key.object == SPACE => {}
                kind if !kind.is_critical() => {}
                _ => return Err(self.broken(Finding::UnknownKind)),
            }
            from = key.next();
        }
        Ok(())
    }

    async fn check_entry(&mut self, census: &mut Census, key: Key, value: &[u8]) -> Result<()> {
        let entry = self.decode(value, value.len())?;
        let hash = entry.name.hash(&self.txn.superblock().hash_seed);
        if key.offset >> 8 != hash {
            return Err(self.broken(Finding::EntryHash));
        }
        if entry.object >= self.txn.next_object() {
            return Err(self.broken(Finding::EntryObject));
        }
        match (entry.inode, entry.kind) {
            (Some(inode), _) => self.check_file(census, entry.object, &inode).await,
            (None, NodeType::Directory) => {
                census.named.add(entry.object.0);
                census.report.directories = census.report.directories.saturating_add(1);
                if self.read_directory(entry.object).await?.parent == key.object {
                    Ok(())
                } else {
                    Err(self.broken(Finding::EntryParent))
                }
            }
            (None, kind) => {
                census.linked.add(mark(entry.object, kind as u8));
                Ok(())
            }
        }
    }

    /// The inode of a file or link, wherever it lies.
    async fn check_file(
        &mut self,
        census: &mut Census,
        object: ObjectId,
        inode: &Inode,
    ) -> Result<()> {
        census.report.files = census.report.files.saturating_add(1);
        if inode.extras {
            census.attributed.add_times(object.0, self.count_attributes(object).await?);
        }
        if inode.data >= self.txn.next_object() {
            return Err(self.broken(Finding::ContentObject));
        }
        let link = inode.kind == NodeType::Symlink;
        if inode.data == ObjectId(0) || !(link || self.has_content(inode.data).await?) {
            return Ok(());
        }
        let key = content_key(inode);
        census.owned.add(mark(key.object, key.kind.0));
        let length = self.txn.get(key, &mut []).await?;
        if length.map_or(link, |length| length as u64 != inode.valid) {
            return Err(self.broken(Finding::ContentLength));
        }
        let last = self.last_tail(inode.data).await?;
        if last.is_some_and(|end| end != inode.valid) {
            return Err(self.broken(Finding::TailLength));
        }
        if length.is_some() {
            return Ok(());
        }
        let behind = self.run_behind(inode.data, inode.valid).await?;
        if behind.is_some_and(|run| !run.unwritten) {
            // Else nobody would ever give it back.
            let intent = self.txn.get(Intent::key(inode.data), &mut []).await?;
            intent.ok_or(self.broken(Finding::BehindTheEnd))?;
        }
        Ok(())
    }

    /// A value of an attribute that is elsewhere.
    async fn check_value(
        &mut self,
        census: &mut Census,
        data: ObjectId,
        length: u64,
    ) -> Result<()> {
        if data >= self.txn.next_object() {
            return Err(self.broken(Finding::ContentObject));
        }
        census.owned.add(mark(data, Kind::INLINE.0));
        let inline = self.txn.get(inline::key(data), &mut []).await?;
        if !self.has_content(data).await? || inline.is_some_and(|found| found as u64 != length) {
            return Err(self.broken(Finding::ContentLength));
        }
        if self.last_tail(data).await?.is_some_and(|end| end != length) {
            return Err(self.broken(Finding::TailLength));
        }
        Ok(())
    }

    /// Whether the log has anything of the content `data`.
    async fn has_content(&mut self, data: ObjectId) -> Result<bool> {
        let found = self.txn.next(inline::key(data), &mut []).await?;
        Ok(found.is_some_and(|(key, _)| key.object == data && key.kind <= Kind::TAIL))
    }

    /// Where the tail items of `data` end.
    async fn last_tail(&mut self, data: ObjectId) -> Result<Option<u64>> {
        let found = self.txn.floor(tail::key(data, u64::MAX), &mut []).await?;
        Ok(found.map(|(key, length)| key.offset.saturating_add(length as u64)))
    }

    /// The item of a file or link that has, or had, several names.
    async fn check_inode(&mut self, census: &mut Census, key: Key, value: &[u8]) -> Result<()> {
        let inode = Inode::from_value(value).map_err(|rule| self.malformed(rule))?;
        if key.offset != 0 {
            return Err(self.broken(Finding::InodeKey));
        }
        census.links.add_times(mark(key.object, inode.kind as u8), inode.links);
        self.check_file(census, key.object, &inode).await
    }

    async fn check_intent(
        &mut self,
        census: &mut Census,
        kind: IntentKind,
        object: ObjectId,
    ) -> Result<()> {
        match kind {
            IntentKind::Forget => {
                census.attributed.add_times(object.0, self.count_attributes(object).await?);
            }
            IntentKind::Destroy => {
                if self.has_content(object).await? {
                    census.owned.add(mark(object, Kind::INLINE.0));
                }
            }
            // The content has an owner, which uses less of it.
            IntentKind::Trim => {}
        }
        Ok(())
    }

    async fn check_directory(&mut self, census: &mut Census, key: Key, value: &[u8]) -> Result<()> {
        let directory = Directory::from_value(value).map_err(|rule| self.malformed(rule))?;
        if key.offset != 0 {
            return Err(self.broken(Finding::DirectoryKey));
        }
        if key.object == ROOT {
            census.report.directories = census.report.directories.saturating_add(1);
        } else {
            census.present.add(key.object.0);
        }
        if directory.inode.extras {
            census.attributed.add_times(key.object.0, self.count_attributes(key.object).await?);
        }
        Ok(())
    }

    /// The map of free space against everything that is in use.
    async fn check_space(&mut self, census: &mut Census) -> Result<()> {
        let mut used = census.blocks;
        for block in self.reserved_blocks() {
            used.add(block.0.into());
        }
        let state = self.txn.state();
        let retiring = |block| self.txn.journal().chain().iter().any(|link| link.block == block);
        for run in state.runs_of(RunState::Leaving) {
            for block in (0..run.length).map(|behind| run.start.plus(behind.into())) {
                if !retiring(block) {
                    used.add(block.0.into());
                }
            }
        }
        let count = self.txn.superblock().block_count.0;
        let mut allocated = Fingerprint::default();
        for number in 0..count.div_ceil(group::BLOCKS) {
            let group = self.txn.group(number).await?;
            for index in 0..=u8::MAX {
                let block = number.saturating_mul(group::BLOCKS).saturating_add(index.into());
                if !group.is_allocated(index) {
                    continue;
                }
                if block == 0 || block >= count.saturating_sub(1) {
                    return Err(self.broken(Finding::MapEnd));
                }
                allocated.add(block.into());
            }
        }
        if used != allocated {
            return Err(self.broken(Finding::BlockOwners));
        }
        let free = count.saturating_sub(2).saturating_sub(used.count);
        if self.txn.free_blocks() != free {
            return Err(self.broken(Finding::FreeCount));
        }
        census.report.blocks_used = used.count.saturating_add(2);
        census.report.blocks_free = free;
        Ok(())
    }
}

impl<D> Vellum<'_, D> {
    /// A piece of a content: behind the one before it, and of one that was not seen yet if it is of
    /// another object.
    fn check_content(&self, census: &mut Census, key: Key, value: &[u8]) -> Result<()> {
        if census.content != key.object {
            census.content = key.object;
            census.end = 0;
            census.stored.add(mark(key.object, Kind::INLINE.0));
        }
        match key.kind {
            Kind::EXTENT => {
                let run = self.run_of(key, value)?;
                if key.offset < census.end {
                    return Err(self.broken(Finding::RunsOverlap));
                }
                census.end = self.units().start(run.end());
                for behind in 0..run.blocks {
                    census.blocks.add(run.block.plus(behind).0.into());
                }
            }
            Kind::TAIL if value.is_empty() || value.len() > tail::BYTES_MAX => {
                return Err(self.broken(Finding::TailItemLength));
            }
            Kind::INLINE if key.offset != 0 || value.len() > inline::BYTES_MAX => {
                return Err(self.broken(Finding::InlineItemLength));
            }
            _ => {}
        }
        Ok(())
    }

    /// The patches of a region: of a content that is there.
    fn check_patches(&self, census: &mut Census, key: Key, value: &[u8]) -> Result<()> {
        if census.content != key.object {
            return Err(self.broken(Finding::PatchOwner));
        }
        for block in self.region_of(key, value)?.patches.blocks() {
            census.blocks.add(block.0.into());
        }
        Ok(())
    }

    /// An attribute; says what owns its value, and how long that is, if it is elsewhere.
    fn check_attribute(
        &self,
        census: &mut Census,
        key: Key,
        value: &[u8],
    ) -> Result<Option<(ObjectId, u64)>> {
        let attribute = XattrView::decode(value).map_err(|rule| self.malformed(rule))?;
        let hash = name::hash(attribute.name, &self.txn.superblock().hash_seed);
        if key.offset >> 8 != hash {
            return Err(self.broken(Finding::AttributeHash));
        }
        census.attributes.add(key.object.0);
        Ok(attribute.place())
    }

    /// The blocks in use that no node is in, but for those that are leaving.
    fn reserved_blocks(&self) -> impl Iterator<Item = BlockNo> {
        let scalars = &self.txn.state().scalars;
        let chain = self.txn.journal().chain().iter().map(|link| link.block);
        chain.chain([scalars.next, scalars.spare_a, scalars.spare_b])
    }

    pub(super) fn malformed(&self, rule: Malformed) -> Error {
        corrupt(self.txn.state().scalars.root.block)(rule)
    }

    pub(super) fn broken(&self, finding: Finding) -> Error {
        self.malformed(Malformed::Finding(finding))
    }
}

const _: () = assert!(dirent::BYTES_MAX <= VALUE_MAX);
