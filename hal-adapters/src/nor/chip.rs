//! What a driver must know of a chip, put together from its SFDP, its id and what is known of it.

use super::command;
use super::command::Frame;
use super::sfdp::{AddressBytes, Basic, Erase, FourByte, SfdpError, Sleep, Times};
use super::status::Complaints;
use fs_core::units::{EraseSizes, Geometry, Guarantees};

/// What three bytes of address reach.
pub(super) const THREE_BYTES_REACH: u64 = 1 << 24;

/// Manufacturers, from JEP106.
const SPANSION: u8 = 0x01;
const MICRON: u8 = 0x20;
const INFINEON_SEMPER: u8 = 0x34;
const ISSI: u8 = 0x9D;
const MICROCHIP: u8 = 0xBF;
const MACRONIX: u8 = 0xC2;
const GIGADEVICE: u8 = 0xC8;
const WINBOND: u8 = 0xEF;

/// The JEDEC id: manufacturer, type, capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Id(pub [u8; 3]);

impl Id {
    /// Whether a chip may have said this, and not a line that nobody drives.
    #[must_use]
    pub const fn is_plausible(self) -> bool {
        !matches!(self.0, [0xFF, 0xFF, 0xFF] | [0, 0, 0])
    }

    const fn manufacturer(self) -> u8 {
        let [manufacturer, ..] = self.0;
        manufacturer
    }

    /// Whether bits 6 and 7 of the second status register are `CMP` and `SUS`.
    #[must_use]
    pub const fn has_second_status(self) -> bool {
        matches!(self.manufacturer(), WINBOND | GIGADEVICE)
    }

    /// Whether bit 2 of the third status register says that each block has a lock of its own.
    #[must_use]
    pub const fn has_block_locks(self) -> bool {
        self.manufacturer() == WINBOND
    }

    /// Whether every block is locked when power comes (Microchip SST26).
    #[must_use]
    pub const fn is_born_locked(self) -> bool {
        matches!(self.0, [MICROCHIP, 0x26, _])
    }
}

/// How addresses beyond 16 MiB are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Addressing {
    /// Not at all: three bytes.
    Three,
    /// By opcodes of their own, whatever mode the chip is in.
    FourOpcodes,
    /// Four bytes always.
    FourAlways,
    /// In a mode of its own, entered by `B7h` and left by `E9h`.
    FourMode,
}

/// A chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Chip {
    /// Who made it, and what it is.
    pub id: Id,
    /// Bytes.
    pub size: u64,
    /// Bytes of a page.
    pub page: u32,
    /// Its erases, the smallest first.
    pub erases: [Option<Erase>; 4],
    /// The time of a program of a page.
    pub program: Times,
    /// How it is addressed.
    pub addressing: Addressing,
    /// Whether it reads four-byte addresses without a dummy byte only.
    pub has_slow_read: bool,
    /// Where it says that something failed.
    pub complaints: Complaints,
    /// The bits of the status register of which one is set if something is protected.
    pub protection: u8,
    /// Deep power-down.
    pub sleep: Option<Sleep>,
    /// Whether it is reset by `66h`, `99h`.
    pub has_reset: bool,
    /// Whether its status register is written together with the second one.
    pub writes_two: bool,
}

impl Chip {
    /// A chip that says what it is.
    ///
    /// # Errors
    /// What makes no sense, or cannot be done.
    pub fn from_sfdp(id: Id, basic: &Basic, four: Option<FourByte>) -> Result<Self, SfdpError> {
        let mut chip = Self {
            size: basic.size,
            page: basic.page,
            erases: basic.erases,
            program: basic.program,
            sleep: basic.sleep,
            has_reset: basic.has_reset,
            writes_two: basic.writes_two,
            complaints: complaints(id, basic),
            ..Self::plain(id)
        };
        if basic.address == AddressBytes::Four {
            chip.addressing = Addressing::FourAlways;
        } else if basic.size > THREE_BYTES_REACH {
            chip.reach_all(basic, four)?;
        }
        chip.finish()
    }

