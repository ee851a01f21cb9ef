//! The operations.

use super::super::colour;
use crate::api::{
    Access, AllocateFlags, AttributeChange, Attributes, Cookie, DirEntry, Durability, FileId,
    Limit, MapFor, Mapping, NameBuf, NodeKind, OpId, RenameMode, SyncLevel, VnodeId, XattrMode,
};
use crate::error::{Error, Result};
use crate::extent::{Extent, Packer};
use crate::units::ByteOffset;

/// What a filesystem does. The operations with a body are optional.
#[colour]
#[allow(async_fn_in_trait, reason = "one core, no executor that moves futures between threads")]
#[allow(clippy::missing_errors_doc, reason = "each text has its line of errors")]
#[allow(clippy::unused_async, reason = "an operation that is not offered does not wait")]
pub trait Filesystem {
    // Lifetime.

    /// Gives one hold of `vnode` back. Ignores a stale id.
    ///
    /// - **Leaves:** a vnode without holds and uses may be recycled, after `inactive` if it owes.
    fn put(&mut self, vnode: VnodeId);

    /// Takes back every hold that is left over from an operation whose future was dropped.
    ///
    /// - **Holds:** nothing; called before an operation begins.
    /// - **Leaves:** no vnode held; uses as they are.
    fn abandon(&mut self);

    /// The first vnode in slot `from` or later that nobody uses and that owes an `inactive`.
    fn owed(&self, from: u8) -> Option<VnodeId>;

    /// Does what the last use of `vnode` left to do: frees a file without a name, for example.
    ///
    /// - **Holds:** nothing: `vnode` has neither holds nor uses.
    /// - **Leaves:** no debt; after an error the debt stays. Uncommitted content stays.
    /// - **Errors:** `Stale`, `ReadOnly`.
    async fn inactive(&mut self, vnode: VnodeId) -> Result<()>;

    /// Does some of what later operations would have to wait for; called when one that changed
    /// something is over. What it cannot do is left to them, so it has no errors.
    ///
    /// - **Leaves:** nothing that can be seen changed.
    async fn tidy(&mut self) {}

    /// Forgets `vnode`, which nobody holds or uses and which owes nothing. Cannot fail, and does
    /// no I/O. A filesystem calls it for itself when it needs the slot.
    ///
    /// - **Leaves:** the slot is empty; a vnode with uncommitted content is left alone.
    fn reclaim(&mut self, vnode: VnodeId);

    /// What `vnode` is. No I/O.
    ///
    /// - **Errors:** none of its own.
    fn kind(&self, vnode: VnodeId) -> Result<NodeKind>;

    // Names.

    /// The root directory, with a hold.
    ///
    /// - **Errors:** `NoSlot`.
    async fn root(&mut self) -> Result<VnodeId>;

    /// What `name` names in `directory`, with a hold.
    ///
    /// - **Holds:** the directory.
    /// - **Errors:** `NotFound`, `NotADirectory`, `NameTooLong`, `Invalid` (name), `NoSlot`.
    async fn lookup(&mut self, directory: VnodeId, name: &[u8]) -> Result<VnodeId>;

    /// The directory that holds `directory`, with a hold; the root is its own parent.
    ///
    /// - **Holds:** the directory.
    /// - **Errors:** `NotADirectory`, `NoSlot`.
    async fn parent(&mut self, directory: VnodeId) -> Result<VnodeId>;

    /// Makes an empty file `name` in `directory`; it comes with a hold.
    ///
    /// - **Holds:** the directory.
    /// - **Leaves:** the file, durable; or no trace of it.
    /// - **Errors:** `Exists`, `NotADirectory`, `NameTooLong`, `Invalid` (name), `NoSpace`,
    ///   `NoSlot`, `ReadOnly`.
    async fn create(&mut self, directory: VnodeId, name: &[u8]) -> Result<VnodeId>;

    /// Makes an empty directory `name` in `directory`; it comes with a hold.
    ///
    /// - **Holds:** the directory.
    /// - **Leaves:** the directory, durable; or no trace of it.
    /// - **Errors:** as for `create`, and `TooDeep`.
    async fn mkdir(&mut self, directory: VnodeId, name: &[u8]) -> Result<VnodeId>;

