//! `mtp_fuzz::transport::server_link` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mtp_fuzz::transport::server_link(input));
