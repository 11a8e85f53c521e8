#![no_main]
#![doc = "Fuzzes `mtp_fuzz::crypto::bind_open`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::crypto::bind_open(data));
