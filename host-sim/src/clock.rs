//! The virtual clock: every simulated command takes the time the datasheet gives it, so a result
//! is also a time, and the same time on every machine.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fs_core::units::Time;

/// Nanoseconds since the simulation began. A clone shows the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// A clock that shows zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nanoseconds since the simulation began.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Lets `ns` nanoseconds pass.
    pub fn advance_ns(&self, ns: u64) {
        self.0.fetch_add(ns, Ordering::Relaxed);
    }

    /// What a call took: its result and the nanoseconds that passed meanwhile.
    pub fn time<T>(&self, call: impl FnOnce() -> T) -> (T, u64) {
        let start = self.now_ns();
        let result = call();
        (result, self.now_ns() - start)
    }
}

/// What a wall clock shows first.
pub const WALL_START: Time = Time(1_700_000_000_000_000_000);

thread_local! {
    static WALL: Cell<i64> = const { Cell::new(WALL_START.0) };
}

/// A wall clock for mount options: each call in a thread is one microsecond after the one before.
#[must_use]
pub fn wall() -> Time {
    WALL.with(|wall| {
        wall.set(wall.get() + 1000);
        Time(wall.get())
    })
}

/// Sets this thread's wall clock, so that a run can be repeated exactly.
pub fn set_wall(time: Time) {
    WALL.with(|wall| wall.set(time.0));
}

/// How long the commands of a serial NOR flash take.
///
/// Figures of [`Timing::W25Q128JV`]: Winbond W25Q128JV datasheet, AC characteristics, as collected
/// in this project's media table. The 4 KiB erase and page program times were read there; the
/// 32 KiB and 64 KiB erase times and the partial-page program times are typical values as
/// recalled, not checked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// One byte on the bus.
    pub byte_ns: u64,
    /// Bytes on the bus around the data of each command: write enable or opcode, and address.
    pub command_bytes: u64,
    /// Programming a page, whole or in part.
    pub program_page_ns: u64,
    /// Programming part of a page: first byte, each further byte; never more than a whole page.
    pub program_partial_ns: Option<(u64, u64)>,
    /// Erasing 4 KiB.
    pub erase_4k_ns: u64,
    /// Erasing 32 KiB.
    pub erase_32k_ns: u64,
    /// Erasing 64 KiB.
    pub erase_64k_ns: u64,
    /// Instead of all that: the commands of a card.
    pub card: Option<CardTiming>,
}

/// How long the commands of an SD card take. Figures of [`CardTiming::SPI_25MHZ`]: the project's
/// media table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardTiming {
    /// Before the first sector of a read.
    pub read_command_ns: u64,
    /// Each sector of a read.
    pub read_sector_ns: u64,
    /// The least that a write takes from its command until the card is ready again.
    pub write_least_ns: u64,
    /// What ends a write: the stop token, and the card being busy with what it holds. Nothing of a
    /// write is durable before.
    pub write_end_ns: u64,
    /// Each sector of a write.
    pub write_sector_ns: u64,
    /// What a write costs more that leaves the allocation unit of the one before.
    pub other_unit_ns: u64,
    /// Bytes of an allocation unit.
    pub unit_bytes: u64,
    /// A discard.
    pub discard_ns: u64,
}

impl CardTiming {
    /// A card on SPI at 25 MHz, whose translation layer costs nothing.
    pub const SPI_25MHZ: Self = Self {
        read_command_ns: 200_000,
        read_sector_ns: 164_000,
        write_least_ns: 1_664_000,
        write_end_ns: 500_000,
        write_sector_ns: 264_000,
        other_unit_ns: 0,
        unit_bytes: 4 << 20,
        discard_ns: 1_000_000,
    };

    /// The same with a translation layer that dislikes jumps.
    pub const SPI_25MHZ_JUMPS: Self = Self { other_unit_ns: 4_000_000, ..Self::SPI_25MHZ };

