#![no_main]
#![doc = "Fuzzes `mtp_fuzz::tl::tl_values`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::tl::tl_values(data));
