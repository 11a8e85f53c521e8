#![no_main]
#![doc = "Fuzzes `mtp_fuzz::transport::proxy_protocol`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::transport::proxy_protocol(data));
