//! Adapters of `hal-adapters` held against the contract, in both colours.

use fs_core::units::Guarantees;
use fs_core::{Error, FormatOptions, Memory, MountOptions};
use hal_adapters::{asynchronous, blocking};
use host_sim::chip::{Nor, Spec};
use host_sim::contract;
use host_sim::exec::block_on;

/// A chip as flash, and that flash as a device again.
#[test]
fn a_device_as_flash_and_back_keeps_the_contract() {
    use asynchronous::flash::Flash as Awaited;
    use blocking::flash::Flash;
    contract::blocking::check(|| {
        let flash = Flash::<_, 1, 1, 4096, true>::new(Nor::small(8)).expect("units that fit");
        blocking::nor::NorDevice::new(flash)
    });
    contract::blocking::check(|| {
        let flash = Flash::<_, 1, 8, 4096>::new(Nor::new(Spec::internal(16))).expect("they fit");
        blocking::nor::NorDevice::once(flash)
    });
    block_on(contract::asynchronous::check(|| {
        let flash = Awaited::<_, 4, 4, 8192, true>::new(Nor::small(16)).expect("units that fit");
        asynchronous::nor::NorDevice::new(flash)
    }));
}

/// A card as a block device of another crate, and that as a device again.
#[test]
fn sectors_for_other_crates_and_back_keep_the_contract() {
    use hal_adapters::{block, sdmmc};
    contract::blocking::check(|| {
        let blocks = sdmmc::Blocks::new(Nor::new(Spec::card(8))).expect("sectors");
        sdmmc::Sdmmc::new(blocks).expect("a size")
    });
    block_on(contract::asynchronous::check(|| {
        let blocks = block::Blocks::new(Nor::new(Spec::card(8))).expect("sectors");
        block_on(block::Driver::new(blocks)).expect("a size")
    }));
    assert!(sdmmc::Blocks::new(Nor::small(8)).is_none(), "flash needs erases");
    assert!(block::Blocks::new(Nor::small(8)).is_none(), "flash needs erases");
}

/// Neither crate knows a flush: what it has written must be durable.
#[test]
fn what_other_crates_wrote_to_a_cache_is_durable() {
    use embedded_sdmmc::{Block, BlockDevice as _, BlockIdx};
    use hal_adapters::sdmmc;
    let card = Nor::new(Spec::card(8).with(Guarantees::VOLATILE_CACHE));
    let blocks = sdmmc::Blocks::new(card.clone()).expect("sectors");
    blocks.write(&[Block { contents: [7; 512] }, Block::new()], BlockIdx(2)).expect("a write");
    let far = BlockIdx(blocks.num_blocks().expect("a size").0);
    assert!(blocks.write(&[Block::new()], far).is_err(), "it is behind the end");
    card.power_off();
    card.power_on();
    let mut found = [0; 512];
    card.image().peek(1024, &mut found);
    assert_eq!(found, [7; 512]);
}

#[test]
fn a_device_that_cannot_be_this_flash_is_not() {
    use blocking::flash::Flash;
    let once = || Nor::new(Spec::small(8).without(Guarantees::REPROGRAM_ZERO_BITS));
    assert!(Flash::<_, 1, 1, 4096, true>::new(once()).is_none());
    assert!(Flash::<_, 1, 1, 4096>::new(once()).is_some());
    assert!(Flash::<_, 1, 1, 2048>::new(once()).is_none(), "it erases 4096 bytes");
    assert!(Flash::<_, 1, 4, 4096>::new(Nor::new(Spec::internal(8))).is_none(), "it wants 8 bytes");
    assert!(Flash::<_, 1, 512, 4096>::new(Nor::new(Spec::card(8))).is_none(), "it reads sectors");
    assert!(Flash::<_, 512, 512, 4096, true>::new(Nor::new(Spec::card(8))).is_some());
}

#[test]
fn what_was_written_to_a_card_as_flash_is_durable() {
    use embedded_storage::nor_flash::{NorFlash as _, NorFlashError as _, NorFlashErrorKind};
    let card = Nor::new(Spec::card(8).with(Guarantees::VOLATILE_CACHE));
    let mut flash = blocking::flash::Flash::<_, 512, 512, 512, true>::new(card.clone())
        .expect("units that fit");
    flash.write(1024, &[7; 512]).expect("a write");
    let odd = flash.write(1, &[0; 512]).expect_err("it is not aligned").kind();
    let far = flash.erase(32768, 33280).expect_err("it is behind the end").kind();
    assert_eq!((odd, far), (NorFlashErrorKind::NotAligned, NorFlashErrorKind::OutOfBounds));
    card.power_off();
    card.power_on();
    let mut found = [0; 512];
    card.image().peek(1024, &mut found);
    assert_eq!(found, [7; 512]);
}

/// What is known of a flash as `NorFlash` only may be a flash whose words are programmed once: the
/// volume is refused by name, and nothing is written. That a chip's own driver says so is tested in
/// `hal-adapters/src/nor/chip_tests.rs`.
#[test]
fn flash_of_which_nobody_says_that_it_takes_a_byte_twice_is_refused() {
    use asynchronous::flash::Flash as Awaited;
    use blocking::flash::Flash;
    let chip = Nor::new(Spec::internal(64).without(Guarantees::REPROGRAM_ZERO_BITS));
    let flash = Flash::<_, 1, 8, 2048>::new(chip.clone()).expect("they fit");
    let mut device = blocking::nor::NorDevice::once(flash);
    let mut memory = Memory::<2048, 4, 2>::new();
    let options = FormatOptions::default();
    let refused = fs_core::blocking::Volume::format(&mut device, &mut memory, &options);
    assert_eq!(refused, Err(Error::NotSupported));
    let flash = Awaited::<_, 1, 8, 2048>::new(chip.clone()).expect("they fit");
    let mut device = asynchronous::nor::NorDevice::once(flash);
    let format = fs_core::asynchronous::Volume::format(&mut device, &mut memory, &options);
    assert_eq!(block_on(format), Err(Error::NotSupported));
    assert_eq!(chip.counters().programs + chip.counters().erases, 0);

    // The same cells under a driver that promises it: from there the volume comes.
    let marked = Flash::<_, 1, 8, 2048, true>::new(Nor::new(Spec::internal(64))).expect("they fit");
    let mut device = blocking::nor::NorDevice::new(marked);
    let formatted = fs_core::blocking::Volume::format(&mut device, &mut memory, &options);
    assert_eq!(formatted, Ok(()));
    let marked = device.into_inner().into_inner();
    let bare = Flash::<_, 1, 8, 2048>::new(marked.clone()).expect("they fit");
    let mut device = blocking::nor::NorDevice::once(bare);
    let before = marked.counters();
    for (read_only, result) in [(false, Err(Error::NotSupported)), (true, Ok(()))] {
        let how = MountOptions { read_only, ..MountOptions::default() };
        let mounted = fs_core::blocking::Volume::mount(&mut device, &mut memory, how);
        assert_eq!(mounted.map(|_| ()), result);
    }
    assert_eq!(marked.counters().programs, before.programs);
}
