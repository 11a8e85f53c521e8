#![no_main]
#![doc = "Fuzzes `mtp_fuzz::session::service_messages`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::session::service_messages(data));