    /// Removes the file or link `name` from `directory`.
    ///
    /// - **Holds:** the directory.
    /// - **Leaves:** no such name, durable. The content stays while somebody uses the file; a cut
    ///   counts as the end of every use.
    /// - **Errors:** `NotFound`, `NotADirectory`, `IsADirectory`, `ReadOnly`.
    async fn remove(&mut self, directory: VnodeId, name: &[u8]) -> Result<()>;

    /// Removes the empty directory `name` from `directory`.
    ///
    /// - **Holds:** the directory.
    /// - **Leaves:** no such name, durable.
    /// - **Errors:** `NotFound`, `NotADirectory`, `NotEmpty`, `ReadOnly`.
    async fn rmdir(&mut self, directory: VnodeId, name: &[u8]) -> Result<()>;

    /// Gives `from`'s entry `old` the name `new` in `to`; `mode` says what happens to what is
    /// there.
    ///
    /// - **Holds:** both directories.
    /// - **Leaves:** exactly one of the two names, at every moment, even across a power cut;
    ///   durable. Uncommitted content of the file is committed with it, or before if both do not
    ///   fit into one transaction. With `Swap` both names, and
    ///   all of what they lead to is swapped or none of it; uncommitted content is committed
    ///   before. The same entry on both sides, or two names of one file: nothing happens, and both
    ///   names stay.
    /// - **Errors:** `NotFound`, `Exists` (`Exclusive`), `NotADirectory`, `IsADirectory`,
    ///   `NotEmpty` (the target is a directory with entries), `WouldLoop`, `TooDeep`,
    ///   `NameTooLong`, `Invalid`, `NamesCollide`, `NoSpace`, `ReadOnly`.
    async fn rename(
        &mut self,
        from: VnodeId,
        old: &[u8],
        to: VnodeId,
        new: &[u8],
        mode: RenameMode,
    ) -> Result<()>;

    /// The first entry of `directory` at `at` or later, its name, and where the next one begins.
    /// `None` at the end.
    ///
    /// - **Holds:** the directory, held or open.
    /// - **Leaves:** every entry that exists during a whole listing is given once; one that comes
    ///   or goes meanwhile at most once.
    /// - **Errors:** `NotADirectory`.
    async fn readdir(
        &mut self,
        directory: VnodeId,
        at: Cookie,
        name: &mut NameBuf,
    ) -> Result<Option<(DirEntry, Cookie)>>;

    // Attributes.

    /// What is known about `vnode`, uncommitted changes included.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Errors:** none of its own.
    async fn getattr(&mut self, vnode: VnodeId) -> Result<Attributes>;

    /// Changes attributes of `vnode`.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Leaves:** another size alone is uncommitted content, like a write. Bytes that it adds
    ///   read as zero. Times and owner are durable, and all uncommitted content of the file with
    ///   them, so that no later commit changes the time again.
    /// - **Errors:** `IsADirectory` (size), `LinkLoop` (size of a link), `Invalid` (mode),
    ///   `NotFound` (times and owner of what has lost its names), `TooLarge`, `NoDraft`,
    ///   `NoSpace`, `ReadOnly`.
    async fn setattr(&mut self, vnode: VnodeId, change: AttributeChange) -> Result<()>;

    // Content.

    /// Takes a use of `vnode` for `access`.
    ///
    /// - **Holds:** the vnode.
    /// - **Leaves:** the use, until `close`. No use after an error or a drop.
    /// - **Errors:** for `WRITE`, `ReadOnly` and `IsADirectory`; `NoSlot`.
    async fn open(&mut self, vnode: VnodeId, access: Access) -> Result<()>;

    /// Gives a use back. Does no I/O and ignores a stale id.
    ///
    /// - **Leaves:** after the last use, a debt. Uncommitted content stays with the vnode until
    ///   `sync`, or until its slot is needed.
    fn close(&mut self, vnode: VnodeId, access: Access);

