//! Transfers against a model that knows every byte of a file by itself.
#![allow(clippy::unit_arg, reason = "what a future answers in one colour is a value in the other")]
#![allow(clippy::arithmetic_side_effects, reason = "tests, not firmware")]

use super::super::device::{BlockDevice, RamDevice};
use super::super::{colour, only_async, only_blocking};
use super::Transfer;
use crate::error::{Error, ErrorKind};
use crate::extent::{Extent, ExtentKind, ExtentList, Packed, Packer};
use crate::units::{ByteOffset, Geometry};
use std::vec;
use std::vec::Vec;

const DEVICE_BYTES: usize = 8192;

#[only_blocking]
fn run<T>(done: T) -> T {
    done
}

#[only_async]
fn run<T>(body: impl Future<Output = T>) -> T {
    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
    match core::pin::pin!(body).poll(&mut context) {
        core::task::Poll::Ready(done) => done,
        core::task::Poll::Pending => panic!("RAM never waits"),
    }
}

/// A device that reads whole units only, counts, and remembers the longest read.
struct Units<'m> {
    ram: RamDevice<'m>,
    unit: u32,
    reads: usize,
    longest: usize,
    removed: bool,
}

#[colour]
impl BlockDevice for Units<'_> {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        Geometry { read_unit: self.unit, ..self.ram.geometry() }
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        let unit = u64::from(self.unit);
        let length = target.len() as u64;
        assert!(at.0.is_multiple_of(unit) && length.is_multiple_of(unit) && length > 0);
        if self.removed {
            return Err(ErrorKind::Removed);
        }
        self.reads += 1;
        self.longest = self.longest.max(target.len());
        self.ram.read(at, target).await
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        self.ram.program(at, source).await
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        self.ram.erase(at, bytes).await
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        self.ram.discard(at, bytes).await
    }

    async fn sync(&mut self) -> Result<(), ErrorKind> {
        self.ram.sync().await
    }
}

/// A sequence of numbers that is the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

/// A random list, and what each byte of the file is: `None` where the list says nothing.
fn random_file(
    dice: &mut Dice,
    medium: &[u8],
    list: &mut ExtentList<'_>,
    file_bytes: usize,
) -> Vec<Option<u8>> {
    let mut model = vec![None; file_bytes];
    let mut packer = Packer::new(list, ByteOffset(0), file_bytes as u64);
    let mut at = dice.below(40);
    while at < file_bytes {
        let length = (1 + dice.below(300)).min(file_bytes - at);
        let physical = dice.below(medium.len() - length);
        let kinds = [ExtentKind::Data, ExtentKind::Data, ExtentKind::Zero, ExtentKind::Unwritten];
        let kind = kinds[dice.below(kinds.len())];
        let place = if kind == ExtentKind::Zero { 0 } else { physical as u64 };
        let run = Extent::data(ByteOffset(at as u64), ByteOffset(place), length as u64);
        if packer.pack(Extent { kind, ..run }) == Packed::Refused {
            break;
        }
        for (byte, source) in model[at..at + length].iter_mut().zip(&medium[physical..]) {
            *byte = Some(if kind == ExtentKind::Data { *source } else { 0 });
        }
        at += length + if dice.below(8) == 0 { dice.below(50) } else { 0 };
    }
    model
}

#[test]
#[colour]
fn every_range_reads_as_the_model_says() {
    run(async {
        for seed in 1..=300 {
            let mut dice = Dice(seed);
            let mut medium: Vec<u8> =
                (0..DEVICE_BYTES).map(|_| u8::try_from(1 + dice.below(255)).unwrap()).collect();
            let mut slots = [Extent::zero(ByteOffset(0), 0); 12];
            let mut list = ExtentList::new(&mut slots);
            let model = random_file(&mut dice, &medium, &mut list, 3000);
            let unit = [1, 2, 16, 512][dice.below(4)];
            let burst_max = [usize::MAX, 64, 1][dice.below(3)];
            let ram = RamDevice::new(&mut medium);
            let mut device = Units { ram, unit, reads: 0, longest: 0, removed: false };
            let mut bounce = [0; 512];
            let mut transfer = Transfer::new(&mut bounce).with_burst_max(burst_max);
            for _ in 0..30 {
                let from = dice.below(3100);
                let mut target = vec![0xA5; dice.below(1500)];
                let read = transfer.read(&mut device, &list, ByteOffset(from as u64), &mut target);
                let count = read.await.unwrap();
                let known = model.iter().skip(from).take(target.len());
                let expected: Vec<u8> = known.map_while(|byte| *byte).collect();
                assert_eq!(&target[..count], expected, "seed {seed}, from {from}");
                assert!(target[count..].iter().all(|byte| *byte == 0xA5), "beyond the prefix");
            }
            assert!(device.longest <= burst_max.max(unit as usize));
        }
    });
}

#[test]
#[colour]
fn a_run_is_one_access_and_zeros_are_none() {
    let mut medium = vec![7; DEVICE_BYTES];
    let ram = RamDevice::new(&mut medium);
    let mut device = Units { ram, unit: 16, reads: 0, longest: 0, removed: false };
    let mut slots = [Extent::zero(ByteOffset(0), 0); 3];
    let mut list = ExtentList::new(&mut slots);
    let mut packer = Packer::new(&mut list, ByteOffset(0), 4096);
    packer.pack(Extent::zero(ByteOffset(0), 1024));
    packer.pack(Extent::data(ByteOffset(1024), ByteOffset(4096), 1024));
    packer.pack(Extent::data(ByteOffset(2048), ByteOffset(5120), 2048));
    run(async {
        let mut bounce = [0; 16];
        let mut transfer = Transfer::new(&mut bounce);
        let mut target = [0; 4096];
        let read = transfer.read(&mut device, &list, ByteOffset(0), &mut target).await;
        assert_eq!((read, device.reads, device.longest), (Ok(4096), 1, 3072));
        assert!(target[..1024].iter().all(|byte| *byte == 0));
        assert!(target[1024..].iter().all(|byte| *byte == 7));
        device.removed = true;
        let zeros = transfer.read(&mut device, &list, ByteOffset(5), &mut target[..9]).await;
        assert_eq!(zeros, Ok(9));
        let failed = transfer.read(&mut device, &list, ByteOffset(0), &mut target).await;
        assert_eq!(failed, Err(Error::Device(ErrorKind::Removed)));
        let mut transfer = Transfer::new(&mut []);
        let failed = transfer.read(&mut device, &list, ByteOffset(1025), &mut target[..1]).await;
        assert_eq!(failed, Err(Error::Invalid));
    });
}
