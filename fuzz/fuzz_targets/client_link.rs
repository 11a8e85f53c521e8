#![no_main]
#![doc = "Fuzzes `mtp_fuzz::transport::client_link`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::transport::client_link(data));
