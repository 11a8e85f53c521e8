//! `mtp_fuzz::transport::obfuscated` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mtp_fuzz::transport::obfuscated(input));
