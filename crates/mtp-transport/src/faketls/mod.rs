//! FakeTLS: connections to a proxy that look like TLS 1.3 to a web site.
//!
//! ```text
//!   client                                              server
//!   ClientHello, digest in its random ─────────────▶   digest, clock, replay, server name
//!                                                       or: all bytes to a real site
//!   digest checked ◀────── ServerHello, 14, one 17      digest in its random
//!   14, records of 17 ─────────────────────────────▶   obfuscated stream
//!   obfuscated stream ◀──────────────── records of 17
//! ```
//!
//! No cryptography of TLS takes place. Both hellos prove with an HMAC under the secret's key that
//! their sender knows it; everything else about them is camouflage.
//!
//! | module | idea |
//! |---|---|
//! | [`profile`] | what a client's hello looks like, as a text file |
//! | `client_hello` | a hello written and signed after a profile |
//! | [`hello`] | a hello collected and judged by the server |
//! | [`flight`] | the server's answer, written and checked |
//! | `records` | the data phase, both ways |
//! | [`client`], [`server`] | the layers |
//! | `x25519` | public keys that are points of the curve |

pub mod client;
mod client_hello;
pub mod flight;
pub mod hello;
pub mod profile;
mod records;
pub mod server;
mod x25519;

use core::fmt;

pub(crate) use client::FakeTlsClient;
pub use client::FakeTlsClientConfig;
pub use flight::FlightShape;
pub use hello::{HelloError, ServerName, TimeWindow};
pub use profile::{Profile, ProfileError};
pub(crate) use records::Records;
pub(crate) use server::FakeTlsServer;
pub use server::FakeTlsServerConfig;

use crate::link::LinkError;
use x25519::X25519_LEN;

/// The longest hello that clients send, in bytes with its record header.
// spec: transport 8.1
pub const HELLO_LEN_MAX: usize = 4096;

/// Says what is wrong with what a FakeTLS peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FakeTlsError {
    /// A server refuses the client's hello; the connection belongs to the fronting site.
    Hello(HelloError),
    /// The server's answer is not made of the records expected.
    Answer,
    /// The server's answer is longer than any real one.
    AnswerTooLong,
    /// The server's answer was not made with our key and for our hello: the secret or our clock is
    /// wrong, or it is a real web site.
    AnswerDigest,
    /// A record of a kind that has no place in the data phase.
    RecordKind {
        /// The record's first byte.
        found: u8,
    },
    /// A record that is not of version 3.3.
    RecordVersion {
        /// The version found.
        found: u16,
    },
    /// A record longer than the limit.
    RecordTooLong {
        /// The length announced, in bytes.
        len: u16,
    },
    /// The peer ended the connection with an alert.
    Alert,
    /// The connection ended within a hello, an answer or a record.
    Truncated,
}

impl fmt::Display for FakeTlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello(error) => error.fmt(f),
            Self::Answer => {
                f.write_str("answer to the tls hello is not made of the records expected")
            }
            Self::AnswerTooLong => f.write_str("answer to the tls hello is too long"),
            Self::AnswerDigest => f.write_str("answer to the tls hello has the wrong digest"),
            Self::RecordKind { found } => write!(f, "tls record of kind {found:02x}"),
            Self::RecordVersion { found } => write!(f, "tls record of version {found:04x}"),
            Self::RecordTooLong { len } => write!(f, "tls record of {len} bytes is too long"),
            Self::Alert => f.write_str("tls alert"),
            Self::Truncated => f.write_str("connection ended within a tls record"),
        }
    }
}

impl core::error::Error for FakeTlsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Hello(error) => Some(error),
            _ => None,
        }
    }
}

impl From<HelloError> for FakeTlsError {
    fn from(error: HelloError) -> Self {
        Self::Hello(error)
    }
}

impl From<FakeTlsError> for LinkError {
    fn from(error: FakeTlsError) -> Self {
        Self::FakeTls(error)
    }
}

/// The kinds of records, and the versions they carry.
const CHANGE_CIPHER_SPEC: u8 = 0x14;
const ALERT: u8 = 0x15;
const HANDSHAKE: u8 = 0x16;
const APPLICATION_DATA: u8 = 0x17;
const TLS_1_2: [u8; 2] = [3, 3];
const RECORD_HEADER_LEN: usize = 5;

/// The record that TLS 1.3 keeps sending for the sake of middleboxes.
const CHANGE_CIPHER_SPEC_RECORD: [u8; 6] = [CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1];

/// Where the random stands in a record with a hello, of either side.
const RANDOM_AT: usize = 11;
const RANDOM_LEN: usize = 32;

/// The three cipher suites of TLS 1.3 that real clients offer.
const SUITES: core::ops::RangeInclusive<u16> = 0x1301..=0x1303;

/// The hybrid group X25519MLKEM768 and plain X25519.
const GROUP_HYBRID: u16 = 0x11ec;
const GROUP_X25519: u16 = 0x001d;

/// The length of an ML-KEM-768 encapsulation key, in bytes.
const ML_KEM_768_KEY_LEN: usize = 1184;

/// Returns the header of a record of version 3.3.
fn record_header(kind: u8, len: u16) -> [u8; RECORD_HEADER_LEN] {
    let ([major, minor], [high, low]) = (TLS_1_2, len.to_be_bytes());
    [kind, major, minor, high, low]
}

/// The content of a record and what follows it, `None` while bytes are missing.
type Split<'a> = Option<(&'a [u8], &'a [u8])>;

/// Draws a number below `bound`; the bias of at most `bound` in 2^32 shows in no hello.
fn draw_below(bound: u32, entropy: &mut dyn mtp_env::Entropy) -> u32 {
    let mut word = [0; 4];
    entropy.fill(&mut word);
    (u64::from(u32::from_le_bytes(word)).wrapping_mul(u64::from(bound)) >> 32) as u32
}

#[cfg(test)]
mod tests;
