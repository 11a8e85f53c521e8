#![no_main]
#![doc = "Fuzzes `mtp_fuzz::crypto::key_text`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::crypto::key_text(data));
