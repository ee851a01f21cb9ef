//! What touches the volume, in functions of their own that are not inlined: the stack measured,
//! with the future in the asynchronous colour, is then that of the filesystem alone. The scenarios
//! themselves are not asynchronous: they complete one future after another.

use super::colour;
use super::vellum::Volume;
use super::vellum::device::BlockDevice;
use crate::content::{CONFIG_BYTES, EVENT_BYTES, Pattern, config_number, event, event_number};
use fs_core::{DirEntry, Error, FormatOptions, Memory, MountOptions, NameBuf, OpenOptions, Result};

/// Bytes that are read or written at once.
pub const CHUNK: usize = 500;

fn options(uuid: [u8; 16]) -> FormatOptions {
    FormatOptions { uuid, hash_seed: *b"not a secret one", ..FormatOptions::default() }
}

#[colour]
#[inline(never)]
pub async fn format<D: BlockDevice>(
    device: &mut D,
    memory: &mut Memory,
    uuid: [u8; 16],
) -> Result<()> {
    Volume::format(device, memory, &options(uuid)).await
}

#[colour]
#[inline(never)]
pub async fn mount<'m, D: BlockDevice>(
    device: &'m mut D,
    memory: &'m mut Memory,
) -> Result<Volume<'m, D>> {
    Volume::mount(device, memory, MountOptions::default()).await
}

#[colour]
#[inline(never)]
pub async fn mount_or_format<'m, D: BlockDevice>(
    device: &'m mut D,
    memory: &'m mut Memory,
    uuid: [u8; 16],
) -> Result<Volume<'m, D>> {
    let mount = MountOptions::default();
    Volume::mount_or_format(device, memory, mount, &options(uuid)).await
}

#[colour]
#[inline(never)]
pub async fn mkdir<D: BlockDevice>(volume: &Volume<'_, D>, path: &str) -> Result<()> {
    volume.mkdir(path).await
}

#[colour]
#[inline(never)]
pub async fn create<D: BlockDevice>(volume: &Volume<'_, D>, path: &str, text: &[u8]) -> Result<()> {
    let file = volume.open(path, OpenOptions::new().write().create()).await?;
    volume.write_at(file, 0, text).await?;
    volume.sync_file(file).await?;
    volume.close(file).await
}

/// The number of the configuration that is there; nothing if it is no whole one.
#[colour]
#[inline(never)]
pub async fn config_of<D: BlockDevice>(volume: &Volume<'_, D>, path: &str) -> Result<Option<u32>> {
    let mut content = [0; CONFIG_BYTES + 1];
    let file = volume.open(path, OpenOptions::READ).await?;
    let bytes = volume.read_at(file, 0, &mut content).await?;
    volume.close(file).await?;
    Ok(content.get(..bytes).and_then(config_number))
}

#[colour]
#[inline(never)]
pub async fn replace<D: BlockDevice>(
    volume: &Volume<'_, D>,
    path: &str,
    text: &[u8],
) -> Result<()> {
    volume.replace(path, text).await
}

/// Adds events to a log, each durable before the next.
#[colour]
#[inline(never)]
pub async fn append<D: BlockDevice>(
    volume: &Volume<'_, D>,
    path: &str,
    from: u32,
    to: u32,
) -> Result<()> {
    let file = volume.open(path, OpenOptions::new().append().create()).await?;
    for number in from..to {
        volume.write_at(file, 0, &event(number)).await?;
        volume.sync_file(file).await?;
    }
    volume.close(file).await
}

/// The numbers of the events of a log, from one to before the other; nothing if they are not all
/// there, whole and in order. A log that is not there has none.
#[colour]
#[inline(never)]
pub async fn events_of<D: BlockDevice>(
    volume: &Volume<'_, D>,
    path: &str,
) -> Result<Option<(u32, u32)>> {
    let file = match volume.open(path, OpenOptions::READ).await {
        Err(Error::NotFound) => return Ok(Some((0, 0))),
        file => file?,
    };
    let mut found = None;
    let mut at = 0;
    loop {
        let mut text = [0; EVENT_BYTES];
        let bytes = volume.read_at(file, at, &mut text).await?;
        if bytes == 0 {
            break;
        }
        let Some(number) = text.get(..bytes).and_then(event_number) else { return Ok(None) };
        let (from, to) = found.unwrap_or((number, number));
        if number != to {
            return Ok(None);
        }
        found = Some((from, number + 1));
        at += bytes as u64;
    }
    volume.close(file).await?;
    Ok(Some(found.unwrap_or((0, 0))))
}

