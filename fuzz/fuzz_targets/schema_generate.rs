#![no_main]
#![doc = "Fuzzes `mtp_fuzz::schema::schema_generate`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::schema::schema_generate(data));
