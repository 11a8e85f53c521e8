#![no_main]
#![doc = "Fuzzes `mtp_fuzz::transport::relay_cuts`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::transport::relay_cuts(data));
