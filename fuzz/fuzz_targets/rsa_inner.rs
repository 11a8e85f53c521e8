#![no_main]
#![doc = "Fuzzes `mtp_fuzz::crypto::rsa_inner`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::crypto::rsa_inner(data));