    /// A chip of which only the id is known, with what most chips have in common.
    pub(super) const fn plain(id: Id) -> Self {
        let protection = match id.manufacturer() {
            // Micron: BP3 is bit 6 (MT25Q datasheet, table "Status Register").
            MICRON => 0b101_1100,
            // BP3 is bit 5: Macronix and ISSI, as recalled; W25Q256JV (datasheet, 8.2.5: TB, BP3
            // to BP0), where bit 6 is TB, and on smaller ones bit 5 is TB and means nothing alone.
            MACRONIX | ISSI => 0b11_1100,
            _ => 0b1_1100,
        };
        Self {
            id,
            size: 0,
            page: 256,
            erases: [None; 4],
            program: Times { typical_us: 1_000, max_us: 10_000 },
            addressing: Addressing::Three,
            has_slow_read: false,
            complaints: Complaints::None,
            protection,
            sleep: None,
            has_reset: false,
            writes_two: false,
        }
    }

    /// Finds a way to what three bytes do not reach.
    fn reach_all(&mut self, basic: &Basic, four: Option<FourByte>) -> Result<(), SfdpError> {
        if self.id.manufacturer() == WINBOND {
            self.protection |= 1 << 5;
        }
        let table = four.filter(|four| {
            let reads = four.has_fast_read() || four.has_read();
            reads && four.has_program() && (0..4).any(|number| four.erase(number).is_some())
        });
        if let Some(four) = table {
            self.addressing = Addressing::FourOpcodes;
            self.has_slow_read = !four.has_fast_read();
            for (slot, number) in self.erases.iter_mut().zip(0..) {
                *slot = slot
                    .and_then(|erase| four.erase(number).map(|opcode| Erase { opcode, ..erase }));
            }
            return Ok(());
        }
        if has_untold_opcodes(self.id, basic) {
            self.take_own_opcodes();
            return Ok(());
        }
        if basic.address == AddressBytes::Three || basic.has_four_mode == Some(false) {
            return Err(SfdpError::NoFourBytes);
        }
        self.addressing = Addressing::FourMode;
        Ok(())
    }

    /// Tells addresses with four bytes, by the opcodes for that which all chips agree on; erases
    /// without one are given up.
    pub(super) fn take_own_opcodes(&mut self) {
        self.addressing = Addressing::FourOpcodes;
        for slot in &mut self.erases {
            *slot = slot.and_then(|erase| {
                let opcode = match erase.opcode {
                    0x20 => 0x21,
                    0xD8 => 0xDC,
                    _ => return None,
                };
                Some(Erase { opcode, ..erase })
            });
        }
    }

    /// Sorts the erases, and refuses a chip that has none.
    pub(super) fn finish(mut self) -> Result<Self, SfdpError> {
        self.erases.sort_unstable_by_key(|erase| erase.map_or(u32::MAX, |erase| erase.size));
        let smallest = self.unit();
        if smallest == 0 {
            return Err(SfdpError::NoErase);
        }
        if smallest < self.page {
            return Err(SfdpError::EraseSize);
        }
        Ok(self)
    }

    /// Bytes of the smallest erase.
    #[must_use]
    pub fn unit(&self) -> u32 {
        self.erases.iter().flatten().map(|erase| erase.size).min().unwrap_or(0)
    }

    /// The largest erase that begins at `at` and is not longer than `bytes`.
    #[must_use]
    pub fn erase_for(&self, at: u64, bytes: u64) -> Option<Erase> {
        let fits = |erase: &&Erase| {
            let size = u64::from(erase.size);
            at.is_multiple_of(size) && size <= bytes
        };
        self.erases.iter().flatten().filter(fits).max_by_key(|erase| erase.size).copied()
    }

    /// The longest that this chip may be busy with an erase or a program.
    #[must_use]
    pub fn longest_us(&self) -> u32 {
        let erases = self.erases.iter().flatten().map(|erase| erase.times.max_us);
        erases.max().unwrap_or(0).max(self.program.max_us)
    }

