//! Three tasks of embassy's executor on the disk at once. The disk's interrupt wakes the one that
//! waits for it; a fourth task waits for the three, and ends the program.
#![no_std]
#![no_main]

use embassy_executor::{Executor, Spawner, task};
use riscv32_virt::asynchronous::disk::VirtioDisk;
use riscv32_virt::{finish, interrupt, virtio::Disk};
use scenarios::asynchronous::metered::Metered;
use scenarios::asynchronous::tasks::{self, Lent};
use scenarios::phase::Phase;
use scenarios::semihosting::{Arguments, Output};
use scenarios::{Console, Failure};
use static_cell::StaticCell;

type Device = Metered<VirtioDisk>;
type Room = tasks::Room<'static, Device>;

const UUID: [u8; 16] = *b"riscv32-virtdisk";

static DEVICE: StaticCell<Device> = StaticCell::new();
static MEMORY: StaticCell<Lent> = StaticCell::new();
static ROOM: StaticCell<Room> = StaticCell::new();
static EXECUTOR: StaticCell<Executor> = StaticCell::new();

#[task]
async fn logger(room: &'static Room) {
    tasks::logger(room).await;
}

#[task]
async fn settings(room: &'static Room) {
    tasks::settings(room).await;
}

#[task]
async fn recorder(room: &'static Room) {
    tasks::recorder(room).await;
}

#[task]
async fn close(room: &'static Room, phase: Option<Phase>) {
    let result = tasks::close(room, phase).await;
    Output.line(format_args!("tasks interrupts_of_the_disk={}", interrupt::count()));
    finish(result);
}

/// Opens the volume, before there are tasks.
fn open(arguments: &Arguments) -> Result<Room, Failure> {
    // SAFETY: the only one.
    let disk = unsafe { Disk::power_on() }.ok_or(Failure::Device)?;
    let device = DEVICE.init(Metered(VirtioDisk(disk)));
    let memory = MEMORY.init_with(Lent::new);
    if arguments.has("tour") {
        Room::new(&Output, device, memory, UUID)
    } else if arguments.has("live") {
        let rounds = arguments.number("rounds").unwrap_or(8);
        Room::found(&Output, device, memory, UUID, rounds)
    } else {
        Err(Failure::Arguments)
    }
}

/// Says what the tasks take in RAM, apart from the stack.
fn report_sizes(room: &'static Room) {
    Output.line(format_args!(
        "ram logger={} settings={} recorder={} close={}",
        size_of_val(&tasks::logger(room)),
        size_of_val(&tasks::settings(room)),
        size_of_val(&tasks::recorder(room)),
        size_of_val(&tasks::close(room, None))
    ));
}

/// Spawns the tasks. Each is spawned once, so there is room for it.
fn spawn(spawner: Spawner, room: &'static Room, phase: Option<Phase>) {
    let (Ok(logger), Ok(settings), Ok(recorder), Ok(close)) =
        (logger(room), settings(room), recorder(room), close(room, phase))
    else {
        finish(Err("a task was spawned twice"))
    };
    spawner.spawn(logger);
    spawner.spawn(settings);
    spawner.spawn(recorder);
    spawner.spawn(close);
}

#[unsafe(no_mangle)]
extern "C" fn program() -> ! {
    let arguments = Arguments::get();
    let room = match open(&arguments) {
        Ok(room) => &*ROOM.init(room),
        Err(failure) => finish(Err(failure)),
    };
    report_sizes(room);
    let phase = arguments.has("tour").then(|| Phase::begin("three tasks"));
    // SAFETY: once, and the disk is ready.
    unsafe { interrupt::turn_on() };
    EXECUTOR.init(Executor::new()).run(|spawner| spawn(spawner, room, phase))
}
