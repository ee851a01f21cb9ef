//! An empty volume over RAM, and what a test of file contents needs of it.

use fs_core::blocking::Volume;
use fs_core::blocking::device::RamDevice;
use fs_core::{FormatOptions, Memory, MountOptions, OpenOptions};

pub type Ram<'a> = RamDevice<'a>;
type Lent = Memory<2048, 8, 3>;

pub const OPEN: OpenOptions = OpenOptions::new().read().write().create();

/// An empty volume on a medium whose every byte was `was`.
pub fn formatted(blocks: usize, was: u8) -> Vec<u8> {
    let mut bytes = vec![was; blocks * 4096];
    let mut device = Ram::new(&mut bytes);
    Volume::format(&mut device, &mut Lent::new(), &FormatOptions::default()).unwrap();
    bytes
}

/// Mounts, and lends the volume to `run`. The power goes afterwards.
pub fn with<R>(bytes: &mut [u8], run: impl FnOnce(&Volume<'_, Ram<'_>>) -> R) -> R {
    let mut device = Ram::new(bytes);
    let mut memory = Lent::new();
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    run(&volume)
}
