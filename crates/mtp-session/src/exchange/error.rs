//! Errors of the key exchange.

use core::fmt;

use mtp_crypto::DcId;
use mtp_crypto::exchange::{DhGroupError, DhValueError, FactorError, RsaEncryptError};
use mtp_tl::{ConstructorId, DecodeError};

/// Errors of the key exchange.
///
/// Every variant except `Deadline` and `Encrypt` is a violation by the peer or by an attacker on the path: nothing in a
/// key exchange is authenticated before its last answer. Every error ends the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The packet is not a plain message: its key id is not zero or its length is wrong.
    Envelope,
    /// The packet is longer than any message of the exchange.
    TooLong {
        /// Length of the packet in bytes.
        len: usize,
    },
    /// A message does not parse.
    Malformed(DecodeError),
    /// A message that is unknown or out of order.
    Unexpected(ConstructorId),
    /// The nonces of a message do not belong to the run.
    Nonce,
    /// The client trusts none of the offered server keys.
    UnknownFingerprint,
    /// `pq` is too long to be factored.
    PqLen {
        /// Its length in bytes.
        len: usize,
    },
    /// `pq` is not the product of two primes.
    Factor(FactorError),
    /// An encrypted field has an invalid length.
    EncryptedLen {
        /// Length of the field in bytes.
        len: usize,
    },
    /// The client's data cannot be encrypted; only a broken entropy source causes this.
    Encrypt(RsaEncryptError),
    /// The decrypted answer of the server does not match its hash or its run.
    Answer,
    /// The server's Diffie-Hellman group is not acceptable.
    Group(DhGroupError),
    /// The peer's public value is not acceptable.
    PublicValue(DhValueError),
    /// The last answer does not prove knowledge of the new key.
    KeyHash,
    /// The new key has the id zero, which denotes a plain message.
    ZeroKeyId,
    /// The server refused the key, authenticated by the new nonce.
    Refused,
    /// More key collisions than the configuration allows.
    Retries,
    /// A query belongs to no known run.
    UnknownRun,
    /// The client sent wrong factors of `pq`.
    WrongFactors,
    /// The client used a server key that was not offered.
    NotOffered,
    /// The client's encrypted data is invalid. One variant for every cause: reports must not reveal more than the wire
    /// does.
    // spec: crypto 8.11
    InnerData,
    /// The client uses the RSA scheme from before 2021, which `rsa_schemes` does not allow. The client sees the same
    /// transport error as for [`InnerData`](Self::InnerData).
    // spec: crypto 8.5
    LegacyScheme,
    /// The client requests a key of another data center.
    WrongDc(DcId),
    /// The client started more runs on one link than the configuration allows.
    TooManyRuns,
    /// The exchange took too long.
    Deadline,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Envelope => f.write_str("not a plain message"),
            Self::TooLong { len } => {
                write!(f, "packet of {len} bytes is too long for a key exchange")
            }
            Self::Malformed(_) => f.write_str("malformed message"),
            Self::Unexpected(id) => write!(f, "unexpected message {id}"),
            Self::Nonce => f.write_str("nonce of another run"),
            Self::UnknownFingerprint => f.write_str("no trusted server key offered"),
            Self::PqLen { len } => write!(f, "pq of {len} bytes"),
            Self::Factor(_) => f.write_str("invalid pq"),
            Self::EncryptedLen { len } => write!(f, "encrypted field of {len} bytes"),
            Self::Encrypt(_) => f.write_str("inner data cannot be encrypted"),
            Self::Answer => f.write_str("decrypted answer does not match its hash or run"),
            Self::Group(_) => f.write_str("unacceptable Diffie-Hellman group"),
            Self::PublicValue(_) => f.write_str("unacceptable public value"),
            Self::KeyHash => f.write_str("last answer does not prove the new key"),
            Self::ZeroKeyId => f.write_str("new key has id zero"),
            Self::Refused => f.write_str("the server refused the key"),
            Self::Retries => f.write_str("too many key collisions"),
            Self::UnknownRun => f.write_str("unknown run"),
            Self::WrongFactors => f.write_str("wrong factors"),
            Self::NotOffered => f.write_str("server key was not offered"),
            Self::InnerData => f.write_str("invalid encrypted data"),
            Self::LegacyScheme => f.write_str("legacy RSA scheme is not allowed"),
            Self::WrongDc(dc) => write!(f, "key requested for another data center: {dc}"),
            Self::TooManyRuns => f.write_str("too many runs on one link"),
            Self::Deadline => f.write_str("key exchange timed out"),
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
