//! A volume over RAM whose names have short hashes.

use fs_core::blocking::Volume;
use fs_core::blocking::device::RamDevice;
use fs_core::format::name::short_hashes;
use fs_core::units::Time;
use fs_core::{FormatOptions, Memory, MountOptions};

pub type Ram<'a> = RamDevice<'a>;

/// A volume whose names have hashes of so many bits.
pub fn formatted(blocks: usize, bits: u8) -> Vec<u8> {
    let mut bytes = vec![0xFF; blocks * 4096];
    let mut memory = Memory::<2048, 8, 2>::new();
    let options = FormatOptions { hash_seed: short_hashes(bits), ..FormatOptions::default() };
    Volume::format(&mut Ram::new(&mut bytes), &mut memory, &options).unwrap();
    bytes
}

/// Mounts, lends the volume to `run`, and checks it. The time is always 77.
pub fn with<R>(bytes: &mut [u8], run: impl FnOnce(&Volume<'_, Ram<'_>>) -> R) -> R {
    let mut device = Ram::new(bytes);
    let mut memory = Memory::<2048, 8, 2>::new();
    let options = MountOptions { clock: || Time(77), ..MountOptions::default() };
    let volume = Volume::mount(&mut device, &mut memory, options).unwrap();
    let result = run(&volume);
    volume.check().unwrap();
    result
}
