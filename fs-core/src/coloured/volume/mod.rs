//! The front door: a mounted volume and the program's lent memory under one name.
//!
//! [`Volume`] is the path layer over the native filesystem. What is here is only what belongs to
//! neither: making a volume, mounting it, and the calls that a path layer does not know.

use super::colour;
use super::device::BlockDevice;
use super::txn::Buffers;
use super::vellum::{Lent, Vellum};
use super::vfs::Vfs;
use crate::api::{CheckReport, FormatOptions, MountOptions, VolumeInfo};
use crate::error::{Error, Result};
use crate::memory::{Memory, Operation};
use crate::table::Operations;

/// A mounted volume on a device `D`: used through `&self`, by several handles and tasks at once.
pub type Volume<'m, D> = Vfs<'m, Vellum<'m, D>>;

#[colour]
impl<'m, D: BlockDevice> Vfs<'m, Vellum<'m, D>> {
    /// Makes an empty volume on `device`, whatever is there.
    ///
    /// Costs six erases and at most eight programs, however large the device.
    ///
    /// # Errors
    /// `Geometry`, `NotSupported` or `Invalid` if device and options do not fit, `TooBig` if they
    /// need more memory; nothing has been written then. `NotSupported` too after the first erase,
    /// if erased bytes are not ones (see [`Inverted`]). The device's. After a power cut the device
    /// holds the old volume, none, or the new one.
    ///
    /// [`Inverted`]: super::device::Inverted
    pub async fn format<
        const ARENA: usize,
        const FILES: usize,
        const DRAFTS: usize,
        const PAGES: usize,
    >(
        device: &mut D,
        memory: &mut Memory<ARENA, FILES, DRAFTS, PAGES>,
        options: &FormatOptions,
    ) -> Result<()> {
        let Memory { arena, runs, work, pages, .. } = memory;
        Vellum::format(device, Buffers { arena, runs, work, pages }, options).await
    }

    /// Mounts the volume on `device`.
    ///
    /// Reads the anchors and the journal: at most `journal_blocks_max` blocks and one. Unless the
    /// volume was parked or `read_only` is set, it then makes the state found the only one: some
    /// programs and what is pending, and three erases at most, before anything else.
    ///
    /// # Errors
    /// `NotFormatted`, `UnknownFeatures`, `Geometry`, `TooBig`, `Corrupt`, or the device's;
    /// `NotSupported` if it can be read but this version cannot write to such a device. The device
    /// and the memory are then free again, and nothing was written.
    pub async fn mount<
        const ARENA: usize,
        const FILES: usize,
        const DRAFTS: usize,
        const PAGES: usize,
    >(
        device: &'m mut D,
        memory: &'m mut Memory<ARENA, FILES, DRAFTS, PAGES>,
        options: MountOptions,
    ) -> Result<Self> {
        let Memory { arena, runs, work, pages, nodes, handles, drafts } = memory;
        let found = Vellum::look_at(device, pages, arena.len()).await?;
        let buffers = Buffers { arena, runs, work, pages };
        let vellum = Vellum::open(device, Lent { buffers, nodes, drafts }, &found, options);
        let mut volume = Self::new(vellum, handles);
        volume.filesystem_mut().start(&found).await?;
        Ok(volume)
    }

    /// Mounts the volume on `device`, after making one if the device is blank: if both places
    /// of a superblock read well and hold nothing, or a format that was cut.
    ///
    /// # Errors
    /// Those of both; `NotFormatted` if the device holds something else. That is also what a power
    /// cut in the very first program or erase of a blank device can leave: it cannot be told from
    /// somebody's data, so only an explicit `format` helps. From the first whole mark on, which is
    /// the third step, this call goes on by itself.
    pub async fn mount_or_format<
        const ARENA: usize,
        const FILES: usize,
        const DRAFTS: usize,
        const PAGES: usize,
    >(
        device: &'m mut D,
        memory: &'m mut Memory<ARENA, FILES, DRAFTS, PAGES>,
        options: MountOptions,
        format: &FormatOptions,
    ) -> Result<Self> {
        if Vellum::is_blank(device, &mut memory.pages).await? {
            if options.read_only {
                return Err(Error::NotFormatted);
            }
            Self::format(device, memory, format).await?;
        }
        Self::mount(device, memory, options).await
    }

    /// Lets hardware carry out as many transfers at once as there are `operations`.
    #[must_use]
    pub fn with_operations(mut self, operations: &'m mut [Operation]) -> Self {
        self.filesystem_mut().lend_operations(Operations::new(operations));
        self
    }

    /// Commits everything and closes the journal, so that the next mount need not settle. The
    /// volume stays usable; the first change after this opens the journal again.
    ///
    /// # Errors
    /// `Busy`, or those of committing.
    pub async fn park(&self) -> Result<()> {
        self.enter().await?.park().await
    }

    /// Parks the volume and gives device and memory back.
    ///
    /// # Errors
    /// As for `park`; what could not be committed is lost.
    pub async fn unmount(self) -> Result<()> {
        self.park().await
    }

    /// Size, free space and identity. No I/O.
    ///
    /// # Errors
    /// `Busy`.
    pub async fn info(&self) -> Result<VolumeInfo> {
        Ok(self.enter().await?.info())
    }

    /// Does up to `budget` units of work that later calls would have to do: each at most one
    /// erase. Gives how many were done; fewer than asked for means that nothing is left.
    ///
    /// # Errors
    /// `Busy`, `ReadOnly`, or the device's.
    pub async fn maintain(&self, budget: u32) -> Result<u32> {
        self.enter().await?.maintain(budget).await
    }

    /// Checks every structure of the volume, as it is now, uncommitted content left out.
    ///
    /// Reads every node about as often as the tree is high. Changes nothing.
    ///
    /// # Errors
    /// `Busy`; `Corrupt` with the first rule that is broken; the device's.
    pub async fn check(&self) -> Result<CheckReport> {
        self.enter().await?.check().await
    }
}
