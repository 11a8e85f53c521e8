#![no_main]
#![doc = "Fuzzes `mtp_fuzz::session::session_server`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::session::session_server(data));
