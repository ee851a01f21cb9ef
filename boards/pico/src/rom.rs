//! The functions of the boot ROM that change the flash.
//!
//! (RP2040 datasheet, 2.8.2 and 2.8.3: a table of functions, each known by two letters, and the
//! function that searches it.)

use core::mem::transmute;
use core::ptr;

const TABLE: *const u16 = 0x14 as *const u16;
const SEARCH: *const u16 = 0x18 as *const u16;

/// Where they are.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are those of the datasheet")]
pub struct Rom {
    pub connect_internal_flash: unsafe extern "C" fn(),
    pub flash_exit_xip: unsafe extern "C" fn(),
    pub flash_range_erase: unsafe extern "C" fn(u32, usize, u32, u8),
    pub flash_range_program: unsafe extern "C" fn(u32, *const u8, usize),
    pub flash_flush_cache: unsafe extern "C" fn(),
}

impl Rom {
    /// Asks the ROM: all of its versions have them.
    pub fn find() -> Self {
        // SAFETY: the signatures are those of the datasheet.
        unsafe {
            Self {
                connect_internal_flash: transmute::<usize, unsafe extern "C" fn()>(entry(b"IF")),
                flash_exit_xip: transmute::<usize, unsafe extern "C" fn()>(entry(b"EX")),
                flash_range_erase: transmute::<usize, unsafe extern "C" fn(u32, usize, u32, u8)>(
                    entry(b"RE"),
                ),
                flash_range_program: transmute::<usize, unsafe extern "C" fn(u32, *const u8, usize)>(
                    entry(b"RP"),
                ),
                flash_flush_cache: transmute::<usize, unsafe extern "C" fn()>(entry(b"FC")),
            }
        }
    }
}

/// The address of the function that two letters name.
fn entry(letters: &[u8; 2]) -> usize {
    type Search = unsafe extern "C" fn(*const u16, u32) -> usize;
    // SAFETY: two half words of the ROM, at fixed places: an address each. They are read one by
    // one, as the compiler knows nothing of objects at such low addresses.
    unsafe {
        let table = ptr::read_volatile(TABLE) as usize as *const u16;
        let search = transmute::<usize, Search>(ptr::read_volatile(SEARCH) as usize);
        search(table, u16::from_le_bytes(*letters).into())
    }
}
