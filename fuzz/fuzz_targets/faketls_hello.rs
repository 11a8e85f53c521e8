#![no_main]
#![doc = "Fuzzes `mtp_fuzz::transport::faketls_hello`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::transport::faketls_hello(data));
