#![no_main]
#![doc = "Fuzzes `mtp_fuzz::crypto::chat_keys`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::crypto::chat_keys(data));
