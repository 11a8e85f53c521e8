#![no_main]
#![doc = "Fuzzes `mtp_fuzz::crypto::tmp_aes`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::crypto::tmp_aes(data));
