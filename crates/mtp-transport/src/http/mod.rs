//! HTTP as a carrier: one packet per request, one packet per answer, no framing, no obfuscation.
//!
//! ```text
//!   client                                         server
//!   POST /api, body = packet ───────────────────▶  Packet
//!   Packet  ◀─────────────── 200, body = packet     (held until there is something to say)
//!   nothing ◀─────────────── 200, empty             (the wait ran out)
//!   Error   ◀─────────────── 404, 429, …            (a transport error; the connection closes)
//! ```
//!
//! At most one request is on the way in each connection. A client that wants to send while its
//! poll is held opens a second connection; one that sends ahead all the same gets the held request
//! answered with nothing, so that the next can have its turn.
//!
//! | module | idea |
//! |---|---|
//! | [`client`] | one request after the other, answers taken apart |
//! | [`server`] | requests judged, held and answered |
//! | `head` | where a head ends, and what its length says |

pub mod client;
mod head;
pub mod server;

use core::fmt;

use crate::link::LinkError;

pub(crate) use client::HttpClient;
pub use client::{ForwardProxy, HttpClientConfig};
pub(crate) use head::{HeadScanner, complete, lists, value};
pub use server::HttpServerConfig;
pub(crate) use server::{HttpServer, refuse};

/// The longest head of a request or an answer, in bytes.
// spec: transport 15
pub const HEAD_LEN_MAX: usize = 16_384;

/// The longest path, in bytes.
// spec: transport 10.1
pub const PATH_LEN_MAX: usize = 14;

/// How many header lines a head may have.
///
/// Browsers behind several proxies send some thirty.
pub const HEADERS_MAX: usize = 64;

/// Says which end point of a data centre is asked.
// spec: transport 10.1
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiPath {
    /// The test environment.
    pub test: bool,
    /// The answer shall let pages of other sites read it.
    pub cors: bool,
}

impl ApiPath {
    /// Returns the path as clients write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match (self.cors, self.test) {
            (false, false) => "/api",
            (false, true) => "/api_test",
            (true, false) => "/apiw1",
            (true, true) => "/apiw_test1",
        }
    }

    /// Reads a path as the reference server does: by its beginning.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/api")?;
        let cors = rest.starts_with('w');
        Some(Self { test: rest.contains("_test"), cors })
    }
}

/// Says what is wrong with what an HTTP peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// A head over [`HEAD_LEN_MAX`] bytes, [`HEADERS_MAX`] lines or a path over [`PATH_LEN_MAX`].
    HeadTooLong,
    /// A head that is not HTTP, or contradicts itself about the body's length.
    Malformed,
    /// A body without a stated length.
    LengthRequired,
    /// A body over the limit.
    BodyTooLong {
        /// The length announced, in bytes.
        len: u64,
        /// The limit that it must stay below, in bytes.
        limit: usize,
    },
    /// A method other than POST and OPTIONS, or a POST without a body.
    NotImplemented,
    /// A path that is not ours or a body that is no packet.
    NotFound,
    /// More requests were sent ahead than are kept.
    TooManyRequests,
    /// The answer did not come in time.
    NoAnswer,
    /// The connection ended within an answer.
    Truncated,
    /// Bytes that belong to no request.
    Unasked,
}

impl HttpError {
    /// Returns the status a server answers with, `None` if the peer is no client.
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
            Self::HeadTooLong => f.write_str("http head or path is too long"),
            Self::Malformed => f.write_str("malformed http head"),
            Self::LengthRequired => f.write_str("http body without a length"),
            Self::BodyTooLong { len, limit } => {
                write!(f, "http body of {len} bytes, expected fewer than {limit}")
            }
            Self::NotImplemented => f.write_str("http method not implemented or no body"),
            Self::NotFound => f.write_str("http path unknown or body not a packet"),
            Self::TooManyRequests => f.write_str("http requests sent ahead"),
            Self::NoAnswer => f.write_str("no http answer in time"),
            Self::Truncated => f.write_str("connection ended within an http answer"),
            Self::Unasked => f.write_str("http answer without a request"),
        }
    }
}

impl core::error::Error for HttpError {}

impl From<HttpError> for LinkError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

#[cfg(test)]
mod tests;
