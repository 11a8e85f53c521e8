#![no_main]
#![doc = "Fuzzes `mtp_fuzz::transport::detection`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::transport::detection(data));
