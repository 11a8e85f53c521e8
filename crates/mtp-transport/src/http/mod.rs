//! The HTTP layer: one packet in each request and response, without framing and obfuscation.
//!
//! ```text
//!   client                                         server
//!   POST /api, body = packet ───────────────────▶  Packet
//!   Packet  ◀─────────────── 200, body = packet     (held until there is a packet to send)
//!   nothing ◀─────────────── 200, empty             (the hold time expired)
//!   Error   ◀─────────────── 404, 429, …            (a transport error; the connection closes)
//! ```
//!
//! A connection has at most one request in flight. To send while a request is held, a client opens a
//! second connection. If it pipelines a request instead, the held one gets an empty response.
//!
//! | module | contents |
//! |---|---|
//! | `client` | requests in sequence, responses parsed |
//! | `server` | requests checked, held and answered |
//! | `head` | the end of a head, and the headers about its body |

mod client;
mod head;
mod server;
#[cfg(test)]
mod tests;

use core::fmt;

pub(crate) use client::HttpClient;
pub use client::{ForwardProxy, HttpClientConfig};
pub(crate) use head::{HeadScanner, complete, lists, value};
pub use server::HttpServerConfig;
pub(crate) use server::{HttpServer, refuse};

/// The longest head of a request or response, in bytes.
// spec: transport 15
pub const HEAD_LEN_MAX: usize = 16_384;

/// The longest path, in bytes.
// spec: transport 10.1
pub const PATH_LEN_MAX: usize = 14;

/// Maximum number of header lines in a head.
///
/// Browsers behind several proxies send about thirty.
pub const HEADERS_MAX: usize = 64;

/// The HTTP endpoint of a data center.
// spec: transport 10.1
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol has these four paths")]
pub struct ApiPath {
    /// Selects the test environment.
    pub test: bool,
    /// Requests CORS headers, so that pages of other origins can read the response.
    pub cors: bool,
}

impl ApiPath {
    /// Returns the path that clients send.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match (self.cors, self.test) {
            (false, false) => "/api",
            (false, true) => "/api_test",
            (true, false) => "/apiw1",
            (true, true) => "/apiw_test1",
        }
    }

    /// Parses a path by its prefix, like the reference server.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/api")?;
        let cors = rest.starts_with('w');
        Some(Self { test: rest.contains("_test"), cors })
    }
}

/// Violations of HTTP by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// A head above [`HEAD_LEN_MAX`] bytes or [`HEADERS_MAX`] lines, or a path above
    /// [`PATH_LEN_MAX`].
    HeadTooLong,
    /// A head that is not HTTP, or has contradictory lengths.
    Malformed,
    /// A body without a length.
    LengthRequired,
    /// A body above the limit.
    BodyTooLong {
        /// The declared length in bytes.
        len: u64,
        /// The limit in bytes; bodies must be shorter.
        limit: usize,
    },
    /// A method other than POST and OPTIONS, or a POST without a body.
    NotImplemented,
    /// An unknown path, or a body that is not a packet.
    NotFound,
    /// Too many pipelined requests.
    TooManyRequests,
    /// No response before the deadline.
    NoAnswer,
    /// The connection ended within a response.
    Truncated,
    /// Bytes without a request.
    Unasked,
}

impl HttpError {
    /// Returns the status of the server's response, or `None` if the peer is the server.
    // spec: transport 10.3
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Malformed => Some(400),
            Self::NotFound => Some(404),
            Self::LengthRequired => Some(411),
            Self::BodyTooLong { .. } => Some(413),
            Self::HeadTooLong => Some(414),
            Self::TooManyRequests => Some(429),
            Self::NotImplemented => Some(501),
            Self::NoAnswer | Self::Truncated | Self::Unasked => None,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeadTooLong => f.write_str("HTTP head or path is too long"),
            Self::Malformed => f.write_str("malformed HTTP head"),
            Self::LengthRequired => f.write_str("HTTP body without a length"),
            Self::BodyTooLong { len, limit } => {
                write!(f, "HTTP body of {len} bytes, expected fewer than {limit}")
            }
            Self::NotImplemented => f.write_str("HTTP method not implemented or body missing"),
            Self::NotFound => f.write_str("HTTP path unknown or body not a packet"),
            Self::TooManyRequests => f.write_str("too many pipelined HTTP requests"),
            Self::NoAnswer => f.write_str("HTTP response timed out"),
            Self::Truncated => f.write_str("connection ended within an HTTP response"),
            Self::Unasked => f.write_str("HTTP response without a request"),
        }
    }
}

impl core::error::Error for HttpError {}
