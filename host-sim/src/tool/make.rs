//! Making a volume in a file.

use std::collections::hash_map::RandomState;
use std::fs::OpenOptions;
use std::hash::{BuildHasher, Hasher};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_core::blocking::Volume;
use fs_core::{FormatOptions, Memory};

use super::volume::mounted;
use super::{Copied, Failure, Flash, Progress, Result, put};
use crate::rng::Rng;

/// What to make.
#[derive(Debug, Clone)]
pub struct Make {
    /// The file.
    pub path: PathBuf,
    /// Where in it the volume begins.
    pub offset: u64,
    /// Bytes of the volume; for an existing file those behind the offset if not given.
    pub size: Option<u64>,
    /// Bytes of a block.
    pub block: u32,
    /// Bytes of the smallest program.
    pub program_unit: u32,
    /// A name for people.
    pub label: String,
    /// Directory of this machine whose content the volume gets.
    pub from: Option<PathBuf>,
    /// Whether whatever is there may be lost.
    pub force: bool,
    /// Seed of identity and hash seed, for an image that can be made again bit by bit.
    pub seed: Option<u64>,
}

/// Makes the volume, and fills it.
///
/// # Errors
/// If something is there already; the host's and the filesystem's.
pub fn make(order: &Make, progress: Progress<'_>) -> Result<Copied> {
    let path = &*order.path;
    let absent = !path.exists();
    if absent || std::fs::metadata(path).is_ok_and(|metadata| metadata.len() <= order.offset) {
        let Some(size) = order.size else {
            let text = format!("{} is not there: give --size or --chip", path.display());
            return Err(Failure::Usage(text));
        };
        blank(path, order.offset, size).map_err(|error| Failure::host(path, "write", &error))?;
    }
    let made = fill(order, progress);
    if absent && made.is_err() {
        let _ = std::fs::remove_file(path);
    }
    made
}

fn fill(order: &Make, progress: Progress<'_>) -> Result<Copied> {
    let mut flash = Flash::open(&order.path, order.offset, order.size)?;
    let shown = order.path.display().to_string();
    if !order.force && !flash.is_blank() {
        let there = flash.volume().map_or_else(
            |_| flash.what_else(),
            |found| format!("a Vellum volume, label \"{}\"", found.label),
        );
        let text = format!("{shown}: {there}; give --force to lose what is there");
        return Err(Failure::Refused(text));
    }
    flash.shape(order.block, order.program_unit);
    let mut seeds = seeds(order.seed);
    let mut options = FormatOptions::default()
        .labelled(&order.label)
        .map_err(|_| Failure::Usage("a label has at most 32 bytes".into()))?;
    seeds.fill(&mut options.uuid);
    seeds.fill(&mut options.hash_seed);
    let mut memory: Box<Memory<2048, 1, 1>> = Box::new(Memory::new());
    Volume::format(&mut flash, &mut *memory, &options).map_err(|error| match error {
        fs_core::Error::Geometry | fs_core::Error::Invalid => Failure::Usage(format!(
            "no volume fits into {} bytes with blocks of {} bytes ({error})",
            order.size.map_or_else(|| "these".into(), |size| size.to_string()),
            order.block
        )),
        error => Failure::of(&shown, error),
    })?;
    let Some(from) = &order.from else {
        flash.save()?;
        return Ok(Copied::default());
    };
    mounted(&mut flash, false, |volume| put(volume, from, "/", true, progress))
}

/// Adds erased flash to a file, up to the end of the volume.
fn blank(path: &Path, offset: u64, size: u64) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let erased = vec![0xFF; 1 << 16];
    let mut rest = (offset + size).saturating_sub(length);
    while rest > 0 {
        let piece = rest.min(1 << 16);
        file.write_all(&erased[..usize::try_from(piece).unwrap_or(0)])?;
        rest -= piece;
    }
    file.sync_all()
}

/// Numbers that follow from `seed`, or that nobody can guess.
fn seeds(seed: Option<u64>) -> Rng {
    Rng::new(seed.unwrap_or_else(|| RandomState::new().build_hasher().finish()))
}
