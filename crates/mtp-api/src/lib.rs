//! Telegram's API.
#![no_std]
extern crate alloc;
include!(concat!(env!("OUT_DIR"), "/api.rs"));
