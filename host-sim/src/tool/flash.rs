//! A file as a flash chip.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_core::blocking::device::BlockDevice;
use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, EraseSizes, Geometry, Guarantees};

use super::{Failure, Result, recognise};
use crate::stranger::{Medium, Superblock, find};

/// Bytes that are kept together when they change.
const PIECE: u64 = 4096;

/// Part of a file that holds what a chip holds.
#[derive(Debug)]
pub struct Flash {
    path: PathBuf,
    file: RefCell<File>,
    offset: u64,
    size: u64,
    geometry: Geometry,
    erase_value: u8,
    /// Pieces that differ from the file.
    changed: BTreeMap<u64, Box<[u8]>>,
}

impl Flash {
    /// The part of the file at `path` from `offset` on, for reading; `size` bytes of it, or all.
    ///
    /// # Errors
    /// If the file cannot be read, or is too short.
    pub fn open(path: &Path, offset: u64, size: Option<u64>) -> Result<Self> {
        let host = |error| Failure::host(path, "read", &error);
        let mut file = File::open(path).map_err(host)?;
        if file.metadata().map_err(host)?.is_dir() {
            return Err(Failure::Usage(format!("{} is a directory", path.display())));
        }
        let length = file.seek(SeekFrom::End(0)).map_err(host)?;
        let rest = length.saturating_sub(offset);
        if rest == 0 || size.is_some_and(|size| size > rest) {
            let shown = path.display();
            return Err(Failure::Usage(format!(
                "{shown} has {length} bytes: too short for this --offset and --size"
            )));
        }
        let size = size.unwrap_or(rest);
        Ok(Self {
            path: path.into(),
            file: RefCell::new(file),
            offset,
            size,
            geometry: geometry(size, 4096, 1),
            erase_value: 0xFF,
            changed: BTreeMap::new(),
        })
    }

    /// Behaves like a chip with blocks and program units of this many bytes from now on.
    pub fn shape(&mut self, block: u32, program_unit: u32) {
        self.geometry = geometry(self.size, block, program_unit);
    }

    /// Finds the volume, and behaves like the chip it was made for from now on.
    ///
    /// # Errors
    /// What there is instead of a volume.
    pub fn volume(&mut self) -> Result<Superblock> {
        let found = find(&*self).map_err(|refused| Failure::no_volume(self, refused))?;
        let block = u32::try_from(found.block_bytes()).unwrap_or(u32::MAX);
        let unit = u32::try_from(found.program_unit()).unwrap_or(u32::MAX);
        self.size = self.size.min(found.size());
        self.erase_value = found.erase_value;
        self.shape(block, unit);
        Ok(found)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether every byte is that of erased flash, or zero.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let mut bytes = vec![0; 1 << 16];
        let mut at = 0;
        while at < self.size {
            let length = (self.size - at).min(1 << 16);
            let piece = &mut bytes[..usize::try_from(length).unwrap_or(0)];
            let first = piece.first().map(|_| ());
            if first.is_none() || !self.read(at, piece) {
                return false;
            }
            if piece.iter().any(|byte| *byte != 0xFF) && piece.iter().any(|byte| *byte != 0) {
                return false;
            }
            at += length;
        }
        true
    }

    /// What to do about a place where nothing is, in words for the user.
    #[must_use]
    pub fn nothing(&self) -> String {
        let text = "blank, no volume; `host-sim image mkfs` makes one";
        self.hint().unwrap_or_else(|| text.into())
    }

    fn hint(&self) -> Option<String> {
        let at = self.offset + self.elsewhere()?;
        Some(format!("no volume at this offset, but one begins at --offset {at}"))
    }

    /// What is there if it is no volume, in words for the user.
    #[must_use]
    pub fn what_else(&self) -> String {
        if let Some(hint) = self.hint() {
            return hint;
        }
        match recognise(self) {
            Some(name) => format!("not a Vellum volume, but {name}"),
            None => "not a Vellum volume, nor anything that this program recognises".into(),
        }
    }

    /// Where a volume begins further on: the first of the first gigabyte.
    fn elsewhere(&self) -> Option<u64> {
        const STEP: u64 = 512;
        let mut bytes = vec![0; 1 << 20];
        let mut at = 0;
        while at < self.size.min(1 << 30) {
            let length = (self.size - at).min(1 << 20);
            let piece = &mut bytes[..usize::try_from(length).unwrap_or(0)];
            if !self.read(at, piece) {
                return None;
            }
            for (number, chunk) in piece.chunks(usize::try_from(STEP).unwrap_or(512)).enumerate() {
                let begin = at + number as u64 * STEP;
                if begin > 0 && chunk.starts_with(b"\x9eVELLUM\x01") {
                    let rest = Window { flash: self, from: begin };
                    if find(&rest).is_ok_and(|found| found.read_from == 0) {
                        return Some(begin);
                    }
                }
            }
            at += length;
        }
        None
    }