    /// Fills `target` with the content from `offset`; says how many bytes there were.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Leaves:** fewer bytes than asked for only at the end of the file.
    /// - **Errors:** `IsADirectory`.
    async fn read(&mut self, vnode: VnodeId, offset: u64, target: &mut [u8]) -> Result<usize>;

    /// Puts `source` at `offset`, and zeros between the old end and it; says how many bytes were
    /// taken: all, or at least one.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Leaves:** uncommitted content: seen by every reader, lost by a cut before `fsync`,
    ///   `sync` or a `rename` of the file.
    /// - **Errors:** `IsADirectory`, `TooLarge`, `NoDraft`, `NoSpace`, `ReadOnly`; `DraftTooBig` if
    ///   the commit might not fit into one record: `fsync`, and it is taken. What is
    ///   appended goes to the log early instead, and so does a new content. Overwrites are refused
    ///   when they wait at so many places of the file: between 8 (a short name, up to 512 bytes
    ///   each) and 2 (a name of 255 bytes, longer pieces, each in 64 KiB of its own that have small
    ///   overwrites in them already).
    async fn write(&mut self, vnode: VnodeId, offset: u64, source: &[u8]) -> Result<usize>;

    /// Commits the content of `vnode`, as far as `level` says. A filesystem may do more than it is
    /// asked for.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Leaves:** the content, durable (except for [`SyncLevel::Start`]): a cut meanwhile
    ///   leaves all of the old or all of the new. After an error it is still uncommitted.
    /// - **Errors:** `NoSpace`, `ReadOnly`. Nothing uncommitted: none.
    async fn fsync(&mut self, vnode: VnodeId, level: SyncLevel) -> Result<()>;

    /// Commits the content of every file, one after the other.
    ///
    /// - **Holds:** nothing.
    /// - **Leaves:** everything done so far, durable. After an error the files before the one
    ///   that failed are committed, the others are not.
    /// - **Errors:** `NoSpace`, `ReadOnly`. Nothing uncommitted: none.
    async fn sync(&mut self) -> Result<()>;

    /// Forgets the uncommitted content of `vnode`.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Leaves:** the content of the last commit.
    /// - **Errors:** none of its own.
    async fn discard(&mut self, vnode: VnodeId) -> Result<()>;

    /// Makes `content` the whole content of the file `name`, which is created when it is absent.
    ///
    /// - **Holds:** the directory.
    /// - **Leaves:** the new content, durable; a cut meanwhile leaves all of the old or all of the
    ///   new. What is here by default may leave an empty file where there was none.
    /// - **Errors:** as for `create`, `write` and `fsync`.
    async fn replace(&mut self, directory: VnodeId, name: &[u8], content: &[u8]) -> Result<()> {
        let vnode = match self.lookup(directory, name).await {
            Err(Error::NotFound) => self.create(directory, name).await?,
            found => found?,
        };
        let replaced = self.rewrite(vnode, content).await;
        self.put(vnode);
        replaced
    }

    /// The part of `replace` that comes after the file is found: old or new, durable.
    ///
    /// - **Holds:** the vnode.
    /// - **Leaves:** as `replace`; after an error no uncommitted content.
    /// - **Errors:** as for `write` and `fsync`.
    async fn rewrite(&mut self, vnode: VnodeId, content: &[u8]) -> Result<()> {
        let mut result = self.setattr(vnode, AttributeChange::size(0)).await;
        let (mut offset, mut rest) = (0_u64, content);
        while result.is_ok() && !rest.is_empty() {
            result = match self.write(vnode, offset, rest).await {
                Ok(0) => Err(Error::Bug),
                Ok(taken) => {
                    offset = offset.saturating_add(taken as u64);
                    rest = rest.get(taken..).unwrap_or_default();
                    Ok(())
                }
                Err(error) => Err(error),
            };
        }
        if result.is_ok() {
            result = self.fsync(vnode, SyncLevel::Full).await;
        }
        if result.is_err() {
            self.discard(vnode).await?;
        }
        result
    }

    // Not offered unless a filesystem says so.

