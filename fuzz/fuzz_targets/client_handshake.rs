#![no_main]
#![doc = "Fuzzes `mtp_fuzz::session::client_handshake`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::session::client_handshake(data));
