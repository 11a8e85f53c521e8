//! MTProto key exchange and sessions for client and server as sans-IO state machines.
#![no_std]

extern crate alloc;

pub mod established;
pub mod handshake;
pub mod link;
pub mod service;
pub mod session;

pub use established::{Established, KeyKind};
pub use link::{AfterSend, LinkId, Outgoing, Transmit};
