//! What a device says about itself.

bitflags::bitflags! {
    /// What a device promises beyond the contract of `BlockDevice`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Guarantees: u16 {
        /// A unit must be erased before it is programmed again.
        const NEEDS_ERASE = 1 << 0;
        /// Zero bits may be programmed over anything, and equal bytes over themselves, without an
        /// erase and without harm to their neighbours (SPI NOR).
        const REPROGRAM_ZERO_BITS = 1 << 1;
        /// A power cut leaves a program unit as it was or as it should be.
        const ATOMIC_PROGRAM_UNIT = 1 << 2;
        /// A power cut harms only the bytes being programmed or erased.
        const POWERSAFE_NEIGHBOURS = 1 << 3;
        /// The content can be read by the processor without the driver.
        const XIP = 1 << 4;
        /// What was programmed is durable, and in order, only after `sync`.
        const VOLATILE_CACHE = 1 << 5;
        /// Nothing can be changed.
        const READ_ONLY = 1 << 6;
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Guarantees {
    fn format(&self, formatter: defmt::Formatter<'_>) {
        defmt::write!(formatter, "Guarantees({=u16:#b})", self.bits());
    }
}

/// A set of erase sizes, each a power of two, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EraseSizes(u32);

impl EraseSizes {
    /// No size at all.
    pub const NONE: Self = Self(0);

    /// This set and `bytes`, rounded up to a power of two.
    #[must_use]
    pub const fn with(self, bytes: u32) -> Self {
        Self(self.0 | bytes.next_power_of_two())
    }

    /// Whether the device can erase `bytes` with one command.
    #[must_use]
    pub const fn has(self, bytes: u32) -> bool {
        bytes.is_power_of_two() && self.0 & bytes != 0
    }
}

/// Size and units of a device. All sizes in bytes, all units powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Geometry {
    /// Size of the device.
    pub size: u64,
    /// Reads begin and end at multiples of this.
    pub read_unit: u32,
    /// Programs begin and end at multiples of this.
    pub program_unit: u32,
    /// Erases begin and end at multiples of this: the smallest erase.
    pub erase_unit: u32,
    /// Larger erases that the device does with one command, when aligned to their size.
    pub erase_sizes: EraseSizes,
    /// Alignment of buffers that the hardware can move by itself; 1 if it needs none.
    pub dma_alignment: u32,
    /// What else it promises.
    pub guarantees: Guarantees,
}
