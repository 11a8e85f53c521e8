#![no_main]
#![doc = "Fuzzes `mtp_fuzz::crypto::key_file`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::crypto::key_file(data));
