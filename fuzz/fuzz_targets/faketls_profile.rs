#![no_main]
#![doc = "Fuzzes `mtp_fuzz::transport::faketls_profile`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::transport::faketls_profile(data));