    /// Makes a link `name` to the path `target`; it comes with a hold. Whether the target exists
    /// does not matter.
    ///
    /// - **Holds:** the directory.
    /// - **Leaves:** the link, durable; or no trace of it.
    /// - **Errors:** as for `create`; `NameTooLong` and `Invalid` for the target, too.
    async fn symlink(
        &mut self,
        _directory: VnodeId,
        _name: &[u8],
        _target: &[u8],
    ) -> Result<VnodeId> {
        Err(Error::NotSupported)
    }

    /// Copies the path that a link leads to, cut at the end of `target`; says its length.
    ///
    /// - **Holds:** the link.
    /// - **Errors:** `Invalid` if it is no link.
    async fn readlink(&mut self, _link: VnodeId, _target: &mut [u8]) -> Result<usize> {
        Err(Error::NotSupported)
    }

    /// Gives a file or link one more name.
    ///
    /// - **Holds:** both.
    /// - **Leaves:** the name, durable, or no trace of it. Uncommitted content of the file is
    ///   committed with it, or before if both do not fit into one transaction.
    /// - **Errors:** `Exists`, `NotFound` (the file has lost its names), `IsADirectory`,
    ///   `NotADirectory`, `TooManyNames`, `NameTooLong`, `Invalid`, `NamesCollide`, `NoSpace`,
    ///   `ReadOnly`.
    async fn link(&mut self, _file: VnodeId, _directory: VnodeId, _name: &[u8]) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Swaps the contents of two files; their names and identities stay, so open files see the
    /// other content.
    ///
    /// - **Holds:** both.
    /// - **Leaves:** both contents swapped, durable, or neither. Uncommitted content is committed
    ///   before.
    /// - **Errors:** `Invalid` (the same file), `NotFound` (a file has lost its names),
    ///   `IsADirectory`, `LinkLoop`, `NoSpace`, `ReadOnly`.
    async fn exchange(&mut self, _one: VnodeId, _other: VnodeId) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Copies an extended attribute; says its length. An empty `target` asks for the length.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Errors:** `NoAttribute`, `BufferTooSmall`.
    async fn getxattr(
        &mut self,
        _vnode: VnodeId,
        _name: &[u8],
        _target: &mut [u8],
    ) -> Result<usize> {
        Err(Error::NotSupported)
    }

    /// Sets an extended attribute; `mode` says whether it may be there.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Leaves:** the old value or the new one, durable. Attributes stay with the object over
    ///   renames and links, and go with its last name.
    /// - **Errors:** `Exists`, `NoAttribute`, `Invalid` and `NameTooLong` (name), `TooLarge`,
    ///   `NamesCollide`, `NotFound` (the object has lost its names), `NoSpace`, `ReadOnly`.
    async fn setxattr(
        &mut self,
        _vnode: VnodeId,
        _name: &[u8],
        _value: &[u8],
        _mode: XattrMode,
    ) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// The name of the first extended attribute at `at` or later, and where the next begins.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Leaves:** as `readdir`.
    /// - **Errors:** none of its own.
    async fn listxattr(
        &mut self,
        _vnode: VnodeId,
        _at: Cookie,
        _name: &mut NameBuf,
    ) -> Result<Option<Cookie>> {
        Err(Error::NotSupported)
    }

    /// Removes an extended attribute.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Leaves:** no such attribute, durable.
    /// - **Errors:** `NoAttribute`, `NotFound` (the object has lost its names), `ReadOnly`.
    async fn removexattr(&mut self, _vnode: VnodeId, _name: &[u8]) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// The limit; `None` when there is none. No I/O.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Errors:** none of its own.
    async fn pathconf(&mut self, _vnode: VnodeId, _limit: Limit) -> Result<Option<u64>> {
        Err(Error::NotSupported)
    }

