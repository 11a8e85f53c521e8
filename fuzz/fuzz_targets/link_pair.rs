#![no_main]
#![doc = "Fuzzes `mtp_fuzz::transport::link_pair`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::transport::link_pair(data));
