#![no_main]
#![doc = "Fuzzes `mtp_fuzz::cost::cost_center`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::cost::cost_center(data));