    /// Reading `bytes` with one command.
    #[must_use]
    pub const fn read_ns(&self, bytes: u64) -> u64 {
        self.read_command_ns + bytes.div_ceil(512) * self.read_sector_ns
    }

    /// What is left to wait for when a write of `sectors` ends, whose sectors have been sent.
    #[must_use]
    pub fn end_ns(&self, sectors: u64) -> u64 {
        let sent = sectors * self.write_sector_ns;
        self.write_end_ns.max(self.write_least_ns.saturating_sub(sent))
    }
}

impl Timing {
    /// Typical times of a W25Q128JV on single SPI at 50 MHz.
    pub const W25Q128JV: Self = Self {
        byte_ns: 160,
        command_bytes: 5,
        program_page_ns: 400_000,
        program_partial_ns: None,
        erase_4k_ns: 45_000_000,
        erase_32k_ns: 120_000_000,
        erase_64k_ns: 150_000_000,
        card: None,
    };

    /// Internal flash of the STM32L4 class: 82 us for each 8 bytes, 22 ms for a page of 2 KiB,
    /// read like memory. (The project's media table.)
    pub const INTERNAL: Self = Self {
        byte_ns: 13,
        command_bytes: 0,
        program_page_ns: u64::MAX,
        program_partial_ns: Some((10_250, 10_250)),
        erase_4k_ns: 22_000_000,
        erase_32k_ns: 22_000_000 * 16,
        erase_64k_ns: 22_000_000 * 32,
        card: None,
    };

    /// FRAM on SPI at 20 MHz: as fast as the bus. (The project's media table.)
    pub const FRAM: Self = Self {
        byte_ns: 400,
        command_bytes: 4,
        program_page_ns: 0,
        program_partial_ns: None,
        erase_4k_ns: 0,
        erase_32k_ns: 0,
        erase_64k_ns: 0,
        card: None,
    };

    /// An SD card on SPI at 25 MHz.
    pub const CARD: Self = Self { card: Some(CardTiming::SPI_25MHZ), ..Self::FRAM };

    /// The same with a translation layer that dislikes jumps.
    pub const CARD_JUMPS: Self = Self { card: Some(CardTiming::SPI_25MHZ_JUMPS), ..Self::FRAM };

    /// Maximum times of a W25Q128JV on single SPI at 50 MHz.
    pub const W25Q128JV_MAX: Self = Self {
        program_page_ns: 3_000_000,
        erase_4k_ns: 400_000_000,
        erase_32k_ns: 1_600_000_000,
        erase_64k_ns: 2_000_000_000,
        ..Self::W25Q128JV
    };

    /// The same, with part of a page programmed faster: 30 us for the first byte and 2.5 us for
    /// each further one.
    #[must_use]
    pub const fn with_partial_program(self) -> Self {
        Self { program_partial_ns: Some((30_000, 2_500)), ..self }
    }

    /// Reading `bytes` with one command.
    #[must_use]
    pub const fn read_ns(&self, bytes: u64) -> u64 {
        match &self.card {
            Some(card) => card.read_ns(bytes),
            None => (self.command_bytes + bytes) * self.byte_ns,
        }
    }

    /// Programming `bytes` inside one page.
    #[must_use]
    pub fn program_ns(&self, bytes: u64) -> u64 {
        let cells = match self.program_partial_ns {
            Some((first, each)) => self.program_page_ns.min(first + each * bytes.saturating_sub(1)),
            None => self.program_page_ns,
        };
        self.read_ns(bytes) + cells
    }

    /// Erasing 4, 32 or 64 KiB with one command.
    #[must_use]
    pub const fn erase_ns(&self, bytes: u64) -> u64 {
        let cells = match bytes {
            0x1_0000.. => self.erase_64k_ns,
            0x8000.. => self.erase_32k_ns,
            _ => self.erase_4k_ns,
        };
        self.read_ns(0) + cells
    }
}
