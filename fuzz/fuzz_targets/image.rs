//! A whole image: changed as the input says, checksums right again, used in every way.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| host_sim::hostile::image(data));
