//! MTProto transports for both sides, without sockets.
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

pub mod address;
mod buffer;
pub mod code;
pub mod datagram;
pub mod detect;
pub mod faketls;
pub mod framing;
pub mod http;
mod layer;
pub mod link;
pub mod middle_proxy;
pub mod obfuscation;
pub mod proxy_link;
pub mod proxy_protocol;
pub mod relay;
pub mod replay;
#[cfg(test)]
mod rig;
mod room;
pub mod secret;
pub mod websocket;

pub use code::TransportCode;
pub use framing::{Frame, FrameFlags, Framing};
pub use link::{ClientLink, ServerLink};
