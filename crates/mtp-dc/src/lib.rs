//! A sans-IO data centre: what real clients need to come up, and events for everything else.
//!
//! For test servers, gateways and our own demo. It answers the calls that every client makes before
//! anything else; what it does not know comes out as an event, or is refused as a real one would. It
//! owns no socket, no clock and no file: keys are handed out to be stored and taken back on a start.
//!
//! ```text
//!   bytes of link n ──▶ Hub ──▶ Server ──▶ call ──▶ Api ──▶ answer ──▶ bytes of link n
//!                                 │                  │
//!                                 ▼                  ▼ not known
//!                          keys to store      DcEvent::Call for the embedder
//! ```
//!
//! | module | idea |
//! |---|---|
//! | [`center`] | [`DataCenter`]: links, keys, sessions and the API together |
//! | [`api`] | one call in, one answer out |
//!
//! No features. Nothing a client sends panics; what clients may make it keep is limited by
//! `ServerConfig` and [`ApiConfig`].
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

pub mod api;
pub mod center;
pub mod flood;

pub use api::{Answer, Api, ApiConfig, DcOption, RpcError};
pub use center::{DataCenter, DataCenterConfig, DcEvent, UnknownCalls};
