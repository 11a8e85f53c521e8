#![no_main]
#![doc = "Fuzzes `mtp_fuzz::schema::dynamic_json`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::schema::dynamic_json(data));
