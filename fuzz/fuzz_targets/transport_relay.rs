//! `mtp_fuzz::proxy::relay` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mtp_fuzz::proxy::relay(input));
