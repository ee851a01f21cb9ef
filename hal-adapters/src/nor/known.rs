//! Chips without SFDP, by their id. One that three bytes of address do not reach is told four, by
//! opcodes of their own.

use super::chip::{Chip, Id};
use super::sfdp::{Erase, SfdpError, Sleep, Times};

/// Families whose last byte of the id is the logarithm of their size.
struct Family {
    manufacturer: u8,
    kind: u8,
    /// The logarithm of the smallest and of the largest one.
    sizes: (u8, u8),
    erases: [Option<Erase>; 4],
    program: Times,
    has_sleep: bool,
}

const fn erase(size: u32, opcode: u8, typical_ms: u32, max_ms: u32) -> Erase {
    let times =
        Times { typical_us: typical_ms.saturating_mul(1000), max_us: max_ms.saturating_mul(1000) };
    Erase { size, opcode, times }
}

/// The longest times of all chips of a family.
const FAMILIES: [Family; 6] = [
    // Winbond W25X and older W25Q (BV, BL): tSE 400 ms, tBE1 1.6 s, tBE2 2 s, tPP 3 ms at most,
    // those of the W25Q128JV; that none of the older ones is slower is as recalled.
    Family {
        manufacturer: 0xEF,
        kind: 0x30,
        sizes: (16, 23),
        erases: [
            Some(erase(0x1000, 0x20, 45, 400)),
            Some(erase(0x8000, 0x52, 120, 1600)),
            Some(erase(0x1_0000, 0xD8, 150, 2000)),
            None,
        ],
        program: Times { typical_us: 700, max_us: 5_000 },
        has_sleep: true,
    },
    Family {
        manufacturer: 0xEF,
        kind: 0x40,
        sizes: (19, 24),
        erases: [
            Some(erase(0x1000, 0x20, 45, 400)),
            Some(erase(0x8000, 0x52, 120, 1600)),
            Some(erase(0x1_0000, 0xD8, 150, 2000)),
            None,
        ],
        program: Times { typical_us: 700, max_us: 5_000 },
        has_sleep: true,
    },
    // ST, Numonyx, Micron M25P80 to M25P64: sectors of 64 KiB only, 3 s and 5 ms at most, as
    // recalled.
    Family {
        manufacturer: 0x20,
        kind: 0x20,
        sizes: (20, 23),
        erases: [Some(erase(0x1_0000, 0xD8, 1000, 3000)), None, None, None],
        program: Times { typical_us: 1_400, max_us: 5_000 },
        has_sleep: true,
    },
    // Older Macronix MX25L, 512 KiB to 8 MiB: tSE 300 ms, tBE 2 s, tPP 5 ms at most, as recalled.
    Family {
        manufacturer: 0xC2,
        kind: 0x20,
        sizes: (19, 23),
        erases: [
            Some(erase(0x1000, 0x20, 60, 400)),
            Some(erase(0x1_0000, 0xD8, 700, 3000)),
            None,
            None,
        ],
        program: Times { typical_us: 1_400, max_us: 5_000 },
        has_sleep: true,
    },
    // ISSI IS25LP and IS25WP, 512 KiB to 32 MiB: tSE 300 ms, tBE 64 KiB 1 s, tPP 0.8 ms at most, as
    // recalled. Those on sale have an SFDP; QEMU's is25wp256 has none.
    issi(0x60),
    issi(0x70),
];

const fn issi(kind: u8) -> Family {
    Family {
        manufacturer: 0x9D,
        kind,
        sizes: (19, 25),
        erases: [
            Some(erase(0x1000, 0x20, 70, 400)),
            Some(erase(0x1_0000, 0xD8, 170, 2000)),
            None,
            None,
        ],
        program: Times { typical_us: 200, max_us: 5_000 },
        has_sleep: true,
    }
}

/// What all of these chips need from waking up until they take commands, as recalled: the longest,
/// M25P, 30 us.
const SLEEP: Sleep =
    Sleep { enter: super::command::SLEEP, exit: super::command::WAKE, exit_us: 50 };

/// The chip with this id, if it is of a family that is known.
///
/// # Errors
/// None of those of an SFDP: the table is sound, and a test says so.
pub fn known(id: Id) -> Result<Option<Chip>, SfdpError> {
    let [manufacturer, kind, log2] = id.0;
    let is_it = |family: &&Family| {
        let (least, most) = family.sizes;
        family.manufacturer == manufacturer && family.kind == kind && (least..=most).contains(&log2)
    };
    let Some(family) = FAMILIES.iter().find(is_it) else { return Ok(None) };
    let mut chip = Chip {
        size: 1_u64.wrapping_shl(log2.into()),
        erases: family.erases,
        program: family.program,
        sleep: family.has_sleep.then_some(SLEEP),
        ..Chip::plain(id)
    };
    if chip.size > super::chip::THREE_BYTES_REACH {
        chip.take_own_opcodes();
    }
    chip.finish().map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::Addressing;
    use super::{FAMILIES, Id, known};
    use std::vec::Vec;

    #[test]
    fn every_size_of_every_family_is_a_sound_chip() {
        for family in &FAMILIES {
            for log2 in family.sizes.0..=family.sizes.1 {
                let chip = known(Id([family.manufacturer, family.kind, log2])).unwrap().unwrap();
                assert_eq!(chip.size, 1 << log2);
                assert!(chip.size.is_multiple_of(chip.unit().into()));
                assert!(chip.longest_us() >= 400_000);
            }
        }
    }

    #[test]
    fn a_chip_of_32_mib_is_told_four_bytes_of_address() {
        let chip = known(Id([0x9D, 0x70, 0x19])).unwrap().unwrap();
        assert_eq!(chip.addressing, Addressing::FourOpcodes);
        assert_eq!(chip.read(0x0112_3456).bytes(), [0x0C, 0x01, 0x12, 0x34, 0x56, 0]);
        assert_eq!(chip.program(0x0112_3456).bytes(), [0x12, 0x01, 0x12, 0x34, 0x56]);
        let opcodes: Vec<u8> = chip.erases.iter().flatten().map(|erase| erase.opcode).collect();
        assert_eq!(opcodes, [0x21, 0xDC]);
        let half = known(Id([0x9D, 0x70, 0x18])).unwrap().unwrap();
        assert_eq!(half.addressing, Addressing::Three);
    }

    #[test]
    fn a_chip_that_is_not_in_the_table_is_not_known() {
        for id in [[0xBF, 0x25, 0x4A], [0xEF, 0x40, 0x19], [0xEF, 0x70, 0x18], [0, 0, 0]] {
            assert_eq!(known(Id(id)), Ok(None));
        }
    }
}
