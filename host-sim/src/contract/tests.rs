use fs_core::asynchronous::device as asynchronous_device;
use fs_core::blocking::device as blocking_device;
use fs_core::units::{ByteOffset, Guarantees};

use super::{asynchronous, blocking};
use crate::chip::{Nor, Spec};
use crate::exec::block_on;

fn ram(bytes: usize) -> &'static mut [u8] {
    Vec::leak(vec![0xA5; bytes])
}

macro_rules! both {
    ($name:ident, $device:ident => $make:expr) => {
        #[test]
        #[allow(unused_imports, reason = "a chip is the same in both colours")]
        fn $name() {
            {
                use blocking_device as $device;
                blocking::check(|| $make);
            }
            {
                use asynchronous_device as $device;
                block_on(asynchronous::check(|| $make));
            }
        }
    };
}

both!(ram_keeps_the_contract, device => device::RamDevice::new(ram(0x8000)));
both!(ram_with_an_odd_end_keeps_the_contract, device => device::RamDevice::new(ram(0x8123)));
both!(a_chip_keeps_the_contract, device =>
    Nor::small(32));
both!(a_chip_with_a_cache_keeps_the_contract, device =>
    Nor::new(Spec::small(8).with(Guarantees::VOLATILE_CACHE)));
both!(a_chip_with_whole_pages_keeps_the_contract, device =>
    Nor::new(Spec { program_unit: 256, ..Spec::small(8) }));
both!(a_chip_that_programs_once_keeps_the_contract, device =>
    Nor::new(Spec::small(8).without(Guarantees::REPROGRAM_ZERO_BITS)));
both!(internal_flash_keeps_the_contract, device => Nor::new(Spec::internal(16)));
both!(a_card_keeps_the_contract, device => Nor::new(Spec::card(8)));
both!(a_card_with_a_cache_keeps_the_contract, device =>
    Nor::new(Spec::card(8).with(Guarantees::VOLATILE_CACHE)));
both!(fram_keeps_the_contract, device => Nor::new(Spec::fram(8)));
both!(large_blocks_keep_the_contract, device => Nor::new(Spec::big_block(128, 0x1_0000)));
both!(flash_that_erases_to_zero_keeps_the_contract_inverted, device =>
    device::Inverted::new(Nor::new(Spec { erased_to_zero: true, ..Spec::internal(16) }))
        .expect("8"));
both!(what_is_inverted_twice_keeps_the_contract, device =>
    device::Inverted::new(device::Inverted::new(Nor::small(8)).expect("1")).expect("1"));
both!(a_partition_of_a_card_keeps_the_contract, device =>
    device::Partition::new(Nor::new(Spec::card(8)), ByteOffset(0x200), 0x1600).expect("inside"));
both!(a_partition_keeps_the_contract, device =>
    device::Partition::new(Nor::small(24), ByteOffset(0x2000), 0xA000).expect("inside"));
both!(either_keeps_the_contract_on_the_left, device =>
    device::Either::<_, Nor>::Left(device::RamDevice::new(ram(0x8000))));
both!(either_keeps_the_contract_on_the_right, device =>
    device::Either::<device::RamDevice<'static>, Nor>::Right(Nor::small(8)));
both!(a_lent_device_keeps_the_contract, device =>
    Box::leak(Box::new(Nor::small(8))));

/// A device with one fault, to show that the suite notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    ReadsAnything,
    ErasesTooMuch,
    ForgetsTheLastByte,
    IgnoresAlignment,
    ProgramsWhatItRefuses,
}

struct Faulty(Nor, Fault);

impl blocking_device::BlockDevice for Faulty {
    type Error = fs_core::error::ErrorKind;

    fn geometry(&self) -> fs_core::units::Geometry {
        self.0.spec().geometry()
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), Self::Error> {
        let result = blocking_device::BlockDevice::read(&mut self.0, at, target);
        if self.1 == Fault::ReadsAnything { Ok(()) } else { result }
    }

    fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), Self::Error> {
        let source = match self.1 {
            Fault::ForgetsTheLastByte if source.len() > 300 => &source[..source.len() - 1],
            _ => source,
        };
        let result = blocking_device::BlockDevice::program(&mut self.0, at, source);
        if self.1 == Fault::ProgramsWhatItRefuses && result.is_err() {
            blocking_device::BlockDevice::program(&mut self.0, ByteOffset(0), &[0])?;
        }
        result
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        let (at, bytes) = match self.1 {
            Fault::ErasesTooMuch if at.0 == 4096 && bytes == 4096 => (at, 8192),
            Fault::IgnoresAlignment => {
                let start = at.0 / 4096 * 4096;
                (ByteOffset(start), (at.0 - start).saturating_add(bytes).next_multiple_of(4096))
            }
            _ => (at, bytes),
        };
        blocking_device::BlockDevice::erase(&mut self.0, at, bytes)
    }

    fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), Self::Error> {
        blocking_device::BlockDevice::discard(&mut self.0, at, bytes)
    }

    fn sync(&mut self) -> Result<(), Self::Error> {
        blocking_device::BlockDevice::sync(&mut self.0)
    }
}

fn panic_of(fault: Fault) -> String {
    let run = || blocking::check(|| Faulty(Nor::small(8), fault));
    let panic = std::panic::catch_unwind(run).expect_err("the suite should have noticed");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn the_suite_names_the_rule_that_a_device_breaks() {
    let table = [
        (Fault::ReadsAnything, "bounds: read across"),
        (Fault::ErasesTooMuch, "neighbours: of an erase, after it"),
        (Fault::ForgetsTheLastByte, "read-back"),
        (Fault::IgnoresAlignment, "alignment: erase from an odd place"),
        (Fault::ProgramsWhatItRefuses, "refusal: of an access out of bounds"),
    ];
    for (fault, rule) in table {
        let message = panic_of(fault);
        assert!(message.starts_with(rule), "{fault:?}: {message}");
    }
}
