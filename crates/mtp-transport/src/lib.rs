//! Starts here.
#![no_std]
extern crate alloc;

pub mod proxy_link;
pub mod proxy_protocol;
pub mod replay;
pub mod secret;