    /// Whether anything was changed.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Writes the changes: to a copy that takes the place of the file when it is durable.
    ///
    /// # Errors
    /// If the copy cannot be written; the file is as it was.
    pub fn save(&mut self) -> Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        // A link is followed: the file behind it is what is replaced.
        let path = self.path.canonicalize();
        let path = path.map_err(|error| Failure::host(&self.path, "find", &error))?;
        if !path.is_file() {
            let shown = path.display();
            return Err(Failure::Usage(format!("{shown} is not an ordinary file: not written")));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let copy = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let saved = self.write_copy(&path, &copy);
        if let Err(error) = saved {
            let _ = std::fs::remove_file(&copy);
            return Err(Failure::host(&path, "write", &error));
        }
        let file = File::open(&path).map_err(|error| Failure::host(&path, "read", &error))?;
        self.file = RefCell::new(file);
        self.changed.clear();
        Ok(())
    }

    fn write_copy(&self, path: &Path, copy: &Path) -> io::Result<()> {
        std::fs::copy(path, copy)?;
        let mut file = OpenOptions::new().write(true).open(copy)?;
        for (piece, bytes) in &self.changed {
            file.seek(SeekFrom::Start(self.offset + piece * PIECE))?;
            let within = (self.size - piece * PIECE).min(PIECE);
            file.write_all(&bytes[..usize::try_from(within).unwrap_or(0)])?;
        }
        file.sync_all()?;
        std::fs::rename(copy, path)?;
        if let Some(parent) = path.parent().filter(|_| cfg!(unix)) {
            File::open(parent)?.sync_all()?;
        }
        Ok(())
    }

    fn fill(&self, at: u64, target: &mut [u8]) -> io::Result<()> {
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(self.offset + at))?;
        file.read_exact(target)
    }

    fn piece(&mut self, number: u64) -> io::Result<&mut [u8]> {
        if !self.changed.contains_key(&number) {
            let mut bytes = vec![0xFF; usize::try_from(PIECE).unwrap_or(0)].into_boxed_slice();
            let within = (self.size - number * PIECE).min(PIECE);
            self.fill(number * PIECE, &mut bytes[..usize::try_from(within).unwrap_or(0)])?;
            self.changed.insert(number, bytes);
        }
        self.changed
            .get_mut(&number)
            .map(|bytes| &mut **bytes)
            .ok_or_else(|| io::Error::other("a piece that was just added"))
    }

    fn change(
        &mut self,
        at: u64,
        length: u64,
        mut to: impl FnMut(u64, &mut u8),
    ) -> std::result::Result<(), ErrorKind> {
        if at.checked_add(length).is_none_or(|end| end > self.size) {
            return Err(ErrorKind::OutOfBounds);
        }
        let mut done = 0;
        while done < length {
            let place = at + done;
            let bytes = self.piece(place / PIECE).map_err(|_| ErrorKind::Medium)?;
            let within = usize::try_from(place % PIECE).unwrap_or(0);
            let more = (PIECE - place % PIECE).min(length - done);
            let more = usize::try_from(more).unwrap_or(0);
            for (number, byte) in bytes[within..within + more].iter_mut().enumerate() {
                to(done + number as u64, byte);
            }
            done += more as u64;
        }
        Ok(())
    }
}

/// Programs of more than 64 bytes are those of sectors, which need no erase, as on cards.
fn geometry(size: u64, block: u32, program_unit: u32) -> Geometry {
    let mut guarantees = Guarantees::POWERSAFE_NEIGHBOURS;
    if program_unit <= 64 {
        guarantees = guarantees | Guarantees::NEEDS_ERASE | Guarantees::REPROGRAM_ZERO_BITS;
    }
    Geometry {
        size,
        read_unit: 1,
        program_unit,
        erase_unit: block,
        erase_sizes: EraseSizes::NONE,
        dma_alignment: 1,
        guarantees,
    }
}

impl Medium for Flash {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, at: u64, target: &mut [u8]) -> bool {
        let end = at.checked_add(target.len() as u64);
        if end.is_none_or(|end| end > self.size) || self.fill(at, target).is_err() {
            return false;
        }
        let end = at + target.len() as u64;
        for (number, bytes) in self.changed.range(at / PIECE..end.div_ceil(PIECE)) {
            let begin = number * PIECE;
            let (from, to) = (at.max(begin), end.min(begin + PIECE));
            let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            target[place(from - at)..place(to - at)]
                .copy_from_slice(&bytes[place(from - begin)..place(to - begin)]);
        }
        true
    }
}

/// The rest of a file behind what comes first.
struct Window<'a> {
    flash: &'a Flash,
    from: u64,
}

impl Medium for Window<'_> {
    fn size(&self) -> u64 {
        self.flash.size - self.from
    }

    fn read(&self, at: u64, target: &mut [u8]) -> bool {
        self.from.checked_add(at).is_some_and(|at| Medium::read(self.flash, at, target))
    }
}

impl BlockDevice for Flash {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> std::result::Result<(), ErrorKind> {
        if Medium::read(self, at.0, target) { Ok(()) } else { Err(ErrorKind::OutOfBounds) }
    }

    fn program(&mut self, at: ByteOffset, source: &[u8]) -> std::result::Result<(), ErrorKind> {
        let mut source = source.iter().copied();
        self.change(at.0, source.len() as u64, |_, byte| *byte = source.next().unwrap_or(0))
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> std::result::Result<(), ErrorKind> {
        let value = self.erase_value;
        self.change(at.0, bytes, |_, byte| *byte = value)
    }

    fn discard(&mut self, _: ByteOffset, _: u64) -> std::result::Result<(), ErrorKind> {
        Ok(())
    }

    fn sync(&mut self) -> std::result::Result<(), ErrorKind> {
        Ok(())
    }
}
