//! What can go wrong in a key exchange.

use core::fmt;

use mtp_crypto::exchange::{DhGroupError, DhValueError, FactorError, RsaEncryptError};
use mtp_tl::{ConstructorId, DecodeError};

use super::DcId;

/// Why a key exchange was refused or ended.
///
/// Every variant but the deadline is a misdeed of the peer, or of somebody on the path: nothing in
/// a key exchange is authenticated before its last answer. The exchange is dead afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The packet is not a plain message: its key id is not zero, or its length does not fit.
    Envelope,
    /// The packet is longer than any message of the exchange.
    TooLong {
        /// Bytes of the packet.
        len: usize,
    },
    /// A message does not parse.
    Malformed(DecodeError),
    /// A message that the exchange does not know, or not now.
    Unexpected(ConstructorId),
    /// The nonces of a message are not those of the run.
    Nonce,
    /// The server offers no key that the client knows.
    UnknownFingerprint,
    /// The server's number is too long to be factored.
    PqLen {
        /// Its bytes.
        len: usize,
    },
    /// The server's number is not the product of two primes.
    Factor(FactorError),
    /// An encrypted part has a length that no sender makes.
    EncryptedLen {
        /// Bytes of the part.
        len: usize,
    },
    /// The client's data cannot be encrypted; only a broken source of randomness does that.
    Encrypt(RsaEncryptError),
    /// The decrypted data of the server is not what its hash says, or not for this run.
    Answer,
    /// The server's group is not acceptable.
    Group(DhGroupError),
    /// The peer's public value is not acceptable.
    PublicValue(DhValueError),
    /// The last answer does not prove knowledge of the new key.
    KeyHash,
    /// The new key has the id zero, which means "no key".
    ZeroKeyId,
    /// The server authentically refused to make a key.
    Refused,
    /// More colliding keys than the configuration allows.
    Retries,
    /// A query names a run that is not there, or that died.
    UnknownRun,
    /// The client has not factored the server's number.
    WrongFactors,
    /// The client used a key that was not offered to it.
    NotOffered,
    /// The client's encrypted data is not what it should be. One variant for every cause, so that
    /// no report can tell what an answer on the wire must not.
    // spec: crypto 8.11
    InnerData,
    /// The client encrypts as before 2021, which the configuration's `rsa_schemes` does not allow. What it gets is the
    /// same as for [`InnerData`](Self::InnerData).
    // spec: crypto 8.5
    LegacyScheme,
    /// The client wants another data centre.
    WrongDc(DcId),
    /// The client began more runs on one link than the configuration allows.
    TooManyRuns,
    /// The exchange took too long.
    Deadline,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Envelope => f.write_str("not a plain message"),
            Self::TooLong { len } => write!(f, "packet of {len} bytes in a key exchange"),
            Self::Malformed(error) => write!(f, "malformed message: {error}"),
            Self::Unexpected(id) => write!(f, "unexpected message {id}"),
            Self::Nonce => f.write_str("nonce of another run"),
            Self::UnknownFingerprint => f.write_str("no known server key offered"),
            Self::PqLen { len } => write!(f, "pq of {len} bytes"),
            Self::Factor(error) => write!(f, "bad pq: {error}"),
            Self::EncryptedLen { len } => write!(f, "encrypted part of {len} bytes"),
            Self::Encrypt(error) => write!(f, "inner data not encrypted: {error}"),
            Self::Answer => f.write_str("decrypted answer does not match its hash or run"),
            Self::Group(error) => write!(f, "bad group: {error}"),
            Self::PublicValue(error) => write!(f, "bad public value: {error}"),
            Self::KeyHash => f.write_str("last answer does not prove the new key"),
            Self::ZeroKeyId => f.write_str("new key has id zero"),
            Self::Refused => f.write_str("the server refused to make a key"),
            Self::Retries => f.write_str("too many colliding keys"),
            Self::UnknownRun => f.write_str("no such run"),
            Self::WrongFactors => f.write_str("wrong factors"),
            Self::NotOffered => f.write_str("server key was not offered"),
            Self::InnerData => f.write_str("bad encrypted data"),
            Self::LegacyScheme => f.write_str("encrypted with the legacy scheme, not allowed"),
            Self::WrongDc(dc) => write!(f, "key wanted for another data centre: {dc}"),
            Self::TooManyRuns => f.write_str("too many runs on one link"),
            Self::Deadline => f.write_str("key exchange took too long"),
        }
    }
}

impl core::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Factor(error) => Some(error),
            Self::Encrypt(error) => Some(error),
            Self::Group(error) => Some(error),
            Self::PublicValue(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DecodeError> for HandshakeError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<DhGroupError> for HandshakeError {
    fn from(error: DhGroupError) -> Self {
        Self::Group(error)
    }
}

impl From<DhValueError> for HandshakeError {
    fn from(error: DhValueError) -> Self {
        Self::PublicValue(error)
    }
}

impl From<FactorError> for HandshakeError {
    fn from(error: FactorError) -> Self {
        Self::Factor(error)
    }
}

impl From<RsaEncryptError> for HandshakeError {
    fn from(error: RsaEncryptError) -> Self {
        Self::Encrypt(error)
    }
}
