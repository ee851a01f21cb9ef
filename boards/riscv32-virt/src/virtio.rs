//! A virtio disk behind memory-mapped registers (Virtual I/O Device, version 1.2: 4.2 the
//! transport, 2.7 split queues, 5.2 the block device), with one request at a time.
//!
//! **Rules.**
//! 1. What the disk reads and writes is [`Shared`], which lives for ever: a caller that gives up
//!    waiting leaves nothing behind that the disk could still write to.
//! 2. A request is begun only when the one before is over.
//! 3. The disk has a cache if it says so (`VIRTIO_BLK_F_FLUSH`); then only a flush makes durable.

use core::ptr::{self, addr_of, addr_of_mut};
use core::sync::atomic::{Ordering, fence};

/// Bytes of a sector.
pub const SECTOR: usize = 512;
/// Bytes that a request moves at most.
pub const CHUNK: usize = 4096;

/// The machine's eight places for devices.
const PLACES: core::ops::Range<usize> = 1..9;
const PLACE: usize = 0x1000_0000;
const PLACE_BYTES: usize = 0x1000;

const MAGIC: usize = 0x000;
const VERSION: usize = 0x004;
const DEVICE: usize = 0x008;
const DEVICE_FEATURES: usize = 0x010;
const DEVICE_FEATURES_SELECT: usize = 0x014;
const DRIVER_FEATURES: usize = 0x020;
const DRIVER_FEATURES_SELECT: usize = 0x024;
const QUEUE_SELECT: usize = 0x030;
const QUEUE_SIZE_MAX: usize = 0x034;
const QUEUE_SIZE: usize = 0x038;
const QUEUE_READY: usize = 0x044;
const QUEUE_NOTIFY: usize = 0x050;
const INTERRUPT_STATUS: usize = 0x060;
const INTERRUPT_ACKNOWLEDGE: usize = 0x064;
const STATUS: usize = 0x070;
const QUEUE_DESCRIPTORS: usize = 0x080;
const QUEUE_AVAILABLE: usize = 0x090;
const QUEUE_USED: usize = 0x0A0;
const CAPACITY: usize = 0x100;

/// The interrupt controller (PLIC); the device in the first place has the number 1.
const PRIORITIES: usize = 0x0C00_0000;
const ENABLES: usize = 0x0C00_2000;
const THRESHOLD: usize = 0x0C20_0000;
const CLAIM: usize = 0x0C20_0004;

const MAGIC_VALUE: u32 = u32::from_le_bytes(*b"virt");
const MODERN: u32 = 2;
const BLOCK: u32 = 2;

const ACKNOWLEDGE: u32 = 1;
const DRIVER: u32 = 2;
const DRIVER_OK: u32 = 4;
const FEATURES_OK: u32 = 8;

const READ_ONLY: u32 = 1 << 5;
const FLUSH: u32 = 1 << 9;
/// Bit 32 of the features, in their second word: a device of version 1 of the standard.
const VERSION_1: u32 = 1 << 0;

const NEXT: u16 = 1;
const WRITE: u16 = 2;

/// Descriptors of the queue; a request takes three.
const DESCRIPTORS: usize = 4;

#[derive(Clone, Copy)]
#[repr(C)]
struct Descriptor {
    address: u64,
    bytes: u32,
    flags: u16,
    next: u16,
}

#[repr(C)]
struct Available {
    flags: u16,
    index: u16,
    ring: [u16; DESCRIPTORS],
    event: u16,
}

#[repr(C, align(4))]
struct Used {
    flags: u16,
    index: u16,
    ring: [[u32; 2]; DESCRIPTORS],
    event: u16,
}

/// What the disk and the program share.
#[repr(C, align(16))]
pub struct Shared {
    descriptors: [Descriptor; DESCRIPTORS],
    available: Available,
    used: Used,
    kind: u32,
    reserved: u32,
    sector: u64,
    data: [u8; CHUNK],
    status: u8,
}

