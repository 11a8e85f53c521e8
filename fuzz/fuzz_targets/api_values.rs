#![no_main]
#![doc = "Fuzzes `mtp_fuzz::tl::api_values`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::tl::api_values(data));
