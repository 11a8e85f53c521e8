#![no_main]
#![doc = "Fuzzes `mtp_fuzz::transport::middle_link`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::transport::middle_link(data));
