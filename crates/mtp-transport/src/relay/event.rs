//! What a relay asks of its driver, and how it ends.

use core::fmt;

use super::opening::Refusal;
use crate::faketls::FakeTlsError;
use crate::obfuscation::DcId;
use crate::proxy_protocol::PrefaceError;
use crate::replay::ReplayKey;
use crate::secret::Domain;

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelayEvent {
    /// Look the key up in the store that all connections share, and answer with
    /// [`handle_seen`](super::Relay::handle_seen).
    CheckReplay(ReplayKey),
    /// It is not a client of ours, for the log: what comes of it is another event.
    Refused(Refusal),
    /// Connect, then call [`handle_upstream_connected`](super::Relay::handle_upstream_connected) or
    /// [`handle_upstream_failed`](super::Relay::handle_upstream_failed).
    Dial(Target),
    /// Close both connections; what was to be sent has been taken.
    Close {
        /// Why.
        reason: CloseReason,
        /// The number of the secret that the client knew, if it knew one.
        secret: Option<usize>,
        /// What was carried.
        traffic: Traffic,
    },
}

/// Whom to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A data centre, for a client that knows a secret.
    DataCenter {
        /// Which one; its address is the driver's choice.
        dc: DcId,
        /// The number of the client's secret in [`secrets`](super::RelayConfig::secrets).
        secret: usize,
    },
    /// The site that the proxy pretends to be, for everyone else.
    Site {
        /// The domain asked for, if it is that of a secret; otherwise take the usual site. Mind
        /// that a name which resolves to the proxy itself makes a loop.
        name: Option<Domain>,
    },
}

/// Why a relay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client closed.
    ClientEof,
    /// The upstream closed.
    UpstreamEof,
    /// The upstream could not be reached.
    DialFailed,
    /// The upstream was not reached in time.
    DialTimeout,
    /// Nothing came from either side for too long.
    Idle,
    /// Not a client of ours, and there is no site to be.
    Refused(Refusal),
    /// The client named a data centre that is not served.
    UnknownDc(DcId),
    /// No load balancer spoke first, though one should.
    Preface(PrefaceError),
    /// The client broke the rules of its records.
    Records(FakeTlsError),
}

/// How many bytes a relay carried, without handshakes and records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there are two directions")]
pub struct Traffic {
    /// From the client to the upstream.
    pub up: u64,
    /// From the upstream to the client.
    pub down: u64,
}

/// Says that bytes were given while they were not wanted; nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientEof => f.write_str("the client closed"),
            Self::UpstreamEof => f.write_str("the upstream closed"),
            Self::DialFailed => f.write_str("the upstream could not be reached"),
            Self::DialTimeout => f.write_str("the upstream was not reached in time"),
            Self::Idle => f.write_str("nothing came for too long"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::UnknownDc(dc) => write!(f, "data centre {dc} is not served"),
            Self::Preface(error) => error.fmt(f),
            Self::Records(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes were given while they were not wanted")
    }
}

impl core::error::Error for Overrun {}
