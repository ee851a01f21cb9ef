//! Every operation of the thin path, each once, with nothing the compiler could know in advance.

use super::colour;
use super::device::Device;
use super::vellum::Volume;
use core::hint::black_box;
use fs_core::{Error, FormatOptions, Memory, MountOptions, NameBuf, OpenOptions};

/// Formats a device, mounts it and uses it.
///
/// # Errors
/// The first failure.
#[colour]
pub async fn run(device: &mut Device, memory: &mut Memory) -> Result<u64, Error> {
    let options = FormatOptions { uuid: black_box([1; 16]), ..FormatOptions::default() };
    Volume::format(device, memory, &options).await?;
    let volume = Volume::mount(device, memory, MountOptions::default()).await?;

    volume.mkdir(black_box("/a")).await?;
    let options = black_box(OpenOptions::new().read().write().create());
    let file = volume.open(black_box("/a/b"), options).await?;
    volume.write_at(file, black_box(0), black_box(&[1, 2, 3])).await?;
    volume.sync_file(file).await?;
    let mut content = [0; 16];
    let read = volume.read_at(file, black_box(0), &mut content).await?;
    volume.close(file).await?;

    volume.rename(black_box("/a/b"), black_box("/a/c")).await?;
    let mut list = volume.read_dir(black_box("/a")).await?;
    let mut name = NameBuf::new();
    let mut sum = read as u64;
    while let Some(entry) = list.next(&mut name).await? {
        sum = sum.wrapping_add(entry.size).wrapping_add(black_box(&name).as_bytes().len() as u64);
    }
    drop(list);
    volume.remove(black_box("/a/c")).await?;
    volume.sync().await?;
    volume.unmount().await?;
    Ok(sum)
}
