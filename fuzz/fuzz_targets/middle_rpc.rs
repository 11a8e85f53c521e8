#![no_main]
#![doc = "Fuzzes `mtp_fuzz::transport::middle_rpc`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::transport::middle_rpc(data));
