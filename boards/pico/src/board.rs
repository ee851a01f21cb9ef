//! The board: what `rp2040-hal` sets up before the scenarios run.

use rp2040_hal::clocks::init_clocks_and_plls;
use rp2040_hal::pac::Peripherals;
use rp2040_hal::watchdog::Watchdog;

/// The board's crystal.
const CRYSTAL_HZ: u32 = 12_000_000;

/// The second stage of the boot: what lets the processor run from the W25Q16JV of the board.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// Sets the clocks up: 125 MHz.
///
/// # Panics
/// If it was called before, or the crystal does not swing.
pub fn start() {
    let mut parts = Peripherals::take().expect("called once");
    let mut watchdog = Watchdog::new(parts.WATCHDOG);
    init_clocks_and_plls(
        CRYSTAL_HZ,
        parts.XOSC,
        parts.CLOCKS,
        parts.PLL_SYS,
        parts.PLL_USB,
        &mut parts.RESETS,
        &mut watchdog,
    )
    .ok()
    .expect("clocks from the crystal");
}
