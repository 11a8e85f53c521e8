//! MTProto transports for both sides, without sockets.
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

mod buffer;
pub mod code;
pub mod detect;
pub mod framing;
mod layer;
pub mod link;

pub use code::TransportCode;
pub use framing::{Frame, FrameFlags, Framing};
