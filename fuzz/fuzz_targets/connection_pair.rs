#![no_main]
#![doc = "Fuzzes `mtp_fuzz::proto::connection_pair`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mtp_fuzz::proto::connection_pair(data));
