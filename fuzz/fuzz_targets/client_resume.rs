#![no_main]
#![doc = "Fuzzes `mtp_fuzz::session::client_resume`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::session::client_resume(data));
