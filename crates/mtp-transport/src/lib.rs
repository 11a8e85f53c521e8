//! MTProto transports for clients, servers and proxies: from a socket's bytes to packets and back.
//!
//! It opens no socket and speaks no TLS: `mtp-tokio` does, and its bytes come in here. What a packet
//! means is `mtp-session`'s business; `mtp-proto` joins the two.
//!
//! ```text
//!            ┌ FakeTLS ──┐
//!   socket ──┼ WebSocket ┼── obfuscation ── framing ──┐
//!            ├ nothing ──┴──────────────── framing ──┼── packets, quick acks, errors
//!            └ HTTP ──────────────────────────────────┘
//! ```
//!
//! A [`ClientLink`] is told which of these stacks to speak; a [`ServerLink`] finds out.
//!
//! ```
//! use mtp_crypto::CtrEntropy; // seeded from the system by a driver, by a number in tests
//! use mtp_env::Now;
//! use mtp_transport::framing::Tag;
//! use mtp_transport::link::{ClientConfig, ServerConfig, Stack};
//! use mtp_transport::obfuscation::DcId;
//! use mtp_transport::{ClientLink, Frame, FrameFlags, ServerLink};
//!
//! let now = Now::default();
//! let stack = Stack::Obfuscated { tag: Tag::ABRIDGED, dc: DcId::new(2), secret: None };
//! let entropy = Box::new(CtrEntropy::from_number(1));
//! let mut client = ClientLink::new(now, ClientConfig::new(stack), entropy);
//!
//! // A packet is written once, between `begin` and `finish`, into the driver's buffer.
//! let mut wire = Vec::new();
//! let mark = client.begin(&mut wire);
//! wire.extend([7; 40]);
//! client.finish(now, &mut wire, mark, FrameFlags { quick_ack: true })?;
//!
//! // The server reads into the link's buffer and is lent the packet from there.
//! let entropy = Box::new(CtrEntropy::from_number(2));
//! let mut server = ServerLink::new(now, ServerConfig::default(), entropy);
//! server.handle_bytes(&wire);
//! let frame = server.next_frame(now)?;
//! assert!(matches!(frame, Some(Frame::Packet { bytes: [7, ..], quick_ack: true })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | idea |
//! |---|---|
//! | [`link`] | whole stacks, one type for each side |
//! | [`framing`] | four envelopes around a packet |
//! | [`obfuscation`] | a header that carries keys, and two cipher streams |
//! | [`detect`] | what a connection speaks, from its first bytes |
//! | [`faketls`], [`websocket`], [`http`] | what may stand around the rest |
//! | [`secret`], [`proxy_link`] | how a proxy is named |
//! | [`relay`] | a proxy: one client carried on to a data centre, or to a site |
//! | [`replay`], [`proxy_protocol`], [`middle_proxy`] | what a proxy needs besides |
//! | [`address`] | where the data centres listen |
//! | [`datagram`] | packets in UDP, experimental |
//! | [`code`] | transport errors |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | `mtp-crypto` uses what the processor offers |
//! | `std` | full framing's checksum uses what the processor offers |
//!
//! Dependencies: `httparse` reads HTTP's heads; `base64ct` secrets in links and WebSocket's keys; `crc32fast` sums full framing;
//! `md-5` derives the keys of links to middle proxies; `subtle` and `zeroize` compare and wipe secrets.
//!
//! Nothing a peer sends panics, and what is kept for a peer is bounded by configuration. A peer's
//! mistake is a named error that closes the link; a caller's mistake changes nothing.
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
