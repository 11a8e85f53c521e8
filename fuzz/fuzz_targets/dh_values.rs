#![no_main]
#![doc = "Fuzzes `mtp_fuzz::crypto::dh_values`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::crypto::dh_values(data));
