#![no_main]
#![doc = "Fuzzes `mtp_fuzz::transport::frame_decoder`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::transport::frame_decoder(data));