/// Makes a file of `bytes` bytes, `head` and then the pattern of `seed`, and commits it.
#[colour]
#[inline(never)]
pub async fn make<D: BlockDevice>(
    volume: &Volume<'_, D>,
    path: &str,
    head: &[u8],
    seed: u32,
    bytes: u32,
) -> Result<()> {
    let options = OpenOptions::new().write().create().truncate();
    let file = volume.open(path, options).await?;
    volume.write_at(file, 0, head).await?;
    let mut pattern = Pattern::new(seed);
    let mut at = head.len() as u64;
    while at < u64::from(bytes) {
        let mut chunk = [0; CHUNK];
        let part = (u64::from(bytes) - at).min(CHUNK as u64) as usize;
        let chunk = &mut chunk[..part];
        pattern.fill(chunk);
        volume.write_at(file, at, chunk).await?;
        at += part as u64;
    }
    volume.close(file).await
}

/// The first four bytes of a file, as a number.
#[colour]
#[inline(never)]
pub async fn first_number<D: BlockDevice>(
    volume: &Volume<'_, D>,
    path: &str,
) -> Result<Option<u32>> {
    let mut head = [0; 4];
    let file = volume.open(path, OpenOptions::READ).await?;
    let bytes = volume.read_at(file, 0, &mut head).await?;
    volume.close(file).await?;
    Ok((bytes == head.len()).then_some(u32::from_le_bytes(head)))
}

/// Whether a file is what `make` makes.
#[colour]
#[inline(never)]
pub async fn is_made<D: BlockDevice>(
    volume: &Volume<'_, D>,
    path: &str,
    head: &[u8],
    seed: u32,
    bytes: u32,
) -> Result<bool> {
    let file = volume.open(path, OpenOptions::READ).await?;
    let mut pattern = Pattern::new(seed);
    let mut is_same = volume.stat_file(file).await?.size == u64::from(bytes);
    let mut at = 0;
    loop {
        let mut found = [0; CHUNK];
        let part = volume.read_at(file, at, &mut found).await?;
        if part == 0 {
            break;
        }
        for (byte, place) in found[..part].iter().zip(at as usize..) {
            let wanted = head.get(place).copied().or_else(|| pattern.next());
            is_same &= wanted == Some(*byte);
        }
        at += part as u64;
    }
    volume.close(file).await?;
    Ok(is_same && at == u64::from(bytes))
}

/// Bytes and checksum of a file.
#[colour]
#[inline(never)]
pub async fn sum<D: BlockDevice>(volume: &Volume<'_, D>, path: &str) -> Result<(u64, u32)> {
    let file = volume.open(path, OpenOptions::READ).await?;
    let mut sum = crate::content::Crc32::new();
    let mut at = 0;
    loop {
        let mut chunk = [0; CHUNK];
        let part = volume.read_at(file, at, &mut chunk).await?;
        if part == 0 {
            break;
        }
        sum.update(&chunk[..part]);
        at += part as u64;
    }
    volume.close(file).await?;
    Ok((at, sum.value()))
}

#[colour]
#[inline(never)]
pub async fn names_in<D: BlockDevice>(volume: &Volume<'_, D>, path: &str) -> Result<usize> {
    let mut list = volume.read_dir(path).await?;
    let mut name = NameBuf::new();
    let mut names = 0;
    while list.next(&mut name).await?.is_some() {
        names += 1;
    }
    Ok(names)
}

/// The entry of a directory that has `place` others before it.
#[colour]
#[inline(never)]
pub async fn entry_of<D: BlockDevice>(
    volume: &Volume<'_, D>,
    path: &str,
    place: u32,
    name: &mut NameBuf,
) -> Result<Option<DirEntry>> {
    let mut list = volume.read_dir(path).await?;
    for _ in 0..place {
        list.next(name).await?;
    }
    list.next(name).await
}

#[colour]
#[inline(never)]
pub async fn check<D: BlockDevice>(volume: &Volume<'_, D>) -> Result<()> {
    volume.check().await.map(|_| ())
}

#[colour]
#[inline(never)]
pub async fn rename<D: BlockDevice>(volume: &Volume<'_, D>, from: &str, to: &str) -> Result<()> {
    volume.rename(from, to).await
}

#[colour]
#[inline(never)]
pub async fn remove<D: BlockDevice>(volume: &Volume<'_, D>, path: &str) -> Result<()> {
    volume.remove(path).await
}
