//! FakeTLS errors.

use core::fmt;

use super::HelloError;

/// Violations of FakeTLS by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FakeTlsError {
    /// The server rejects the client's hello; forward the connection to the fronting site.
    Hello(HelloError),
    /// The server's answer does not consist of the expected records.
    Answer,
    /// The server's answer is longer than any genuine one.
    AnswerTooLong,
    /// The server's answer has the wrong digest: the secret or the local clock is wrong, or the
    /// answer comes from a real web site.
    AnswerDigest,
    /// A record of a type that is not allowed in the data phase.
    RecordKind {
        /// The record type.
        found: u8,
    },
    /// A record with a version other than 3.3.
    RecordVersion {
        /// The version.
        found: u16,
    },
    /// A record longer than the limit.
    RecordTooLong {
        /// The declared length in bytes.
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
            Self::Answer => f.write_str("answer to the TLS hello has unexpected records"),
            Self::AnswerTooLong => f.write_str("answer to the TLS hello is too long"),
            Self::AnswerDigest => f.write_str("answer to the TLS hello has the wrong digest"),
            Self::RecordKind { found } => write!(f, "unexpected TLS record of type {found:02x}"),
            Self::RecordVersion { found } => write!(f, "TLS record with version {found:04x}"),
            Self::RecordTooLong { len } => write!(f, "TLS record of {len} bytes is too long"),
            Self::Alert => f.write_str("TLS alert"),
            Self::Truncated => f.write_str("connection ended within a TLS record"),
        }
    }
}

impl core::error::Error for FakeTlsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Hello(error) => error.source(),
            _ => None,
        }
    }
}

impl From<HelloError> for FakeTlsError {
    fn from(error: HelloError) -> Self {
        Self::Hello(error)
    }
}
