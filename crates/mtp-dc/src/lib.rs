//! A sans-IO data centre: what real clients need to come up, and events for everything else.
//!
//! For test servers, gateways and our own demo. It answers the calls that every client makes before
//! anything else; what it does not know comes out as an event, or is refused as a real one would. It
//! owns no socket, no clock and no file: keys are handed out to be stored and taken back on a start.
//!
//! ```text
//!   socket ──▶ Admission ─▶ bytes of link n ──▶ Hub ──▶ Server ──▶ call ──▶ Api ──▶ answer, updates
//!                 │                                       │                  │
//!                 ▼                                       ▼                  ▼ not known
//!              Refused                              keys to store     DcEvent::Call for the embedder
//! ```
//!
//! What it can do: make keys of all kinds, bind temporary ones, keep sessions; log people in by code
//! and password, or make them accounts; let them find each other, send text, hear of it at once and
//! catch up later; take files and give them back. `help.*` is answered as far as there is an answer.
//! Everything else is refused with `INPUT_METHOD_INVALID_…`, or handed to the embedder.
//!
//! | module | idea |
//! |---|---|
//! | [`center`] | [`DataCenter`]: links, keys, sessions and the API together |
//! | [`admission`] | who may connect, how often, and for how long without showing a key |
//! | [`api`] | one call in, one answer out |
//! | [`counters`] | what happened since the start, in numbers |
//! | [`flood`] | how often something may happen |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | `mtp-crypto` uses what the processor offers |
//! | `std` (default) | passed on to the crates below, which pack and checksum faster |
//!
//! Dependencies: `subtle` and `zeroize` compare and wipe what clients log in with.
//!
//! Nothing a client sends panics; what clients may make it keep is limited by
//! `ServerConfig`, [`AdmissionConfig`] and [`ApiConfig`].
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

pub mod admission;
pub mod api;
pub mod center;
pub mod counters;
pub mod flood;

pub use admission::{AdmissionConfig, Refused};
pub use api::{Answer, Api, ApiConfig, DcOption, RpcError};
pub use center::{DataCenter, DataCenterConfig, DcEvent, UnknownCalls};
pub use counters::Counters;
