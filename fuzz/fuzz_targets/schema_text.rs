#![no_main]
#![doc = "Fuzzes `mtp_fuzz::schema::schema_text`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::schema::schema_text(data));
