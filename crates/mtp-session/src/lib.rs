//! Key exchanges and sessions of MTProto, for clients and for servers, as state machines without I/O.
//!
//! For drivers and for everybody who wants to talk MTProto packets by hand. It opens no sockets,
//! reads no clock, draws no randomness of its own and knows no transport: bytes, [`Now`] and
//! [`Entropy`] are arguments. `mtp-transport` makes packets of bytes, `mtp-proto` joins the two.
//!
//! ```text
//!      request ─▶ ┌────────────────────┐                      ┌────────────────────┐ ─▶ Call
//!       Result ◀─ │ ClientMachine      │       packets        │ ServerMachine      │ ◀─ answer
//!       Update ◀─ │  ClientHandshake   │ ◀──────────────────▶ │  ServerHandshake×n │ ◀─ push
//!                 │  Session           │   one link or more   │  Session×n         │
//!                 └────────────────────┘                      └────────────────────┘
//!   handle_packet · poll_transmit · poll_event · poll_timeout · handle_timeout: everywhere the same
//! ```
//!
//! A key exchange in memory:
//!
//! ```
//! use std::sync::Arc;
//! use mtp_crypto::{CtrEntropy, DcId, exchange::RsaPrivateKey};
//! use mtp_env::Now;
//! use mtp_session::client::{ClientHandshake, ClientHandshakeConfig};
//! use mtp_session::exchange::KeyRequest;
//! use mtp_session::server::{ServerHandshake, ServerHandshakeConfig, Verdict};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (now, dc) = (Now::default(), DcId::new(2));
//! let key = RsaPrivateKey::generate(&mut CtrEntropy::from_number(1))?;
//! let known = Arc::new([key.public().clone()]);
//! let config = ClientHandshakeConfig::new(dc, KeyRequest::Permanent, known);
//! let mut client = ClientHandshake::new(config, Box::new(CtrEntropy::from_number(2)));
//! let config = Arc::new(ServerHandshakeConfig::new(dc, Arc::new([key])));
//! let mut server = ServerHandshake::new(config, Box::new(CtrEntropy::from_number(3)));
//!
//! while !client.is_done() {
//!     let mut packet = Vec::new();
//!     if client.poll_transmit(now, &mut packet).is_some() {
//!         server.handle_packet(now, &packet)?;
//!     }
//!     while let Some(new) = server.poll_key() {
//!         server.decide(new.run, Verdict::Unique); // store new.established first
//!     }
//!     packet.clear();
//!     if server.poll_transmit(now, &mut packet).is_some() {
//!         client.handle_packet(now, &packet)?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | module | idea |
//! |---|---|
//! | [`exchange`] | messages, values and errors of the key exchange |
//! | [`session`] | one session of one key, either side |
//! | [`service`] | the messages that sessions send each other |
//! | [`client`] | one client of one centre: its keys and a session on top |
//! | [`server`] | many links, keys and sessions |
//! | [`record`] | record and replay of a client |
//! | [`established`], [`link`] | what passes between them and drivers |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | `mtp-crypto` uses what the processor offers |
//! | `std` (default) | zlib-rs packs and unpacks; without it `miniz_oxide`, slower and with only an allocator |
//!
//! Dependencies: `flate2` on zlib-rs, or `miniz_oxide`, and `crc32fast` for gzip; `zeroize` for saved keys.
//!
//! No feature changes a verdict, only speed and the bytes of what we pack. Nothing a peer sends panics:
//! it leads to a value or to an error that says whose fault it was. Errors carry positions and codes,
//! never secrets.
//!
//! [`Now`]: mtp_env::Now
//! [`Entropy`]: mtp_env::Entropy
#![no_std]

extern crate alloc;

pub mod client;
pub mod established;
pub mod exchange;
mod gzip;
pub mod link;
pub mod record;
pub mod server;
pub mod service;
pub mod session;
#[cfg(test)]
mod vectors;
pub mod version;