static mut SHARED: Shared = Shared {
    descriptors: [Descriptor { address: 0, bytes: 0, flags: 0, next: 0 }; DESCRIPTORS],
    available: Available { flags: 0, index: 0, ring: [0; DESCRIPTORS], event: 0 },
    used: Used { flags: 0, index: 0, ring: [[0; 2]; DESCRIPTORS], event: 0 },
    kind: 0,
    reserved: 0,
    sector: 0,
    data: [0; CHUNK],
    status: 0,
};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sectors of the disk.
    Read,
    /// Sectors for the disk.
    Write,
    /// That what was written is durable.
    Flush,
}

impl Kind {
    const fn code(self) -> u32 {
        match self {
            Self::Read => 0,
            Self::Write => 1,
            Self::Flush => 4,
        }
    }
}

/// A disk.
#[derive(Debug)]
pub struct Disk {
    registers: usize,
    shared: *mut Shared,
    /// Requests that were begun, as the queue counts them.
    begun: u16,
    features: u32,
}

impl Disk {
    /// Finds the machine's disk, and makes it ready.
    ///
    /// # Safety
    /// Is called once.
    pub unsafe fn power_on() -> Option<Self> {
        let mut places = PLACES.map(|number| PLACE + number * PLACE_BYTES);
        let registers = places.find(|at| {
            let is_modern = read(at + MAGIC) == MAGIC_VALUE && read(at + VERSION) == MODERN;
            is_modern && read(at + DEVICE) == BLOCK
        })?;
        let mut disk = Self { registers, shared: &raw mut SHARED, begun: 0, features: 0 };
        disk.negotiate()?;
        disk.set_up_queue()?;
        disk.set(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
        disk.enable_interrupt();
        Some(disk)
    }

    /// Lets the disk's interrupt end a sleep. No handler runs before the program turns the
    /// processor's own switch for interrupts on.
    fn enable_interrupt(&self) {
        let number = (self.registers - PLACE) / PLACE_BYTES;
        write(PRIORITIES + 4 * number, 1);
        write(ENABLES, 1 << number);
        write(THRESHOLD, 0);
        // SAFETY: bit 11, external interrupts of the machine mode; nothing else of it changes.
        unsafe { core::arch::asm!("csrs mie, {}", in(reg) 1_u32 << 11, options(nomem, nostack)) };
    }

    /// Sleeps until the disk has something to say, and takes note of it.
    pub fn sleep(&self) {
        // SAFETY: an interrupt that is waiting already ends it at once.
        unsafe { core::arch::asm!("wfi", options(nostack)) };
        Self::take_note();
    }

    /// Takes note of the interrupt that is waiting, so that there can be another. It is that of the
    /// disk, as no other is let through.
    pub fn take_note() {
        let number = read(CLAIM);
        if number == 0 {
            return;
        }
        let registers = PLACE + number as usize * PLACE_BYTES;
        write(registers + INTERRUPT_ACKNOWLEDGE, read(registers + INTERRUPT_STATUS));
        write(CLAIM, number);
    }

    fn negotiate(&mut self) -> Option<()> {
        self.set(STATUS, 0);
        self.set(STATUS, ACKNOWLEDGE | DRIVER);
        self.set(DEVICE_FEATURES_SELECT, 0);
        self.features = self.get(DEVICE_FEATURES) & (READ_ONLY | FLUSH);
        self.set(DEVICE_FEATURES_SELECT, 1);
        let second = self.get(DEVICE_FEATURES) & VERSION_1;
        self.set(DRIVER_FEATURES_SELECT, 0);
        self.set(DRIVER_FEATURES, self.features);
        self.set(DRIVER_FEATURES_SELECT, 1);
        self.set(DRIVER_FEATURES, second);
        self.set(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
        let is_agreed = second == VERSION_1 && self.get(STATUS) & FEATURES_OK != 0;
        is_agreed.then_some(())
    }

    fn set_up_queue(&mut self) -> Option<()> {
        self.set(QUEUE_SELECT, 0);
        if self.get(QUEUE_READY) != 0 || self.get(QUEUE_SIZE_MAX) < DESCRIPTORS as u32 {
            return None;
        }
        self.set(QUEUE_SIZE, DESCRIPTORS as u32);
        // SAFETY: places inside of what is shared; nothing is read.
        let places = unsafe {
            [
                (QUEUE_DESCRIPTORS, addr_of!((*self.shared).descriptors) as usize),
                (QUEUE_AVAILABLE, addr_of!((*self.shared).available) as usize),
                (QUEUE_USED, addr_of!((*self.shared).used) as usize),
            ]
        };
        for (register, place) in places {
            self.set(register, place as u32);
            self.set(register + 4, 0);
        }
        self.set(QUEUE_READY, 1);
        Some(())
    }

    /// Bytes of the disk.
    pub fn bytes(&self) -> u64 {
        let sectors = u64::from(self.get(CAPACITY)) | u64::from(self.get(CAPACITY + 4)) << 32;
        sectors.saturating_mul(SECTOR as u64)
    }

    /// Whether it may only be read.
    pub const fn is_read_only(&self) -> bool {
        self.features & READ_ONLY != 0
    }

    /// Whether what was written is durable only after a flush.
    pub const fn has_cache(&self) -> bool {
        self.features & FLUSH != 0
    }

    /// Begins a request about the first `bytes` of the shared data. The one before must be over.
    pub fn begin(&mut self, kind: Kind, sector: u64, bytes: usize) {
        let shared = self.shared;
        let writes = if kind == Kind::Read { WRITE } else { 0 };
        // SAFETY: the disk looks at none of this until it is told, as no request is under way.
        unsafe {
            (*shared).kind = kind.code();
            (*shared).sector = sector;
            (*shared).status = u8::MAX;
            let parts = [
                (addr_of!((*shared).kind) as usize, 16, 0),
                (addr_of!((*shared).data) as usize, bytes.min(CHUNK), writes),
                (addr_of!((*shared).status) as usize, 1, WRITE),
            ];
            let mut used = 0;
            for (place, bytes, flags) in parts.into_iter().filter(|(_, bytes, _)| *bytes > 0) {
                let is_last = flags == WRITE && bytes == 1;
                let next = if is_last { 0 } else { NEXT };
                (*shared).descriptors[used] = Descriptor {
                    address: place as u64,
                    bytes: bytes as u32,
                    flags: flags | next,
                    next: used as u16 + 1,
                };
                used += 1;
            }
            (*shared).available.ring[usize::from(self.begun) % DESCRIPTORS] = 0;
            self.begun = self.begun.wrapping_add(1);
            fence(Ordering::SeqCst);
            addr_of_mut!((*shared).available.index).write_volatile(self.begun);
            fence(Ordering::SeqCst);
        }
        self.set(QUEUE_NOTIFY, 0);
    }

    /// Whether no request is under way.
    pub fn is_idle(&self) -> bool {
        // SAFETY: a number that the disk changes.
        let over = unsafe { addr_of!((*self.shared).used.index).read_volatile() };
        fence(Ordering::SeqCst);
        over == self.begun
    }

    /// Whether the last request, which is over, was carried out.
    pub fn is_done(&self) -> bool {
        // SAFETY: a number that the disk has changed.
        unsafe { addr_of!((*self.shared).status).read_volatile() == 0 }
    }

    /// What a request reads from or writes to. No request may be under way.
    pub fn data(&mut self) -> &mut [u8; CHUNK] {
        // SAFETY: as nothing is under way, nobody else uses it; there is one disk.
        unsafe { &mut *addr_of_mut!((*self.shared).data) }
    }

    fn get(&self, register: usize) -> u32 {
        read(self.registers + register)
    }

    fn set(&self, register: usize, value: u32) {
        write(self.registers + register, value);
    }
}

fn write(at: usize, value: u32) {
    // SAFETY: a register of a device in one of its places, or of the interrupt controller.
    unsafe { ptr::write_volatile(at as *mut u32, value) };
}

fn read(at: usize) -> u32 {
    // SAFETY: a register of a device in one of its places, or of the interrupt controller.
    unsafe { ptr::read_volatile(at as *const u32) }
}
