//! `mtp_fuzz::transport::client_link` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mtp_fuzz::transport::client_link(input));
