//! Reads a volume that was made elsewhere: `file PATH BYTES CRC32`, `directory PATH`, for all
//! there is. Then leaves a file of its own, to show that the volume can be written to.

use super::vellum::Volume;
use super::vellum::device::BlockDevice;
use super::{calls, complete};
use crate::content::{Text, config};
use crate::{Console, Failure, expect};
use fs_core::{Memory, NameBuf, NodeKind};

/// How deep below the root it looks.
const DEPTH_MAX: usize = 8;

/// Reads it all, and leaves `/from-the-board`, the configuration with the number 1.
///
/// # Errors
/// What went wrong first.
#[inline(never)]
pub fn run<D: BlockDevice>(
    console: &dyn Console,
    device: &mut D,
    memory: &mut Memory,
) -> Result<(), Failure> {
    let volume = complete(calls::mount(device, memory))?;
    complete(calls::check(&volume))?;
    walk(console, &volume)?;
    complete(calls::replace(&volume, "/from-the-board", &config(1)))?;
    Ok(complete(volume.unmount())?)
}

/// Goes through the tree without recursion: what it keeps of each directory above is the length of
/// its path, and how many of its entries are done.
#[inline(never)]
fn walk<D: BlockDevice>(console: &dyn Console, volume: &Volume<'_, D>) -> Result<(), Failure> {
    let mut path = Text::<200>::new();
    let mut above = [(0_usize, 0_u32); DEPTH_MAX];
    let mut depth = 0;
    let mut name = NameBuf::new();
    loop {
        let (bytes, place) = above[depth];
        path.truncate(bytes);
        let directory = if bytes == 0 { "/" } else { path.as_str() };
        let entry = complete(calls::entry_of(volume, directory, place, &mut name))?;
        let Some(entry) = entry else {
            if depth == 0 {
                return Ok(());
            }
            depth -= 1;
            continue;
        };
        above[depth].1 += 1;
        path.push(b"/");
        path.push(name.as_bytes());
        let shown = path.as_str();
        if entry.kind == NodeKind::Directory {
            console.line(format_args!("directory {shown}"));
            depth += 1;
            expect(depth < DEPTH_MAX, "a tree that is not too deep")?;
            above[depth] = (path.as_bytes().len(), 0);
        } else {
            let (bytes, sum) = complete(calls::sum(volume, shown))?;
            expect(bytes == entry.size, "as many bytes as the directory says")?;
            console.line(format_args!("file {shown} {bytes} {sum:08x}"));
        }
    }
}
