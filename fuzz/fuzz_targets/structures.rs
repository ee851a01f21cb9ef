//! Records, changes, pages and the values of items from any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    host_sim::hostile::record(data);
    host_sim::hostile::page(data);
});
