#![no_main]
#![doc = "Fuzzes `mtp_fuzz::crypto::engines`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::crypto::engines(data));
