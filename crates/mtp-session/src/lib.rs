//! MTProto key exchange and sessions, for clients and servers, as state machines without I/O.
//!
//! For drivers and for programs that handle packets themselves. The crate opens no sockets, reads no clock, draws no
//! randomness of its own and knows no transport: packets, [`Now`] and [`Entropy`] are arguments. `mtp-transport` turns
//! bytes into packets, and `mtp-proto` joins a link with a machine.
//!
//! ```text
//!  request ─▶ ┌───────────────────┐                     ┌────────────────────┐ ─▶ Call
//!   Result ◀─ │ ClientMachine     │       packets       │ ServerMachine      │ ◀─ answer
//!   Update ◀─ │  ClientHandshake  │ ◀─────────────────▶ │  ServerHandshake×n │ ◀─ push
//!             │  ClientSession    │  one or more links  │  ServerSession×n   │
//!             └───────────────────┘                     └────────────────────┘
//!
//!  input:   handle_packet, handle_timeout          output:  poll_transmit, poll_event, poll_timeout
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
//! let trusted = Arc::new([key.public().clone()]);
//! let config = ClientHandshakeConfig::new(dc, KeyRequest::Permanent, trusted);
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
//! | module | content |
//! |---|---|
//! | [`client`] | client of one data center: its keys, a handshake and a session |
//! | [`server`] | server: many links, keys, handshakes and sessions |
//! | [`exchange`] | values and errors of the key exchange |
//! | [`session`] | types that client and server sessions share |
//! | [`service`] | messages that sessions send each other |
//! | [`record`] | record and replay of a client |
//! | [`established`], [`link`], [`version`] | values shared with drivers: keys, links, versions of encryption |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | `mtp-crypto` uses SIMD instructions where available |
//! | `std` (default) | gzip by zlib-rs; otherwise by `miniz_oxide`, which is slower and needs only an allocator |
//!
//! Dependencies: `flate2` on zlib-rs (with `std`), `miniz_oxide` and `crc32fast` for gzip; `zeroize` for saved keys.
//!
//! No feature changes behavior, only speed and the compressed bytes. No input from a peer causes a panic: it leads to a
//! value or an error. Errors carry positions and codes, never secrets.
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
