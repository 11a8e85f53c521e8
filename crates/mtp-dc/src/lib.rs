//! A sans-IO data center: what real clients need to come up, as an application on `mtp-server`.
//!
//! For test servers, gateways and our own demo. It answers the calls that every client makes first.
//! Other calls come out as events, or are refused as a real data center refuses them. It owns no
//! socket, clock or file, and drives nothing: the embedder drives the endpoint.
//!
//! ```text
//!   Endpoint ── EndpointEvent ──▶ DataCenter ── call ──▶ Api ──▶ api/auth.rs, api/messages.rs, …
//!      ▲                              │                   │           │
//!      └── answer, push, set_user ◀───┤                   ▼           ▼
//!                                     ▼             answer, updates  state
//!                      DcEvent: login codes, unknown calls
//! ```
//!
//! It logs people in by code and password, or creates their accounts; it lets them find each other,
//! send text, receive it at once and catch up later; it takes files and returns them. It answers
//! `help.*` as far as there is an answer. Other calls are refused with `INPUT_METHOD_INVALID_…`, or
//! passed to the embedder.
//!
//! | item | idea |
//! |---|---|
//! | [`DataCenter`] | events of an endpoint in, answers and pushes out |
//! | [`Api`] | one call in, one answer out, without an endpoint |
//! | [`ApiConfig`] | accounts, addresses and limits |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | SIMD kernels where the processor has them |
//! | `std` (default) | faster gzip and checksums in the crates below |
//!
//! Dependencies: `subtle` and `zeroize` compare and wipe login secrets.
//!
//! Nothing that a client sends panics. [`ApiConfig`] limits what clients can make the API hold.
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

mod api;
mod call;
mod center;
mod config;
mod layers;
mod objects;
mod password;
mod state;

/// Ids of the API's functions and constructors, generated from the schema.
mod ids {
    include!(concat!(env!("OUT_DIR"), "/ids.rs"));
}

pub use api::{Api, ApiEvent};
pub use call::Caller;
pub use center::{DataCenter, DataCenterConfig, DcEvent, UnknownCalls};
pub use config::{AccountConfig, ApiConfig, DcOption, FileLimits, LoginCode, SignUp};
pub use state::logins::Code;
