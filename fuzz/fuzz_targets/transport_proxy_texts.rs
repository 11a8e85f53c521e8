//! `mtp_fuzz::proxy::proxy_texts` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mtp_fuzz::proxy::proxy_texts(input));
