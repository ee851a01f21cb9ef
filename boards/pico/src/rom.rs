//! The functions of the boot ROM that change the flash.
//!
//! (RP2040 datasheet, 2.8.2 and 2.8.3: a table of functions, each known by two letters, and the
//! function that searches it.)

use core::mem::transmute;
use core::ptr;

const TABLE: *const u16 = 0x14 as *const u16;
const SEARCH: *const u16 = 0x18 as *const u16;

/// A function that takes nothing.
pub type Plain = unsafe extern "C" fn();
/// Where, how many bytes, and the largest erase: its bytes and its command.
pub type Erase = unsafe extern "C" fn(u32, usize, u32, u8);
/// Where, and what.
pub type Program = unsafe extern "C" fn(u32, *const u8, usize);

/// Where they are.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are those of the datasheet")]
pub struct Rom {
    pub connect_internal_flash: Plain,
    pub flash_exit_xip: Plain,
    pub flash_range_erase: Erase,
    pub flash_range_program: Program,
    pub flash_flush_cache: Plain,
}

impl Rom {
    /// Asks the ROM: all of its versions have them.
    pub fn find() -> Self {
        // SAFETY: the signatures are those of the datasheet.
        unsafe {
            Self {
                connect_internal_flash: transmute::<usize, Plain>(entry(b"IF")),
                flash_exit_xip: transmute::<usize, Plain>(entry(b"EX")),
                flash_range_erase: transmute::<usize, Erase>(entry(b"RE")),
                flash_range_program: transmute::<usize, Program>(entry(b"RP")),
                flash_flush_cache: transmute::<usize, Plain>(entry(b"FC")),
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
