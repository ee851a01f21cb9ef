//! Adapters of `hal-adapters` held against the contract, in both colours.

use fs_core::units::Guarantees;
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