    /// Sets space aside for what of a range has none, in whole logical blocks; says how many bytes
    /// came to it, 0 if it had all of it. The size stays, and so does what the file shows: it
    /// reads as zero until it is written, and writing there takes no space.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Leaves:** the space, durable; uncommitted content is committed before. A cut leaves a
    ///   part of it, from the front. What lies behind the end goes when nobody has the file open
    ///   any more, and when the file is cut; the former not with `PERSIST`.
    /// - **Errors:** `NoSpace`: with `ALL` if not all of it is there (a part may be set aside if
    ///   the space goes meanwhile), else if nothing is; `TooLarge` (with `ALL` and `CONTIGUOUS`
    ///   a piece of more than 1024 blocks); `IsADirectory`, `LinkLoop`, `NotFound` (the file has
    ///   lost its names), `ReadOnly`, and those of `fsync`.
    async fn allocate(
        &mut self,
        _vnode: VnodeId,
        _from: ByteOffset,
        _length: u64,
        _flags: AllocateFlags,
    ) -> Result<u64> {
        Err(Error::NotSupported)
    }

    /// The run that holds `at`, as far as it is one run of the device: never empty, and not beyond
    /// the end of the file.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Leaves:** nothing: the run is where the bytes are now, and the next commit may put them
    ///   elsewhere.
    /// - **Errors:** `Invalid` (`at` is not before the end), `NotSupported` (bytes that have no
    ///   run: uncommitted ones in RAM, small files, the end of a file; and runs to write to),
    ///   `IsADirectory`, `LinkLoop`.
    async fn blockmap(
        &mut self,
        _vnode: VnodeId,
        _at: ByteOffset,
        _access: Access,
    ) -> Result<Extent> {
        Err(Error::NotSupported)
    }

    /// Plans a transfer between the device and memory that something else carries out: packs the
    /// runs of `range`, a byte and a length, as far as it can, and begins an operation that
    /// `complete` ends; or goes on with `op`, where its last call ended. Fewer bytes than asked for
    /// are no error: the list is full (`more`), the end of the file, bytes that have no run,
    /// space that is short, or more runs than one operation may have.
    ///
    /// To write, `range` begins at an append unit. Each block is erased and belongs to this
    /// operation alone: the transfer programs it once, from the first byte on, whole append units,
    /// with zeros behind the last byte. Where the file goes on behind the range whole blocks are
    /// mapped. The file shows nothing of it before `complete`.
    ///
    /// - **Holds:** the vnode, held or open; the operation uses it until it ends.
    /// - **Leaves:** nothing. Blocks to read are neither programmed nor erased, blocks to write not
    ///   given to others, until `complete`. What a cut leaves is what is committed.
    /// - **Errors:** `NoSlot` (no operation is free, or no blocks can be held), `Invalid` (not
    ///   whole units; `op` does not go on here), `Stale` (`op` has ended), `NotSupported` (the
    ///   first byte has no run to read), `Busy` (another operation writes there), and those of
    ///   `write`.
    async fn map(
        &mut self,
        _vnode: VnodeId,
        _range: (ByteOffset, u64),
        _what: MapFor,
        _op: Option<OpId>,
        _packer: &mut Packer<'_, '_>,
    ) -> Result<Mapping> {
        Err(Error::NotSupported)
    }

    /// Ends an operation: the first `done` bytes were transferred, if `status` is `Ok`. They are
    /// content of the file from now on, and nothing else is: of fewer bytes than were mapped, whole
    /// append units count, and whole blocks where the file went on behind. What failed is as if it
    /// had not been planned. Needs no space.
    ///
    /// - **Leaves:** uncommitted content, or committed, as `durability` says. So much is committed
    ///   together that one operation is old or new after a cut; what else is uncommitted in the
    ///   file may be committed before.
    /// - **Errors:** `Stale` (it has ended), and those of the device: the operation is then still
    ///   under way, or its bytes are uncommitted content.
    async fn complete(
        &mut self,
        _op: OpId,
        _done: u64,
        _status: Result<()>,
        _durability: Durability,
    ) -> Result<Attributes> {
        Err(Error::NotSupported)
    }

    /// Where a file's logical block begins. No I/O.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Errors:** `TooLarge`, `IsADirectory`, `LinkLoop`.
    async fn blktooff(&mut self, _vnode: VnodeId, _block: u64) -> Result<ByteOffset> {
        Err(Error::NotSupported)
    }

