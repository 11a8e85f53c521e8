#![no_main]
#![doc = "Fuzzes `mtp_fuzz::crypto::pq_factor`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::crypto::pq_factor(data));
