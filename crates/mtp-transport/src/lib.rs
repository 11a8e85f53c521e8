//! Sans-IO MTProto transports for clients, servers and proxies: socket bytes to packets and back.
//!
//! The crate opens no socket, reads no clock and implements no TLS: drivers such as `mtp-tokio` move
//! the bytes and pass the time in. It does not look inside packets: `mtp-session` does, and
//! `mtp-proto` joins the two.
//!
//! ```text
//!            ┌ FakeTLS ──┐
//!   socket ──┼ WebSocket ┼── obfuscation ── framing ──┐
//!            ├ no layer ─┴───────────────── framing ──┼── packets, quick acks, errors
//!            └ HTTP ──────────────────────────────────┘
//! ```
//!
//! A [`ClientLink`](link::ClientLink) is configured with one of these stacks; a
//! [`ServerLink`](link::ServerLink) detects the client's stack.
//!
//! ```
//! use mtp_crypto::{CtrEntropy, DcId};
//! use mtp_env::Now;
//! use mtp_transport::framing::{Frame, FrameFlags, Tag};
//! use mtp_transport::link::{ClientLink, ClientLinkConfig, ServerLink, ServerLinkConfig, Stack};
//!
//! let now = Now::default();
//! let stack = Stack::Obfuscated { tag: Tag::ABRIDGED, dc: DcId::new(2), secret: None };
//! let entropy = Box::new(CtrEntropy::from_number(1)); // Drivers seed it from the system.
//! let mut client = ClientLink::new(now, ClientLinkConfig::new(stack), entropy);
//!
//! // The packet is written once, between `begin` and `finish`, into the caller's buffer.
//! let mut wire = Vec::new();
//! let mark = client.begin(&mut wire);
//! wire.extend([7; 40]);
//! client.finish(now, &mut wire, mark, FrameFlags { quick_ack: true })?;
//!
//! // The server receives into the link's buffer, and the frame borrows the packet from it.
//! let entropy = Box::new(CtrEntropy::from_number(2));
//! let mut server = ServerLink::new(now, ServerLinkConfig::default(), entropy);
//! server.handle_bytes(&wire);
//! let frame = server.next_frame(now)?;
//! assert!(matches!(frame, Some(Frame::Packet { bytes: [7, ..], quick_ack: true })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`link`] | whole stacks, one type for each side |
//! | [`framing`] | the four TCP framings |
//! | [`obfuscation`] | the 64-byte header and the two cipher streams |
//! | [`detect`] | protocol detection from the first bytes |
//! | [`faketls`], [`websocket`], [`http`] | the layers around framing and obfuscation |
//! | [`secret`], [`proxy_link`] | proxy secrets and `tg://proxy` links |
//! | [`relay`] | the MTProxy relay: one client, carried to a data center, to middle proxies or to the fronting site |
//! | [`replay`] | the store of openings seen before |
//! | [`proxy_protocol`] | the PROXY protocol of load balancers |
//! | [`middle_proxy`] | links between proxies and middle proxies, both ends |
//! | [`address`] | built-in addresses of the data centers |
//! | [`datagram`] | packets in UDP datagrams, experimental |
//! | [`code`] | transport error codes |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | SIMD kernels of `mtp-crypto`, selected at run time |
//! | `std` | SIMD for the checksum of full framing, selected at run time |
//!
//! Dependencies: `httparse` parses HTTP heads; `base64ct` decodes secrets and WebSocket keys;
//! `crc32fast` computes the checksum of full framing; `md-5` derives the keys of links to middle
//! proxies and `aes` encrypts them; `subtle` compares and `zeroize` wipes secrets.
//!
//! No input from a peer causes a panic, and the memory held for a peer is limited by configuration.
//! A violation by the peer is a typed error that closes the link; a failed call of the caller
//! changes nothing.
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
