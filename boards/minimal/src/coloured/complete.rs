//! Every operation that there is, each once: what [`super::program`] uses, and all the others.

use super::colour;
use super::device::Device;
use super::program;
use super::vellum::Volume;
use core::hint::black_box;
use fs_core::api::SyncLevel;
use fs_core::extent::{Extent, ExtentList};
use fs_core::memory::Operation;
use fs_core::units::ByteOffset;
use fs_core::{
    AllocateFlags, AttributeChange, Cookie, Durability, Error, Limit, MapFor, Memory, MountOptions,
    NameBuf, Op, OpenOptions, RenameMode, XattrMode,
};

/// Formats a device, mounts it and uses all of it.
///
/// # Errors
/// The first failure.
#[colour]
pub async fn run(device: &mut Device, memory: &mut Memory) -> Result<u64, Error> {
    let read = program::run(device, memory).await?;
    let mut operations = [Operation::EMPTY; 2];
    let volume = Volume::mount(device, memory, MountOptions::default()).await?;
    let volume = volume.with_operations(&mut operations);
    names(&volume).await?;
    attributes(&volume).await?;
    let room = content(&volume).await?;
    volume.park().await?;
    let blocks = volume.maintain(black_box(4)).await?;
    let info = volume.info().await?;
    volume.check().await?;
    volume.unmount().await?;
    Ok(read.wrapping_add(room).wrapping_add(blocks.into()).wrapping_add(info.free.0.into()))
}

#[colour]
async fn names(volume: &Volume<'_, Device>) -> Result<(), Error> {
    let (one, other) = (black_box("/one"), black_box("/other"));
    volume.replace(one, black_box(b"content")).await?;
    volume.link(one, other).await?;
    volume.symlink(one, black_box("/link")).await?;
    let mut target = [0; 64];
    volume.read_link(black_box("/link"), &mut target).await?;
    volume.symlink_stat(black_box("/link")).await?;
    volume.rename_with(one, other, black_box(RenameMode::Swap)).await?;
    volume.exchange(one, other).await?;
    let ops = [Op::Remove(one), Op::Rename { from: other, to: black_box("/third") }];
    volume.commit(black_box(&ops)).await?;
    volume.mkdir(one).await?;
    volume.rmdir(one).await
}

#[colour]
async fn attributes(volume: &Volume<'_, Device>) -> Result<(), Error> {
    let path = black_box("/third");
    volume.set_attributes(path, black_box(AttributeChange::size(3))).await?;
    volume.stat(path).await?;
    volume.limit(path, black_box(Limit::NameBytes)).await?;
    volume.set_xattr(path, "name", black_box(&[1; 600]), black_box(XattrMode::Any)).await?;
    let mut value = [0; 600];
    volume.get_xattr(path, "name", &mut value).await?;
    volume.list_xattr(path, Cookie::START, &mut NameBuf::new()).await?;
    volume.remove_xattr(path, "name").await
}

#[colour]
async fn content(volume: &Volume<'_, Device>) -> Result<u64, Error> {
    let path = black_box("/third");
    let file = volume.open(path, black_box(OpenOptions::new().read().write())).await?;
    let room = volume.allocate(file, 0, black_box(65_536), AllocateFlags::PERSIST).await?;
    let extent = volume.blockmap(file, black_box(0)).await?;
    let mut runs = [Extent::zero(ByteOffset(0), 0); 2];
    let mut runs = ExtentList::new(&mut runs);
    let range = black_box((0, 8192));
    let mapping = volume.map(file, range, black_box(MapFor::Write), None, &mut runs).await?;
    if let Some(op) = mapping.op {
        let late = black_box(Durability::Deferred);
        volume.complete(op, mapping.covered, Ok(()), late).await?;
    }
    volume.set_len(file, black_box(9)).await?;
    volume.set_file_attributes(file, black_box(AttributeChange::size(4))).await?;
    volume.sync_file_to(file, black_box(SyncLevel::Full)).await?;
    volume.stat_file(file).await?;
    volume.discard(file).await?;
    volume.close(file).await?;
    volume.truncate(path, black_box(1)).await?;
    volume.read_file(path, &mut [0; 16]).await?;
    Ok(room.wrapping_add(extent.length))
}
