//! A sans-IO MTProto server for many clients. Calls come out as values, answers and pushes go in.
//!
//! For authors of servers: with Telegram's API or with one of their own. It owns no socket, clock,
//! thread or file: `mtp-tokio` drives it over sockets and stores its keys. It answers no call, not even
//! `help.getConfig`: `mtp-dc` is one application on it.
//!
//! ```text
//!            bytes of link n ┌───────────┐  ┌─────┐  ┌───────────────┐     EndpointEvent
//!   accept ─▶ handle_bytes ─▶│ admission │─▶│ Hub │─▶│ ServerMachine │─▶ Call(token, query) ──┐
//!                            └─────┬─────┘  └─────┘  └───────────────┘   KeyCreated, …         ▼
//!   close  ◀─────────── Refused ◀──┘           ▲                                          application
//!   write  ◀─ poll_transmit ◀─ poll_link ◀─────┴──────── answer(token), push, set_user ◀───────┘
//! ```
//!
//! ```
//! use mtp_server::env::Now;
//! use mtp_server::session::link::LinkId;
//! use mtp_server::{Answer, Endpoint, EndpointEvent};
//!
//! /// Answers every call with its own bytes, and collects what the sockets are to write.
//! fn received(endpoint: &mut Endpoint, now: Now, link: LinkId, bytes: &[u8]) -> Vec<(LinkId, Vec<u8>)> {
//!     if let Err(why) = endpoint.handle_bytes(now, link, bytes) {
//!         println!("{link:?}: {why}"); // its last output still leaves
//!     }
//!     while let Some(event) = endpoint.poll_event() {
//!         if let EndpointEvent::Call(call) = event {
//!             // At once, or later with `call.token` from anywhere.
//!             let answer = Answer::Result(call.query);
//!             if let Err(why) = endpoint.answer(now, call.token, &answer) {
//!                 println!("{:?}: {why}", call.token);
//!             }
//!         }
//!     }
//!     let mut outputs = Vec::new();
//!     while let Some(link) = endpoint.poll_link() {
//!         let mut out = Vec::new();
//!         while endpoint.poll_transmit(now, link, &mut out) {}
//!         outputs.push((link, out));
//!     }
//!     outputs
//! }
//! ```
//!
//! | item | idea |
//! |---|---|
//! | [`Endpoint`] | everything together: what a driver drives and an application answers |
//! | [`EndpointEvent`], [`IncomingCall`], [`CallToken`], [`Answer`] | what passes between endpoint and application |
//! | [`AdmissionConfig`] | who may connect, how often, and for how long without proof of a key |
//! | [`Counters`] | counters since the start |
//! | [`Rate`], [`TokenBucket`] | rate limits |
//! | [`Hub`] | links on one machine, without admission |
//! | [`Visitors`] | places of a proxy's clients: the admission without an endpoint |
//! | [`session`], [`transport`], [`crypto`], [`mod@env`], [`tl`] | the crates below, whole: one import is enough |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | SIMD kernels where the processor has them |
//! | `getrandom` | `crypto::OsEntropy`, randomness of the operating system |
//! | `std` (default) | faster gzip and checksums in the crates below |
//!
//! No dependencies but the crates below. Received bytes never panic. What clients can make the
//! endpoint hold or compute is limited by [`AdmissionConfig`], [`EndpointConfig`] and the machine's
//! `ServerConfig`.
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

mod admission;
mod answer;
mod counters;
mod endpoint;
mod flood;
mod hub;
mod visitors;

pub use admission::{AdmissionConfig, Network, NetworkError, Refused, WorkRate};
pub use answer::Answer;
pub use counters::{Counters, CutCounters, PacketCounters, RefusedCounters};
pub use endpoint::{
    CallToken, Endpoint, EndpointConfig, EndpointEvent, IncomingCall, Refusals, UnknownKey, UserId,
};
pub use flood::{Rate, TokenBucket};
pub use hub::{Hub, OPENINGS_KEPT, OPENINGS_MAX};
pub use visitors::{Visit, Visitors};

pub use mtp_proto as proto;
pub use mtp_proto::{crypto, env, session, tl, transport};

/// The page on drivers, whose code is compiled with this crate's documentation tests: it needs all
/// crates up to this one.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/driving.md")]
mod driving {}