    /// The logical block of a file that holds `at`. No I/O.
    ///
    /// - **Holds:** the vnode, held or open.
    /// - **Errors:** `IsADirectory`, `LinkLoop`.
    async fn offtoblk(&mut self, _vnode: VnodeId, _at: ByteOffset) -> Result<u64> {
        Err(Error::NotSupported)
    }

    // The signatures of these are not final.

    /// Sets or removes (`hidden`) a mark that hides `name` of the layers below a union.
    async fn whiteout(&mut self, _directory: VnodeId, _name: &[u8], _hidden: bool) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Makes a node that is neither file, directory nor link; it comes with a hold.
    async fn mknod(
        &mut self,
        _directory: VnodeId,
        _name: &[u8],
        _kind: NodeKind,
    ) -> Result<VnodeId> {
        Err(Error::NotSupported)
    }

    /// Whether `access` is allowed. `NotSupported` means no opinion, which is yes.
    async fn access(&mut self, _vnode: VnodeId, _access: Access) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Gives a vnode a security label. `NotSupported`: the caller keeps it as an attribute.
    async fn setlabel(&mut self, _vnode: VnodeId, _label: &[u8]) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Locks (or unlocks) a range for an open file, without force.
    async fn advlock(
        &mut self,
        _vnode: VnodeId,
        _owner: FileId,
        _from: ByteOffset,
        _length: u64,
        _locked: bool,
    ) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Anything else that one kind of filesystem can do.
    async fn ioctl(&mut self, _vnode: VnodeId, _command: u32, _argument: u64) -> Result<u64> {
        Err(Error::NotSupported)
    }

    /// Whether a read or write would not wait.
    async fn select(&mut self, _vnode: VnodeId, _access: Access) -> Result<bool> {
        Err(Error::NotSupported)
    }

    /// Makes every use of a vnode fail from now on.
    async fn revoke(&mut self, _vnode: VnodeId) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Moves one logical block between a file and a buffer.
    async fn strategy(
        &mut self,
        _vnode: VnodeId,
        _block: u64,
        _buffer: &mut [u8],
        _access: Access,
    ) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// A last look at a changed block before it is written.
    async fn bwrite(&mut self, _vnode: VnodeId, _block: u64, _buffer: &mut [u8]) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Fills a page of a mapping.
    async fn pagein(&mut self, _vnode: VnodeId, _at: ByteOffset, _page: &mut [u8]) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Writes a changed page of a mapping.
    async fn pageout(&mut self, _vnode: VnodeId, _at: ByteOffset, _page: &[u8]) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Says that a file is about to be mapped.
    async fn mmap(&mut self, _vnode: VnodeId, _access: Access) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Says that the last mapping of a file is gone.
    async fn mnomap(&mut self, _vnode: VnodeId) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Copies a file to `name` in `directory`.
    async fn copyfile(&mut self, _file: VnodeId, _directory: VnodeId, _name: &[u8]) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// The next node of the volume whose name contains `part`, after at most `budget` entries,
    /// and where to go on.
    async fn searchfs(
        &mut self,
        _part: &[u8],
        _at: Cookie,
        _budget: u32,
        _name: &mut NameBuf,
    ) -> Result<(Option<DirEntry>, Cookie)> {
        Err(Error::NotSupported)
    }

    /// As `readdir`, with all attributes.
    async fn readdirattr(
        &mut self,
        _directory: VnodeId,
        _at: Cookie,
        _name: &mut NameBuf,
    ) -> Result<Option<(Attributes, Cookie)>> {
        Err(Error::NotSupported)
    }

    /// A file's stream of that name, as a vnode with a hold.
    async fn getnamedstream(&mut self, _file: VnodeId, _name: &[u8]) -> Result<VnodeId> {
        Err(Error::NotSupported)
    }

    /// As `getnamedstream`; an absent stream is created.
    async fn makenamedstream(&mut self, _file: VnodeId, _name: &[u8]) -> Result<VnodeId> {
        Err(Error::NotSupported)
    }

    /// Removes a file's stream.
    async fn removenamedstream(&mut self, _file: VnodeId, _name: &[u8]) -> Result<()> {
        Err(Error::NotSupported)
    }
}
