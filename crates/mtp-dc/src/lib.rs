//! A sans-IO data centre: what real clients need to come up, and events for everything else.
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

pub mod api;
pub mod call;

pub use api::{Answer, Api, ApiConfig, DcOption, RpcError};
pub use call::{Call, CallError, ClientInfo};