    const fn is_four(&self) -> bool {
        !matches!(self.addressing, Addressing::Three)
    }

    /// Whether opcodes for four bytes of address are others.
    const fn has_own_opcodes(&self) -> bool {
        matches!(self.addressing, Addressing::FourOpcodes)
    }

    /// The command that reads from `at`.
    #[must_use]
    pub const fn read(&self, at: u32) -> Frame {
        let opcode = match (self.has_own_opcodes(), self.has_slow_read) {
            (true, true) => command::READ_4,
            (true, false) => command::FAST_READ_4,
            _ => command::FAST_READ,
        };
        Frame::new(opcode, at, self.is_four(), opcode != command::READ_4)
    }

    /// The command that programs at `at`.
    #[must_use]
    pub const fn program(&self, at: u32) -> Frame {
        let opcode = if self.has_own_opcodes() { command::PROGRAM_4 } else { command::PROGRAM };
        Frame::new(opcode, at, self.is_four(), false)
    }

    /// The command that erases at `at`.
    #[must_use]
    pub const fn erase(&self, erase: Erase, at: u32) -> Frame {
        Frame::new(erase.opcode, at, self.is_four(), false)
    }

    /// What it offers as storage.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        let larger = self.erases.iter().flatten().filter(|erase| erase.size > self.unit());
        let erase_sizes = larger.fold(EraseSizes::NONE, |sizes, erase| sizes.with(erase.size));
        let mut guarantees = Guarantees::NEEDS_ERASE;
        // Error correction over 16 bytes: a second program switches it off or breaks it. (SEMPER,
        // as recalled.)
        let corrects = self.id.manufacturer() == INFINEON_SEMPER;
        guarantees.set(Guarantees::REPROGRAM_ZERO_BITS, !corrects);
        // The maker's answer for the SST26VF016B (its FAQ, as the project's list of faults has
        // it): a program that was interrupted may damage the sector that its page is in.
        let harms = self.id.is_born_locked();
        guarantees.set(Guarantees::POWERSAFE_NEIGHBOURS, !harms);
        Geometry {
            size: self.size,
            read_unit: 1,
            program_unit: 1,
            erase_unit: self.unit(),
            erase_sizes,
            dma_alignment: 1,
            guarantees,
        }
    }
}

/// Where a chip with an SFDP says that something failed. A register that is not there is found out
/// when the chip is opened.
const fn complaints(id: Id, basic: &Basic) -> Complaints {
    match id.0 {
        _ if basic.has_flags => Complaints::Flags,
        // N25Q: its first SFDP has no word about it.
        [MICRON, 0xBA..=0xBC, _] => Complaints::Flags,
        // S25FL128S, 256S, 512S (the Linux kernel's `USE_CLSR`, commit c4b3eacc1dfe).
        [SPANSION, 0x20, 0x18] | [SPANSION, 0x02, 0x19 | 0x20] => Complaints::Status,
        [MACRONIX, ..] => Complaints::Security,
        _ => Complaints::None,
    }
}

/// Chips that have the opcodes for four bytes of address and do not say so.
const fn has_untold_opcodes(id: Id, basic: &Basic) -> bool {
    match id.0 {
        // MX25L25635F has them, MX25L25635E with the same id does not; only the F has the fast
        // read 4-4-4 (the Linux kernel's `mx25l25635_post_bfpt_fixups`).
        [MACRONIX, 0x20, 0x19] => basic.has_444,
        // W25Q256JV has them, W25Q256FV with the same id has no program among them; only the JV
        // has a table of JESD216B (the Linux kernel's `w25q256_post_bfpt_fixups`, as recalled).
        [WINBOND, 0x40, 0x19] => basic.minor >= 6,
        // IS25LP256 and IS25WP256 (the Linux kernel's `is25lp256_post_bfpt_fixups`, as recalled:
        // its table says three bytes only).
        [ISSI, 0x60 | 0x70, 0x19] => true,
        _ => false,
    }
}

#[cfg(test)]
#[path = "chip_tests.rs"]
mod tests;
