//! What an account needs above calls, as machines without I/O.
#![no_std]

extern crate alloc;

pub mod errors;
pub mod foreign;
pub mod peers;
pub mod updates;
