#![no_main]
#![doc = "Fuzzes `mtp_fuzz::crypto::message_seal`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::crypto::message_seal(data));
