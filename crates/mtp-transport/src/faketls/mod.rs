//! FakeTLS: proxy connections disguised as TLS 1.3 connections to a web site.
//!
//! ```text
//!   client                                              server
//!   ClientHello, digest in its random ─────────────▶   checks: digest, time, replay, server name
//!                                                       on failure: all bytes to a real site
//!   digest checked ◀────── ServerHello, 14, one 17      digest in its random
//!   14, records of 17 ─────────────────────────────▶   obfuscated stream
//!   obfuscated stream ◀──────────────── records of 17
//! ```
//!
//! There is no TLS cryptography. Each hello carries an HMAC under the secret's key, which proves
//! that its sender knows the key; the rest of the hello is camouflage.
//!
//! | module | contents |
//! |---|---|
//! | `profile` | templates of client hellos, as text files |
//! | `client_hello` | hellos generated from a profile and signed |
//! | `hello` | hellos parsed and verified by the server |
//! | `flight` | the server's answer, generated and verified |
//! | `records` | the data phase in both directions |
//! | `client`, `server` | the layers |
//! | `error`, `wire` | errors; constants and helpers of the record format |
//! | `x25519` | public keys that are points on the curve |

mod client;
mod client_hello;
mod error;
mod flight;
mod hello;
mod profile;
mod records;
mod server;
#[cfg(test)]
mod tests;
mod wire;
mod x25519;

pub(crate) use client::FakeTlsClient;
pub use client::FakeTlsClientConfig;
pub use error::FakeTlsError;
pub(crate) use flight::write as write_answer;
pub use flight::{ANSWER_LEN_MAX, FlightShape};
pub use hello::{
    AcceptedHello, ClientHello, HELLO_BODY_LEN, HELLO_RECORDS_MAX, HelloError, ServerName,
    TimeWindow,
};
pub use profile::{HELLO_LEN_MAX, Profile, ProfileError};
pub(crate) use records::Records;
pub(crate) use server::FakeTlsServer;
pub use server::FakeTlsServerConfig;
