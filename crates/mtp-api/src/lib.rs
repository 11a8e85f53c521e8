//! Types and functions of Telegram's API at layer 230, generated from `schema/api.tl` when the crate is built.
//!
//! For clients, servers and tools that speak the API. `mtp-tl` encodes and decodes the types; `mtp-proto` and
//! `mtp-tokio` send them. For other layers and other schemas, run `mtp-schema` in a `build.rs` of your own.
//!
//! ```text
//!   schema/api.tl ──▶ build.rs: mtp-schema, for the enabled namespaces ──▶ this crate
//! ```
//!
//! ```
//! # #[cfg(all(feature = "full", feature = "debug", feature = "eq"))] {
//! use mtp_api::{functions, types, variants};
//! use mtp_tl::{Encode, Function};
//!
//! // `new` takes the required fields; conditional fields are set afterwards.
//! let peer = variants::InputPeerUser { user_id: 7, access_hash: 8 }.into();
//! let mut call = functions::messages::SendMessage::new(peer, "hello".into(), 1);
//! call.silent = true;
//! let bytes = call.to_bytes();
//! assert_eq!(bytes.len(), call.encoded_len());
//!
//! // A server encodes the answer that the function declares; a client decodes it.
//! let answer = call.encode_answer(&types::Updates::TooLong);
//! let updates = functions::messages::SendMessage::decode_answer(&answer);
//! assert_eq!(updates, Ok(types::Updates::TooLong));
//! # }
//! ```
//!
//! | item | contents |
//! |---|---|
//! | `types` | one Rust type for each TL type: a struct if it has one constructor, an enum otherwise |
//! | `variants` | structs of the constructors that share their type with others |
//! | `functions` | structs of the functions |
//! | `groups` | structs of the values that share one flag bit |
//! | `Call` | an enum of all functions, which decodes a call by its id (feature `calls`) |
//! | `REGISTRY` | names and codecs by id (feature `registry`) |
//!
//! | feature | effect |
//! |---|---|
//! | `full` (default) | everything |
//! | `account`, `auth`, … `wallet` | the functions of one namespace and the types they reach |
//! | `updates` | also the type `Updates` |
//! | `debug`, `eq` (default) | `Debug` and `PartialEq`: a third of the time to compile |
//! | `server` | decoders of functions |
//! | `calls` | `Call` |
//! | `registry` | `REGISTRY`, for tools; it keeps all code alive |
//!
//! Nothing panics. A value is checked completely when it is decoded; errors are [`mtp_tl::DecodeError`].
//! `docs/decisions/0003-generated-code.md` has the rules for names and forms.
#![no_std]

extern crate alloc;

#[allow(clippy::all, clippy::pedantic, unused_qualifications, reason = "generated code")]
#[cfg_attr(
    not(feature = "debug"),
    allow(missing_debug_implementations, reason = "the feature is off")
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/api.rs"));
}

pub use generated::*;
