//! Requests to the driver, and why a relay ended.

use core::fmt;

use mtp_crypto::DcId;

use crate::detect::Protocol;
use crate::faketls::{FakeTlsError, HelloError};
use crate::framing::FrameError;
use crate::middle_proxy::rpc::RequestFlags;
use crate::proxy_protocol::ProxyHeaderError;
use crate::replay::ReplayKey;
use crate::secret::Domain;

/// Request to the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelayEvent {
    /// Look up the key in the replay store, then call
    /// [`handle_seen`](super::Relay::handle_seen).
    CheckReplay(ReplayKey),
    /// The connection is rejected. For counters and logs; the consequence is a separate event.
    Refused(RelayRefusal),
    /// Connect, then call [`handle_upstream_connected`](super::Relay::handle_upstream_connected) or
    /// [`handle_upstream_failed`](super::Relay::handle_upstream_failed).
    Dial(Target),
    /// Open a client of a [`MiddlePool`](crate::middle_proxy::pool::MiddlePool), then pass it the packets of
    /// [`next_packet`](super::Relay::next_packet). With
    /// [`Carry::Middle`](super::Carry::Middle) only.
    OpenMiddle {
        /// The requested data center.
        dc: DcId,
        /// Index of the client's secret in [`secrets`](super::RelayConfig::secrets).
        secret: usize,
        /// The client's transport.
        flags: RequestFlags,
    },
    /// Close both connections. The output is drained.
    Close {
        /// The reason.
        reason: CloseReason,
        /// Index of the client's secret, if it knew one.
        secret: Option<usize>,
        /// The traffic.
        traffic: Traffic,
    },
}

/// Target of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A data center, for a client that knows a secret.
    DataCenter {
        /// The data center. The driver selects its address.
        dc: DcId,
        /// Index of the client's secret in [`secrets`](super::RelayConfig::secrets).
        secret: usize,
    },
    /// The fronting site, for other connections.
    Site {
        /// The requested server name, if it is the domain of a secret; otherwise connect to the
        /// default site. A name that resolves to the proxy itself causes a loop.
        name: Option<Domain>,
    },
}

/// Reason for the end of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client closed.
    ClientEof,
    /// The upstream closed.
    UpstreamEof,
    /// The upstream could not be reached.
    DialFailed,
    /// Connecting to the upstream timed out.
    DialTimeout,
    /// Both sides were idle for too long.
    Idle,
    /// The connection was rejected and not forwarded.
    Refused(RelayRefusal),
    /// The client requested a data center that is not served.
    UnknownDc(DcId),
    /// The PROXY protocol header is missing or invalid.
    ProxyHeader(ProxyHeaderError),
    /// The client violated FakeTLS after its hello.
    Records(FakeTlsError),
    /// The client violated its framing; in the middle mode only.
    Frames(FrameError),
}

/// Why a connection is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelayRefusal {
    /// No secret allows the detected protocol.
    Protocol(Protocol),
    /// The client hello is invalid.
    Hello(HelloError),
    /// The obfuscated header matches no secret, or names a framing that the secret does not allow.
    Header,
    /// The obfuscated header was seen before.
    Replayed,
    /// The opening was not complete before the deadline.
    Timeout,
}

impl fmt::Display for RelayRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(protocol) => write!(f, "{protocol} is not accepted"),
            Self::Hello(error) => error.fmt(f),
            Self::Header => f.write_str("obfuscated header matches no secret"),
            Self::Replayed => f.write_str("replayed obfuscated header"),
            Self::Timeout => f.write_str("handshake timed out"),
        }
    }
}

/// Bytes carried by a relay, without handshakes and record headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there are two directions")]
pub struct Traffic {
    /// From the client to the upstream.
    pub up: u64,
    /// From the upstream to the client.
    pub down: u64,
}

/// Error for bytes passed while the relay does not accept any. None were consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct Overrun;

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientEof => f.write_str("client closed the connection"),
            Self::UpstreamEof => f.write_str("upstream closed the connection"),
            Self::DialFailed => f.write_str("upstream is unreachable"),
            Self::DialTimeout => f.write_str("connecting to the upstream timed out"),
            Self::Idle => f.write_str("idle timeout"),
            Self::Refused(refusal) => write!(f, "rejected: {refusal}"),
            Self::UnknownDc(dc) => write!(f, "data center {dc} is not served"),
            Self::ProxyHeader(error) => error.fmt(f),
            Self::Records(error) => error.fmt(f),
            Self::Frames(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("relay does not accept bytes at the moment")
    }
}

impl core::error::Error for Overrun {}
