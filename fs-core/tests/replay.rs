//! The state of a running volume against the state that a mount would read, after every commit.
#![cfg(feature = "blocking")]
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod shared;

use fs_core::blocking::txn::{Purpose, Txn, put_cost};
use fs_core::units::Time;
use fs_core::{Error, FormatOptions};
use shared::{BLOCK, Ram, Shared, history, key, mounted_state, told};
use std::cell::RefCell;
use std::rc::Rc;

#[test]
fn replay_from_either_entry_gives_the_running_state_on_the_smallest_volume() {
    assert_eq!(history(16, 700, 12, 3), Ok(()));
}

#[test]
fn replay_from_either_entry_gives_the_running_state_with_folds_and_splits() {
    assert_eq!(history(80, 700, 300, 4), Ok(()));
}

#[test]
fn a_flipped_bit_anywhere_gives_the_right_state_or_an_error() {
    let device = Shared(Rc::new(RefCell::new(vec![0xFF; 32 * BLOCK])));
    let mut ram = Ram::new();
    let options = FormatOptions::default();
    Txn::format(&mut device.clone(), ram.buffers(), &options, Time(1)).unwrap();
    let mut own = device.clone();
    let found = Txn::find(&mut own, &mut ram.pages, ram.arena.len()).unwrap();
    let mut txn = Txn::open(&mut own, ram.buffers(), &found, false);
    txn.start(&found).unwrap();
    let mut states = vec![told(txn.state())];
    for number in 0..60 {
        let mut batch = txn.begin(put_cost(60), Purpose::Grow).unwrap();
        txn.put(&mut batch, key(number), &[number as u8; 60], true).unwrap();
        txn.commit(batch).unwrap();
        states.push(told(txn.state()));
    }
    let image = device.0.borrow().clone();
    let running = states.pop().unwrap();
    let before = states.pop().unwrap();
    let (mut right, mut refused, mut shorter) = (0, 0, 0);
    for at in (0..image.len()).filter(|at| image[*at] != 0xFF) {
        let mut rotten = image.clone();
        rotten[at] ^= 1 << (at % 8);
        match mounted_state(rotten) {
            Ok(state) if state == running => right += 1,
            // Damage in the last record cannot be told from a cut while it was written.
            Ok(state) if state == before => shorter += 1,
            Ok(state) => panic!("byte {at}: a state that never was newest: {state:?}"),
            Err(Error::Corrupt { .. }) => refused += 1,
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(right > 0 && refused > 1000, "{right} right, {refused} refused");
    assert!((1..110).contains(&shorter), "{shorter} bytes can undo the last commit");
}
